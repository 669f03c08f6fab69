/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Crash points, enumerated before any are drawn: in a session without other
 * faults, before each action of each side it dies, or its host, or the
 * connection; two deep, whoever still lives dies before each action of what
 * follows, too. The rest is calm, and the oracle judges. Everything but the
 * crash is the same each time, so that a point's name says all.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

#define SEED 1
/* No recovery takes more actions. */
#define RECOVERY_MAX 24u
#define FREEZE_NS (3 * COLO_SILENCE_MS_DEFAULT * SIM_MS)

enum proof { NOTHING, COMMAND, LEASE };
enum ending { USER_STOPS_P, USER_STOPS_S, GUEST_ENDS, DESTROYED };

static const struct world {
    const char *text;
    bool colo;
    enum proof proof;
    bool shared;
    unsigned int fence_fails;
    enum colo_takeover takeover;
    enum ending ending;
    bool qemu;
} worlds[] = {
    { "a fence command; the user ends it at the primary",
      false, COMMAND, false, 0, COLO_TAKEOVER_DEFAULT, USER_STOPS_P, false },
    { "no fence, silence is enough; the guest ends",
      false, NOTHING, false, 0, COLO_TAKEOVER_DEFAULT, GUEST_ENDS, false },
    { "no fence, the user decides; who gives the copy up",
      false, NOTHING, false, 0, COLO_TAKEOVER_MANUAL, USER_STOPS_S, false },
    { "no fence, shared disks; somebody destroys the domain",
      false, NOTHING, true, 0, COLO_TAKEOVER_DEFAULT, DESTROYED, false },
    { "a fence command that fails first; the user ends it at the primary",
      false, COMMAND, true, 1, COLO_TAKEOVER_MANUAL, USER_STOPS_P, false },
    { "COLO; a fence command; the user ends it at the primary",
      true, COMMAND, false, 0, COLO_TAKEOVER_DEFAULT, USER_STOPS_P, false },
    { "COLO; no fence, silence is enough; the guest ends",
      true, NOTHING, false, 0, COLO_TAKEOVER_DEFAULT, GUEST_ENDS, false },
    { "COLO; no fence, the user decides; who gives the copy up",
      true, NOTHING, false, 0, COLO_TAKEOVER_MANUAL, USER_STOPS_S, false },
    { "COLO; no fence, shared disks; somebody destroys the domain",
      true, NOTHING, true, 0, COLO_TAKEOVER_DEFAULT, DESTROYED, false },
    { "a lease, shared disks; the user ends it at the primary",
      false, LEASE, true, 0, COLO_TAKEOVER_DEFAULT, USER_STOPS_P, false },
    { "COLO; a lease, shared disks; the guest ends",
      true, LEASE, true, 0, COLO_TAKEOVER_DEFAULT, GUEST_ENDS, false },
    { "QEMU's; a fence command; the user ends it at the primary",
      false, COMMAND, false, 0, COLO_TAKEOVER_DEFAULT, USER_STOPS_P, true },
    { "QEMU's; no fence, silence is enough; somebody destroys the domain",
      false, NOTHING, false, 0, COLO_TAKEOVER_DEFAULT, DESTROYED, true },
    { "QEMU's; no fence, the user decides; who gives the copy up, and vouches",
      false, NOTHING, false, 0, COLO_TAKEOVER_MANUAL, USER_STOPS_S, true },
    { "QEMU's; a fence command that fails first; the guest ends",
      false, COMMAND, true, 1, COLO_TAKEOVER_MANUAL, GUEST_ENDS, true },
};
#define WORLDS_NR (sizeof(worlds) / sizeof(worlds[0]))

/* A point, and what followed it. */
struct point {
    unsigned int world, crashes;
    struct sim_crash crash[CRASHES_MAX];
    unsigned int actions[2];    /* after the last crash, until it rested */
};

static const char *const kinds[] = {
#define KIND(id, name) name,
    SIM_CRASHES(KIND)
#undef KIND
};

static void name(const struct point *p, char *to, size_t size)
{
    int n = snprintf(to, size, "E%u:W%u", p->crashes, p->world);

    for (unsigned int i = 0; i < p->crashes; i++)
        n += snprintf(to + n, size - (size_t)n, "%c%c%u:%s", i ? '/' : ':',
                      p->crash[i].side ? 's' : 'p', p->crash[i].at,
                      kinds[p->crash[i].kind]);
}

bool sim_crashes(struct sim *s, int side)
{
    const struct sim_crash *c = &s->crash[s->crashed];

    s->actions[side]++;
    if (s->crashed >= s->crashes || c->side != side ||
        c->at != s->actions[side])
        return false;
    s->crashed++;
    s->actions[0] = s->actions[1] = 0;
    if (c->kind == CRASH_PROCESS || c->kind == CRASH_HOST)
        return true;
    s->mishaps++;
    sim_say(s, "%d: %s", side, kinds[c->kind]);
    if (c->kind == CRASH_CUT)
        sim_cut(s);
    for (int i = 0; c->kind == CRASH_SILENCE && i < 2; i++)
        sim_silence(s, i, 24 * 3600 * SIM_S);
    if (c->kind == CRASH_FREEZE && s->params.colo && s->host[side].is_primary)
        s->freeze_ns = FREEZE_NS;
    else if (c->kind == CRASH_FREEZE)
        sim_freeze(s, !side, FREEZE_NS, true);
    return false;
}

/* ---- one session -------------------------------------------------------- */

/* Nothing of the session's plan happens after a crash. */
static bool goes_on(const struct sim *s)
{
    return !s->failed && !s->crashed && !sim_over(s);
}

static void wait_ms(struct sim *s, unsigned int ms)
{
    uint64_t until = s->now + ms * SIM_MS;

    while (goes_on(s) && s->now < until)
        sim_run_until(s, s->now + 10 * SIM_MS);
}

static void wait_protected(struct sim *s, int p)
{
    for (int i = 0; i < 500 && goes_on(s) && !s->was_protected; i++)
        wait_ms(s, 10);
    SIM_CHECK(s, !goes_on(s) || s->was_protected, "not protected, but %s",
              sim_state(s, p));
}

static void end(struct sim *s, enum ending ending)
{
    switch (ending) {
    case USER_STOPS_P:
    case USER_STOPS_S:
        s->mishaps++;    /* the copy goes, as it was asked to */
        sim_host_command(s, ending == USER_STOPS_S, COLO_CMD_STOP);
        if (!sim_is_qemu(s) || ending == USER_STOPS_P)
            break;
        wait_ms(s, 1000);
        if (goes_on(s))
            sim_host_command(s, 0, COLO_CMD_STOP_RELEASE);
        break;
    case GUEST_ENDS:
        sim_dom_end(s->host[0].dom);
        break;
    case DESTROYED:
        s->guest_over = true;
        sim_dom_destroyed(s->host[0].dom);
        break;
    }
}

/* The user pauses the domain, sees that it is so, and lets it run again. */
static void pause_a_while(struct sim *s)
{
    bool seen = false;

    if (goes_on(s))
        sim_host_command(s, 0, COLO_CMD_PAUSE);
    for (int i = 0; i < 50 && goes_on(s) && !seen; i++) {
        wait_ms(s, 10);
        seen = goes_on(s) && sim_user_looks(s, 0);
    }
    SIM_CHECK(s, !goes_on(s) || seen, "a pause doesn't come about");
    wait_ms(s, 120);
    if (!goes_on(s))
        return;
    s->confirmed = false;
    sim_host_command(s, 0, COLO_CMD_UNPAUSE);
}

/* All that a session does where nothing goes wrong. */
static void calm_session(struct sim *s, const struct world *w)
{
    wait_protected(s, 0);
    wait_ms(s, 200);
    SIM_CHECK(s, !goes_on(s) || s->told_at + 200 * SIM_MS > s->now,
              "protected, and no output flows");
    pause_a_while(s);
    wait_ms(s, 120);
    if (goes_on(s))
        end(s, w->ending);
    wait_ms(s, 5000);
    SIM_CHECK(s, !goes_on(s), "it doesn't end: %s, %s", sim_state(s, 0),
              sim_state(s, 1));
}

/* Whatever happened, what is left can be protected. */
static void protect_again(struct sim *s)
{
    int p = s->host[0].dom ? 0 : 1;

    s->crashes = s->crashed = 0;
    sim_fresh(s);
    s->calm = true;
    if (!sim_start(s, p))
        return;
    wait_protected(s, p);
    if (goes_on(s))
        sim_host_command(s, p, COLO_CMD_STOP);
    sim_rest(s, p);
}

/* The domain need not outlive what happened: it ended, its host died (with a
   lease, its session) and no copy was to be there, or that wasn't the only
   crash. */
static bool may_be_lost(const struct sim *s, const struct point *p)
{
    bool ended = s->mishaps > p->crashes;

    return s->guest_over || p->crashes > 1 ||
           (p->crashes == 1 && p->crash[0].side == 0 &&
            (p->crash[0].kind == CRASH_HOST || (s->params.lease_s &&
             p->crash[0].kind == CRASH_PROCESS)) &&
            (!s->was_protected || ended));
}

static bool run_point(struct sim *s, struct point *p)
{
    const struct world *w = &worlds[p->world];
    bool lost;

    name(p, s->point, sizeof(s->point));
    sim_begin(s, SEED);
    sim_fresh(s);
    s->calm = true;
    s->params.colo = w->colo;
    s->params.dialect = w->qemu ? COLO_DIALECT_QEMU : COLO_DIALECT_XEN;
    s->params.fence = w->proof == COMMAND ? "fence" : NULL;
    s->params.lease_s = w->proof == LEASE ? LEASE_S_DEFAULT : 0;
    s->params.shared_disks = w->shared;
    s->params.takeover = w->takeover;
    s->fail_fence = w->fence_fails;
    memcpy(s->crash, p->crash, sizeof(s->crash));
    s->crashes = p->crashes;
    s->crashed = s->actions[0] = s->actions[1] = 0;
    sim_say(s, "%s", w->text);
    if (sim_start(s, 0))
        calm_session(s, w);
    lost = !s->failed && !sim_rest(s, 0);
    SIM_CHECK(s, s->crashed == s->crashes, "there is no such point");
    memcpy(p->actions, s->actions, sizeof(p->actions));
    SIM_CHECK(s, !lost || may_be_lost(s, p), "the domain is lost");
    if (!s->failed)
        protect_again(s);
    sim_end(s);
    s->count.points[p->crashes]++;
    return !s->failed;
}

/* ---- all of them -------------------------------------------------------- */

/* The @i-th crash of all, in turn; false: there are fewer. */
static bool crash_of(const unsigned int actions[2], unsigned int i,
                     unsigned int kinds_nr, struct sim_crash *c)
{
    unsigned int at = i / kinds_nr;

    c->kind = (enum sim_crash_kind)(i % kinds_nr);
    c->side = at >= actions[0];
    c->at = at + 1 - (c->side ? actions[0] : 0);
    return at < actions[0] + actions[1];
}

/* Who stands still is of interest if an answer may be under way to it; else it
   is as a silence. */
static bool is_of_interest(const struct world *w, const struct sim_crash *c)
{
    return c->kind != CRASH_FREEZE || (!w->qemu && (w->colo || c->side));
}

static bool second_crashes(struct sim *s, const struct point *first)
{
    struct point p = *first;
    unsigned int left[2];

    p.crashes = 2;
    for (int i = 0; i < 2; i++)
        left[i] = first->actions[i] < RECOVERY_MAX ? first->actions[i]
                                                   : RECOVERY_MAX;
    for (unsigned int i = 0; crash_of(left, i, CRASH_CUT, &p.crash[1]); i++)
        if (!run_point(s, &p))
            return false;
    return true;
}

bool sim_enumerate(struct sim *s, unsigned int depth, unsigned int world,
                   unsigned int part, unsigned int parts)
{
    for (unsigned int w = world; w < WORLDS_NR; w++) {
        struct point calm = { .world = w };

        if (!run_point(s, &calm))
            return false;
        for (unsigned int i = 0;; i++) {
            struct point p = { .world = w, .crashes = 1 };

            if (!crash_of(calm.actions, i, CRASH_KINDS, &p.crash[0]))
                break;
            if (i % parts != part || !is_of_interest(&worlds[w], &p.crash[0]))
                continue;
            if (!run_point(s, &p) || (depth > 1 && !second_crashes(s, &p)))
                return false;
        }
    }
    return true;
}

bool sim_point(struct sim *s, const char *wanted)
{
    char side[CRASHES_MAX], as[CRASHES_MAX][8] = { "" };
    struct point p = { 0 };
    int n = sscanf(wanted, "E%u:W%u:%c%u:%7[a-z]/%c%u:%7[a-z]", &p.crashes,
                   &p.world, &side[0], &p.crash[0].at, as[0], &side[1],
                   &p.crash[1].at, as[1]);

    for (int i = 0; i < CRASHES_MAX && n >= 3 * i + 5; i++) {
        p.crash[i].side = side[i] == 's';
        for (int k = 0; k < CRASH_KINDS; k++)
            if (!strcmp(as[i], kinds[k]))
                p.crash[i].kind = (enum sim_crash_kind)k;
    }
    if (n == 2 + 3 * (int)p.crashes && p.crashes <= CRASHES_MAX &&
        p.world < WORLDS_NR)
        name(&p, s->point, sizeof(s->point));
    if (strcmp(s->point, wanted)) {
        snprintf(s->why, sizeof(s->why), "no point has this name");
        s->failed = true;
        return false;
    }
    return run_point(s, &p);
}
