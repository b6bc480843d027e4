#pragma once

/// `eventfd` is not in the Glibc module. Non-blocking and close-on-exec; -1 and errno.
int uproar_wakeup_descriptor(void);

/// `accept4` needs _GNU_SOURCE, which the Glibc module goes without. Non-blocking and close-on-exec; -1 and errno.
struct sockaddr;
int uproar_accept(int socket, struct sockaddr *address, unsigned int *length);

/// `pthread_setname_np` is a GNU call too. Names the calling thread; the kernel keeps 15 bytes.
void uproar_name_thread(const char *name);
