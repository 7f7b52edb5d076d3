/* Does one forbidden thing: crash null | data | stack | kernel | entry | write-text | opcode. */
#include <stdio.h>
#include <string.h>

static unsigned char code[] = { 0xc3 };

static int deeper(int n)
{
	volatile char room[4096];

	memset((void *)room, n, sizeof room);
	return deeper(n + 1) + room[n % 4096];
}

int main(int count, char **word)
{
	const char *how = count > 1 ? word[1] : "";

	if (!strcmp(how, "null"))
		*(volatile int *)0 = 1;
	else if (!strcmp(how, "data"))
		((void (*)(void))code)();
	else if (!strcmp(how, "stack"))
		return deeper(0);
	else if (!strcmp(how, "kernel"))
		((void (*)(void))0xc0100000)();
	else if (!strcmp(how, "read-kernel"))
		return *(volatile int *)0xc0100000;
	else if (!strcmp(how, "write-text"))
		*(volatile char *)(void *)main = 1;
	else if (!strcmp(how, "opcode"))
		__asm__ volatile("ud2");
	else if (!strcmp(how, "privileged"))
		__asm__ volatile("cli");
	else if (!strcmp(how, "divide"))
		return count / (count - 2);
	else if (!strcmp(how, "port"))
		__asm__ volatile("outb %%al, $0xf4" : : "a"(0));
	puts("survived");
	return 0;
}
