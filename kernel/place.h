/* Places: every wait, preemption point, user copy and look-up that may fault leaves its file,
 * function and line in the section .places (listed by tests/restart/list).  That is all it costs:
 * only in a kernel built with PLACES=1 each of them also asks place_hook (tests/restart/hook.c),
 * which may make the call stop there.  What it returns is what the operation returns: OK (go on),
 * RESTART or FAULT; at a wait or a preemption point it is not looked at.  TRY: a fast path's, behind
 * which the general code does it all; PASS: a fast path's wait, after which another thread runs. */
#ifndef KERNEL_PLACE_H
#define KERNEL_PLACE_H

#include "result.h"

enum place_kind { PLACE_WAIT, PLACE_POLL, PLACE_COPY, PLACE_FIND, PLACE_TRY, PLACE_PASS };
struct place {
	const char	*file, *function;
	uint32_t	line, kind;
};
struct link;

#define PLACE_INTERFACE	0x504cu		/* requests to the kernel's own port, for hook.c */

#if defined PLACES || defined GUIDE	/* tests/restart/hook.c, tests/guided/hook.c */
int		place_request(unsigned method, const uint32_t *in, struct link **ref, unsigned refs, uint32_t *out);
#endif
#ifdef PLACES
result_t	place_hook(const struct place *place, uint32_t va, unsigned access);
#else
static inline result_t place_hook(const struct place *place, uint32_t va, unsigned access)
{
	(void)place, (void)va, (void)access;
	return OK;
}
#ifndef GUIDE
static inline int place_request(unsigned method, const uint32_t *in, struct link **ref, unsigned refs, uint32_t *out)
{
	(void)method, (void)in, (void)ref, (void)refs, (void)out;
	return 38;	/* ENOSYS */
}
#endif
#endif

#define PLACE(kind, va, access) \
	({ static const struct place here_ __attribute__((section(".places"), used)) = \
		{ __FILE__, __func__, __LINE__, PLACE_##kind }; place_hook(&here_, va, access); })
#define PLACED(kind, va, access, call) \
	({ result_t at_place_ = PLACE(kind, va, access); at_place_ == OK ? (call) : at_place_; })

#endif
