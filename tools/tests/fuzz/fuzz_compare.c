/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Fuzzes the comparison of output: frames of both copies as the input has
 * them, and segments of one TCP connection about which it is known what may
 * leave: octets that the secondary has sent, too, and no acknowledgement or
 * FIN before its own. Nothing that the primary sends gets lost.
 */
#include <stdbool.h>
#include <string.h>

#include "compare.h"
#include "frames.h"
#include "fuzz_stream.h"

#define POSITIONS 320
#define WAITING_MAX 512
#define OPS_MAX 500
#define BASE 0xffffff80u    /* the numbers wrap */

static struct world {
    struct compare *c;
    struct { uint8_t *data; size_t n; } waiting[WAITING_MAX];
    size_t waiting_nr;
    bool flushing;          /* a checkpoint: everything may leave */
    /* Of the connection, by position. */
    bool done[POSITIONS];   /* left, or was common before */
    uint8_t theirs[POSITIONS];    /* the secondary's octets: 1, 2 or both */
    bool fin[POSITIONS];    /* it has sent a FIN there */
    bool known;             /* the primary has sent something */
    int ack, own_ack, sent, last_fin, own_fin;
} w;

struct segment {
    int seq, size, ack;
    uint8_t flags, octets[32];
};

/* From 10.0.0.1 to 0.0.0.9, without options: judge() knows its places. */
static size_t build(const struct segment *g, uint8_t to[256])
{
    struct frame_spec f = {
        .kind = FRAME_TCP, .src = { 10, 0, 0, 1 }, .dst = { 0, 0, 0, 9 },
        .seq = BASE + (uint32_t)g->seq, .ack = BASE + (uint32_t)g->ack,
        .flags = g->flags, .payload = g->octets, .size = (size_t)g->size,
    };

    return frame_build(&f, to);
}

/* Everybody's octet, or the other one. */
static uint8_t octet(int pos)
{
    return (uint8_t)(pos * 7);
}

static uint8_t which(int pos, uint8_t is)
{
    return is == octet(pos) ? 1 : 2;
}

/* One of the connection leaves: it may. */
static void judge(const uint8_t *data)
{
    int seq = (int)(get_be32(data + 38) - BASE);
    int ack = (int)(get_be32(data + 42) - BASE);
    int size = get_be16(data + 16) - 40;

    for (int i = 0; i < size; i++) {
        MUST(w.flushing || w.done[seq + i] ||
             (w.theirs[seq + i] & which(seq + i, data[54 + i])));
        w.done[seq + i] = true;
    }
    if ((data[47] & TCP_ACK) && !w.flushing)
        MUST(ack <= w.ack);
    if (data[47] & TCP_FIN)
        MUST(w.flushing || w.fin[seq + size] || w.own_fin == seq + size);
}

static void release(void *ctx, const uint8_t *data, size_t n,
                    uint64_t came_ns)
{
    (void)ctx;
    (void)came_ns;
    for (size_t i = 0; i < w.waiting_nr; i++) {
        if (w.waiting[i].n != n || memcmp(w.waiting[i].data, data, n))
            continue;
        free(w.waiting[i].data);
        w.waiting[i] = w.waiting[--w.waiting_nr];
        if (n >= 54 && data[33] == 9 && data[23] == 6 && data[12] == 8)
            judge(data);
        return;
    }
    MUST(!"a frame left that the primary didn't send");
}

static void send_frame(bool primary, const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);    /* of its very size */

    MUST(copy);
    memcpy(copy, data, n);
    if (primary) {
        uint8_t *kept = malloc(n ? n : 1);

        MUST(kept);
        memcpy(kept, data, n);
        w.waiting[w.waiting_nr].data = kept;
        w.waiting[w.waiting_nr++].n = n;
        compare_primary(w.c, copy, n, 0);
    } else {
        compare_secondary(w.c, copy, n, 0);
    }
    free(copy);
}

static void send_segment(bool primary, const struct segment *g)
{
    uint8_t frame[256];
    size_t n = build(g, frame);
    bool data = g->size || (g->flags & TCP_FIN);

    if (primary) {
        for (int i = 0; data && !w.known && i < g->seq; i++)
            w.done[i] = true;
        w.known |= data;
        if (g->seq + g->size > w.sent)
            w.sent = g->seq + g->size;
        if ((g->flags & TCP_ACK) && g->ack > w.own_ack)
            w.own_ack = g->ack;
    } else {
        for (int i = 0; i < g->size; i++)
            w.theirs[g->seq + i] |= which(g->seq + i, g->octets[i]);
        if ((g->flags & TCP_ACK) && g->ack > w.ack)
            w.ack = g->ack;
        if (g->flags & TCP_FIN)
            w.fin[g->seq + g->size] = true;
    }
    if (primary && (g->flags & TCP_FIN))
        w.last_fin = g->seq + g->size;
    send_frame(primary, frame, n);
}

static void checkpoint(void)
{
    const struct compare_stats *s;

    w.flushing = true;
    compare_checkpoint(w.c);
    w.flushing = false;
    s = compare_stats(w.c);
    MUST(s->packets == 0 && s->octets == 0);
    MUST(s->dropped == 0 && w.waiting_nr == 0);
    for (int i = 0; i < w.sent; i++)
        w.done[i] = true;
    memset(w.theirs, 0, sizeof(w.theirs));
    memset(w.fin, 0, sizeof(w.fin));
    w.own_fin = w.last_fin;
    w.ack = w.own_ack;
}

/* Two octets that say which, then those of the segment. */
static size_t one(const uint8_t *data, size_t size)
{
    bool primary = data[0] & 1;
    size_t n = data[1];
    struct segment g;
    uint64_t next;

    if ((data[0] & 6) == 0) {    /* raw octets */
        n = n > size - 2 ? size - 2 : n;
        /* Those of the connection come from below alone. */
        if (n >= 34 && data[2 + 33] == 9)
            return n + 2;
        send_frame(primary, data + 2, n);
        return n + 2;
    }
    if ((data[0] & 6) == 2 && size >= 5) {
        g = (struct segment) { .seq = data[1], .size = data[2] & 31,
                               .ack = data[3] };
        g.flags = (uint8_t)(data[0] & 8 ? TCP_ACK : 0);
        if ((data[2] & 0xe0) == 0xe0)
            g.flags |= TCP_FIN;
        for (int i = 0; i < g.size; i++)
            g.octets[i] = octet(g.seq + i);
        if (data[4] < 32)    /* another octet than everybody's */
            g.octets[data[4]] ^= 0x40;
        send_segment(primary, &g);
        return 5;
    }
    if (data[1] & 1)
        checkpoint();
    else
        compare_tick(w.c, data[1] < 8 ? COMPARE_TIMEOUT_NS : 0, &next);
    return 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct compare_conf conf = { .flows_max = 2 * OPS_MAX, .seed = 3,
                                 .release = release };

    memset(&w, 0, sizeof(w));
    w.ack = w.own_ack = w.own_fin = w.last_fin = -1;
    MUST(compare_new(&conf, &w.c, NULL) == 0);
    /* So few that no flow has to make room. */
    for (int i = 0; i < OPS_MAX && size >= 2 &&
         w.waiting_nr < WAITING_MAX; i++) {
        size_t n = one(data, size);

        data += n;
        size -= n;
    }
    checkpoint();
    compare_free(w.c);
    return 0;
}
