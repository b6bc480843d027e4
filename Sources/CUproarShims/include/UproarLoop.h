#pragma once

/// `eventfd` is not in the Glibc module. Non-blocking and close-on-exec; -1 and errno.
int uproar_wakeup_descriptor(void);

/// `accept4` needs _GNU_SOURCE, which the Glibc module goes without. Non-blocking and close-on-exec; -1 and errno.
struct sockaddr;
int uproar_accept(int socket, struct sockaddr *address, unsigned int *length);
