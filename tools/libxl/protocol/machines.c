/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The list of machines, and traces held against it.
 */
#include "machines.h"

#include <string.h>

#include "machine_colo_primary.h"
#include "machine_colo_secondary.h"
#include "machine_primary.h"
#include "machine_qemu_primary.h"
#include "machine_qemu_secondary.h"
#include "machine_secondary.h"
#include "run_state.h"

const struct machine *const machines[MACHINES_NR] = {
    &primary_machine, &secondary_machine, &colo_primary_machine,
    &colo_secondary_machine, &qemu_primary_machine, &qemu_secondary_machine,
    &pause_machine, &lock_machine,
};

void trace_init(struct trace *t)
{
    memset(t, 0, sizeof(*t));
    for (int i = 0; i < MACHINES_NR; i++)
        t->state[i] = -1;
}

/* The word behind " KEY=" in @line; NULL when there is none. */
static const char *value(const char *line, const char *key, size_t *n_r)
{
    size_t n = strlen(key);

    for (const char *at = strstr(line, key); at;
         at = strstr(at + 1, key)) {
        if ((at != line && at[-1] != ' ') || at[n] != '=')
            continue;
        *n_r = strcspn(at + n + 1, " \r\n");
        return at + n + 1;
    }
    return NULL;
}

/* Which of the names the value of @key is; -1: none. */
static int find(const char *line, const char *key,
                const struct machine_name *names, int nr)
{
    size_t n;
    const char *word = value(line, key, &n);

    for (int i = 0; word && i < nr; i++)
        if (strlen(names[i].name) == n && !memcmp(names[i].name, word, n))
            return i;
    return -1;
}

static int take(struct trace *t, int i, const char *line, struct err *e)
{
    const struct machine *m = machines[i];
    int state = find(line, "state", m->states, m->states_nr);
    int trigger = find(line, "trigger", m->triggers, m->triggers_nr);
    int next = find(line, "next", m->states, m->states_nr);
    const struct machine_cell *c;

    if (state < 0 || trigger < 0 || next < 0)
        return err_set(e, ERR_FORMAT, "%s: state, trigger or next isn't in "
                       "the table", m->name);
    if (t->state[i] >= 0 && t->state[i] != state && state != m->initial)
        return err_set(e, ERR_FORMAT, "%s: it is in %s, but was in %s",
                       m->name, m->states[state].name,
                       m->states[t->state[i]].name);
    if (machine_step(m, state, trigger, &c, e))
        return e->code = ERR_FORMAT;
    if (c->next != next)
        return err_set(e, ERR_FORMAT, "%s: %s in %s leads to %s, not to %s",
                       m->name, m->triggers[trigger].name,
                       m->states[state].name, m->states[c->next].name,
                       m->states[next].name);
    t->state[i] = next;
    t->seen[i]++;
    return 0;
}

int trace_line(struct trace *t, const char *line, struct err *e)
{
    size_t n;
    const char *name = value(line, "machine", &n);

    if (!name)
        return 0;
    for (int i = 0; i < MACHINES_NR; i++)
        if (strlen(machines[i]->name) == n &&
            !memcmp(machines[i]->name, name, n))
            return take(t, i, line, e);
    return err_set(e, ERR_FORMAT, "there is no machine %.*s", (int)n, name);
}
