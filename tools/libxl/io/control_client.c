/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The user's end of the status sockets.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "io.h"

#define REPLY_MAX ((size_t)64 << 10)
#define REPLY_MS 5000

static int dial(const char *run_dir, const char *name, int *fd_r,
                struct err *e)
{
    struct sockaddr_un a;
    int fd, rc = control_address(run_dir, name, &a, e);

    if (rc)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "no socket");
    if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        int saved = errno;

        close(fd);
        if (saved == ENOENT || saved == ECONNREFUSED || saved == ENOTDIR)
            return err_set(e, ERR_NOTFOUND, "%s isn't protected here",
                           name);
        return err_sys(e, ERR_IO, saved, "%s", a.sun_path);
    }
    *fd_r = fd;
    return 0;
}

/* A session may have ended meanwhile: an error, and no signal. */
static int say(int fd, const char *text)
{
    size_t n = strlen(text);

    return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

int colo_control(const char *run_dir, const char *name, const char *command,
                 char **reply_r, struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    CLEANUP_BUF struct buf b = { .limit = REPLY_MAX };
    int rc = dial(run_dir, name, &fd, e);

    if (rc)
        return rc;
    if (say(fd, command) || say(fd, "\n"))
        return err_sys(e, ERR_IO, errno, "%s's session", name);
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint8_t *at;
        ssize_t r;

        if (poll(&p, 1, REPLY_MS) <= 0)
            return err_set(e, ERR_TIMEOUT, "%s's session gives no answer",
                           name);
        rc = buf_reserve(&b, 4096, &at, e);
        if (rc)
            return rc;
        r = read(fd, at, 4096);
        if (r < 0)
            return err_sys(e, ERR_IO, errno, "%s's session", name);
        b.size += (size_t)r;
        if (r == 0 || at[r - 1] == '\n')
            break;
    }
    while (b.size && b.data[b.size - 1] == '\n')
        b.size--;
    if (b.size == 0)
        return err_set(e, ERR_EOF, "%s's session gave no answer", name);
    *reply_r = strndup((char *)b.data, b.size);
    return *reply_r ? 0 : err_set(e, ERR_NOMEM, "no memory");
}

int colo_sessions(const char *run_dir,
                  void (*each)(void *ctx, const char *name), void *ctx,
                  struct err *e)
{
    DIR *d = opendir(run_dir);
    struct dirent *entry;

    if (!d && errno == ENOENT)
        return 0;
    if (!d)
        return err_sys(e, ERR_IO, errno, "%s", run_dir);
    while ((entry = readdir(d))) {
        size_t n = strlen(entry->d_name);
        char name[DOM_NAME_MAX], path[4096];
        struct err why = { 0 };
        int fd = -1;

        if (n <= 5 || n - 5 >= sizeof(name) ||
            strcmp(entry->d_name + n - 5, ".sock"))
            continue;
        memcpy(name, entry->d_name, n - 5);
        name[n - 5] = '\0';
        if (dial(run_dir, name, &fd, &why) == 0) {
            close(fd);
            each(ctx, name);
        } else if (why.code == ERR_NOTFOUND &&
                   snprintf(path, sizeof(path), "%s/%s", run_dir,
                            entry->d_name) < (int)sizeof(path)) {
            unlink(path);
        }
    }
    closedir(d);
    return 0;
}
