// The floor under every media benchmark: what the kernel alone costs for CALLERS connections over loopback TCP that each send
// one 345-byte frame per 20 ms and, in duplex, get one back. One epoll thread on either side, nothing but read and send.
//
//   media-floor [--callers N] [--seconds S] [--slots K] [--one-way]
//
// Callers are spread over K slots of each 20 ms; 20, of 1 ms each, unless told.
//
// Prints one line of key=value: processor time per frame (pair) on the caller's side and on the agent's, and how late the
// frames went out.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_BYTES = 345,          // a Twilio media message of 20 ms mu-law, WebSocket header and mask included
    FRAME_NANOSECONDS = 20000000,
    EVENTS = 1024,
    LATENESS_BUCKETS = 200000,  // of 1 µs
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double cpu_seconds(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void watch(int epoll, int socket) {
    int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) die("epoll_ctl");
}

// The agent's side: reads what comes and, in duplex, answers every whole frame with one. Reports seconds of processor time.
static void serve(int listener, int callers, int duplex, int report) {
    static char buffer[65536];
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(0), open = callers;
    for (int i = 0; i < callers; i++) {
        int socket = accept4(listener, 0, 0, SOCK_NONBLOCK);
        if (socket < 0) die("accept4");
        watch(epoll, socket);
    }
    double start = cpu_seconds();
    while (open > 0) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int socket = events[i].data.fd;
            ssize_t count = read(socket, buffer, sizeof buffer);
            if (count <= 0) {
                if (count < 0 && errno == EAGAIN) continue;
                close(socket);
                open--;
                continue;
            }
            for (ssize_t sent = 0; duplex && sent + FRAME_BYTES <= count; sent += FRAME_BYTES)
                send(socket, buffer, FRAME_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }
    double used = cpu_seconds() - start;
    if (write(report, &used, sizeof used) != sizeof used) die("write");
    exit(0);
}

// Reads whatever is there until `deadline`; returns the bytes read.
static int64_t receive_until(int epoll, int64_t deadline) {
    static char buffer[65536];
    struct epoll_event events[EVENTS];
    int64_t total = 0, left;
    while ((left = deadline - monotonic()) > 0) {
        struct timespec limit = {left / 1000000000, left % 1000000000};
        int ready = epoll_pwait2(epoll, events, EVENTS, &limit, 0);
        for (int i = 0; i < ready; i++) {
            ssize_t count = read(events[i].data.fd, buffer, sizeof buffer);
            if (count > 0) total += count;
        }
    }
    return total;
}

static uint32_t lateness[LATENESS_BUCKETS];

static double lateness_quantile(double q, int64_t count) {
    int64_t seen = 0, rank = (int64_t)(q * count);
    for (int i = 0; i < LATENESS_BUCKETS; i++) {
        seen += lateness[i];
        if (seen > rank) return i / 1000.0;
    }
    return LATENESS_BUCKETS / 1000.0;
}

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **words) {
    int callers = 1000, seconds = 5, duplex = 1, slots = 20;
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--one-way") == 0) duplex = 0;
        else if (strcmp(words[i], "--callers") == 0 && i + 1 < count) callers = atoi(words[++i]);
        else if (strcmp(words[i], "--seconds") == 0 && i + 1 < count) seconds = atoi(words[++i]);
        else if (strcmp(words[i], "--slots") == 0 && i + 1 < count) slots = atoi(words[++i]);
        else callers = 0;
    }
    if (callers < 1 || seconds < 1 || slots < 1) {
        fprintf(stderr, "usage: media-floor [--callers N] [--seconds S] [--slots K] [--one-way]\n");
        return 2;
    }
    raise_descriptor_limit();

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), report[2];
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    if (pipe(report) != 0) die("pipe");
    pid_t agent = fork();
    if (agent < 0) die("fork");
    if (agent == 0) serve(listener, callers, duplex, report[1]);

    int epoll = epoll_create1(0), *sockets = calloc(callers, sizeof *sockets);
    for (int i = 0; i < callers; i++) {
        sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(sockets[i], (struct sockaddr *)&address, sizeof address) != 0) die("connect");
        watch(epoll, sockets[i]);
    }
    receive_until(epoll, monotonic() + 200000000);

    char frame[FRAME_BYTES];
    memset(frame, 0x7f, sizeof frame);
    int64_t start = monotonic(), sent = 0, received = 0, latest = 0;
    double cpu = cpu_seconds();
    for (int64_t slot = 0; slot < (int64_t)seconds * 50 * slots; slot++) {
        int64_t due = start + slot * (FRAME_NANOSECONDS / slots);
        received += receive_until(epoll, due);
        for (int i = slot % slots; i < callers; i += slots) {
            if (send(sockets[i], frame, FRAME_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL) == FRAME_BYTES) sent++;
            int64_t late = monotonic() - due;
            if (late > latest) latest = late;
            lateness[late / 1000 < LATENESS_BUCKETS ? late / 1000 : LATENESS_BUCKETS - 1]++;
        }
    }
    received += receive_until(epoll, monotonic() + 50000000);
    cpu = cpu_seconds() - cpu;
    for (int i = 0; i < callers; i++) close(sockets[i]);
    double agent_cpu = 0;
    if (read(report[0], &agent_cpu, sizeof agent_cpu) != sizeof agent_cpu) die("read");
    waitpid(agent, 0, 0);

    printf("media-floor callers=%d seconds=%d duplex=%d sent=%lld received=%lld cpu_us_per_frame=%.3f agent_cpu_us_per_frame=%.3f "
           "late_ms_p50=%.3f late_ms_p99=%.3f late_ms_max=%.3f\n",
           callers, seconds, duplex, (long long)sent, (long long)(received / FRAME_BYTES), cpu / sent * 1e6, agent_cpu / sent * 1e6,
           lateness_quantile(0.5, sent), lateness_quantile(0.99, sent), latest / 1e6);
    return 0;
}
