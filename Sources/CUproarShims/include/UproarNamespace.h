#pragma once

/// `unshare` needs _GNU_SOURCE, which the Glibc module goes without: mounts of this process's own (CLONE_NEWNS), and with
/// `with_user` a user namespace that owns them (CLONE_NEWUSER; only while the process has one thread). 0, or -1 and errno.
int uproar_unshare_mounts(int with_user);

/// <sys/mount.h> is not in the Glibc module. What is mounted here from now on is seen by nobody outside; what others mount is still
/// seen here. 0, or -1 and errno.
int uproar_detach_mounts(void);

/// `from` stands at `to`; both are files, or both folders. 0, or -1 and errno.
int uproar_bind(const char *from, const char *to);

/// `prctl` is variadic. A change of credentials clears what `uproar_spawn` has set. 0, or -1 and errno.
int uproar_die_with_parent(void);
