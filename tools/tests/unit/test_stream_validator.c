/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The validator on good streams, whole and cut: written, read and accepted,
 * in every mode and direction. What it refuses is in test_stream_rules.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_stream_dsl.h"
#include "validator.h"

struct good {
    enum sr_direction direction;
    enum wire_layer first;
    enum sr_mode mode, found;
    const char *words;
};

#define F SR_FORWARD, WIRE_XL
#define X SR_FORWARD, WIRE_LIBXC
#define B SR_BACK, WIRE_LIBXL
#define AUTO SR_MODE_AUTO
#define PLAIN SR_MODE_PLAIN
#define REMUS SR_MODE_REMUS
#define COLO SR_MODE_COLO
#define C_HVM "xl libxl C " DSL_HVM " "

static const struct good goods[] = {
    { F, AUTO, PLAIN, DSL_PLAIN_HVM }, { F, PLAIN, PLAIN, DSL_PLAIN_HVM },
    { F, AUTO, PLAIN, DSL_PLAIN_PVH }, { F, PLAIN, PLAIN, DSL_PLAIN_PVH },
    { F, AUTO, PLAIN, DSL_PLAIN_PV }, { F, PLAIN, PLAIN, DSL_PLAIN_PV },
    { F, AUTO, REMUS, DSL_REMUS_PVH }, { F, REMUS, REMUS, DSL_REMUS_PVH },
    { F, AUTO, REMUS, DSL_REMUS_PV }, { F, REMUS, REMUS, DSL_REMUS_PV },
    { F, AUTO, COLO, DSL_COLO }, { F, COLO, COLO, DSL_COLO },
    { B, AUTO, COLO, DSL_BACK_COLO }, { B, COLO, COLO, DSL_BACK_COLO },
    { B, AUTO, REMUS, DSL_BACK_REMUS }, { B, REMUS, REMUS, DSL_BACK_REMUS },
    { X, AUTO, PLAIN, DSL_HVM " end" }, { X, AUTO, PLAIN, DSL_PV " end" },
    { X, AUTO, AUTO, DSL_HVM " cp page " DSL_TAIL_HVM " cp" },
    { X, COLO, COLO, DSL_HVM " cp page " DSL_TAIL_HVM " cp" },
    /* the other order, as the public specification has it */
    { X, AUTO, PLAIN, DSL_STATIC_HVM " page tsc par hctx end" },
    { X, AUTO, PLAIN, "hvm msr cpuid sde page tsc hctx par end" },
    { X, AUTO, PLAIN, "hvm sde page page tsc hctx par-32@4=8,8=0 end" },
    /* version 2 has no STATIC_DATA_END */
    { X, AUTO, PLAIN, "hvm@15=2 page tsc hctx par end" },
    { X, AUTO, PLAIN, "hvm@15=2 cpuid page tsc hctx par end" },
    { X, AUTO, PLAIN, "pv@15=2 info p2m page " DSL_TAIL_PV " end" },
    /* debug: every page again */
    { X, AUTO, PLAIN, "hvm sde page verify page tsc hctx par end" },
    /* 32-bit PV: 1024 entries a frame; page tables; a vCPU without MSRs */
    { X, AUTO, PLAIN, "pv info@8=4,9=3 sde p2m@13=7 l4page tsc shared basic "
      "ext basic@8=9 xsave@8=9 end" },
    /* PV without X86_TSC_INFO */
    { X, AUTO, PLAIN, "pv info sde p2m page shared basic end" },
    /* an epoch without dirty pages */
    { F, AUTO, REMUS, C_HVM "cp ce " DSL_TAIL_HVM " cp ce" },
    /* two words in CHECKPOINT_STATE */
    { F, COLO, COLO, C_HVM "cp ce state8 page" },
    { B, AUTO, COLO, "ready state8@8=3 susp dirty0 ready" },
    /* legacy-converted; optional flags of xl; surplus behind the config */
    { F, AUTO, PLAIN, "xl@40=9 libxl@15=2 C " DSL_HVM " end END" },
    { F, AUTO, PLAIN, "xl+2@44=20 libxl C " DSL_HVM " end END" },
    { F, AUTO, PLAIN, "xl-18@44=0 libxl C " DSL_HVM " end END" },
    { F, AUTO, PLAIN, "xl@36=2,55=0 libxl C " DSL_HVM " end END" },
    /* optional records at every boundary */
    { F, AUTO, COLO, "xl libxl opt hb hello peer C hvm opt cpuid hb msr opt "
      "sde hb page opt page opt tsc hb hctx hb par hb cp opt xs hb emu hb ce "
      "hb new opt page tsc hctx par cp hb ce opt rel hb gone opt" },
    { F, PLAIN, PLAIN, C_HVM "end hb emu opt END" },
    /* pages that are zero, wherever pages may be */
    { F, AUTO, COLO, "xl libxl C hvm sde zero page zero tsc hctx par cp ce "
      "zero new zero page zero tsc hctx par cp ce zero" },
    /* frames at every boundary of either layer, after the first epoch */
    { F, COLO, COLO, C_HVM "cp xs ce frame new frame page frame tsc frame "
      "hctx frame par frame cp frame xs frame emu frame ce frame rel frame" },
    { F, AUTO, COLO, C_HVM "cp ce frame new page" },
    { F, AUTO, COLO, C_HVM "cp ce new frame page" },
    { X, AUTO, COLO, DSL_HVM " cp frame page frame" },
    { B, COLO, COLO, "ready frame resumed frame susp frame dirty frame "
      "ready frame resumed frame gone frame" },
    { B, AUTO, COLO, "ready frame" },
    { B, AUTO, COLO, "ready hb frame resumed susp dirty0 ready resumed" },
    { F, AUTO, AUTO, "xl libxl C hvm rel" },
    { F, REMUS, REMUS, "xl libxl hb" },
};
#define GOOD_NR (sizeof(goods) / sizeof(goods[0]))

/* Read @size octets in pieces of @piece; 0 or the code of the failure. */
static int read_all(struct sr_validator *v, struct sr_reader *r,
                    const uint8_t *data, size_t size, size_t piece,
                    struct err *e)
{
    struct sr_item item;
    size_t left;
    int rc;

    while (size) {
        left = size < piece ? size : piece;
        size -= left;
        do {
            rc = sr_reader_next(r, &data, &left, &item, e);
            if (rc == 0)
                rc = sr_validator_item(v, &item, e);
            if (rc)
                return rc;
        } while (item.kind != SR_NEED_MORE);
    }
    return 0;
}

/* Is the stream accepted, cut to @size octets? */
static int accept(const struct good *g, const struct buf *b, size_t size,
                  size_t piece, enum sr_mode *found_r, struct sr_cut *cut_r,
                  const char **note_r, struct err *e)
{
    struct sr_validator *v = sr_validator_new(g->direction, g->first,
                                              g->mode);
    struct sr_reader r;
    int rc;

    assert_non_null(v);
    sr_reader_init(&r, g->direction, g->first);
    rc = read_all(v, &r, b->data, size, piece, e);
    if (rc == 0)
        rc = sr_validator_finish(v, &r, false, note_r, e);
    *cut_r = sr_reader_eof(&r);
    *found_r = sr_validator_mode(v);
    assert_true((rc == 0) == (sr_validator_fault(v) == NULL));
    sr_validator_free(v);
    return rc;
}

static void validator_accepts_good_streams(void **state)
{
    static const size_t pieces[] = { 1, 7, 64, 4096, 1 << 20 };
    enum sr_mode found;
    struct sr_cut cut;
    struct buf b;
    struct err e;
    const char *note;
    size_t i, p;

    (void)state;
    for (i = 0; i < GOOD_NR; i++) {
        buf_init(&b, 0);
        dsl_build(&b, goods[i].words);
        for (p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
            err_clear(&e);
            if (accept(&goods[i], &b, b.size, pieces[p], &found, &cut,
                       &note, &e))
                fail_msg("%s: %s", goods[i].words, e.msg);
            assert_int_equal(found, goods[i].found);
        }
        buf_dispose(&b);
    }
}

/* Every prefix: accepted only where a dead primary may leave it. */
static void cut_everywhere(const struct good *g)
{
    enum sr_mode found;
    const char *note;
    struct sr_cut cut;
    struct buf b;
    struct err e;
    size_t size;
    bool legal;
    int rc;

    buf_init(&b, 0);
    dsl_build(&b, g->words);
    for (size = 0; size < b.size; size++) {
        note = NULL;
        rc = accept(g, &b, size, 1 << 20, &found, &cut, &note, &e);
        legal = cut.at == SR_CUT_BETWEEN &&
                (cut.checkpointed || g->mode == REMUS || g->mode == COLO);
        if ((rc == 0) != legal)
            fail_msg("%s cut to %zu: %s", g->words, size,
                     rc ? e.msg : "accepted");
        if (rc == 0)
            assert_int_equal(note != NULL, g->direction == SR_FORWARD);
        else
            assert_non_null(strstr(e.msg, "stream-truncated"));
    }
    buf_dispose(&b);
}

static void validator_accepts_cuts_between_records_only(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < 15; i++)    /* not those with RELEASE */
        cut_everywhere(&goods[i]);
}

static enum sr_mode accepted(const struct good *g, const char **note_r)
{
    enum sr_mode found;
    struct sr_cut cut;
    struct buf b;
    struct err e;

    *note_r = NULL;
    buf_init(&b, 0);
    dsl_build(&b, g->words);
    assert_int_equal(accept(g, &b, b.size, 99, &found, &cut, note_r, &e), 0);
    buf_dispose(&b);
    return found;
}

static enum sr_mode mode_after(const char *words)
{
    const struct good g = { SR_BACK, WIRE_LIBXL, AUTO, AUTO, words };
    const char *note;

    return accepted(&g, &note);
}

static void back_channel_shows_its_mode_in_the_second_word(void **state)
{
    (void)state;
    assert_int_equal(mode_after("ready"), AUTO);
    assert_int_equal(mode_after("ready ready"), REMUS);
    assert_int_equal(mode_after("ready resumed"), COLO);
}

static void frame_shows_that_the_mode_is_colo(void **state)
{
    struct good g = { F, AUTO, AUTO, C_HVM "cp ce" };
    const char *note;

    (void)state;
    assert_int_equal(accepted(&g, &note), AUTO);
    g.words = C_HVM "cp ce frame";
    assert_int_equal(accepted(&g, &note), COLO);
    assert_int_equal(mode_after("ready frame"), COLO);
}

/* Its type follows those that are known: no table holds it. */
static void validator_accepts_the_first_unknown_optional_record(void **state)
{
    struct sr_validator *v = sr_validator_new(SR_FORWARD, WIRE_LIBXL, AUTO);
    struct sr_reader r;
    struct buf b;
    struct err e;

    (void)state;
    assert_non_null(v);
    buf_init(&b, 0);
    dsl_build(&b, "libxl");
    assert_int_equal(sr_put_record(&b, WIRE_OPT_PAGE_DIGESTS + 1, "?", 1, &e),
                     0);
    sr_reader_init(&r, SR_FORWARD, WIRE_LIBXL);
    assert_int_equal(read_all(v, &r, b.data, b.size, 99, &e), 0);
    sr_validator_free(v);
    buf_dispose(&b);
}

static const char *note_for(const char *words)
{
    const struct good g = { SR_FORWARD, WIRE_LIBXL, REMUS, REMUS, words };
    const char *note;

    accepted(&g, &note);
    return note;
}

static void validator_notes_what_a_cut_leaves(void **state)
{
    (void)state;
    assert_non_null(strstr(note_for("libxl C hvm"), "first checkpoint"));
    assert_non_null(strstr(note_for("libxl C " DSL_HVM " cp ce hb"),
                           "right after a complete"));
    assert_non_null(strstr(note_for("libxl C " DSL_HVM " cp ce page"),
                           "inside an epoch"));
    assert_null(note_for("libxl C " DSL_HVM " cp ce page rel"));
}

static void validator_failure_is_final(void **state)
{
    struct sr_validator *v = sr_validator_new(SR_FORWARD, WIRE_LIBXL, AUTO);
    struct sr_item more = { .kind = SR_NEED_MORE };
    const char *note;
    struct sr_reader r;
    struct buf b;
    struct err e;

    (void)state;
    assert_non_null(v);
    buf_init(&b, 0);
    dsl_build(&b, "libxl emu");
    sr_reader_init(&r, SR_FORWARD, WIRE_LIBXL);
    assert_null(sr_validator_fault(v));
    assert_int_equal(read_all(v, &r, b.data, b.size, 99, &e), ERR_FORMAT);
    err_clear(&e);
    assert_int_equal(sr_validator_item(v, &more, &e), ERR_FORMAT);
    assert_non_null(strstr(e.msg, "libxl-context-first"));
    assert_int_equal(sr_validator_finish(v, &r, false, &note, &e),
                     ERR_FORMAT);
    assert_non_null(strstr(e.msg, "libxl-context-first"));
    sr_validator_free(v);
    sr_validator_free(NULL);
    buf_dispose(&b);
}

/* A place is judged at SR_RECORD, before a receiver takes any body. */
static void validator_refuses_a_place_before_the_body(void **state)
{
    struct sr_validator *v = sr_validator_new(SR_FORWARD, WIRE_LIBXC, AUTO);
    struct sr_reader r;
    struct buf b;
    struct err e;

    (void)state;
    assert_non_null(v);
    buf_init(&b, 0);
    dsl_build(&b, "hvm hctx");
    sr_reader_init(&r, SR_FORWARD, WIRE_LIBXC);
    assert_int_equal(read_all(v, &r, b.data, 48, 99, &e), ERR_FORMAT);
    assert_int_equal(sr_reader_offset(&r), 48);
    sr_validator_free(v);
    buf_dispose(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(validator_accepts_good_streams),
        cmocka_unit_test(validator_accepts_cuts_between_records_only),
        cmocka_unit_test(back_channel_shows_its_mode_in_the_second_word),
        cmocka_unit_test(frame_shows_that_the_mode_is_colo),
        cmocka_unit_test(validator_accepts_the_first_unknown_optional_record),
        cmocka_unit_test(validator_notes_what_a_cut_leaves),
        cmocka_unit_test(validator_failure_is_final),
        cmocka_unit_test(validator_refuses_a_place_before_the_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
