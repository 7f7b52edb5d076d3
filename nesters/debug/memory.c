/* The targets' memory.  Where an address leads is looked up in the target's mapping objects, which all lie in our windows;
 * bytes are read and written through the region that a mapping names, so also where the program itself may only read.
 *
 * An *overlay* is a region of our own that shows a source region page by page: the same page, the same with less access
 * (watchpoints, hidden breakpoints), or a copy of ours (a software breakpoint in a file's page, which others use too).
 * Data segments have one from the beginning; one for a file's region is made when it is needed and put into the mapping.
 * While pieces change, whoever finds a hole asks overlay_keeper, who answers when we are done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <protocols/MemPool.h>
#include "debug.h"

#define PAGE		FLUKE_PAGE_SIZE
#define BASE		PAGE		/* where offset 0 is in an overlay's space: page 0 can hold nothing */
#define PROTECTED	(FLUKE_PROT_READ | FLUKE_PROT_WRITE | FLUKE_PROT_EXECUTE)

struct piece {				/* a page that is not simply the source's */
	uint32_t	page;
	fluke_prot_t	denied;
	char		*copy;		/* null: the source's page; else in our arena */
	struct target	*target;	/* whose */
};

struct overlay {
	struct overlay	*next;
	fluke_ref_t	*source, *space_ref, *region_ref;
	uint32_t	pages;
	fluke_space_t	*space;
	fluke_region_t	*region;
	integer_t	hash;		/* of the region */
	struct target	*target;	/* of a file's: for whom; null: of a data segment */
	struct piece	*piece;		/* by page */
	unsigned	count;
	fluke_mapping_t	**mapping;
	unsigned	mappings;
};

static struct overlay *overlays;
static fluke_mapping_t *peek_mapping;
static char	*peek_window;
static fluke_ref_t *scratch, *scratch_space;

static int scratch_ready(void)
{
	if (!scratch) {
		scratch = ref_new();
		scratch_space = ref_new();
		peek_window = address_reserve(PAGE);
		peek_mapping = object_reserve(FLUKE_TYPE_MAPPING);
		if (!scratch || !scratch_space || !peek_window || !peek_mapping)
			return 0;
		fluke_mapping_create(peek_mapping);
	}
	return 1;
}

/* ---- the arena: copies of pages, memory that others may execute ---- */

#define COPIES	512u

static char	*arena;
static fluke_ref_t *arena_region, *arena_port;
static uint8_t	arena_used[COPIES];

static char *copy_take(void)
{
	fluke_ref_t *pool;

	if (!arena) {
		arena_port = ref_new();
		arena_region = ref_new();
		arena = address_reserve(COPIES * PAGE);
		pool = service_lookup("pool");
		if (!pool || !arena_region || !arena || MemPool_create_segment(pool, COPIES * PAGE, 0, arena_port, arena_region) ||
		    !mapping_new(arena_region, 0, NULL, (uint32_t)arena, COPIES * PAGE, FLUKE_PROT_READ | FLUKE_PROT_WRITE))
			return NULL;
		ref_free(pool);
	}
	for (unsigned n = 0; n < COPIES; n++)
		if (!arena_used[n]) {
			arena_used[n] = 1;
			return arena + n * PAGE;
		}
	return NULL;
}

static void copy_free(char *copy)
{
	if (copy)
		arena_used[(copy - arena) / PAGE] = 0;
}

struct copy_ref { fluke_ref_t *from; fluke_ref_t *to; };

static int copy_ref(void *argument)
{
	struct copy_ref *c = argument;

	fluke_ref_copy(c->from, c->to);
	return 0;
}

/* ---- overlays ---- */

static void show(struct overlay *o, fluke_ref_t *region, uint32_t offset, uint32_t page, uint32_t count, fluke_prot_t prot)
{
	fluke_mapping_t *m = count ? mapping_new(region, offset, o->space_ref, BASE + page * PAGE, count * PAGE, prot) : NULL;
	fluke_mapping_t **more = m ? realloc(o->mapping, (o->mappings + 1) * sizeof *more) : NULL;

	if (!more)
		return;
	o->mapping = more;
	o->mapping[o->mappings++] = m;
}

static void hide_all(struct overlay *o)
{
	while (o->mappings)
		mapping_free(o->mapping[--o->mappings]);
}

static void show_all(struct overlay *o)
{
	uint32_t page = 0;

	hide_all(o);
	for (unsigned n = 0; n < o->count; n++) {
		struct piece *p = &o->piece[n];

		show(o, o->source, page * PAGE, page, p->page - page, PROTECTED);
		if (p->copy)
			show(o, arena_region, (uint32_t)(p->copy - arena), p->page, 1, PROTECTED & ~p->denied);
		else
			show(o, o->source, p->page * PAGE, p->page, 1, PROTECTED & ~p->denied);
		page = p->page + 1;
	}
	show(o, o->source, page * PAGE, page, o->pages - page, PROTECTED);
}

struct overlay *overlay_new(fluke_ref_t *source, uint32_t size)
{
	struct overlay *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	if (size > FLUKE_VM_MAX - BASE)
		size = FLUKE_VM_MAX - BASE;
	o->pages = (size + PAGE - 1) / PAGE;
	o->source = ref_dup(source);
	o->space = space_new(NULL);
	o->space_ref = ref_new();
	o->region_ref = ref_new();
	if (!o->source || !o->space || !o->space_ref || !o->region_ref)
		return NULL;
	fluke_space_reference(o->space, o->space_ref);
	o->region = region_new(o->space_ref, BASE, o->pages * PAGE, PROTECTED, overlay_keeper);
	if (!o->region)
		return NULL;
	fluke_region_reference(o->region, o->region_ref);
	o->hash = fluke_ref_hash(o->region_ref);
	show_all(o);
	o->next = overlays;
	overlays = o;
	return o;
}

fluke_ref_t *overlay_region(struct overlay *o)
{
	return o->region_ref;
}

void overlay_free(struct overlay *o)
{
	struct overlay **link = &overlays;

	while (*link && *link != o)
		link = &(*link)->next;
	if (*link)
		*link = o->next;
	region_free(o->region);
	hide_all(o);
	for (unsigned n = 0; n < o->count; n++)
		copy_free(o->piece[n].copy);
	ref_free(o->source);
	ref_free(o->region_ref);
	ref_free(o->space_ref);
	space_free(o->space);
	free(o->piece);
	free(o->mapping);
	free(o);
}

static struct piece *piece_at(struct overlay *o, uint32_t page)
{
	for (unsigned n = 0; n < o->count; n++)
		if (o->piece[n].page == page)
			return &o->piece[n];
	return NULL;
}

static struct piece *piece_make(struct overlay *o, struct target *t, uint32_t page)
{
	struct piece *p = piece_at(o, page);
	unsigned n = o->count;

	if (p)
		return p;
	p = realloc(o->piece, (o->count + 1) * sizeof *p);
	if (!p)
		return NULL;
	o->piece = p;
	for (; n && o->piece[n - 1].page > page; n--)
		o->piece[n] = o->piece[n - 1];
	o->count++;
	o->piece[n] = (struct piece){ .page = page, .target = t };
	return &o->piece[n];
}

/* ---- mappings of a target ---- */

struct map_read { fluke_mapping_t *mapping; fluke_mapping_state_t state; };

static int map_read(void *argument)
{
	struct map_read *m = argument;

	fluke_mapping_get_state(m->mapping, &m->state, scratch, scratch_space);
	return 0;
}

static void map_add(struct target *t, fluke_mapping_t *mapping)
{
	struct map_read m = { .mapping = mapping };
	struct area_map *more;

	if (guarded(map_read, &m) || fluke_ref_hash(scratch_space) != t->hash || !m.state.size)
		return;
	if (t->map_count == t->map_room) {
		more = realloc(t->maps, (t->map_room + 64) * sizeof *more);
		if (!more)
			return;
		t->maps = more;
		t->map_room += 64;
	}
	t->maps[t->map_count++] = (struct area_map){ m.state.start_va, m.state.size, m.state.region_off, m.state.prot, mapping };
}

static int by_start(const void *a, const void *b)
{
	const struct area_map *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

struct search { struct target *target; struct segment *segment; };

static int search(void *argument)
{
	struct search *s = argument;
	fluke_obspec_t found[64];
	oskit_addr_t offset = 0;
	natural_t unused;

	while (offset < s->segment->size) {
		unused = 64;
		fluke_region_search(s->segment->search, &offset, s->segment->size - offset, found, &unused);
		for (natural_t n = 0; n < 64 - unused; n++)
			if (found[n].type == FLUKE_TYPE_MAPPING)
				map_add(s->target, (fluke_mapping_t *)found[n].ob);
	}
	return 0;
}

static void maps_know(struct target *t)
{
	if (t->maps_known || !scratch_ready())
		return;
	t->map_count = 0;
	for (struct segment *s = window_list; s; s = s->next_window)
		guarded(search, &(struct search){ t, s });
	qsort(t->maps, t->map_count, sizeof *t->maps, by_start);
	t->maps_known = 1;
}

void memory_forget(struct target *t)
{
	t->maps_known = 0;
}

struct area_map *memory_map(struct target *t, uint32_t at)
{
	maps_know(t);
	for (unsigned n = 0; n < t->map_count; n++)
		if (at - t->maps[n].start < t->maps[n].size)
			return &t->maps[n];
	return NULL;
}

/* Its region to scratch; the overlay that it is, or null. */
static struct overlay *region_of(struct area_map *m)
{
	struct map_read r = { .mapping = m->mapping };
	integer_t hash;

	if (guarded(map_read, &r))
		fluke_ref_clear(scratch);
	hash = fluke_ref_hash(scratch);
	for (struct overlay *o = overlays; o; o = o->next)
		if (o->hash == hash && fluke_ref_compare(o->region_ref, scratch))
			return o;
	return NULL;
}

/* ---- bytes ---- */

static char *peek(struct area_map *m, uint32_t at, fluke_prot_t prot, struct piece **piece)
{
	struct overlay *o = region_of(m);
	uint32_t offset = m->offset + (at - m->start);
	fluke_mapping_state_t state = { 0, offset & -PAGE, (uint32_t)peek_window, PAGE, prot };

	*piece = o ? piece_at(o, offset / PAGE) : NULL;
	if (*piece && (*piece)->copy)
		return (*piece)->copy + at % PAGE;
	fluke_mapping_set_state(peek_mapping, &state, o ? o->source : scratch, own_space());
	return peek_window + at % PAGE;
}

static uint32_t part(uint32_t at, uint32_t size)
{
	return size < PAGE - at % PAGE ? size : PAGE - at % PAGE;
}

uint32_t memory_read(struct target *t, uint32_t at, void *to, uint32_t size)
{
	struct piece *piece;
	struct area_map *m;
	uint32_t done, n;

	for (done = 0; done < size; done += n) {
		n = part(at + done, size - done);
		if (at + done >= FLUKE_VM_MAX && at + done < FLUKE_VM_MAX + PAGE) {	/* the same in all spaces */
			memcpy((char *)to + done, (const void *)(at + done), n);
			continue;
		}
		m = memory_map(t, at + done);
		if (!m || copy_guarded((char *)to + done, peek(m, at + done, FLUKE_PROT_READ, &piece), n))
			break;
	}
	return done;
}

int memory_ref(struct target *t, uint32_t at, fluke_ref_t *to)
{
	struct area_map *m = memory_map(t, at);
	struct piece *piece;

	return m ? guarded(copy_ref, &(struct copy_ref){ (void *)peek(m, at, FLUKE_PROT_READ | FLUKE_PROT_OBJECT, &piece), to }) : EFAULT;
}

/* The mapping shows an overlay of ours: now, if it did not. */
static struct overlay *overlay_of(struct target *t, struct area_map *m);

/* A copy of ours in place of the page. */
static int page_copy(struct target *t, struct area_map *m, uint32_t at)
{
	struct overlay *o = overlay_of(t, m);
	uint32_t page = (m->offset + (at - m->start)) / PAGE;
	struct piece *p = o ? piece_make(o, t, page) : NULL;
	fluke_mapping_state_t state = { 0, page * PAGE, (uint32_t)peek_window, PAGE, FLUKE_PROT_READ };

	if (!p || !(p->copy = copy_take()))
		return ENOMEM;
	fluke_mapping_set_state(peek_mapping, &state, o->source, own_space());
	if (copy_guarded(p->copy, peek_window, PAGE)) {
		copy_free(p->copy);
		p->copy = NULL;
		return EFAULT;
	}
	show_all(o);
	return 0;
}

uint32_t memory_write(struct target *t, uint32_t at, const void *from, uint32_t size)
{
	struct piece *piece;
	struct area_map *m;
	uint32_t done, n;

	for (done = 0; done < size; done += n) {
		n = part(at + done, size - done);
		m = memory_map(t, at + done);
		if (!m)
			break;
		if (!copy_guarded(peek(m, at + done, FLUKE_PROT_READ | FLUKE_PROT_WRITE, &piece), (const char *)from + done, n))
			continue;
		if (page_copy(t, m, at + done) || copy_guarded(peek(m, at + done, FLUKE_PROT_READ, &piece), (const char *)from + done, n))
			break;
	}
	return done;
}

int memory_word(struct target *t, uint32_t at, uint32_t *word)
{
	return memory_read(t, at, word, 4) == 4 ? 0 : EFAULT;
}

/* ---- overlays of what is no data segment ---- */

struct relink { fluke_mapping_t *mapping; fluke_ref_t *region; };

static int relink(void *argument)
{
	struct relink *r = argument;

	fluke_mapping_set_state(r->mapping, NULL, r->region, NULL);
	return 0;
}

static struct overlay *overlay_of(struct target *t, struct area_map *m)
{
	struct overlay *o = region_of(m);

	if (o)
		return o;
	if (fluke_ref_type(scratch) != FLUKE_TYPE_REGION)
		return NULL;
	o = overlay_new(scratch, m->offset + m->size);
	if (!o)
		return NULL;
	o->target = t;
	if (guarded(relink, &(struct relink){ m->mapping, o->region_ref })) {
		overlay_free(o);
		return NULL;
	}
	return o;
}

/* All mappings of the target that show the overlay show its source. */
static void unlink_overlays(struct target *t, struct target *of)
{
	struct overlay *o;

	maps_know(t);
	for (unsigned n = 0; n < t->map_count; n++)
		if ((o = region_of(&t->maps[n])) && o->target && (!of || o->target == of))
			guarded(relink, &(struct relink){ t->maps[n].mapping, o->source });
}

void memory_disown(struct target *t)
{
	unlink_overlays(t, NULL);
}

void memory_clean(struct target *t)
{
	struct overlay *o, *next;

	memory_forget(t);
	unlink_overlays(t, t);
	for (o = overlays; o; o = next) {
		unsigned kept = 0;

		next = o->next;
		if (o->target == t) {
			overlay_free(o);
			continue;
		}
		for (unsigned n = 0; n < o->count; n++)
			if (o->piece[n].target == t)
				copy_free(o->piece[n].copy);
			else
				o->piece[kept++] = o->piece[n];
		if (kept != o->count) {
			o->count = kept;
			show_all(o);
		}
	}
}

/* ---- denying ---- */

int page_deny(struct target *t, uint32_t at, fluke_prot_t prot)
{
	struct area_map *m = memory_map(t, at);
	struct overlay *o = m ? region_of(m) : NULL;
	struct piece *p = o ? piece_at(o, (m->offset + (at - m->start)) / PAGE) : NULL;

	if (!m)
		return EFAULT;
	if ((p ? p->denied : 0) == prot)
		return 0;
	o = overlay_of(t, m);
	p = o ? piece_make(o, t, (m->offset + (at - m->start)) / PAGE) : NULL;
	if (!p)
		return ENOMEM;
	p->denied = prot;
	if (!prot && !p->copy) {
		*p = o->piece[--o->count];
		for (unsigned n = 1; n < o->count; n++)		/* by page again */
			for (unsigned k = n; k && o->piece[k - 1].page > o->piece[k].page; k--) {
				struct piece swap = o->piece[k];

				o->piece[k] = o->piece[k - 1];
				o->piece[k - 1] = swap;
			}
	}
	show_all(o);
	return 0;
}

fluke_prot_t page_denied(struct target *t, uint32_t at)
{
	struct area_map *m = memory_map(t, at);
	struct overlay *o = m ? region_of(m) : NULL;
	struct piece *p = o ? piece_at(o, (m->offset + (at - m->start)) / PAGE) : NULL;

	return p ? p->denied : 0;
}
