/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Digests of pages that were sent, by number: what is known, whose turn it is,
 * when all had theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ckpt.h"
#include "verify.h"

#define ZERO_DIGEST 0x93d76fe148c689baull

static uint8_t page[CKPT_PAGE_SIZE];

static void send_page(struct verify *v, uint64_t pfn, uint8_t octet,
                      uint64_t epoch)
{
    memset(page, octet, sizeof(page));
    assert_int_equal(verify_sent(v, pfn, page, epoch, NULL), 0);
}

/* So that both sides mean the same, also of another version. */
static void a_digest_is_xxh3_of_64_bits(void **state)
{
    (void)state;
    memset(page, 0, sizeof(page));
    assert_true(verify_digest(page) == ZERO_DIGEST);
    page[4095] = 1;
    assert_true(verify_digest(page) != ZERO_DIGEST);
}

static void what_was_sent_last_is_known(void **state)
{
    struct verify v = { 0 };

    (void)state;
    assert_int_equal(verify_epoch(&v, 7), 0);
    send_page(&v, 7, 1, 1);
    send_page(&v, 7, 2, 5);
    assert_int_equal(verify_epoch(&v, 7), 5);
    assert_true(verify_known(&v, 7) == verify_digest(page));
    assert_int_equal(verify_epoch(&v, 6), 0);
    assert_int_equal(v.pages, 1);
    verify_dispose(&v);
}

static void all_pages_have_their_turn_and_again(void **state)
{
    static const uint64_t pfns[] = { 0, 1, 511, 512, 1u << 20, (1u << 20) + 9,
                                     VERIFY_PFN_END - 1 };
    struct verify v = { 0 };
    uint64_t got[3];
    size_t n;

    (void)state;
    for (size_t i = sizeof(pfns) / sizeof(pfns[0]); i-- > 0;)
        send_page(&v, pfns[i], (uint8_t)i, 1);
    for (int pass = 0; pass < 2; pass++) {
        assert_false(verify_next(&v, got, 3, &n));
        assert_int_equal(n, 3);
        assert_memory_equal(got, pfns, sizeof(got));
        assert_false(verify_next(&v, got, 3, &n));
        assert_memory_equal(got, pfns + 3, sizeof(got));
        assert_true(verify_next(&v, got, 3, &n));
        assert_int_equal(n, 1);
        assert_true(got[0] == pfns[6]);
    }
    verify_dispose(&v);
}

static void where_nothing_was_sent_a_pass_is_over(void **state)
{
    struct verify v = { 0 };
    uint64_t got[3];
    size_t n = 9;

    (void)state;
    assert_true(verify_next(&v, got, 3, &n));
    assert_int_equal(n, 0);
    verify_dispose(&v);
}

static void a_page_too_high_is_refused(void **state)
{
    struct verify v = { 0 };
    struct err e;

    (void)state;
    assert_int_equal(verify_sent(&v, VERIFY_PFN_END, page, 1, &e), ERR_LIMIT);
    assert_non_null(strstr(e.msg, "0x10000000"));
    verify_dispose(&v);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_xxh3_of_64_bits),
        cmocka_unit_test(what_was_sent_last_is_known),
        cmocka_unit_test(all_pages_have_their_turn_and_again),
        cmocka_unit_test(where_nothing_was_sent_a_pass_is_over),
        cmocka_unit_test(a_page_too_high_is_refused),
    };

    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
