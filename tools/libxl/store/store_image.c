/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The image of RAM: pages go into it from precopy as it comes, and from each
 * checkpoint that is too old to be kept; and what else is removed when nobody
 * waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "store_int.h"

static uint64_t ram_size(const struct qemu_follower *f)
{
    uint32_t blocks = qf_tally(f).blocks;
    struct qf_ram_block last;

    if (!blocks)
        return 0;
    last = qf_block(f, blocks - 1);
    return last.start + last.length;
}

/* The list is complete when the first page comes. */
static int make_room(struct store *s, struct err *e)
{
    uint64_t size = ram_size(s->image);

    if (size > STORE_RAM_MAX)
        return err_set(e, ERR_LIMIT, "RAM has %" PRIu64 " octets, the limit "
                       "is %" PRIu64, size, (uint64_t)STORE_RAM_MAX);
    if (ftruncate(s->ram, (off_t)size))
        return err_sys(e, ERR_IO, errno, "%s/%s", s->path, STORE_RAM);
    s->ram_size = size;
    return 0;
}

static int write_page(struct store *s, const uint8_t *data, off_t at,
                      struct err *e)
{
    size_t done = 0;
    ssize_t r;

    while (done < QEMU_PAGE_SIZE) {
        store_point("image");
        r = pwrite(s->ram, data + done, QEMU_PAGE_SIZE - done,
                   at + (off_t)done);
        if (r < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, errno, "%s/%s", s->path, STORE_RAM);
        if (r > 0)
            done += (size_t)r;
    }
    return 0;
}

static int zero_page(struct store *s, off_t at, struct err *e)
{
    static const uint8_t zeros[QEMU_PAGE_SIZE];

    store_point("image");
    if (!fallocate(s->ram, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                   QEMU_PAGE_SIZE))
        return 0;
    return write_page(s, zeros, at, e);    /* no holes here */
}

void store_image_page(void *ctx, const struct qf_page *page)
{
    struct qf_ram_block block;
    struct store *s = ctx;
    off_t at;

    if (!s->e.code && !s->ram_size)
        make_room(s, &s->e);
    if (s->e.code)
        return;
    block = qf_block(s->image, page->block);
    at = (off_t)(block.start + page->offset);
    if (page->data)
        write_page(s, page->data, at, &s->e);
    else
        zero_page(s, at, &s->e);
}

static int take(void *ctx, const uint8_t *data, size_t n, struct err *e)
{
    struct store *s = ctx;
    int rc = qf_forward(s->image, data, n, e);

    if (!rc && s->e.code) {
        *e = s->e;
        rc = s->e.code;
    }
    return rc;
}

static int fold(struct store *s, uint32_t checkpoint, struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    char name[STORE_NAME];
    int rc;

    store_name(name, checkpoint);
    fd = openat(s->set, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "%s/%s", s->path, name);
    rc = store_read(fd, take, s, e);
    if (!rc && qf_tally(s->image).checkpoints != checkpoint)
        rc = err_set(e, ERR_FORMAT, "%s/%s isn't one checkpoint", s->path,
                     name);
    if (rc)
        return rc;
    store_point("sync");
    if (fsync(s->ram))
        return err_sys(e, ERR_IO, errno, "%s/%s", s->path, STORE_RAM);
    store_point("remove");
    if (unlinkat(s->set, name, 0))
        return err_sys(e, ERR_IO, errno, "%s/%s", s->path, name);
    return 0;
}

int store_prune(struct store *s, struct err *e)
{
    int rc = 0;

    if (s->others) {
        rc = store_remove_sets(s->dir, s->number, 0, e);
        s->others = rc;
    }
    while (!rc && s->last - s->first >= s->keep) {
        rc = fold(s, s->first, e);
        s->first += !rc;
    }
    return rc;
}
