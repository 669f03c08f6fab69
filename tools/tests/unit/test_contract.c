/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What ops/domain.h promises, asked of a backend: of the embedded one, or
 * (CONTRACT_DOMAIN=NAME, in a host of the lab) of Xen's. The tests run in
 * order; each goes on where the last one ended. CONTRACT_END is a command
 * that ends the domain, so that its copy can become it.
 */
#include "contract.h"
#include "contract_colo.h"

/* ---- source ------------------------------------------------------------- */

static void an_unknown_domain_is_not_found(void **state)
{
    struct dom_open o = w.open;
    struct dom *d = NULL;
    struct err e = { 0 };

    (void)state;
    o.name = "no-such-domain";
    assert_int_equal(w.ops->open(&o, &d, &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.msg, "no-such-domain"));
    w.ops->close(NULL);
}

static void it_tells_what_it_is(void **state)
{
    const struct dom_info *info;
    struct err e = { 0 };

    (void)state;
    ok(w.ops->open(&w.open, &w.src, &e), &e);
    info = w.ops->info(w.src);
    assert_string_equal(info->name, w.open.name);
    assert_true(info->ram_pages >= 64);
    assert_true(info->config_json && info->config_json[0] == '{');
    assert_true(w.ops->fd(w.src) >= 0);
    assert_false(w.ops->is_paused(w.src));
    ok(ckpt_init(&w.stage, info->ram_pages + 1024, &e), &e);
}

static void static_data_does_not_change(void **state)
{
    struct dom_static a = { 0 }, b = { 0 };
    struct err e = { 0 };

    (void)state;
    ok(w.ops->static_data(w.src, &a, &e), &e);
    ok(w.ops->static_data(w.src, &b, &e), &e);
    assert_int_equal(a.cpuid_policy.size, b.cpuid_policy.size);
    if (a.cpuid_policy.size)
        assert_memory_equal(a.cpuid_policy.data, b.cpuid_policy.data,
                            a.cpuid_policy.size);
    buf_dispose(&a.cpuid_policy);
    buf_dispose(&a.msr_policy);
    buf_dispose(&b.cpuid_policy);
    buf_dispose(&b.msr_policy);
}

/* How many of @pfns weren't @seen before; they are now. */
static size_t news(uint8_t *seen, const uint64_t *pfns, size_t n)
{
    size_t fresh = 0;

    for (size_t i = 0; i < n; i++) {
        assert_true(pfns[i] < PFN_END);
        fresh += !seen[pfns[i]];
        seen[pfns[i]] = 1;
    }
    return fresh;
}

/* However slowly a host finds them: in rounds, the rest at the suspend. */
static void every_page_is_listed(void **state)
{
    static uint8_t page[CKPT_PAGE_SIZE * 64];
    uint64_t ram = w.ops->info(w.src)->ram_pages;
    uint8_t *seen = calloc(PFN_END, 1);
    const uint64_t *pfns;
    struct err e = { 0 };
    size_t n, all = 0;

    (void)state;
    assert_non_null(seen);
    ok(w.ops->log_start(w.src, &e), &e);
    for (int i = 0; i < 3; i++) {
        ok(w.ops->dirty(w.src, &pfns, &n, &e), &e);
        ascending(pfns, n);
        all += news(seen, pfns, n);
        if (i == 0) {
            assert_true(n >= 64);
            ok(w.ops->copy(w.src, pfns, 64, page, &e), &e);
        }
    }
    suspended();
    ok(w.ops->capture(w.src, &w.stage, 1, &e), &e);
    resumed();
    all += news(seen, w.stage.pfns, w.stage.pages_nr);
    print_message("# %zu pages of %llu were listed\n", all,
                  (unsigned long long)ram);
    assert_true(all >= ram * 99 / 100);
    free(seen);
}

static void it_runs_and_what_it_writes_is_listed(void **state)
{
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 20 && n == 0; i++)
        n = dirties(100);
    assert_true(n > 0);
}

static void epochs_follow_one_another(void **state)
{
    struct dom_times t;
    struct err e = { 0 };

    (void)state;
    for (uint64_t i = 1; i <= EPOCHS; i++) {
        suspended();
        ok(w.ops->capture(w.src, &w.stage, i, &e), &e);
        resumed();
        assert_int_equal(w.stage.epoch, i);
        assert_true(w.stage.context.size > 0 && w.stage.tsc.size > 0 &&
                    w.stage.params.size > 0);
        w.ops->times(w.src, &t);
        assert_true(t.copy_ns + t.context_ns > 0);
        w.ops->times(w.src, &t);
        assert_int_equal(t.copy_ns + t.context_ns + t.suspend_ns, 0);
        assert_true(i == 1 || w.stage.pages_nr <
                    w.ops->info(w.src)->ram_pages / 2);
    }
}

static void a_staging_that_is_too_small_loses_nothing(void **state)
{
    struct ckpt small;
    struct err e = { 0 };

    (void)state;
    ok(ckpt_init(&small, 1, &e), &e);
    for (unsigned int ms = 100;; ms *= 2) {    /* until it wrote enough */
        int rc;

        assert_true(ms < WAIT_MS);
        passes(ms);
        suspended();
        rc = w.ops->capture(w.src, &small, EPOCHS + 1, &e);
        if (rc == 0) {
            resumed();
            continue;
        }
        assert_int_equal(rc, ERR_LIMIT);
        break;
    }
    ok(w.ops->capture(w.src, &w.stage, EPOCHS + 1, &e), &e);
    resumed();
    assert_true(w.stage.pages_nr > 1);
    ckpt_dispose(&small);
}

static void a_request_is_withdrawn_or_answered(void **state)
{
    struct dom_event ev;
    struct err e = { 0 };

    (void)state;
    for (int i = 0; i < 10; i++) {
        ok(w.ops->suspend(w.src, WAIT_MS, &e), &e);
        if (i % 2)
            poll(NULL, 0, 30);
        if (w.ops->suspend_cancel(w.src)) {
            assert_false(event(w.src, 100, &ev));
        } else {
            expect_event(w.src, DOM_EV_SUSPENDED);
            resumed();
        }
    }
}

/* Or nobody is left to say so. */
static void a_lease_that_is_given_up_ends_no_host(void **state)
{
    struct err e = { 0 };

    (void)state;
    if (!w.ops->lease)
        return;
    ok(w.ops->lease(w.src, 0, &e), &e);    /* there is none yet */
    for (int i = 0; i < 4; i++) {
        ok(w.ops->lease(w.src, 3, &e), &e);
        poll(NULL, 0, 1000);
    }
    ok(w.ops->lease(w.src, 0, &e), &e);
    poll(NULL, 0, 5000);
}

static void a_paused_domain_stands_still(void **state)
{
    struct err e = { 0 };
    size_t n = 0;

    (void)state;
    ok(w.ops->pause(w.src, &e), &e);
    assert_true(w.ops->is_paused(w.src));
    dirties(50);    /* what it wrote before; what is put off comes next */
    dirties(50);
    assert_int_equal(dirties(300), 0);
    ok(w.ops->unpause(w.src, &e), &e);
    assert_false(w.ops->is_paused(w.src));
    for (int i = 0; i < 20 && n == 0; i++)
        n = dirties(100);
    assert_true(n > 0);
}

/* ---- sink --------------------------------------------------------------- */

/* Its name and identity are the source's: nothing of that is touched. */
static void a_copy_that_is_refused_touches_nobody(void **state)
{
    const char *json = w.ops->info(w.src)->config_json;
    struct dom_create c = { .incoming_suffix = SUFFIX, .config_json = json,
                            .config_length = json ? strlen(json) : 0 };
    struct err e = { 0 };
    int fd = -1;

    (void)state;
    if (strcmp(w.ops->name, "xen"))
        skip();    /* nobody else is seen there */
    ok(w.ops->open_sink(&w.open, &w.copy, &e), &e);
    assert_int_equal(w.ops->create(w.copy, &c, &fd, &e), ERR_BUSY);
    assert_int_equal(fd, -1);
    destroys_copy();
    dirties(500);    /* it wasn't told of an end */
}

static void a_copy_stands_and_takes_epochs(void **state)
{
    char name[DOM_NAME_MAX + 16];
    struct err e = { 0 };

    (void)state;
    make_copy();
    snprintf(name, sizeof(name), "%s%s", w.copy_name, SUFFIX);
    assert_string_equal(w.ops->info(w.copy)->name, name);
    for (uint64_t i = 2; i < 6; i++) {
        passes(50);
        suspended();
        ok(w.ops->capture(w.src, &w.stage, i, &e), &e);
        resumed();
        ok(w.ops->apply(w.copy, &w.stage, &e), &e);
        reads_as_applied();
    }
}

static void a_page_outside_of_memory_is_refused(void **state)
{
    struct ckpt c;
    struct err e = { 0 };
    uint64_t *pfns;
    uint8_t *pages;

    (void)state;
    ok(ckpt_init(&c, 1, &e), &e);
    ok(ckpt_add(&c, 1, &pfns, &pages, &e), &e);
    *pfns = (uint64_t)1 << 30;
    memset(pages, 0, CKPT_PAGE_SIZE);
    assert_int_not_equal(w.ops->apply(w.copy, &c, &e), 0);
    assert_true(e.msg[0] != '\0');
    ckpt_dispose(&c);
}

static void a_copy_can_be_destroyed(void **state)
{
    (void)state;
    destroys_copy();
    assert_true(dirties(100) < SIZE_MAX);    /* the source doesn't care */
}

static void a_domain_that_was_a_copy_can_be_destroyed(void **state)
{
    (void)state;
    NEEDS(w.copy);
    destroys_copy();
}

static void a_copy_becomes_the_domain(void **state)
{
    struct err e = { 0 };

    (void)state;
    make_copy();
    suspended();
    ok(w.ops->capture(w.src, &w.stage, 2, &e), &e);
    resumed();
    ok(w.ops->apply(w.copy, &w.stage, &e), &e);
    w.ops->log_stop(w.src);
    w.ops->log_stop(w.src);
    w.ops->close(w.src);
    w.src = NULL;
    if (w.end)
        assert_int_equal(system(w.end), 0);
    ok(w.ops->activate(w.copy, false, &e), &e);
    assert_string_equal(w.ops->info(w.copy)->name, w.copy_name);
    assert_true(w.ops->is_paused(w.copy));
    ok(w.ops->unpause(w.copy, &e), &e);
    assert_false(w.ops->is_paused(w.copy));
    w.ops->close(w.copy);
    w.copy = NULL;
}

static int set_up(void **state)
{
    const char *name = getenv("CONTRACT_DOMAIN");
    FILE *f;

    (void)state;
    strcpy(w.dir, "/tmp/contract-XXXXXX");
    if (!mkdtemp(w.dir))
        return -1;
    w.log = (struct logger) { sink, NULL, LOG_WARN };
    w.open = (struct dom_open) { .name = name ? name : "emb", .log = &w.log,
                                 .state_dir = w.dir };
    w.ops = name ? &dom_xen_ops : &dom_embedded_ops;
    if (!name) {
        w.net_ops = &net_embedded_ops;
        w.hello = embedded_hello;
        w.answers = embedded_answers;
        w.program_at = embedded_program_at;
        w.knows_peers = embedded_knows_peers;
    }
    w.end = getenv("CONTRACT_END");
    snprintf(w.copy_name, sizeof(w.copy_name), "%s-2", w.open.name);
    if (name)
        return 0;
    snprintf(w.config, sizeof(w.config), "%s/emb.json", w.dir);
    w.open.backend_arg = w.config;
    f = fopen(w.config, "w");
    if (!f)
        return -1;
    fprintf(f, "{\"name\": \"emb\", \"uuid\": "
            "\"00112233-4455-6677-8899-aabbccddeeff\", \"pages\": 1024, "
            "\"listen\": \"127.0.0.1:0\", \"work_pages\": 3}\n");
    return fclose(f);
}

static int tear_down(void **state)
{
    (void)state;
    if (w.src)
        w.ops->close(w.src);
    if (w.copy) {
        w.ops->destroy(w.copy, DOM_STEP_LIMIT_MS, NULL);
        w.ops->close(w.copy);
    }
    ckpt_dispose(&w.stage);
    unlink(w.config);
    rmdir(w.dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_domain_is_not_found),
        cmocka_unit_test(it_tells_what_it_is),
        cmocka_unit_test(static_data_does_not_change),
        cmocka_unit_test(every_page_is_listed),
        cmocka_unit_test(it_runs_and_what_it_writes_is_listed),
        cmocka_unit_test(epochs_follow_one_another),
        cmocka_unit_test(a_staging_that_is_too_small_loses_nothing),
        cmocka_unit_test(a_request_is_withdrawn_or_answered),
        cmocka_unit_test(a_paused_domain_stands_still),
        cmocka_unit_test(a_lease_that_is_given_up_ends_no_host),
        cmocka_unit_test(a_copy_that_is_refused_touches_nobody),
        cmocka_unit_test(a_copy_stands_and_takes_epochs),
        cmocka_unit_test(a_page_outside_of_memory_is_refused),
        cmocka_unit_test(what_a_copy_writes_is_listed_and_overwritten),
        cmocka_unit_test(a_copy_begins_where_its_epoch_ended),
        cmocka_unit_test(frames_wait_for_a_copy_until_the_next_epoch),
        cmocka_unit_test(a_copy_can_be_destroyed),
        cmocka_unit_test(a_copy_forgets_whom_its_domain_knew),
        cmocka_unit_test(a_domain_that_was_a_copy_can_be_destroyed),
        cmocka_unit_test(a_copy_that_ran_goes_on_as_it_is),
        cmocka_unit_test(a_domain_that_was_a_copy_can_be_destroyed),
        cmocka_unit_test(a_copy_becomes_the_domain),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
