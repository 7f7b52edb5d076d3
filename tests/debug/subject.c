/* What the debugger's tests debug: one small scene per word of the command line.  A Linux program, linked dynamically. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile int	global = 5, other[2000], counter, released;
volatile double	number;
char		text[64] = "before";

int	add(int a, int b);
int	level3(int n), level2(int n), level1(int n);
void	here(void);

__attribute__((noinline)) int add(int a, int b)
{
	return a + b;
}

__attribute__((noinline)) void here(void)
{
	__asm__ volatile ("" : : : "memory");
}

__attribute__((noinline)) int level3(int n)
{
	here();
	return n + 3;
}

__attribute__((noinline)) int level2(int n)
{
	return level3(n + 1) + 2;
}

__attribute__((noinline)) int level1(int n)
{
	return level2(n * 2) + 1;
}

static void scene_plain(void)
{
	int sum = add(2, 3);

	global = sum;
	global = add(global, 10);
	printf("level %d\n", level1(7));
	printf("global %d\n", global);
}

static void scene_watch(void)
{
	for (int i = 0; i < 100; i++)
		other[1000 + i] = i;
	global = 6;
	global = 6;
	here();
	global = 77;
	counter = other[1050] + global;
	here();
	printf("watched %d %d\n", global, counter);
}

static void scene_float(void)
{
	double a = 1.5;

	for (int i = 0; i < 3; i++)
		a = a * a;
	number = a;
	here();
	printf("number %.3f\n", number);
}

static void scene_syscall(void)
{
	long pid, again;

	here();
	__asm__ volatile ("syscall_before: nop; int $0x80; syscall_after: nop" : "=a" (pid) : "0" (SYS_getpid) : "memory");
	again = getpid();
	printf("%s\n", pid == again ? "same pid" : "other pid");
}

static void *crasher(void *unused)
{
	here();
	*(volatile int *)16 = 1;
	return unused;
}

static void *sleeper(void *unused)
{
	struct timespec t = { 100, 0 };

	nanosleep(&t, NULL);
	return unused;
}

static void scene_thread_crash(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, sleeper, NULL);
	pthread_create(&b, NULL, crasher, NULL);
	pthread_join(b, NULL);
}

static void *worker(void *argument)
{
	for (int i = 0; i < 5; i++)
		counter = add(counter, 1);
	return argument;
}

static void scene_threads(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("counted\n");
}

static void scene_fork(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		global = add(20, 1);
		_exit(global);
	}
	waitpid(child, &status, 0);
	printf("child ended with %d\n", WEXITSTATUS(status));
	global = add(30, 1);
	printf("parent has %d\n", global);
}

static void scene_exec(void)
{
	here();
	execl("/bin/echo", "echo", "executed", NULL);
}

static void caught(int signal)
{
	counter = signal;
	here();
}

static void scene_signal(void)
{
	signal(SIGUSR1, caught);
	raise(SIGUSR1);
	printf("signal %d\n", counter);
	counter = 0;
	signal(SIGUSR2, caught);
	kill(getpid(), SIGUSR2);
	printf("signal %d\n", counter);
}

static void scene_loop(void)
{
	for (;;)
		counter++;
}

static void scene_abort(void)
{
	abort();
}

static void scene_trap(void)
{
	__asm__ volatile ("int3");
	printf("after the trap\n");
}

static void scene_divide(void)
{
	volatile int zero = 0;

	fflush(stdout);
	printf("%d\n", 5 / zero);
}

/* Its own text, as it sees it. */
static void scene_self(void)
{
	uint32_t sum = 0;
	int seen = 0;

	for (const uint8_t *p = (const uint8_t *)add; p < (const uint8_t *)add + 8; p++)
		sum = sum * 31 + *p;
	here();
	for (const uint8_t *p = (const uint8_t *)add; p < (const uint8_t *)add + 8; p++)
		seen += *p == 0xcc;
	counter = add(1, 1);
	uint32_t again = 0;
	for (const uint8_t *p = (const uint8_t *)add; p < (const uint8_t *)add + 8; p++)
		again = again * 31 + *p;
	printf("text %s\n", sum == again ? "unchanged" : "changed");
	printf("%d int3 seen\n", seen);
}

static void scene_wait(void)
{
	struct timespec t = { 0, 20000000 };

	for (counter = 0; !released; counter++)		/* gdb sets it */
		nanosleep(&t, NULL);
	printf("waited\n");
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*scene)(void); } scenes[] = {
		{ "plain", scene_plain }, { "watch", scene_watch }, { "float", scene_float }, { "syscall", scene_syscall },
		{ "thread_crash", scene_thread_crash }, { "threads", scene_threads }, { "fork", scene_fork }, { "exec", scene_exec },
		{ "signal", scene_signal }, { "loop", scene_loop }, { "abort", scene_abort }, { "trap", scene_trap },
		{ "divide", scene_divide }, { "self", scene_self }, { "wait", scene_wait },
	};

	for (int n = 1; n < argc; n++)
		for (unsigned i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
			if (!strcmp(argv[n], scenes[i].name))
				scenes[i].scene();
	fflush(stdout);
	return 3;
}
