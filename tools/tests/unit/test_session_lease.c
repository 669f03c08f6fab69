/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sessions whose fence is a lease: who is refused, and what becomes of the
 * domain when it isn't known any more that its peer hears us. How long the
 * copy waits is the simulator's to check, which has a clock of its own.
 */
#include "session_pair.h"

#include <sys/mman.h>

/* What the domain's host was last asked for; shared with both sides. */
static struct asked { unsigned int seconds, times; } *asked;

static int ask_for(struct dom *d, unsigned int seconds, struct err *e)
{
    (void)d;
    (void)e;
    asked->seconds = seconds;
    asked->times++;
    return 0;
}

static int refuse(struct dom *d, unsigned int seconds, struct err *e)
{
    (void)d;
    return err_set(e, ERR_BUSY, "no %u s for anybody", seconds);
}

static void refused(const struct pair *p, const char *what)
{
    char *reply = NULL;

    assert_int_equal(colo_control(p->run_a, "emb", what, &reply, NULL), 0);
    assert_memory_equal(reply, "error ", 6);
    free(reply);
}

static const struct side plain;
static const struct side waits = { .lease_s = 3 };

static void a_host_that_cant_be_ended_has_no_lease(void **state)
{
    struct pair p = { .a = 0 };

    (void)state;
    start(&p, &waits, &plain);
    assert_int_equal(ended(&p.a), 99);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    stop(&p);
}

static void who_is_to_wait_for_a_lease_wants_one(void **state)
{
    struct pair p = { .a = 0 };

    (void)state;
    start(&p, &plain, &waits);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    assert_int_equal(ended(&p.a), COLO_END_FAILED);
    stop(&p);
}

/* Nothing was there yet that could take over. */
static void without_its_lease_nothing_is_protected(void **state)
{
    struct dom_ops ops = dom_embedded_ops;
    struct side a = { .lease_s = 3, .dom_ops = &ops }, b = plain;

    (void)state;
    ops.lease = refuse;
    for (int i = 0; i < 2; i++) {
        struct pair p = { .a = 0 };

        a.colo = b.colo = i;
        start(&p, &a, &b);
        assert_int_equal(ended(&p.a), COLO_END_FAILED);
        assert_int_equal(ended(&p.b), COLO_END_DISCARDED);
        stop(&p);
    }
}

/* One that stood still for a second has lost its lease, be it early: again. */
static void start_protected(struct pair *p, const struct side *a)
{
    for (;;) {
        bool over = false;

        start(p, a, &plain);
        for (uint64_t end = clock_ns() + PATIENCE_NS; clock_ns() < end &&
             !over; tick()) {
            CLEANUP_FREE char *reply = NULL;
            struct err e;

            over = waitpid(p->a, NULL, WNOHANG) == p->a;
            if (over) {
                p->a = 0;
                continue;
            }
            if (colo_control(p->run_a, "emb", "status", &reply, &e))
                continue;
            if (strstr(reply, "\"protected\""))
                return;
            over = strstr(reply, "\"held\"") != NULL;
        }
        stop(p);
        assert_true(over);
    }
}

/* Silence alone wouldn't have been noticed. */
static void a_domain_that_may_be_taken_over_stands_still(void **state)
{
    struct dom_ops ops = dom_embedded_ops;
    struct side a = { .lease_s = 3, .dom_ops = &ops };
    unsigned int times;
    struct pair p;

    (void)state;
    ops.lease = ask_for;
    start_protected(&p, &a);
    assert_int_equal(asked->seconds, 3);
    kill(p.b, SIGSTOP);
    await(p.run_a, "emb", "\"held\",");
    await(p.run_a, "emb", "this one stands still");
    await(p.run_a, "emb", "\"paused\":\"here\"");
    refused(&p, "unpause");
    refused(&p, "stop");
    for (times = asked->times; asked->times < times + 3; tick())
        ;    /* its host lives on */
    assert_int_equal(asked->seconds, 3);
    command(p.run_a, "emb", "stop-release");
    assert_int_equal(ended(&p.a), COLO_END_ALONE);
    assert_int_equal(asked->seconds, 0);
    stop(&p);
}

static void an_end_gives_the_lease_up(void **state)
{
    struct dom_ops ops = dom_embedded_ops;
    struct side a = { .lease_s = 3, .dom_ops = &ops };
    struct pair p;

    (void)state;
    ops.lease = ask_for;
    start_protected(&p, &a);
    command(p.run_b, "emb", "stop");
    assert_int_equal(ended(&p.a), COLO_END_PEER);
    assert_int_equal(asked->seconds, 0);
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_cant_be_ended_has_no_lease),
        cmocka_unit_test(who_is_to_wait_for_a_lease_wants_one),
        cmocka_unit_test(without_its_lease_nothing_is_protected),
        cmocka_unit_test(a_domain_that_may_be_taken_over_stands_still),
        cmocka_unit_test(an_end_gives_the_lease_up),
    };

    asked = mmap(NULL, sizeof(*asked), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return asked == MAP_FAILED ||
           cmocka_run_group_tests(tests, NULL, NULL);
}
