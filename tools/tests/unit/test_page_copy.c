/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Every way of copying a page copies all of it and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ckpt.h"
#include "page_copy.h"

#define GUARD 64u

static void fill(uint8_t *p, size_t n, unsigned int seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
}

static void each_way_copies_one_page(void **state)
{
    static uint64_t room[(CKPT_PAGE_SIZE + 2 * GUARD) / 8];
    static uint64_t from[CKPT_PAGE_SIZE / 8], before[CKPT_PAGE_SIZE / 8];
    uint8_t *to = (uint8_t *)room + GUARD;
    const struct page_copy *w;

    (void)state;
    for (w = page_copy_ways; w->name; w++) {
        fill((uint8_t *)from, sizeof(from), 7);
        memcpy(before, from, sizeof(from));
        memset(room, 0xa5, sizeof(room));
        w->copy(to, from);
        assert_memory_equal(to, before, CKPT_PAGE_SIZE);
        assert_memory_equal(from, before, CKPT_PAGE_SIZE);
        for (size_t i = 0; i < GUARD; i++) {
            assert_int_equal(((uint8_t *)room)[i], 0xa5);
            assert_int_equal(to[CKPT_PAGE_SIZE + i], 0xa5);
        }
    }
}

static void the_best_is_one_of_them(void **state)
{
    const struct page_copy *best = page_copy_best(), *w = page_copy_ways;

    (void)state;
    while (w->name && w != best)
        w++;
    assert_non_null(w->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_copies_one_page),
        cmocka_unit_test(the_best_is_one_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
