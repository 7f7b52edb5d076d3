/* The kernel's check of its own books (Machine.check). */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

void	selftest(void);

#endif
