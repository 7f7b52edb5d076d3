/* The process manager's plain logic: table of processes, waiting, signal decisions, job control.
 * Sources: nesters/process/table.c nesters/process/rules.c */
#include <stdio.h>
#include <string.h>
#include "../../nesters/process/manager.h"

static int number, failed;

#define CHECK(condition, sentence) do { \
	int ok = !!(condition); \
	failed += !ok; \
	printf("%sok %d - %s\n", ok ? "" : "not ", ++number, sentence); \
	if (!ok) \
		printf("# line %d: %s\n", __LINE__, #condition); \
} while (0)

static int sessions_ended;

void session_ended(struct session *s)
{
	sessions_ended++;
	s->id = 0;
}

static struct process *make(struct process *parent, int group)
{
	struct process *p = process_alloc();

	if (!parent) {
		session_enter(p, session_alloc(p->pid));
	} else {
		session_enter(p, parent->session);
		child_add(parent, p);
	}
	p->group = group ? group : p->pid;
	return p;
}

static void test_table(void)
{
	struct process *a, *b, *c;
	int count = 0;

	table_init();
	a = make(NULL, 0);
	b = make(a, a->group);
	c = make(b, 0);
	CHECK(a->pid == 2 && b->pid == 3 && c->pid == 4, "numbers begin at 2");
	CHECK(process_find(3) == b && !process_find(5) && !process_find(-1), "find by number");
	CHECK(a->children == b && c->parent == b, "children and parents");
	process_free(b);
	CHECK(!process_find(3) && a->children == NULL, "a freed process is not found");
	CHECK(thread_slot(START_THREAD) == 0 && thread_slot(IMAGE_THREAD_OBJECT(5)) == 5, "thread slots");
	CHECK(thread_slot(START_OBJECTS + 0x20010) == -1, "no thread slot in between");
	CHECK(thread_add(a, 3, IMAGE_THREAD_OBJECT(3), 77) && thread_find_tid(a, 77) == &a->thread[3], "thread by tid");
	CHECK(!thread_add(a, 3, IMAGE_THREAD_OBJECT(3), 78), "a slot is taken once");
	while (process_alloc())
		count++;
	CHECK(count == PROCESSES - 2, "the table can be filled");
}

static void test_numbers(void)
{
	struct process *a, *p;

	table_init();
	a = make(NULL, 0);
	for (int i = 0; i < 2 * PID_MAX; i++) {
		p = make(a, a->group);
		if (p->pid == a->pid || p->pid == PID_INIT)
			break;
		process_free(p);
	}
	CHECK(process_find(a->pid) == a, "a number in use is not given again");
	p = make(a, 0);
	CHECK(p->pid > PID_INIT && p->pid < PID_MAX, "numbers wrap");
}

static void test_sessions(void)
{
	struct process *a, *b;

	table_init();
	sessions_ended = 0;
	a = make(NULL, 0);
	b = make(a, a->group);
	CHECK(session_find(a->pid) == b->session, "the session has its leader's number");
	b->session->living = 1;
	process_free(b);
	process_free(a);
	CHECK(sessions_ended == 0, "a session stays while a body lives from its pool");
	session_find(2)->living = 0;
	session_check(session_find(2));
	CHECK(sessions_ended == 1, "and ends with it");
}

static void test_wait(void)
{
	struct process *a, *b, *c, *found = NULL;
	int n;

	table_init();
	a = make(NULL, 0);
	CHECK(wait_find(a, -1, WEXITED, &found, &n) == WAIT_NONE && n == 0, "no children: no candidates");
	b = make(a, a->group);
	c = make(a, 0);
	CHECK(wait_find(a, -1, WEXITED, &found, &n) == WAIT_NONE && n == 2, "running children are candidates");
	c->state = PROCESS_ZOMBIE;
	CHECK(wait_find(a, -1, WEXITED, &found, &n) == WAIT_EXITED && found == c, "any child");
	CHECK(wait_find(a, b->pid, WEXITED, &found, &n) == WAIT_NONE && n == 1, "one child by pid");
	CHECK(wait_find(a, 0, WEXITED, &found, &n) == WAIT_NONE && n == 1, "own group");
	CHECK(wait_find(a, -c->group, WEXITED, &found, &n) == WAIT_EXITED, "another group");
	CHECK(wait_find(a, -1, WUNTRACED, &found, &n) == WAIT_NONE, "a zombie only with WEXITED");
	c->being_reaped = 1;
	CHECK(wait_find(a, c->pid, WEXITED, &found, &n) == WAIT_NONE && n == 1, "a zombie is given out once, but is still a child");
	b->report_stop = 1;
	b->state = PROCESS_STOPPED;
	CHECK(wait_find(a, -1, WEXITED, &found, &n) == WAIT_NONE, "a stop only with WUNTRACED");
	CHECK(wait_find(a, -1, WEXITED | WUNTRACED, &found, &n) == WAIT_STOPPED && found == b, "a stopped child");
	CHECK(status_exited(3) == 0x300 && status_signalled(9) == 9 && status_stopped(20) == 0x147f, "statuses");
}

static void test_signals(void)
{
	struct disposition none = { 0, 0 }, ignore = { SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGCHLD), 0 },
		catch = { 0, SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGTSTP) }, all = { ~0ull, ~0ull };

	CHECK(signal_judge(SIGINT, none, 0, 0) == VERDICT_KILL, "default of SIGINT");
	CHECK(signal_judge(SIGINT, ignore, 0, 0) == VERDICT_DROP, "ignored");
	CHECK(signal_judge(SIGINT, catch, 0, 0) == VERDICT_PEND, "caught");
	CHECK(signal_judge(SIGINT, ignore, 1, 0) == VERDICT_PEND, "blocked stays pending even if ignored");
	CHECK(signal_judge(SIGKILL, all, 1, 0) == VERDICT_KILL && signal_judge(SIGSTOP, all, 1, 0) == VERDICT_STOP,
		"SIGKILL and SIGSTOP always");
	CHECK(signal_judge(SIGCHLD, none, 0, 0) == VERDICT_DROP && signal_judge(SIGWINCH, none, 0, 0) == VERDICT_DROP &&
		signal_judge(SIGCONT, none, 0, 0) == VERDICT_DROP, "defaults that do nothing");
	CHECK(signal_judge(SIGTSTP, none, 0, 0) == VERDICT_STOP && signal_judge(SIGTSTP, none, 0, 1) == VERDICT_DROP &&
		signal_judge(SIGTSTP, catch, 0, 1) == VERDICT_PEND, "terminal stops, not in an orphaned group");
	CHECK(signal_judge(40, none, 0, 0) == VERDICT_KILL, "real time signals end by default");
	CHECK(signal_discard_on_post(SIGCONT) & SIGNAL_BIT(SIGTTIN) &&
		signal_discard_on_post(SIGTSTP) == SIGNAL_BIT(SIGCONT), "stop and continue cancel each other");
}

static void test_jobs(void)
{
	struct process *shell, *job, *member, *other;

	table_init();
	shell = make(NULL, 0);
	job = make(shell, 0);
	member = make(job, job->group);
	CHECK(!group_orphaned(job->group, shell->session, NULL), "a job of a shell is not orphaned");
	CHECK(group_orphaned(job->group, shell->session, shell), "it is once the shell is gone");
	CHECK(group_orphaned(shell->group, shell->session, NULL), "the session leader's group is");
	CHECK(!group_has_stopped(job->group), "nobody stopped");
	member->state = PROCESS_STOPPED;
	CHECK(group_has_stopped(job->group), "a stopped member");
	CHECK(group_may_set(shell, job, job->pid) == 0, "a shell may move its child");
	CHECK(group_may_set(shell, member, member->pid) == ESRCH, "but not its grandchild");
	job->has_execed = 1;
	CHECK(group_may_set(shell, job, job->pid) == EACCES, "nor a child after its exec");
	CHECK(group_may_set(shell, shell, 0) == EPERM, "a session leader does not move");
	CHECK(group_may_set(member, member, 999) == EPERM, "only into a group that exists");
	CHECK(session_may_create(job) == EPERM && session_may_create(member) == 0, "setsid not for a group leader");
	other = make(NULL, 0);
	CHECK(group_may_set(member, member, other->group) == EPERM, "nor into another session's group");
}

int main(void)
{
	test_table();
	test_numbers();
	test_sessions();
	test_wait();
	test_signals();
	test_jobs();
	printf("1..%d\n", number);
	return failed != 0;
}
