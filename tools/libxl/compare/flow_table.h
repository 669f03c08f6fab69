/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A table from flows' keys to what its user keeps about each: records of one
 * size that don't move while they are in it. Of a fixed size; when it is full,
 * a flow that wasn't used lately makes room. Which flows collide is a secret.
 * Pure, one thread. Called by compare.c and rewrite.c.
 */
#ifndef XC_COMPARE_FLOW_TABLE_H
#define XC_COMPARE_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "frame.h"

/* How each record begins; the table's own. */
struct flow_head {
    struct frame_key key;
    uint32_t hash;            /* 0: the record is free */
    bool used;                /* lately */
};

struct flow_table_conf {
    size_t size;              /* of a record, which begins with flow_head */
    size_t flows_max;         /* rounded up to a power of two */
    uint64_t seed;            /* a secret: which flows collide */
    const void *ctx;
    /* Whether this one mustn't make room. */
    bool (*stays)(const void *ctx, const struct flow_head *w);
};

struct flow_table {
    struct flow_table_conf conf;
    uint8_t *flows;           /* records */
    struct { uint32_t hash, flow; } *slots;
    uint32_t *free;           /* records not in use any more: a stack */
    size_t max, begun;        /* of which so many were ever in use */
    size_t free_nr, hand;
};

/* ERR_NOMEM. The records' memory is taken as they are used, first zero. */
int flow_table_init(struct flow_table *t, const struct flow_table_conf *conf,
                    struct err *e);
/* Idempotent, and safe after a failure. */
void flow_table_dispose(struct flow_table *t);

/* The record that has the key; NULL: none. It counts as used. */
void *flow_table_find(struct flow_table *t, const struct frame_key *key);
/*
 * A record for a key that none has; NULL: all stay. Behind its head it is as
 * it was left, all zero the first time: if the table was full, that is what
 * there is to know about the flow that made room.
 */
void *flow_table_add(struct flow_table *t, const struct frame_key *key);
/* How many have one. */
size_t flow_table_count(const struct flow_table *t);

#endif
