/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Flows by their keys: slots probed one after another, at most half of them
 * in use. When the table is full, a flow that may go and wasn't used lately
 * makes room (a clock's hand goes round). Called by compare.c, rewrite.c.
 */
#include "flow_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 6
_Static_assert(sizeof(struct frame_key) <= WORDS * 8, "a key fits its words");

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint32_t hash_of(const struct flow_table *t,
                        const struct frame_key *key)
{
    uint64_t w[WORDS] = { 0 }, h = t->conf.seed;

    memcpy(w, key, sizeof(*key));
    for (int i = 0; i < WORDS; i += 2)
        h = mix(w[i] ^ h ^ 0x9e3779b97f4a7c15ull,
                w[i + 1] ^ t->conf.seed ^ 0xd1b54a32d192ed03ull);
    return (uint32_t)(h ^ h >> 32) | 1;
}

static size_t mask_of(const struct flow_table *t)
{
    return 2 * t->max - 1;
}

static struct flow_head *flow_at(const struct flow_table *t, size_t index)
{
    return (struct flow_head *)(t->flows + index * t->conf.size);
}

int flow_table_init(struct flow_table *t, const struct flow_table_conf *conf,
                    struct err *e)
{
    memset(t, 0, sizeof(*t));
    t->conf = *conf;
    for (t->max = 16; t->max < conf->flows_max && t->max < (1u << 30);
         t->max *= 2)
        ;
    t->flows = calloc(t->max, conf->size);
    t->slots = calloc(2 * t->max, sizeof(*t->slots));
    t->free = malloc(t->max * sizeof(*t->free));
    if (!t->flows || !t->slots || !t->free) {
        flow_table_dispose(t);
        return err_set(e, ERR_NOMEM, "no memory for %zu flows",
                       conf->flows_max);
    }
    return 0;
}

void flow_table_dispose(struct flow_table *t)
{
    free(t->flows);
    free(t->slots);
    free(t->free);
    memset(t, 0, sizeof(*t));
}

/* Empties slot @i; who was put behind it for its sake moves up. */
static void close_gap(struct flow_table *t, size_t i)
{
    size_t mask = mask_of(t);

    for (size_t k = (i + 1) & mask; t->slots[k].hash; k = (k + 1) & mask) {
        size_t home = t->slots[k].hash & mask;

        if (((k - home) & mask) >= ((k - i) & mask)) {
            t->slots[i] = t->slots[k];
            i = k;
        }
    }
    t->slots[i].hash = 0;
}

static void forget(struct flow_table *t, uint32_t index)
{
    struct flow_head *w = flow_at(t, index);
    size_t i = w->hash & mask_of(t);

    while (t->slots[i].flow != index || t->slots[i].hash != w->hash)
        i = (i + 1) & mask_of(t);
    close_gap(t, i);
    w->hash = 0;
    t->free[t->free_nr++] = index;
}

static bool has_room(const struct flow_table *t)
{
    return t->free_nr || t->begun < t->max;
}

static void make_room(struct flow_table *t)
{
    for (size_t i = 0; i < 2 * t->max && !t->free_nr; i++) {
        uint32_t index = (uint32_t)t->hand;
        struct flow_head *w = flow_at(t, index);

        t->hand = (t->hand + 1) & (t->max - 1);
        if (t->conf.stays(t->conf.ctx, w))
            continue;
        if (w->used)
            w->used = false;
        else
            forget(t, index);
    }
}

/* The slot that has the key, or the empty one where it would be. */
static size_t slot_of(const struct flow_table *t, const struct frame_key *key,
                      uint32_t hash)
{
    size_t mask = mask_of(t), i;

    for (i = hash & mask; t->slots[i].hash; i = (i + 1) & mask)
        if (t->slots[i].hash == hash &&
            !memcmp(&flow_at(t, t->slots[i].flow)->key, key, sizeof(*key)))
            break;
    return i;
}

void *flow_table_find(struct flow_table *t, const struct frame_key *key)
{
    size_t i = slot_of(t, key, hash_of(t, key));
    struct flow_head *w;

    if (!t->slots[i].hash)
        return NULL;
    w = flow_at(t, t->slots[i].flow);
    w->used = true;
    return w;
}

void *flow_table_add(struct flow_table *t, const struct frame_key *key)
{
    uint32_t hash = hash_of(t, key);
    struct flow_head *w;
    size_t i;

    if (!has_room(t))
        make_room(t);
    if (!has_room(t))
        return NULL;
    i = slot_of(t, key, hash);
    assert(!t->slots[i].hash);
    t->slots[i].hash = hash;
    t->slots[i].flow = t->free_nr ? t->free[--t->free_nr]
                                  : (uint32_t)t->begun++;
    w = flow_at(t, t->slots[i].flow);
    *w = (struct flow_head) { .key = *key, .hash = hash, .used = true };
    return w;
}

size_t flow_table_count(const struct flow_table *t)
{
    return t->begun - t->free_nr;
}
