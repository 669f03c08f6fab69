/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The directory of checkpoints as names: which sets and checkpoints there are,
 * how they are opened for reading, how a set is removed. Never writes a file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "fault_point.h"
#include "store_int.h"

void store_point(const char *name)
{
    char full[64];

    snprintf(full, sizeof(full), "die.sink.%s", name);
    if (fault_point(full))
        kill(getpid(), SIGKILL);
}

void store_name(char name[STORE_NAME], uint32_t checkpoint)
{
    snprintf(name, STORE_NAME, "checkpoint-%08" PRIu32, checkpoint);
}

void store_set_name(char name[STORE_NAME], uint32_t number)
{
    snprintf(name, STORE_NAME, "colo-v1-%06" PRIu32, number);
}

int store_lock(const char *path, int how, int *fd_r, struct err *e)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno,
                       "%s", path);
    if (flock(fd, how | LOCK_NB))
        return err_sys(e, errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO, errno,
                       "%s: another process is at work there", path);
    *fd_r = fd;
    fd = -1;
    return 0;
}

int store_open_set(int dir, uint32_t number, int *fd_r, struct err *e)
{
    char name[STORE_NAME];

    store_set_name(name, number);
    *fd_r = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd_r < 0 ? err_sys(e, ERR_IO, errno, "%s", name) : 0;
}

/* The number in a name that begins like a set's or checkpoint's; 0: none. */
static uint32_t numbered(const char *name, bool sets)
{
    char same[STORE_NAME];
    uint32_t number;

    if (sscanf(name, sets ? "colo-v1-%" SCNu32 : "checkpoint-%" SCNu32,
               &number) != 1)
        return 0;
    (sets ? store_set_name : store_name)(same, number);
    return strcmp(name, same) ? 0 : number;
}

/* The greatest number below @below of a set or a checkpoint; 0: none. */
static int greatest(int fd, bool sets, uint32_t below, uint32_t *number_r,
                    struct err *e)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    uint32_t number;

    *number_r = 0;
    if (!d) {
        err_sys(e, ERR_IO, errno, "reading the directory");
        if (again >= 0)
            close(again);
        return e->code;
    }
    while ((entry = readdir(d))) {
        number = numbered(entry->d_name, sets);
        if (number < below && number > *number_r)
            *number_r = number;
    }
    closedir(d);
    return 0;
}

static int newest_checkpoint(int set, uint32_t *first_r, uint32_t *last_r,
                             struct err *e)
{
    char name[STORE_NAME];
    int rc = greatest(set, false, UINT32_MAX, last_r, e);

    *first_r = *last_r;
    while (!rc && *first_r > 1) {
        store_name(name, *first_r - 1);
        if (faccessat(set, name, F_OK, 0))
            break;
        --*first_r;
    }
    return rc;
}

int store_find(int dir, bool with, uint32_t *set_r, uint32_t *first_r,
               uint32_t *last_r, struct err *e)
{
    uint32_t below = UINT32_MAX;
    int rc, fd;

    *first_r = *last_r = 0;
    for (;;) {
        rc = greatest(dir, true, below, set_r, e);
        if (rc || !*set_r || !with)
            return rc;
        rc = store_open_set(dir, *set_r, &fd, e);
        if (rc)
            return rc;
        rc = newest_checkpoint(fd, first_r, last_r, e);
        close(fd);
        if (rc || *last_r)
            return rc;
        below = *set_r;
    }
}

static int remove_one(int dir, uint32_t number, struct err *e)
{
    static const char *const names[] = { STORE_NEW, STORE_PRECOPY,
                                         STORE_RAM };
    CLEANUP_CLOSE int set = -1;
    char name[STORE_NAME];
    uint32_t last;
    int rc = store_open_set(dir, number, &set, e);

    while (!rc && !(rc = greatest(set, false, UINT32_MAX, &last, e)) &&
           last) {
        store_name(name, last);
        store_point("remove");
        if (unlinkat(set, name, 0))
            rc = err_sys(e, ERR_IO, errno, "removing %s", name);
    }
    for (size_t i = 0; !rc && i < sizeof(names) / sizeof(names[0]); i++) {
        store_point("remove");
        if (unlinkat(set, names[i], 0) && errno != ENOENT)
            rc = err_sys(e, ERR_IO, errno, "removing %s", names[i]);
    }
    store_set_name(name, number);
    store_point("remove");
    if (!rc && unlinkat(dir, name, AT_REMOVEDIR))
        rc = err_sys(e, ERR_IO, errno, "removing %s", name);
    return rc;
}

int store_remove_sets(int dir, uint32_t below, uint32_t spare, struct err *e)
{
    int rc;

    for (;;) {
        rc = greatest(dir, true, below, &below, e);
        if (rc || !below)
            return rc;
        if (below == spare)
            continue;
        rc = remove_one(dir, below, e);
        if (rc)
            return rc;
    }
}

int store_view(const char *dir, struct store_view *v, struct err *e)
{
    char name[STORE_NAME];
    uint32_t set = 0;
    int rc;

    memset(v, 0, sizeof(*v));
    v->dir = v->set = -1;
    rc = store_lock(dir, LOCK_SH, &v->dir, e);
    if (!rc)
        rc = store_find(v->dir, true, &set, &v->first, &v->last, e);
    if (!rc && !set)
        rc = err_set(e, ERR_NOTFOUND, "%s: no complete checkpoint in it",
                     dir);
    if (!rc)
        rc = store_open_set(v->dir, set, &v->set, e);
    store_set_name(name, set);
    snprintf(v->path, sizeof(v->path), "%s/%s", dir, name);
    if (rc)
        store_view_dispose(v);
    return rc;
}

void store_view_dispose(struct store_view *v)
{
    cleanup_close(&v->set);
    cleanup_close(&v->dir);
    v->set = v->dir = -1;
}

static int open_file(const struct store_view *v, const char *name, int *fd_r,
                     struct err *e)
{
    *fd_r = openat(v->set, name, O_RDONLY | O_CLOEXEC);
    return *fd_r < 0 ? err_sys(e, ERR_IO, errno, "%s/%s", v->path, name) : 0;
}

int store_open(const struct store_view *v, uint32_t checkpoint, int *fd_r,
               struct err *e)
{
    char name[STORE_NAME] = STORE_PRECOPY;

    if (checkpoint)
        store_name(name, checkpoint);
    return open_file(v, name, fd_r, e);
}

int store_open_ram(const struct store_view *v, int *fd_r, struct err *e)
{
    return open_file(v, STORE_RAM, fd_r, e);
}

int store_read(int fd, int (*take)(void *ctx, const uint8_t *data, size_t n,
                                   struct err *e),
               void *ctx, struct err *e)
{
    CLEANUP_FREE uint8_t *data = malloc(STORE_BUFFER);
    ssize_t r;
    int rc = 0;

    if (!data)
        return err_set(e, ERR_NOMEM, "no memory for reading");
    while (!rc) {
        r = read(fd, data, STORE_BUFFER);
        if (r == 0)
            break;
        if (r > 0)
            rc = take(ctx, data, (size_t)r, e);
        else if (errno != EINTR)
            rc = err_sys(e, ERR_IO, errno, "reading a checkpoint");
    }
    return rc;
}
