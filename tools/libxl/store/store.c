/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Writing a set of checkpoints; store.h has what is on the disk, and why.
 * Each change of the disk has a point before it at which a test can end the
 * process (store_point()).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "qemu_message.h"
#include "qemu_ram.h"
#include "store_int.h"

static int failed(const struct store *s, const char *name, struct err *e)
{
    return err_sys(e, ERR_IO, errno, "%s/%s", s->path, name);
}

static int write_all(const struct store *s, int fd, const char *name,
                     const uint8_t *data, size_t n, struct err *e)
{
    ssize_t r;

    while (n) {
        store_point("write");
        r = write(fd, data, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return failed(s, name, e);
        data += r;
        n -= (size_t)r;
    }
    return 0;
}

static int sync_fd(const struct store *s, int fd, const char *name,
                   struct err *e)
{
    store_point("sync");
    return fsync(fd) ? failed(s, name, e) : 0;
}

/* ---- the set. */

/* The entry of a directory that was just made lasts, too. */
static int make_dir(const char *path, struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    CLEANUP_CLOSE int above = -1;

    if (mkdir(path, 0700))
        return errno == EEXIST ? 0 : err_sys(e, ERR_IO, errno, "%s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above < 0 || fsync(above))
        return err_sys(e, ERR_IO, errno, "%s", path);
    return 0;
}

static int make_file(const struct store *s, const char *name, int *fd_r,
                     struct err *e)
{
    store_point("create");
    *fd_r = openat(s->set, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
                   0600);
    return *fd_r < 0 ? failed(s, name, e) : 0;
}

static int make_set(struct store *s, struct err *e)
{
    uint32_t counts, newest, first, last;
    char name[STORE_NAME];
    int rc = store_find(s->dir, true, &counts, &first, &last, e);

    if (!rc)
        rc = store_find(s->dir, false, &newest, &first, &last, e);
    /* What ended before its first checkpoint makes room. */
    if (!rc)
        rc = store_remove_sets(s->dir, UINT32_MAX, counts, e);
    if (rc)
        return rc;
    s->number = newest + 1;
    s->others = counts;
    store_set_name(name, s->number);
    snprintf(s->path, sizeof(s->path), "%s/%s", s->dir_path, name);
    store_point("create");
    if (mkdirat(s->dir, name, 0700))
        return err_sys(e, ERR_IO, errno, "%s", s->path);
    rc = sync_fd(s, s->dir, ".", e);
    if (!rc)
        rc = store_open_set(s->dir, s->number, &s->set, e);
    if (!rc)
        rc = make_file(s, STORE_PRECOPY, &s->precopy, e);
    return rc ? rc : make_file(s, STORE_RAM, &s->ram, e);
}

int store_new(const char *dir, unsigned int keep, struct store **s_r,
              struct err *e)
{
    struct store *s = calloc(1, sizeof(*s));
    struct qf_conf conf = {
        .vmstate_max = UINT64_MAX,    /* the caller has a limit */
        .page = store_image_page, .ctx = s,
    };
    int rc;

    assert(keep >= 1);
    if (!s)
        return err_set(e, ERR_NOMEM, "no memory for a store");
    s->dir = s->set = s->precopy = s->ram = s->fresh = -1;
    s->keep = keep;
    s->first = 1;
    buf_init(&s->out, 2 * STORE_BUFFER);
    s->image = qf_new(&conf);
    if (!s->image)
        rc = err_set(e, ERR_NOMEM, "no memory for a store");
    else if (strlen(dir) >= sizeof(s->dir_path))
        rc = err_set(e, ERR_USAGE, "%.40s...: the path is too long", dir);
    else
        rc = make_dir(dir, e);
    if (!rc) {
        strcpy(s->dir_path, dir);
        rc = store_lock(dir, LOCK_EX, &s->dir, e);
    }
    if (!rc)
        rc = make_set(s, e);
    if (rc)
        store_free(s);
    else
        *s_r = s;
    return rc;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    cleanup_close(&s->fresh);
    cleanup_close(&s->ram);
    cleanup_close(&s->precopy);
    cleanup_close(&s->set);
    cleanup_close(&s->dir);
    buf_dispose(&s->out);
    qf_free(s->image);
    free(s);
}

const char *store_path(const struct store *s)
{
    return s->path;
}

uint32_t store_newest(const struct store *s)
{
    return s->last;
}

/* ---- precopy. */

int store_precopy(struct store *s, const uint8_t *data, size_t n,
                  struct err *e)
{
    int rc = write_all(s, s->precopy, STORE_PRECOPY, data, n, e);

    if (!rc)
        rc = qf_forward(s->image, data, n, e);
    if (!rc && s->e.code) {
        *e = s->e;
        rc = s->e.code;
    }
    return rc;
}

int store_ready(struct store *s, struct err *e)
{
    uint8_t ready[QEMU_MESSAGE_SIZE];
    int rc = sync_fd(s, s->precopy, STORE_PRECOPY, e);

    cleanup_close(&s->precopy);
    if (!rc)
        rc = sync_fd(s, s->ram, STORE_RAM, e);
    if (!rc)
        rc = sync_fd(s, s->set, ".", e);
    qemu_message_encode(ready, QEMU_CHECKPOINT_READY, 0);
    return rc ? rc : qf_back(s->image, ready, sizeof(ready), e);
}

/* ---- a checkpoint. */

/* Keep the buffer within a write's size. */
static int flush(struct store *s, size_t above, struct err *e)
{
    int rc = 0;

    if (s->out.size > above) {
        rc = write_all(s, s->fresh, STORE_NEW, s->out.data, s->out.size, e);
        buf_clear(&s->out);
    }
    return rc;
}

int store_begin(struct store *s, struct err *e)
{
    int rc = make_file(s, STORE_NEW, &s->fresh, e);

    buf_clear(&s->out);
    if (!rc)
        rc = qemu_put_message(&s->out, QEMU_CHECKPOINT_REQUEST, 0, e);
    if (!rc)
        rc = qemu_put_message(&s->out, QEMU_VMSTATE_SEND, 0, e);
    return rc ? rc : qemu_put_ram_begin(&s->out, qf_tally(s->image).ram_id,
                                        e);
}

int store_page(struct store *s, const struct qf_ram_block *block,
               uint64_t offset, const uint8_t *data, struct err *e)
{
    int rc = qemu_put_page(&s->out, block, offset, data, e);

    return rc ? rc : flush(s, STORE_BUFFER, e);
}

int store_size(struct store *s, uint64_t size, struct err *e)
{
    int rc = qemu_put_ram_end(&s->out, qf_tally(s->image).ram_id, e);

    return rc ? rc : qemu_put_message(&s->out, QEMU_VMSTATE_SIZE, size, e);
}

int store_state(struct store *s, const uint8_t *data, size_t n,
                struct err *e)
{
    int rc = flush(s, 0, e);

    return rc ? rc : write_all(s, s->fresh, STORE_NEW, data, n, e);
}

int store_commit(struct store *s, struct err *e)
{
    char name[STORE_NAME];
    int rc = flush(s, 0, e);

    store_name(name, s->last + 1);
    if (!rc)
        rc = sync_fd(s, s->fresh, STORE_NEW, e);
    cleanup_close(&s->fresh);
    if (rc)
        return rc;
    store_point("rename");
    if (renameat(s->set, STORE_NEW, s->set, name))
        return failed(s, name, e);
    rc = sync_fd(s, s->set, ".", e);
    if (!rc)
        s->last++;
    return rc;
}
