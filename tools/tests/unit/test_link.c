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
    struct colo_link link;
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

static struct env world;
static struct colo_link *const l = &world.link;

static void pass(uint64_t ms)
{
    world.now_ns += ms * ENV_MS;
}

/* A peer of ours, while its copy is made. */
static int meet(void **state)
{
    static const struct colo_params params = { .silence_ms = SILENCE_MS };
    struct err e;

    (void)state;
    pass(5000);
    if (link_init(l, &ops, &world, NULL, SR_BACK, &params, &e))
        return -1;
    link_start_beating(l, SILENCE_MS / 5 * ENV_MS);
    link_start_listening(l);
    return 0;
}

static int part(void **state)
{
    (void)state;
    link_dispose(l);
    return 0;
}

static void protect(void)
{
    link_allow_silence(l, SILENCE_MS * ENV_MS);
}

/* It says something after so long. */
static void heard_after(uint64_t ms)
{
    pass(ms);
    link_heard(l);
}

static void is_quiet(uint64_t ms)
{
    assert_int_equal(link_quiet_max(l), ms * ENV_MS);
}

static void the_longest_silence_is_kept(void **state)
{
    (void)state;
    protect();
    heard_after(300);
    pass(700);
    is_quiet(700);    /* the present one counts */
    link_heard(l);
    heard_after(400);
    is_quiet(700);
}

static void what_we_do_not_take_is_no_silence(void **state)
{
    (void)state;
    protect();
    heard_after(300);
    pass(900);
    link_listens_again(l);
    heard_after(100);
    is_quiet(300);
}

/* While a copy is made or destroyed its host may be silent for long. */
static void the_user_s_limit_begins_anew(void **state)
{
    (void)state;
    heard_after(5000);
    is_quiet(5000);
    protect();
    is_quiet(0);
    heard_after(200);
    link_allow_silence(l, LINK_EARLY_SILENCE_NS);
    is_quiet(200);
}

static void a_longer_limit_of_the_user_s_does_so_too(void **state)
{
    (void)state;
    heard_after(5000);
    link_allow_silence(l, 2 * LINK_EARLY_SILENCE_NS);
    is_quiet(0);
}

static void who_gives_no_signs_of_life_is_not_silent(void **state)
{
    (void)state;
    l->own = false;
    protect();
    heard_after(700);
    is_quiet(0);
}

#define WITH_A_PEER(test) cmocka_unit_test_setup_teardown(test, meet, part)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_PEER(the_longest_silence_is_kept),
        WITH_A_PEER(what_we_do_not_take_is_no_silence),
        WITH_A_PEER(the_user_s_limit_begins_anew),
        WITH_A_PEER(a_longer_limit_of_the_user_s_does_so_too),
        WITH_A_PEER(who_gives_no_signs_of_life_is_not_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
