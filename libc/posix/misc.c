/* Calls that tell about the system, and small ones without another home. */
#include "posix.h"
#include "calls.h"
#include <stdio.h>
#include <protocols/MemPool.h>
#include <protocols/Parent.h>

struct utsname_linux { char system[65], node[65], release[65], version[65], machine[65], domain[65]; };

long posix_uname(struct utsname_linux *to)
{
	struct utsname_linux u;

	memset(&u, 0, sizeof(u));
	strlcpy(u.system, "Linux", 65);
	strlcpy(u.node, FACTS->host_name[0] ? FACTS->host_name : "fluke", 65);
	strlcpy(u.release, "6.1.0-fluke", 65);
	strlcpy(u.version, "#1 Fluke", 65);
	strlcpy(u.machine, "i686", 65);
	strlcpy(u.domain, "(none)", 65);
	memcpy(to, &u, sizeof(u));
	return 0;
}

struct sysinfo_linux {
	int32_t uptime;
	uint32_t loads[3], total, free, shared, buffer, swap, free_swap;
	uint16_t processes, pad;
	uint32_t high, free_high, unit;
	char rest[8];
};

/* What the process's own pool may still take; 0 when nobody tells. */
static uint32_t memory_free(void)
{
	fluke_ref_t *pool = thread_ref(1);
	uint32_t limit = 0, used = 0, left = 0;

	if (Parent_lookup(REF_PROCESS, "pool", pool) || MemPool_statistics(pool, &limit, &used, &left))
		left = 0;
	fluke_ref_clear(pool);
	return left;
}

long posix_sysinfo(struct sysinfo_linux *to)
{
	struct sysinfo_linux s = { .uptime = (int32_t)(now_monotonic() / 1000000000u), .total = FACTS->memory_total,
		.free = memory_free(), .processes = 1, .unit = 1 };

	memcpy(to, &s, sizeof(s));
	return 0;
}

long posix_sched_getaffinity(int pid, uint32_t size, uint32_t *set)
{
	(void)pid;
	if (size < 4)
		return -EINVAL;
	*set = 1;
	return 4;
}

/* Partial: sched_setscheduler: accepted, without effect
 * Partial: sched_setparam: accepted, without effect
 * Partial: sched_getscheduler: always SCHED_OTHER */
long posix_sched_zero(void) { return 0; }

static long priority(int policy, long real_time)
{
	if (policy < 0 || policy > 6 || policy == 4)
		return -EINVAL;
	return policy == 1 || policy == 2 ? real_time : 0;
}

long posix_sched_get_priority_max(int policy) { return priority(policy, 99); }
long posix_sched_get_priority_min(int policy) { return priority(policy, 1); }

/* Partial: getpriority: always 0
 * Partial: setpriority: accepted, without effect */
long posix_getpriority(uint32_t which) { return which > 2 ? -EINVAL : 20; }
long posix_setpriority(uint32_t which) { return which > 2 ? -EINVAL : 0; }

long posix_getcpu(uint32_t *cpu, uint32_t *node)
{
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return 0;
}

static uint64_t random_state;

long posix_getrandom(uint8_t *to, uint32_t size, uint32_t flags)
{
	uint32_t n;

	if (flags & ~7u || (flags & 6) == 6)
		return -EINVAL;
	for (n = 0; n < size; n++) {
		uint64_t tsc;

		__asm__ volatile("rdtsc" : "=A"(tsc));
		random_state = (random_state ^ tsc ^ ((uint64_t)FACTS->pid << 40)) * 6364136223846793005ull + 1442695040888963407ull;
		to[n] = (uint8_t)(random_state >> 33);
	}
	return (long)size;
}

long posix_sethostname(void) { return -EPERM; }
long posix_personality(void) { return 0; }
/* Partial: nice: accepted, without effect
 * Partial: sched_yield: returns at once */
long posix_ok(void) { return 0; }

/* No sockets: what looks for a name service cache is told so. */
long posix_socket(void) { return -97; }		/* EAFNOSUPPORT */

/* Partial: socketcall: no sockets (EAFNOSUPPORT) */
long posix_socketcall(uint32_t call)
{
	return call == 1 || call == 8 ? -97 : -88;	/* socket, socketpair; else ENOTSOCK */
}

long posix_no_permission(void) { return -EPERM; }

/* Power off, restart or halt, by whoever is above us.  The command "control-alt-delete on or off" has no effect. */
long posix_reboot(uint32_t magic, uint32_t magic2, uint32_t command)
{
	static const struct { uint32_t command; int8_t how; } commands[] = {
		{ 0x4321fedc, 0 }, { 0x01234567, 1 }, { 0xcdef0123, 2 }, { 0x89abcdef, -1 }, { 0, -1 },
	};
	unsigned n;
	int error;

	if (magic != 0xfee1dead || (magic2 != 0x28121969 && magic2 != 0x05121996 && magic2 != 0x16041998 && magic2 != 0x20112000))
		return -EINVAL;
	for (n = 0; n < NELEM(commands); n++)
		if (commands[n].command == command)
			break;
	if (n == NELEM(commands))
		return -EINVAL;
	if (commands[n].how < 0)
		return 0;
	error = Parent_power(REF_PROCESS, commands[n].how, 0);
	while (!error || error >= PROTO_DEAD)
		thread_wait(FOREVER);		/* it is going down */
	return fail(error);
}
