/* Page-table entries and the page-table pool as the rest of the memory code sees them.
 *
 * Entries are PAE entries; memory beyond 4 GB is not used, so the low word tells all but
 * no-execute.  An entry of an object page is not present but keeps frame and rights. */
#ifndef KERNEL_I386_MMU_H
#define KERNEL_I386_MMU_H

#include "kernel.h"
#include "space.h"
#include "vm.h"

#define PTE_PRESENT	0x001u
#define PTE_WRITE	0x002u
#define PTE_USER	0x004u		/* the READ right, also while not present */
#define PTE_UNCACHED	0x018u
#define PTE_ACCESSED	0x020u
#define PTE_DIRTY	0x040u
#define PTE_SUPER	0x080u		/* in a directory: 2 MB page */
#define PTE_GLOBAL	0x100u
#define PTE_OBJECT	0x200u		/* the OBJECT right */
#define PTE_MARK	0x400u		/* object page: not present */
#define PTE_UNCHAINED	0x800u		/* device memory, entry page: in no frame's chain */
#define PTE_FRAME	0xfffff000u

#define SUPER_SIZE	0x200000u
#define SUPER_FRAMES	512u

extern struct frame	*frames;
extern uint32_t		frame_count;
static inline struct frame *frame_of(uint32_t phys) { return &frames[phys >> FLUKE_PAGE_SHIFT]; }
static inline uint32_t frame_phys(const struct frame *f) { return (uint32_t)(f - frames) << FLUKE_PAGE_SHIFT; }

/* The entry of a user address in a space, its low word; null when there is no table. */
static inline uint32_t *pmap_entry(const struct space *s, uint32_t va)
{
	uint32_t e = (uint32_t)s->pdpt[va >> 30];

	if (!(e & PTE_PRESENT))
		return 0;
	e = *(uint32_t *)phys_to_virt((e & PTE_FRAME) + (va >> 21 & 511) * 8);
	if ((e & (PTE_PRESENT | PTE_SUPER)) != PTE_PRESENT)
		return 0;
	return phys_to_virt((e & PTE_FRAME) + (va >> 12 & 511) * 8);
}

/* The superpage entry that covers va, or null. */
static inline uint32_t *pmap_super(const struct space *s, uint32_t va)
{
	uint32_t e = (uint32_t)s->pdpt[va >> 30], *pde;

	if (!(e & PTE_PRESENT))
		return 0;
	pde = phys_to_virt((e & PTE_FRAME) + (va >> 21 & 511) * 8);
	return *pde & PTE_SUPER ? pde : 0;
}

/* Enters what a walk has found for va: a superpage, if one is wanted (no object will be looked for there) and possible;
 * else the page, and up to 7 neighbours of the same run.  False: not yet, a table for it is still being emptied. */
int	pmap_fill(struct space *s, uint32_t va, const struct walk *w, int super);
/* The address in the direct map of a user page of the space if its entry has all these bits, else null. */
void	*pmap_page(const struct space *s, uint32_t va, uint32_t bits);
/* Drops entries of [start, end) from *position on, until the budget is used up; true when done. */
int	pmap_drop_range(struct space *s, uint32_t start, uint32_t end, uint32_t *position, int *budget);
/* Drops all device entries of all spaces, from the cursor on (0 = all); true when done. */
int	pmap_drop_devices(uint32_t *cursor, int *budget);
/* A step towards dropping all tables; false when the space has none and all are empty. */
int	pmap_drop_table(struct space *s);
void	pmap_space_init(struct space *s);
void	pmap_space_moved(struct space *old, struct space *s);
/* A space whose tables may not be taken while a transfer uses it; null = none. */
void	pmap_pin(struct space *s);
void	pmap_each(void (*visit)(struct space *s, uint32_t va, uint32_t low, uint32_t high));	/* every entry */
void	pmap_check(void);		/* panics when chains or counters are wrong */

/* Entries of one frame, by its chain and that of its block.  What has a budget of entries may stop early and is then
 * called again. */
int	frame_drop_entries(struct frame *f, int *budget);	/* true when none is left */
int	frame_hide(struct frame *f, int *budget);	/* becomes an object page; true when it is one */
void	frame_show(struct frame *f);			/* becomes plain memory */
int	frame_harvest(struct frame *f, int *budget);	/* all FRAME_DIRTY, FRAME_REFERENCED into its marks, which it returns; -1 = not yet */
static inline int frame_starts(const struct frame *f, uint32_t address)
{
	return f->start[address >> 10 & 3] >> (address >> 5 & 31) & 1;
}

/* usercopy.S: 0, or 1 << 32 | address of the fault. */
uint64_t	usercopy(void *to, const void *from, uint32_t bytes);
uint64_t	usercopy_word(uint32_t *to, const uint32_t *from);
void		copy_words(void *to, const void *from, uint32_t bytes);

#endif
