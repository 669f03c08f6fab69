/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower on good streams: real captures of QEMU pairs, octet for octet,
 * and a made one that has everything; in any pieces, cut anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qemu_world.h"

#define WHOLE SIZE_MAX
#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* What is in a capture; offsets and lengths were read by another parser. */
static const struct capture {
    const char *name, *machine;
    size_t precopy, size, description;
    struct { uint64_t offset, octets, zero, full; } sections[3];
    size_t ram, state;     /* octets of the first checkpoint's, of each state */
    size_t ram_more;       /* octets of the others' RAM */
    uint64_t zero, full, full_more;
    struct { const char *name; uint64_t length; } blocks[2];
} captures[] = {
    { "none-empty", "none", 926, 2036, 491,
      { { 22, 48, 0, 0 }, { 70, 164, 16, 0 }, { 234, 18, 0, 0 } },
      19, 183, 19, 0, 0, 0, { { "m", 65536 } } },
    { "none", "none", 9116, 51311, 491,
      { { 22, 48, 0, 0 }, { 70, 8354, 14, 2 }, { 8424, 18, 0, 0 } },
      8236, 183, 8236, 1, 2, 2, { { "m", 65536 } } },
    { "guest", "microvm", 22030, 59816, 10356,
      { { 25, 74, 0, 0 }, { 99, 8966, 80, 2 }, { 9065, 18, 0, 0 } },
      8239, 2591, 4123, 0, 2, 1,
      { { "microvm.ram", 270336 }, { "pc.bios", 65536 } } },
};

static const struct qf_event *next_event(const struct trace *t, size_t *at,
                                         enum qf_event_kind kind,
                                         uint64_t offset, uint64_t octets)
{
    const struct qf_event *v = &t->events[*at];

    assert_true(*at < t->nr);
    assert_int_equal(v->kind, kind);
    assert_int_equal(v->direction, QF_FORWARD);
    assert_int_equal(v->offset, offset);
    assert_int_equal(v->octets, octets);
    (*at)++;
    return v;
}

static void assert_message(const struct trace *t, size_t *at,
                           enum qemu_message m, uint64_t offset,
                           uint64_t checkpoint, uint64_t value)
{
    const struct qf_event *v = &t->events[*at];

    assert_true(*at < t->nr);
    assert_int_equal(v->kind, QF_MESSAGE);
    assert_int_equal(v->message, m);
    assert_int_equal(v->direction, qemu_message_forward(m) ? QF_FORWARD
                                                           : QF_BACK);
    assert_int_equal(v->offset, offset);
    assert_int_equal(v->octets, qemu_message_size(m));
    assert_int_equal(v->checkpoint, checkpoint);
    assert_int_equal(v->value, value);
    (*at)++;
}

static void assert_pages(const struct qf_event *v, uint64_t zero,
                         uint64_t full)
{
    assert_int_equal(v->pages.zero, zero);
    assert_int_equal(v->pages.full, full);
    assert_int_equal(v->pages.xbzrle, 0);
    assert_int_equal(v->pages.compressed, 0);
}

static void assert_precopy(const struct capture *c, const struct trace *t,
                           size_t *at)
{
    size_t machine = 5 + strlen(c->machine), end;
    const struct qf_event *v;

    v = next_event(t, at, QF_PRECOPY_BEGIN, 0, 8);
    assert_int_equal(v->value, 3);
    next_event(t, at, QF_MACHINE, 8, machine);
    assert_string_equal(t->names[*at - 1], c->machine);
    v = next_event(t, at, QF_COMMAND, 8 + machine, 5);
    assert_int_equal(v->value, QEMU_COMMAND_ENABLE_COLO);
    for (size_t i = 0; i < 2 && c->blocks[i].name; i++) {
        v = &t->events[*at];
        next_event(t, at, QF_BLOCK, v->offset,
                   9 + strlen(c->blocks[i].name));
        assert_int_equal(v->value, c->blocks[i].length);
        assert_string_equal(t->names[*at - 1], c->blocks[i].name);
    }
    for (size_t i = 0; i < 3; i++) {
        v = next_event(t, at, QF_RAM, c->sections[i].offset,
                       c->sections[i].octets);
        assert_pages(v, c->sections[i].zero, c->sections[i].full);
        assert_int_equal(v->checkpoint, 0);
    }
    end = c->sections[2].offset + c->sections[2].octets;
    v = next_event(t, at, QF_PRECOPY_END, end, c->precopy - end);
    assert_int_equal(v->value, c->description);
}

static void assert_capture(const struct capture *c, const struct trace *t)
{
    size_t at = 0, offset = c->precopy, ram = c->ram;
    const struct qf_event *v;

    assert_precopy(c, t, &at);
    assert_message(t, &at, QEMU_CHECKPOINT_READY, 0, 0, 0);
    for (unsigned i = 1; i <= 5; i++) {
        assert_message(t, &at, QEMU_CHECKPOINT_REQUEST, offset, i, 0);
        assert_message(t, &at, QEMU_VMSTATE_SEND, offset + 4, i, 0);
        v = next_event(t, &at, QF_RAM, offset + 8, ram);
        assert_pages(v, c->zero, i == 1 ? c->full : c->full_more);
        assert_int_equal(v->checkpoint, i);
        offset += 8 + ram;
        assert_message(t, &at, QEMU_VMSTATE_SIZE, offset, i, c->state);
        v = next_event(t, &at, QF_BLOB, offset + 12, c->state);
        assert_int_equal(v->checkpoint, i);
        offset += 12 + c->state;
        ram = c->ram_more;
    }
    assert_int_equal(offset, c->size);
    for (unsigned i = 1; i <= 5; i++) {
        assert_message(t, &at, QEMU_CHECKPOINT_REPLY, 12 * i - 8, i, 0);
        assert_message(t, &at, QEMU_VMSTATE_RECEIVED, 12 * i - 4, i, 0);
        assert_message(t, &at, QEMU_VMSTATE_LOADED, 12 * i, i, 0);
    }
    assert_int_equal(at, t->nr);
}

static void assert_tally(const struct capture *c, const struct followed *o)
{
    const uint64_t *n = o->tally.octets;
    size_t end = c->sections[2].offset + c->sections[2].octets;

    assert_int_equal(n[QF_OCTETS_HEADER], 8);
    assert_int_equal(n[QF_OCTETS_CONFIGURATION], 5 + strlen(c->machine));
    assert_int_equal(n[QF_OCTETS_COMMANDS], 5);
    /* START 17, PART and END 5, footers 5; a checkpoint's END and EOF. */
    assert_int_equal(n[QF_OCTETS_SECTIONS], 17 + 2 * 5 + 3 * 5 + 5 * 11);
    assert_int_equal(n[QF_OCTETS_RAM],
                     c->sections[0].octets - 22 + c->sections[1].octets - 10 +
                     c->sections[2].octets - 10 + c->ram +
                     4 * c->ram_more - 5 * 11);
    assert_int_equal(n[QF_OCTETS_DEVICES],
                     c->precopy - end - c->description);
    assert_int_equal(n[QF_OCTETS_DESCRIPTION], c->description);
    assert_int_equal(n[QF_OCTETS_MESSAGES], 5 * 20);
    assert_int_equal(n[QF_OCTETS_BLOBS], 5 * c->state);
    assert_int_equal(n[QF_OCTETS_BACK], 64);
    assert_int_equal(sum_forward(&o->tally), c->size);
    assert_int_equal(o->tally.checkpoints, 5);
    assert_int_equal(o->tally.blocks, c->blocks[1].name ? 2 : 1);
    assert_int_equal(o->tally.pages.zero, c->sections[1].zero + 5 * c->zero);
    assert_int_equal(o->tally.pages.full, c->sections[1].full + c->full +
                     4 * c->full_more);
    assert_false(o->tally.return_path);
}

static void captures_are_followed_to_their_last_octet(void **state)
{
    static const size_t pieces[] = { WHOLE, 7, 1 };
    struct trace t;
    struct followed o;
    struct pair p;

    (void)state;
    for (size_t i = 0; i < NR(captures); i++) {
        load_pair(&p, captures[i].name, captures[i].precopy);
        assert_int_equal(p.forward.size, captures[i].size);
        for (size_t k = 0; k < NR(pieces); k++) {
            o = follow(&p, pieces[k], 0, &t);
            assert_int_equal(o.rc, 0);
            assert_capture(&captures[i], &t);
            assert_tally(&captures[i], &o);
            assert_false(o.forward.inside);
            assert_int_equal(o.forward.offset, p.forward.size);
            assert_int_equal(o.back.offset, 64);
        }
        pair_dispose(&p);
    }
}

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
        assert_memory_equal(split.events, whole.events,
                            whole.nr * sizeof(whole.events[0]));
        assert_memory_equal(split.names, whole.names, sizeof(whole.names));
        assert_memory_equal(&a.tally, &b.tally, sizeof(a.tally));
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

static void precopy_may_end_without_a_description(void **state)
{
    struct trace t;
    struct followed o;
    struct pair p;

    (void)state;
    load_pair(&p, "none-empty", 926);
    p.precopy -= 491;
    memmove(p.forward.data + p.precopy, p.forward.data + 926, 2036 - 926);
    p.forward.size -= 491;
    o = follow(&p, 1, 0, &t);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.octets[QF_OCTETS_DEVICES], 926 - 252 - 491);
    assert_int_equal(o.tally.octets[QF_OCTETS_DESCRIPTION], 0);
    assert_int_equal(sum_forward(&o.tally), p.forward.size);
    pair_dispose(&p);
}

/* EOF right behind RAM, with and without a description. */
static void precopy_may_have_no_devices(void **state)
{
    struct followed o;
    struct pair p;

    (void)state;
    load_pair(&p, "none-empty", 926);
    p.forward.size = 926;
    /* 434: EOF, 252: the first device. */
    memmove(p.forward.data + 252, p.forward.data + 434, 926 - 434);
    p.forward.size = p.precopy = 926 - (434 - 252);
    p.back.size = 4;
    o = follow(&p, WHOLE, 0, NULL);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.octets[QF_OCTETS_DEVICES], 1);
    assert_int_equal(o.tally.octets[QF_OCTETS_DESCRIPTION], 491);
    p.forward.size = p.precopy = 253;
    o = follow(&p, WHOLE, 0, NULL);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.octets[QF_OCTETS_DEVICES], 1);
    pair_dispose(&p);
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
        cmocka_unit_test(captures_are_followed_to_their_last_octet),
        cmocka_unit_test(everything_that_may_come_is_followed),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(cut_anywhere_is_incomplete_and_no_error),
        cmocka_unit_test(precopy_may_end_without_a_description),
        cmocka_unit_test(precopy_may_have_no_devices),
        cmocka_unit_test(position_is_told_in_words),
        cmocka_unit_test(position_says_what_is_missing),
        cmocka_unit_test(follower_takes_what_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
