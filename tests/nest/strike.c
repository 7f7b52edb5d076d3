/* strike: a nester that does harm to the one below it, whichever it is, in the middle of its work.
 *
 *	strike kill|stop|pause|die FILE program [word ...]
 *
 * Waits until there is a file of that name, which what is below makes when it is at work.  kill: its child is destroyed. stop: all
 * threads of the child (not of what that nests) stand still for a second, as if it hung; then it is destroyed. pause: they go on
 * after that second. die: its first thread gets an instruction pointer that leads nowhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux_abi.h>
#include <startup.h>
#include <nest/child.h>
#include <nest/subtree.h>
#include <protocols/FileSystem.h>

#define MS	1000000ull

static const char *how, *file;
static struct child *victim;
static struct lock lock;		/* the victim is not destroyed under the striker's hands */
static int over;

static void fail(const char *what, int error)
{
	eprintf("strike: %s: %s\n", what, error_text(error));
	libc_exit(125);
}

static void pass(unsigned ms)
{
	clock_sleep_until(clock_now() + ms * MS);
}

static int exists(fluke_ref_t *fs)
{
	fluke_ref_t *to = ref_new();
	struct FileStatus status;
	int error = FileSystem_open(fs, file, O_RDONLY, 0, to, &status);

	ref_free(to);
	return !error;
}

/* All threads in the victim's own object segment. */
static void stand_still(void)
{
	static struct subtree threads;
	char *at = address_reserve(START_OBJECTS_SIZE);
	fluke_region_t *region;

	if (!at || !mapping_new(victim->objects_region, 0, NULL, (uint32_t)at, START_OBJECTS_SIZE, FLUKE_PROT_OBJECT | FLUKE_PROT_READ |
				FLUKE_PROT_WRITE))
		fail("window", ENOMEM);
	region = region_new(own_space(), (uint32_t)at, START_OBJECTS_SIZE, FLUKE_PROT_OBJECT, NULL);
	if (!region || subtree_init(&threads, region, (uint32_t)at, NULL) || subtree_find(&threads, 0, START_OBJECTS_SIZE))
		fail("threads", ENOMEM);
	subtree_stop(&threads);
	eprintf("strike: %s stands still, %u threads\n", victim->name, threads.threads);
	pass(1000);
	if (!strcmp(how, "pause"))
		subtree_resume(&threads);
}

static void derail(void)
{
	fluke_thread_t *thread = (fluke_thread_t *)(void *)(victim->window + (START_THREAD - START_OBJECTS));
	fluke_thread_state_t *state = calloc(1, sizeof *state);

	if (!state)
		fail("state", ENOMEM);
	fluke_thread_get_state(thread, state, NULL);
	state->regs.eip = 0;
	state->flags &= ~FLUKE_THREAD_STOPPED;
	fluke_thread_set_state(thread, state, NULL);
	free(state);
}

static void strike(void)
{
	if (!strcmp(how, "die")) {
		derail();
		return;
	}
	if (strcmp(how, "kill"))
		stand_still();
	if (strcmp(how, "pause")) {
		eprintf("strike: %s is ended\n", victim->name);
		child_end(victim, SIGKILL);
	}
}

static void striker(void *fs)
{
	while (!over && !exists(fs))
		pass(10);
	lock_take(&lock);
	if (!over && !victim->ended)
		strike();
	lock_drop(&lock);
	thread_exit();
}

int main(int argc, char **argv)
{
	struct server *server = server_new(2, 8, 0);
	fluke_ref_t *fs = service_lookup("fs"), *pool = service_lookup("pool");
	int error, status;

	if (argc < 4 || !server || !fs || !pool)
		fail("strike HOW FILE program", EINVAL);
	how = argv[1];
	file = argv[2];
	lock_init(&lock);
	victim = child_new(argv[3], server, pool, &error);
	if (!victim)
		fail(argv[3], error);
	if (!thread_start(striker, fs, 16384))
		fail("thread", ENOMEM);
	status = nest_run(victim, argv + 3);
	lock_take(&lock);
	over = 1;
	lock_drop(&lock);
	child_destroy(victim);
	nest_end(status);
}
