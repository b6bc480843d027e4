#pragma once
#include <stdint.h>
#include <stddef.h>


/// `prctl` is variadic, which Swift does not import. Makes this process the new parent of orphaned descendants.
int uproar_become_subreaper(void);

/// A signalfd (not in the Glibc module) for `count` signals, non-blocking and close-on-exec; with `block` they are blocked in
/// the calling thread as well. -1 and errno.
int uproar_signal_descriptor(const int *signals, int count, int block);

/// Blocks every signal in the calling thread: the guardian hears of what it wants through its signalfd.
void uproar_block_all_signals(void);

/// posix_spawn of the guardian, safe in a process with threads: a session of its own, every signal blocked, `socket` as
/// descriptor 3, standard input and output closed off. POSIX_SPAWN_SETSID is not imported. Answers 0 or the errno.
int uproar_spawn_guardian(
    const char *executable, char *const *arguments, char *const *environment, int socket, int *pid);

/// What `uproar_spawn` starts.
struct uproar_spawn {
    const char *executable;  // looked up in PATH when it has no slash
    char *const *arguments;
    char *const *environment;
    const char *directory;  // NULL: as it is
    int output;             // becomes 1 and 2; -1: /dev/null
    const int *descriptors; // become 3, 4, …
    int descriptor_count;
    uint64_t open_files;    // RLIMIT_NOFILE, soft and hard; 0: as it is
};

/// fork and exec, for the single-threaded guardian only. posix_spawn cannot set a parent-death signal or a limit.
/// The child leads its own process group, dies with the guardian, and has default signals, an empty mask and no other descriptors.
/// Answers the pid; or -1 with the errno in `error` and the name of the call that failed in `step`.
int uproar_spawn(const struct uproar_spawn *what, const char **step, int *error);

/// The CMSG macros are not imported. One message with up to 16 descriptors; both answer the byte count or -1 and errno.
/// Received descriptors are close-on-exec; those that do not fit are closed.
long uproar_send_message(
    int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count, int flags);
long uproar_receive_message(
    int socket, void *bytes, size_t capacity, int *descriptors, int *descriptor_count, int flags);

#define UPROAR_MESSAGE_DESCRIPTORS 16

/// `prlimit` needs _GNU_SOURCE, which the Glibc module goes without: the limits of another process. 0, or -1 and errno.
int uproar_set_limit(int pid, int resource, const uint64_t *soft, const uint64_t *hard);
int uproar_get_limit(int pid, int resource, uint64_t *soft, uint64_t *hard);

/// `sched_setaffinity` and its macros likewise: this process on one processor alone. 0, or -1 and errno.
int uproar_pin(int cpu);
