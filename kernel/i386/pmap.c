/* Page tables: a cache over the tree of mappings and regions.
 *
 * Invariant: every entry equals what a walk would give now, or less; so any table may be dropped
 * at any time.  All tables come from one pool made at boot; the ones in use form a ring per
 * space.  Beside each table lies a page of chain elements, one per entry: the entries that hold
 * a frame form a doubly linked list that begins in its frame record; superpage entries, which lie in
 * directories, form one per 2 MB of memory.  An entry is named by its id, table number * 512 + index, never 0. */
#include "kernel.h"
#include "machine.h"
#include "cpu.h"
#include "mmu.h"
#include "vm_private.h"

#define ENTRIES		512u
#define POOL_SHARE	32u		/* of RAM, chain pages included */
#define POOL_LEAST	64u

struct table {
	struct space	*space;		/* null = free or doomed */
	struct table	*next, *prev;	/* ring of the space; free list by next */
	uint32_t	base;		/* first address covered */
	uint16_t	used;		/* entries not zero */
	uint16_t	children;	/* page tables in a directory; its other entries are superpages */
	uint8_t		level;		/* 1 = page table, 2 = directory */
	uint8_t		devices;	/* holds device entries */
	uint16_t	scan;		/* doomed: entries before are clear */
};

struct space kernel_space;
uint32_t page_changes = 1;
struct chain *chains;
static uint64_t *entries;		/* by id */
static struct table *tables;		/* by number, from 1 */
static uint32_t table_total, table_free;
static struct table *free_tables, *doomed;	/* doomed: in no directory, with entries still in chains */
static struct space *pinned;

/* ---- processor ---- */

static inline int loaded(const struct space *s) { return cpu()->loaded == s; }
static inline void flush_page(uint32_t va) { __asm__ volatile ("invlpg (%0)" : : "r" (va) : "memory"); }
static void flush_all(void) { WRITE_CR(3, READ_CR(3)); }

void pmap_switch(struct space *s)
{
	if (cpu()->loaded == s)
		return;
	cpu()->loaded = s;
	WRITE_CR(3, virt_to_phys(s ? s->pdpt : kernel_space.pdpt));
}

/* ---- entries ---- */

static inline struct table *table_of(uint32_t id) { return &tables[id / ENTRIES]; }
static inline uint32_t id_of(const void *entry) { return (const uint64_t *)entry - entries; }
static inline uint64_t *table_page(const struct table *t) { return entries + (t - tables) * ENTRIES; }

/* The order keeps a half-written entry from ever being present. */
static inline void entry_set(uint64_t *e, uint32_t low, uint32_t high)
{
	volatile uint32_t *half = (volatile uint32_t *)e;

	half[0] = 0;
	half[1] = high;
	half[0] = low;
}

static inline void chain_add(uint32_t *head, uint32_t id)
{
	chains[id].prev = 0;
	chains[id].next = *head;
	if (*head)
		chains[*head].prev = id;
	*head = id;
}

static inline void chain_remove(uint32_t *head, uint32_t id)
{
	uint32_t next = chains[id].next, prev = chains[id].prev;

	if (prev)
		chains[prev].next = next;
	else
		*head = next;
	if (next)
		chains[next].prev = prev;
}

static inline void harvest(uint8_t *marks, uint32_t low)
{
	if (low & PTE_ACCESSED)
		*marks |= FRAME_REFERENCED;
	if (low & PTE_DIRTY)
		*marks |= FRAME_DIRTY;
}

static inline void page_changed(void)
{
	if (++page_changes)
		return;
	page_changes = 1;
	each_thread(thread_forget);
}

/* Takes an entry out; the translation buffer is the caller's to flush. */
static void entry_clear(struct table *t, uint32_t id)
{
	uint32_t low = (uint32_t)entries[id];

	page_changed();
	entry_set(&entries[id], 0, 0);
	t->used--;
	if (low & PTE_MARK)
		object_forget();
	if (low & PTE_UNCHAINED)
		return;
	harvest(&frame_of(low)->marks, low);
	chain_remove(&frame_of(low)->chain, id);
}

static inline uint32_t entry_va(const struct table *t, uint32_t id)
{
	return t->base + id % ENTRIES * (t->level == 1 ? FLUKE_PAGE_SIZE : SUPER_SIZE);
}

void pmap_drop_super(uint32_t id)
{
	struct table *t = table_of(id);
	uint32_t low = (uint32_t)entries[id];

	entry_set(&entries[id], 0, 0);
	t->used--;
	harvest(&blocks[low / SUPER_SIZE].marks, low);
	chain_remove(&blocks[low / SUPER_SIZE].chain, id);
	if (loaded(t->space))
		flush_page(entry_va(t, id));
}

void pmap_drop(uint32_t id)
{
	struct table *t = table_of(id);

	entry_clear(t, id);
	if (loaded(t->space))
		flush_page(entry_va(t, id));
}

void pmap_hide(uint32_t id)
{
	struct table *t = table_of(id);
	uint64_t e = entries[id];

	if ((uint32_t)e & PTE_MARK)
		return;
	page_changed();
	harvest(&frame_of((uint32_t)e)->marks, (uint32_t)e);
	entry_set(&entries[id], ((uint32_t)e & ~(PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY)) | PTE_MARK, e >> 32);
	if (loaded(t->space))
		flush_page(entry_va(t, id));
}

void pmap_harvest(uint32_t id)
{
	struct table *t = table_of(id);
	uint32_t low = (uint32_t)entries[id];

	if (!(low & (PTE_ACCESSED | PTE_DIRTY)))
		return;
	page_changed();
	harvest(&frame_of(low)->marks, low);
	*(volatile uint32_t *)&entries[id] = low & ~(PTE_ACCESSED | PTE_DIRTY);
	if (loaded(t->space))
		flush_page(entry_va(t, id));
}

/* ---- tables ---- */

static inline uint64_t *directory_slot(const struct table *t)
{
	uint32_t low = (uint32_t)t->space->pdpt[t->base >> 30];

	if (t->level == 2)
		return &t->space->pdpt[t->base >> 30];
	return (uint64_t *)phys_to_virt(low & PTE_FRAME) + (t->base >> 21 & 511);
}

static void ring_add(struct space *s, struct table *t)
{
	if (!s->tables) {
		t->next = t->prev = t;
		s->tables = t;
	} else {
		t->next = s->tables;
		t->prev = s->tables->prev;
		t->next->prev = t;
		t->prev->next = t;
	}
	s->table_count++;
}

static void ring_remove(struct space *s, struct table *t)
{
	if (s->tables == t)
		s->tables = t->next == t ? 0 : t->next;
	t->next->prev = t->prev;
	t->prev->next = t->next;
	s->table_count--;
}

static inline void clear_any(struct table *t, uint32_t id)
{
	if (t->level == 1)
		entry_clear(t, id);
	else
		pmap_drop_super(id);
}

static void table_give_back(struct table *t)
{
	t->devices = 0;
	t->scan = 0;
	t->next = free_tables;
	free_tables = t;
	table_free++;
}

/* Takes a table out of its directory: nothing comes through it any more.  One with entries is doomed: these leave their
 * chains step by step, and then it goes back to the pool.  A directory must hold no tables. */
static void table_drop(struct table *t)
{
	struct space *s = t->space;

	entry_set(directory_slot(t), 0, 0);
	if (t->level == 1) {
		table_of(id_of(directory_slot(t)))->used--;
		table_of(id_of(directory_slot(t)))->children--;
	}
	ring_remove(s, t);
	t->space = 0;
	page_changed();
	if (loaded(s))
		flush_all();
	if (!t->used) {
		table_give_back(t);
		return;
	}
	object_forget();	/* entries of object pages may be in it */
	t->next = doomed;
	doomed = t;
}

/* A bounded piece of the entries of a doomed table. */
static void doomed_step(int budget)
{
	struct table *t = doomed;
	uint32_t first = id_of(table_page(t)), end = t->scan + 5 * (uint32_t)budget;

	for (; t->used; t->scan++) {
		if (!budget || t->scan == end)
			return;
		if ((uint32_t)entries[first + t->scan]) {
			clear_any(t, first + t->scan);
			budget--;
		}
	}
	doomed = t->next;
	table_give_back(t);
}

void pmap_pin(struct space *s) { pinned = s; }

#define LOOKED_AT	64u	/* tables */

/* Of the spaces of the next tables in the pool, the one that holds most, but for those of the transfer in hand. */
static struct space *richest(struct space *keep)
{
	static uint32_t hand;
	struct space *best = 0;

	for (uint32_t n = table_total < LOOKED_AT ? table_total : LOOKED_AT; n; n--) {
		struct space *s = tables[1 + hand++ % table_total].space;

		if (s && s != keep && s != pinned && !loaded(s) && (!best || s->table_count > best->table_count))
			best = s;
	}
	if (best)
		return best;
	best = keep;	/* only spaces of the transfer in hand hold any there: the largest gives */
	if (pinned && pinned->table_count > best->table_count)
		best = pinned;
	if (cpu()->loaded && cpu()->loaded->table_count > best->table_count)
		best = cpu()->loaded;
	return best;
}

#define HAND_STEPS	32u

/* The hand of the clock over the tables of a space: the first not used since it last passed, or the last it came to. */
static struct table *victim(struct space *s)
{
	struct table *t = s->tables, *any = 0;

	for (uint32_t n = 2 * s->table_count < HAND_STEPS ? 2 * s->table_count : HAND_STEPS; n; n--, t = t->next) {
		uint32_t *slot = (uint32_t *)directory_slot(t);

		if (t->level == 2) {
			if (!t->children)
				any = any ? any : t;
			continue;
		}
		any = t;
		if (!(*slot & PTE_ACCESSED))
			break;
		*slot &= ~PTE_ACCESSED;
	}
	if (any)
		s->tables = any->next;
	return any;
}

/* Null: not yet, one is being emptied. */
static struct table *table_take(struct space *s)
{
	struct table *t;

	if (!free_tables && !doomed)
		table_drop(victim(richest(s)));
	t = free_tables;
	if (!t)
		return 0;
	free_tables = t->next;
	table_free--;
	t->used = t->children = 0;
	return t;
}

/* Puts a fresh table of the level into the slot of va. */
static void table_install(struct space *s, struct table *t, unsigned level, uint32_t va)
{
	t->space = s;
	t->level = level;
	t->base = va & -(level == 2 ? 1u << 30 : SUPER_SIZE);
	ring_add(s, t);
	entry_set(directory_slot(t), virt_to_phys(table_page(t)) |
		(level == 2 ? PTE_PRESENT : PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED), 0);
	if (level == 1) {
		table_of(id_of(directory_slot(t)))->used++;
		table_of(id_of(directory_slot(t)))->children++;
	} else if (loaded(s))
		flush_all();	/* the processor keeps the four top entries to itself */
}

/* The entry for va in a page table that is made now, instead of a superpage if there is one. */
static uint32_t *table_make(struct space *s, uint32_t va)
{
	uint32_t *e = pmap_super(s, va);

	if (e)
		pmap_drop_super(id_of(e));
	while (!(e = pmap_entry(s, va))) {
		struct table *t = table_take(s);	/* may have dropped a table of s itself */

		if (!t)
			return 0;
		table_install(s, t, s->pdpt[va >> 30] & PTE_PRESENT ? 1 : 2, va);
	}
	return e;
}

/* ---- filling */

static void __attribute__((noinline)) entry_replace(struct table *t, uint32_t id)
{
	entry_clear(t, id);
	if (loaded(t->space))
		flush_page(entry_va(t, id));
}

static void fill_device(uint32_t id, uint32_t va, uint32_t low, uint32_t high)
{
	table_of(id)->used++;
	table_of(id)->devices = 1;
	entry_set(&entries[id], low | PTE_UNCHAINED | (va >= FLUKE_ENTRY ? PTE_GLOBAL : PTE_UNCACHED), high);
}

#define AROUND	8u	/* pages */

/* The page (its entry is zero) and those of its group of AROUND that the same run covers and that have no entry. */
static inline void fill_around(uint32_t id, uint32_t below, uint32_t above, uint32_t low, uint32_t high)
{
	uint32_t back = id % AROUND < below ? id % AROUND : below, ahead = AROUND - 1 - id % AROUND;
	uint32_t end = id + (ahead < above ? ahead : above), used = end - id + back + 1;
	struct frame *f = frame_of(low) - back;
	struct chain *c = chains;

	low -= back * FLUKE_PAGE_SIZE;
	for (id -= back; id <= end; id++, f++, low += FLUKE_PAGE_SIZE) {
		volatile uint32_t *half = (volatile uint32_t *)&entries[id];
		uint32_t next = f->chain;

		if (half[0] || f->marks & FRAME_KERNEL) {
			used--;
			continue;
		}
		half[1] = high;
		half[0] = __builtin_expect(f->marks & FRAME_OBJECT, 0) ? (low & ~PTE_PRESENT) | PTE_MARK : low;
		c[id].next = next;
		c[id].prev = 0;
		f->chain = id;
		if (next)
			c[next].prev = id;
	}
	table_of(end)->used += used;
}

/* Where the walk shows a block as a whole, in which no object can be, and no page table is in use (e: its entry). */
static int __attribute__((noinline)) fill_super(struct space *s, uint32_t va, const struct walk *w, uint32_t low,
	uint32_t high, const uint32_t *e)
{
	uint32_t offset = va % SUPER_SIZE, id, *slot = pmap_super(s, va);
	struct table *directory;
	struct block *b = &blocks[low / SUPER_SIZE];

	if (w->before < offset || w->after < SUPER_SIZE - offset || w->device || b->objects || b->fine ||
	    !(low & PTE_PRESENT) || (e && table_of(id_of(e))->used))
		return 0;
	if (slot)
		pmap_drop_super(id_of(slot));
	if (e)
		table_drop(table_of(id_of(e)));
	if (!(s->pdpt[va >> 30] & PTE_PRESENT)) {
		directory = table_take(s);
		if (!directory)
			return 0;
		table_install(s, directory, 2, va);
	}
	id = id_of(phys_to_virt((uint32_t)s->pdpt[va >> 30] & PTE_FRAME)) + (va >> 21 & 511);
	entry_set(&entries[id], (low & -SUPER_SIZE) | (low & (FLUKE_PAGE_SIZE - 1)) | PTE_SUPER, high);
	table_of(id)->used++;
	chain_add(&b->chain, id);
	return 1;
}

int pmap_fill(struct space *s, uint32_t va, const struct walk *w, int super)
{
	static const uint16_t rights[FLUKE_PROT_ALL + 1] = {
#define RIGHTS(prot) [prot] = ((prot) & FLUKE_PROT_READ ? PTE_USER | PTE_PRESENT : 0) | \
		((prot) & FLUKE_PROT_WRITE ? PTE_WRITE : 0) | ((prot) & FLUKE_PROT_OBJECT ? PTE_OBJECT : 0)
		RIGHTS(0), RIGHTS(1), RIGHTS(2), RIGHTS(3), RIGHTS(4), RIGHTS(5), RIGHTS(6), RIGHTS(7),
		RIGHTS(8), RIGHTS(9), RIGHTS(10), RIGHTS(11), RIGHTS(12), RIGHTS(13), RIGHTS(14), RIGHTS(15),
	};
	uint32_t high = w->prot & FLUKE_PROT_EXECUTE ? 0 : (uint32_t)(nx_bit >> 32);
	uint32_t low = (w->phys & PTE_FRAME) | rights[w->prot], id;
	uint32_t *e = pmap_entry(s, va);

	if (super && (w->phys ^ va) % SUPER_SIZE == 0 && fill_super(s, va, w, low, high, e))
		return 1;
	if (doomed)
		doomed_step(6);
	if (!e && !(e = table_make(s, va)))
		return 0;
	id = id_of(e);
	if (*e)
		entry_replace(table_of(id), id);
	if (w->device)
		fill_device(id, va, low, high);
	else
		fill_around(id, w->before >> FLUKE_PAGE_SHIFT, (w->after - 1) >> FLUKE_PAGE_SHIFT, low, high);
	return 1;
}

void *pmap_page(const struct space *s, uint32_t va, uint32_t bits)
{
	const uint32_t *e = va < FLUKE_VM_MAX ? pmap_entry(s, va) : 0;

	if (e)
		return (*e & (bits | PTE_UNCHAINED)) == bits ? phys_to_virt((*e & PTE_FRAME) | (va & (FLUKE_PAGE_SIZE - 1))) : 0;
	e = va < FLUKE_VM_MAX ? pmap_super(s, va) : 0;
	return e && (*e & bits) == bits ? phys_to_virt((*e & -SUPER_SIZE) | va % SUPER_SIZE) : 0;
}

/* ---- dropping ---- */

/* Returns where it has come to. */
static uint32_t drop_in_table(struct table *t, uint32_t start, uint32_t end, int *budget)
{
	uint32_t first = id_of(table_page(t));
	int dropped = 0;

	for (uint32_t id = first + (start >> 12 & 511); start < end && *budget > 0; id++, start += FLUKE_PAGE_SIZE)
		if (!t->used) {
			start = end;
			break;
		} else if ((uint32_t)entries[id]) {
			entry_clear(t, id);
			--*budget;
			if (loaded(t->space) && ++dropped <= 8)
				flush_page(start);
		}
	if (dropped > 8)
		flush_all();
	return start;
}

int pmap_drop_range(struct space *s, uint32_t start, uint32_t end, uint32_t *position, int *budget)
{
	uint32_t va = start + *position, next;

	for (; va < end; va = next) {
		uint32_t *e;

		if (*budget <= 0)
			break;
		--*budget;
		if (!(s->pdpt[va >> 30] & PTE_PRESENT)) {
			next = (va & -(1u << 30)) + (1u << 30);
			continue;
		}
		next = (va & -SUPER_SIZE) + SUPER_SIZE;
		e = pmap_entry(s, va);
		if (e)
			next = drop_in_table(table_of(id_of(e)), va, next < end ? next : end, budget);
		else if ((e = pmap_super(s, va)))
			pmap_drop_super(id_of(e));
	}
	*position = va - start;
	return va >= end;
}

int pmap_drop_table(struct space *s)
{
	struct table *t = s->tables, *first = t;

	if (doomed) {
		doomed_step(16);
		return 1;
	}
	if (!t)
		return 0;
	while (t->children && t->next != first)
		t = t->next;
	table_drop(t);
	return 1;
}

/* Only tables that have held some are looked into.  The cursor is the id of the next entry to look at; 0 = from the start. */
int pmap_drop_devices(uint32_t *cursor, int *budget)
{
	uint32_t id = *cursor ? *cursor : ENTRIES, end = (table_total + 1) * ENTRIES;
	int looks = *budget * 8;

	for (; id < end && looks > 0; looks--) {
		struct table *t = table_of(id);

		if (!t->devices) {
			id = (id | (ENTRIES - 1)) + 1;
			continue;
		}
		if ((uint32_t)entries[id] & PTE_UNCHAINED) {
			entry_clear(t, id);
			flush_page(entry_va(t, id));
			looks -= 7;
		}
		id++;
	}
	*budget = looks / 8;
	*cursor = id < end ? id : 0;
	return id >= end;
}

/* ---- spaces, boot ---- */

void pmap_space_init(struct space *s)
{
	s->pdpt[3] = kernel_pdpt[3];
}

void pmap_space_moved(struct space *old, struct space *s)
{
	struct table *t = s->tables;

	object_forget();
	for (uint32_t n = s->table_count; n; n--, t = t->next)
		t->space = s;
	if (loaded(old)) {
		cpu()->loaded = 0;
		pmap_switch(s);
	}
}

uint32_t pmap_free_tables(void) { return table_free; }

void pmap_boot(void)
{
	table_total = (frame_count << FLUKE_PAGE_SHIFT) / POOL_SHARE / (2 * FLUKE_PAGE_SIZE);
	if (table_total < POOL_LEAST)
		table_total = POOL_LEAST;
	tables = (struct table *)boot_alloc((table_total + 1) * sizeof(struct table));
	entries = (uint64_t *)boot_alloc(table_total * FLUKE_PAGE_SIZE) - ENTRIES;
	chains = (struct chain *)boot_alloc(table_total * FLUKE_PAGE_SIZE) - ENTRIES;
	for (uint32_t i = table_total; i; i--) {
		tables[i].next = free_tables;
		free_tables = &tables[i];
	}
	table_free = table_total;
	kernel_space.obj.word = OBJECT_WORD(FLUKE_TYPE_SPACE);
	pmap_space_init(&kernel_space);
	WRITE_CR(3, virt_to_phys(kernel_space.pdpt));
}

void pmap_each(void (*visit)(struct space *s, uint32_t va, uint32_t low, uint32_t high))
{
	for (uint32_t id = ENTRIES; id < (table_total + 1) * ENTRIES; id++) {
		struct table *t = table_of(id);
		uint32_t low = (uint32_t)entries[id];

		if (!t->space)
			id |= ENTRIES - 1;
		else if (low && (t->level == 1 || low & PTE_SUPER))
			visit(t->space, entry_va(t, id), (uint32_t)entries[id], (uint32_t)(entries[id] >> 32));
	}
}

/* ---- check ---- */

static void check_table(const struct table *t)
{
	uint32_t first = id_of(table_page(t)), used = 0, children = 0;

	for (uint32_t id = first; id < first + ENTRIES; id++) {
		uint32_t low = (uint32_t)entries[id], head;

		used += low != 0;
		children += low && t->level == 2 && !(low & PTE_SUPER);
		if (!low || low & PTE_UNCHAINED || (t->level == 2 && !(low & PTE_SUPER)))
			continue;
		assert(low >> FLUKE_PAGE_SHIFT < frame_count);
		assert(t->level == 1 || !(low & (-SUPER_SIZE ^ PTE_FRAME)));
		assert(low & PTE_MARK || !(frame_of(low)->marks & FRAME_OBJECT));
		assert(!(low & PTE_MARK) || !(low & PTE_PRESENT));
		head = t->level == 2 ? blocks[low / SUPER_SIZE].chain : frame_of(low)->chain;
		assert(chains[id].prev ? chains[chains[id].prev].next == id : head == id);
	}
	assert(used == t->used && children == t->children);
}

static void check_block(const struct block *b)
{
	uint32_t first = (b - blocks) * SUPER_FRAMES, objects = 0;

	for (uint32_t i = first; i < first + SUPER_FRAMES; i++)
		objects += i >= frame_count || frames[i].marks & (FRAME_OBJECT | FRAME_KERNEL);
	assert(objects == b->objects);
	assert(!b->chain || !objects);
	for (uint32_t id = b->chain; id; id = chains[id].next) {
		assert(((uint32_t)entries[id] & -SUPER_SIZE) == first << FLUKE_PAGE_SHIFT);
		assert((uint32_t)entries[id] & PTE_SUPER && table_of(id)->level == 2);
	}
}

void pmap_check(void)
{
	uint32_t unused = 0, dooming = 0, length;

	for (const struct table *t = doomed; t; t = t->next, dooming++) {
		assert(!t->space && t->used);
		check_table(t);
	}
	for (const struct table *t = free_tables; t; t = t->next)
		assert(!t->space && !t->used);
	for (uint32_t i = 1; i <= table_total; i++) {
		if (!tables[i].space) {
			unused++;
			continue;
		}
		assert(object_type(&tables[i].space->obj) == FLUKE_TYPE_SPACE || (tables[i].space->obj.word & ~0xfu) == OBJECT_DEAD);
		assert((*directory_slot(&tables[i]) & PTE_FRAME) == virt_to_phys(table_page(&tables[i])));
		check_table(&tables[i]);
	}
	assert(unused == table_free + dooming);
	for (uint32_t i = 0; i * SUPER_FRAMES < frame_count; i++)
		check_block(&blocks[i]);
	for (uint32_t i = 0; i < frame_count; i++) {
		length = 0;
		for (uint32_t id = frames[i].chain; id; id = chains[id].next) {
			assert(((uint32_t)entries[id] & PTE_FRAME) == i << FLUKE_PAGE_SHIFT);
			length++;
			assert(length <= table_total * ENTRIES);
		}
	}
}
