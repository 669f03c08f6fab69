/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The world of test_contract.c: a backend, a domain, its copy, and a first
 * copy's stream, written here by the specification.
 */
#ifndef XC_TESTS_CONTRACT_H
#define XC_TESTS_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "embedded.h"
#include "writer.h"
#include "xen.h"

#define WAIT_MS 20000
#define BATCH 256u
#define EPOCHS 20
#define PFN_END ((uint64_t)1 << 24)    /* of the guests here */
#define SUFFIX "--incoming"

static struct world {
    const struct dom_ops *ops;
    struct dom_open open;
    struct logger log;
    struct dom *src, *copy;
    struct ckpt stage;
    char dir[64], config[96], copy_name[DOM_NAME_MAX];
    const char *end;
    /* Where copies run: their network, a frame to one that it answers at
       once, and whether a frame is the answer to that of @number; how far
       its program is, and whether it knows of anybody on the network. */
    const struct net_ops *net_ops;
    size_t (*hello)(unsigned int number, uint8_t frame[2048]);
    bool (*answers)(const struct net_frame *f, unsigned int number);
    uint64_t (*program_at)(const struct dom *d);
    bool (*knows_peers)(const struct dom *d);
} w;

static void sink(void *ctx, enum log_level level, const char *line)
{
    (void)ctx;
    print_message("# %d %s\n", (int)level, line);
}

/* The next event of @d within @ms; false: none came. */
static bool event(struct dom *d, unsigned int ms, struct dom_event *ev)
{
    uint64_t until = clock_ms() + ms, now;

    while (w.ops->next_event(d, ev) != 0) {
        struct pollfd p = { .fd = w.ops->fd(d), .events = POLLIN };

        now = clock_ms();
        if (now >= until)
            return false;
        poll(&p, 1, (int)(until - now));
    }
    return true;
}

static void expect_event(struct dom *d, enum dom_ev_kind kind)
{
    struct dom_event ev = { 0 };

    if (!event(d, WAIT_MS, &ev))
        fail_msg("no event within %d ms", WAIT_MS);
    if (ev.kind != kind)
        fail_msg("event %d, not %d: %s", (int)ev.kind, (int)kind,
                 ev.err.msg);
}

static void ok(int rc, const struct err *e)
{
    if (rc)
        fail_msg("%d: %s", rc, e->msg);
}

static void stops(struct dom *d)
{
    struct err e = { 0 };

    ok(w.ops->suspend(d, WAIT_MS, &e), &e);
    expect_event(d, DOM_EV_SUSPENDED);
}

static void goes_on(struct dom *d)
{
    struct err e = { 0 };

    ok(w.ops->resume(d, &e), &e);
}

static void suspended(void)
{
    stops(w.src);
}

static void resumed(void)
{
    goes_on(w.src);
}

static void ascending(const uint64_t *pfns, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (pfns[i - 1] >= pfns[i])
            fail_msg("page %zu of the list isn't above the one before", i);
}

/* A while in which the guest runs. */
static void passes(unsigned int ms)
{
    struct dom_event ev;

    assert_false(event(w.src, ms, &ev));
}

/* Pages that the guest dirties within a while, which are then clean. */
static size_t dirties(unsigned int ms)
{
    const uint64_t *pfns;
    struct err e = { 0 };
    size_t n;

    passes(ms);
    ok(w.ops->dirty(w.src, &pfns, &n, &e), &e);
    ascending(pfns, n);
    return n;
}

/* All of @data into the restore, whose events are looked after meanwhile. */
static void feed(int fd, const void *data, size_t n)
{
    const uint8_t *at = data;

    while (n) {
        size_t part = n < 16384 ? n : 16384;
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        ssize_t r = 0;

        if (poll(&p, 1, 10) > 0)
            r = write(fd, at, part);
        assert_true(r >= 0);
        at += r;
        n -= (size_t)r;
        if (n && strcmp(w.ops->name, "xen")) {
            struct dom_event ev;

            assert_int_equal(w.ops->next_event(w.copy, &ev), ERR_AGAIN);
        }
    }
}

static void feed_buf(int fd, struct buf *b)
{
    feed(fd, b->data, b->size);
    buf_clear(b);
}

static void feed_head(int fd, struct buf *b)
{
    const struct dom_info *info = w.ops->info(w.src);
    struct dom_static s = { 0 };
    struct err e = { 0 };

    ok(w.ops->static_data(w.src, &s, &e), &e);
    ok(sr_put_libxl_header(b, &e), &e);
    ok(sr_put_record(b, WIRE_LIBXL_LIBXC_CONTEXT, NULL, 0, &e), &e);
    ok(sr_put_libxc_header(b, WIRE_GUEST_HVM, info->xen_major,
                           info->xen_minor, &e), &e);
    if (s.cpuid_policy.size)
        ok(sr_put_record(b, WIRE_LIBXC_X86_CPUID_POLICY, s.cpuid_policy.data,
                         s.cpuid_policy.size, &e), &e);
    if (s.msr_policy.size)
        ok(sr_put_record(b, WIRE_LIBXC_X86_MSR_POLICY, s.msr_policy.data,
                         s.msr_policy.size, &e), &e);
    ok(sr_put_record(b, WIRE_LIBXC_STATIC_DATA_END, NULL, 0, &e), &e);
    feed_buf(fd, b);
    buf_dispose(&s.cpuid_policy);
    buf_dispose(&s.msr_policy);
}

static void feed_pages(int fd, struct buf *b, const uint64_t *pfns, size_t n,
                       const uint8_t *pages)
{
    struct err e = { 0 };

    ok(sr_put_page_data_head(b, pfns, n, &e), &e);
    feed_buf(fd, b);
    feed(fd, pages, n * CKPT_PAGE_SIZE);
}

static void feed_tail(int fd, struct buf *b)
{
    struct ckpt *c = &w.stage;
    struct err e = { 0 };

    ok(sr_put_record(b, WIRE_LIBXC_X86_TSC_INFO, c->tsc.data, c->tsc.size,
                     &e), &e);
    ok(sr_put_record(b, WIRE_LIBXC_HVM_CONTEXT, c->context.data,
                     c->context.size, &e), &e);
    ok(sr_put_record(b, WIRE_LIBXC_HVM_PARAMS, c->params.data,
                     c->params.size, &e), &e);
    ok(sr_put_record(b, WIRE_LIBXC_END, NULL, 0, &e), &e);
    if (c->device.size)
        ok(sr_put_emulator_context(b, WIRE_EMULATOR_QEMU_UPSTREAM,
                                   c->device.data, c->device.size, &e), &e);
    ok(sr_put_record(b, WIRE_LIBXL_END, NULL, 0, &e), &e);
    feed_buf(fd, b);
}

/* The source's configuration with another name and uuid, malloced: a copy
   beside it is another domain. */
static char *config_of_copy(void)
{
    const char *json = w.ops->info(w.src)->config_json;
    char name[DOM_NAME_MAX + 8], *copy = malloc(strlen(json) + 8), *at;

    assert_non_null(copy);
    snprintf(name, sizeof(name), "\"%s\"", w.open.name);
    at = strstr(json, name);
    assert_non_null(at);
    sprintf(copy, "%.*s\"%s\"%s", (int)(at - json), json, w.copy_name,
            at + strlen(name));
    at = strstr(copy, "\"uuid\"");
    assert_non_null(at);
    at = strchr(at + 6, '"');
    assert_non_null(at);
    at[1] = at[1] == 'f' ? 'e' : 'f';
    return copy;
}

/* A copy of the source, which goes on; w.stage holds its epoch 1. */
static void make_copy(void)
{
    static uint8_t pages[BATCH * CKPT_PAGE_SIZE];
    CLEANUP_FREE char *json = config_of_copy();
    CLEANUP_BUF struct buf b = { 0 };
    struct dom_create c = { .incoming_suffix = SUFFIX };
    struct err e = { 0 };
    const uint64_t *pfns;
    int fd = -1;
    size_t n;

    w.ops->log_stop(w.src);
    ok(w.ops->log_start(w.src, &e), &e);
    ok(w.ops->open_sink(&w.open, &w.copy, &e), &e);
    c.config_json = json;
    c.config_length = strlen(json);
    ok(w.ops->create(w.copy, &c, &fd, &e), &e);
    assert_true(fd >= 0);
    feed_head(fd, &b);
    ok(w.ops->dirty(w.src, &pfns, &n, &e), &e);
    for (size_t i = 0; i < n; i += BATCH) {
        size_t part = n - i < BATCH ? n - i : BATCH;

        ok(w.ops->copy(w.src, pfns + i, part, pages, &e), &e);
        feed_pages(fd, &b, pfns + i, part, pages);
    }
    suspended();
    ok(w.ops->capture(w.src, &w.stage, 1, &e), &e);
    resumed();
    for (size_t i = 0; i < w.stage.pages_nr; i += BATCH) {
        size_t part = w.stage.pages_nr - i;

        feed_pages(fd, &b, w.stage.pfns + i, part < BATCH ? part : BATCH,
                   ckpt_page(&w.stage, i));
    }
    feed_tail(fd, &b);
    close(fd);
    expect_event(w.copy, DOM_EV_CREATED);
}

static void destroys_copy(void)
{
    struct err e = { 0 };

    for (uint64_t until = clock_ms() + WAIT_MS;;) {
        int rc = w.ops->destroy(w.copy, 100, &e);

        if (rc != ERR_TIMEOUT || clock_ms() > until) {
            ok(rc, &e);
            break;
        }
    }
    w.ops->close(w.copy);
    w.copy = NULL;
}

/* Rings are this host's own. */
static bool is_ring(uint64_t pfn)
{
    const struct buf *b = &w.stage.params;
    uint64_t store = 0, console = 0;

    sr_find_hvm_param(b->data, b->size, WIRE_HVM_PARAM_STORE_PFN, &store,
                      NULL);
    sr_find_hvm_param(b->data, b->size, WIRE_HVM_PARAM_CONSOLE_PFN, &console,
                      NULL);
    return pfn == store || pfn == console;
}

/* copy() of the sink, once w.stage was applied. */
static void reads_as_applied(void)
{
    static uint8_t page[CKPT_PAGE_SIZE];
    struct err e = { 0 };

    for (size_t i = 0; i < w.stage.pages_nr; i++) {
        if (is_ring(w.stage.pfns[i]))
            continue;
        ok(w.ops->copy(w.copy, &w.stage.pfns[i], 1, page, &e), &e);
        assert_memory_equal(page, ckpt_page(&w.stage, i), sizeof(page));
    }
}

#endif
