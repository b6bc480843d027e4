#pragma once
// No header here that the Glibc module has as well: Swift would find its names in two modules, and at times in neither.
#include <stdint.h>
#include <sys/epoll.h>

/// `epoll_pwait2` is not in the Glibc module of the Swift toolchain; a wait needs nanoseconds, not milliseconds.
int uproar_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds);
#include "UproarProcess.h"
#include "UproarLoop.h"
#include "UproarDatagram.h"
#include "UproarNamespace.h"
