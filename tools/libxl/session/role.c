/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The defaults of a session's parameters, and the queue of triggers that a
 * side has produced and not yet stepped.
 */
#include "role.h"

#include <assert.h>

static void fill(unsigned int *v, unsigned int def)
{
    if (*v == 0)
        *v = def;
}

void params_fill(struct colo_params *p, const struct colo_params *in)
{
    *p = *in;
    fill(&p->interval_ms, colo_default_interval_ms(p->colo));
    fill(&p->compare_timeout_ms, COLO_COMPARE_MS_DEFAULT);
    fill(&p->heartbeat_ms, COLO_HEARTBEAT_MS_DEFAULT);
    fill(&p->silence_ms, COLO_SILENCE_MS_DEFAULT);
    fill(&p->step_ms, COLO_STEP_MS_DEFAULT);
    fill(&p->create_ms, COLO_CREATE_MS_DEFAULT);
    fill(&p->fence_ms, COLO_FENCE_MS_DEFAULT);
    fill(&p->retry_ms, COLO_RETRY_MS_DEFAULT);
}

void triggers_post(struct trigger_queue *q, int trigger)
{
    /* Each input posts a few and all are stepped before the next input. */
    assert(q->count < TRIGGERS_MAX);
    q->ring[(q->head + q->count) % TRIGGERS_MAX] = trigger;
    q->count++;
}

int triggers_take(struct trigger_queue *q)
{
    int t;

    if (q->count == 0)
        return -1;
    t = q->ring[q->head];
    q->head = (q->head + 1) % TRIGGERS_MAX;
    q->count--;
    return t;
}

bool triggers_has(const struct trigger_queue *q, int trigger)
{
    for (unsigned int i = 0; i < q->count; i++)
        if (q->ring[(q->head + i) % TRIGGERS_MAX] == trigger)
            return true;
    return false;
}

void triggers_move(struct trigger_queue *to, struct trigger_queue *from)
{
    int t;

    while ((t = triggers_take(from)) >= 0)
        triggers_post(to, t);
}

void inbox_post(struct trigger_inbox *in, int trigger)
{
    triggers_post(in->stepping ? &in->outcomes : &in->inputs, trigger);
}

int inbox_take(struct trigger_inbox *in)
{
    int t = triggers_take(&in->outcomes);

    return t >= 0 ? t : triggers_take(&in->inputs);
}
