// The floor for links: a relay that does nothing but epoll, read and send. Waits for nothing, holds back nothing but what a socket
// does not take, changes nothing.
//
//   link-floor LISTEN_PORT UPSTREAM_PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { buffer_size = 64 << 10, fd_limit = 65536 };

struct end {
    int peer;
    char *waiting;
    size_t count;
};

static struct end ends[fd_limit];
static char buffer[buffer_size];
static int loop;

static void quit(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int operation, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(loop, operation, fd, &event)) quit("epoll_ctl");
}

static void hang_up(int fd) {
    int peer = ends[fd].peer;
    close(fd);
    close(peer);
    free(ends[fd].waiting);
    free(ends[peer].waiting);
    memset(&ends[fd], 0, sizeof ends[fd]);
    memset(&ends[peer], 0, sizeof ends[peer]);
}

static void accept_one(int listener, int upstream_port) {
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(upstream_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (server < 0 || server >= fd_limit || client >= fd_limit || connect(server, (struct sockaddr *)&to, sizeof to)) quit("connect");
    int one = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ends[client] = (struct end){.peer = server};
    ends[server] = (struct end){.peer = client};
    watch(EPOLL_CTL_ADD, client, EPOLLIN);
    watch(EPOLL_CTL_ADD, server, EPOLLIN);
}

// What `to` does not take waits, and its peer is not read meanwhile.
static int pass(int from, int to, const char *bytes, size_t count) {
    ssize_t sent = send(to, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return -1;
    if (sent < 0) sent = 0;
    if ((size_t)sent == count) return 0;
    ends[to].count = count - sent;
    ends[to].waiting = malloc(ends[to].count);
    memcpy(ends[to].waiting, bytes + sent, ends[to].count);
    watch(EPOLL_CTL_MOD, to, EPOLLOUT);
    watch(EPOLL_CTL_MOD, from, 0);
    return 0;
}

static int drain(int fd) {
    char *bytes = ends[fd].waiting;
    size_t count = ends[fd].count;
    ends[fd].waiting = NULL;
    ends[fd].count = 0;
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
    watch(EPOLL_CTL_MOD, ends[fd].peer, EPOLLIN);
    int failed = pass(ends[fd].peer, fd, bytes, count);
    free(bytes);
    return failed;
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "link-floor LISTEN_PORT UPSTREAM_PORT\n"), 2;
    loop = epoll_create1(EPOLL_CLOEXEC);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 512)) quit("listen");
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(loop, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_one(listener, atoi(argv[2]));
                continue;
            }
            if (!ends[fd].peer) continue;
            if (events[i].events & EPOLLOUT) {
                if (drain(fd)) hang_up(fd);
                continue;
            }
            if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
            ssize_t got = recv(fd, buffer, sizeof buffer, 0);
            if (got < 0 && errno == EAGAIN) continue;
            if (got <= 0 || pass(fd, ends[fd].peer, buffer, got)) hang_up(fd);
        }
    }
}
