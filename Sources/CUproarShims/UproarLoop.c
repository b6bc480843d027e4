#define _GNU_SOURCE
#include "UproarLoop.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int uproar_wakeup_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int uproar_accept(int socket, struct sockaddr *address, unsigned int *length) {
    return accept4(socket, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void uproar_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void uproar_sleep(int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, 0);
}

int uproar_stamp_receives(int socket) {
    int one = 1;
    return setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
}

long uproar_receive_stamped(int socket, void *bytes, size_t capacity, int64_t *stamp) {
    struct iovec piece = {bytes, capacity};
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr alignment;
    } control;
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    *stamp = 0;
    ssize_t count = recvmsg(socket, &message, 0);
    if (count <= 0) return count;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec time;
        memcpy(&time, CMSG_DATA(header), sizeof time);
        *stamp = time.tv_sec * 1000000000 + time.tv_nsec;
    }
    return count;
}

void uproar_prefetch(const struct uproar_memory_part *parts, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t offset = 0; offset < parts[i].count; offset += 64)
            __builtin_prefetch((const char *)parts[i].address + offset, 1);
}
