/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A protocol machine is data: a [state][trigger] table whose every cell is a
 * transition (actions in order, next state) or the reason why the pair can't
 * happen. step() is pure: no I/O, no clock, no memory of its own. The same
 * table feeds the engine, the tests and the documents.
 */
#ifndef XC_PROTOCOL_MACHINE_H
#define XC_PROTOCOL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define MACHINE_ACTIONS_MAX 6
#define MACHINE_NO_FINAL (-1)

struct machine_cell {
    const char *reason;          /* set: can't happen, and this is why */
    int next;                    /* state after the actions */
    unsigned char actions[MACHINE_ACTIONS_MAX];    /* 0 ends the list */
    unsigned char set;           /* 1: a transition; 0 with no reason: hole */
};

struct machine_name {
    const char *name;     /* as in traces and documents: "send-epoch" */
    const char *about;    /* one sentence */
};

struct machine {
    const char *name;
    const struct machine_cell *cells;    /* [states_nr][triggers_nr] */
    const struct machine_name *states;
    const struct machine_name *triggers;
    const struct machine_name *actions;  /* [0] is unused */
    int states_nr, triggers_nr, actions_nr;
    int initial;
    int final;    /* no trigger leaves it; or MACHINE_NO_FINAL */
};

/* Cells of a table: M_GO(next, actions…), M_STAY isn't needed: name it. */
#define M_GO(next_, ...) { .next = (next_), .set = 1, \
                           .actions = { __VA_ARGS__ } }
#define M_NEVER(reason_) { .reason = (reason_) }

/*
 * What @trigger does in @state. 0 with *cell_r; ERR_BUG with the cell's
 * reason in @e when the pair can't happen or the numbers are out of range.
 */
int machine_step(const struct machine *m, int state, int trigger,
                 const struct machine_cell **cell_r, struct err *e);

/* True when @action is what @trigger does first in @state. */
bool machine_begins_with(const struct machine *m, int state, int trigger,
                         int action);

/*
 * Check the table as data: no hole, no cell that is both, no unknown action
 * or state, every state reachable, and the final one (without one: every
 * state but the first) reachable from each, every trigger and action used,
 * every name explained. 0 or ERR_BUG, with the first finding in @e.
 */
int machine_check(const struct machine *m, struct err *e);

struct machine_count {
    int transitions;
    int reasons;
};
struct machine_count machine_count(const struct machine *m);

#endif
