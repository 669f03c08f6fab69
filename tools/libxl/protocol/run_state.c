/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The tables of pause reason and lock, and the tuple made of them.
 */
#include "run_state.h"

#define NAME(id, n, t) { n, t },
static const struct machine_name reasons[] = { PAUSE_REASONS(NAME) };
static const struct machine_name pause_triggers[] = { PAUSE_TRIGGERS(NAME) };
static const struct machine_name pause_actions[] = {
    { "none", "ends a list" }, PAUSE_ACTIONS(NAME)
};
static const struct machine_name lock_states[] = { LOCK_STATES(NAME) };
static const struct machine_name lock_triggers[] = { LOCK_TRIGGERS(NAME) };
static const struct machine_name lock_actions[] = {
    { "none", "ends a list" }, LOCK_ACTIONS(NAME)
};
const struct machine_name run_lock_names[] = { RUN_LOCKS(NAME) };

#define GO(s, ...) M_GO(PAUSE_##s, __VA_ARGS__)
#define STILL  PAUSE_A_STILL
#define RUN    PAUSE_A_RUN
#define REFUSE PAUSE_A_REFUSE
#define KEEP   PAUSE_A_NONE
#define NOT_YET   "it has not run yet"
#define ELSEWHERE "it doesn't run here"

/* stop sets a reason where there is none, and changes no other. What the
   guest did just before it was stopped may be told after it: the graver
   reason stays, and the user's wish with it, since both stand still. */
static const struct machine_cell pause_cells[PAUSE_REASONS_NR][PAUSE_T_NR] = {
[PAUSE_NONE] = {
    [PAUSE_T_STOP] = GO(PAUSED, STILL),
    [PAUSE_T_START] = GO(NONE, KEEP),
    [PAUSE_T_START_FORCE] = GO(NONE, KEEP),
    [PAUSE_T_WATCHDOG] = GO(WATCHDOG, STILL),
    [PAUSE_T_PANIC] = GO(PANICKED, STILL),
    [PAUSE_T_MOVE] = GO(POSTMIGRATE, STILL),
},
[PAUSE_PRELAUNCH] = {
    [PAUSE_T_STOP] = GO(PRELAUNCH, KEEP),
    [PAUSE_T_START] = GO(NONE, RUN),
    [PAUSE_T_START_FORCE] = GO(NONE, RUN),
    [PAUSE_T_WATCHDOG] = M_NEVER(NOT_YET),
    [PAUSE_T_PANIC] = M_NEVER(NOT_YET),
    [PAUSE_T_MOVE] = GO(POSTMIGRATE, KEEP),
},
[PAUSE_PAUSED] = {
    [PAUSE_T_STOP] = GO(PAUSED, KEEP),
    [PAUSE_T_START] = GO(NONE, RUN),
    [PAUSE_T_START_FORCE] = GO(NONE, RUN),
    [PAUSE_T_WATCHDOG] = GO(WATCHDOG, KEEP),
    [PAUSE_T_PANIC] = GO(PANICKED, KEEP),
    [PAUSE_T_MOVE] = GO(POSTMIGRATE, KEEP),
},
[PAUSE_WATCHDOG] = {
    [PAUSE_T_STOP] = GO(WATCHDOG, KEEP),
    [PAUSE_T_START] = GO(WATCHDOG, REFUSE),
    [PAUSE_T_START_FORCE] = GO(NONE, RUN),
    [PAUSE_T_WATCHDOG] = GO(WATCHDOG, KEEP),
    [PAUSE_T_PANIC] = GO(PANICKED, KEEP),
    [PAUSE_T_MOVE] = GO(POSTMIGRATE, KEEP),
},
[PAUSE_POSTMIGRATE] = {
    [PAUSE_T_STOP] = GO(POSTMIGRATE, KEEP),
    [PAUSE_T_START] = GO(POSTMIGRATE, REFUSE),
    [PAUSE_T_START_FORCE] = GO(NONE, RUN),
    [PAUSE_T_WATCHDOG] = M_NEVER(ELSEWHERE),
    [PAUSE_T_PANIC] = M_NEVER(ELSEWHERE),
    [PAUSE_T_MOVE] = M_NEVER(ELSEWHERE),
},
[PAUSE_PANICKED] = {
    [PAUSE_T_STOP] = GO(PANICKED, KEEP),
    [PAUSE_T_START] = GO(PANICKED, REFUSE),
    [PAUSE_T_START_FORCE] = GO(NONE, RUN),
    [PAUSE_T_WATCHDOG] = GO(PANICKED, KEEP),
    [PAUSE_T_PANIC] = GO(PANICKED, KEEP),
    [PAUSE_T_MOVE] = GO(POSTMIGRATE, KEEP),
},
};

static const struct machine_cell lock_cells[LOCK_STATES_NR][LOCK_T_NR] = {
[LOCK_FREE] = {
    [LOCK_T_TAKE] = M_GO(LOCK_HELD, LOCK_A_STILL),
    [LOCK_T_RELEASE] = M_NEVER("who releases a lock has taken it, once"),
    [LOCK_T_RETRY] = M_GO(LOCK_FREE, LOCK_A_NONE),
},
[LOCK_HELD] = {
    [LOCK_T_TAKE] = M_GO(LOCK_HELD, LOCK_A_NONE),
    [LOCK_T_RELEASE] = M_GO(LOCK_FREE, LOCK_A_RUN),
    [LOCK_T_RETRY] = M_GO(LOCK_FREE, LOCK_A_RUN),
},
};

const struct machine pause_machine = {
    .name = "pause-reason", .cells = &pause_cells[0][0],
    .states = reasons, .triggers = pause_triggers, .actions = pause_actions,
    .states_nr = PAUSE_REASONS_NR, .triggers_nr = PAUSE_T_NR,
    .actions_nr = PAUSE_A_NR, .initial = PAUSE_PRELAUNCH,
    .final = MACHINE_NO_FINAL,
};

const struct machine lock_machine = {
    .name = "lock", .cells = &lock_cells[0][0],
    .states = lock_states, .triggers = lock_triggers,
    .actions = lock_actions,
    .states_nr = LOCK_STATES_NR, .triggers_nr = LOCK_T_NR,
    .actions_nr = LOCK_A_NR, .initial = LOCK_FREE,
    .final = MACHINE_NO_FINAL,
};

bool run_state_runs(const struct run_state *rs)
{
    for (int l = 0; l < RUN_LOCKS_NR; l++)
        if (rs->held[l])
            return false;
    return rs->reason == PAUSE_NONE;
}

int run_state_event(struct run_state *rs, enum pause_trigger t,
                    struct err *e)
{
    const struct machine_cell *c;
    int rc = machine_step(&pause_machine, (int)rs->reason, (int)t, &c, e);

    if (rc)
        return rc;
    rs->reason = (enum pause_reason)c->next;
    if (c->actions[0] == PAUSE_A_REFUSE)
        return err_set(e, ERR_DOMAIN, "it stands still because %s; starting "
                       "it all the same takes -f",
                       reasons[rs->reason].about);
    return 0;
}

int run_state_lock(struct run_state *rs, enum run_lock l,
                   enum lock_trigger t, struct err *e)
{
    const struct machine_cell *c;
    int rc;

    if (t != LOCK_T_TAKE &&
        (t == LOCK_T_RETRY) != (l == RUN_LOCK_IO_ERROR))
        return err_set(e, ERR_BUG, "%s isn't what releases the lock %s",
                       lock_triggers[t].name, run_lock_names[l].name);
    rc = machine_step(&lock_machine, rs->held[l] ? LOCK_HELD : LOCK_FREE,
                      (int)t, &c, e);
    if (!rc)
        rs->held[l] = c->next == LOCK_HELD;
    return rc;
}

int run_state_command(struct run_state *rs, enum run_command c,
                      struct err *e)
{
    switch (c) {
    case RUN_STOP:
        return run_state_event(rs, PAUSE_T_STOP, e);
    case RUN_RETRY:
        return run_state_lock(rs, RUN_LOCK_IO_ERROR, LOCK_T_RETRY, e);
    case RUN_START:
        return run_state_event(rs, PAUSE_T_START, e);
    case RUN_START_FORCE:
        return run_state_event(rs, PAUSE_T_START_FORCE, e);
    case RUN_CONT:
        run_state_lock(rs, RUN_LOCK_IO_ERROR, LOCK_T_RETRY, NULL);
        return run_state_event(rs, PAUSE_T_START_FORCE, e);
    default:
        return err_set(e, ERR_BUG, "no such command");
    }
}

const char *run_state_name(const struct run_state *rs)
{
    static const char *const locked[RUN_LOCKS_NR] = {
        [RUN_LOCK_DEBUG] = "debug", [RUN_LOCK_SAVE] = "finish-migrate",
        [RUN_LOCK_CHECKPOINT] = "colo", [RUN_LOCK_RESTORE] = "inmigrate",
        [RUN_LOCK_LEASE] = "paused", [RUN_LOCK_IO_ERROR] = "io-error",
    };
    static const enum run_lock order[RUN_LOCKS_NR] = {
        RUN_LOCK_RESTORE, RUN_LOCK_CHECKPOINT, RUN_LOCK_SAVE, RUN_LOCK_DEBUG,
        RUN_LOCK_LEASE, RUN_LOCK_IO_ERROR,
    };

    for (int i = 0; i < RUN_LOCKS_NR; i++)
        if (rs->held[order[i]])
            return locked[order[i]];
    switch (rs->reason) {
    case PAUSE_NONE:
        return "running";
    case PAUSE_PANICKED:
        return "guest-panicked";
    default:
        return reasons[rs->reason].name;
    }
}
