/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The longest silence of a peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link.h"

#define SILENCE_MS ((uint64_t)1000)

struct env {
    uint64_t now_ns;
};

static uint64_t now(struct env *v)
{
    return v->now_ns;
}

static void timer(struct env *v, enum env_timer t, uint64_t delay_ns)
{
    (void)v;
    (void)t;
    (void)delay_ns;
}

static const struct env_ops ops = { .now = now, .timer = timer };

/* A peer of ours that may be silent for so long. */
static void meet(struct colo_link *l, struct env *v, uint64_t silence_ms)
{
    static const struct colo_params params = { .silence_ms = SILENCE_MS };
    struct err e;

    v->now_ns = 5000 * ENV_MS;
    assert_int_equal(link_init(l, &ops, v, NULL, SR_BACK, &params, &e), 0);
    link_start_beating(l, SILENCE_MS / 5 * ENV_MS);
    link_start_listening(l);
    link_allow_silence(l, silence_ms * ENV_MS);
}

static void pass(struct env *v, uint64_t ms)
{
    v->now_ns += ms * ENV_MS;
}

static void is_quiet(const struct colo_link *l, uint64_t ms)
{
    assert_int_equal(link_quiet_max(l), ms * ENV_MS);
}

static void the_longest_silence_is_kept(void **state)
{
    struct colo_link l;
    struct env v;

    (void)state;
    meet(&l, &v, SILENCE_MS);
    pass(&v, 300);
    link_heard(&l);
    pass(&v, 700);
    is_quiet(&l, 700);    /* the present one counts */
    link_heard(&l);
    pass(&v, 400);
    link_heard(&l);
    is_quiet(&l, 700);
    link_dispose(&l);
}

static void what_we_do_not_take_is_no_silence(void **state)
{
    struct colo_link l;
    struct env v;

    (void)state;
    meet(&l, &v, SILENCE_MS);
    pass(&v, 300);
    link_heard(&l);
    pass(&v, 900);
    link_listens_again(&l);
    pass(&v, 100);
    link_heard(&l);
    is_quiet(&l, 300);
    link_dispose(&l);
}

/* While a copy is made its host may be silent for long. */
static void a_shorter_limit_begins_anew(void **state)
{
    struct colo_link l;
    struct env v;

    (void)state;
    meet(&l, &v, 60 * SILENCE_MS);
    pass(&v, 5000);
    link_heard(&l);
    is_quiet(&l, 5000);
    link_allow_silence(&l, SILENCE_MS * ENV_MS);
    is_quiet(&l, 0);
    pass(&v, 200);
    link_heard(&l);
    link_allow_silence(&l, 60 * SILENCE_MS * ENV_MS);
    is_quiet(&l, 200);
    link_dispose(&l);
}

static void a_peer_that_gives_no_signs_of_life_is_not_silent(void **state)
{
    struct colo_link l;
    struct env v;

    (void)state;
    meet(&l, &v, SILENCE_MS);
    l.own = false;
    pass(&v, 700);
    link_heard(&l);
    is_quiet(&l, 0);
    link_dispose(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_silence_is_kept),
        cmocka_unit_test(what_we_do_not_take_is_no_silence),
        cmocka_unit_test(a_shorter_limit_begins_anew),
        cmocka_unit_test(a_peer_that_gives_no_signs_of_life_is_not_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
