/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Why a domain stands still: a tuple of six locks and one reason. The vCPUs
 * may run only while no lock is held and the reason is none.
 *
 * A lock is taken and released by who needs the domain to stand still for a
 * while (an epoch takes `checkpoint'); io-error alone is released by the
 * user, with `retry'. The reason is what `stop' sets and `start' clears. The
 * two never touch each other, so that a `stop' while an epoch is being taken
 * neither aborts the epoch nor is lost: the lock goes, the reason stays.
 *
 * The rules are two tables of [state][trigger], as every machine here:
 * pause_machine for the reason, lock_machine for a lock. Pure: no I/O.
 */
#ifndef XC_PROTOCOL_RUN_STATE_H
#define XC_PROTOCOL_RUN_STATE_H

#include "machine.h"

#define RUN_LOCKS(X) \
X(DEBUG, "debug", "a debugger holds it") \
X(SAVE, "save", "it is saved, or copied for the last time of a migration") \
X(CHECKPOINT, "checkpoint", "an epoch's state is taken, or written") \
X(RESTORE, "restore", "its state is being loaded") \
X(LEASE, "lease", "another host may run it by now") \
X(IO_ERROR, "io-error", "a request to its storage failed; the user releases " \
  "it with `retry'")

/* The states of pause_machine. Values are those of the record PAUSE_REASON. */
#define PAUSE_REASONS(X) \
X(NONE, "none", "nothing but locks keeps it from running") \
X(PRELAUNCH, "prelaunch", "it has not been started yet") \
X(PAUSED, "paused", "the user stopped it") \
X(WATCHDOG, "watchdog", "its watchdog ran out") \
X(POSTMIGRATE, "postmigrate", "it goes on elsewhere") \
X(PANICKED, "panicked", "its kernel gave up")

#define PAUSE_TRIGGERS(X) \
X(STOP, "stop", "the user stops it (`xl pause')") \
X(START, "start", "the user starts it, if that is safe (`xl colo-start')") \
X(START_FORCE, "start-force", "the user starts it all the same " \
  "(`xl colo-start -f', `xl unpause')") \
X(WATCHDOG, "watchdog", "its watchdog runs out") \
X(PANIC, "panic", "its kernel gives up") \
X(MOVE, "move", "its state is complete elsewhere, and goes on there")

#define PAUSE_ACTIONS(X) \
X(STILL, "stand-still", "the vCPUs stop, if no lock stopped them before") \
X(RUN, "may-run", "the vCPUs run, unless a lock is held") \
X(REFUSE, "refuse", "tell the user that only `start -f' does it")

#define LOCK_STATES(X) \
X(FREE, "free", "nobody keeps the domain by it") \
X(HELD, "held", "the domain stands still")

#define LOCK_TRIGGERS(X) \
X(TAKE, "take", "who needs the domain to stand still takes it") \
X(RELEASE, "release", "the same one is done") \
X(RETRY, "retry", "the user wants failed requests tried again; io-error " \
  "alone")

#define LOCK_ACTIONS(X) \
X(STILL, "stand-still", "the vCPUs stop, if nothing stopped them before") \
X(RUN, "may-run", "the vCPUs run, unless another lock is held or there is " \
  "a reason")

#define RS_LOCK(id, n, t) RUN_LOCK_##id,
enum run_lock { RUN_LOCKS(RS_LOCK) RUN_LOCKS_NR };
#undef RS_LOCK
#define RS_REASON(id, n, t) PAUSE_##id,
enum pause_reason { PAUSE_REASONS(RS_REASON) PAUSE_REASONS_NR };
#undef RS_REASON
#define RS_TRIGGER(id, n, t) PAUSE_T_##id,
enum pause_trigger { PAUSE_TRIGGERS(RS_TRIGGER) PAUSE_T_NR };
#undef RS_TRIGGER
#define RS_ACTION(id, n, t) PAUSE_A_##id,
enum pause_action { PAUSE_A_NONE, PAUSE_ACTIONS(RS_ACTION) PAUSE_A_NR };
#undef RS_ACTION
#define RS_STATE(id, n, t) LOCK_##id,
enum lock_state { LOCK_STATES(RS_STATE) LOCK_STATES_NR };
#undef RS_STATE
#define RS_TRIGGER(id, n, t) LOCK_T_##id,
enum lock_trigger { LOCK_TRIGGERS(RS_TRIGGER) LOCK_T_NR };
#undef RS_TRIGGER
#define RS_ACTION(id, n, t) LOCK_A_##id,
enum lock_action { LOCK_A_NONE, LOCK_ACTIONS(RS_ACTION) LOCK_A_NR };
#undef RS_ACTION

extern const struct machine pause_machine, lock_machine;
/* Names and meanings of the locks, RUN_LOCKS_NR of them. */
extern const struct machine_name run_lock_names[];

struct run_state {
    bool held[RUN_LOCKS_NR];
    enum pause_reason reason;
};

/* What a user can tell a domain; each is a row of the tables above. */
enum run_command { RUN_STOP, RUN_RETRY, RUN_START, RUN_START_FORCE,
                   RUN_CONT, RUN_COMMANDS_NR };

/* True when the vCPUs may run. */
bool run_state_runs(const struct run_state *rs);

/*
 * `stop', `retry', `start', `start -f', and `cont', which is the second and
 * the fourth. 0 with *rs changed, or nothing to change; ERR_DOMAIN, *rs as it
 * was, when `start' isn't enough.
 */
int run_state_command(struct run_state *rs, enum run_command c,
                      struct err *e);

/* Take or release a lock that isn't io-error, or fail and retry io-error. */
int run_state_lock(struct run_state *rs, enum run_lock l,
                   enum lock_trigger t, struct err *e);

/* watchdog, panic, move. */
int run_state_event(struct run_state *rs, enum pause_trigger t,
                    struct err *e);

/*
 * The one name that QEMU has for the tuple, which says less than the tuple:
 * a lock hides the reason. "colo" is the checkpoint lock.
 */
const char *run_state_name(const struct run_state *rs);

#endif
