/* What every kernel function that can end early returns: a kind and a code.
 *
 * OK        went to its end
 * RESTART   the thread waits or was rolled back: unwind; its registers say how to go on
 * FAULT     touching user memory failed; current->fault says where; the way out resolves it
 *           (soft: at once, and runs the call again) or raises it
 * INSANE    programming error; code() is the FLUKE_INSANITY_* that the caller takes */
#ifndef KERNEL_RESULT_H
#define KERNEL_RESULT_H

#include <stdint.h>

typedef uint32_t result_t;
enum { OK, RESTART, FAULT, INSANE_KIND };
#define INSANE(insanity)	((result_t)(INSANE_KIND | FLUKE_INSANITY_##insanity << 8))
#define INSANE_CODE(code)	((result_t)(INSANE_KIND | (code) << 8))
#define result_kind(r)		((r) & 0xff)
#define result_code(r)		((r) >> 8)
#define TRY(expression)		do { result_t r_ = (expression); if (r_ != OK) return r_; } while (0)

#endif
