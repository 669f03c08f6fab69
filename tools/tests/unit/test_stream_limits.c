/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What is just allowed in a stream: the largest lengths, counts and pfns.
 * That one more is refused is in test_stream_writer.c and
 * test_stream_rules.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader.h"
#include "test_stream_dsl.h"

#define XTAB ((uint64_t)WIRE_PAGE_XTAB << WIRE_ENTRY_SHIFT)

/* Refused, but by the full buffer: the writer itself lets it pass. */
#define assert_too_long_for_buffer(call) do {                       \
        struct err e_;                                              \
        struct err *e = &e_;                                        \
                                                                    \
        assert_int_equal(call, ERR_LIMIT);                          \
        assert_non_null(strstr(e->msg, "buffer limit"));            \
    } while (0)

static void writer_takes_the_longest_config(void **state)
{
    static char json[WIRE_XL_OPTIONAL_MAX - 5];
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    memset(json, ' ', sizeof(json));
    assert_int_equal(sr_put_xl_header(&b, json, sizeof(json), NULL), 0);
    assert_int_equal(b.size, WIRE_XL_HEADER_SIZE + WIRE_XL_OPTIONAL_MAX);
    buf_dispose(&b);
}

static void writer_takes_the_longest_bodies(void **state)
{
    static uint64_t pfns[WIRE_BODY_MAX / 8];    /* only read */
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    assert_too_long_for_buffer(sr_put_record(&b, 1, "", WIRE_BODY_MAX, e));
    assert_too_long_for_buffer(
        sr_put_emulator_context(&b, 2, "", WIRE_BODY_MAX - 8, e));
    assert_too_long_for_buffer(
        sr_put_emulator_xenstore(&b, 2, "", WIRE_BODY_MAX - 8, e));
    assert_too_long_for_buffer(
        sr_put_dirty_pfns(&b, pfns, WIRE_BODY_MAX / 8, e));
    assert_int_equal(sr_put_record_header(&b, 1, WIRE_BODY_MAX, NULL), 0);
    buf_dispose(&b);
}

static void writer_takes_the_longest_page_lists(void **state)
{
    static uint64_t entries[WIRE_PAGES_MAX];
    struct buf b;
    size_t i, data;

    (void)state;
    buf_init(&b, 0);
    for (i = 0; i < WIRE_PAGES_MAX; i++)
        entries[i] = XTAB | i;
    assert_int_equal(sr_put_page_entries_head(&b, entries, WIRE_PAGES_MAX,
                                              &data, NULL), 0);
    assert_int_equal(data, 0);
    buf_dispose(&b);
}

/* 8 + 8 * 32767 octets are 64 pages: with 32704 more it is full. */
static void writer_fills_a_page_record_to_its_last_octet(void **state)
{
    static uint64_t entries[WIRE_PAGES_MAX];
    struct buf b;
    size_t i, data;

    (void)state;
    buf_init(&b, 0);
    for (i = 0; i < WIRE_PAGES_MAX; i++)
        entries[i] = i < 32704 ? i : XTAB | i;
    assert_int_equal(sr_put_page_entries_head(&b, entries, 32767, &data,
                                              NULL), 0);
    assert_int_equal(get_le32(b.data + 4), WIRE_BODY_MAX);
    assert_int_equal(sr_put_page_entries_head(&b, entries, 32768, &data,
                                              NULL), ERR_BUG);
    buf_dispose(&b);
}

static void writer_refuses_the_first_pfn_that_is_too_large(void **state)
{
    const uint64_t last = WIRE_PFN_END - 1, next = WIRE_PFN_END;
    struct buf b;
    size_t data;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(sr_put_page_entries_head(&b, &last, 1, &data, NULL), 0);
    assert_int_equal(sr_put_page_entries_head(&b, &next, 1, &data, NULL),
                     ERR_BUG);
    buf_dispose(&b);
}

static void writer_takes_the_longest_list_of_zero_pages(void **state)
{
    static const uint64_t pfns[WIRE_ZERO_PAGES_MAX];
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(sr_put_zero_pages(&b, pfns, WIRE_ZERO_PAGES_MAX, NULL),
                     0);
    buf_dispose(&b);
}

static void zero_pages_decoder_takes_its_list_and_no_more(void **state)
{
    static const uint64_t last = WIRE_PFN_END - 1;
    uint64_t pfns[2] = { 0, 77 };
    struct buf b;
    size_t n;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(sr_put_zero_pages(&b, &last, 1, NULL), 0);
    assert_int_equal(buf_append(&b, "behind..", 8, NULL), 0);
    assert_int_equal(sr_get_zero_pages(b.data + 8, 16, pfns, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_true(pfns[0] == last);
    assert_int_equal(pfns[1], 77);
    buf_dispose(&b);
}

static void zero_pages_decoder_refuses_broken_rules(void **state)
{
    uint8_t body[16] = { 2 };
    uint64_t pfns[2];
    struct err e;
    size_t n;

    (void)state;
    assert_int_equal(sr_get_zero_pages(body, 16, pfns, &n, &e), ERR_FORMAT);
    assert_non_null(strstr(e.msg, "zero-pages-count"));
    put_le32(body, 1);
    put_le64(body + 8, WIRE_PFN_END);
    assert_int_equal(sr_get_zero_pages(body, 16, pfns, &n, &e), ERR_FORMAT);
    assert_non_null(strstr(e.msg, "zero-pages-pfn"));
}

static void writer_takes_the_shortest_and_the_longest_frame(void **state)
{
    static const uint8_t octets[WIRE_FRAME_MAX + 1];
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(sr_put_frame(&b, 0, octets, WIRE_FRAME_MIN - 1, NULL),
                     ERR_BUG);
    assert_int_equal(sr_put_frame(&b, 0, octets, WIRE_FRAME_MAX + 1, NULL),
                     ERR_BUG);
    assert_int_equal(b.size, 0);
    assert_int_equal(sr_put_frame(&b, 0, octets, WIRE_FRAME_MIN, NULL), 0);
    assert_int_equal(sr_put_frame(&b, 0, octets, WIRE_FRAME_MAX, NULL), 0);
    assert_int_equal(b.size, 8 + 24 + 8 + 65608);
    buf_dispose(&b);
}

static void frame_decoder_gives_back_what_was_put(void **state)
{
    static uint8_t octets[WIRE_FRAME_MAX];
    static const size_t sizes[] = { WIRE_FRAME_MIN, 61, WIRE_FRAME_MAX };
    const uint8_t *frame;
    struct buf b;
    uint32_t vif;
    size_t i, n;

    (void)state;
    for (i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(i * 7 + 1);
    buf_init(&b, 0);
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(sr_put_frame(&b, UINT32_MAX, octets, sizes[i],
                                      NULL), 0);
        assert_int_equal(sr_get_frame(b.data + 8, 8 + sizes[i], &vif, &frame,
                                      &n, NULL), 0);
        assert_true(vif == UINT32_MAX);
        assert_int_equal(n, sizes[i]);
        assert_ptr_equal(frame, b.data + 16);
        assert_memory_equal(frame, octets, n);
        buf_clear(&b);
    }
    buf_dispose(&b);
}

static void frame_decoder_refuses_lengths_and_broken_rules(void **state)
{
    static uint8_t body[WIRE_FRAME_MAX + 16];
    const uint8_t *frame;
    struct err e;
    uint32_t vif;
    size_t n;

    (void)state;
    assert_int_equal(sr_get_frame(body, 21, &vif, &frame, &n, &e),
                     ERR_FORMAT);
    assert_int_equal(sr_get_frame(body, 65609, &vif, &frame, &n, &e),
                     ERR_FORMAT);
    assert_non_null(strstr(e.msg, "FRAME: body of 65609 octets"));
    body[7] = 0x80;
    assert_int_equal(sr_get_frame(body, 22, &vif, &frame, &n, &e),
                     ERR_FORMAT);
    assert_non_null(strstr(e.msg, "frame-zero"));
}

/* The first item that reading @words makes, and the reader's code. */
static int first_item(enum sr_direction direction, const char *words,
                      struct sr_item *item)
{
    const uint8_t *data;
    struct sr_reader r;
    struct buf b;
    size_t size;
    int rc;

    buf_init(&b, 0);
    dsl_build(&b, words);
    data = b.data;
    size = b.size;
    sr_reader_init(&r, direction, WIRE_XL);
    rc = sr_reader_next(&r, &data, &size, item, NULL);
    buf_dispose(&b);
    return rc;
}

static void reader_takes_the_longest_optional_data(void **state)
{
    struct sr_item item;

    (void)state;
    assert_int_equal(first_item(SR_FORWARD, "xl@44=0,46=0x10", &item), 0);
    assert_int_equal(item.u.xl.optional_len, WIRE_XL_OPTIONAL_MAX);
}

static void reader_takes_the_longest_body(void **state)
{
    struct sr_item item;

    (void)state;
    assert_int_equal(first_item(SR_BACK, "opt@4=0,7=8", &item), 0);
    assert_int_equal(item.body_length, WIRE_BODY_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_takes_the_longest_config),
        cmocka_unit_test(writer_takes_the_longest_bodies),
        cmocka_unit_test(writer_takes_the_longest_page_lists),
        cmocka_unit_test(writer_fills_a_page_record_to_its_last_octet),
        cmocka_unit_test(writer_refuses_the_first_pfn_that_is_too_large),
        cmocka_unit_test(writer_takes_the_longest_list_of_zero_pages),
        cmocka_unit_test(zero_pages_decoder_takes_its_list_and_no_more),
        cmocka_unit_test(zero_pages_decoder_refuses_broken_rules),
        cmocka_unit_test(writer_takes_the_shortest_and_the_longest_frame),
        cmocka_unit_test(frame_decoder_gives_back_what_was_put),
        cmocka_unit_test(frame_decoder_refuses_lengths_and_broken_rules),
        cmocka_unit_test(reader_takes_the_longest_optional_data),
        cmocka_unit_test(reader_takes_the_longest_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
