/* What a nester holds, as it counts it itself (nest/nesting.h): a child's memory is its pool's, its objects and the time of its
 * threads are found by a search of its object segment.
 *
 * All of it runs in the view's one thread.  What is below goes on meanwhile, so an object may be gone when it is looked at:
 * the fault that follows leads to where the look began. */
#include <stdlib.h>
#include <string.h>
#include <startup.h>
#include <linux_abi.h>
#include <protocols/MemPool.h>
#include <protocols/Parent.h>
#include <protocols/Nesting_server.h>
#include <nest/child.h>
#include <nest/nesting.h>
#include <nest/serve.h>

#define FOUND	64u

static struct served view;
static char	own_name[NESTING_NAME];
static fluke_region_t *window_region;
static fluke_mapping_t *window_mapping;
static uint32_t	window;
static void	*leave[5];		/* where a fault leads */
static int	looking;

/* ---- objects ---- */

void nesting_trap(void);
void nesting_trapped(void);
__asm__(".text\nnesting_trap:\n\tandl $-16, %esp\n\tcall nesting_trapped\n");

void nesting_trapped(void)
{
	fluke_thread_enable_exceptions(NULL);
	if (!looking)
		libc_exit(126);
	__builtin_longjmp(leave, 1);
}

__attribute__((noinline)) int nesting_guarded(int (*function)(void *), void *argument)
{
	oskit_addr_t handlers[4];
	void *outer[5];
	int result, was = looking;

	memcpy(outer, leave, sizeof outer);
	fluke_thread_get_handlers(NULL, handlers);
	fluke_thread_set_handlers(NULL, (oskit_addr_t)nesting_trap, handlers[1], handlers[2], handlers[3]);
	fluke_thread_enable_exceptions(NULL);
	looking = 1;
	result = __builtin_setjmp(leave) ? EFAULT : function(argument);
	looking = was;
	memcpy(leave, outer, sizeof leave);
	fluke_thread_set_handlers(NULL, handlers[0], handlers[1], handlers[2], handlers[3]);
	return result;
}

struct one_thread { fluke_thread_t *thread; uint64_t time; uint32_t hash; };

static int look_time(void *argument)
{
	struct one_thread *t = argument;
	natural_t low, high;

	fluke_thread_used(t->thread, &low, &high);
	t->time = low | (uint64_t)high << 32;
	return 0;
}

static int look_hash(void *argument)
{
	static fluke_ref_t *ref;
	struct one_thread *t = argument;

	if (!ref && !(ref = ref_new()))
		return ENOMEM;
	fluke_thread_reference(t->thread, ref);
	t->hash = (uint32_t)fluke_ref_hash(ref);
	fluke_ref_clear(ref);
	return 0;
}

static void add_object(const fluke_obspec_t *o, struct NestingNumbers *n)
{
	uint32_t *const count[FLUKE_TYPES] = { [FLUKE_TYPE_THREAD] = &n->threads, [FLUKE_TYPE_SPACE] = &n->spaces,
		[FLUKE_TYPE_REGION] = &n->regions, [FLUKE_TYPE_MAPPING] = &n->mappings, [FLUKE_TYPE_PORT] = &n->ports,
		[FLUKE_TYPE_PORTSET] = &n->portsets, [FLUKE_TYPE_MUTEX] = &n->mutexes, [FLUKE_TYPE_COND] = &n->conds,
		[FLUKE_TYPE_REF] = &n->refs };
	struct one_thread t = { .thread = (fluke_thread_t *)o->ob };

	if (o->type < FLUKE_TYPES && count[o->type])
		++*count[o->type];
	if (o->type != FLUKE_TYPE_THREAD)
		return;
	nesting_guarded(look_time, &t);
	n->time += t.time;
}

/* Calls visit for each until it answers 1. */
static int search(fluke_region_t *region, oskit_addr_t offset, uint32_t size, int (*visit)(const fluke_obspec_t *o, void *to), void *to)
{
	fluke_obspec_t found[FOUND];
	oskit_addr_t end = offset + size;
	natural_t unused;

	while (offset < end) {
		unused = FOUND;
		fluke_region_search(region, &offset, end - offset, found, &unused);
		for (natural_t n = 0; n < FOUND - unused; n++)
			if (visit(&found[n], to))
				return 1;
	}
	return 0;
}

static int visit_count(const fluke_obspec_t *o, void *to)
{
	add_object(o, to);
	return 0;
}

static int visit_hash(const fluke_obspec_t *o, void *to)
{
	struct one_thread t = { .thread = (fluke_thread_t *)o->ob };

	if (o->type == FLUKE_TYPE_THREAD)
		nesting_guarded(look_hash, &t);
	return t.hash && t.hash == *(uint32_t *)to;
}

void nesting_search(fluke_region_t *region, uint32_t offset, uint32_t size, struct NestingNumbers *numbers)
{
	search(region, offset, size, visit_count, numbers);
}

/* An object segment, seen in the window; found: a visit answered 1. */
struct segment_search { fluke_ref_t *region; int (*visit)(const fluke_obspec_t *o, void *to); void *to; int found; };

static int search_segment(void *argument)
{
	fluke_mapping_state_t state = { .start_va = window, .size = START_OBJECTS_SIZE,
		.prot = FLUKE_PROT_OBJECT | FLUKE_PROT_READ | FLUKE_PROT_WRITE };
	struct segment_search *s = argument;

	if (fluke_ref_type(s->region) != FLUKE_TYPE_REGION)
		return ENOENT;
	fluke_mapping_set_state(window_mapping, &state, s->region, own_space());
	s->found = search(window_region, 0, START_OBJECTS_SIZE, s->visit, s->to);
	return 0;
}

void nesting_count(fluke_ref_t *region, fluke_ref_t *pool, struct NestingNumbers *numbers)
{
	struct segment_search s = { region, visit_count, numbers, 0 };
	uint32_t limit, used, unused;

	if (fluke_ref_type(pool) == FLUKE_TYPE_PORT && !MemPool_statistics(pool, &limit, &used, &unused)) {
		numbers->memory = used;
		numbers->limit = limit;
	}
	nesting_guarded(search_segment, &s);
}

int nesting_has_thread(fluke_ref_t *region, uint32_t hash)
{
	struct segment_search s = { region, visit_hash, &hash, 0 };

	nesting_guarded(search_segment, &s);
	return s.found;
}

static fluke_region_t *own_region(void)
{
	static fluke_region_t *region;

	if (!region)
		region = region_new(own_space(), START_OBJECTS, START_OBJECTS_SIZE, FLUKE_PROT_OBJECT, NULL);
	return region;
}

int nesting_is_own(uint32_t hash)
{
	return own_region() && search(own_region(), 0, START_OBJECTS_SIZE, visit_hash, &hash);
}

__attribute__((weak)) void nest_own(struct NestingNumbers *numbers)
{
	if (own_region())
		nesting_search(own_region(), 0, START_OBJECTS_SIZE, numbers);
}

/* ---- children made by child_new ---- */

static void describe(struct child *c, struct nesting_child *to)
{
	to->number = c->number;
	strlcpy(to->name, c->name, sizeof to->name);
	to->state = c->ended ? NESTING_ENDED : NESTING_LIVES;
	if (c->nesting)
		fluke_ref_copy(c->nesting, to->view);
}

__attribute__((weak)) void nest_child(uint32_t from, struct nesting_child *to)
{
	struct child *c = child_hold(from);

	if (!c)
		return;
	describe(c, to);
	nesting_count(c->objects_region, c->pool, &to->numbers);
	child_let_go();
}

__attribute__((weak)) int nest_whose(uint32_t hash, uint32_t from, struct nesting_child *to)
{
	struct child *c;
	int sure = 0;

	for (uint32_t n = 1; !sure && (c = child_hold(n)); n = c->number + 1) {
		sure = nesting_has_thread(c->objects_region, hash);
		if (sure || (!to->number && c->nesting && c->number >= from))
			describe(c, to);
		child_let_go();
	}
	return sure;
}

/* ---- the view ---- */

static void answer(struct request *r, struct nesting_child *c, uint32_t *number, const char **name, void **to)
{
	static char text[NESTING_NAME];		/* one thread, and the reply is made before the next request */

	strlcpy(text, c->name, sizeof text);
	*name = text;
	*number = c->number;
	if (fluke_ref_type(c->view) != FLUKE_NULL) {
		request_free_ref(r, c->view);
		*to = c->view;
	} else {
		ref_free(c->view);
		*to = NULL;
	}
}

static int view_about(void *self, struct request *r, const char **name, struct NestingNumbers *numbers)
{
	uint32_t limit, used, unused;
	fluke_ref_t *pool;

	(void)self, (void)r;
	memset(numbers, 0, sizeof *numbers);
	nest_own(numbers);
	pool = service_lookup("pool");
	if (pool && !numbers->memory && !MemPool_statistics(pool, &limit, &used, &unused)) {
		numbers->memory = used;
		numbers->limit = limit;
	}
	ref_free(pool);
	*name = own_name;
	return 0;
}

static int view_child(void *self, struct request *r, uint32_t from, uint32_t *number, const char **name, uint32_t *state,
	struct NestingNumbers *numbers, void **to)
{
	struct nesting_child c = { .view = ref_new() };

	(void)self;
	if (!c.view)
		return ENOMEM;
	nest_child(from ? from : 1, &c);
	*state = c.state;
	*numbers = c.numbers;
	answer(r, &c, number, name, to);
	return 0;
}

static int view_whose(void *self, struct request *r, uint32_t hash, uint32_t from, uint32_t *sure, uint32_t *number, const char **name,
	void **to)
{
	struct nesting_child c = { .view = ref_new() };

	(void)self;
	if (!c.view)
		return ENOMEM;
	*sure = (uint32_t)nesting_is_own(hash);
	if (!*sure)
		*sure = (uint32_t)nest_whose(hash, from ? from : 1, &c);
	answer(r, &c, number, name, to);
	return 0;
}

static const struct Nesting_methods methods = { .about = view_about, .child = view_child, .whose = view_whose };
static const struct interface interfaces[] = { { Nesting_INTERFACE, Nesting_dispatch, &methods }, { 0, NULL, NULL } };
static const struct served_class class = { .name = "nesting", .interfaces = interfaces };

fluke_ref_t *nesting_view(void)
{
	return view.port ? served_ref(&view) : NULL;
}

int nesting_begin(const char *name)
{
	struct server *server;
	fluke_ref_t *ref;

	if (view.port)
		return 0;
	strlcpy(own_name, name, sizeof own_name);
	window = (uint32_t)address_reserve(START_OBJECTS_SIZE);
	window_mapping = object_reserve(FLUKE_TYPE_MAPPING);
	window_region = window ? region_new(own_space(), window, START_OBJECTS_SIZE, FLUKE_PROT_OBJECT, NULL) : NULL;
	if (window_mapping)
		fluke_mapping_create(window_mapping);
	server = window_region && window_mapping ? server_new(1, 1, 4096) : NULL;
	if (!server || served_init(&view, &class, server) || !(ref = nesting_view()))
		return ENOMEM;
	Parent_nests(parent_ref(), ref);	/* whether it wants it or not */
	ref_free(ref);
	return 0;
}
