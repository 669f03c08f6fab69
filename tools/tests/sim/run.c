/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One seed: sessions one after another, each with its faults, until enough
 * epochs have gone by. After each, the user puts things right, and only ever
 * says what is so. enumerate.c takes the same parts.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 3000000u

static void client(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        struct sim_dom *copy = s->host[i].copy;

        oracle_runs(s, s->host[i].dom);
        if (s->params.colo)
            sim_client(s, i);
        else if (s->host[i].power && sim_dom_serves(s->host[i].dom))
            sim_dom_request(s->host[i].dom, s->next_write++);
        if (s->params.colo && sim_dom_serves(copy))    /* for itself */
            guest_work(&copy->d.guest, (size_t)sim_below(s, 3));
    }
    sim_at(s, SLOT_CLIENT, s->now + 5 * SIM_MS + sim_below(s, 60 * SIM_MS));
}

bool sim_over(const struct sim *s)
{
    return !s->host[0].alive && !s->host[1].alive;
}

/* False: nothing is due before @until, which it is now. */
static bool step(struct sim *s, uint64_t until)
{
    uint64_t due;
    int slot = sim_next(s, &due);

    if (slot < 0 || due > until) {
        s->now = until;
        return false;
    }
    if (due > s->now)
        s->now = due;
    s->steps++;
    s->count.steps++;
    sim_at(s, slot, SIM_NEVER);
    if (slot == SLOT_CLIENT) {
        client(s);
    } else if (slot == SLOT_FAULT) {
        sim_fault(s);
        sim_at(s, SLOT_FAULT, s->now + 1 + (s->kills_next ?
               3500 * SIM_MS + sim_below(s, 2 * SIM_S) :
               sim_below(s, 2 * s->fault_every)));
    } else if (sim_frozen(s, slot / SLOT_HOST_NR) &&
               slot % SLOT_HOST_NR != SLOT_WATCHDOG) {
        sim_at(s, slot, s->host[slot / SLOT_HOST_NR].frozen_until +
               sim_below(s, 1000));    /* in any order */
    } else {
        sim_host_step(s, slot / SLOT_HOST_NR, slot % SLOT_HOST_NR);
    }
    marks_place(s);
    SIM_CHECK(s, s->steps < STEPS_MAX, "it turns in circles");
    return true;
}

void sim_run_until(struct sim *s, uint64_t until)
{
    while (!s->failed && !sim_over(s) && step(s, until))
        if (!s->was_protected &&    /* a status sorts all it measured */
            !strcmp(sim_state(s, s->host[0].is_primary ? 0 : 1),
                    "protected"))
            s->was_protected = true;
}

/* The user looks, and decides what has to be decided. */
static void user_decides(struct sim *s, int p)
{
    struct sim_host *primary = &s->host[p], *copy = &s->host[!p];
    bool asks = !strcmp(sim_state(s, !p), "waiting-for-user");

    SOMETIMES(s, asks && !strcmp(sim_state(s, p), "held"), BOTH_WAIT);
    if (asks) {
        sim_host_command(s, !p, primary->power && primary->dom ?
                         COLO_CMD_STOP : COLO_CMD_FAILOVER);
    }
    /* Its copy has run, and answered, even if that has ended since. */
    if (!strcmp(sim_state(s, p), "held") && primary->dom &&
        primary->dom->life != s->life) {
        sim_dom_destroyed(primary->dom);
        return;
    }
    if (!strcmp(sim_state(s, p), "held") && !copy->dom) {
        sim_host_kill(s, !p);
        sim_dom_free(copy->copy);
        copy->copy = NULL;
        sim_host_command(s, p, COLO_CMD_STOP_RELEASE);
    }
}

/* Whoever still protects ends it. */
static void wind_up(struct sim *s, int p)
{
    for (int i = 0; i < 4 && !sim_over(s) && !s->failed; i++) {
        user_decides(s, p);
        sim_run_until(s, s->now + SIM_S);
        /* In that dialect there is no other word for the end. */
        if (sim_is_qemu(s) && !s->params.fence) {
            sim_host_command(s, !p, COLO_CMD_STOP);
            sim_run_until(s, s->now + SIM_S);
            user_decides(s, p);
        }
        if (*sim_state(s, p))
            sim_host_command(s, p, COLO_CMD_STOP);
        else
            sim_host_command(s, !p, COLO_CMD_STOP);
        sim_run_until(s, s->now + 60 * SIM_S);
    }
    SIM_CHECK(s, sim_over(s), "it doesn't end: %s, %s", sim_state(s, 0),
              sim_state(s, 1));
}

/* Where the domain is; what a killed session left is put right. */
static int find(struct sim *s)
{
    int at = -1;

    for (int i = 0; i < 2; i++) {
        struct sim_host *h = &s->host[i];

        sim_dom_free(h->copy);
        h->copy = NULL;
        if (s->due[sim_slot(h, SLOT_WATCHDOG)] != SIM_NEVER)
            sim_host_off(s, i);    /* nobody asks the hypervisor any more */
        if (h->dom && h->dom->life != s->life) {    /* its copy took over */
            sim_dom_free(h->dom);
            h->dom = NULL;
        }
        if (!h->dom)
            continue;
        SIM_CHECK(s, at < 0, "two domains are left");
        SIM_CHECK(s, s->killed || !h->dom->suspended || h->dom->over,
                  "the domain is left standing still");
        at = i;
    }
    if (at >= 0 && (s->host[at].dom->over || !s->host[at].dom->d.running)) {
        sim_dom_free(s->host[at].dom);
        s->host[at].dom = NULL;
        at = -1;
    }
    return at;
}

/* As a session that starts, or the administrator, finds it. */
static void tidy(struct sim *s, struct sim_dom *d)
{
    d->suspended = d->asked = false;
    d->events_nr = 0;
    d->d.paused = d->theirs = false;
    s->client[0].state = s->client[1].state = CLIENT_IDLE;
    sim_net_ops.release_all(&d->out, NULL);
    oracle_forget(s);
}

/* Pauses the domain, and looks whether it is so. */
static void user_pauses(struct sim *s, int p)
{
    sim_host_command(s, p, COLO_CMD_PAUSE);
    sim_run_until(s, s->now + SIM_S);
    sim_user_looks(s, p);
}

void sim_fresh(struct sim *s)
{
    s->mishaps = 0;
    s->fail_alloc = s->fail_domain = s->fail_net = s->fail_fence = 0;
    s->slow_until = s->freeze_ns = 0;
    s->killed = false;
    s->calm = s->tainted = s->was_protected = s->guest_over = false;
    s->stale = s->kills_next = false;
    s->applied = s->complete = 0;
    for (int i = 0; i < 2; i++) {
        s->host[i].power = true;
        s->host[i].frozen_until = 0;
    }
    sim_at(s, SLOT_CLIENT, s->now);
}

bool sim_rest(struct sim *s, int p)
{
    int at;

    s->calm = true;
    for (int i = 0; i < 150 && !s->failed && (i == 0 || !oracle_rests(s)); i++)
        sim_run_until(s, s->now + 2 * SIM_S);
    if (!s->failed)
        oracle_rest(s);
    if (!s->failed)
        wind_up(s, p);
    at = find(s);
    SIM_CHECK(s, at >= 0 || s->guest_over || s->mishaps != 1 ||
              !s->was_protected || s->tainted, "one mishap, and the domain "
              "is lost");
    if (at < 0) {
        s->host[0].dom = sim_dom_boot(s, 0);
        oracle_forget(s);
    }
    tidy(s, s->host[at < 0 ? 0 : at].dom);
    return at >= 0;
}

static void one_session(struct sim *s, int p)
{
    bool ends = sim_chance(s, s->lease_world ? 300 : 850);
    uint64_t longest = s->lease_world ? 10 * SIM_S : s->longest;
    unsigned int how;

    sim_fresh(s);
    s->params.colo = sim_chance(s, 400);
    s->params.interval_ms = s->params.colo ? 50u << sim_below(s, 5) : 50;
    /* Each fifth seed, so that what the others draw is as it was. */
    s->params.dialect = s->seed % 5 == 0 ? COLO_DIALECT_QEMU
                                         : COLO_DIALECT_XEN;
    s->params.colo = s->params.colo && !sim_is_qemu(s);
    s->params.verify = s->seed % 3 == 1 && !sim_is_qemu(s);
    how = (unsigned int)sim_below(s, 1000);
    s->params.fence = how < 600 && !s->lease_world ? "fence" : NULL;
    s->params.lease_s = s->lease_world ||
                        (how >= 600 && how < 700 && !sim_is_qemu(s)) ?
                        2 + how % 2 : 0;
    /* A long one leaves it to the lease to notice. */
    s->params.silence_ms = s->lease_world && how / 2 % 2 ? 5000 : 0;
    s->params.shared_disks = sim_chance(s, 300);
    s->params.takeover = sim_chance(s, 200) ? COLO_TAKEOVER_MANUAL
                                            : COLO_TAKEOVER_DEFAULT;
    if (sim_is_qemu(s) && s->params.shared_disks)    /* as the command line */
        s->params.takeover = COLO_TAKEOVER_MANUAL;
    /* Where sessions begin is where decisions lie close together. */
    sim_at(s, SLOT_FAULT, s->now + sim_below(s, sim_chance(s, 300) ?
                                             200 * SIM_MS :
                                             2 * s->fault_every));
    /* A primary that was replaced, and hasn't heard of it. */
    if (sim_chance(s, 20))
        s->host[!p].seen = s->generation + 1;
    if (!sim_start(s, p))
        return;
    sim_run_until(s, s->now + 300 * SIM_MS + sim_below(s, longest));
    s->calm = true;
    if (sim_chance(s, 150))
        user_pauses(s, p);
    if (ends && !s->failed && !sim_over(s)) {
        s->mishaps++;
        sim_host_off(s, p);    /* what it is all for */
    }
    sim_rest(s, p);
}

static void seed_random(struct sim *s, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {    /* splitmix64, by Steele and others */
        uint64_t z = (seed += 0x9e3779b97f4a7c15ull);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        s->rng[i] = z ^ (z >> 31);
    }
}

void sim_begin(struct sim *s, uint64_t seed)
{
    s->seed = seed;
    seed_random(s, seed);
    s->now = SIM_S;
    s->steps = 0;
    s->failed = false;
    for (int i = 0; i < SLOTS_NR; i++)
        s->due[i] = SIM_NEVER;
    s->host[0].env = (struct env) { s, 0 };
    s->host[1].env = (struct env) { s, 1 };
    s->params = (struct colo_params) { .interval_ms = 50, .hold_output = true,
                                       .step_ms = 10000,
                                       .compare_timeout_ms = 200,
                                       .flows_max = 64 };
    sim_swarm(s);
    s->lease_world = seed % 4 == 3 && seed % 5;    /* not in QEMU's dialect */
    if (s->lease_world)
        sim_swarm_lease(s);
    s->host[0].power = s->host[1].power = true;
    s->next_write = 1;
    s->generation = 0;
    s->crashes = s->crashed = 0;
    s->told_at = s->now;
    s->host[0].dom = sim_dom_boot(s, 0);
    sim_alloc_of = s;
}

void sim_end(struct sim *s)
{
    for (int i = 0; i < 2; i++) {
        if (s->host[i].alive)
            sim_host_kill(s, i);
        sim_dom_free(s->host[i].dom);
        sim_dom_free(s->host[i].copy);
        sim_dom_free(s->host[i].fallen);
        pipe_dispose(&s->host[i].in);
        memset(&s->host[i], 0, sizeof(s->host[i]));
    }
    sim_alloc_of = NULL;
    oracle_forget(s);
}

bool sim_run(struct sim *s, uint64_t seed, uint64_t epochs)
{
    uint64_t until = s->count.epochs + epochs;

    s->point[0] = '\0';
    sim_begin(s, seed);
    while (!s->failed && s->count.epochs < until)
        one_session(s, s->host[0].dom ? 0 : 1);
    s->count.seeds++;
    sim_end(s);
    return !s->failed;
}
