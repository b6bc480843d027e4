#define _GNU_SOURCE
#include "UproarDatagram.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int uproar_receive_datagrams(int socket, void *buffer, unsigned int slot, unsigned int count, void *from, unsigned int *lengths) {
    struct sockaddr_in6 *senders = from;
    struct mmsghdr messages[64];
    struct iovec parts[64];
    if (count > 64) count = 64;
    memset(messages, 0, sizeof messages[0] * count);
    for (unsigned int i = 0; i < count; i++) {
        parts[i].iov_base = (char *)buffer + (size_t)i * slot;
        parts[i].iov_len = slot;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &senders[i];
        messages[i].msg_hdr.msg_namelen = sizeof senders[i];
    }
    int got = recvmmsg(socket, messages, count, MSG_DONTWAIT, 0);
    for (int i = 0; i < got; i++) lengths[i] = messages[i].msg_len;
    return got;
}
