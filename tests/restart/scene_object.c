/* Scenes of the calls on objects: all that every type has, memory and its revokes, the calls that
 * go through a region, threads, exceptions.  A works; B is its server and waits for the end. */
#include "world.h"

static uint32_t place[2];		/* two places for objects, a page each */
static fluke_ref_t *many[80], *keeper_ref;

static void peer(void *unused)
{
	uint32_t message[2];
	fluke_ipc_params_t p = { .recv_words = 2, .recv_data = message };

	(void)unused;
	word[80] = FLUKE_IPC_STATUS(fluke_ipc_setup_wait_receive(&p, set, 0));
	p = (fluke_ipc_params_t){ .recv_words = 2, .recv_data = message };
	word[81] = FLUKE_IPC_STATUS(fluke_ipc_server_receive(&p));
}

static void begin(void)
{
	fluke_ipc_params_t p = { .send_words = 2, .send_data = out };

	word[82] = fluke_ipc_client_connect_send(&p, dest) & 0xff;
}

static void end(void)
{
	fluke_ipc_params_t p = { .send_words = 1, .send_data = out };

	word[83] = fluke_ipc_client_send(&p) & 0xff;
	fluke_ipc_client_disconnect();
}

static void object_prepare(void)
{
	place[0] = (uint32_t)child_object(FLUKE_PAGE_SIZE);
	place[1] = (uint32_t)child_object(FLUKE_PAGE_SIZE);
}

/* What all types have: born, referred to, moved, ended. */
#define TOUR(i, type, get, set_back) do { \
	fluke_##type##_t *a = (void *)place[0], *b = (void *)place[1]; \
	integer_t hash = 0x300 + i; \
	word[i] += fluke_##type##_create_hash(a, &hash) + (uint32_t)hash; \
	fluke_##type##_reference(a, got[0]); \
	fluke_##type##_move(a, b); \
	word[i] += fluke_ref_type(got[0]) << 12 | (uint32_t)fluke_ref_hash(got[0]) << 20; \
	get; \
	set_back; \
	fluke_##type##_destroy(b); \
	word[i] += fluke_ref_type(got[0]) << 16; \
	word[i] += fluke_##type##_create(a) << 4; \
	fluke_##type##_destroy(a); \
} while (0)

static void tour(void *unused)
{
	fluke_mutex_state_t mutex_state;
	fluke_cond_state_t cond_state;
	fluke_mapping_state_t mapping_state;
	fluke_region_state_t region_state;
	fluke_port_state_t port_state;
	fluke_portset_state_t portset_state;
	fluke_space_state_t space_state;
	fluke_ref_t *a = (void *)place[0], *b = (void *)place[1];

	(void)unused;
	begin();
	TOUR(0, mutex, fluke_mutex_get_state(b, &mutex_state, got[1]), fluke_mutex_set_state(b, &mutex_state, got[1]));
	TOUR(1, cond, fluke_cond_get_state(b, &cond_state, got[1]), fluke_cond_set_state(b, &cond_state, got[1]));
	TOUR(2, mapping, fluke_mapping_get_state(b, &mapping_state, got[1], got[2]),
		fluke_mapping_set_state(b, &mapping_state, got[1], got[2]));
	TOUR(3, region, fluke_region_get_state(b, &region_state, got[1], got[2]),
		fluke_region_set_state(b, &region_state, got[1], got[2]));
	TOUR(4, port, fluke_port_get_state(b, &port_state, got[1]), fluke_port_set_state(b, &port_state, got[1]));
	TOUR(5, portset, fluke_portset_get_state(b, &portset_state), fluke_portset_set_state(b, &portset_state));
	TOUR(6, space, fluke_space_get_state(b, &space_state, got[1]), fluke_space_set_state(b, &space_state, got[1]));
	word[7] = fluke_ref_create(a);
	fluke_ref_copy(dest, a);
	fluke_ref_move(a, b);
	word[8] = fluke_ref_compare(b, dest) << 8 | fluke_ref_type(b);
	fluke_ref_clear(b);
	word[9] = fluke_ref_type(b) | (uint32_t)fluke_ref_hash(b);
	fluke_ref_destroy(b);
	end();
}

SCENE(objects, tour, peer, 0, object_prepare);

/* Objects with more links than one step takes apart or rewrites. */
static void links_prepare(void)
{
	object_prepare();
	for (uint32_t i = 0; i < 80; i++)
		many[i] = child_ref();
}

static void links(void *unused)
{
	fluke_port_t *a = (void *)place[0], *b = (void *)place[1];
	integer_t hash = 0x333;

	(void)unused;
	begin();
	word[0] = fluke_port_create_hash(a, &hash);
	for (uint32_t i = 0; i < 80; i++)
		fluke_port_reference(a, many[i]);
	fluke_port_move(a, b);
	for (uint32_t i = 0; i < 80; i++)
		word[1] += (uint32_t)fluke_ref_hash(many[i]);
	fluke_port_destroy(b);
	for (uint32_t i = 0; i < 80; i++)
		word[2] += fluke_ref_type(many[i]);
	end();
}

SCENE(many_links, links, peer, 0, links_prepare);

/* Memory: a window on the scene's own pages, seen many times, searched, used, cleared, revoked. */
static fluke_region_t *view;
static fluke_mapping_t *map[20];
static fluke_space_t *segment;

static void memory_prepare(void)
{
	object_prepare();
	view = child_object(sizeof *view);
	segment = child_object(sizeof *segment);
	for (uint32_t i = 0; i < 20; i++)
		map[i] = child_object(sizeof *map[i]);
	fluke_ref_copy(keeper_dest, keeper_ref = child_ref());
}

static void memory(void *unused)
{
	fluke_region_state_t state = { .start_va = pages, .size = 4 * FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_ALL };
	integer_t hash = 0x400;

	(void)unused;
	begin();
	word[0] = fluke_region_create_hash(view, &hash);
	fluke_space_reference(subject_space[0], got[0]);
	fluke_region_set_state(view, &state, got[0], got[3]);
	fluke_region_reference(view, got[1]);
	for (uint32_t i = 0; i < 20; i++) {
		fluke_mapping_state_t at = { .start_va = 0x20000000 + i * 0x10000, .size = 4 * FLUKE_PAGE_SIZE,
			.prot = FLUKE_PROT_READ | FLUKE_PROT_WRITE };

		word[1] += fluke_mapping_create_hash(map[i], &(integer_t){ 0x410 + (int)i });
		fluke_mapping_set_state(map[i], &at, got[1], got[0]);
		for (uint32_t n = 0; n < 4; n++)
			((uint32_t *)(at.start_va + n * FLUKE_PAGE_SIZE))[i] = 100 * i + n;
	}
	fluke_mapping_protect(map[3], FLUKE_PROT_READ);
	fluke_region_protect(view, FLUKE_PROT_READ);
	word[2] = ((uint32_t *)(0x20030000 + 2 * FLUKE_PAGE_SIZE))[3] + ((uint32_t *)0x20130000)[19];
	fluke_region_get_state(view, &state, got[2], 0);
	word[3] = state.prot << 4 | (uint32_t)fluke_ref_compare(got[2], got[0]);
	state.prot = FLUKE_PROT_ALL;
	fluke_region_set_state(view, &state, 0, 0);
	for (uint32_t i = 0; i < 20; i++) {
		for (uint32_t n = 0; n < 4; n++)
			word[4] += ((uint32_t *)(0x20000000 + i * 0x10000 + n * FLUKE_PAGE_SIZE))[i];
	}
	fluke_region_destroy(view);
	for (uint32_t i = 0; i < 20; i++)
		fluke_mapping_destroy(map[i]);
	end();
}

SCENE(revokes, memory, peer, 0, memory_prepare);

/* The calls that go through a region. */
static void through_region(void *unused)
{
	static uint8_t bits[32];
	static fluke_obspec_t found[6];
	fluke_region_state_t state = { .start_va = place[0], .size = 8 * FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_ALL };
	fluke_mapping_state_t hole = { .region_off = 4 * FLUKE_PAGE_SIZE, .start_va = 0x100000, .size = 16 * FLUKE_PAGE_SIZE,
		.prot = FLUKE_PROT_ALL };
	fluke_region_t *over = (void *)(place[1] + 0x800);
	oskit_addr_t offset = 0;
	natural_t room = 6;

	(void)unused;
	begin();
	for (uint32_t i = 0; i < 10; i++)
		word[0] += fluke_mutex_create((void *)(place[i & 1] + 64 * i));
	word[1] = fluke_region_create(view);
	fluke_space_reference(subject_space[0], got[0]);
	fluke_region_set_state(view, &state, got[0], keeper_ref);
	fluke_region_search(view, &offset, state.size, found, &room);
	word[2] = offset << 4 | room;
	for (uint32_t i = 0; i < 6; i++)
		word[3] += found[i].type * (found[i].ob - place[0]);
	/* a segment that sees one page of the region and then only what is beyond its end */
	fluke_space_create(segment);
	fluke_space_reference(segment, got[1]);
	fluke_region_reference(view, got[2]);
	fluke_mapping_create(map[0]);
	fluke_mapping_set_state(map[0], &hole, got[2], got[1]);
	fluke_region_create(over);
	state.start_va = 0x100000;
	state.size = 16 * FLUKE_PAGE_SIZE;
	fluke_region_set_state(over, &state, got[1], 0);
	offset = 0;
	room = 6;
	fluke_region_search(over, &offset, state.size, found, &room);
	word[4] = offset << 4 | room;
	offset = 0;
	fluke_region_usage(over, &offset, state.size, bits);
	word[5] = offset;
	for (uint32_t i = 0; i < 16; i++)
		word[6] = word[6] * 3 + (bits[i] & (FLUKE_USAGE_PRESENT | FLUKE_USAGE_OBJECT));
	offset = 0;
	fluke_region_clear(view, &offset, FLUKE_PAGE_SIZE);
	word[7] = offset;
	offset = 0;
	room = 6;
	fluke_region_search(view, &offset, 2 * FLUKE_PAGE_SIZE, found, &room);
	word[8] = offset << 4 | room;
	end();
}

SCENE(regions, through_region, peer, 0, memory_prepare);

/* An object where a page is that many mappings show. */
#define VIEWS 60u
static fluke_mapping_t *views[VIEWS];

static void views_prepare(void)
{
	object_prepare();
	view = child_object(sizeof *view);
	for (uint32_t i = 0; i < VIEWS; i++)
		views[i] = child_object(sizeof *views[i]);
}

static void many_views(void *unused)
{
	fluke_region_state_t state = { .start_va = place[0], .size = FLUKE_PAGE_SIZE, .prot = FLUKE_PROT_ALL };

	(void)unused;
	begin();
	word[0] = fluke_region_create(view);
	fluke_space_reference(subject_space[0], got[0]);
	fluke_region_set_state(view, &state, got[0], got[3]);
	fluke_region_reference(view, got[1]);
	for (uint32_t i = 0; i < VIEWS; i++) {
		fluke_mapping_state_t at = { .start_va = 0x20000000 + i * FLUKE_PAGE_SIZE, .size = FLUKE_PAGE_SIZE,
			.prot = FLUKE_PROT_READ | FLUKE_PROT_WRITE };

		word[1] += fluke_mapping_create(views[i]);
		fluke_mapping_set_state(views[i], &at, got[1], got[0]);
	}
	for (uint32_t i = 0; i < VIEWS; i++)
		*(volatile uint32_t *)(0x20000000 + i * FLUKE_PAGE_SIZE) = i;
	word[2] = *(volatile uint32_t *)place[0];
	word[3] = fluke_mutex_create((void *)place[0]);
	word[4] = fluke_mutex_trylock((void *)place[0]);
	fluke_mutex_destroy((void *)place[0]);
	end();
}

SCENE(shared_page, many_views, peer, 0, views_prepare);
