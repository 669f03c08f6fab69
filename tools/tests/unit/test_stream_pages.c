/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The PAGE_DATA decoder: the list, its duplicates, and spans of page data.
 * Which rules fire on broken lists is in test_stream_rules.c, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pages.h"
#include "test_stream_dsl.h"

#define XTAB ((uint64_t)WIRE_PAGE_XTAB << WIRE_ENTRY_SHIFT)

static struct sr_pages pages;

/* Feed a body in two parts; page data is gathered in @data_r. */
static int decode(const uint8_t *body, size_t size, size_t split,
                  uint8_t *data_r, size_t *data_size_r, struct err *e)
{
    struct sr_pages_item item;
    const uint8_t *at = body;
    size_t left = split, lists = 0;
    int rc, part;

    *data_size_r = 0;
    for (part = 0; part < 2; part++) {
        do {
            rc = sr_pages_next(&pages, &at, &left, &item, e);
            if (rc)
                return rc;
            lists += item.kind == SR_PAGES_LIST;
            if (item.kind != SR_PAGES_SPAN)
                continue;
            assert_int_equal(lists, 1);
            assert_int_equal(item.in_page, *data_size_r % WIRE_PAGE_SIZE);
            assert_true(item.in_page + item.size <= WIRE_PAGE_SIZE);
            assert_int_equal(item.pfn, sr_pages_pfn(&pages, item.index));
            memcpy(data_r + *data_size_r, item.data, item.size);
            *data_size_r += item.size;
        } while (item.kind != SR_PAGES_NEED_MORE);
        assert_int_equal(left, 0);
        left = size - split;
    }
    return 0;
}

static void pages_hands_out_the_list_then_spans(void **state)
{
    struct sr_pages_item item;
    const uint8_t *at;
    struct buf b;
    size_t left;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, "page");
    at = b.data + 8;
    left = b.size - 8;
    sr_pages_begin(&pages, (uint32_t)left, true);
    assert_int_equal(sr_pages_next(&pages, &at, &left, &item, NULL), 0);
    assert_int_equal(item.kind, SR_PAGES_LIST);
    assert_int_equal(pages.count, 4);
    assert_int_equal(pages.data_count, 3);
    assert_int_equal(sr_pages_pfn(&pages, 1), 6);
    assert_int_equal(sr_pages_type(&pages, 1), WIRE_PAGE_XTAB);
    assert_false(sr_pages_complete(&pages));
    assert_int_equal(sr_pages_next(&pages, &at, &left, &item, NULL), 0);
    assert_int_equal(item.kind, SR_PAGES_SPAN);
    assert_int_equal(item.pfn, 5);
    assert_int_equal(item.size, WIRE_PAGE_SIZE);
    assert_ptr_equal(item.data, b.data + 8 + 8 + 32);
    assert_int_equal(sr_pages_next(&pages, &at, &left, &item, NULL), 0);
    assert_int_equal(item.index, 2);
    assert_int_equal(item.pfn, 7);
    assert_int_equal(item.page_type, WIRE_PAGE_NOTAB);
    buf_dispose(&b);
}

static void pages_doesnt_care_where_buffers_end(void **state)
{
    static uint8_t data[4 * WIRE_PAGE_SIZE];
    struct buf b;
    size_t split, n;

    (void)state;
    buf_init(&b, 0);
    dsl_build(&b, "page");
    for (split = 0; split <= b.size - 8; split++) {
        sr_pages_begin(&pages, (uint32_t)b.size - 8, true);
        assert_int_equal(decode(b.data + 8, b.size - 8, split, data, &n,
                                NULL), 0);
        assert_true(sr_pages_complete(&pages));
        assert_int_equal(n, 3 * WIRE_PAGE_SIZE);
        assert_memory_equal(data, b.data + 8 + 8 + 32, n);
    }
    buf_dispose(&b);
}

/* A record of @count entries without data, made by @entry. */
static int decode_list(uint32_t count, uint64_t (*entry)(uint32_t),
                       struct err *e)
{
    static uint8_t body[8 + 8 * SR_PFNS_MAX];
    uint8_t data[1];
    uint32_t i;
    size_t n;

    put_le32(body, count);
    put_le32(body + 4, 0);
    for (i = 0; i < count; i++)
        put_le64(body + 8 + 8 * i, XTAB | entry(i));
    sr_pages_begin(&pages, 8 + 8 * count, true);
    return decode(body, 8 + 8 * count, 4, data, &n, e);
}

static uint64_t ascending(uint32_t i) { return i; }
static uint64_t descending(uint32_t i) { return WIRE_PFN_END - 1 - i; }
static uint64_t scattered(uint32_t i)
{
    return (i * 0x9e3779b97f4a7c15ull) % 1099511627689ull;    /* a prime */
}
static uint64_t twice(uint32_t i)
{
    return scattered(i == SR_PFNS_MAX - 1 ? 17 : i);
}
static uint64_t neighbours(uint32_t i) { return 1000 - i / 2; }

static void pages_takes_the_largest_list(void **state)
{
    (void)state;
    assert_int_equal(decode_list(SR_PFNS_MAX, ascending, NULL), 0);
    assert_true(sr_pages_complete(&pages));
    assert_int_equal(pages.data_count, 0);
}

static void pages_takes_lists_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(decode_list(SR_PFNS_MAX, descending, NULL), 0);
    assert_int_equal(decode_list(SR_PFNS_MAX, scattered, NULL), 0);
    assert_int_equal(decode_list(1, scattered, NULL), 0);
}

static void pages_finds_a_duplicate_anywhere(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(decode_list(SR_PFNS_MAX, twice, &e), ERR_FORMAT);
    assert_int_equal(pages.rule, SR_RULE_PAGES_TWICE);
    assert_int_equal(decode_list(2, neighbours, &e), ERR_FORMAT);
    assert_int_equal(pages.rule, SR_RULE_PAGES_TWICE);
}

/* What a longer list before left behind it isn't looked at. */
static void pages_takes_one_pfn_after_a_long_list(void **state)
{
    (void)state;
    assert_int_equal(decode_list(SR_PFNS_MAX, ascending, NULL), 0);
    assert_int_equal(decode_list(1, ascending, NULL), 0);
    assert_true(sr_pages_complete(&pages));
}

static void pages_failure_is_final(void **state)
{
    const uint8_t zero[8] = { 0 };
    const uint8_t *at = zero;
    struct sr_pages_item item;
    size_t left = 8;
    struct err e;

    (void)state;
    sr_pages_begin(&pages, 4112, false);
    assert_int_equal(sr_pages_next(&pages, &at, &left, &item, &e),
                     ERR_FORMAT);
    assert_int_equal(sr_pages_next(&pages, &at, &left, &item, &e),
                     ERR_FORMAT);
    assert_int_equal(pages.rule, SR_RULE_PAGES_EMPTY);
}

static void pages_refuses_a_count_past_the_limit(void **state)
{
    uint8_t head[8] = { 1, 0x80 };
    const uint8_t *at = head;
    struct sr_pages_item item;
    size_t left = 8;
    struct err e;

    (void)state;
    sr_pages_begin(&pages, WIRE_BODY_MAX, false);
    assert_int_equal(sr_pages_next(&pages, &at, &left, &item, &e),
                     ERR_LIMIT);
    assert_int_equal(pages.rule, SR_RULE_PAGES_LIMIT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_hands_out_the_list_then_spans),
        cmocka_unit_test(pages_doesnt_care_where_buffers_end),
        cmocka_unit_test(pages_takes_the_largest_list),
        cmocka_unit_test(pages_takes_lists_in_any_order),
        cmocka_unit_test(pages_finds_a_duplicate_anywhere),
        cmocka_unit_test(pages_takes_one_pfn_after_a_long_list),
        cmocka_unit_test(pages_failure_is_final),
        cmocka_unit_test(pages_refuses_a_count_past_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
