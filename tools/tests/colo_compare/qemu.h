/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * QEMU's colo-compare as a judge: its sockets, and what tells that it has
 * taken what it was sent. Part of main.c.
 */
#ifndef XC_COLO_COMPARE_QEMU_H
#define XC_COLO_COMPARE_QEMU_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cases.h"

#define LIMIT_MS 10000
#define INIT "COLO_USERSPACE_PROXY_INIT"
#define FLUSH "COLO_CHECKPOINT"

static void die(const char *what)
{
    fprintf(stderr, "colo_compare: %s: %s\n", what, strerror(errno));
    exit(2);
}

static struct peer {
    int fd;
    uint8_t in[1 << 16];
    size_t used;
} primary, secondary, out, notes;

static void peer_open(struct peer *p, const char *dir, const char *name)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name);
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&a, sizeof(a)))
        die(a.sun_path);
}

static void peer_put(struct peer *p, const void *data, size_t n)
{
    uint8_t to[512];

    put_be32(to, (uint32_t)n);
    memcpy(to + 4, data, n);
    if (write(p->fd, to, n + 4) != (ssize_t)n + 4)
        die("writing to QEMU");
}

/* The next message into @to; 0: there is none within @ms. */
static size_t peer_get(struct peer *p, uint8_t *to, size_t room, int ms)
{
    for (;;) {
        struct pollfd f = { .fd = p->fd, .events = POLLIN };
        size_t n = p->used >= 4 ? get_be32(p->in) : 0;
        ssize_t r;

        if (n > room)
            die("QEMU sends too much");
        if (p->used >= 4 && p->used >= n + 4) {
            memcpy(to, p->in + 4, n);
            p->used -= n + 4;
            memmove(p->in, p->in + 4 + n, p->used);
            return n;
        }
        if (poll(&f, 1, ms) <= 0)
            return 0;
        r = read(p->fd, p->in + p->used, sizeof(p->in) - p->used);
        if (r <= 0)
            die("QEMU has ended");
        p->used += (size_t)r;
    }
}

static size_t mark(uint8_t to[256], enum frame_kind kind, uint32_t number)
{
    uint8_t octets[4];
    struct frame_spec f = { .kind = kind, .src = { 10, 9, 9, 9 },
                            .dst = { 10, 9, 9, 8 }, .src_port = 9,
                            .dst_port = 9, .payload = octets, .size = 4 };

    put_be32(octets, number);
    put_be32(f.dst, number);
    if (kind == FRAME_UDP)
        put_be32(f.dst, 0x0a090908);
    return frame_build(&f, to);
}

/* Frames that leave until @until[n] does, which isn't counted. */
static void leave(const struct a_case *c, struct verdict *v,
                  const uint8_t *until, size_t n)
{
    uint8_t in[512];
    size_t size;

    while ((size = peer_get(&out, in, sizeof(in), LIMIT_MS))) {
        if (size == n && !memcmp(in, until, n))
            return;
        for (int i = 0; i < c->p_nr; i++)
            if (size == c->p[i].n && !memcmp(in, c->p[i].data, size))
                v->left |= 1u << i;
    }
    die("QEMU doesn't let its mark through");
}

static void greet(const char *dir)
{
    uint8_t in[64];

    peer_open(&primary, dir, "p");
    peer_open(&secondary, dir, "s");
    peer_open(&out, dir, "o");
    peer_open(&notes, dir, "n");
    peer_put(&notes, INIT, sizeof(INIT) - 1);
    if (!peer_get(&notes, in, sizeof(in), LIMIT_MS))
        die("QEMU doesn't answer " INIT);
}

/* All that waits leaves; a frame without a twin tells that it did. */
static void flush(const struct a_case *c, uint32_t number)
{
    uint8_t arp[256], lone[256];
    size_t arp_n = mark(arp, FRAME_ARP, ~number);
    size_t lone_n = mark(lone, FRAME_UDP, ~number);
    struct verdict ignored = { 0, false };

    peer_put(&primary, lone, lone_n);
    peer_put(&primary, arp, arp_n);
    leave(c, &ignored, arp, arp_n);
    peer_put(&notes, FLUSH, sizeof(FLUSH) - 1);
    leave(c, &ignored, lone, lone_n);
}

/* ARP leaves at once, which tells that the primary's frames were taken; equal
   datagrams tell that the secondary's were. */
static struct verdict by_qemu(const struct a_case *c, uint32_t number)
{
    uint8_t arp[256], pair[256], in[512];
    size_t arp_n = mark(arp, FRAME_ARP, number);
    size_t pair_n = mark(pair, FRAME_UDP, number);
    struct verdict v = { 0, false };

    for (int i = 0; i < c->p_nr; i++)
        peer_put(&primary, c->p[i].data, c->p[i].n);
    peer_put(&primary, pair, pair_n);
    peer_put(&primary, arp, arp_n);
    leave(c, &v, arp, arp_n);
    for (int i = 0; i < c->s_nr; i++)
        peer_put(&secondary, c->s[i].data, c->s[i].n);
    peer_put(&secondary, pair, pair_n);
    leave(c, &v, pair, pair_n);
    while (peer_get(&notes, in, sizeof(in), 0))
        v.asks = true;
    flush(c, number);
    return v;
}

#endif
