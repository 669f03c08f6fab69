/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Locks in the run directory. Decides nothing but who has one.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int lock_open(const struct xl *x, const char *name, const char *suffix,
              struct err *e)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/%s.%s", x->conf.run_dir, name, suffix);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        err_sys(e, ERR_IO, errno, "can't open %s", path);
    return fd;
}

pid_t lock_holder(int fd)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_GETLK, &l) || l.l_type == F_UNLCK)
        return 0;
    return l.l_pid;
}

int lock_take(int fd, struct err *e)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (!fcntl(fd, F_SETLK, &l))
        return 0;
    return err_sys(e, ERR_BUSY, errno, "process %d has the lock",
                   (int)lock_holder(fd));
}

int lock_domain(const struct xl *x, const uint8_t uuid[16], int *fd_r,
                struct err *e)
{
    struct err ours = { 0 };
    char name[33];

    for (int i = 0; i < 16; i++)
        snprintf(name + 2 * i, 3, "%02x", uuid[i]);
    *fd_r = lock_open(x, name, "session", e);
    if (*fd_r < 0)
        return e->code;
    if (!lock_take(*fd_r, &ours))
        return 0;
    err_set(e, ERR_BUSY, "it is protected already, by process %d (see `xl "
            "colo-status')", (int)lock_holder(*fd_r));
    close(*fd_r);
    *fd_r = -1;
    return e->code;
}

/* Best effort, as the file is: it goes with the host. */
void lock_note_watched(int fd, bool watched)
{
    if (ftruncate(fd, 0) || (watched && pwrite(fd, "w", 1, 0) != 1))
        return;
}

bool lock_was_watched(int fd)
{
    char c;

    return pread(fd, &c, 1, 0) == 1;
}
