/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What must hold. The oracle knows what clients were told, what each epoch
 * was when it was captured, and which copy is the domain.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9fb21c651e98df25ull;
    return h ^ (h >> 32);
}

/* Of memory and vCPU; a copy's newest context is kept apart until it runs. */
static uint64_t hash_of(const struct dom *d, const struct buf *context)
{
    const uint64_t *w = (const uint64_t *)(const void *)d->guest.ram;
    uint64_t h[4] = { 1, 2, 3, 4 };

    for (size_t i = 0; i < d->guest.pages * GUEST_PAGE / 8; i += 4)
        for (int k = 0; k < 4; k++)
            h[k] = (h[k] ^ w[i + (size_t)k]) * 0x9fb21c651e98df25ull;
    for (size_t i = 0; i < context->size; i++)
        h[0] = mix(h[0], context->data[i]);
    return mix(mix(mix(h[0], h[1]), h[2]), h[3]);
}

static bool stored(struct sim_dom *d, uint64_t number)
{
    char line[40], answer[GUEST_LINE];
    uint64_t steps = d->d.guest.steps;

    snprintf(line, sizeof(line), "C %" PRIu64, number);
    guest_request(&d->d.guest, line, answer);
    d->d.guest.steps = steps;
    return answer[0] == 'Y';
}

/* Who took over from it, be it that this has gone with its host since. */
static struct sim_dom *heir(const struct sim_dom *d)
{
    const struct sim_host *h = &d->sim->host[!d->host];
    struct sim_dom *other = h->dom ? h->dom : h->fallen;

    return other && other->life == d->sim->life ? other : NULL;
}

/*
 * An answer of a copy that was taken over from may come late, when the stream
 * broke and the peer's SVM_READY was under way: it is one that the new copy
 * gave. Not once its session has seen that, nor when the other took over as it
 * heard nothing: then this one doubts it.
 */
static bool late(const struct sim_dom *d, const struct sim_dom *heir)
{
    if (!heir || d->sim->host[d->host].in.told)
        return false;
    return heir->on_end || sim_is_qemu(d->sim) || d->sim->tainted;
}

static bool both_said(struct sim_dom *d, uint64_t number)
{
    struct sim_dom *other = heir(d);

    return late(d, other) && stored(other, number);
}

static bool both_drew(struct sim_dom *d, uint64_t value)
{
    const struct sim_dom *other = heir(d);

    return late(d, other) && guest_drawn(&other->d.guest) == value;
}

void oracle_told(struct sim_dom *d, uint64_t number)
{
    struct sim *s = d->sim;

    SIM_CHECK(s, d->life == s->life || both_said(d, number),
              "two copies speak: %llu is told by "
              "copy %llu, and %llu took over", (unsigned long long)number,
              (unsigned long long)d->life, (unsigned long long)s->life);
    if (s->told_nr == s->told_max) {
        bool was = s->in_session;

        s->in_session = false;    /* the oracle's own memory never fails */
        s->told_max = s->told_max ? 2 * s->told_max : 256;
        s->told = realloc(s->told, s->told_max * sizeof(*s->told));
        if (!s->told)
            abort();
        s->in_session = was;
    }
    s->told[s->told_nr++] = number;
    s->told_at = s->now;
    s->count.told++;
}

void oracle_speaks(struct sim_dom *d)
{
    SIM_CHECK(d->sim, d->life == d->sim->life || late(d, heir(d)),
              "two copies speak: a frame of copy %" PRIu64 " leaves",
              d->life);
}

void oracle_drew(struct sim_dom *d, uint64_t value)
{
    struct sim *s = d->sim;
    const struct sim_dom *copy = s->host[!d->host].copy;
    bool watched = d->out.tapped && copy && copy->d.own_state;

    SIM_CHECK(s, d->life == s->life || both_drew(d, value),
              "two copies speak: one drew");
    SIM_CHECK(s, !watched || s->tainted || strcmp(sim_state(s, d->host),
                                                  "protected") ||
              guest_drawn(&copy->d.guest) == value, "what one copy drew was "
              "let go, and the other doesn't know it");
    SOMETIMES(s, watched, DREW);
    s->told_at = s->now;
    s->count.told++;
}

void oracle_forget(struct sim *s)
{
    s->told_nr = 0;
    s->confirmed = false;
}

void oracle_captured(struct sim_dom *d)
{
    CLEANUP_BUF struct buf b = { 0 };
    bool was = d->sim->in_session;

    d->sim->in_session = false;    /* nor does this */
    if (guest_save(&d->d.guest, &b, NULL))
        abort();
    d->sim->in_session = was;
    d->sim->hash[d->epoch % 64] = hash_of(&d->d, &b);
}

void oracle_applied(struct sim_dom *d)
{
    struct sim *s = d->sim;

    SIM_CHECK(s, !s->stale, "a primary that was replaced is believed");
    SIM_CHECK(s, s->tainted ||
              hash_of(&d->d, &d->d.context) == s->hash[d->epoch % 64],
              "epoch %" PRIu64 " isn't on the copy what it was when it was "
              "captured", d->epoch);
    s->applied = d->epoch;
}

/* Nobody asked for proof, and what the other copy says is held. */
static bool silence_is_enough(const struct sim *s, const struct sim_dom *d)
{
    return !s->params.fence && !s->params.lease_s && !s->params.shared_disks &&
           s->params.takeover != COLO_TAKEOVER_MANUAL &&
           (d->out.holding || d->out.tapped);
}

/* Its host lives, and keeps it from running. */
static bool yields(const struct sim *s, const struct sim_dom *d)
{
    return s->params.lease_s && (d->over || d->suspended || d->d.paused);
}

void oracle_runs(struct sim *s, const struct sim_dom *d)
{
    SIM_CHECK(s, !s->params.lease_s || !sim_dom_serves(d) ||
              d->life == s->life, "two copies: one runs that was taken over "
              "from");
}

void oracle_activated(struct sim_dom *d, bool run)
{
    struct sim *s = d->sim;
    struct sim_host *o = &s->host[!d->host];
    size_t lost = 0;

    d->on_end = s->host[d->host].in.saw_end;
    sim_say(s, "%d: takes over from epoch %" PRIu64, d->host, d->epoch);
    SOMETIMES(s, o->power && sim_frozen(s, !d->host), THAWED);
    marks_taken_over(d, run);
    SOMETIMES(s, o->power && o->dom && yields(s, o->dom), YIELDED);
    SIM_CHECK(s, !o->power || !o->dom || !o->dom->d.running ||
              silence_is_enough(s, o->dom) || yields(s, o->dom),
              "two copies: one is started while the other host has power and "
              "the domain");
    SIM_CHECK(s, d->epoch == s->applied, "epoch %" PRIu64 " is started, and "
              "%" PRIu64 " is the newest", d->epoch, s->applied);
    SIM_CHECK(s, s->tainted || d->d.own_state ||
              hash_of(&d->d, &d->d.context) == s->hash[d->epoch % 64],
              "what is started isn't epoch %" PRIu64, d->epoch);
    SIM_CHECK(s, !s->confirmed || !run, "the user was told that the domain "
              "is paused, and its copy runs");
    for (size_t i = 0; i < s->told_nr; i++)
        lost += !stored(d, s->told[i]);
    SIM_CHECK(s, s->tainted || lost == 0, "%zu of %zu acknowledged writes "
              "are lost", lost, s->told_nr);
    s->told_nr = 0;    /* they are in its memory, which later copies have */
}

void oracle_ended(struct sim *s, const struct colo_result *r)
{
    bool wished = r->end == COLO_END_STOPPED || r->end == COLO_END_DISCARDED ||
                  r->end == COLO_END_GUEST;
    bool well = s->mishaps == 0 && !s->slow_until && !s->guest_over &&
                !s->stale && !s->tainted;

    SIM_CHECK(s, !well || wished, "nothing went wrong, and a session ends: "
              "%s", r->err.msg);
}

static bool one_of(const char *state, const char *a, const char *b)
{
    return !strcmp(state, a) || !strcmp(state, b);
}

/* What keeps @side from being at rest; NULL: nothing. */
static const char *unrest(struct sim *s, int side)
{
    const struct sim_host *h = &s->host[side];
    const struct sim_host *source = &s->host[h->is_primary ? side : !side];
    const char *state = sim_state(s, side);

    if (!*state || one_of(state, "held", "waiting-for-user"))
        return NULL;
    if (sim_frozen(s, side))
        return state;
    /* A guest that is paused can't agree to its first epochs. */
    if (one_of(state, "arming", "copying") && source->dom &&
        source->dom->d.paused)
        return NULL;
    if (!one_of(state, "protected", "protecting"))
        return state;
    if (!*sim_state(s, !side))
        return "protected, or protecting, by nobody";
    if (h->is_primary && sim_dom_serves(h->dom) &&
        s->told_at + SIM_S < s->now)
        return "protected, and no output flows";
    return NULL;
}

bool oracle_rests(struct sim *s)
{
    return !unrest(s, 0) && !unrest(s, 1);
}

void oracle_rest(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        const char *why = unrest(s, i);

        SIM_CHECK(s, !why, "%s stays %s", s->host[i].is_primary ?
                  "the primary" : "the secondary", why);
    }
}
