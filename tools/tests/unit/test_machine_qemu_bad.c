/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The tables of QEMU's dialect: each thing that the other side may do wrong,
 * each step that may fail, and the ways in which protection ends.
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
#include "machines.h"

#define P (&qemu_primary_machine)
#define S (&qemu_secondary_machine)

/* ---- bad behaviour ------------------------------------------------------ */

/* Of what comes while @s waits for @want, all but that is a loss. */
static void wants(const struct machine *m, int s, int want, const int *others,
                  int lose)
{
    for (; *others >= 0; others++)
        if (*others != want && (!machine_begins_with(m, s, *others, lose) ||
                                cell(m, s, *others)->next != s))
            fail_msg("%s in %s", m->triggers[*others].name,
                     m->states[s].name);
    assert_false(machine_begins_with(m, s, want, lose));
}

static void a_message_out_of_turn_is_a_loss(void **state)
{
    static const int due[] = { QPT_READY, QPT_REPLY, QPT_RECEIVED, QPT_LOADED,
                               QPT_GARBAGE, QPT_STEP_OUT, -1 };
    static const int words[] = { QST_REQUEST, QST_SEND, QST_SIZE,
                                 QST_OVERSIZE, QST_GARBAGE, QST_STEP_OUT,
                                 -1 };

    (void)state;
    wants(P, QP_READY, QPT_READY, due, QPA_LOSE);
    wants(P, QP_REPLY, QPT_REPLY, due, QPA_LOSE);
    wants(P, QP_RECEIVED, QPT_RECEIVED, due, QPA_LOSE);
    wants(P, QP_LOADED, QPT_LOADED, due, QPA_LOSE);
    wants(S, QS_RUN, QST_REQUEST, words, QSA_LOSE);
    wants(S, QS_REPLIED, QST_SEND, words, QSA_LOSE);
    wants(S, QS_SIZE, QST_SIZE, words, QSA_LOSE);
}

static void octets_after_the_end_are_a_loss(void **state)
{
    static const int quiet[] = { QP_OPEN, QP_FIRST, QP_STOP, QP_REST, QP_RUN,
                                 QP_SUSPEND, QP_RAM, QP_BLOB, QP_END };
    static const int busy[] = { QS_CREATE, QS_SUSPEND, QS_LOAD };

    (void)state;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
        assert_true(machine_begins_with(P, quiet[i], QPT_EXTRA, QPA_LOSE));
    for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
        assert_true(machine_begins_with(S, busy[i], QST_EXTRA, QSA_LOSE));
    WALK(S, QS_RAM, "garbage: lose-peer > buffer-ram",
         "lost-auto: disconnect discard activate > take-over");
    WALK(S, QS_SIZE, "oversize: lose-peer > await-size");
}

/* Whatever is waited for of the other side has a limit: its own clock, or
   (octets that are due) silence, which is a loss. */
static void every_wait_for_the_peer_ends(void **state)
{
    static const int lost[] = { QST_LOST_EARLY, QST_LOST_FENCE, QST_LOST_AUTO,
                                QST_LOST_MANUAL };

    (void)state;
    for (int s = QS_OPEN; s <= QS_LOAD; s++) {
        bool any = false;

        for (int i = 0; i < 4; i++)
            any = any || (cell(S, s, lost[i])->set &&
                          cell(S, s, lost[i])->next != s);
        assert_true(any || s == QS_APPLY);
    }
    for (int s = QP_OPEN; s <= QP_LOADED; s++)
        assert_true(s == QP_SAVE ||
                    (cell(P, s, QPT_LOST_EARLY)->set &&
                     cell(P, s, QPT_LOST_EARLY)->next != s) ||
                    (cell(P, s, QPT_LOST_FENCE)->next != s &&
                     cell(P, s, QPT_LOST_MANUAL)->next != s));
    WALK(S, QS_CREATE, "step-out: fail > create",
         "local-failed: destroy-copy disconnect finish > done");
    WALK(S, QS_LOAD, "step-out: fail > load",
         "local-failed: destroy-copy disconnect finish > done");
}

/* ---- failures and ends -------------------------------------------------- */

static void a_failed_step_never_goes_on(void **state)
{
    (void)state;
    WALK(P, QP_STOP, "suspend-failed: disconnect obey-run-state release-all "
         "guest-end finish > done");
    WALK(P, QP_SUSPEND, "suspend-failed: obey-run-state run-fence > fence");
    WALK(P, QP_SAVE, "save-failed: obey-run-state resume run-fence > fence");
    WALK(P, QP_RAM, "ram-failed: obey-run-state resume run-fence > fence");
    WALK(P, QP_RUN, "resume-failed: destroy-domain disconnect drop-output "
         "finish > done");
    WALK(S, QS_SUSPEND,
         "suspend-failed: destroy-copy disconnect finish > done");
    WALK(S, QS_RAM, "ram-failed: destroy-copy disconnect finish > done");
    WALK(S, QS_APPLY, "apply-failed: destroy-copy disconnect finish > done");
    WALK(S, QS_LOAD, "load-failed: destroy-copy disconnect finish > done");
    WALK(S, QS_RUN, "resume-failed: destroy-copy disconnect finish > done");
    WALK(S, QS_TAKE, "activate-failed: finish > done");
}

static void an_end_fences_first_and_closes_then(void **state)
{
    (void)state;
    WALK(P, QP_RUN, "user-stop: run-fence > end", "differs: > end",
         "fenced: disconnect obey-run-state release-all guest-end finish "
         "> done");
    WALK(P, QP_RUN, "user-stop: run-fence > end",
         "no-fence: refuse send-request arm-answer > await-reply",
         "user-stop: defer > await-reply");
    WALK(P, QP_RUN, "guest-ended: run-fence > fence",
         "no-fence: disconnect ask-user > held", "guest-ended: > held");
    WALK(P, QP_FIRST, "user-stop: disconnect obey-run-state release-all "
         "guest-end finish > done");
}

static void a_destroyed_domain_is_left_to_the_copy(void **state)
{
    (void)state;
    for (int s = 0; s < QP_DONE; s++)
        if (s != QP_SAVE)
            WALK(P, s, "destroyed: disconnect drop-output finish > done");
}

static void the_users_word_isnt_taken_while_the_peer_speaks(void **state)
{
    (void)state;
    for (int s = QP_READY; s <= QP_END; s++)
        if (s != QP_SAVE && s != QP_HELD)
            assert_true(machine_begins_with(P, s, QPT_USER_LIVE,
                                            QPA_REFUSE));
    for (int s = QS_OPEN; s <= QS_LOAD; s++)
        if (s != QS_APPLY)
            assert_true(machine_begins_with(S, s, QST_USER_LIVE,
                                            QSA_REFUSE));
}

static void a_copy_that_ended_waits_for_the_next_checkpoint(void **state)
{
    (void)state;
    WALK(S, QS_RUN, "copy-ended: > run", "request: stop-copy > suspend",
         "copy-ended: > suspend");
    WALK(S, QS_RUN, "copy-gone: destroy-copy disconnect finish > done");
    WALK(S, QS_BLOB, "user-stop: destroy-copy disconnect finish > done");
}

static void a_trace_of_this_dialect_is_held_against_it(void **state)
{
    struct err e = { 0 };
    struct trace t;

    (void)state;
    trace_init(&t);
    assert_int_equal(trace_line(&t, "machine=qemu-primary state=run "
                                "trigger=interval next=await-reply", &e), 0);
    assert_int_equal(trace_line(&t, "machine=qemu-primary state=await-reply "
                                "trigger=reply next=suspend", &e), 0);
    assert_int_equal(trace_line(&t, "machine=qemu-secondary state=buffer-ram "
                                "trigger=request next=suspend", &e),
                     ERR_FORMAT);
    assert_non_null(strstr(e.msg, "octets are the pages' until their end"));
    assert_int_equal(trace_line(&t, "machine=qemu-primary state=run "
                                "trigger=interval next=await-reply", &e),
                     ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_out_of_turn_is_a_loss),
        cmocka_unit_test(octets_after_the_end_are_a_loss),
        cmocka_unit_test(every_wait_for_the_peer_ends),
        cmocka_unit_test(a_failed_step_never_goes_on),
        cmocka_unit_test(an_end_fences_first_and_closes_then),
        cmocka_unit_test(a_destroyed_domain_is_left_to_the_copy),
        cmocka_unit_test(the_users_word_isnt_taken_while_the_peer_speaks),
        cmocka_unit_test(a_copy_that_ended_waits_for_the_next_checkpoint),
        cmocka_unit_test(a_trace_of_this_dialect_is_held_against_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
