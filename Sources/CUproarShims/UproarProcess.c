#define _GNU_SOURCE
#include "UproarProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

int uproar_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int uproar_signal_descriptor(const int *signals, int count, int block) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if (block) {
        int error = pthread_sigmask(SIG_BLOCK, &set, 0);
        if (error) {
            errno = error;
            return -1;
        }
    }
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void uproar_block_all_signals(void) {
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, 0);
}

int uproar_spawn_guardian(
    const char *executable, char *const *arguments, char *const *environment, int socket, int *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all;
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    // dup2 onto itself takes close-on-exec away (glibc 2.29), so `socket` may be 3 already.
    error = posix_spawn_file_actions_adddup2(&actions, socket, 3);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &all);
    if (!error)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    if (!error) error = posix_spawn(pid, executable, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/// What the child tells of the step that failed; written into a close-on-exec pipe, so that exec says "well" by its end.
struct failure {
    int step;
    int error;
};
enum { STEP_PIPE, STEP_FORK, STEP_PARENT, STEP_DIRECTORY, STEP_LIMIT, STEP_DESCRIPTORS, STEP_EXEC };
static const char *const step_names[] = {
    "pipe", "fork", "parent", "change directory", "set descriptor limit", "pass descriptors", "exec"};

static void fail(int report, int step) {
    struct failure failure = {step, errno};
    ssize_t written = write(report, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

static void become(const struct uproar_spawn *what, int report, pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127); // it died before the line above
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    if (what->directory && chdir(what->directory)) fail(report, STEP_DIRECTORY);
    if (what->open_files) {
        struct rlimit limit = {what->open_files, what->open_files};
        if (setrlimit(RLIMIT_NOFILE, &limit)) fail(report, STEP_LIMIT);
    }

    // First out of the way of 0…18, then to their places: a descriptor may already stand where another has to go.
    int last = 3 + what->descriptor_count;
    report = fcntl(report, F_DUPFD_CLOEXEC, last);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (report < 0 || null < 0) _exit(127);
    null = fcntl(null, F_DUPFD_CLOEXEC, last);
    int output = what->output < 0 ? null : fcntl(what->output, F_DUPFD_CLOEXEC, last);
    int passed[UPROAR_MESSAGE_DESCRIPTORS];
    for (int i = 0; i < what->descriptor_count; i++) {
        passed[i] = fcntl(what->descriptors[i], F_DUPFD_CLOEXEC, last);
        if (passed[i] < 0) fail(report, STEP_DESCRIPTORS);
    }
    if (null < 0 || output < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        fail(report, STEP_DESCRIPTORS);
    for (int i = 0; i < what->descriptor_count; i++)
        if (dup2(passed[i], 3 + i) < 0) fail(report, STEP_DESCRIPTORS);
    // All of ours are close-on-exec already; this is for what a library may have opened otherwise.
    close_range(last, ~0U, CLOSE_RANGE_CLOEXEC);

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, 0);
    execvpe(what->executable, what->arguments, what->environment);
    fail(report, STEP_EXEC);
}

int uproar_spawn(const struct uproar_spawn *what, const char **step, int *error) {
    int report[2];
    struct failure failure = {STEP_PIPE, 0};
    if (what->descriptor_count > UPROAR_MESSAGE_DESCRIPTORS) {
        *step = step_names[STEP_DESCRIPTORS];
        *error = EINVAL;
        return -1;
    }
    if (pipe2(report, O_CLOEXEC)) {
        *step = step_names[STEP_PIPE];
        *error = errno;
        return -1;
    }
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        become(what, report[1], parent);
        _exit(127);
    }
    int fork_error = errno;
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        *step = step_names[STEP_FORK];
        *error = fork_error;
        return -1;
    }
    ssize_t count;
    do count = read(report[0], &failure, sizeof failure);
    while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count == 0) return child;
    *step = step_names[count == sizeof failure ? failure.step : STEP_PARENT];
    *error = count == sizeof failure ? failure.error : EIO;
    return -1; // the caller reaps it as a child it does not know
}

long uproar_send_message(
    int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count, int flags) {
    struct iovec piece = {(void *)bytes, count};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * UPROAR_MESSAGE_DESCRIPTORS)];
        struct cmsghdr alignment;
    } control;
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (descriptor_count > UPROAR_MESSAGE_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
    }
    return sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

long uproar_receive_message(
    int socket, void *bytes, size_t capacity, int *descriptors, int *descriptor_count, int flags) {
    struct iovec piece = {bytes, capacity};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * UPROAR_MESSAGE_DESCRIPTORS)];
        struct cmsghdr alignment;
    } control;
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    int room = *descriptor_count;
    *descriptor_count = 0;
    ssize_t count = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    if (count < 0) return count;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int given = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (int i = 0; i < given; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
            if (*descriptor_count < room)
                descriptors[(*descriptor_count)++] = descriptor;
            else
                close(descriptor);
        }
    }
    return count;
}

int uproar_set_limit(int pid, int resource, const uint64_t *soft, const uint64_t *hard) {
    struct rlimit limit = {*soft, *hard};
    return prlimit(pid, resource, &limit, 0);
}

int uproar_get_limit(int pid, int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (prlimit(pid, resource, 0, &limit)) return -1;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int uproar_pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set);
}
