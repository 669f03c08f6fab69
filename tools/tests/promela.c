/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Writes the protocol's tables as Promela, for the models in
 * tools/tests/model: the names, and for each machine an inline that looks a
 * cell up and one that does an action. With a bug one cell is wrong, so that
 * a model can be seen to find it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine_colo_primary.h"
#include "machine_colo_secondary.h"
#include "machine_primary.h"
#include "machine_qemu_primary.h"
#include "machine_qemu_secondary.h"
#include "machine_secondary.h"

/* The two machines of a mode; in a model they have the same prefixes. */
static const struct mode {
    const char *name;
    const struct machine *primary, *secondary;
} modes[] = {
    { "remus", &primary_machine, &secondary_machine },
    { "colo", &colo_primary_machine, &colo_secondary_machine },
    { "qemu", &qemu_primary_machine, &qemu_secondary_machine },
};
#define MODES_NR (sizeof(modes) / sizeof(modes[0]))

static const struct bug {
    const char *name;
    const char *breaks;       /* the fault that the model names */
    const char *budget;       /* what has to happen for it */
    const struct machine *m;
    int state, trigger;
    struct machine_cell cell;
} bugs[] = {
    { "release-before-acknowledgement", "released_early",
      "-DUSERS=0", &primary_machine, P_SEND, PT_SENT,
      M_GO(P_ACK, PA_RELEASE_EPOCH) },
    { "resume-after-partial-apply", "torn_epoch",
      "-DFAILS=1 -DCRASHES=1", &secondary_machine, S_APPLY, ST_APPLY_FAILED,
      M_GO(S_BUFFER, SA_SEND_READY) },
    { "take-over-without-fence", "two_copies",
      "-DCRASHES=1", &secondary_machine, S_BUFFER, ST_LOST_FENCE,
      M_GO(S_TAKE, SA_DISCONNECT, SA_ACTIVATE) },
    { "pause-forgotten-by-checkpoint", "pause_lost",
      "-DUSERS=1", &primary_machine, P_CAPTURE, PT_CAPTURED,
      M_GO(P_SEND, PA_RESUME, PA_SEND_EPOCH) },
    { "pause-not-told", "pause_lost",
      "-DUSERS=2", &primary_machine, P_WAIT, PT_USER_RUN,
      M_GO(P_WAIT, PA_NONE) },
    { "error-treated-as-success", "torn_epoch",
      "-DFAILS=1", &secondary_machine, S_CREATE, ST_CREATE_FAILED,
      M_GO(S_BUFFER, SA_SEND_READY) },
    { "end-taken-for-confirmed", "old_epoch",
      "-DCRASHES=1 -DUSERS=1", &primary_machine, P_END, PT_LOST_FENCE,
      M_GO(P_DONE, PA_DISCONNECT, PA_OBEY,
           PA_RELEASE_ALL, PA_FINISH) },
    { "lost-peer-runs-on", "old_epoch",
      "-DCRASHES=1", &primary_machine, P_WAIT, PT_LOST_FENCE,
      M_GO(P_DONE, PA_DISCONNECT, PA_OBEY,
           PA_RELEASE_ALL, PA_FINISH) },
    { "stop-without-confirmation", "old_epoch",
      "-DCRASHES=1 -DUSERS=1", &primary_machine, P_WAIT, PT_USER_STOP,
      M_GO(P_DONE, PA_SEND_END, PA_OBEY,
           PA_RELEASE_ALL, PA_FINISH) },
    { "lease-given-up-when-lost", "two_copies",
      "-DCRASHES=1 -DFENCE=0 -DLEASE=1", &primary_machine, P_WAIT,
      PT_LOST_LEASE, M_GO(P_DONE, PA_DISCONNECT, PA_OBEY, PA_RELEASE_ALL,
                          PA_FINISH) },
    { "doomed-ends-like-any-failure", "none_left",
      "-DFAILS=1 -DUSERS=0", &primary_machine, P_SEND, PT_RESUME_FAILED,
      M_GO(P_END, PA_OBEY, PA_SEND_END) },
    { "ready-before-apply", "released_early",
      "-DFAILS=0 -DANY_TURN=1", &secondary_machine, S_BUFFER, ST_EPOCH,
      M_GO(S_APPLY, SA_SEND_READY, SA_APPLY) },
    { "wish-not-obeyed-alone", "pause_lost",
      "-DCRASHES=1 -DUSERS=1", &primary_machine, P_WAIT, PT_LOST_EARLY,
      M_GO(P_DONE, PA_DISCONNECT, PA_RELEASE_ALL,
                                  PA_FINISH) },
    { "colo-take-over-before-the-lease-is-out", "two_copies",
      "-DCRASHES=1 -DFENCE=0 -DLEASE=1", &colo_secondary_machine, CS_RUN,
      CST_LOST_FENCE, M_GO(CS_TAKE, CSA_DISCONNECT, CSA_ACTIVATE) },
    { "copy-never-says-resumed", "stuck",
      "-DUSERS=0", &colo_secondary_machine, CS_APPLY, CST_APPLIED,
      M_GO(CS_RUN, CSA_SEND_READY, CSA_RUN_COPY) },
    { "epoch-without-the-copy-standing", "out_of_turn",
      "-DUSERS=0", &colo_primary_machine, CP_SUSPEND, CPT_SUSPENDED,
      M_GO(CP_CAPTURE, CPA_CAPTURE) },
    { "colo-release-before-ready", "released_early",
      "-DUSERS=0", &colo_primary_machine, CP_SEND, CPT_SENT,
      M_GO(CP_ACK, CPA_HOLD, CPA_RELEASE_EPOCH) },
    { "colo-take-over-without-fence", "two_copies",
      "-DCRASHES=1", &colo_secondary_machine, CS_RUN, CST_LOST_FENCE,
      M_GO(CS_TAKE, CSA_DISCONNECT, CSA_ACTIVATE) },
    { "colo-loss-taken-for-early", "old_epoch",
      "-DCRASHES=1", &colo_primary_machine, CP_ACK, CPT_LOST_FENCE,
      M_GO(CP_DONE, CPA_DISCONNECT, CPA_OBEY, CPA_RESUME, CPA_RELEASE_ALL,
           CPA_FINISH) },
    { "gone-said-before-the-copy-is", "gone_too_soon",
      "-DFAILS=1", &secondary_machine, S_APPLY, ST_APPLY_FAILED,
      M_GO(S_DONE, SA_SEND_GONE, SA_DESTROY, SA_FINISH) },
    { "fence-never-tried-again", "stuck",
      "-DCRASHES=1 -DFAILS=1", &secondary_machine, S_FENCE, ST_FENCE_FAILED,
      M_GO(S_FENCE, SA_NONE) },
    { "qemu-release-before-received", "released_early",
      "-DUSERS=0", &qemu_primary_machine, QP_BLOB, QPT_SENT,
      M_GO(QP_RECEIVED, QPA_RELEASE_EPOCH, QPA_ARM_ANSWER) },
    { "qemu-loss-taken-for-early", "old_epoch",
      "-DCRASHES=1", &qemu_primary_machine, QP_READY, QPT_LOST_FENCE,
      M_GO(QP_DONE, QPA_DISCONNECT, QPA_OBEY, QPA_RESUME, QPA_RELEASE_ALL,
           QPA_FINISH) },
    { "qemu-end-by-closing", "two_copies",
      "-DUSERS=1 -DFENCE=0 -DAUTO=1", &qemu_primary_machine, QP_RUN,
      QPT_USER_STOP, M_GO(QP_DONE, QPA_DISCONNECT, QPA_OBEY,
                          QPA_RELEASE_ALL, QPA_FINISH) },
    { "qemu-end-waits-for-no-fence", "stuck",
      "-DUSERS=1 -DFENCE=0", &qemu_primary_machine, QP_END, QPT_NO_FENCE,
      M_GO(QP_END, QPA_REFUSE) },
    { "qemu-fences-while-asked-to-stand", "impossible",
      "-DCRASHES=1", &qemu_primary_machine, QP_SUSPEND, QPT_LOST_FENCE,
      M_GO(QP_FENCE, QPA_DISCONNECT, QPA_FENCE) },
    { "qemu-waits-for-a-guest-that-ended", "stuck",
      "-DGUESTS=1 -DCRASHES=0", &qemu_primary_machine, QP_STOP,
      QPT_GUEST_ENDED,
      M_GO(QP_CLOSE, QPA_DISCONNECT, QPA_SUSPEND_CANCEL) },
    { "qemu-ends-standing-still", "left_standing",
      "-DCRASHES=1", &qemu_primary_machine, QP_REST, QPT_LOST_EARLY,
      M_GO(QP_DONE, QPA_DISCONNECT, QPA_OBEY, QPA_RELEASE_ALL,
           QPA_FINISH) },
    { "qemu-take-over-without-fence", "two_copies",
      "-DCRASHES=1", &qemu_secondary_machine, QS_RUN, QST_LOST_FENCE,
      M_GO(QS_TAKE, QSA_DISCONNECT, QSA_ACTIVATE) },
    { "qemu-take-over-amid-load", "too_soon",
      "-DCRASHES=1 -DFENCE=0 -DAUTO=1", &qemu_secondary_machine, QS_LOAD,
      QST_LOST_AUTO, M_GO(QS_TAKE, QSA_DISCONNECT, QSA_ACTIVATE) },
    { "qemu-take-over-after-failed-load", "torn_epoch",
      "-DCRASHES=1 -DFAILS=1", &qemu_secondary_machine, QS_FINISH,
      QST_LOAD_FAILED, M_GO(QS_RUN, QSA_RECALL) },
    { "qemu-partial-not-forgotten", "partial_epoch",
      "-DCRASHES=1", &qemu_secondary_machine, QS_RAM, QST_LOST_FENCE,
      M_GO(QS_FENCE, QSA_DISCONNECT, QSA_FENCE) },
};
#define BUGS_NR (sizeof(bugs) / sizeof(bugs[0]))

/* A table's name as a name in Promela. */
static const char *word(const char *name)
{
    static char text[4][64];
    static int turn;
    char *to = text[turn = (turn + 1) % 4];

    snprintf(to, sizeof(text[0]), "%s", name);
    for (char *c = to; *c; c++)
        if (*c == '-')
            *c = '_';
    return to;
}

/* What a transition is, as data; the model takes the actions one by one. */
static void print_cell(const struct machine *m, char side,
                       const struct machine_cell *c, int s, int t)
{
    const char *next = m->states[c->next].name;

    printf("        :: t == %cT_%s ->\n            printf(\"%s: %s, %s -> "
           "%s\\n\");\n            next = %c_%s", side,
           word(m->triggers[t].name), m->name, m->states[s].name,
           m->triggers[t].name, next, side, word(next));
    for (int i = 0; i < MACHINE_ACTIONS_MAX && c->actions[i]; i++)
        printf(";\n            todo[%d] = %cA_%s", i, side,
               word(m->actions[c->actions[i]].name));
    printf("\n");
}

static void print_names(const struct machine *m, char side)
{
    for (int s = 0; s < m->states_nr; s++)
        printf("#define %c_%s %d\n", side, word(m->states[s].name), s);
    for (int t = 0; t < m->triggers_nr; t++)
        printf("#define %cT_%s %d\n", side, word(m->triggers[t].name), t);
    for (int a = 1; a < m->actions_nr; a++)
        printf("#define %cA_%s %d\n", side, word(m->actions[a].name), a);
}

static void print_machine(const struct machine *m, char side,
                          const struct bug *bug)
{
    char in = side == 'P' ? 'p' : 's';

    printf("inline %s_cell(t)\n{\n    if\n", side == 'P' ? "primary" :
           "secondary");
    for (int s = 0; s < m->states_nr; s++) {
        printf("    :: %cs == %c_%s ->\n        if\n", in, side,
               word(m->states[s].name));
        for (int t = 0; t < m->triggers_nr; t++) {
            const struct machine_cell *c = m->cells + s * m->triggers_nr + t;

            if (bug && bug->m == m && bug->state == s && bug->trigger == t)
                c = &bug->cell;
            if (c->set)
                print_cell(m, side, c, s, t);
        }
        printf("        :: else ->\n            printf(\"%s: in %s can't "
               "happen: trigger %%d\\n\", t);\n            CHECK(%cs == "
               "%c_done, impossible);\n            next = %cs\n        fi\n",
               m->name, m->states[s].name, in, side, in);
    }
    printf("    fi\n}\n\ninline %s_act(a)\n{\n    if\n", side == 'P' ?
           "primary" : "secondary");
    for (int a = 1; a < m->actions_nr; a++)
        printf("    :: a == %cA_%s -> %ca_%s()\n", side,
               word(m->actions[a].name), in, word(m->actions[a].name));
    printf("    fi\n}\n\n");
}

static void print_bugs(const struct mode *mode)
{
    for (size_t i = 0; i < BUGS_NR; i++)
        if (bugs[i].m == mode->primary || bugs[i].m == mode->secondary)
            printf("%s %s %s\n", bugs[i].name, bugs[i].breaks,
                   bugs[i].budget);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    const struct mode *mode = &modes[0];
    const struct bug *bug = NULL;

    for (size_t i = 0; i < MODES_NR; i++)
        if (argc > 2 && !strcmp(argv[2], modes[i].name))
            mode = &modes[i];
    for (size_t i = 0; i < BUGS_NR; i++)
        if (argc == 4 && !strcmp(argv[3], bugs[i].name))
            bug = &bugs[i];
    if (argc == 3 && !strcmp(what, "bugs")) {
        print_bugs(mode);
    } else if (argc == 3 && !strcmp(what, "names")) {
        print_names(mode->primary, 'P');
        print_names(mode->secondary, 'S');
    } else if (!strcmp(what, "steps") && (argc == 3 || bug)) {
        print_machine(mode->primary, 'P', bug);
        print_machine(mode->secondary, 'S', bug);
    } else {
        fprintf(stderr, "usage: promela bugs|names|steps "
                "remus|colo|qemu [BUG]\n");
        return 2;
    }
    return 0;
}
