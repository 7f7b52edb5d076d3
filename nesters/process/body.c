/* Bodies: sub-pool, object segment (with a window on it here), data segment, space, loader mappings.
 * The space is in the manager's own memory; everything else of a process is in its pool, so
 * that destroying the pool ends threads, mappings, ports and memory in one step.  A body that could only
 * be made in part is destroyed like a whole one. */
#include <string.h>
#include <native.h>
#include <protocols/MemPool.h>
#include "manager.h"

static struct body table[BODIES];
static struct body *free_bodies;
static uint32_t windows, control_pages;

#define IMAGE_MEMORY	0x00800000u	/* for the image's data and the object segment */

/* Objects of a body, in the order of their making. */
static const struct { uint16_t offset; uint8_t type; } parts[] = {
	{ offsetof(struct body_objects, space), FLUKE_TYPE_SPACE },
	{ offsetof(struct body_objects, window), FLUKE_TYPE_MAPPING },
	{ offsetof(struct body_objects, pool), FLUKE_TYPE_REF },
	{ offsetof(struct body_objects, data), FLUKE_TYPE_REF },
	{ offsetof(struct body_objects, data_region), FLUKE_TYPE_REF },
	{ offsetof(struct body_objects, objects), FLUKE_TYPE_REF },
	{ offsetof(struct body_objects, objects_region), FLUKE_TYPE_REF },
};
#define PARTS (sizeof parts / sizeof parts[0])

void bodies_init(void)
{
	windows = (uint32_t)address_reserve(BODIES * IMAGE_OBJECTS_SIZE);
	control_pages = (uint32_t)address_reserve(BODIES * FLUKE_PAGE_SIZE);
	for (int i = BODIES - 1; i >= 0; i--) {
		struct body *b = &table[i];

		b->index = i;
		b->objects = (struct body_objects *)BODY_OBJECTS(i);
		b->window = windows + i * IMAGE_OBJECTS_SIZE;
		b->next_free = free_bodies;
		free_bodies = b;
	}
}

static void parts_create(struct body *b)
{
	for (; b->parts < PARTS; b->parts++) {
		void *object = (char *)b->objects + parts[b->parts].offset;

		if (parts[b->parts].type == FLUKE_TYPE_SPACE)
			fluke_space_create(object);
		else if (parts[b->parts].type == FLUKE_TYPE_MAPPING)
			fluke_mapping_create(object);
		else
			fluke_ref_create(object);
	}
}

static void parts_destroy(struct body *b)
{
	while (b->parts > 0) {
		void *object = (char *)b->objects + parts[--b->parts].offset;

		if (parts[b->parts].type == FLUKE_TYPE_SPACE)
			fluke_space_destroy(object);
		else if (parts[b->parts].type == FLUKE_TYPE_MAPPING)
			fluke_mapping_destroy(object);
		else
			fluke_ref_destroy(object);
	}
}

/* Pool, object segment, data segment.  A clone has no port of its object segment, which no POSIX process uses. */
static int body_memory(struct body *b, struct body *source)
{
	struct body_objects *o = b->objects;
	struct process *p = b->process;
	uint64_t limit = p->limit[RLIMIT_AS].soft;
	int error;

	/* the image keeps to the limit and answers ENOMEM; its own memory comes on top */
	limit = limit < START_DATA_SIZE - IMAGE_MEMORY ? limit + IMAGE_MEMORY : 0;
	if (source)
		return MemPool_create_child(session_pool(p->session), (uint32_t)limit, START_OBJECTS_SIZE, &source->objects->data, &o->pool,
			&o->objects_region, &o->data, &o->data_region);
	error = MemPool_create_sub(session_pool(p->session), (uint32_t)limit, &o->pool);
	if (!error)
		error = MemPool_create_segment(&o->pool, START_OBJECTS_SIZE, 1, &o->objects, &o->objects_region);
	if (error)
		return error;
	return MemPool_create_segment(&o->pool, START_DATA_SIZE, 0, &o->data, &o->data_region);
}

static void map(fluke_mapping_t *mapping, fluke_ref_t *region, uint32_t offset, fluke_ref_t *space, uint32_t start,
	uint32_t size, fluke_prot_t prot)
{
	fluke_mapping_state_t state = { .region_off = offset, .start_va = start, .size = size, .prot = prot };

	fluke_mapping_set_state(mapping, &state, region, space);
}

static fluke_ref_t *slot_create(struct body *b, uint32_t address)
{
	fluke_ref_t *ref = body_object(b, address);

	fluke_ref_create(ref);
	return ref;
}

/* The references that every child finds, and its space with the manager's port as keeper. */
static void body_slots(struct body *b)
{
	struct body_objects *o = b->objects;
	fluke_space_state_t state = { 0 };
	fluke_ref_t *parent = slot_create(b, START_REF_PARENT);

	fluke_port_reference(process_port(b->process), parent);
	fluke_space_reference(&o->space, slot_create(b, START_REF_SPACE));
	fluke_ref_copy(&o->data, slot_create(b, START_REF_DATA));
	fluke_ref_copy(&o->data_region, slot_create(b, START_REF_DATA_REGION));
	fluke_ref_copy(&o->objects, slot_create(b, START_REF_OBJSEG));
	fluke_space_set_state(&o->space, &state, parent);
}

static void body_mappings(struct body *b)
{
	fluke_mapping_t *mapping = body_object(b, START_LOADER_MAPPINGS);
	fluke_ref_t *space = body_object(b, START_REF_SPACE);

	for (int i = 0; i < 4; i++)
		fluke_mapping_create(&mapping[i]);
	fluke_region_reference(&process_objects(b->process)->facts, &manager->scratch);
	map(&mapping[0], &b->objects->objects_region, 0, space, START_OBJECTS, START_OBJECTS_SIZE, OBJECTS_PROT);
	map(&mapping[1], &b->objects->data_region, IMAGE_DATA, space, IMAGE_DATA, START_FACTS - IMAGE_DATA,
		FLUKE_PROT_READ | FLUKE_PROT_WRITE);
	map(&mapping[2], &manager->scratch, 0, space, START_FACTS, FLUKE_PAGE_SIZE, FLUKE_PROT_READ);
	map(&mapping[3], &manager->image, 0, space, START_IMAGE, IMAGE_TEXT_MAX,
		FLUKE_PROT_READ | FLUKE_PROT_EXECUTE);
}

struct building { struct body *body, *source; };

static int body_build(void *argument)
{
	struct building *building = argument;
	struct body *b = building->body;
	int error;

	parts_create(b);
	error = body_memory(b, building->source);
	if (error)
		return error;
	map(&b->objects->window, &b->objects->objects_region, 0, own_space(), b->window, IMAGE_OBJECTS_SIZE, OBJECTS_PROT);
	body_slots(b);
	body_mappings(b);
	return 0;
}

/* source: whose data segment to copy; null: an empty one. */
struct body *body_create(struct process *p, struct body *source, int *error)
{
	struct building building = { free_bodies, source };
	struct body *b = free_bodies;

	if (!b) {
		*error = EAGAIN;
		return NULL;
	}
	free_bodies = b->next_free;
	b->process = p;
	b->session = p->session;
	b->session->living++;
	b->parts = 0;
	b->control = NULL;
	b->nesting = NULL;
	*error = guarded(body_build, &building);
	if (!*error)
		return b;
	if (*error != EAGAIN)
		*error = ENOMEM;
	body_destroy(b);
	return NULL;
}

static int pool_destroy(void *argument)
{
	struct body *b = argument;

	if (b->parts == PARTS)
		MemPool_destroy(&b->objects->pool);
	return 0;
}

/* Ends everything of it; the threads' accounts have been read before. */
void body_destroy(struct body *b)
{
	guarded(pool_destroy, b);
	if (b->control)
		fluke_mapping_destroy(&b->objects->control);
	parts_destroy(b);
	nesting_forget(b);
	b->control = NULL;
	b->process = NULL;
	b->session->living--;
	session_check(b->session);
	b->next_free = free_bodies;
	free_bodies = b;
}

int body_is_object(uint32_t address, uint32_t size)
{
	return address >= START_OBJECTS && address % size == 0 && address - START_OBJECTS <= IMAGE_OBJECTS_SIZE - size;
}

static int control_map(void *argument)
{
	struct body *b = argument;
	volatile struct process_control *control = (void *)(control_pages + b->index * FLUKE_PAGE_SIZE);

	if (!b->control) {
		fluke_mapping_create(&b->objects->control);
		map(&b->objects->control, &b->objects->data_region, IMAGE_CONTROL, own_space(), (uint32_t)control,
			FLUKE_PAGE_SIZE, FLUKE_PROT_READ);
		b->control = (void *)control;
	}
	return (int)(control->ignored & 0);	/* touch it while guarded: its pool may be full */
}

struct process_control *body_control(struct body *b)
{
	return guarded(control_map, b) ? NULL : b->control;
}
