/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Chance, the clock and its slots, the trace. No decision is taken here.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint64_t turn(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* xoshiro256**, by Blackman and Vigna. */
uint64_t sim_random(struct sim *s)
{
    uint64_t *r = s->rng, result = turn(r[1] * 5, 7) * 9, t = r[1] << 17;

    r[2] ^= r[0];
    r[3] ^= r[1];
    r[1] ^= r[2];
    r[0] ^= r[3];
    r[2] ^= t;
    r[3] = turn(r[3], 45);
    return result;
}

uint64_t sim_below(struct sim *s, uint64_t n)
{
    return n ? sim_random(s) % n : 0;
}

bool sim_chance(struct sim *s, unsigned int per_mille)
{
    return sim_below(s, 1000) < per_mille;
}

void sim_at(struct sim *s, int slot, uint64_t due)
{
    s->due[slot] = due;
}

void sim_by(struct sim *s, int slot, uint64_t due)
{
    if (due < s->due[slot])
        s->due[slot] = due;
}

int sim_slot(const struct sim_host *h, int kind)
{
    return h->env.side * SLOT_HOST_NR + kind;
}

int sim_next(const struct sim *s, uint64_t *due_r)
{
    int best = -1;

    *due_r = SIM_NEVER;
    for (int i = 0; i < SLOTS_NR; i++)
        if (s->due[i] < *due_r) {
            *due_r = s->due[i];
            best = i;
        }
    return best;
}

void sim_say(struct sim *s, const char *fmt, ...)
{
    char text[120];
    va_list ap;

    if (!s->trace)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    snprintf(s->trace[s->trace_at++ % SIM_TRACE_LINES], sizeof(s->trace[0]),
             "%12.6f %s", (double)s->now / 1e9, text);
}

void sim_violated(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (s->failed)
        return;
    s->failed = true;
    va_start(ap, fmt);
    vsnprintf(s->why, sizeof(s->why), fmt, ap);
    va_end(ap);
    sim_say(s, "VIOLATED %s", s->why);
}
