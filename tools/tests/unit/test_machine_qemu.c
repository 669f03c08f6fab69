/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The tables of QEMU's dialect: a good checkpoint in each mode, a loss in each
 * phase, and when output leaves. The two tables together are searched by
 * tools/tests/model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "machine_qemu_primary.h"
#include "machine_qemu_secondary.h"
#include "machine_walk.h"

#define P (&qemu_primary_machine)
#define S (&qemu_secondary_machine)

/* ---- what goes well ----------------------------------------------------- */

static void primary_starts(void **state)
{
    (void)state;
    assert_int_equal(WALK(P, QP_OPEN,
        "opened: start-dirty-log send-head send-round > first-copy",
        "round-sent: send-round > first-copy",
        "converged: ask-suspend > first-stop",
        "suspended: hold-output send-rest > first-rest",
        "sent: arm-answer > await-ready",
        "ready: obey-run-state resume start-compare arm-interval recall "
        "> run"), QP_RUN);
}

static void primary_takes_a_checkpoint(const char *why)
{
    assert_int_equal(WALK(P, QP_RUN, why,
        "reply: ask-suspend > suspend",
        "suspended: save > save",
        "saved: send-vmstate-send send-ram > send-ram",
        "ram-sent: send-state > send-state",
        "sent: arm-answer > await-received",
        "received: release-epoch arm-answer > await-loaded",
        "loaded: obey-run-state resume start-compare arm-interval recall "
        "> run"), QP_RUN);
}

static void primary_takes_checkpoints_in_each_mode(void **state)
{
    (void)state;
    primary_takes_a_checkpoint(
        "interval: send-request arm-answer > await-reply");
    primary_takes_a_checkpoint(
        "differs: send-request arm-answer > await-reply");
    primary_takes_a_checkpoint(
        "user-pause: send-request arm-answer > await-reply");
}

static void secondary_takes_a_checkpoint(void **state)
{
    (void)state;
    assert_int_equal(WALK(S, QS_OPEN,
        "head: create-copy > first-copy",
        "first-end: feed-end arm-load > create",
        "created: run-copy send-ready arm-request > run",
        "request: stop-copy > suspend",
        "suspended: send-reply arm-answer > await-send",
        "vmstate-send: > buffer-ram",
        "ram-end: arm-answer > await-size",
        "vmstate-size: > buffer-state",
        "state-end: send-received apply > apply",
        "applied: load-state arm-load > load",
        "loaded: run-copy send-loaded arm-request > run"), QS_RUN);
}

/* ---- a loss in each phase ----------------------------------------------- */

static void secondary_with_nothing_gives_up(void **state)
{
    (void)state;
    WALK(S, QS_OPEN, "lost-early: disconnect finish > done");
    WALK(S, QS_FIRST, "lost-early: disconnect destroy-copy finish > done");
    WALK(S, QS_CREATE, "lost-early: disconnect destroy-copy finish > done");
    WALK(S, QS_CREATE, "user-failover: refuse > create");
}

static void secondary_goes_on_as_it_is(void **state)
{
    static const int states[] = { QS_RUN, QS_REPLIED };

    (void)state;
    for (int i = 0; i < 2; i++) {
        WALK(S, states[i], "lost-auto: disconnect activate > take-over",
             "activated: announce finish > done");
        WALK(S, states[i], "lost-fence: disconnect run-fence > fence",
             "fenced: activate > take-over");
        WALK(S, states[i], "lost-manual: disconnect ask-user > ask",
             "user-failover: activate > take-over");
        WALK(S, states[i], "user-failover: disconnect activate > take-over");
    }
}

static void secondary_forgets_a_partial_checkpoint(void **state)
{
    static const int states[] = { QS_RAM, QS_SIZE, QS_BLOB };

    (void)state;
    for (int i = 0; i < 3; i++) {
        WALK(S, states[i],
             "lost-auto: disconnect discard activate > take-over");
        WALK(S, states[i],
             "lost-fence: disconnect discard run-fence > fence",
             "fence-failed: arm-retry ask-user > ask",
             "retry: run-fence > fence");
        WALK(S, states[i],
             "lost-manual: disconnect discard ask-user > ask");
        WALK(S, states[i],
             "user-failover: disconnect discard activate > take-over");
    }
}

static void secondary_finishes_a_complete_checkpoint(void **state)
{
    (void)state;
    WALK(S, QS_LOAD, "lost-auto: disconnect defer > finish",
         "loaded: recall > run",
         "lost-auto: disconnect activate > take-over");
    WALK(S, QS_LOAD, "lost-fence: disconnect defer > finish",
         "user-failover: defer > finish", "loaded: recall > run",
         "lost-fence: disconnect run-fence > fence",
         "user-failover: activate > take-over");
    WALK(S, QS_LOAD, "user-failover: disconnect defer > finish",
         "load-failed: destroy-copy finish > done");
    for (int t = 0; t < QST_NR; t++) {
        /* Nothing interrupts it. */
        assert_true(!cell(S, QS_APPLY, t)->set || t == QST_APPLIED ||
                    t == QST_APPLY_FAILED);
        assert_false(does(cell(S, QS_LOAD, t), QSA_ACTIVATE) ||
                     does(cell(S, QS_LOAD, t), QSA_DISCARD) ||
                     does(cell(S, QS_FINISH, t), QSA_ACTIVATE));
    }
}

static void a_copy_asked_to_stand_is_waited_for(void **state)
{
    (void)state;
    WALK(S, QS_SUSPEND, "lost-auto: disconnect defer > finish",
         "suspended: recall > run");
    WALK(S, QS_SUSPEND, "user-failover: disconnect defer > finish",
         "suspend-failed: recall > run");
}

static void only_proof_starts_a_copy(void **state)
{
    (void)state;
    for (int s = 0; s < QS_STATES_NR; s++)
        for (int t = 0; t < QST_NR; t++) {
            if (does(cell(S, s, t), QSA_ACTIVATE) && t != QST_FENCED &&
                t != QST_LOST_AUTO && t != QST_USER_FAILOVER)
                fail_msg("%s in %s", S->triggers[t].name, S->states[s].name);
            if (does(cell(S, s, t), QSA_ACTIVATE))
                assert_int_equal(cell(S, s, t)->next, QS_TAKE);
        }
}

static void primary_lost_early_goes_on(void **state)
{
    (void)state;
    WALK(P, QP_FIRST, "lost-early: disconnect obey-run-state release-all "
         "guest-end finish > done");
    WALK(P, QP_STOP, "lost-early: disconnect cancel-suspend > close",
         "suspended: obey-run-state resume release-all guest-end finish "
         "> done");
    WALK(P, QP_REST, "lost-early: disconnect obey-run-state resume "
         "release-all guest-end finish > done");
}

static void primary_lost_late_holds_its_output(void **state)
{
    static const int stands[] = { QP_READY, QP_RAM, QP_BLOB, QP_RECEIVED,
                                  QP_LOADED };
    static const int runs[] = { QP_RUN, QP_REPLY };

    (void)state;
    for (int i = 0; i < 5; i++) {
        WALK(P, stands[i], "lost-fence: disconnect obey-run-state resume "
             "run-fence > fence", "fenced: disconnect obey-run-state "
             "release-all guest-end finish > done");
        WALK(P, stands[i], "lost-manual: disconnect obey-run-state resume "
             "ask-user > held");
    }
    for (int i = 0; i < 2; i++) {
        WALK(P, runs[i], "lost-fence: disconnect obey-run-state run-fence "
             "> fence", "fence-failed: disconnect arm-retry ask-user > held",
             "retry: run-fence > fence");
        WALK(P, runs[i], "lost-manual: disconnect obey-run-state ask-user "
             "> held", "user-release: disconnect obey-run-state release-all "
             "guest-end finish > done");
    }
    WALK(P, QP_SUSPEND, "lost-fence: disconnect cancel-suspend > settle",
         "cancelled: obey-run-state run-fence > fence",
         "no-fence: disconnect ask-user > held");
    /* Saving takes no input: it waits, and is taken in the next state. */
    for (int t = 0; t < QPT_NR; t++)
        assert_true(!cell(P, QP_SAVE, t)->set || t == QPT_SAVED ||
                    t == QPT_SAVE_FAILED);
}

/* ---- output ------------------------------------------------------------- */

static bool early(int s)
{
    return s == QP_OPEN || s == QP_FIRST || s == QP_STOP || s == QP_REST;
}

static void output_leaves_only_when_it_may(void **state)
{
    (void)state;
    for (int s = 0; s < QP_STATES_NR; s++)
        for (int t = 0; t < QPT_NR; t++) {
            const struct machine_cell *c = cell(P, s, t);

            assert_int_equal(does(c, QPA_RELEASE_EPOCH),
                             s == QP_RECEIVED && t == QPT_RECEIVED);
            if (does(c, QPA_RELEASE_ALL) && !early(s) && s != QP_CLOSE &&
                t != QPT_FENCED && t != QPT_USER_RELEASE)
                fail_msg("%s in %s", P->triggers[t].name, P->states[s].name);
            if (c->set && c->next == QP_CLOSE && !early(s) && s != QP_CLOSE)
                assert_int_equal(t, QPT_USER_RELEASE);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primary_starts),
        cmocka_unit_test(primary_takes_checkpoints_in_each_mode),
        cmocka_unit_test(secondary_takes_a_checkpoint),
        cmocka_unit_test(secondary_with_nothing_gives_up),
        cmocka_unit_test(secondary_goes_on_as_it_is),
        cmocka_unit_test(secondary_forgets_a_partial_checkpoint),
        cmocka_unit_test(secondary_finishes_a_complete_checkpoint),
        cmocka_unit_test(a_copy_asked_to_stand_is_waited_for),
        cmocka_unit_test(only_proof_starts_a_copy),
        cmocka_unit_test(primary_lost_early_goes_on),
        cmocka_unit_test(primary_lost_late_holds_its_output),
        cmocka_unit_test(output_leaves_only_when_it_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
