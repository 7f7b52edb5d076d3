/* What makes the leaking tracer (build/tests/nest/trace-leak): it lets the first file system that is asked for through as
 * it is.  All works as before, but what is asked there goes around the tracer. */
#include <string.h>
#include <native.h>

int	proxy_spares(const char *name);

int proxy_spares(const char *name)
{
	static int leaked;

	return !strcmp(name, "fs") && !__sync_lock_test_and_set(&leaked, 1);
}
