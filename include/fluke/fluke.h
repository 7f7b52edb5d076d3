/* The whole kernel API. */
#ifndef FLUKE_FLUKE_H
#define FLUKE_FLUKE_H
#include <fluke/types.h>
#include <fluke/errors.h>
#include <fluke/thread.h>
#include <fluke/space.h>
#include <fluke/region.h>
#include <fluke/mapping.h>
#include <fluke/port.h>
#include <fluke/portset.h>
#include <fluke/ipc.h>
#include <fluke/mutex.h>
#include <fluke/cond.h>
#include <fluke/ref.h>
#include <fluke/exception.h>
#endif
