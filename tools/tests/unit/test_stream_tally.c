/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the checker tells of a stream: its layer, guest, pages and epochs;
 * and streams that end before that is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checker.h"
#include "test_stream_dsl.h"

/* A checker that was fed @words, in pieces of @piece octets. */
static struct sr_checker *fed(const struct sr_checker_conf *conf,
                              const char *words, size_t piece)
{
    struct sr_checker *c = sr_checker_new(conf);
    struct buf b;
    size_t at, n;

    assert_non_null(c);
    buf_init(&b, 0);
    dsl_build(&b, words);
    for (at = 0; at < b.size; at += n) {
        n = b.size - at < piece ? b.size - at : piece;
        assert_int_equal(sr_checker_feed(c, b.data + at, n, NULL), 0);
    }
    assert_int_equal(sr_checker_tally(c).octets, b.size);
    buf_dispose(&b);
    return c;
}

static struct sr_tally tally_of(const struct sr_checker_conf *conf,
                                const char *words)
{
    struct sr_checker *c = fed(conf, words, 5);
    struct sr_tally t = sr_checker_tally(c);

    sr_checker_free(c);
    return t;
}

static void checker_recognizes_the_outermost_layer(void **state)
{
    static const struct sr_checker_conf conf;

    (void)state;
    assert_int_equal(tally_of(&conf, "xl libxl C").outermost, WIRE_XL);
    assert_int_equal(tally_of(&conf, "libxl C").outermost, WIRE_LIBXL);
    assert_int_equal(tally_of(&conf, "hvm sde").outermost, WIRE_LIBXC);
}

static void checker_tells_the_guest_type(void **state)
{
    static const struct sr_checker_conf conf;

    (void)state;
    assert_int_equal(tally_of(&conf, "libxl C").guest_type, 0);
    assert_int_equal(tally_of(&conf, DSL_PV " end").guest_type,
                     WIRE_GUEST_PV);
    assert_int_equal(tally_of(&conf, DSL_COLO).guest_type, WIRE_GUEST_HVM);
}

static void checker_counts_pages_and_epochs(void **state)
{
    static const struct sr_checker_conf conf;
    struct sr_tally t = tally_of(&conf, DSL_COLO);

    (void)state;
    assert_int_equal(t.pages, 8);    /* two records */
    assert_int_equal(t.epochs, 3);
    assert_true(t.checkpointed);
}

static void checker_counts_pages_that_are_zero(void **state)
{
    static const struct sr_checker_conf conf;
    struct sr_tally t = tally_of(&conf, "hvm sde zero page zero");

    (void)state;
    assert_int_equal(t.pages, 2 + 4 + 2);
    assert_false(t.checkpointed);
}

/* Words of the back channel have types that libxc has, too. */
static void checker_counts_no_pages_on_the_back_channel(void **state)
{
    static const struct sr_checker_conf conf = { .direction = SR_BACK };
    struct sr_tally t = tally_of(&conf, DSL_BACK_COLO);

    (void)state;
    assert_int_equal(t.outermost, WIRE_LIBXL);
    assert_int_equal(t.pages, 0);
    assert_false(t.checkpointed);
}

static void checker_tells_the_mode_once_it_shows(void **state)
{
    static const struct sr_checker_conf conf = { .mode = SR_MODE_COLO };
    static const struct sr_checker_conf any;
    struct sr_checker *c = sr_checker_new(&conf);

    (void)state;
    assert_non_null(c);
    assert_int_equal(sr_checker_mode(c), SR_MODE_COLO);
    sr_checker_free(c);
    c = fed(&any, DSL_HVM " end", 4096);
    assert_int_equal(sr_checker_mode(c), SR_MODE_PLAIN);
    sr_checker_free(c);
}

/* Fewer octets than tell the layer. */
static void checker_refuses_a_stub(void **state)
{
    static const struct sr_checker_conf conf;
    struct sr_checker *c = sr_checker_new(&conf);
    const char *note;
    struct err e;

    (void)state;
    assert_non_null(c);
    assert_int_equal(sr_checker_feed(c, (const uint8_t *)"Xen", 3, &e), 0);
    assert_null(sr_checker_fault(c));
    assert_int_equal(sr_checker_finish(c, false, &note, &e), ERR_FORMAT);
    assert_int_equal(sr_checker_fault(c)->id, SR_RULE_TRUNCATED);
    assert_int_equal(sr_checker_tally(c).octets, 3);
    sr_checker_free(c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(checker_recognizes_the_outermost_layer),
        cmocka_unit_test(checker_tells_the_guest_type),
        cmocka_unit_test(checker_counts_pages_and_epochs),
        cmocka_unit_test(checker_counts_pages_that_are_zero),
        cmocka_unit_test(checker_counts_no_pages_on_the_back_channel),
        cmocka_unit_test(checker_tells_the_mode_once_it_shows),
        cmocka_unit_test(checker_refuses_a_stub),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
