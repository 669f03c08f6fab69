/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Fuzzes both directions of a QEMU COLO connection: once whole, once in pieces
 * as long as the input's first octet says. Then come, again and again, a be16
 * and octets: its highest bit says that they came back, the others how many.
 */
#include "fuzz_stream.h"
#include "qemu_world.h"

/* What was told, as one number, and that it was told in order. */
struct told {
    uint64_t sum, next[2];
};

static void add(struct told *t, uint64_t value)
{
    t->sum = (t->sum ^ value) * 0x100000001b3ull;
}

static void event(void *ctx, const struct qf_event *v)
{
    struct told *t = ctx;

    MUST(v->kind == QF_RAM || v->offset >= t->next[v->direction]);
    t->next[v->direction] = v->offset + v->octets;
    add(t, (uint64_t)v->kind << 8 | v->direction);
    add(t, v->offset);
    add(t, v->octets);
    add(t, v->value);
    add(t, v->checkpoint);
    add(t, (uint64_t)v->message << 32 | (v->name ? strlen(v->name) : 0));
    add(t, v->pages.zero + v->pages.full + v->pages.xbzrle +
        v->pages.compressed);
}

static struct followed run_pair(const uint8_t *data, size_t size,
                               size_t piece, struct told *t)
{
    struct qf_conf conf = { .event = event, .ctx = t };
    struct qemu_follower *f = qf_new(&conf);
    enum qf_direction direction;
    char words[QF_WORDS_SIZE];
    struct followed o;
    struct err e;
    size_t n;
    int rc = 0;

    MUST(f);
    while (size >= 2 && !rc) {
        direction = data[0] & 0x80 ? QF_BACK : QF_FORWARD;
        n = get_be16(data) & 0x7fff;
        data += 2;
        size -= 2;
        if (n > size)
            n = size;
        rc = feed_pieces(f, direction, data, n, piece, &e);
        data += n;
        size -= n;
    }
    o = ask(f, rc);
    MUST(sum_forward(&o.tally) == o.forward.offset);
    MUST(o.tally.octets[QF_OCTETS_BACK] == o.back.offset);
    MUST(!rc || rc == ERR_FORMAT || rc == ERR_LIMIT ||
         rc == ERR_UNSUPPORTED);
    qf_words(&o.forward, words);
    qf_words(&o.back, words);
    qf_free(f);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole = { 0 }, split = { 0 };
    struct followed a, b;

    if (size < 1)
        return 0;
    a = run_pair(data + 1, size - 1, SIZE_MAX, &whole);
    b = run_pair(data + 1, size - 1, 1u + data[0], &split);
    MUST(a.rc == b.rc && a.rule == b.rule && a.offset == b.offset &&
         a.direction == b.direction && whole.sum == split.sum);
    MUST(!strcmp(a.e.msg, b.e.msg));
    MUST(a.rc || (!memcmp(a.tally.octets, b.tally.octets,
                          sizeof(a.tally.octets)) &&
                  a.tally.checkpoints == b.tally.checkpoints));
    return 0;
}
