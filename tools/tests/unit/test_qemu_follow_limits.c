/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the follower just allows, and that one more is refused. Its list of
 * blocks is in test_qemu_follow_bad.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qemu_faults.h"

/* A field, its values, and what one more breaks, as in bads[]. */
static const struct limit {
    enum qf_rule rule;
    enum spot spot;
    size_t plus, n;
    uint64_t least, most;
    size_t fault_plus;
} limits[] = {
    { QF_RULE_MACHINE, AT_CONFIGURATION, 1, 4, 1, 255, 1 },
    { QF_RULE_CAPABILITIES, AT_CAPABILITIES, 32, 4, 0, 64, 32 },
    { QF_RULE_XBZRLE, AT_XBZRLE, 9, 2, 0, 4096, 8 },
    { QF_RULE_COMPRESS, AT_COMPRESS, 8, 4, 1, 4110, 8 },
    { QF_RULE_VMSTATE, AT_SIZE, 4, 8, 0, 512ull << 20, 4 },
};

static void least_and_most_are_taken_and_one_more_is_not(void **state)
{
    static struct world w;
    uint8_t octets[8], *at;

    (void)state;
    for (size_t i = 0; i < NR(limits); i++) {
        const struct limit *l = &limits[i];

        world_init(&w);
        at = w.pair.forward.data + w.at[l->spot] + l->plus;
        w.pair.forward.size = w.at[l->spot] + l->plus + l->n;
        if (w.pair.forward.size < w.pair.precopy) {
            w.pair.precopy = w.pair.forward.size;
            w.pair.back.size = 0;
        }
        put_be64(octets, l->least);
        memcpy(at, octets + 8 - l->n, l->n);
        assert_int_equal(follow(&w.pair, 1, 0, NULL).rc, 0);
        put_be64(octets, l->most);
        memcpy(at, octets + 8 - l->n, l->n);
        assert_int_equal(follow(&w.pair, 1, 0, NULL).rc, 0);
        put_be64(octets, l->most + 1);
        memcpy(at, octets + 8 - l->n, l->n);
        assert_fault(&w.pair, QF_FORWARD, l->rule,
                     w.at[l->spot] + l->fault_plus);
        pair_dispose(&w.pair);
    }
}

/* Precopy that ends with a description of @length octets, as it says. */
static void put_description(struct world *w, uint32_t length)
{
    struct buf *b = &w->pair.forward;

    b->size = w->at[AT_DESCRIPTION] + 1;
    put_n(b, length, 4);
    put(b, "{\"", 2);
    for (uint32_t i = 2; i < length; i++)
        put_n(b, i & 1 ? ' ' : '~', 1);
    b->data[b->size - 1] = '}';
    w->pair.precopy = b->size;
}

static void description_has_a_limit(void **state)
{
    static struct world w;
    struct followed o;

    (void)state;
    world_init(&w);
    w.pair.back.size = 4;
    put_description(&w, 4u << 20);
    o = follow(&w.pair, SIZE_MAX, 0, NULL);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.octets[QF_OCTETS_DESCRIPTION], (4u << 20) + 5);
    put_description(&w, (4u << 20) + 1);
    assert_fault(&w.pair, QF_FORWARD, QF_RULE_PRECOPY_END, w.pair.precopy);
    put_description(&w, 2);
    assert_fault(&w.pair, QF_FORWARD, QF_RULE_PRECOPY_END, w.pair.precopy);
    pair_dispose(&w.pair);
}

static void limit_of_the_state_is_the_callers(void **state)
{
    static struct world w;
    struct followed o;

    (void)state;
    world_init(&w);
    o = follow(&w.pair, 1, 10, NULL);
    assert_int_equal(o.rc, 0);
    o = follow(&w.pair, 1, 9, NULL);
    assert_int_equal(o.rule, QF_RULE_VMSTATE);
    assert_non_null(strstr(o.e.msg, "it is 10 here, the limit 9 ["));
    put_be64(w.pair.forward.data + w.at[AT_SIZE] + 4, 512ull << 20);
    o = follow(&w.pair, SIZE_MAX, 0, NULL);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.forward.left, (512ull << 20) - 10);
    pair_dispose(&w.pair);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_and_most_are_taken_and_one_more_is_not),
        cmocka_unit_test(description_has_a_limit),
        cmocka_unit_test(limit_of_the_state_is_the_callers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
