/* Registers, in gdb's order and as the program sees them.  A thread that is in a system call shows the registers that it made
 * the call with: the image has saved them at the top of the thread's own stack there. */
#include <string.h>
#include "debug.h"

/* What image_syscall saves (libc/posix/entry.S). */
struct frame { uint32_t ebx, ecx, edx, esi, edi, ebp, eax, orig_eax, eip, eflags, esp; };

const char target_xml[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\"><architecture>i386</architecture>"
	"<osabi>GNU/Linux</osabi><feature name=\"org.gnu.gdb.i386.core\">"
	"<flags id=\"i386_eflags\" size=\"4\"><field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
	"<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/><field name=\"ZF\" start=\"6\" end=\"6\"/>"
	"<field name=\"SF\" start=\"7\" end=\"7\"/><field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
	"<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/></flags>"
#define GENERAL(name, type)	"<reg name=\"" name "\" bitsize=\"32\" type=\"" type "\"/>"
	GENERAL("eax", "int32") GENERAL("ecx", "int32") GENERAL("edx", "int32") GENERAL("ebx", "int32") GENERAL("esp", "data_ptr")
	GENERAL("ebp", "data_ptr") GENERAL("esi", "int32") GENERAL("edi", "int32") GENERAL("eip", "code_ptr")
	GENERAL("eflags", "i386_eflags") GENERAL("cs", "int32") GENERAL("ss", "int32") GENERAL("ds", "int32") GENERAL("es", "int32")
	GENERAL("fs", "int32") GENERAL("gs", "int32")
#define STACKED(name)	"<reg name=\"" name "\" bitsize=\"80\" type=\"i387_ext\"/>"
	STACKED("st0") STACKED("st1") STACKED("st2") STACKED("st3") STACKED("st4") STACKED("st5") STACKED("st6") STACKED("st7")
#define CONTROL_WORD(name)	"<reg name=\"" name "\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
	CONTROL_WORD("fctrl") CONTROL_WORD("fstat") CONTROL_WORD("ftag") CONTROL_WORD("fiseg") CONTROL_WORD("fioff")
	CONTROL_WORD("foseg") CONTROL_WORD("fooff") CONTROL_WORD("fop")
	"</feature><feature name=\"org.gnu.gdb.i386.sse\"><vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/><vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/><vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/><union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
	"<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
	"<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/>"
	"</union>"
#define VECTOR(name)	"<reg name=\"" name "\" bitsize=\"128\" type=\"vec128\"/>"
	VECTOR("xmm0") VECTOR("xmm1") VECTOR("xmm2") VECTOR("xmm3") VECTOR("xmm4") VECTOR("xmm5") VECTOR("xmm6") VECTOR("xmm7")
	"<reg name=\"mxcsr\" bitsize=\"32\" type=\"int\" group=\"vector\"/></feature>"
	"<feature name=\"org.gnu.gdb.i386.linux\"><reg name=\"orig_eax\" bitsize=\"32\" type=\"int\"/></feature></target>";

int in_image(const fluke_thread_state_t *s)
{
	uint32_t eip = s->regs.eip, esp = s->regs.esp;

	if (eip >= FLUKE_ENTRY)
		return esp >= IMAGE_THREADS_AREA && esp < IMAGE_STARTUP;
	return eip >= START_IMAGE && eip < START_IMAGE + IMAGE_TEXT_MAX;
}

void user_regs(struct thread *th, struct user_regs *r)
{
	const struct fluke_i386_state *s = &th->state->regs;
	uint32_t area = s->esp & -IMAGE_THREAD_SIZE;
	struct frame f;

	*r = (struct user_regs){ s->eax, s->ecx, s->edx, s->ebx, s->esp, s->ebp, s->esi, s->edi, s->eip, s->eflags, ~0u, 0 };
	if (!th->target->linux_pid || !in_image(th->state) || area < IMAGE_THREADS_AREA || area >= IMAGE_STARTUP)
		return;
	if (memory_read(th->target, area + 0xc000 - sizeof f, &f, sizeof f) != sizeof f || !f.eip)
		return;
	*r = (struct user_regs){ f.eax, f.ecx, f.edx, f.ebx, f.esp, f.ebp, f.esi, f.edi, f.eip, f.eflags, f.orig_eax,
		area + 0xc000 - sizeof f };
}

static void user_regs_put(struct thread *th, const struct user_regs *r)
{
	struct fluke_i386_state *s = &th->state->regs;
	struct frame f = { r->ebx, r->ecx, r->edx, r->esi, r->edi, r->ebp, r->eax, r->orig_eax, r->eip, r->eflags, r->esp };

	if (r->frame) {
		memory_write(th->target, r->frame, &f, sizeof f);
		return;
	}
	s->eax = r->eax, s->ecx = r->ecx, s->edx = r->edx, s->ebx = r->ebx, s->esp = r->esp, s->ebp = r->ebp;
	s->esi = r->esi, s->edi = r->edi, s->eip = r->eip, s->eflags = r->eflags;
	th->dirty = 1;
}

/* Where gdb's register is in the block. */
unsigned reg_place(unsigned n, unsigned *size)
{
	if (n < 16)
		return *size = 4, n * 4;
	if (n < 24)
		return *size = 10, 64 + (n - 16) * 10;
	if (n < 32)
		return *size = 4, 144 + (n - 24) * 4;
	if (n < 40)
		return *size = 16, 176 + (n - 32) * 16;
	return *size = 4, 304 + (n - 40) * 4;
}

static void word_put(uint8_t *to, uint32_t value)
{
	memcpy(to, &value, 4);
}

static uint32_t word_get(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, 4);
	return value;
}

static uint32_t half(const uint8_t *fx, unsigned at)
{
	return fx[at] | (uint32_t)fx[at + 1] << 8;
}

/* The full tag word of an FXSAVE area: 2 bits by physical register. */
static uint32_t tags(const uint8_t *fx)
{
	uint32_t top = half(fx, 2) >> 11 & 7, full = 0;

	for (unsigned n = 0; n < 8; n++) {
		const uint8_t *st = fx + 32 + 16 * ((n - top) & 7);
		uint32_t exponent = half(st, 8) & 0x7fff, low = word_get(st), high = word_get(st + 4), tag;

		if (!(fx[4] >> n & 1))
			tag = 3;
		else if (exponent == 0 && !low && !high)
			tag = 1;
		else
			tag = exponent == 0 || exponent == 0x7fff || !(high >> 31) ? 2 : 0;
		full |= tag << 2 * n;
	}
	return full;
}

static void fpu_get(const struct thread *th, uint8_t *b)
{
	static const uint8_t fresh[512] = { [0] = 0x7f, [1] = 3, [24] = 0x80, [25] = 0x1f };
	const uint8_t *fx = th->state->flags & FLUKE_THREAD_FPU_USED ? th->state->fpu.fxsave : fresh;
	const uint32_t words[8] = { half(fx, 0), half(fx, 2), tags(fx), half(fx, 12), word_get(fx + 8), half(fx, 20), word_get(fx + 16),
		half(fx, 6) };

	for (unsigned n = 0; n < 8; n++) {
		memcpy(b + 64 + 10 * n, fx + 32 + 16 * n, 10);
		memcpy(b + 176 + 16 * n, fx + 160 + 16 * n, 16);
		word_put(b + 144 + 4 * n, words[n]);
	}
	memcpy(b + 304, fx + 24, 4);
}

static void fpu_put(struct thread *th, const uint8_t *b)
{
	uint8_t *fx = th->state->fpu.fxsave;
	uint32_t full = word_get(b + 152);

	if (!(th->state->flags & FLUKE_THREAD_FPU_USED))
		memset(fx, 0, 512);
	th->state->flags |= FLUKE_THREAD_FPU_USED;
	for (unsigned n = 0; n < 8; n++) {
		memcpy(fx + 32 + 16 * n, b + 64 + 10 * n, 10);
		memcpy(fx + 160 + 16 * n, b + 176 + 16 * n, 16);
	}
	memcpy(fx, b + 144, 2);
	memcpy(fx + 2, b + 148, 2);
	fx[4] = 0;
	for (unsigned n = 0; n < 8; n++)
		fx[4] |= (uint8_t)(((full >> 2 * n & 3) != 3) << n);
	memcpy(fx + 6, b + 172, 2);
	memcpy(fx + 8, b + 160, 4);
	memcpy(fx + 12, b + 156, 2);
	memcpy(fx + 16, b + 168, 4);
	memcpy(fx + 20, b + 164, 2);
	memcpy(fx + 24, b + 304, 4);
	th->dirty = 1;
}

void regs_get(struct thread *th, uint8_t b[REGISTERS_SIZE])
{
	struct user_regs r;

	user_regs(th, &r);
	const uint32_t words[16] = { r.eax, r.ecx, r.edx, r.ebx, r.esp, r.ebp, r.esi, r.edi, r.eip, r.eflags, FLUKE_USER_CS, FLUKE_USER_DS,
		FLUKE_USER_DS, FLUKE_USER_DS, th->state->regs.fs, th->state->regs.gs };

	memset(b, 0, REGISTERS_SIZE);
	memcpy(b, words, sizeof words);
	fpu_get(th, b);
	word_put(b + 308, r.orig_eax);
}

void regs_put(struct thread *th, const uint8_t b[REGISTERS_SIZE])
{
	uint8_t before[REGISTERS_SIZE];
	struct user_regs r, old;
	uint32_t w[16];

	regs_get(th, before);
	user_regs(th, &r);
	old = r;
	memcpy(w, b, sizeof w);
	r.eax = w[0], r.ecx = w[1], r.edx = w[2], r.ebx = w[3], r.esp = w[4], r.ebp = w[5], r.esi = w[6], r.edi = w[7];
	r.eip = w[8], r.eflags = w[9], r.orig_eax = word_get(b + 308);
	if (memcmp(&r, &old, sizeof r))
		user_regs_put(th, &r);
	if (memcmp(before + 64, b + 64, 308 - 64))
		fpu_put(th, b);
}
