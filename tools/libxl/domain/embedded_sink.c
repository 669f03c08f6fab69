/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain's restore: reads a plain libxl stream from a pipe into
 * guest memory, with the same reader as everybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embedded_int.h"
#include "pages.h"
#include "reader.h"

#define FEED_CHUNK ((size_t)256 << 10)

struct emb_feed {
    int fd;
    struct sr_reader reader;
    struct sr_pages pages;
    uint8_t chunk[FEED_CHUNK];
};

int emb_feed_new(struct dom *d, struct err *e)
{
    d->feed = malloc(sizeof(*d->feed));
    if (!d->feed)
        return err_set(e, ERR_NOMEM, "no memory for a restore");
    d->feed->fd = -1;
    sr_reader_init(&d->feed->reader, SR_FORWARD, WIRE_LIBXL);
    return 0;
}

int emb_feed_start(struct dom *d, int *fd_r, struct err *e)
{
    int fds[2], rc = emb_feed_new(d, e);

    if (rc)
        return rc;
    if (pipe2(fds, O_CLOEXEC))
        return err_sys(e, ERR_IO, errno, "no pipe for a restore");
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    d->feed->fd = fds[0];
    *fd_r = fds[1];
    return emb_watch(d->epoll, fds[0], e);
}

void emb_feed_free(struct dom *d)
{
    if (d->feed && d->feed->fd >= 0)
        close(d->feed->fd);
    free(d->feed);
    d->feed = NULL;
}

static int take_pages(struct dom *d, const struct sr_item *it, struct err *e)
{
    const uint8_t *data = it->data;
    size_t left = it->size;

    for (;;) {
        struct sr_pages_item p;
        int rc = sr_pages_next(&d->feed->pages, &data, &left, &p, e);

        if (rc || p.kind == SR_PAGES_NEED_MORE)
            return rc;
        if (p.kind != SR_PAGES_SPAN)
            continue;
        if (p.pfn >= d->guest.pages)
            return err_set(e, ERR_FORMAT, "page %#llx of a guest of %zu "
                           "pages", (unsigned long long)p.pfn,
                           d->guest.pages);
        memcpy(d->guest.ram + p.pfn * GUEST_PAGE + p.in_page, p.data,
               p.size);
    }
}

static int take_item(struct dom *d, const struct sr_item *it, struct err *e)
{
    if (it->layer != WIRE_LIBXC)
        return 0;
    if (it->kind == SR_RECORD && it->type == WIRE_LIBXC_PAGE_DATA)
        sr_pages_begin(&d->feed->pages, it->body_length, true);
    if (it->kind == SR_RECORD && it->type == WIRE_LIBXC_HVM_CONTEXT)
        buf_clear(&d->context);
    if (it->kind != SR_BODY)
        return 0;
    if (it->type == WIRE_LIBXC_PAGE_DATA)
        return take_pages(d, it, e);
    if (it->type == WIRE_LIBXC_HVM_CONTEXT)
        return buf_append(&d->context, it->data, it->size, e);
    return 0;
}

int emb_feed_take(struct dom *d, const uint8_t *data, size_t n,
                  struct err *e)
{
    for (;;) {
        struct sr_item it;

        if (sr_reader_next(&d->feed->reader, &data, &n, &it, e) ||
            take_item(d, &it, e))
            return -1;
        if (it.kind == SR_STREAM_END)
            return 1;
        if (it.kind == SR_NEED_MORE)
            return 0;
    }
}

void emb_feed_poll(struct dom *d)
{
    struct err e = { 0 };
    int r = 0;

    while (r == 0) {
        ssize_t n = read(d->feed->fd, d->feed->chunk, FEED_CHUNK);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            err_set(&e, ERR_EOF, "the first copy ended early");
            r = -1;
        } else {
            r = emb_feed_take(d, d->feed->chunk, (size_t)n, &e);
        }
    }
    emb_feed_free(d);
    emb_post(d, r > 0 ? DOM_EV_CREATED : DOM_EV_CREATE_FAILED, &e);
}
