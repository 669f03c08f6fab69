/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Run states: every tuple of locks and reason, with everything that can
 * happen to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run_state.h"

#define TUPLES ((1 << RUN_LOCKS_NR) * PAUSE_REASONS_NR)

static struct run_state tuple(int i)
{
    struct run_state rs = {
        .reason = (enum pause_reason)(i >> RUN_LOCKS_NR),
    };

    for (int l = 0; l < RUN_LOCKS_NR; l++)
        rs.held[l] = i >> l & 1;
    return rs;
}

static void assert_locks(const struct run_state *a, const struct run_state *b,
                         int but)
{
    for (int l = 0; l < RUN_LOCKS_NR; l++)
        if (l != but)
            assert_int_equal(a->held[l], b->held[l]);
}

static bool needs_force(enum pause_reason r)
{
    return r == PAUSE_WATCHDOG || r == PAUSE_POSTMIGRATE ||
           r == PAUSE_PANICKED;
}

static void it_runs_when_nothing_keeps_it(void **state)
{
    int run = 0;

    (void)state;
    for (int i = 0; i < TUPLES; i++) {
        struct run_state rs = tuple(i);

        assert_int_equal(run_state_runs(&rs), i == 0);
        run += run_state_runs(&rs);
    }
    assert_int_equal(run, 1);
}

static void commands_do_as_proposed(void **state)
{
    (void)state;
    for (int i = 0; i < TUPLES; i++) {
        const struct run_state from = tuple(i);
        struct run_state to = from;

        assert_int_equal(run_state_command(&to, RUN_STOP, NULL), 0);
        assert_int_equal(to.reason, from.reason == PAUSE_NONE ? PAUSE_PAUSED
                                                              : from.reason);
        assert_locks(&from, &to, -1);
        to = from;
        assert_int_equal(run_state_command(&to, RUN_RETRY, NULL), 0);
        assert_false(to.held[RUN_LOCK_IO_ERROR]);
        assert_int_equal(to.reason, from.reason);
        assert_locks(&from, &to, RUN_LOCK_IO_ERROR);
        to = from;
        assert_int_equal(run_state_command(&to, RUN_START, NULL),
                         needs_force(from.reason) ? ERR_DOMAIN : 0);
        assert_int_equal(to.reason, needs_force(from.reason) ? from.reason
                                                             : PAUSE_NONE);
        assert_locks(&from, &to, -1);
        to = from;
        assert_int_equal(run_state_command(&to, RUN_START_FORCE, NULL), 0);
        assert_int_equal(to.reason, PAUSE_NONE);
        assert_locks(&from, &to, -1);
        to = from;
        assert_int_equal(run_state_command(&to, RUN_CONT, NULL), 0);
        assert_int_equal(to.reason, PAUSE_NONE);
        assert_false(to.held[RUN_LOCK_IO_ERROR]);
        assert_locks(&from, &to, RUN_LOCK_IO_ERROR);
    }
}

static void no_command_opens_the_lock_of_an_epoch(void **state)
{
    (void)state;
    for (int i = 0; i < TUPLES; i++)
        for (int c = 0; c < RUN_COMMANDS_NR; c++) {
            struct run_state rs = tuple(i);

            rs.held[RUN_LOCK_CHECKPOINT] = true;
            run_state_command(&rs, (enum run_command)c, NULL);
            assert_true(rs.held[RUN_LOCK_CHECKPOINT]);
            assert_false(run_state_runs(&rs));
        }
}

/* What the user says while an epoch is taken holds afterwards. */
static void an_epoch_forgets_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < TUPLES; i++)
        for (int c = 0; c < RUN_COMMANDS_NR; c++) {
            struct run_state with = tuple(i), without;

            if (with.held[RUN_LOCK_CHECKPOINT])
                continue;
            without = with;
            run_state_command(&without, (enum run_command)c, NULL);
            assert_int_equal(run_state_lock(&with, RUN_LOCK_CHECKPOINT,
                                            LOCK_T_TAKE, NULL), 0);
            run_state_command(&with, (enum run_command)c, NULL);
            assert_int_equal(run_state_lock(&with, RUN_LOCK_CHECKPOINT,
                                            LOCK_T_RELEASE, NULL), 0);
            assert_int_equal(with.reason, without.reason);
            assert_locks(&with, &without, -1);
        }
}

static void locks_are_opened_by_who_may(void **state)
{
    struct err e = { 0 };

    (void)state;
    for (int l = 0; l < RUN_LOCKS_NR; l++) {
        bool user = l == RUN_LOCK_IO_ERROR;
        struct run_state rs = { 0 };

        assert_int_equal(run_state_lock(&rs, (enum run_lock)l, LOCK_T_TAKE,
                                        &e), 0);
        assert_true(rs.held[l]);
        assert_int_equal(run_state_lock(&rs, (enum run_lock)l,
                                        user ? LOCK_T_RELEASE : LOCK_T_RETRY,
                                        &e), ERR_BUG);
        assert_true(rs.held[l]);
        assert_int_equal(run_state_lock(&rs, (enum run_lock)l,
                                        user ? LOCK_T_RETRY : LOCK_T_RELEASE,
                                        &e), 0);
        assert_true(run_state_runs(&rs));
    }
}

static void a_graver_reason_stays(void **state)
{
    struct run_state rs = { .reason = PAUSE_PAUSED };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(run_state_event(&rs, PAUSE_T_PANIC, &e), 0);
    assert_int_equal(rs.reason, PAUSE_PANICKED);
    assert_int_equal(run_state_event(&rs, PAUSE_T_WATCHDOG, &e), 0);
    assert_int_equal(rs.reason, PAUSE_PANICKED);
    assert_int_equal(run_state_command(&rs, RUN_START, &e), ERR_DOMAIN);
    assert_non_null(strstr(e.msg, "-f"));
    assert_int_equal(run_state_command(&rs, RUN_CONT, &e), 0);
    assert_true(run_state_runs(&rs));
    rs.reason = PAUSE_PRELAUNCH;
    assert_int_equal(run_state_event(&rs, PAUSE_T_PANIC, &e), ERR_BUG);
    assert_int_equal(rs.reason, PAUSE_PRELAUNCH);
}

static void names_are_those_of_qemu(void **state)
{
    static const struct { struct run_state rs; const char *name; } all[] = {
        { { .reason = PAUSE_NONE }, "running" },
        { { .reason = PAUSE_PRELAUNCH }, "prelaunch" },
        { { .reason = PAUSE_PAUSED }, "paused" },
        { { .reason = PAUSE_WATCHDOG }, "watchdog" },
        { { .reason = PAUSE_POSTMIGRATE }, "postmigrate" },
        { { .reason = PAUSE_PANICKED }, "guest-panicked" },
        { { .held[RUN_LOCK_DEBUG] = true }, "debug" },
        { { .held[RUN_LOCK_SAVE] = true }, "finish-migrate" },
        { { .held[RUN_LOCK_CHECKPOINT] = true }, "colo" },
        { { .held[RUN_LOCK_RESTORE] = true }, "inmigrate" },
        { { .held[RUN_LOCK_IO_ERROR] = true }, "io-error" },
        { { .held[RUN_LOCK_CHECKPOINT] = true, .reason = PAUSE_PAUSED },
          "colo" },
        { { .held[RUN_LOCK_CHECKPOINT] = true,
            .held[RUN_LOCK_RESTORE] = true }, "inmigrate" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_string_equal(run_state_name(&all[i].rs), all[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_when_nothing_keeps_it),
        cmocka_unit_test(commands_do_as_proposed),
        cmocka_unit_test(no_command_opens_the_lock_of_an_epoch),
        cmocka_unit_test(an_epoch_forgets_nothing),
        cmocka_unit_test(locks_are_opened_by_who_may),
        cmocka_unit_test(a_graver_reason_stays),
        cmocka_unit_test(names_are_those_of_qemu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
