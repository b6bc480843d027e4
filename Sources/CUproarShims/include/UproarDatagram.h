#pragma once

/// `recvmmsg` needs _GNU_SOURCE, which the Glibc module goes without. Reads up to `count` datagrams (at most 64) without waiting,
/// each into a slot of `slot` bytes of `buffer`, with its sender in `from` (an array of `struct sockaddr_in6`, which has room for
/// IPv4); the number read, or -1 and errno.
int uproar_receive_datagrams(int socket, void *buffer, unsigned int slot, unsigned int count, void *from, unsigned int *lengths);
