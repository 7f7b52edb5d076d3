/* The lock of libc's fastlock.h, for servers. */
#include <fastlock.h>
#include <native.h>
