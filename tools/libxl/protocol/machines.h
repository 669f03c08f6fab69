/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * All machines, and a check of a session's trace against them.
 */
#ifndef XC_PROTOCOL_MACHINES_H
#define XC_PROTOCOL_MACHINES_H

#include <stdint.h>

#include "machine.h"

#define MACHINES_NR 8
extern const struct machine *const machines[MACHINES_NR];

/*
 * A trace is what sessions log of their machines, a line for each transition:
 * "… machine=NAME state=S trigger=T next=N …". Lines of several machines may
 * be mixed; a machine may start again at any time, since sessions get killed,
 * and a trace may begin in the middle.
 */
struct trace {
    int state[MACHINES_NR];          /* -1: not known yet */
    uint64_t seen[MACHINES_NR];      /* transitions */
};

void trace_init(struct trace *t);

/*
 * Take a line, without its end. 0 when it is as the tables say, or no line of
 * a trace; ERR_FORMAT, with what is wrong in @e, when it names what isn't in
 * the tables, a pair that can't happen, another next state, or a state that
 * the line before it didn't lead to.
 */
int trace_line(struct trace *t, const char *line, struct err *e);

#endif
