/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Two bits for each page, so that no second image is needed.
 */
#include "replay_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

enum bit { SEEN = 1, DIFFERS = 2 };

static const uint8_t zeros[QEMU_PAGE_SIZE];

void replay_image_init(struct replay_image *i)
{
    memset(i, 0, sizeof(*i));
    i->fd = -1;
}

void replay_image_dispose(struct replay_image *i)
{
    cleanup_close(&i->fd);
    free(i->bits);
    i->bits = NULL;
}

int replay_image_open(struct replay_image *i, const struct store_view *v,
                      const struct qemu_follower *f, struct err *e)
{
    uint32_t blocks = qf_tally(f).blocks;
    struct qf_ram_block last;
    struct stat st;
    int rc = store_open_ram(v, &i->fd, e);

    if (rc)
        return rc;
    i->set = v->path;
    if (blocks) {
        last = qf_block(f, blocks - 1);
        i->size = last.start + last.length;
    }
    if (i->size > STORE_RAM_MAX || fstat(i->fd, &st) ||
        (uint64_t)st.st_size != i->size)
        return err_set(e, ERR_FORMAT, "%s/ram isn't of RAM's size, %" PRIu64
                       " octets", v->path, i->size);
    i->bits = calloc(1, i->size / QEMU_PAGE_SIZE / 4 + 1);
    if (!i->bits)
        return err_set(e, ERR_NOMEM, "no memory for two bits for each of %"
                       PRIu64 " pages", i->size / QEMU_PAGE_SIZE);
    return 0;
}

static int load(struct replay_image *i, uint64_t at,
                uint8_t data[QEMU_PAGE_SIZE], struct err *e)
{
    ssize_t n;
    size_t have = 0;

    while (have < QEMU_PAGE_SIZE) {
        n = pread(i->fd, data + have, QEMU_PAGE_SIZE - have,
                  (off_t)(at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_sys(e, ERR_IO, n ? errno : EIO, "%s/ram", i->set);
        have += (size_t)n;
    }
    return 0;
}

static unsigned int shift(uint64_t at)
{
    return (unsigned int)(at / QEMU_PAGE_SIZE % 4 * 2);
}

int replay_image_compare(struct replay_image *i, uint64_t at,
                         const uint8_t *data, struct err *e)
{
    uint8_t *bits = &i->bits[at / QEMU_PAGE_SIZE / 4];
    uint8_t here[QEMU_PAGE_SIZE];
    int rc = load(i, at, here, e);
    unsigned int is = SEEN;

    if (rc)
        return rc;
    if (memcmp(here, data ? data : zeros, sizeof(here)))
        is |= DIFFERS;
    *bits = (uint8_t)((*bits & ~((SEEN | DIFFERS) << shift(at))) |
                      is << shift(at));
    return 0;
}

int replay_image_lacks(struct replay_image *i, uint64_t at,
                       uint8_t data[QEMU_PAGE_SIZE], bool *lacks_r,
                       bool *zero_r, struct err *e)
{
    unsigned int is = i->bits[at / QEMU_PAGE_SIZE / 4] >> shift(at);
    int rc;

    *lacks_r = !(is & SEEN) || (is & DIFFERS);
    if (!*lacks_r)
        return 0;
    rc = load(i, at, data, e);
    *zero_r = !memcmp(data, zeros, QEMU_PAGE_SIZE);
    if (!(is & SEEN) && *zero_r)
        *lacks_r = false;
    return rc;
}
