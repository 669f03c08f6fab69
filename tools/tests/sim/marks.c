/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Rare states (SIM_MARKS) that are seen only from inside a session. This looks
 * at what sessions keep to themselves, and changes nothing; env.c, dom.c,
 * oracle.c and faults.c call it.
 */
#include "sim.h"

#include <string.h>

#include "machine_colo_primary.h"
#include "machine_primary.h"
#include "machine_qemu_primary.h"
#include "machine_qemu_secondary.h"
#include "machine_secondary.h"
#include "primary_int.h"
#include "secondary_int.h"

static bool is(const char *action, enum primary_action a)
{
    return !strcmp(action, primary_machine.actions[a].name);
}

static bool is_colo(const char *action, enum colo_primary_action a)
{
    return !strcmp(action, colo_primary_machine.actions[a].name);
}

/* The state is the one that the actions lead out of. */
static void of_primary(struct sim *s, const struct colo_primary *p,
                       const char *action)
{
    bool out = p->state == P_SEND || p->state == P_ACK;

    SOMETIMES(s, p->state == P_END &&
              (is(action, PA_FENCE) || is(action, PA_ASK_USER)),
              RELEASE_UNANSWERED);
    SOMETIMES(s, p->state == P_ACK && is(action, PA_DISCONNECT) &&
              p->epoch == s->applied && p->epochs_ready < p->epoch,
              READY_LOST);
    SOMETIMES(s, p->doubted.count && is(action, PA_DISCONNECT), DOUBTED);
    SOMETIMES(s, is(action, PA_RELEASE_EPOCH) &&
              p->link.reader.at.type == WIRE_OPT_RECEIVED, BELIEVED);
    SOMETIMES(s, p->state == P_HELD && is(action, PA_DROP_ALL),
              HELD_DESTROYED);
    SOMETIMES(s, is(action, PA_REFUSE), STOP_REFUSED);
    SOMETIMES(s, is(action, PA_RECLAIM), RECLAIMED);
    SOMETIMES(s, is(action, PA_SEND_GONE), HANDED_OVER);
    SOMETIMES(s, p->state == P_SETTLE && is(action, PA_RESUME), STOOD_STILL);
    SOMETIMES(s, out && p->guest_over && is(action, PA_DEFER), GUEST_LATE);
}

static void of_colo_primary(struct sim *s, const struct colo_primary *p,
                            const char *action)
{
    const struct sim_dom *copy = s->host[!s->host[0].is_primary ? 0 : 1].copy;

    SOMETIMES(s, p->state == CP_RUN && is_colo(action, CPA_SEND_NEW) &&
              p->pairing.wanted == COMPARE_LATE, LATE);
    SOMETIMES(s, p->state == CP_OWN && is_colo(action, CPA_CAPTURE),
              COPY_WAITS);
    SOMETIMES(s, p->state == CP_RESUMED && p->paused && copy &&
              copy->d.paused, BOTH_PAUSED);
    /* The list is gone by then, but its pages are behind the domain's. */
    if (is_colo(action, CPA_SEND_EPOCH) && p->stage.pages_nr > 1)
        SOMETIMES(s, p->stage.pfns[p->stage.pages_nr - 1] <
                  p->stage.pfns[p->stage.pages_nr - 2], COPY_PAGES);
}

static bool is_qemu(const char *action, enum qemu_primary_action a)
{
    return !strcmp(action, qemu_primary_machine.actions[a].name);
}

static void of_qemu_primary(struct sim *s, const struct colo_primary *p,
                            const char *action)
{
    SOMETIMES(s, p->state == QP_RECEIVED && is_qemu(action, QPA_DISCONNECT) &&
              s->complete == p->epoch, RECEIVED_LOST);
    SOMETIMES(s, p->state == QP_LOADED && is_qemu(action, QPA_DISCONNECT),
              UNLOADED);
    SOMETIMES(s, is_qemu(action, QPA_SAVE) && !p->suspended, PAUSED_SAVED);
    SOMETIMES(s, is_qemu(action, QPA_DESTROY), DESTROYED_HERE);
    SOMETIMES(s, p->state == QP_END && is_qemu(action, QPA_REFUSE),
              END_REFUSED);
}

static void of_qemu_secondary(struct sim *s, const struct colo_secondary *c,
                              const char *action)
{
    const struct machine_name *names = qemu_secondary_machine.actions;

    /* It is said, before that. */
    if (!strcmp(action, names[QSA_APPLY].name))
        s->complete = c->epochs;
    SOMETIMES(s, !strcmp(action, names[QSA_DISCARD].name), DISCARDED);
    SOMETIMES(s, !strcmp(action, names[QSA_REFUSE].name), FAILOVER_REFUSED);
}

void marks_action(struct sim *s, int side, const char *action)
{
    const struct sim_host *h = &s->host[side];

    if (sim_is_qemu(s) && h->is_primary)
        of_qemu_primary(s, h->session, action);
    else if (sim_is_qemu(s))
        of_qemu_secondary(s, h->session, action);
    else if (s->params.colo && h->is_primary)
        of_colo_primary(s, h->session, action);
    else if (h->is_primary)
        of_primary(s, h->session, action);
    else
        SOMETIMES(s, !strcmp(action, secondary_machine.actions[SA_REFUSE]
                             .name), FAILOVER_REFUSED);
}

void marks_taken_over(const struct sim_dom *d, bool run)
{
    struct sim *s = d->sim;
    const struct sim_host *o = &s->host[!d->host];
    const struct colo_secondary *copy = s->host[d->host].session;

    SOMETIMES(s, o->power && o->alive && o->dom, ON_SILENCE);
    SOMETIMES(s, copy->stage.pages_nr > 0, HALF_EPOCH);
    SOMETIMES(s, d->epoch == 2, SECOND_EPOCH);
    SOMETIMES(s, s->confirmed && !run, PAUSE_CARRIED);
    SOMETIMES(s, d->d.own_state && copy->runs, OWN_STATE);
    SOMETIMES(s, d->d.own_state && !copy->runs, STOOD_COPY);
}

void marks_op_failed(struct sim *s, const char *what)
{
    SOMETIMES(s, !strcmp(what, "apply"), APPLY_FAILED);
    SOMETIMES(s, !strcmp(what, "resume"), RESUME_FAILED);
    SOMETIMES(s, !strcmp(what, "activate"), ACTIVATE_FAILED);
}

bool marks_lease_is_old(const struct sim_host *h)
{
    const struct colo_primary *p = h->session;
    uint64_t age;

    if (!h->alive || !h->is_primary)
        return false;
    age = h->env.sim->now - p->link.lease.ns;
    return age > LEASE_FRESH_NS * 3 / 4 && age < LEASE_FRESH_NS;
}

/* 0: there is no session. */
static unsigned int state_of(const struct sim_host *h)
{
    const struct colo_primary *p = h->session;
    const struct colo_secondary *c = h->session;

    if (!h->power || !h->alive || h->ended)
        return 0;
    return 1 + (unsigned int)(h->is_primary ? p->state : c->state);
}

void marks_place(struct sim *s)
{
    int p = s->host[0].is_primary ? 0 : 1;
    unsigned int at = sim_is_qemu(s) ? 2 : s->params.colo;

    at = at * PLACE_STATES + state_of(&s->host[p]);
    at = at * PLACE_STATES + state_of(&s->host[!p]);
    for (int i = 0; i < 2; i++)
        at = 2 * at +
            (s->due[sim_slot(&s->host[i], SLOT_FENCE)] != SIM_NEVER);
    s->count.places[at / 64] |= 1ull << at % 64;
}
