/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The writer, octet for octet, what it refuses, and the decoders of small
 * bodies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "writer.h"

static struct buf b;

static int fresh(void **state)
{
    (void)state;
    buf_init(&b, 0);
    return 0;
}

static int dispose(void **state)
{
    (void)state;
    buf_dispose(&b);
    return 0;
}

/* What was put since the last call is exactly @want; forget it. */
#define assert_put(call, ...) do {                                  \
        static const uint8_t want_[] = { __VA_ARGS__ };             \
                                                                    \
        assert_int_equal(call, 0);                                  \
        assert_int_equal(b.size, sizeof(want_));                    \
        assert_memory_equal(b.data, want_, sizeof(want_));          \
        buf_clear(&b);                                              \
    } while (0)

static void writer_puts_headers(void **state)
{
    (void)state;
    assert_put(sr_put_xl_header(&b, "{}", 2, NULL),
               'X', 'e', 'n', ' ', 's', 'a', 'v', 'e', 'd', ' ', 'd', 'o',
               'm', 'a', 'i', 'n', ',', ' ', 'x', 'l', ' ', 'f', 'o', 'r',
               'm', 'a', 't', '\n', ' ', 0, ' ', '\r',
               4, 3, 2, 1, 3, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0,
               3, 0, 0, 0, '{', '}', 0);
    assert_int_equal(sr_put_xl_header(&b, NULL, 0, NULL), 0);
    assert_int_equal(b.size, 53);
    buf_clear(&b);
    assert_put(sr_put_libxl_header(&b, NULL),
               'L', 'i', 'b', 'x', 'l', 'F', 'm', 't', 0, 0, 0, 2,
               0, 0, 0, 0);
    assert_put(sr_put_libxc_header(&b, WIRE_GUEST_HVM, 4, 17, NULL),
               255, 255, 255, 255, 255, 255, 255, 255,
               'X', 'E', 'N', 'F', 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0,
               2, 0, 0, 0, 12, 0, 0, 0, 4, 0, 0, 0, 17, 0, 0, 0);
}

static void writer_puts_libxl_records(void **state)
{
    (void)state;
    assert_put(sr_put_record(&b, WIRE_LIBXL_CHECKPOINT_END, NULL, 0, NULL),
               4, 0, 0, 0, 0, 0, 0, 0);
    assert_put(sr_put_state(&b, WIRE_STATE_SVM_READY, NULL),
               5, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0);
    assert_put(sr_put_emulator_context(&b, 2, "QEMU!", 5, NULL),
               3, 0, 0, 0, 13, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
               'Q', 'E', 'M', 'U', '!', 0, 0, 0);
    assert_put(sr_put_emulator_xenstore(&b, 1, NULL, 0, NULL),
               2, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    assert_put(sr_put_record_header(&b, WIRE_LIBXC_HVM_CONTEXT, 0x1234,
                                    NULL),
               9, 0, 0, 0, 0x34, 0x12, 0, 0);
}

static void writer_puts_libxc_records(void **state)
{
    static const uint64_t pfns[] = { 1, 0x12345 };
    static const uint64_t entries[] = { 0xfull << 60 | 9, 0x1ull << 60 };
    static const struct sr_tsc_info tsc = { 1, 0x10203, 0x405060708, 9 };
    static const struct sr_hvm_param param = { 17, 0xfeff };
    size_t data;

    (void)state;
    assert_put(sr_put_page_data_head(&b, pfns, 2, NULL),
               1, 0, 0, 0, 0x18, 0x20, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
               1, 0, 0, 0, 0, 0, 0, 0, 0x45, 0x23, 1, 0, 0, 0, 0, 0);
    assert_int_equal(sr_page_data_head_size(2), 32);
    assert_put(sr_put_page_entries_head(&b, entries, 2, &data, NULL),
               1, 0, 0, 0, 0x18, 0x10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
               9, 0, 0, 0, 0, 0, 0, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0x10);
    assert_int_equal(data, 1);
    assert_put(sr_put_tsc_info(&b, &tsc, NULL),
               8, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 3, 2, 1, 0,
               8, 7, 6, 5, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0);
    assert_put(sr_put_hvm_params(&b, &param, 1, NULL),
               10, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
               17, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0, 0, 0, 0);
    assert_put(sr_put_dirty_pfns(&b, pfns, 1, NULL),
               15, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
}

static void writer_puts_optional_records(void **state)
{
    static const uint64_t pfns[2] = { 7, WIRE_PFN_END - 1 };
    static const uint64_t many[WIRE_ZERO_PAGES_MAX + 1];
    static const uint64_t too_high = WIRE_PFN_END;
    struct sr_peer_info i = { 100, 500, "a" };

    (void)state;
    assert_put(sr_put_heartbeat(&b, NULL), 1, 0, 0, 0x80, 0, 0, 0, 0);
    assert_put(sr_put_release(&b, WIRE_KEEPER_SECONDARY, NULL),
               2, 0, 0, 0x80, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    assert_int_equal(sr_put_release(&b, WIRE_KEEPERS_NR, NULL), ERR_BUG);
    assert_put(sr_put_gone(&b, NULL), 3, 0, 0, 0x80, 0, 0, 0, 0);
    assert_int_equal(sr_put_hello(&b, 8, 1, NULL), ERR_BUG);
    assert_int_equal(sr_put_hello(&b, 1 << 24, 1, NULL), ERR_BUG);
    assert_put(sr_put_hello(&b, 75 << 8 | 7, 0x0102030405060708, NULL),
               4, 0, 0, 0x80, 16, 0, 0, 0, 1, 0, 0, 0, 7, 75, 0, 0,
               8, 7, 6, 5, 4, 3, 2, 1);
    assert_put(sr_put_pause_reason(&b, 5, NULL),
               5, 0, 0, 0x80, 8, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0);
    assert_int_equal(sr_put_pause_reason(&b, 6, NULL), ERR_BUG);
    assert_put(sr_put_zero_pages(&b, pfns, 2, NULL),
               7, 0, 0, 0x80, 24, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
               7, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0,
               0);
    assert_int_equal(sr_put_zero_pages(&b, pfns, 0, NULL), ERR_BUG);
    assert_int_equal(sr_put_zero_pages(&b, many, WIRE_ZERO_PAGES_MAX + 1,
                                       NULL), ERR_BUG);
    assert_int_equal(sr_put_zero_pages(&b, &too_high, 1, NULL), ERR_BUG);
    assert_int_equal(sr_put_page_digests(&b, NULL, 0, NULL), ERR_BUG);
    assert_int_equal(sr_put_page_digests(&b, NULL, WIRE_DIGESTS_MAX + 1,
                                         NULL), ERR_BUG);
    assert_put(sr_put_frame(&b, 3, (const uint8_t *)"to....from..08", 14,
                            NULL),
               8, 0, 0, 0x80, 22, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
               't', 'o', '.', '.', '.', '.', 'f', 'r', 'o', 'm', '.', '.',
               '0', '8', 0, 0);
    memset(i.name + 2, 'x', 10);    /* behind the NUL: not written */
    assert_put(sr_put_peer_info(&b, &i, NULL),
               6, 0, 0, 0x80, 72, 0, 0, 0, 100, 0, 0, 0, 0xf4, 1, 0, 0,
               'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

static void writer_refuses_what_no_stream_may_contain(void **state)
{
    static uint64_t many[WIRE_PAGES_MAX + 1];
    struct sr_hvm_param params[2] = { { 64, 0 }, { 1, 0 } };
    uint64_t pfn = WIRE_PFN_END, entry = 0x5ull << 60;
    struct sr_peer_info info;
    size_t data, i;

    (void)state;
    memset(&info, 'x', sizeof(info));
    assert_int_equal(sr_put_peer_info(&b, &info, NULL), ERR_BUG);
    assert_int_equal(sr_put_xl_header(&b, "a\0b", 3, NULL), ERR_BUG);
    assert_int_equal(sr_put_libxc_header(&b, 3, 4, 17, NULL), ERR_BUG);
    assert_int_equal(sr_put_emulator_context(&b, 3, "", 0, NULL), ERR_BUG);
    assert_int_equal(sr_put_hvm_params(&b, params, 1, NULL), ERR_BUG);
    assert_int_equal(sr_put_hvm_params(&b, params, 0, NULL), ERR_BUG);
    params[0].index = 1;
    assert_int_equal(sr_put_hvm_params(&b, params, 2, NULL), ERR_BUG);
    assert_int_equal(sr_put_dirty_pfns(&b, &pfn, 1, NULL), ERR_BUG);
    assert_int_equal(sr_put_page_data_head(&b, &pfn, 1, NULL), ERR_BUG);
    assert_int_equal(sr_put_page_data_head(&b, many, 0, NULL), ERR_BUG);
    assert_int_equal(sr_put_page_entries_head(&b, &entry, 1, &data, NULL),
                     ERR_BUG);
    entry = 1ull << 41;
    assert_int_equal(sr_put_page_entries_head(&b, &entry, 1, &data, NULL),
                     ERR_BUG);
    for (i = 0; i <= WIRE_PAGES_MAX; i++)
        many[i] = i;
    assert_int_equal(sr_put_page_data_head(&b, many, WIRE_PAGES_MAX + 1,
                                           NULL), ERR_BUG);
    assert_int_equal(sr_put_page_data_head(&b, many,
                                           WIRE_DATA_PAGES_MAX + 1, NULL),
                     ERR_BUG);
    assert_int_equal(b.size, 0);
    assert_int_equal(sr_put_page_data_head(&b, many, WIRE_DATA_PAGES_MAX,
                                           NULL), 0);
    assert_true(get_le32(b.data + 4) <= WIRE_BODY_MAX);
}

static void writer_refuses_records_past_the_limit(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(sr_put_record(&b, 1, "", WIRE_BODY_MAX + 1ull, &e),
                     ERR_LIMIT);
    assert_int_equal(sr_put_record_header(&b, 1, WIRE_BODY_MAX + 1ull, &e),
                     ERR_LIMIT);
    assert_int_equal(sr_put_emulator_context(&b, 2, "", WIRE_BODY_MAX, &e),
                     ERR_LIMIT);
    assert_int_equal(sr_put_emulator_xenstore(&b, 2, "", WIRE_BODY_MAX,
                                              &e), ERR_LIMIT);
    assert_int_equal(sr_put_dirty_pfns(&b, NULL, WIRE_BODY_MAX / 8 + 1, &e),
                     ERR_LIMIT);
    assert_int_equal(sr_put_xl_header(&b, "", WIRE_XL_OPTIONAL_MAX, &e),
                     ERR_LIMIT);
    assert_int_equal(b.size, 0);
}

/* Every put function in a buffer that is full. */
static void writer_leaves_a_full_buffer_as_it_was(void **state)
{
    static const struct sr_peer_info i;
    static const struct sr_tsc_info t;
    static const struct sr_hvm_param param = { 1, 1 };
    static const uint64_t pfn = 1;
    static const uint8_t frame[WIRE_FRAME_MIN];
    struct buf full;
    size_t data;

    (void)state;
    buf_init(&full, 7);
    assert_int_equal(buf_append(&full, "octets", 6, NULL), 0);
#define FULL(call) assert_int_equal(call, ERR_LIMIT)
    FULL(sr_put_xl_header(&full, "{}", 2, NULL));
    FULL(sr_put_libxl_header(&full, NULL));
    FULL(sr_put_libxc_header(&full, WIRE_GUEST_PV, 4, 17, NULL));
    FULL(sr_put_record(&full, 1, "x", 1, NULL));
    FULL(sr_put_record_header(&full, 1, 1, NULL));
    FULL(sr_put_state(&full, WIRE_STATE_NEW, NULL));
    FULL(sr_put_emulator_context(&full, 0, "x", 1, NULL));
    FULL(sr_put_page_data_head(&full, &pfn, 1, NULL));
    FULL(sr_put_page_entries_head(&full, &pfn, 1, &data, NULL));
    FULL(sr_put_tsc_info(&full, &t, NULL));
    FULL(sr_put_hvm_params(&full, &param, 1, NULL));
    FULL(sr_put_dirty_pfns(&full, &pfn, 1, NULL));
    FULL(sr_put_heartbeat(&full, NULL));
    FULL(sr_put_release(&full, WIRE_KEEPER_PRIMARY, NULL));
    FULL(sr_put_gone(&full, NULL));
    FULL(sr_put_hello(&full, 0, 1, NULL));
    FULL(sr_put_pause_reason(&full, 0, NULL));
    FULL(sr_put_peer_info(&full, &i, NULL));
    FULL(sr_put_zero_pages(&full, &pfn, 1, NULL));
    FULL(sr_put_frame(&full, 0, frame, sizeof(frame), NULL));
#undef FULL
    assert_int_equal(full.size, 6);
    assert_memory_equal(full.data, "octets", 6);
    buf_dispose(&full);
}

static void decoders_give_back_what_was_put(void **state)
{
    static const struct sr_tsc_info t = { 2, 3, 4ull << 40, 5 };
    static const struct sr_hvm_param p[] = { { 1, 10 }, { 38, 1ull << 63 } };
    static const struct sr_peer_info i = { 100, 500, "host-b" };
    static const uint64_t zeroes[3] = { 3, 2, 1ull << 39 };
    uint64_t pfns[WIRE_ZERO_PAGES_MAX];
    static const struct sr_digest digests[] = { { 7, 1ull << 63 }, { 9, 1 } };
    struct sr_digest digests2[WIRE_DIGESTS_MAX];
    struct sr_hello h2;
    struct sr_tsc_info t2;
    struct sr_peer_info i2;
    enum wire_keeper keeper;
    enum wire_state id;
    uint32_t reason;
    uint64_t value;
    size_t n;

    (void)state;
#define GET(call) do { assert_int_equal(call, 0); buf_clear(&b); } while (0)
    assert_int_equal(sr_put_hello(&b, WIRE_HELLO_PROOF, 1ull << 40, NULL), 0);
    b.data[12] = 9;    /* features that nobody knows yet */
    GET(sr_get_hello(b.data + 8, 16, &h2, NULL));
    assert_int_equal(h2.version, WIRE_HELLO_VERSION);
    assert_int_equal(h2.features, 9);
    assert_int_equal(h2.generation, 1ull << 40);
    assert_int_equal(sr_put_peer_info(&b, &i, NULL), 0);
    GET(sr_get_peer_info(b.data + 8, 72, &i2, NULL));
    assert_memory_equal(&i, &i2, sizeof(i));
    assert_int_equal(sr_put_tsc_info(&b, &t, NULL), 0);
    GET(sr_get_tsc_info(b.data + 8, 24, &t2, NULL));
    assert_int_equal(t2.nsec, t.nsec);
    assert_int_equal(t2.incarnation, t.incarnation);
    assert_int_equal(sr_put_release(&b, WIRE_KEEPER_SECONDARY, NULL), 0);
    GET(sr_get_release(b.data + 8, 8, &keeper, NULL));
    assert_int_equal(keeper, WIRE_KEEPER_SECONDARY);
    assert_int_equal(sr_put_pause_reason(&b, 3, NULL), 0);
    GET(sr_get_pause_reason(b.data + 8, 8, &reason, NULL));
    assert_int_equal(reason, 3);
    assert_int_equal(sr_put_received(&b, 1ull << 40, NULL), 0);
    GET(sr_get_received(b.data + 8, 8, &value, NULL));
    assert_int_equal(value, 1ull << 40);
    assert_int_equal(sr_put_page_digests(&b, digests, 2, NULL), 0);
    GET(sr_get_page_digests(b.data + 8, 32, digests2, &n, NULL));
    assert_int_equal(n, 2);
    assert_memory_equal(digests, digests2, sizeof(digests));
    assert_int_equal(sr_put_zero_pages(&b, zeroes, 3, NULL), 0);
    assert_int_equal(sr_get_zero_pages(b.data + 8, 32, pfns, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(pfns, zeroes, sizeof(zeroes));
    b.data[8 + 8 + 5] = 1;    /* its first pfn: 2^40 and more */
    assert_int_equal(sr_get_zero_pages(b.data + 8, 32, pfns, &n, NULL),
                     ERR_FORMAT);
    buf_clear(&b);
    assert_int_equal(sr_put_state(&b, WIRE_STATE_SVM_RESUMED, NULL), 0);
    assert_int_equal(sr_get_state(b.data + 8, 4, &id, NULL), 0);
    assert_int_equal(id, WIRE_STATE_SVM_RESUMED);
    GET(sr_get_state(b.data + 8, 8, &id, NULL));
#undef GET
    assert_int_equal(sr_put_hvm_params(&b, p, 2, NULL), 0);
    assert_int_equal(sr_get_hvm_params_count(b.data + 8, 40, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(sr_get_hvm_param(b.data + 8, 0).value, 10);
    assert_int_equal(sr_find_hvm_param(b.data + 8, 40, 38, &value, NULL), 0);
    assert_true(value == 1ull << 63);
    assert_int_equal(sr_find_hvm_param(b.data + 8, 40, 2, &value, NULL),
                     ERR_NOTFOUND);
}

static void decoders_refuse_lengths_and_broken_rules(void **state)
{
    static const size_t state_lengths[] = { 0, 1, 3, 5, 7, 9, 12 };
    uint8_t body[128];
    struct sr_hello h;
    struct sr_peer_info info;
    struct sr_tsc_info t;
    enum wire_keeper keeper;
    enum wire_state id;
    struct err e;
    uint64_t value;
    uint32_t reason;
    size_t i, n;

    (void)state;
    memset(body, 0, sizeof(body));
#define BAD(call) assert_int_equal(call, ERR_FORMAT)
    for (i = 0; i < sizeof(state_lengths) / sizeof(state_lengths[0]); i++)
        BAD(sr_get_state(body, state_lengths[i], &id, &e));
    BAD(sr_get_hello(body, 8, &h, &e));
    BAD(sr_get_hello(body, 16, &h, &e));    /* version 0 */
    assert_non_null(strstr(e.msg, "hello-version"));
    memset(body + 8, 'x', WIRE_PEER_NAME_SIZE);
    BAD(sr_get_peer_info(body, 71, &info, &e));
    BAD(sr_get_peer_info(body, 72, &info, &e));
    assert_non_null(strstr(e.msg, "peer-info-name"));
    memset(body, 0, sizeof(body));
    BAD(sr_get_release(body, 4, &keeper, &e));
    BAD(sr_get_pause_reason(body, 16, &reason, &e));
    BAD(sr_get_received(body, 4, &value, &e));
    BAD(sr_get_page_digests(body, 24, NULL, &n, &e));
    BAD(sr_get_tsc_info(body, 20, &t, &e));
    BAD(sr_get_hvm_params_count(body, 9, &n, &e));
    BAD(sr_get_hvm_params_count(body, 24, &n, &e));    /* count 0 */
    BAD(sr_find_hvm_param(body, 7, 1, &value, &e));
    body[7] = 1;
    BAD(sr_get_state(body, 8, &id, &e));
    BAD(sr_get_release(body, 8, &keeper, &e));
    BAD(sr_get_pause_reason(body, 8, &reason, &e));
    assert_non_null(strstr(e.msg, "pause-reason-zero"));
    body[0] = 4;
    BAD(sr_get_state(body, 4, &id, &e));
    body[20] = 1;
    BAD(sr_get_tsc_info(body, 24, &t, &e));
#undef BAD
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_puts_headers),
        cmocka_unit_test(writer_puts_libxl_records),
        cmocka_unit_test(writer_puts_libxc_records),
        cmocka_unit_test(writer_puts_optional_records),
        cmocka_unit_test(writer_refuses_what_no_stream_may_contain),
        cmocka_unit_test(writer_refuses_records_past_the_limit),
        cmocka_unit_test(writer_leaves_a_full_buffer_as_it_was),
        cmocka_unit_test(decoders_give_back_what_was_put),
        cmocka_unit_test(decoders_refuse_lengths_and_broken_rules),
    };
    struct CMUnitTest all[sizeof(tests) / sizeof(tests[0])];
    size_t i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        all[i] = tests[i];
        all[i].setup_func = fresh;
        all[i].teardown_func = dispose;
    }
    return cmocka_run_group_tests(all, NULL, NULL);
}
