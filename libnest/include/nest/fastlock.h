#include <fastlock.h>
#include <native.h>
