/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Writing and reading a record of a connection.
 */
#include "trace_record.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bytes.h"

static int put_all(int fd, struct iovec *v, int nr, struct err *e)
{
    ssize_t r;

    while (nr) {
        r = writev(fd, v, nr);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_sys(e, ERR_IO, errno, "can't write the record");
        while (nr && (size_t)r >= v->iov_len) {
            r -= (ssize_t)v->iov_len;
            v++;
            nr--;
        }
        if (nr) {
            v->iov_base = (uint8_t *)v->iov_base + r;
            v->iov_len -= (size_t)r;
        }
    }
    return 0;
}

int record_begin(int fd, uint64_t silence_ns, uint64_t now, struct err *e)
{
    uint8_t header[RECORD_HEADER];
    struct iovec v = { header, sizeof(header) };

    memcpy(header, RECORD_MAGIC, 8);
    put_be64(header + 8, silence_ns);
    put_be64(header + 16, now);
    return put_all(fd, &v, 1, e);
}

int record_put(int fd, uint64_t now, enum record_kind kind, const void *body,
               size_t n, struct err *e)
{
    uint8_t header[RECORD_HEAD] = { 0 };
    struct iovec v[2] = { { header, sizeof(header) },
                          { (void *)(uintptr_t)body, n } };

    put_be64(header, now);
    header[8] = (uint8_t)kind;
    put_be32(header + 12, (uint32_t)n);
    return put_all(fd, v, 2, e);
}

bool record_is(FILE *f)
{
    int c = getc(f);

    /* A trace of a session is text, and no line of it begins so. */
    if (c != EOF)
        ungetc(c, f);
    return c == RECORD_MAGIC[0];
}

int record_open(FILE *f, uint64_t *silence_ns_r, uint64_t *now_r,
                struct err *e)
{
    uint8_t header[RECORD_HEADER];

    if (fread(header, 1, sizeof(header), f) != sizeof(header) ||
        memcmp(header, RECORD_MAGIC, 8))
        return err_set(e, ERR_FORMAT, "it is no record of a connection");
    *silence_ns_r = get_be64(header + 8);
    *now_r = get_be64(header + 16);
    return 0;
}

int record_get(FILE *f, uint64_t *now_r, enum record_kind *kind_r,
               uint8_t *body, size_t *n_r, struct err *e)
{
    uint8_t header[RECORD_HEAD];
    size_t got = fread(header, 1, sizeof(header), f);
    uint64_t now;

    if (got != sizeof(header))
        return err_set(e, ferror(f) ? ERR_IO : ERR_EOF, "the record is over");
    now = get_be64(header);
    *n_r = get_be32(header + 12);
    if (header[8] < RECORD_FORWARD || header[8] > RECORD_HANG ||
        header[9] || header[10] || header[11] || *n_r > RECORD_BODY_MAX)
        return err_set(e, ERR_FORMAT, "no record begins with kind %u and %zu "
                       "octets", header[8], *n_r);
    if (now < *now_r)
        return err_set(e, ERR_FORMAT, "time goes back from %" PRIu64 " to %"
                       PRIu64 " ns", *now_r, now);
    *now_r = now;
    *kind_r = header[8];
    if (fread(body, 1, *n_r, f) != *n_r)
        return err_set(e, ferror(f) ? ERR_IO : ERR_EOF, "the record is over");
    return 0;
}
