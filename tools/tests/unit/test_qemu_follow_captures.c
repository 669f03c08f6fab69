/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower on real captures of QEMU pairs (corpus/qemu), octet for octet,
 * and on what is left of them without a description and without devices.
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
    size_t ram, state;     /* octets of the first checkpoint, of each */
    size_t ram_more;       /* of the others' RAM */
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

/* Plain migrations with other capabilities, with a READY behind them. */
static void precopy_is_followed_with_capabilities(void **state)
{
    static const struct {
        const char *name;
        size_t size, configuration, commands, devices, description;
        uint64_t zero, compressed;
    } precopies[] = {
        { "subsections", 1021, 101, 0, 183, 491, 16, 0 },
        { "no-description", 430, 9, 0, 183, 0, 16, 0 },
        { "compress", 1013, 9, 0, 183, 491, 14, 2 },
        { "return-path", 935, 9, 14, 183, 491, 16, 0 },
    };
    static uint8_t ready[4];

    (void)state;
    for (size_t i = 0; i < NR(precopies); i++) {
        struct pair p = { .back = { .data = ready, .size = 4 } };
        struct followed o;

        load(&p.forward, "precopy", precopies[i].name);
        p.precopy = p.forward.size;
        assert_int_equal(p.precopy, precopies[i].size);
        o = follow(&p, 1, 0, NULL);
        assert_int_equal(o.rc, 0);
        assert_int_equal(o.tally.octets[QF_OCTETS_CONFIGURATION],
                         precopies[i].configuration);
        assert_int_equal(o.tally.octets[QF_OCTETS_COMMANDS],
                         precopies[i].commands);
        assert_int_equal(o.tally.octets[QF_OCTETS_DEVICES],
                         precopies[i].devices);
        assert_int_equal(o.tally.octets[QF_OCTETS_DESCRIPTION],
                         precopies[i].description);
        assert_int_equal(sum_forward(&o.tally), p.precopy);
        assert_int_equal(o.tally.pages.zero, precopies[i].zero);
        assert_int_equal(o.tally.pages.compressed, precopies[i].compressed);
        assert_int_equal(o.tally.return_path, precopies[i].commands > 0);
        buf_dispose(&p.forward);
    }
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures_are_followed_to_their_last_octet),
        cmocka_unit_test(precopy_is_followed_with_capabilities),
        cmocka_unit_test(precopy_may_end_without_a_description),
        cmocka_unit_test(precopy_may_have_no_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
