/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The checker: which way a stream goes, which layer is its outermost, and
 * what it counts. What a stream may hold is tested with the validator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checker.h"
#include "names.h"
#include "test_stream_dsl.h"

struct verdict {
    int rc;
    struct sr_fault fault;
    struct sr_tally tally;
    const char *note;
    struct err e;
};

/* Check @words, given in pieces of @piece octets. */
static struct verdict check(struct sr_checker_conf conf, const char *words,
                            size_t piece)
{
    struct sr_checker *c = sr_checker_new(&conf);
    struct verdict v = { 0 };
    size_t at, n;
    struct buf b;

    assert_non_null(c);
    buf_init(&b, 0);
    dsl_build(&b, words);
    for (at = 0; !v.rc && at < b.size; at += n) {
        n = b.size - at < piece ? b.size - at : piece;
        v.rc = sr_checker_feed(c, b.data + at, n, &v.e);
    }
    if (v.rc) {    /* final, whatever is asked next */
        assert_int_equal(sr_checker_feed(c, b.data, b.size, NULL), v.rc);
        assert_int_equal(sr_checker_finish(c, false, &v.note, NULL), v.rc);
    } else {
        v.rc = sr_checker_finish(c, false, &v.note, &v.e);
    }
    assert_int_equal(v.rc != 0, sr_checker_fault(c) != NULL);
    if (v.rc)
        v.fault = *sr_checker_fault(c);
    v.tally = sr_checker_tally(c);
    sr_checker_free(c);
    buf_dispose(&b);
    return v;
}

static void checker_refuses_the_other_direction(void **state)
{
    static const struct {
        enum sr_direction direction;
        enum sr_outermost outermost;
        enum wire_layer layer;
        const char *words, *looks;
    } cases[] = {
        { SR_FORWARD, SR_OUTER_AUTO, WIRE_XL, "ready", "a back channel" },
        { SR_FORWARD, SR_OUTER_XL, WIRE_XL, "state8", "a back channel" },
        { SR_FORWARD, SR_OUTER_LIBXL, WIRE_LIBXL, "hb ready",
          "a back channel" },
        { SR_FORWARD, SR_OUTER_LIBXC, WIRE_LIBXC, DSL_BACK_COLO,
          "a back channel" },
        { SR_BACK, SR_OUTER_AUTO, WIRE_LIBXL, "xl libxl",
          "a forward stream (xl)" },
        { SR_BACK, SR_OUTER_AUTO, WIRE_LIBXL, "libxl",
          "a forward stream (libxl)" },
        { SR_BACK, SR_OUTER_AUTO, WIRE_LIBXL, "hvm sde",
          "a forward stream (libxc)" },
    };
    struct verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t piece = 1; piece < 4096; piece = piece * 3 + 1) {
            v = check((struct sr_checker_conf) {
                .direction = cases[i].direction,
                .outermost = cases[i].outermost }, cases[i].words, piece);
            assert_int_equal(v.fault.id, SR_RULE_DIRECTION);
            assert_int_equal(v.fault.layer, cases[i].layer);
            assert_int_equal(v.fault.offset, 0);
            assert_int_equal(v.fault.record_number, 0);
            assert_non_null(strstr(v.fault.text, cases[i].looks));
            assert_non_null(strstr(v.e.msg, "stream-direction"));
        }
}

static void checker_takes_no_other_start_for_a_direction(void **state)
{
    static const struct {
        enum sr_direction direction;
        enum sr_rule rule;
        const char *words;
    } cases[] = {
        /* no length of CHECKPOINT_STATE, or of the optional record */
        { SR_FORWARD, SR_RULE_XL_MAGIC, "raw0 xl" },
        { SR_FORWARD, SR_RULE_XL_MAGIC, "raw12 xl" },
        { SR_FORWARD, SR_RULE_XL_MAGIC, "raw5 xl" },
        { SR_FORWARD, SR_RULE_XL_MAGIC, "hb@4=1 xl" },
        /* an optional record that nobody knows, and another record */
        { SR_FORWARD, SR_RULE_XL_MAGIC, "opt xl" },
        { SR_FORWARD, SR_RULE_XL_MAGIC, "ce xl" },
        { SR_FORWARD, SR_RULE_XL_MAGIC, "emu xl" },
        { SR_BACK, SR_RULE_BACK_RECORD, "ce xl" },
        /* seven octets say nothing */
        { SR_FORWARD, SR_RULE_TRUNCATED, "ready-9" },
        { SR_BACK, SR_RULE_TRUNCATED, "libxl-9" },
        { SR_BACK, SR_RULE_NONE, "" },
        { SR_FORWARD, SR_RULE_TRUNCATED, "" },
    };
    struct verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        v = check((struct sr_checker_conf) {
            .direction = cases[i].direction }, cases[i].words, 5);
        if (v.fault.id != cases[i].rule)
            fail_msg("%s: %s", cases[i].words, v.e.msg);
    }
}

static void checker_recognizes_the_outermost_layer(void **state)
{
    static const struct {
        enum wire_layer layer;
        const char *words;
    } cases[] = {
        { WIRE_XL, DSL_PLAIN_PVH }, { WIRE_LIBXL, "libxl C " DSL_HVM
                                      " end END" },
        { WIRE_LIBXC, DSL_HVM " end" },
    };
    struct verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t piece = 1; piece < 4096; piece = piece * 3 + 1) {
            v = check((struct sr_checker_conf) { 0 }, cases[i].words, piece);
            assert_int_equal(v.rc, 0);
            assert_int_equal(v.tally.outermost, cases[i].layer);
        }
}

static void checker_counts_records_without_content(void **state)
{
    struct verdict v;

    (void)state;
    v = check((struct sr_checker_conf) { 0 }, "hvm sde page tsc hctx "
              "par-32@4=8,8=0 end", 99);
    assert_int_equal(v.rc, 0);
    assert_int_equal(v.tally.empty, 1);
    v = check((struct sr_checker_conf) { 0 }, "pv info sde p2m page shared "
              "basic ext-8@4=8 xsave msrs-16@4=8 basic@8=1 ext@8=1 end", 99);
    assert_int_equal(v.rc, 0);
    assert_int_equal(v.tally.empty, 3);
    v = check((struct sr_checker_conf) { 0 }, DSL_PLAIN_HVM, 99);
    assert_int_equal(v.tally.empty, 0);
    assert_int_equal(v.tally.pages, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checker_refuses_the_other_direction),
        cmocka_unit_test(checker_takes_no_other_start_for_a_direction),
        cmocka_unit_test(checker_recognizes_the_outermost_layer),
        cmocka_unit_test(checker_counts_records_without_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
