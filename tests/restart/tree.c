/* The whole subtree at once, as a checkpointer sees it: every object of the subjects is found and
 * read, all are destroyed, made again at their addresses, and given their states and links.  A
 * link to one of them is kept as that one's number, any other as a reference of the watcher's. */
#include "world.h"

#define OBJECTS		192u
#define OUTSIDE		64u
#define NOWHERE		(-1)

static fluke_obspec_t list[OBJECTS];
static struct record {
	integer_t	hash;
	int		link[FLUKE_THREAD_LINKS];	/* number of an object; from OBJECTS on: of an outside reference */
	union {
		fluke_mutex_state_t	mutex;
		fluke_cond_state_t	cond;
		fluke_mapping_state_t	mapping;
		fluke_region_state_t	region;
		fluke_port_state_t	port;
		fluke_space_state_t	space;
		uint32_t		thread;		/* which of threads[] */
	} state;
} record[OBJECTS];
static fluke_thread_state_t threads[8];
static fluke_ref_t *outside[OUTSIDE], *link[FLUKE_THREAD_LINKS], *probe;
static uint32_t count, outsiders;

uint32_t child_list(fluke_obspec_t *to, uint32_t room)
{
	oskit_addr_t offset = check_physical_of((void *)child_start);
	natural_t left = room;

	fluke_region_search(check_physical, &offset, CHILD_PAGES * FLUKE_PAGE_SIZE, to, &left);
	for (uint32_t i = 0; i < room - left; i++)
		to[i].ob += FLUKE_ROOT_PHYSICAL;
	return room - left;
}

void tree_begin(void)
{
	for (uint32_t i = 0; i < OUTSIDE; i++)
		outside[i] = check_ref_new();
	for (uint32_t i = 0; i < FLUKE_THREAD_LINKS; i++)
		link[i] = check_ref_new();
	probe = check_ref_new();
}

/* One line per type of what all have under the type's own name. */
#define ALL_TYPES(does) \
	does(MUTEX, mutex) does(COND, cond) does(MAPPING, mapping) does(REGION, region) does(PORT, port) \
	does(PORTSET, portset) does(SPACE, space) does(THREAD, thread)

static void refer(uint32_t i, fluke_ref_t *ref)
{
	switch (list[i].type) {
#define REFER(TYPE, type) case FLUKE_TYPE_##TYPE: fluke_##type##_reference((void *)list[i].ob, ref); break;
	ALL_TYPES(REFER)
	}
}

static void make(uint32_t i)
{
	integer_t hash = record[i].hash;

	switch (list[i].type) {
#define MAKE(TYPE, type) case FLUKE_TYPE_##TYPE: fluke_##type##_create_hash((void *)list[i].ob, &hash); break;
	ALL_TYPES(MAKE)
	default:
		fluke_ref_create((void *)list[i].ob);
	}
}

/* Whereto a reference leads, as a number. */
static int number_of(fluke_ref_t *ref)
{
	uint32_t type = fluke_ref_type(ref);
	integer_t hash;

	if (type == FLUKE_NULL)
		return NOWHERE;
	hash = fluke_ref_hash(ref);
	for (uint32_t i = 0; i < count; i++)
		if (list[i].type == type && record[i].hash == hash) {
			refer(i, probe);
			if (fluke_ref_compare(probe, ref))
				return (int)i;
		}
	CHECK(outsiders < OUTSIDE);
	fluke_ref_copy(ref, outside[outsiders]);
	return (int)(OBJECTS + outsiders++);
}

static void lead(int number, fluke_ref_t *ref)
{
	if (number == NOWHERE)
		fluke_ref_clear(ref);
	else if (number < (int)OBJECTS)
		refer((uint32_t)number, ref);
	else
		fluke_ref_copy(outside[number - (int)OBJECTS], ref);
}

/* Stops the threads; learns every object's hash. */
static void read_hashes(void)
{
	uint32_t thread = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (list[i].type == FLUKE_TYPE_REF)
			continue;
		if (list[i].type == FLUKE_TYPE_THREAD) {
			CHECK(thread < 8);
			record[i].state.thread = thread++;
			fluke_thread_get_state((void *)list[i].ob, &threads[record[i].state.thread], 0);
		}
		refer(i, probe);
		record[i].hash = fluke_ref_hash(probe);
	}
}

static void read_object(uint32_t i)
{
	void *o = (void *)list[i].ob;
	struct record *r = &record[i];
	uint32_t links = 0;

	switch (list[i].type) {
	case FLUKE_TYPE_MUTEX:	fluke_mutex_get_state(o, &r->state.mutex, link[0]); links = 1; break;
	case FLUKE_TYPE_COND:	fluke_cond_get_state(o, &r->state.cond, link[0]); links = 1; break;
	case FLUKE_TYPE_MAPPING: fluke_mapping_get_state(o, &r->state.mapping, link[0], link[1]); links = 2; break;
	case FLUKE_TYPE_REGION:	fluke_region_get_state(o, &r->state.region, link[0], link[1]); links = 2; break;
	case FLUKE_TYPE_PORT:	fluke_port_get_state(o, &r->state.port, link[0]); links = 1; break;
	case FLUKE_TYPE_SPACE:	fluke_space_get_state(o, &r->state.space, link[0]); links = 1; break;
	case FLUKE_TYPE_THREAD:	fluke_thread_get_state(o, 0, link); links = FLUKE_THREAD_LINKS; break;
	case FLUKE_TYPE_REF:
		r->link[0] = number_of(o);
		return;
	}
	for (uint32_t n = 0; n < links; n++)
		r->link[n] = number_of(link[n]);
}

static void write_object(uint32_t i)
{
	void *o = (void *)list[i].ob;
	struct record *r = &record[i];

	if (list[i].type == FLUKE_TYPE_REF) {
		lead(r->link[0], o);
		return;
	}
	for (uint32_t n = 0; n < FLUKE_THREAD_LINKS; n++)
		lead(r->link[n], link[n]);
	switch (list[i].type) {
	case FLUKE_TYPE_MUTEX:	fluke_mutex_set_state(o, &r->state.mutex, link[0]); break;
	case FLUKE_TYPE_COND:	fluke_cond_set_state(o, &r->state.cond, link[0]); break;
	case FLUKE_TYPE_MAPPING: fluke_mapping_set_state(o, &r->state.mapping, link[0], link[1]); break;
	case FLUKE_TYPE_REGION:	fluke_region_set_state(o, &r->state.region, link[0], link[1]); break;
	case FLUKE_TYPE_PORT:	fluke_port_set_state(o, &r->state.port, link[0]); break;
	case FLUKE_TYPE_SPACE:	fluke_space_set_state(o, &r->state.space, link[0]); break;
	case FLUKE_TYPE_THREAD:	fluke_thread_set_state(o, &threads[r->state.thread], link); break;
	}
}

void tree_again(void)
{
	oskit_addr_t offset = check_physical_of((void *)child_start);

	count = child_list(list, OBJECTS);
	CHECK(count < OBJECTS);
	outsiders = 0;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t n = 0; n < FLUKE_THREAD_LINKS; n++)
			record[i].link[n] = NOWHERE;
	read_hashes();
	for (uint32_t i = 0; i < count; i++)
		read_object(i);
	fluke_region_clear(check_physical, &offset, CHILD_PAGES * FLUKE_PAGE_SIZE);
	for (uint32_t i = 0; i < count; i++)
		make(i);
	for (uint32_t i = 0; i < count; i++)
		write_object(i);
	for (uint32_t i = 0; i < count; i++)
		if (list[i].type == FLUKE_TYPE_THREAD) {
			if (threads[record[i].state.thread].flags & FLUKE_THREAD_HELD)
				continue;
			threads[record[i].state.thread].flags &= ~FLUKE_THREAD_STOPPED;
			fluke_thread_set_state((void *)list[i].ob, &threads[record[i].state.thread], 0);
		}
	for (uint32_t i = 0; i < outsiders; i++)
		fluke_ref_clear(outside[i]);
	world_hook();
}
