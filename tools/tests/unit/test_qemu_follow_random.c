/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower on 100,000 changed streams, the same each time: whatever comes,
 * it ends in order, accounts for each octet, reads none that isn't there
 * (under ASan) and allocates nothing but itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>

#include "qemu_world.h"

#define ROUNDS  100000
#define NR(a)   (sizeof(a) / sizeof((a)[0]))
#define SEED    0x9e3779b97f4a7c15ull

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* An octet as streams have them where it matters, or any. */
static uint8_t an_octet(void)
{
    static const uint8_t special[] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0b, 0x10, 0x20, 0x22, 0x28, 0x40, 0x60,
        0x7e, 0x7f, 0x80, 0xff, '{', '"', '}',
    };

    return draw(4) ? special[draw(NR(special))] : (uint8_t)draw(256);
}

/* One change somewhere; a page's octets are no place for it. */
static void change(struct buf *b, size_t most)
{
    size_t at = draw(b->size), n = 1 + draw(12);
    uint8_t *to;

    if (n > b->size - at)
        n = b->size - at;
    switch (draw(6)) {
    case 0:
        b->data[at] ^= (uint8_t)(1u << draw(8));
        break;
    case 1:
        b->data[at] = an_octet();
        break;
    case 2:    /* some are lost */
        memmove(b->data + at, b->data + at + n, b->size - at - n);
        b->size -= n;
        break;
    case 3:    /* some come twice */
        if (b->size + n > most || buf_reserve(b, n, &to, NULL))
            break;
        memmove(b->data + at + n, b->data + at, b->size - at);
        b->size += n;
        break;
    case 4:    /* some come from elsewhere */
        memmove(b->data + at, b->data + draw(b->size - n + 1), n);
        break;
    default:
        while (n--)
            b->data[at + n] = an_octet();
        break;
    }
    if (!b->size)
        put_n(b, 0, 1);
}

/* What was told before: nothing is told twice, or out of order. */
struct order {
    uint64_t next[2], checkpoint;
};

static void in_order(void *ctx, const struct qf_event *event)
{
    struct order *o = ctx;

    assert_true(event->offset >= o->next[event->direction] ||
                event->kind == QF_RAM);
    assert_true(event->octets > 0 || event->kind == QF_BLOB);
    o->next[event->direction] = event->offset + event->octets;
    if (event->direction == QF_FORWARD) {
        assert_true(event->checkpoint >= o->checkpoint);
        o->checkpoint = event->checkpoint;
    }
}

/* In pieces of their very size, so that ASan sees what lies behind. */
static int feed_exactly(struct qemu_follower *f, enum qf_direction direction,
                        const uint8_t *data, size_t n)
{
    int rc = 0;

    while (n && !rc) {
        size_t now = draw(2) ? n : 1 + draw(n);
        uint8_t *piece = malloc(now);
        struct mallinfo2 before, after;

        assert_non_null(piece);
        memcpy(piece, data, now);
        before = mallinfo2();
        rc = direction == QF_BACK ? qf_back(f, piece, now, NULL)
                                  : qf_forward(f, piece, now, NULL);
        after = mallinfo2();
        assert_int_equal(before.uordblks, after.uordblks);
        assert_int_equal(before.hblkhd, after.hblkhd);
        free(piece);
        data += now;
        n -= now;
    }
    return rc;
}

/* One changed connection; the rule that it broke. */
static enum qf_rule one_round(const struct pair *from, struct pair *p)
{
    struct order order = { { 0, 0 }, 0 };
    struct qf_conf conf = { .event = in_order, .ctx = &order };
    struct qemu_follower *f = qf_new(&conf);
    size_t ready = 4;
    enum qf_rule rule;
    struct followed o;
    int rc;

    assert_non_null(f);
    assert_true(malloc_usable_size(f) < QF_MEMORY_MAX);
    rc = feed_exactly(f, QF_FORWARD, p->forward.data, p->precopy);
    if (ready > p->back.size)
        ready = p->back.size;
    if (!rc)
        rc = feed_exactly(f, QF_BACK, p->back.data, ready);
    if (!rc)
        rc = feed_exactly(f, QF_FORWARD, p->forward.data + p->precopy,
                          p->forward.size - p->precopy);
    if (!rc)
        rc = feed_exactly(f, QF_BACK, p->back.data + ready,
                          p->back.size - ready);
    o = ask(f, rc);
    assert_int_equal(sum_forward(&o.tally), o.forward.offset);
    assert_int_equal(o.tally.octets[QF_OCTETS_BACK], o.back.offset);
    if (!rc) {
        assert_int_equal(o.forward.offset, p->forward.size);
        assert_int_equal(o.back.offset, p->back.size);
    } else {
        assert_true(o.offset <= (o.direction == QF_BACK ? o.back.offset
                                                        : o.forward.offset));
    }
    assert_true(o.tally.checkpoints <= from->forward.size / 32);
    rule = o.rule;
    qf_free(f);
    return rule;
}

/* Few octets of pages, so that most changes hit something else. */
static void shrink(struct pair *p)
{
    static uint8_t zeros[QEMU_PAGE_SIZE];
    struct buf *b = &p->forward;
    uint8_t *at = memmem(b->data, b->size, zeros, sizeof(zeros));

    if (!at)
        return;
    at[-1] = 0x60;    /* XBZRLE, continued */
    at[0] = QEMU_XBZRLE_MARK;
    at[2] = 9;
    memmove(at + 12, at + sizeof(zeros),
            b->size - (size_t)(at - b->data) - sizeof(zeros));
    b->size -= sizeof(zeros) - 12;
    p->precopy -= sizeof(zeros) - 12;
}

static void follower_survives_changed_streams(void **state)
{
    static uint32_t fired[QF_RULES_NR];
    static struct world w;
    struct pair bases[2], p;
    uint32_t i;

    (void)state;
    seed = SEED;
    world_init(&w);
    shrink(&w.pair);
    load_pair(&bases[0], "none-empty", 926);
    bases[1] = w.pair;
    for (i = 0; i < NR(bases); i++)
        assert_int_equal(follow(&bases[i], 1, 0, NULL).rc, 0);
    buf_init(&p.forward, 0);
    buf_init(&p.back, 0);
    for (i = 0; i < ROUNDS; i++) {
        const struct pair *from = &bases[draw(NR(bases))];

        buf_clear(&p.forward);
        buf_clear(&p.back);
        put(&p.forward, from->forward.data, from->forward.size);
        put(&p.back, from->back.data, from->back.size);
        for (uint64_t n = draw(5); n; n--)
            change(draw(8) ? &p.forward : &p.back, 4096);
        p.precopy = draw(16) ? from->precopy : draw(p.forward.size + 1);
        if (p.precopy > p.forward.size)
            p.precopy = p.forward.size;
        fired[one_round(from, &p)]++;
    }
    /* It's no use if the same rule stops them all. */
    for (i = 0; i < QF_RULES_NR; i++)
        assert_true(fired[i] || i == QF_RULE_LIST_LIMIT);
    assert_true(fired[QF_RULE_NONE] > ROUNDS / 10);
    buf_dispose(&p.forward);
    buf_dispose(&p.back);
    pair_dispose(&bases[0]);
    pair_dispose(&w.pair);
}

static void follower_is_one_allocation_below_its_limit(void **state)
{
    struct qemu_follower *f = qf_new(NULL);

    (void)state;
    assert_non_null(f);
    assert_true(qf_memory() < QF_MEMORY_MAX);
    assert_true(malloc_usable_size(f) < qf_memory() + 4096);
    qf_free(f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(follower_survives_changed_streams),
        cmocka_unit_test(follower_is_one_allocation_below_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
