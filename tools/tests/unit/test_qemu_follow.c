/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower on a good stream that has everything, in any pieces, cut
 * anywhere; and where it says that it is. Real streams are in
 * test_qemu_follow_captures.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qemu_world.h"

#define WHOLE SIZE_MAX

static void everything_that_may_come_is_followed(void **state)
{
    static struct world w;
    struct trace t;
    struct followed o;

    (void)state;
    world_init(&w);
    o = follow(&w.pair, WHOLE, 0, &t);
    assert_string_equal(o.e.msg, "");
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.checkpoints, 2);
    assert_int_equal(o.tally.blocks, 2);
    assert_int_equal(o.tally.pages.zero, 4);
    assert_int_equal(o.tally.pages.full, 1);
    assert_int_equal(o.tally.pages.xbzrle, 1);
    assert_int_equal(o.tally.pages.compressed, 1);
    assert_true(o.tally.return_path);
    assert_int_equal(sum_forward(&o.tally), w.pair.forward.size);
    assert_int_equal(o.tally.octets[QF_OCTETS_CONFIGURATION],
                     w.at[AT_OPEN] - w.at[AT_CONFIGURATION]);
    /* 4 in precopy and one in each checkpoint, of 5 octets; PING has 4. */
    assert_int_equal(o.tally.octets[QF_OCTETS_COMMANDS], 5 * 5 + 4);
    assert_int_equal(o.tally.octets[QF_OCTETS_DESCRIPTION],
                     w.at[AT_PRECOPY_DONE] - w.at[AT_DESCRIPTION]);
    pair_dispose(&w.pair);
}

static void assert_same_event(const struct qf_event *a,
                              const struct qf_event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->direction, b->direction);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->octets, b->octets);
    assert_int_equal(a->checkpoint, b->checkpoint);
    assert_int_equal(a->value, b->value);
    assert_int_equal(a->message, b->message);
    assert_memory_equal(&a->pages, &b->pages, sizeof(a->pages));
}

static void pieces_make_no_difference(void **state)
{
    static struct trace whole, split;
    static struct world w;
    struct followed a, b;

    (void)state;
    world_init(&w);
    a = follow(&w.pair, WHOLE, 0, &whole);
    for (size_t piece = 1; piece < 70; piece++) {
        b = follow(&w.pair, piece, 0, &split);
        assert_int_equal(b.rc, 0);
        assert_int_equal(split.nr, whole.nr);
        for (size_t i = 0; i < whole.nr; i++) {
            assert_same_event(&split.events[i], &whole.events[i]);
            assert_string_equal(split.names[i], whole.names[i]);
        }
        assert_memory_equal(a.tally.octets, b.tally.octets,
                            sizeof(a.tally.octets));
    }
    pair_dispose(&w.pair);
}

/* No failure, nothing unaccounted for; a cut inside something is told. */
static void cut_anywhere_is_incomplete_and_no_error(void **state)
{
    static struct world w;
    struct followed o;
    struct pair p;

    (void)state;
    world_init(&w);
    p = w.pair;
    for (size_t n = 0; n < w.pair.forward.size; n++) {
        p.forward.size = n;
        p.precopy = n < w.pair.precopy ? n : w.pair.precopy;
        p.back.size = n < w.pair.precopy ? 0 : 4;
        o = follow(&p, WHOLE, 0, NULL);
        assert_int_equal(o.rc, 0);
        assert_int_equal(o.forward.offset, n);
        assert_int_equal(sum_forward(&o.tally), n);
        if (n >= w.at[AT_REQUEST])
            assert_int_equal(o.forward.inside, n != w.at[AT_REQUEST] &&
                             n != w.at[AT_SEND] && n != w.at[AT_SIZE]);
    }
    pair_dispose(&w.pair);
}

/* There is one in the device state: with what follows it isn't printable. */
static void what_looks_like_a_description_is_none(void **state)
{
    static struct world w;
    struct followed o;
    struct pair p;
    uint8_t *length;

    (void)state;
    world_init(&w);
    p = w.pair;
    p.back.size = 4;
    p.forward.size = p.precopy = w.at[AT_DESCRIPTION];
    o = follow(&p, 1, 0, NULL);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.octets[QF_OCTETS_DESCRIPTION], 0);
    /* Not even where it says that it ends where the real one does. */
    p.forward.size = p.precopy = w.at[AT_PRECOPY_DONE];
    length = p.forward.data + w.at[AT_DEVICE] + 25 + 2;
    assert_int_equal(get_be32(length), 32);
    put_be32(length, (uint32_t)(p.precopy - w.at[AT_DEVICE] - 25 - 6));
    o = follow(&p, 1, 0, NULL);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.octets[QF_OCTETS_DESCRIPTION],
                     w.at[AT_PRECOPY_DONE] - w.at[AT_DESCRIPTION]);
    pair_dispose(&w.pair);
}

static void assert_words(const struct pair *p, size_t forward, size_t back,
                         const char *forward_words, const char *back_words)
{
    char text[QF_WORDS_SIZE];
    struct followed o;
    struct pair cut = *p;

    cut.forward.size = forward;
    cut.back.size = back;
    if (cut.precopy > forward)
        cut.precopy = forward;
    o = follow(&cut, WHOLE, 0, NULL);
    assert_int_equal(o.rc, 0);
    qf_words(&o.forward, text);
    assert_string_equal(text, forward_words);
    qf_words(&o.back, text);
    assert_string_equal(text, back_words);
}

static void position_is_told_in_words(void **state)
{
    static struct world w;
    const struct pair *p = &w.pair;

    (void)state;
    world_init(&w);
    assert_words(p, 0, 0, "before the header", "before checkpoint-ready");
    assert_words(p, 3, 0, "inside the header", "before checkpoint-ready");
    assert_words(p, 10, 0, "inside the configuration",
                 "before checkpoint-ready");
    assert_words(p, w.at[AT_OPEN] + 2, 0, "inside a command",
                 "before checkpoint-ready");
    assert_words(p, w.at[AT_PART], 0, "inside a section of precopy",
                 "before checkpoint-ready");
    assert_words(p, w.at[AT_PAGE] + 99, 0, "inside RAM of precopy",
                 "before checkpoint-ready");
    assert_words(p, w.at[AT_DEVICE] + 9, 0, "inside device state of precopy",
                 "before checkpoint-ready");
    assert_words(p, w.at[AT_PRECOPY_DONE], 3,
                 "at the end of precopy, before checkpoint-ready",
                 "inside checkpoint-ready");
    assert_words(p, w.at[AT_PRECOPY_DONE], 4,
                 "before checkpoint-request of checkpoint 1",
                 "before checkpoint-reply of checkpoint 1");
    assert_words(p, w.at[AT_REQUEST], 16,
                 "before checkpoint-request of checkpoint 2",
                 "before checkpoint-reply of checkpoint 2");
    assert_words(p, w.at[AT_SEND] + 1, 17,
                 "inside vmstate-send of checkpoint 2",
                 "inside checkpoint-reply of checkpoint 2");
    assert_words(p, w.at[AT_RAM] + 6, 20, "inside RAM of checkpoint 2",
                 "before vmstate-received of checkpoint 2");
    assert_words(p, w.at[AT_SIZE], 24,
                 "before vmstate-size of checkpoint 2",
                 "before vmstate-loaded of checkpoint 2");
    assert_words(p, w.at[AT_SIZE] + 4, 28,
                 "inside vmstate-size of checkpoint 2",
                 "before checkpoint-reply of checkpoint 3");
    assert_words(p, w.at[AT_BLOB] + 4, 28,
                 "inside device state of checkpoint 2",
                 "before checkpoint-reply of checkpoint 3");
    pair_dispose(&w.pair);
}

static void position_says_what_is_missing(void **state)
{
    static struct world w;
    struct followed o;

    (void)state;
    world_init(&w);
    w.pair.forward.size = w.at[AT_BLOB] + 3;
    o = follow(&w.pair, WHOLE, 0, NULL);
    assert_int_equal(o.forward.place, QF_AT_BLOB);
    assert_int_equal(o.forward.left, 7);
    w.pair.forward.size = w.pair.precopy = w.at[AT_PAGE] + 8 + 96;
    w.pair.back.size = 0;
    o = follow(&w.pair, WHOLE, 0, NULL);
    assert_int_equal(o.forward.place, QF_AT_RAM);
    assert_int_equal(o.forward.left, 4000);
    pair_dispose(&w.pair);
}

static void follower_takes_what_is_empty(void **state)
{
    static struct world w;
    struct trace t;
    struct followed o;

    (void)state;
    world_init(&w);
    /* The last checkpoint has no device state, but for its size. */
    put_be64(w.pair.forward.data + w.at[AT_SIZE] + 4, 0);
    w.pair.forward.size -= 10;
    o = follow(&w.pair, 1, 0, &t);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.checkpoints, 2);
    assert_false(o.forward.inside);
    /* And an XBZRLE page of no octets. */
    put_be16(w.pair.forward.data + w.at[AT_XBZRLE] + 9, 0);
    memmove(w.pair.forward.data + w.at[AT_COMPRESS] - 5,
            w.pair.forward.data + w.at[AT_COMPRESS],
            w.pair.forward.size - w.at[AT_COMPRESS]);
    w.pair.forward.size -= 5;
    w.pair.precopy -= 5;
    o = follow(&w.pair, 1, 0, &t);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.pages.xbzrle, 1);
    pair_dispose(&w.pair);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_may_come_is_followed),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(cut_anywhere_is_incomplete_and_no_error),
        cmocka_unit_test(what_looks_like_a_description_is_none),
        cmocka_unit_test(position_is_told_in_words),
        cmocka_unit_test(position_says_what_is_missing),
        cmocka_unit_test(follower_takes_what_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
