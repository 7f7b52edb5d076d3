/* Warnings and errors of several passes. */
#include <stdio.h>

struct pair { int left, right; };

static int unused(int a)
{
	int b;

	return a + b;
}

int main(void)
{
	struct pair p = { 1, 2, 3 };
	char text[4];

	sprintf(text, "%d%s", "five", 5);
	if (p.left = 2)
		puts("assigned");
	return p.middle;
}
