/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded guest as a machine: memory, dirty log, vCPU, and the program
 * that runs on it. All of the program's state lies in guest memory and the
 * vCPU. Pure: no I/O, no clock.
 *
 * A copy of it that takes the same frames says the same, but for what comes
 * from outside: outside(), which isn't part of its state.
 *
 * The program is a store of numbered writes. Requests and answers are lines:
 *   W N TEXT   → A N HASH          write N is stored
 *   R          → R COUNT HIGHEST HASH BOOT
 *   C N        → Y N | N N         is write N stored?
 *   D          → D VALUE           a random number, from outside
 *   T          → T VALUE           the time, from outside
 * They come as frames (guest_frame()), or one by one (guest_request()).
 */
#ifndef XC_DOMAIN_EMBEDDED_GUEST_H
#define XC_DOMAIN_EMBEDDED_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define GUEST_PAGE 4096u
#define GUEST_LINE 512u
#define GUEST_CONTEXT_SIZE 64u
#define GUEST_CONNS 64u     /* connections */
#define GUEST_SLOT 576u     /* octets of memory for each */

/* What two copies don't have in common. */
enum guest_outside { GUEST_DRAW, GUEST_CLOCK };

struct guest {
    uint8_t *ram;
    uint64_t *dirty;        /* one bit a page */
    size_t pages;
    uint64_t steps, rng, clock;    /* the vCPU */
    size_t work_at;
    /* The embedder's, after guest_init(); NULL: always 0. */
    uint64_t (*outside)(void *ctx, enum guest_outside what);
    void *outside_ctx;
};

/* A frame of the guest's, valid in the call, which doesn't call the guest. */
typedef void guest_out(void *ctx, const uint8_t *frame, size_t n);

int guest_init(struct guest *g, size_t pages, struct err *e);
void guest_dispose(struct guest *g);
/* Fresh memory: @boot tells one start from another. */
void guest_boot(struct guest *g, uint64_t boot);
/* One request without its newline; the answer with its newline. */
void guest_request(struct guest *g, const char *line,
                   char answer[GUEST_LINE]);
/*
 * A frame from the network, any octets; what isn't a good TCP segment to the
 * guest's address and port (embedded_tcp.h) is ignored. A SYN is answered by
 * a SYN-ACK, a FIN by a FIN. Segments are taken in order alone: an old one, or
 * one behind a gap, is acknowledged at the place that was reached. What has
 * octets is acknowledged, with its answers where it completes requests, which
 * may be cut in two. A line of GUEST_LINE octets, a SYN when there are
 * GUEST_CONNS connections, and what belongs to none are answered by an RST.
 */
void guest_frame(struct guest *g, const uint8_t *frame, size_t n,
                 guest_out *out, void *ctx);
/* It knows of no connection any more; nobody is told. */
void guest_reset_connections(struct guest *g);
/* Background work: dirties @pages pages. */
void guest_work(struct guest *g, size_t pages);
/* In the dirty log: page @page; all pages. */
void guest_touch(struct guest *g, size_t page);
void guest_mark_all(struct guest *g);
/* Where the table of connections is in memory. */
size_t guest_table(const struct guest *g);
/* What it drew last, which is in its memory. */
uint64_t guest_drawn(const struct guest *g);
uint64_t guest_outside(const struct guest *g, enum guest_outside what);
/* vCPU to and from a record's body. */
int guest_save(const struct guest *g, struct buf *b, struct err *e);
int guest_load(struct guest *g, const uint8_t *data, size_t n,
               struct err *e);

#endif
