#define _GNU_SOURCE
#include "UproarNamespace.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>

int uproar_unshare_mounts(int with_user) {
    return unshare(CLONE_NEWNS | (with_user ? CLONE_NEWUSER : 0));
}

int uproar_detach_mounts(void) { return mount("none", "/", 0, MS_REC | MS_SLAVE, 0); }

int uproar_bind(const char *from, const char *to) { return mount(from, to, 0, MS_BIND, 0); }

int uproar_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }
