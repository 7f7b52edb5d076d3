/* The kernel's check of its own books (Machine.check). */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include <stdint.h>

struct thread;

void	selftest(void);

/* Only in a kernel built with CHECK=1: */
#ifdef CHECK
void	check_gone(void *object, uint32_t size);	/* an object's place is free: poisoned */
/* Every (call, error or insanity) that reaches user code is noted under the call that was made,
 * whatever stage it had come to; entry.S calls the first two. */
void	check_entered(struct thread *t);		/* user code makes the call in the registers */
void	check_again(struct thread *t);			/* it is dispatched again; every so often a selftest */
void	check_left(struct thread *t);			/* t goes to user code */
void	check_insane(struct thread *t, uint32_t code);
void	check_report(void);				/* to the log: what was noted */
#else
static inline void check_gone(void *object, uint32_t size) { (void)object; (void)size; }
static inline void check_again(struct thread *t) { (void)t; }
static inline void check_insane(struct thread *t, uint32_t code) { (void)t; (void)code; }
static inline void check_report(void) { }
#endif

#endif
