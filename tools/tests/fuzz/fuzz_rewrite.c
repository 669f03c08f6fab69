/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Fuzzes the sequence numbers between the copies: frames of a few
 * connections, or any octets, in both directions. Whatever they are, only
 * numbers and the checksum change, the checksum stays as right or wrong as it
 * was, and an acknowledgement of what was moved comes back to where that was.
 */
#include <string.h>

#include "frames.h"
#include "fuzz_stream.h"
#include "rewrite.h"

#define FLOWS 16
#define PAYLOAD_MAX 7
#define BASE 0xfffffff0u    /* the numbers wrap */

static uint8_t may[FRAMES_HEADERS_MAX + UINT8_MAX];    /* change */

/* The numbers in SACK's blocks may. */
static void allow_sack(const uint8_t *tcp, uint8_t *in_it)
{
    size_t end = (size_t)(tcp[12] >> 4) * 4, at = 20;

    while (at + 1 < end && tcp[at] != 0) {
        size_t n = tcp[at] == 1 ? 1 : tcp[at + 1];

        if (n == 0 || at + n > end || (tcp[at] != 1 && n < 2))
            return;
        if (tcp[at] == 5 && n % 8 == 2)
            memset(in_it + at + 2, 1, n - 2);
        at += n;
    }
}

static void allow(const uint8_t *frame, const struct frame *f, bool out,
                  bool partial)
{
    memset(may, 0, sizeof(may));
    if (f->kind != FRAME_TCP)
        return;
    if (!partial)
        memset(may + f->l4 + 16, 1, 2);
    if (out) {
        memset(may + f->l4 + 4, 1, 4);
    } else if (f->flags & TCP_ACK) {
        memset(may + f->l4 + 8, 1, 4);
        allow_sack(frame + f->l4, may + f->l4);
    }
}

/* The sum of its header and payload. */
static uint32_t sum_of(const uint8_t *frame, const struct frame *f)
{
    size_t end = (size_t)(f->body + f->size - frame);

    return frame_sum(frame + f->l4, end - f->l4, 0) % 0xffff;
}

/* What was sent as @seq is acknowledged; the copy has to see its own. */
static void acknowledge(struct rewrite *r, const struct frame *f,
                        uint32_t seq)
{
    struct frame_spec s = { .ip6 = f->key.ether_type == 0x86dd };
    uint8_t frame[FRAMES_HEADERS_MAX];
    struct frame g;
    size_t n;

    memcpy(s.src, f->key.src, sizeof(s.src));
    memcpy(s.dst, f->key.dst, sizeof(s.dst));
    s.src_port = f->key.src_port;
    s.dst_port = f->key.dst_port;
    s.tags = f->key.vlan[1] ? 2 : f->key.vlan[0] ? 1 : 0;
    memcpy(s.tag, f->key.vlan, sizeof(f->key.vlan));
    s.seq = seq;
    s = frame_reply(s);
    s.flags = TCP_ACK;
    n = frame_build(&s, frame);
    MUST(frame_checksum_ok(frame, n));
    rewrite_input(r, frame, n, false);
    MUST(frame_checksum_ok(frame, n));
    frame_parse(frame, n, &g);
    MUST(g.kind == FRAME_TCP && g.ack == f->seq);
}

static void pass(struct rewrite *r, const uint8_t *is, size_t n, bool out,
                 bool partial)
{
    const struct rewrite_stats *stats = rewrite_stats(r);
    uint64_t moved = stats->in + stats->out;
    uint8_t *frame = malloc(n ? n : 1);    /* of its very size */
    struct frame before, after;

    MUST(frame);
    memcpy(frame, is, n);
    frame_parse(is, n, &before);
    allow(is, &before, out, partial);
    if (out)
        rewrite_output(r, frame, n, partial);
    else
        rewrite_input(r, frame, n, partial);
    moved = stats->in + stats->out - moved;
    MUST(moved == 1 || memcmp(frame, is, n) == 0);
    for (size_t i = 0; i < n; i++)
        MUST(frame[i] == is[i] || may[i]);
    MUST(stats->flows <= FLOWS);
    if (moved) {
        frame_parse(frame, n, &after);
        MUST(partial || sum_of(is, &before) == sum_of(frame, &after));
        MUST(out ? after.seq != before.seq : after.ack != before.ack);
        if (out)
            acknowledge(r, &before, after.seq);
    }
    free(frame);
}

/* Eight octets that say what, then its options. */
static size_t connection(struct rewrite *r, const uint8_t *data, size_t size)
{
    static const uint8_t payload[PAYLOAD_MAX + 1] = "payload";
    uint8_t frame[FRAMES_HEADERS_MAX + PAYLOAD_MAX];
    struct frame_spec s = {
        .src = { 10 }, .dst = { data[1] & 3 }, .src_port = 80,
        .dst_port = data[1] >> 4, .ip6 = data[1] & 4,
        .tags = data[1] & 8 ? 1 : 0, .tag = { 5 },
        .seq = BASE + data[3], .ack = BASE + data[4], .flags = data[2],
        .options = data + 8, .options_size = data[5] % 41,
        .payload = payload, .size = data[0] >> 4 & PAYLOAD_MAX,
        .partial_checksum = data[0] & 2,
    };
    size_t n;

    if (s.options_size > size - 8)
        s.options_size = size - 8;
    if (!(data[0] & 1))
        s = frame_reply(s);
    n = frame_build(&s, frame);
    if (data[6]) {    /* one octet is another, or what follows is cut off */
        size_t at = data[6] % n;

        frame[at] ^= data[7];
        if (data[7] == 0)
            n = at;
    }
    pass(r, frame, n, data[0] & 1, s.partial_checksum);
    return 8 + s.options_size;
}

static size_t one(struct rewrite *r, const uint8_t *data, size_t size)
{
    size_t n = data[1];

    if ((data[0] & 0x0c) == 0x0c) {
        rewrite_checkpoint(r);
        MUST(rewrite_stats(r)->flows == 0);
        return 1;
    }
    if ((data[0] & 0x0c) && size >= 8)
        return connection(r, data, size);
    n = n > size - 2 ? size - 2 : n;
    pass(r, data + 2, n, data[0] & 1, data[0] & 2);
    return n + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rewrite_conf conf = { .flows_max = FLOWS, .seed = 3 };
    struct rewrite *r;

    MUST(rewrite_new(&conf, &r, NULL) == 0);
    while (size >= 2) {
        size_t n = one(r, data, size);

        data += n;
        size -= n;
    }
    rewrite_free(r);
    return 0;
}
