/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What ops/domain.h and ops/network.h promise of a copy that runs beside its
 * domain (COLO), asked of any backend that runs copies. Part of
 * test_contract.c, which says which those are.
 */
#ifndef XC_TESTS_CONTRACT_COLO_H
#define XC_TESTS_CONTRACT_COLO_H

#include "contract.h"
#include "embedded_int.h"
#include "embedded_tcp.h"
#include "frames.h"

/* ---- the embedded backend ----------------------------------------------- */

static size_t embedded_hello(unsigned int number, uint8_t frame[2048])
{
    struct frame_spec syn = {
        .src = { 10, 9, 0, (uint8_t)number }, .dst = { 10, 0, 0, 1 },
        .src_port = 4000, .dst_port = GUEST_PORT, .seq = 1, .flags = TCP_SYN,
    };

    return frame_build(&syn, frame);
}

static bool embedded_answers(const struct net_frame *f, unsigned int number)
{
    struct frame answer;

    frame_parse(f->data, f->size, &answer);
    return answer.flags == (TCP_SYN | TCP_ACK) &&
        answer.key.dst[3] == number;
}

static uint64_t embedded_program_at(const struct dom *d)
{
    return d->guest.clock;
}

static bool embedded_knows_peers(const struct dom *d)
{
    const uint8_t *table = d->guest.ram + guest_table(&d->guest);

    for (size_t i = 0; i < (size_t)GUEST_CONNS * GUEST_SLOT; i++)
        if (table[i])
            return true;
    return false;
}

/* ---- memory ------------------------------------------------------------- */

static const uint8_t *page_of(struct dom *d, uint64_t pfn, uint8_t *page)
{
    struct err e = { 0 };

    ok(w.ops->copy(d, &pfn, 1, page, &e), &e);
    return page;
}

static bool same_page(uint64_t pfn)
{
    static uint8_t a[CKPT_PAGE_SIZE], b[CKPT_PAGE_SIZE];

    return !memcmp(page_of(w.src, pfn, a), page_of(w.copy, pfn, b),
                   CKPT_PAGE_SIZE);
}

/* The source stands still, and the copy is it. */
static void checkpoint(uint64_t epoch)
{
    struct err e = { 0 };

    suspended();
    ok(w.ops->capture(w.src, &w.stage, epoch, &e), &e);
    ok(w.ops->apply(w.copy, &w.stage, &e), &e);
}

/* What came of the copy's writes is as in the source, which stands still as
   it did at the checkpoint. */
static void overwrite(const uint8_t *listed)
{
    struct ckpt *c = &w.stage;
    struct err e = { 0 };
    uint64_t *to;
    uint8_t *page;

    for (uint64_t pfn = 0; pfn < PFN_END; pfn++)
        if (listed[pfn]) {
            ok(ckpt_add(c, 1, &to, &page, &e), &e);
            *to = pfn;
            page_of(w.src, pfn, page);
        }
    ok(w.ops->apply(w.copy, c, &e), &e);
}

/* The copy runs until it has written something, and stands still; which
   pages those were. */
static size_t copy_writes(uint8_t *listed)
{
    uint64_t until = clock_ms() + WAIT_MS;
    size_t all = 0;

    memset(listed, 0, PFN_END);
    while (all == 0) {
        struct err e = { 0 };
        struct dom_event ev;
        const uint64_t *pfns;
        size_t n;

        assert_true(clock_ms() < until);
        goes_on(w.copy);
        assert_false(event(w.copy, 50, &ev));
        stops(w.copy);
        ok(w.ops->dirty(w.copy, &pfns, &n, &e), &e);
        ascending(pfns, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(pfns[i] < PFN_END);
            all += !listed[pfns[i]];
            listed[pfns[i]] = 1;
        }
    }
    return all;
}

static void copy_has_its_suffix(void)
{
    char name[DOM_NAME_MAX + 16];

    snprintf(name, sizeof(name), "%s%s", w.copy_name, SUFFIX);
    assert_string_equal(w.ops->info(w.copy)->name, name);
}

#define NEEDS(what) \
    do { if (!w.ops->runs_copies || !(what)) skip(); } while (0)

static void what_a_copy_writes_is_listed_and_overwritten(void **state)
{
    uint64_t ram = w.ops->info(w.src)->ram_pages, differ = 0;
    uint8_t *listed = malloc(PFN_END);
    const uint64_t *pfns;
    struct err e = { 0 };
    size_t n;

    (void)state;
    if (!w.ops->runs_copies)
        free(listed);
    NEEDS(listed);
    checkpoint(7);
    ok(w.ops->log_start(w.copy, &e), &e);
    ok(w.ops->dirty(w.copy, &pfns, &n, &e), &e);
    assert_int_equal(n, 0);
    for (int round = 0; round < 3; round++) {
        n = copy_writes(listed);
        copy_has_its_suffix();
        for (uint64_t pfn = 0; pfn < ram; pfn++) {
            bool same = same_page(pfn);

            differ += !same;
            if (!same && !listed[pfn])
                fail_msg("page %llu was written, but isn't listed",
                         (unsigned long long)pfn);
        }
        overwrite(listed);
        for (uint64_t pfn = 0; pfn < ram; pfn++)
            assert_true(same_page(pfn));
    }
    assert_true(differ > 0);
    free(listed);
    resumed();
}

/* Resumed, but the user has it paused: it is where the source was. */
static void a_copy_begins_where_its_epoch_ended(void **state)
{
    struct err e = { 0 };

    (void)state;
    NEEDS(w.program_at);
    passes(50);
    checkpoint(8);
    ok(w.ops->pause(w.copy, &e), &e);
    assert_true(w.ops->is_paused(w.copy));
    goes_on(w.copy);
    assert_int_equal(w.program_at(w.copy), w.program_at(w.src));
    stops(w.copy);
    ok(w.ops->unpause(w.copy, &e), &e);
    assert_false(w.ops->is_paused(w.copy));
    resumed();
}

/* ---- frames ------------------------------------------------------------- */

static void put_hello(struct net *n, unsigned int number)
{
    uint8_t frame[2048];
    struct net_frame f = { .to_domain = true, .data = frame,
                           .size = w.hello(number, frame) };
    struct err e = { 0 };

    ok(w.net_ops->put(n, &f, &e), &e);
}

static void says_nothing(struct net *n)
{
    struct net_frame f;
    struct dom_event ev;

    assert_int_equal(w.ops->next_event(w.copy, &ev), ERR_AGAIN);
    assert_int_equal(w.net_ops->next(n, &f), ERR_AGAIN);
}

/* The next thing that it says. */
static void says_hello(struct net *n, unsigned int number)
{
    uint64_t until = clock_ms() + WAIT_MS;
    struct net_frame f;

    while (w.net_ops->next(n, &f)) {
        struct pollfd p[2] = {
            { .fd = w.net_ops->fd(n), .events = POLLIN },
            { .fd = w.ops->fd(w.copy), .events = POLLIN },
        };
        struct dom_event ev;

        assert_true(clock_ms() < until);
        poll(p, 2, 100);
        assert_int_equal(w.ops->next_event(w.copy, &ev), ERR_AGAIN);
    }
    assert_false(f.to_domain);
    if (!w.answers(&f, number))
        fail_msg("what it said isn't the answer to %u", number);
}

static void frames_wait_for_a_copy_until_the_next_epoch(void **state)
{
    struct net *n = NULL;
    struct err e = { 0 };

    (void)state;
    NEEDS(w.hello);
    ok(w.net_ops->attach(w.ops->info(w.copy), &w.log, &n, &e), &e);
    ok(w.net_ops->tap(n, &e), &e);
    assert_true(w.net_ops->fd(n) >= 0);
    put_hello(n, 1);
    says_nothing(n);
    goes_on(w.copy);
    says_hello(n, 1);
    ok(w.ops->pause(w.copy, &e), &e);
    put_hello(n, 2);
    put_hello(n, 3);
    says_nothing(n);
    ok(w.ops->unpause(w.copy, &e), &e);
    says_hello(n, 2);
    says_hello(n, 3);
    says_nothing(n);
    stops(w.copy);
    put_hello(n, 4);
    checkpoint(9);
    resumed();
    put_hello(n, 5);
    goes_on(w.copy);
    says_hello(n, 5);
    says_nothing(n);
    ok(w.net_ops->release_all(n, &e), &e);
    w.net_ops->detach(n);
}

/* ---- take-over ---------------------------------------------------------- */

/* Somebody has come since the epoch, and somebody else waits: both are gone
   with the other process. */
static void a_copy_forgets_whom_its_domain_knew(void **state)
{
    struct net *n = NULL;
    struct err e = { 0 };

    (void)state;
    NEEDS(w.hello && w.knows_peers);
    make_copy();
    ok(w.net_ops->attach(w.ops->info(w.copy), &w.log, &n, &e), &e);
    ok(w.net_ops->tap(n, &e), &e);
    ok(w.ops->log_start(w.copy, &e), &e);
    put_hello(n, 1);
    goes_on(w.copy);
    says_hello(n, 1);
    stops(w.copy);
    put_hello(n, 2);
    assert_true(w.knows_peers(w.copy));
    ok(w.ops->activate(w.copy, true, &e), &e);
    assert_false(w.knows_peers(w.copy));
    put_hello(n, 3);    /* late */
    says_nothing(n);
    assert_false(w.knows_peers(w.copy));
    ok(w.net_ops->release_all(n, &e), &e);
    w.net_ops->detach(n);
}

static void a_copy_that_ran_goes_on_as_it_is(void **state)
{
    static uint8_t before[BATCH][CKPT_PAGE_SIZE], page[CKPT_PAGE_SIZE];
    uint8_t *listed = malloc(PFN_END);
    uint64_t pfns[BATCH], at = 0;
    struct err e = { 0 };
    size_t n = 0;

    (void)state;
    if (!w.ops->runs_copies)
        free(listed);
    NEEDS(listed);
    make_copy();
    ok(w.ops->log_start(w.copy, &e), &e);
    copy_writes(listed);
    for (uint64_t pfn = 0; pfn < PFN_END && n < BATCH; pfn++)
        if (listed[pfn]) {
            page_of(w.copy, pfn, before[n]);
            pfns[n++] = pfn;
        }
    if (w.program_at)
        at = w.program_at(w.copy);
    ok(w.ops->activate(w.copy, false, &e), &e);
    assert_string_equal(w.ops->info(w.copy)->name, w.copy_name);
    assert_true(w.ops->is_paused(w.copy));
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(page_of(w.copy, pfns[i], page), before[i],
                            CKPT_PAGE_SIZE);
    if (w.program_at)
        assert_int_equal(w.program_at(w.copy), at);
    ok(w.ops->unpause(w.copy, &e), &e);
    free(listed);
}

#endif
