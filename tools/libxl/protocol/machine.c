/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Lookup in a machine's table, and the check of the table itself.
 */
#include "machine.h"

#include <string.h>

#define STATES_MAX 64
#define NAMES_MAX 256

static const struct machine_cell *cell_at(const struct machine *m, int state,
                                          int trigger)
{
    return &m->cells[state * m->triggers_nr + trigger];
}

int machine_step(const struct machine *m, int state, int trigger,
                 const struct machine_cell **cell_r, struct err *e)
{
    const struct machine_cell *c;

    if (state < 0 || state >= m->states_nr || trigger < 0 ||
        trigger >= m->triggers_nr)
        return err_set(e, ERR_BUG, "%s: state %d, trigger %d out of range",
                       m->name, state, trigger);
    c = cell_at(m, state, trigger);
    if (!c->set)
        return err_set(e, ERR_BUG, "%s: %s in state %s: %s", m->name,
                       m->triggers[trigger].name, m->states[state].name,
                       c->reason ? c->reason : "no cell");
    *cell_r = c;
    return 0;
}

bool machine_begins_with(const struct machine *m, int state, int trigger,
                         int action)
{
    const struct machine_cell *c;

    return machine_step(m, state, trigger, &c, NULL) == 0 &&
           c->actions[0] == action;
}

static int check_cell(const struct machine *m, int s, int t, bool *used,
                      struct err *e)
{
    const struct machine_cell *c = cell_at(m, s, t);
    const char *sn = m->states[s].name, *tn = m->triggers[t].name;

    if (!c->set && !c->reason)
        return err_set(e, ERR_BUG, "%s: (%s, %s) is empty", m->name, sn, tn);
    if (c->set && c->reason)
        return err_set(e, ERR_BUG, "%s: (%s, %s) is both a transition and a "
                       "reason", m->name, sn, tn);
    if (!c->set)
        return 0;
    if (c->next < 0 || c->next >= m->states_nr)
        return err_set(e, ERR_BUG, "%s: (%s, %s) goes to no state", m->name,
                       sn, tn);
    if (s == m->final)
        return err_set(e, ERR_BUG, "%s: (%s, %s) leaves the final state",
                       m->name, sn, tn);
    for (int i = 0; i < MACHINE_ACTIONS_MAX && c->actions[i]; i++) {
        if (c->actions[i] >= m->actions_nr)
            return err_set(e, ERR_BUG, "%s: (%s, %s) has an unknown action",
                           m->name, sn, tn);
        used[c->actions[i]] = true;
    }
    return 0;
}

static int check_names(const char *machine, const char *kind,
                       const struct machine_name *names, int from, int n,
                       struct err *e)
{
    for (int i = from; i < n; i++) {
        if (!names[i].name || !names[i].about)
            return err_set(e, ERR_BUG, "%s: %s %d has no name or meaning",
                           machine, kind, i);
        for (int j = from; j < i; j++)
            if (!strcmp(names[i].name, names[j].name))
                return err_set(e, ERR_BUG, "%s: %s %s is listed twice",
                               machine, kind, names[i].name);
    }
    return 0;
}

/* Everything reachable from @from into @seen. */
static void reach(const struct machine *m, int from, bool *seen)
{
    bool grown = true;

    seen[from] = true;
    while (grown) {
        grown = false;
        for (int s = 0; s < m->states_nr; s++)
            for (int t = 0; seen[s] && t < m->triggers_nr; t++) {
                const struct machine_cell *c = cell_at(m, s, t);

                if (c->set && !seen[c->next])
                    grown = seen[c->next] = true;
            }
    }
}

static int check_graph(const struct machine *m, struct err *e)
{
    bool seen[STATES_MAX] = { false };

    reach(m, m->initial, seen);
    for (int s = 0; s < m->states_nr; s++) {
        bool end[STATES_MAX] = { false };

        if (!seen[s])
            return err_set(e, ERR_BUG, "%s: state %s can't be reached",
                           m->name, m->states[s].name);
        reach(m, s, end);
        for (int to = 0; to < m->states_nr; to++)
            if (!end[to] && (m->final == MACHINE_NO_FINAL ?
                             to != m->initial : to == m->final))
                return err_set(e, ERR_BUG, "%s: state %s never gets to %s",
                               m->name, m->states[s].name,
                               m->states[to].name);
    }
    return 0;
}

int machine_check(const struct machine *m, struct err *e)
{
    bool used[NAMES_MAX] = { false };
    int rc;

    if (m->states_nr > STATES_MAX || m->actions_nr > NAMES_MAX)
        return err_set(e, ERR_BUG, "%s: table too large", m->name);
    rc = check_names(m->name, "state", m->states, 0, m->states_nr, e);
    if (!rc)
        rc = check_names(m->name, "trigger", m->triggers, 0, m->triggers_nr,
                         e);
    if (!rc)
        rc = check_names(m->name, "action", m->actions, 1, m->actions_nr, e);
    for (int s = 0; !rc && s < m->states_nr; s++)
        for (int t = 0; !rc && t < m->triggers_nr; t++)
            rc = check_cell(m, s, t, used, e);
    for (int a = 1; !rc && a < m->actions_nr; a++)
        if (!used[a])
            rc = err_set(e, ERR_BUG, "%s: action %s is never taken", m->name,
                         m->actions[a].name);
    for (int t = 0; !rc && t < m->triggers_nr; t++) {
        bool any = false;

        for (int s = 0; s < m->states_nr; s++)
            any = any || cell_at(m, s, t)->set;
        if (!any)
            rc = err_set(e, ERR_BUG, "%s: trigger %s does nothing anywhere",
                         m->name, m->triggers[t].name);
    }
    return rc ? rc : check_graph(m, e);
}

struct machine_count machine_count(const struct machine *m)
{
    struct machine_count n = { 0, 0 };

    for (int i = 0; i < m->states_nr * m->triggers_nr; i++) {
        n.transitions += m->cells[i].set ? 1 : 0;
        n.reasons += m->cells[i].set ? 0 : 1;
    }
    return n;
}
