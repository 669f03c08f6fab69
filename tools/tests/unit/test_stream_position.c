/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The reader's position: which layer a record belongs to, and what it says
 * about a stream that ends early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader.h"
#include "test_stream_dsl.h"

/* The layer of the last record begun in @words. */
static enum wire_layer last_layer(enum sr_direction direction,
                                  enum wire_layer first, const char *words)
{
    enum wire_layer layer = WIRE_XL;
    const uint8_t *data;
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    size_t size;

    buf_init(&b, 0);
    dsl_build(&b, words);
    data = b.data;
    size = b.size;
    sr_reader_init(&r, direction, first);
    do {
        assert_int_equal(sr_reader_next(&r, &data, &size, &item, NULL), 0);
        if (item.kind == SR_RECORD)
            layer = item.layer;
    } while (item.kind != SR_NEED_MORE);
    buf_dispose(&b);
    return layer;
}

static void reader_follows_the_position(void **state)
{
    static const struct {
        enum sr_direction direction;
        enum wire_layer first, layer;
        const char *words;
    } cases[] = {
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXL, "libxl hb" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXC, "libxl C hvm hb" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXC, "libxl C hvm opt sde" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXL, "libxl C hvm cp ce" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXL, "libxl C hvm cp ce hb" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXC, "libxl C hvm cp ce hb page" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXL, "libxl C hvm cp ce new" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXC, "libxl C hvm cp ce new page" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXL,
          "libxl C hvm cp ce new page cp emu" },
        { SR_FORWARD, WIRE_LIBXL, WIRE_LIBXL, "libxl C pv cp ce new" },
        { SR_FORWARD, WIRE_LIBXC, WIRE_LIBXC, "pv cp ext" },
        { SR_FORWARD, WIRE_LIBXC, WIRE_LIBXC, "hvm cp page" },
        { SR_BACK, WIRE_LIBXL, WIRE_LIBXC, "susp dirty" },
        { SR_BACK, WIRE_LIBXL, WIRE_LIBXL, "susp hb" },
        { SR_BACK, WIRE_LIBXL, WIRE_LIBXL, "susp dirty ready" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(last_layer(cases[i].direction, cases[i].first,
                                    cases[i].words), cases[i].layer);
}

static struct sr_cut cut_of(enum sr_direction direction, const char *words)
{
    const uint8_t *data;
    struct sr_item item;
    struct sr_reader r;
    struct buf b;
    size_t size;

    buf_init(&b, 0);
    dsl_build(&b, words);
    data = b.data;
    size = b.size;
    sr_reader_init(&r, direction, WIRE_LIBXL);
    do {
        assert_int_equal(sr_reader_next(&r, &data, &size, &item, NULL), 0);
    } while (item.kind != SR_NEED_MORE);
    buf_dispose(&b);
    return sr_reader_eof(&r);
}

static void reader_tells_where_a_stream_was_cut(void **state)
{
#define F SR_FORWARD
    static const struct {
        enum sr_direction direction;
        const char *words;
        enum sr_cut_at at;
        bool checkpointed, open;
        unsigned epochs;
    } cases[] = {
        { F, "", SR_CUT_INSIDE, false, false, 0 },
        { F, "libxl", SR_CUT_BETWEEN, false, false, 0 },
        { F, "libxl hb", SR_CUT_BETWEEN, false, false, 0 },
        { F, "libxl C", SR_CUT_INSIDE, false, true, 0 },
        { F, "libxl C hvm", SR_CUT_BETWEEN, false, true, 0 },
        { F, "libxl C hvm page-1", SR_CUT_INSIDE, false, true, 0 },
        { F, "libxl C hvm cp", SR_CUT_BETWEEN, true, true, 0 },
        { F, "libxl C hvm cp ce", SR_CUT_BETWEEN, true, false, 1 },
        { F, "libxl C hvm cp ce hb", SR_CUT_BETWEEN, true, false, 1 },
        { F, "libxl C hvm cp ce hb-1", SR_CUT_INSIDE, true, false, 1 },
        { F, "libxl C hvm cp ce rel-1", SR_CUT_INSIDE, true, false, 1 },
        { F, "libxl C hvm cp ce new", SR_CUT_BETWEEN, true, true, 1 },
        { F, "libxl C hvm cp ce page", SR_CUT_BETWEEN, true, true, 1 },
        { F, "libxl C hvm cp ce cp ce", SR_CUT_BETWEEN, true, false, 2 },
        /* junk, as the validator will say: no epoch was completed */
        { F, "libxl C hvm end ce", SR_CUT_BETWEEN, false, true, 0 },
        { SR_BACK, "ce", SR_CUT_BETWEEN, true, false, 0 },
        { F, "libxl C hvm end END", SR_CUT_END, false, true, 0 },
        { SR_BACK, "", SR_CUT_BETWEEN, true, false, 0 },
        { SR_BACK, "ready resumed", SR_CUT_BETWEEN, true, false, 1 },
        { SR_BACK, "ready resumed susp", SR_CUT_BETWEEN, true, true, 1 },
        { SR_BACK, "ready susp dirty ready", SR_CUT_BETWEEN, true, false,
          2 },
    };
    struct sr_cut cut;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cut = cut_of(cases[i].direction, cases[i].words);
        assert_int_equal(cut.at, cases[i].at);
        assert_int_equal(cut.checkpointed, cases[i].checkpointed);
        assert_int_equal(cut.epoch_open, cases[i].open);
        assert_int_equal(cut.epochs, cases[i].epochs);
    }
    cut = cut_of(F, "libxl C hvm sde-3");
    assert_int_equal(cut.where.offset, 64);
    assert_int_equal(cut.where.layer, WIRE_LIBXC);
#undef F
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_follows_the_position),
        cmocka_unit_test(reader_tells_where_a_stream_was_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
