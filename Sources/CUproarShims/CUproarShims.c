#define _GNU_SOURCE
#include "CUproarShims.h"

#include <time.h>

int uproar_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds) {
    if (nanoseconds < 0) return epoll_pwait2(epoll, events, count, 0, 0);
    struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    return epoll_pwait2(epoll, events, count, &limit, 0);
}
