/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Which arrow is drawn in which picture. A row takes the arrows from some
 * states to some others that no row before it took; so each arrow is in one
 * picture, and an arrow that no row takes fails the build.
 */
#include "phases.h"

#include <stdbool.h>
#include <string.h>

#define ALL "*"

/* States are named as in the tables; lists are separated by blanks. */
struct row {
    const char *machine, *phase, *from, *to;
};

static const struct row rows[] = {
    { "primary", "start", "greet hello first-copy", ALL },
    { "primary", "steady", "suspend capture send await-ready wait",
      "suspend capture send await-ready wait" },
    { "primary", "failover", "settle fence held yielded doomed", ALL },
    { "primary", "failover", ALL, "settle fence held yielded doomed" },
    { "primary", "end", ALL, "end close done" },
    { "secondary", "start", "greet first-copy create", ALL },
    { "secondary", "steady", "buffer apply", "buffer apply" },
    { "secondary", "failover", "fence ask take-over", ALL },
    { "secondary", "failover", ALL, "fence ask take-over" },
    { "secondary", "end", ALL, "done" },
    { "colo-primary", "start", "greet hello first-copy first-stop", ALL },
    { "colo-primary", "steady",
      "run suspend await-suspended await-own capture send await-ready "
      "await-resumed",
      "run suspend await-suspended await-own capture send await-ready "
      "await-resumed" },
    { "colo-primary", "failover", "settle fence held yielded", ALL },
    { "colo-primary", "failover", ALL, "settle fence held yielded" },
    { "colo-primary", "end", ALL, "end close done" },
    { "colo-secondary", "start", "greet first-copy create", ALL },
    { "colo-secondary", "steady", "run suspend buffer apply",
      "run suspend buffer apply" },
    { "colo-secondary", "failover", "fence ask take-over", ALL },
    { "colo-secondary", "failover", ALL, "fence ask take-over" },
    { "colo-secondary", "end", ALL, "done" },
    { "qemu-primary", "start",
      "open first-copy first-stop first-rest await-ready",
      "first-copy first-stop first-rest await-ready run" },
    { "qemu-primary", "steady",
      "run await-reply suspend save send-ram send-state await-received "
      "await-loaded",
      "run await-reply suspend save send-ram send-state await-received "
      "await-loaded" },
    { "qemu-primary", "failover", "settle fence held", ALL },
    { "qemu-primary", "failover", ALL, "settle fence held" },
    { "qemu-primary", "end", ALL, "await-reply end close done" },
    { "qemu-secondary", "start", "open first-copy create",
      "first-copy create run" },
    { "qemu-secondary", "steady",
      "run suspend await-send buffer-ram await-size buffer-state apply load",
      "run suspend await-send buffer-ram await-size buffer-state apply load" },
    { "qemu-secondary", "failover", "finish fence ask take-over", ALL },
    { "qemu-secondary", "failover", ALL, "finish fence ask take-over" },
    { "qemu-secondary", "end", ALL, "done" },
    { "pause-reason", "", ALL, ALL },
    { "lock", "", ALL, ALL },
};
#define ROWS_NR (sizeof(rows) / sizeof(rows[0]))

static const struct picture life[] = {
    { "start", "until the copy can take over" },
    { "steady", "epoch after epoch" },
    { "failover", "the other side is lost, or may be" },
    { "end", "protection ends" },
    { NULL, NULL },
};
static const struct picture whole[] = { { "", "" }, { NULL, NULL } };

const struct picture *pictures_of(const struct machine *m)
{
    for (size_t i = 0; i < ROWS_NR; i++)
        if (!strcmp(rows[i].machine, m->name))
            return *rows[i].phase ? life : whole;
    return whole;
}

/* Is @name one of the words of @list? */
static bool listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    const char *at = list;

    if (!strcmp(list, ALL))
        return true;
    while ((at = strstr(at, name))) {
        if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ' '))
            return true;
        at += n;
    }
    return false;
}

static bool arrow(const struct machine *m, int from, int to)
{
    const struct machine_cell *row = m->cells + from * m->triggers_nr;

    for (int t = 0; from != to && t < m->triggers_nr; t++)
        if (row[t].set && row[t].next == to)
            return true;
    return false;
}

/* The phase whose picture has the arrow; NULL: none. */
static const char *phase_of(const struct machine *m, int from, int to)
{
    for (size_t i = 0; i < ROWS_NR; i++)
        if (!strcmp(rows[i].machine, m->name) &&
            listed(rows[i].from, m->states[from].name) &&
            listed(rows[i].to, m->states[to].name))
            return rows[i].phase;
    return NULL;
}

static bool in_picture(const struct machine *m, const char *phase, int from,
                       int to)
{
    const char *of = arrow(m, from, to) ? phase_of(m, from, to) : NULL;

    return of && !strcmp(of, phase);
}

/* Does an arrow of the picture begin or end at state @s? */
static bool drawn(const struct machine *m, const char *phase, int s)
{
    for (int other = 0; other < m->states_nr; other++)
        if (in_picture(m, phase, s, other) ||
            in_picture(m, phase, other, s))
            return true;
    return false;
}

static int check_words(const struct machine *m, const char *list,
                       struct err *e)
{
    char words[256], *at = words, *word;
    int s;

    snprintf(words, sizeof(words), "%s", strcmp(list, ALL) ? list : "");
    while ((word = strsep(&at, " "))) {
        for (s = 0; s < m->states_nr; s++)
            if (!strcmp(m->states[s].name, word))
                break;
        if (*word && s == m->states_nr)
            return err_set(e, ERR_BUG, "pictures of %s: no state %s",
                           m->name, word);
    }
    return 0;
}

int phases_check(const struct machine *m, struct err *e)
{
    bool any;

    for (size_t i = 0; i < ROWS_NR; i++)
        if (!strcmp(rows[i].machine, m->name) &&
            (check_words(m, rows[i].from, e) ||
             check_words(m, rows[i].to, e)))
            return ERR_BUG;
    for (int s = 0; s < m->states_nr; s++)
        for (int to = 0; to < m->states_nr; to++)
            if (arrow(m, s, to) && !phase_of(m, s, to))
                return err_set(e, ERR_BUG, "pictures of %s: the arrow from "
                               "%s to %s is in none", m->name,
                               m->states[s].name, m->states[to].name);
    for (const struct picture *p = pictures_of(m); p->phase; p++) {
        any = false;
        for (int s = 0; s < m->states_nr; s++)
            any = any || drawn(m, p->phase, s);
        if (!any)
            return err_set(e, ERR_BUG, "pictures of %s: nothing is in %s",
                           m->name, p->phase);
    }
    return 0;
}

/* One arrow for all triggers that lead from @s to @next. */
static void print_arrow(FILE *f, const struct machine *m, int s, int next)
{
    const struct machine_cell *row = m->cells + s * m->triggers_nr;
    const char *sep = "";

    for (int t = 0; t < m->triggers_nr; t++) {
        if (!row[t].set || row[t].next != next)
            continue;
        if (!*sep)
            fprintf(f, "  \"%s\" -> \"%s\" [label=\"", m->states[s].name,
                    m->states[next].name);
        fprintf(f, "%s%s", sep, m->triggers[t].name);
        sep = "\\n";
    }
    if (*sep)
        fprintf(f, "\"];\n");
}

void phase_dot(FILE *f, const struct machine *m, const char *phase)
{
    fprintf(f, "digraph \"%s\" {\n  graph [rankdir=TB, nodesep=0.3, "
            "ranksep=0.45];\n  node [shape=box, style=rounded, "
            "fontname=\"sans-serif\", fontsize=12];\n  edge ["
            "fontname=\"sans-serif\", fontsize=9];\n", m->name);
    for (int s = 0; s < m->states_nr; s++)
        if (drawn(m, phase, s))
            fprintf(f, "  \"%s\"%s;\n", m->states[s].name, s == m->initial ?
                    " [style=\"rounded,bold\"]" : s == m->final ?
                    " [peripheries=2]" : "");
    for (int s = 0; s < m->states_nr; s++)
        for (int next = 0; next < m->states_nr; next++)
            if (in_picture(m, phase, s, next))
                print_arrow(f, m, s, next);
    fprintf(f, "}\n");
}
