/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Walking a machine's table in a test: each step by the names of its trigger,
 * its actions and the state that it leads to.
 */
#ifndef XC_UNIT_MACHINE_WALK_H
#define XC_UNIT_MACHINE_WALK_H

#include <stdio.h>

#include "machine.h"

static inline const struct machine_cell *cell(const struct machine *m, int s,
                                              int t)
{
    return m->cells + s * m->triggers_nr + t;
}

static inline bool does(const struct machine_cell *c, int action)
{
    for (int i = 0; c->set && i < MACHINE_ACTIONS_MAX && c->actions[i]; i++)
        if (c->actions[i] == action)
            return true;
    return false;
}

/* One step, by names: "trigger: action action > next". */
static inline int step(const struct machine *m, int state, const char *line)
{
    char got[256];
    int t = 0;

    for (; t < m->triggers_nr; t++) {
        size_t n = strlen(m->triggers[t].name);
        const struct machine_cell *c = cell(m, state, t);
        int at;

        if (strncmp(line, m->triggers[t].name, n) || line[n] != ':')
            continue;
        if (!c->set)
            fail_msg("%s in %s: %s", line, m->states[state].name, c->reason);
        at = snprintf(got, sizeof(got), "%s:", m->triggers[t].name);
        for (int i = 0; i < MACHINE_ACTIONS_MAX && c->actions[i]; i++)
            at += snprintf(got + at, sizeof(got) - (size_t)at, " %s",
                           m->actions[c->actions[i]].name);
        snprintf(got + at, sizeof(got) - (size_t)at, " > %s",
                 m->states[c->next].name);
        if (strcmp(got, line))
            fail_msg("in %s: %s instead of %s", m->states[state].name, got,
                     line);
        return c->next;
    }
    fail_msg("no trigger: %s", line);
    return -1;
}

static inline int walk(const struct machine *m, int state,
                       const char *const *lines)
{
    for (; *lines; lines++)
        state = step(m, state, *lines);
    return state;
}

#define WALK(m, from, ...) \
    walk(m, from, (const char *const[]) { __VA_ARGS__, NULL })

#endif
