/* The machine's one-shot timer: the local APIC's where there is one, else channel 0 of the
 * 8254.  The time base is the time stamp counter, measured against channel 2. */
#include "machine_local.h"

#define PIT_HZ		1193182u
#define CALIBRATE	11932u		/* about 10 ms */

#define APIC_EOI	0x0b0
#define APIC_SPURIOUS	0x0f0
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_INITIAL	0x380
#define APIC_COUNT	0x390
#define APIC_DIVIDE	0x3e0
#define APIC_MASKED	0x10000u

uint32_t	tsc_khz;
int		timer_is_pit = 1;
static volatile uint8_t *apic;
static uint32_t	apic_khz;

static void apic_write(unsigned reg, uint32_t v) { *(volatile uint32_t *)(apic + reg) = v; }
static uint32_t apic_read(unsigned reg) { return *(volatile uint32_t *)(apic + reg); }

uint64_t clock_now(void)
{
	return rdtsc();
}

void apic_end(void)
{
	if (apic)
		apic_write(APIC_EOI, 0);
}

/* Enabled in "virtual wire" order: the 8259 reaches the processor through LINT0. */
static void apic_boot(void)
{
	uint64_t base;

	if (!(cpu_features & CPUID_APIC) || boot_option("nolapic"))
		return;
	base = rdmsr(MSR_APIC_BASE);
	if (!(base & 0x800))
		wrmsr(MSR_APIC_BASE, base | 0x800);
	apic = device_map((uint32_t)base & 0xfffff000u, 4096);
	apic_write(APIC_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_LINT0, 0x700);
	apic_write(APIC_LVT_LINT1, 0x400);
	apic_write(APIC_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, APIC_MASKED | VECTOR_TIMER);
}

/* One reading of the three clocks: of some tries that which took least, since an emulator may
 * lose the processor in between. */
struct reading { uint64_t tsc; uint32_t pit, apic; };

static struct reading read_clocks(void)
{
	struct reading best = { 0, 0, 0 };
	uint32_t least = 0xffffffffu, i, pit, count;
	uint64_t before, after;

	for (i = 0; i < 8; i++) {
		before = rdtsc();
		outb(0x43, 0x80);
		pit = inb(0x42);
		pit |= (uint32_t)inb(0x42) << 8;
		count = apic ? apic_read(APIC_COUNT) : 0;
		after = rdtsc();
		if (after - before >= least)
			continue;
		least = (uint32_t)(after - before);
		best = (struct reading){ before, pit, count };
	}
	return best;
}

/* Channel 2 counts down once from 65535 (55 ms); its output, bit 5 of port 0x61, says that the
 * count is over: then it is done again. */
static void calibrate(void)
{
	struct reading first, last;
	uint32_t tries, passed;

	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1));
	for (tries = 0; tries < 100; tries++) {
		outb(0x43, 0xb0);
		outb(0x42, 0xff);
		outb(0x42, 0xff);
		if (apic)
			apic_write(APIC_INITIAL, 0xffffffffu);
		first = read_clocks();
		do
			last = read_clocks();
		while (first.pit - last.pit < CALIBRATE && !(inb(0x61) & 0x20));
		passed = first.pit - last.pit;
		if (!(inb(0x61) & 0x20) && passed < 0xffff)
			break;
	}
	tsc_khz = scale((uint32_t)(last.tsc - first.tsc), PIT_HZ, passed * 1000);
	if (apic) {
		apic_khz = scale(first.apic - last.apic, PIT_HZ, passed * 1000);
		apic_write(APIC_INITIAL, 0);
	}
	if (!tsc_khz)
		fatal("the time stamp counter stands still");
}

void pit_boot(void)
{
	apic_boot();
	calibrate();
	boot_info.tsc_khz = tsc_khz;
	if (apic && apic_khz) {
		timer_is_pit = 0;
		apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	}
	outb(0x43, 0x30);		/* channel 0: one shot, silent until a count is written */
	kprintf("clock: TSC %u kHz, timer %s %u kHz\n", tsc_khz, timer_is_pit ? "8254" : "local APIC",
		timer_is_pit ? PIT_HZ / 1000 : apic_khz);
}

/* A full count by 1 is some seconds, by 128 some minutes: that for far deadlines, a little early, as
 * its steps are coarse.  timer_fired sets it again when it was too early. */
static uint64_t set_divider(uint64_t left)
{
	static uint32_t now = 0xb;
	uint32_t wanted = left > 0xfffffffeu ? 0xa : 0xb;

	if (wanted != now)
		apic_write(APIC_DIVIDE, now = wanted);
	return wanted == 0xa ? (left - (1u << 20)) >> 7 : left;
}

void timer_set(uint64_t tsc)
{
	uint64_t now = rdtsc(), left = tsc <= now ? 0 : tsc - now;
	uint32_t wait, count;

	if (!timer_is_pit)
		left = set_divider(left);
	wait = left > 0xfffffffeu ? 0xfffffffeu : (uint32_t)left;
	count = scale(wait, timer_is_pit ? PIT_HZ / 1000 : apic_khz, tsc_khz);
	if (!timer_is_pit) {
		apic_write(APIC_INITIAL, count + (count != 0xffffffffu));
		return;
	}
	count = count > 0xfff0 ? 0xfff0 : count + 2;
	outb(0x43, 0x30);
	outb(0x40, (uint8_t)count);
	outb(0x40, (uint8_t)(count >> 8));
	pic_unmask(0);
}
