/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The order in which what is queued goes out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outq.h"

static void put(struct outq *q, const char *text, bool urgent)
{
    struct buf b = { 0 };
    struct err e;

    assert_int_equal(buf_append(&b, text, strlen(text), &e), 0);
    assert_int_equal((urgent ? outq_put_urgent : outq_put)(q, &b, &e), 0);
    assert_int_equal(b.size, 0);
}

static void assert_out(struct outq *q, const char *text)
{
    char out[64] = "";
    struct iovec iov[8];
    size_t used = 0;

    while (!outq_empty(q)) {
        int n = outq_peek(q, iov, 8);

        for (int i = 0; i < n; i++) {
            memcpy(out + used, iov[i].iov_base, iov[i].iov_len);
            used += iov[i].iov_len;
            outq_advance(q, iov[i].iov_len);
        }
    }
    assert_string_equal(out, text);
    assert_int_equal(q->sent, used);
    assert_int_equal(q->queued, 0);
}

static void urgent_goes_first_and_in_order(void **state)
{
    struct outq q;

    (void)state;
    outq_init(&q);
    put(&q, "one ", false);
    put(&q, "two ", false);
    put(&q, "A ", true);
    put(&q, "B ", true);
    put(&q, "three ", false);
    put(&q, "C ", true);
    assert_out(&q, "A B C one two three ");
    outq_dispose(&q);
}

/* Not between a record that is half out, or its head, and the rest. */
static void urgent_never_parts_a_record(void **state)
{
    static const char body[] = "body ";
    struct outq q;
    struct err e;

    (void)state;
    outq_init(&q);
    put(&q, "head ", false);
    assert_int_equal(outq_refer(&q, body, strlen(body), &e), 0);
    put(&q, "two ", false);
    outq_advance(&q, 2);
    put(&q, "A ", true);
    put(&q, "B ", true);
    outq_advance(&q, 3 + strlen(body) + 1);    /* into A */
    put(&q, "C ", true);
    q.sent = 0;
    assert_out(&q, " B C two ");
    outq_dispose(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urgent_goes_first_and_in_order),
        cmocka_unit_test(urgent_never_parts_a_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
