/* hello: the smallest native program.  Prints a line and its arguments. */
#include <stdio.h>

int main(int argc, char **argv);

int main(int argc, char **argv)
{
	printf("hello from a nested process\n");
	for (int n = 1; n < argc; n++)
		printf("argument %d: %s\n", n, argv[n]);
	return 0;
}
