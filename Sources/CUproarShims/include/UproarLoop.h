#pragma once
#include <stddef.h>
#include <stdint.h>

/// `eventfd` is not in the Glibc module. Non-blocking and close-on-exec; -1 and errno.
int uproar_wakeup_descriptor(void);

/// `accept4` needs _GNU_SOURCE, which the Glibc module goes without. Non-blocking and close-on-exec; -1 and errno.
struct sockaddr;
int uproar_accept(int socket, struct sockaddr *address, unsigned int *length);

/// `timespec` is a name of two modules once this one is imported. Sleeps so many nanoseconds, less when a signal comes.
void uproar_sleep(int64_t nanoseconds);

/// Swift has no prefetch. Asks for the bytes of `count` parts, which need not be mapped.
struct uproar_memory_part {
    const void *address;
    size_t count;
};
static inline void uproar_prefetch_line(const void *address) { __builtin_prefetch(address); }
void uproar_prefetch(const struct uproar_memory_part *parts, size_t count);

/// The CMSG macros are not imported. `recvmsg` from a socket with SO_TIMESTAMPNS: bytes received or -1 and errno; `stamp` is when
/// the kernel got the last of them, in nanoseconds of CLOCK_REALTIME, 0 when it does not say.
long uproar_receive_stamped(int socket, void *bytes, size_t capacity, int64_t *stamp);

/// Asks for these stamps. SO_TIMESTAMPNS has its number from a macro that is not imported.
int uproar_stamp_receives(int socket);

/// `pthread_setname_np` is a GNU call too. Names the calling thread; the kernel keeps 15 bytes.
void uproar_name_thread(const char *name);
