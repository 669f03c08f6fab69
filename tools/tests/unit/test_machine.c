/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The tables: every cell of every one is visited, every fault that a table
 * can have is found, and every action of the engine's tables is implemented.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine_qemu_primary.h"
#include "machine_qemu_secondary.h"
#include "machines.h"
#include "primary_int.h"
#include "run_state.h"
#include "secondary_int.h"

static void visit(const struct machine *m, int s, int t)
{
    const struct machine_cell *want = m->cells + s * m->triggers_nr + t;
    const struct machine_cell *got = NULL;
    struct err e = { 0 };
    int rc = machine_step(m, s, t, &got, &e);

    if (want->set) {
        assert_int_equal(rc, 0);
        assert_ptr_equal(got, want);
        return;
    }
    assert_int_equal(rc, ERR_BUG);
    assert_null(got);
    assert_non_null(strstr(e.msg, want->reason));
    assert_non_null(strstr(e.msg, m->states[s].name));
    assert_non_null(strstr(e.msg, m->triggers[t].name));
}

static void every_cell_of_every_table_is_decided(void **state)
{
    (void)state;
    for (int i = 0; i < MACHINES_NR; i++) {
        const struct machine *m = machines[i];
        struct machine_count n = machine_count(m);
        const struct machine_cell *c;
        struct err e = { 0 };

        if (machine_check(m, &e))
            fail_msg("%s", e.msg);
        for (int s = 0; s < m->states_nr; s++)
            for (int t = 0; t < m->triggers_nr; t++)
                visit(m, s, t);
        assert_int_equal(n.transitions + n.reasons,
                         m->states_nr * m->triggers_nr);
        print_message("# %s: %d transitions, %d reasons\n", m->name,
                      n.transitions, n.reasons);
        assert_int_equal(machine_step(m, m->states_nr, 0, &c, &e), ERR_BUG);
        assert_int_equal(machine_step(m, 0, m->triggers_nr, &c, &e),
                         ERR_BUG);
        assert_int_equal(machine_step(m, -1, 0, &c, &e), ERR_BUG);
    }
}

/* But for @never, which -1 ends. */
static void can_be_posted(const struct machine *m, const int *trigger_of,
                          int n, const int *never)
{
    for (int t = 0; t < m->triggers_nr; t++) {
        int i = 0, k = 0;

        while (i < n && trigger_of[i] != t)
            i++;
        while (never[k] >= 0 && never[k] != t)
            k++;
        if ((i == n) != (never[k] == t))
            fail_msg("%s: %s", m->name, m->triggers[t].name);
    }
}

static void check_primary_mode(const struct primary_mode *mode,
                               const int *never)
{
    const struct machine *m = mode->machine;

    for (int a = 1; a < m->actions_nr; a++)
        if (!mode->actions[a])
            fail_msg("%s: %s", m->name, m->actions[a].name);
    can_be_posted(m, mode->trigger_of, PX_NR, never);
}

static void check_secondary_mode(const struct secondary_mode *mode,
                                 const int *never)
{
    const struct machine *m = mode->machine;

    for (int a = 1; a < m->actions_nr; a++)
        if (!mode->actions[a])
            fail_msg("%s: %s", m->name, m->actions[a].name);
    can_be_posted(m, mode->trigger_of, SX_NR, never);
}

static void every_action_is_implemented(void **state)
{
    static const int none[] = { -1 };
    /* What only hybrid mode has, and what capture() and apply() do in one. */
    static const int primary_never[] = { QPT_DIFFERS, QPT_RAM_FAILED, -1 };
    static const int secondary_never[] = { QST_LOAD_FAILED, QST_RESUME_FAILED,
                                           QST_COPY_ENDED, -1 };

    (void)state;
    check_primary_mode(&primary_remus, none);
    check_primary_mode(&primary_colo, none);
    check_primary_mode(&primary_qemu, primary_never);
    check_secondary_mode(&secondary_remus, none);
    check_secondary_mode(&secondary_colo, none);
    check_secondary_mode(&secondary_qemu, secondary_never);
}

/* ---- traces ------------------------------------------------------------- */

static void follows(const char *const *lines, const char *fault)
{
    struct err e = { 0 };
    struct trace t;
    int rc = 0;

    trace_init(&t);
    for (int i = 0; !rc && lines[i]; i++)
        rc = trace_line(&t, lines[i], &e);
    if (!fault) {
        assert_int_equal(rc, 0);
        return;
    }
    assert_int_equal(rc, ERR_FORMAT);
    if (!strstr(e.msg, fault))
        fail_msg("\"%s\" doesn't say \"%s\"", e.msg, fault);
}

#define P "xl remus: machine=primary state="
#define S "machine=secondary state="
#define LINES(...) (const char *const[]) { __VA_ARGS__, NULL }

static void a_trace_is_held_against_the_tables(void **state)
{
    (void)state;
    follows(LINES("hello", P "greet trigger=banner next=hello epoch=0",
                  S "greet trigger=head next=first-copy",
                  P "hello trigger=hello next=first-copy\n"), NULL);
    follows(LINES(P "wait trigger=interval next=suspend",
                  P "greet trigger=user-pause next=greet"), NULL);
    follows(LINES(P "greet trigger=banner next=suspend"),
            "banner in greet leads to hello, not to suspend");
    follows(LINES(P "greet trigger=banner next=hello",
                  P "wait trigger=interval next=suspend"),
            "it is in wait, but was in hello");
    follows(LINES(P "wait trigger=fenced next=done"), "no fence command");
    follows(LINES(P "wait trigger=lunch next=done"), "isn't in the table");
    follows(LINES(S "wait trigger=head next=first-copy"),
            "isn't in the table");
    follows(LINES(P "wait trigger=interval"), "isn't in the table");
    follows(LINES("machine=toaster state=on trigger=push next=off"),
            "no machine toaster");
}

/* ---- a table with each fault -------------------------------------------- */

enum { ON, OFF, OVER, STATES };
enum { PUSH, BREAK, TRIGGERS };
enum { NONE, CLICK, ACTIONS };

struct lamp {
    struct machine m;
    struct machine_cell cells[STATES][TRIGGERS];
    struct machine_name states[STATES], triggers[TRIGGERS], actions[ACTIONS];
};

static void lamp_init(struct lamp *l)
{
    *l = (struct lamp) {
        .cells = {
            [ON] = { M_GO(OFF, CLICK), M_GO(OVER, NONE) },
            [OFF] = { M_GO(ON, CLICK), M_GO(OVER, NONE) },
            [OVER] = { M_NEVER("it is broken"), M_NEVER("it is broken") },
        },
        .states = { { "on", "it is bright" }, { "off", "it is dark" },
                    { "over", "it is broken" } },
        .triggers = { { "push", "somebody wants the other" },
                      { "break", "it falls" } },
        .actions = { { "none", "ends a list" }, { "click", "a noise" } },
    };
    l->m = (struct machine) {
        .name = "lamp", .cells = &l->cells[0][0], .states = l->states,
        .triggers = l->triggers, .actions = l->actions, .states_nr = STATES,
        .triggers_nr = TRIGGERS, .actions_nr = ACTIONS, .initial = ON,
        .final = OVER,
    };
}

static void finds(struct lamp *l, const char *what)
{
    struct err e = { 0 };

    assert_int_equal(machine_check(&l->m, &e), ERR_BUG);
    if (!strstr(e.msg, what))
        fail_msg("\"%s\" doesn't say \"%s\"", e.msg, what);
    lamp_init(l);
    assert_int_equal(machine_check(&l->m, &e), 0);
}

static void a_cell_with_a_fault_is_found(void **state)
{
    struct lamp l;

    (void)state;
    lamp_init(&l);
    l.cells[ON][BREAK] = (struct machine_cell) { 0 };
    finds(&l, "(on, break) is empty");
    l.cells[OFF][PUSH].reason = "the switch is stuck";
    finds(&l, "(off, push) is both");
    l.cells[OFF][PUSH].next = STATES;
    finds(&l, "(off, push) goes to no state");
    l.cells[OFF][PUSH].next = -1;
    finds(&l, "(off, push) goes to no state");
    l.cells[OFF][PUSH].actions[0] = ACTIONS;
    finds(&l, "(off, push) has an unknown action");
    l.cells[OVER][PUSH] = (struct machine_cell) M_GO(OVER, CLICK);
    finds(&l, "(over, push) leaves the final state");
}

static void a_table_with_a_fault_is_found(void **state)
{
    struct lamp l;

    (void)state;
    lamp_init(&l);
    l.cells[ON][PUSH].next = l.cells[OFF][PUSH].next = ON;
    finds(&l, "state off can't be reached");
    l.cells[OFF][BREAK].next = OFF;
    l.cells[OFF][PUSH].next = OFF;
    finds(&l, "state off never gets to over");
    l.cells[ON][PUSH].actions[0] = l.cells[OFF][PUSH].actions[0] = NONE;
    finds(&l, "action click is never taken");
    l.cells[ON][BREAK] = l.cells[OFF][BREAK] =
        (struct machine_cell) M_NEVER("it hangs high");
    finds(&l, "trigger break does nothing anywhere");
    l.states[OFF].name = "on";
    finds(&l, "state on is listed twice");
    l.triggers[BREAK].about = NULL;
    finds(&l, "trigger 1 has no name or meaning");
    l.actions[CLICK].name = NULL;
    finds(&l, "action 1 has no name or meaning");
    l.m.states_nr = 1000;
    finds(&l, "too large");
}

static void without_a_final_state_each_leads_to_each(void **state)
{
    struct err e = { 0 };
    struct lamp l;

    (void)state;
    lamp_init(&l);
    l.m.final = MACHINE_NO_FINAL;
    assert_int_equal(machine_check(&l.m, &e), ERR_BUG);
    assert_non_null(strstr(e.msg, "state over never gets to off"));
    l.cells[OVER][PUSH] = (struct machine_cell) M_GO(OFF, CLICK);
    assert_int_equal(machine_check(&l.m, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_of_every_table_is_decided),
        cmocka_unit_test(every_action_is_implemented),
        cmocka_unit_test(a_trace_is_held_against_the_tables),
        cmocka_unit_test(a_cell_with_a_fault_is_found),
        cmocka_unit_test(a_table_with_a_fault_is_found),
        cmocka_unit_test(without_a_final_state_each_leads_to_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
