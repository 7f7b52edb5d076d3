/* The kernel's check of its own books (Machine.check). */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include <stdint.h>

void	selftest(void);

/* Only in a kernel built with CHECK=1: */
#ifdef CHECK
void	check_gone(void *object, uint32_t size);	/* an object's place is free: poisoned */
void	check_now_and_then(void);			/* at each call; every so often a selftest */
#else
static inline void check_gone(void *object, uint32_t size) { (void)object; (void)size; }
static inline void check_now_and_then(void) { }
#endif

#endif
