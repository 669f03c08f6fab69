/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Checks the protocol's tables as data, and writes the pages that are made of
 * tables. Run by the build: a hole in a table fails it.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "machine_colo_primary.h"
#include "machine_colo_secondary.h"
#include "machine_primary.h"
#include "machine_qemu_primary.h"
#include "machine_qemu_secondary.h"
#include "machine_secondary.h"
#include "page_qemu.h"
#include "phases.h"
#include "run_state.h"

/* A machine, what is said of it, and on which page. */
static const struct page {
    enum { OF_XEN, OF_QEMU } of;
    const struct machine *m;
    const char *title, *about;
} pages[] = {
    { OF_XEN, &primary_machine, "The primary, Remus mode",
      "It runs beside the domain, sends an epoch of it now and then, and lets "
      "output go that the\nnewest epoch held by the peer has earned." },
    { OF_XEN, &secondary_machine, "The secondary, Remus mode",
      "It keeps the copy, writes each complete epoch into it, and takes over "
      "when the primary is\ncertainly off." },
    { OF_XEN, &colo_primary_machine, "The primary, COLO mode",
      "Both copies run, and what they say is compared. Both stand still while "
      "an epoch is\ntaken, sent and written." },
    { OF_XEN, &colo_secondary_machine, "The secondary, COLO mode",
      "Its copy runs, unheard, and is rewritten by each epoch." },
    { OF_XEN, &pause_machine, "Why a domain stands still: the reason",
      "One of two parts of a domain's run state. The user and the guest "
      "change it; an epoch\nnever does." },
    { OF_XEN, &lock_machine, "Why a domain stands still: a lock",
      "The other part: five of these, each taken and released by who needs "
      "the domain to stand\nstill for a while." },
    { OF_QEMU, &qemu_primary_machine, "The primary",
      "It runs beside the domain, asks for a checkpoint now and then, and "
      "lets output go at\nvmstate-received." },
    { OF_QEMU, &qemu_secondary_machine, "The secondary",
      "It keeps the copy, collects each checkpoint beside it, and takes over "
      "when the primary is\ncertainly off." },
};
#define PAGES_NR (sizeof(pages) / sizeof(pages[0]))

static int check(void)
{
    for (size_t i = 0; i < PAGES_NR; i++) {
        const struct machine *m = pages[i].m;
        struct machine_count n = machine_count(m);
        struct err e = { 0 };

        if (machine_check(m, &e) || phases_check(m, &e)) {
            fprintf(stderr, "tables: %s\n", e.msg);
            return 1;
        }
        printf("table %s: %d transitions, %d reasons\n", m->name,
               n.transitions, n.reasons);
    }
    return 0;
}

static void print_names(FILE *f, const char *title,
                        const struct machine_name *names, int from, int n)
{
    fprintf(f, "### %s\n\n| | |\n|---|---|\n", title);
    for (int i = from; i < n; i++)
        fprintf(f, "| `%s` | %s |\n", names[i].name, names[i].about);
    fputc('\n', f);
}

/* Triggers of state @s that can't happen, by reason, each reason once. */
static void print_reasons(FILE *f, const struct machine *m, int s)
{
    const struct machine_cell *row = m->cells + s * m->triggers_nr;

    for (int t = 0; t < m->triggers_nr; t++) {
        const char *sep = "";
        bool told = row[t].set;

        for (int before = 0; before < t; before++)
            told = told || (!row[before].set &&
                            !strcmp(row[before].reason, row[t].reason));
        if (told)
            continue;
        fprintf(f, "- ");
        for (int same = t; same < m->triggers_nr; same++)
            if (!row[same].set && !strcmp(row[same].reason, row[t].reason)) {
                fprintf(f, "%s`%s`", sep, m->triggers[same].name);
                sep = ", ";
            }
        fprintf(f, " can't happen: %s.\n", row[t].reason);
    }
    fputc('\n', f);
}

static void print_cells(FILE *f, const struct machine *m, int s)
{
    const struct machine_cell *row = m->cells + s * m->triggers_nr;
    bool any = false;

    fprintf(f, "#### In `%s`\n\n", m->states[s].name);
    for (int t = 0; t < m->triggers_nr; t++) {
        const char *sep = "";

        if (!row[t].set)
            continue;
        if (!any)
            fprintf(f, "| trigger | actions | next state |\n|---|---|---|\n");
        any = true;
        fprintf(f, "| `%s` | ", m->triggers[t].name);
        for (int i = 0; i < MACHINE_ACTIONS_MAX && row[t].actions[i]; i++) {
            fprintf(f, "%s`%s`", sep, m->actions[row[t].actions[i]].name);
            sep = ", ";
        }
        fprintf(f, "%s | `%s` |\n", *sep ? "" : "–",
                m->states[row[t].next].name);
    }
    if (any)
        fputc('\n', f);
    print_reasons(f, m, s);
}

/* ---- run states by QEMU's names ----------------------------------------- */

static void print_tuple(FILE *f, const struct run_state *rs)
{
    fprintf(f, "`%s`", run_state_name(rs));
    if (!run_state_runs(rs)) {
        const char *sep = " (";

        for (int l = 0; l < RUN_LOCKS_NR; l++)
            if (rs->held[l]) {
                fprintf(f, "%s%s", sep, run_lock_names[l].name);
                sep = ", ";
            }
        if (rs->reason != PAUSE_NONE)
            fprintf(f, "%s%s", sep, pause_machine.states[rs->reason].name);
        fputc(')', f);
    }
}

/* What becomes of a tuple by an epoch's begin (and end), or a command. */
static void print_after(FILE *f, const struct run_state *from, int what)
{
    struct run_state to = *from;
    struct err e = { 0 };

    fprintf(f, " | ");
    if (what < 0 && !from->held[RUN_LOCK_CHECKPOINT])
        run_state_lock(&to, RUN_LOCK_CHECKPOINT, LOCK_T_TAKE, &e);
    else if (what < 0)
        run_state_lock(&to, RUN_LOCK_CHECKPOINT, LOCK_T_RELEASE, &e);
    else if (run_state_command(&to, (enum run_command)what, &e)) {
        fprintf(f, "refused");
        return;
    }
    if (memcmp(&to, from, sizeof(to)))
        print_tuple(f, &to);
    else
        fprintf(f, "–");
}

static void print_run_states(FILE *f)
{
    static const struct run_state from[] = {
        { .reason = PAUSE_NONE }, { .reason = PAUSE_PRELAUNCH },
        { .reason = PAUSE_PAUSED }, { .reason = PAUSE_WATCHDOG },
        { .reason = PAUSE_POSTMIGRATE }, { .reason = PAUSE_PANICKED },
        { .held[RUN_LOCK_IO_ERROR] = true }, { .held[RUN_LOCK_DEBUG] = true },
        { .held[RUN_LOCK_SAVE] = true }, { .held[RUN_LOCK_RESTORE] = true },
        { .held[RUN_LOCK_LEASE] = true },
        { .held[RUN_LOCK_CHECKPOINT] = true },
        { .held[RUN_LOCK_CHECKPOINT] = true, .reason = PAUSE_PAUSED },
        { .held[RUN_LOCK_CHECKPOINT] = true, .reason = PAUSE_WATCHDOG },
        { .held[RUN_LOCK_CHECKPOINT] = true, .reason = PAUSE_PANICKED },
    };

    fprintf(f, "## Run states by QEMU's names\n\nThe vCPUs run while no lock "
            "is held and the reason is none. QEMU has one name for\nthe "
            "whole; a lock hides the reason, and `colo` is the lock of an "
            "epoch. The locks:\n\n");
    print_names(f, "Locks", run_lock_names, 0, RUN_LOCKS_NR);
    fprintf(f, "An epoch takes its lock in any state and gives it back: what "
            "the domain was before,\nand what the user has said meanwhile, is "
            "there again. –: nothing changes.\n\n| state | epoch begins, or "
            "ends | `stop` | `retry` | `start` | `start -f` | `cont` |\n"
            "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        fprintf(f, "| ");
        print_tuple(f, &from[i]);
        for (int what = -1; what < RUN_COMMANDS_NR; what++)
            print_after(f, &from[i], what);
        fprintf(f, " |\n");
    }
    fprintf(f, "\n- Lost heartbeat changes no tuple. The primary holds output "
            "and fences; a secondary\n  that takes over gives `restore` back, "
            "and the reason that it was told\n  (PAUSE_REASON) is what "
            "remains.\n"
            "- Standby (`suspended`) is the guest's own sleep: it is in the "
            "state of its devices,\n  goes into an epoch with them, and wakes "
            "on whichever host it is.\n"
            "- Locks are a host's own and aren't told to the other; "
            "`io-error` neither, since it\n  is that host's storage.\n\n");
}

/* "primary-start", or "lock" where there is one picture only. */
static void picture_name(char *to, size_t size, const struct machine *m,
                         const struct picture *p)
{
    snprintf(to, size, "%s%s%s", m->name, *p->phase ? "-" : "", p->phase);
}

static void print_machines(FILE *f, int of)
{
    for (size_t i = 0; i < PAGES_NR; i++) {
        const struct machine *m = pages[i].m;
        struct machine_count n = machine_count(m);
        char name[64];

        if ((int)pages[i].of != of)
            continue;
        fprintf(f, "## %s\n\n%s\n\n", pages[i].title, pages[i].about);
        for (const struct picture *p = pictures_of(m); p->phase; p++) {
            picture_name(name, sizeof(name), m, p);
            if (*p->phase)
                fprintf(f, "*%c%s*: %s.\n\n", toupper(p->phase[0]),
                        p->phase + 1, p->shows);
            fprintf(f, "![](%s.svg)\n\n", name);
        }
        fprintf(f, "%d transitions, %d reasons.\n\n", n.transitions,
                n.reasons);
        print_names(f, "States", m->states, 0, m->states_nr);
        print_names(f, "Triggers", m->triggers, 0, m->triggers_nr);
        print_names(f, "Actions", m->actions, 1, m->actions_nr);
        fprintf(f, "### Transitions\n\n");
        for (int s = 0; s < m->states_nr; s++)
            print_cells(f, m, s);
    }
}

static void protocol_page(FILE *f)
{
    fprintf(f, "%% The checkpoint protocol's machines\n\n"
            "Generated from the tables in `tools/libxl/protocol/` by `make "
            "docs`; don't edit.\n\nEach machine is a table of (state, "
            "trigger) → (actions, next state). For every pair\nthere is "
            "either such a transition or the reason why it can't happen; "
            "what the engine\ndoes, it does by these tables. There is "
            "a picture for each phase of life;\nan arrow bears the triggers "
            "that lead from one state to another, and is in one picture;\n"
            "triggers that lead nowhere else are in the tables only.\n\n");
    print_machines(f, OF_XEN);
    print_run_states(f);
}

static void qemu_page(FILE *f)
{
    qemu_page_begin(f);
    print_machines(f, OF_QEMU);
    qemu_page_end(f);
}

static int dot(const char *name)
{
    char of[64];

    for (size_t i = 0; i < PAGES_NR; i++)
        for (const struct picture *p = pictures_of(pages[i].m); p->phase;
             p++) {
            picture_name(of, sizeof(of), pages[i].m, p);
            if (strcmp(of, name))
                continue;
            phase_dot(stdout, pages[i].m, p->phase);
            return 0;
        }
    fprintf(stderr, "tables: no picture %s\n", name);
    return 1;
}

static void rules_page(FILE *f)
{
    fprintf(f, "%% The rules of a stream\n\n"
            "Generated from `tools/libxl/stream/rules.h` by `make docs`; "
            "don't edit.\n\nThe sections are those of "
            "`libxl-migration-stream` (xl, libxl) and\n"
            "`libxc-migration-stream` (libxc); which rule is named when "
            "several are broken stands\nthere under *Checking*.\n\n"
            "| rule | section | what holds in a good stream |\n"
            "|---|---|---|\n");
    for (enum sr_rule r = SR_RULE_NONE + 1; r < SR_RULES_NR; r++) {
        const struct sr_rule_info *info = sr_rule_info(r);

        fprintf(f, "| `%s` | %s | %s |\n", info->id, info->section,
                info->sentence);
    }
}

static int names(void)
{
    char name[64];

    for (size_t i = 0; i < PAGES_NR; i++)
        for (const struct picture *p = pictures_of(pages[i].m); p->phase;
             p++) {
            picture_name(name, sizeof(name), pages[i].m, p);
            printf("%s\n", name);
        }
    return 0;
}

static int page(const char *dir, const char *name, void (*print)(FILE *))
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    if (f)
        print(f);
    if (f && !fclose(f))
        return 0;
    perror(path);
    return 1;
}

static int docs(const char *dir)
{
    return page(dir, "colo-protocol.pandoc", protocol_page) ||
           page(dir, "qemu-colo-protocol.pandoc", qemu_page) ||
           page(dir, "stream-rules.pandoc", rules_page);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--check"))
        return check();
    if (argc == 3 && !strcmp(argv[1], "--docs"))
        return docs(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "--dot"))
        return dot(argv[2]);
    if (argc == 2 && !strcmp(argv[1], "--names"))
        return names();
    fprintf(stderr, "usage: tables --check | --docs DIR | --names | "
            "--dot PICTURE\n");
    return 2;
}
