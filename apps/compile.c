/* compile: the papers' compile job: gcc -O2 (driver, preprocessor, compiler, assembler, linker) of one source file of 400 lines to a
 * program, which is run and checked.  The source is made here, and so is what the program must print.  Timed: from the start of
 * gcc to its exit, after a first run that brings gcc from the drive.  Needs a tree with gcc (`make drive`). */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "measure.h"

#define FUNCTIONS	24
#define RUNS		1
#define SOURCE		"/tmp/compile.c"
#define PROGRAM		"/tmp/compiled"
#define OUTPUT		"/tmp/compiled.out"

struct shape { uint32_t add, times, step, shift; };
static struct shape shape[FUNCTIONS];

static void choose(void)
{
	uint32_t seed = 1;

	for (unsigned n = 0; n < FUNCTIONS; n++)
		shape[n] = (struct shape){ measure_random(&seed), 20 + measure_random(&seed) % 50, 1 + 2 * (measure_random(&seed) % 7),
			1 + measure_random(&seed) % 15 };
}

/* What function n of the program does. */
static uint32_t function(const struct shape *s, uint32_t a, uint32_t b)
{
	uint32_t table[16], i, j;

	for (i = 0; i < 16; i++)
		table[i] = a * (i + s->add) ^ b;
	for (i = 0; i < s->times; i++) {
		j = (i * s->step + 3) % 16;
		if (table[i % 16] > table[j])
			b += table[j], table[j] = a;
		else
			a ^= table[i % 16] >> s->shift;
	}
	return a + b;
}

static int write_source(void)
{
	FILE *f = fopen(SOURCE, "w");
	unsigned n;

	if (!f)
		return 0;
	fputs("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n", f);
	for (n = 0; n < FUNCTIONS; n++)
		fprintf(f, "static unsigned f%u(unsigned a, unsigned b)\n{\n\tunsigned table[16], i, j;\n\n\tfor (i = 0; i < 16; i++)\n"
			"\t\ttable[i] = a * (i + %uu) ^ b;\n\tfor (i = 0; i < %u; i++) {\n\t\tj = (i * %u + 3) %% 16;\n"
			"\t\tif (table[i %% 16] > table[j])\n\t\t\tb += table[j], table[j] = a;\n\t\telse\n\t\t\ta ^= table[i %% 16] >> %u;\n\t}\n"
			"\treturn a + b;\n}\n", n, (unsigned)shape[n].add, (unsigned)shape[n].times, (unsigned)shape[n].step, (unsigned)shape[n].shift);
	fputs("int main(void)\n{\n\tunsigned sum = 1;\n\n", f);
	for (n = 0; n < FUNCTIONS; n++)
		fprintf(f, "\tsum = sum * 33 + f%u(sum, %u);\n", n, n);
	fputs("\tprintf(\"%08x\\n\", sum);\n\treturn 0;\n}\n", f);
	return !fclose(f);
}

/* Exit status of the command, its output in the file; -1: it did not run. */
static int run(char *const *command, const char *output)
{
	int status, file;
	pid_t child = fork();

	if (child < 0)
		return -1;
	if (!child) {
		file = output ? open(output, O_WRONLY | O_CREAT | O_TRUNC, 0644) : 1;
		if (file >= 0 && dup2(file, 1) >= 0)
			execv(command[0], command);
		_exit(127);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The program prints what it must. */
static int is_right(void)
{
	char *command[] = { PROGRAM, NULL }, wanted[16], got[16] = "";
	uint32_t sum = 1;
	int file;

	for (unsigned n = 0; n < FUNCTIONS; n++)
		sum = sum * 33 + function(&shape[n], sum, n);
	snprintf(wanted, sizeof wanted, "%08x\n", (unsigned)sum);
	if (run(command, OUTPUT) || (file = open(OUTPUT, O_RDONLY)) < 0)
		return 0;
	if (read(file, got, sizeof got - 1) < 0)
		got[0] = 0;
	close(file);
	return !strcmp(got, wanted);
}

int main(void)
{
	char *gcc[] = { "/usr/bin/gcc", "-O2", SOURCE, "-o", PROGRAM, NULL };
	uint64_t time = 0, worst = 0, took;
	int right;

	choose();
	right = write_source();
	for (unsigned n = 0; right && n <= RUNS; n++) {
		took = measure_now();
		right = !run(gcc, NULL);
		took = measure_now() - took;
		right = right && is_right();
		unlink(PROGRAM);
		if (!n)
			continue;
		time += took;
		worst = took > worst ? took : worst;
	}
	printf("compile %s\n", right ? "right" : "wrong");
	if (right)
		measure_print("compile", RUNS, time, worst);
	return !right;
}
