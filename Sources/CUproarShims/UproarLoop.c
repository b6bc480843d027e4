#define _GNU_SOURCE
#include "UproarLoop.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

int uproar_wakeup_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int uproar_accept(int socket, struct sockaddr *address, unsigned int *length) {
    return accept4(socket, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void uproar_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
