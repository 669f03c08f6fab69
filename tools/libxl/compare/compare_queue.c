/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Frames that wait, in two lists each: its flow's and its side's. The memory
 * of those that left serves for the next ones. Called by compare.c.
 */
#include "compare_int.h"

#include <stdlib.h>

static const size_t class_size[CLASSES_NR] = { 256, 2048 };

/* ---- memory ------------------------------------------------------------- */

struct packet *packet_new(struct compare *c, size_t n)
{
    uint8_t class = 0;
    struct packet *p;
    size_t room;

    while (class < CLASSES_NR && n > class_size[class])
        class++;
    room = class < CLASSES_NR ? class_size[class] : n;
    p = class < CLASSES_NR ? c->spare[class] : NULL;
    if (p)
        c->spare[class] = p->next;
    else
        p = malloc(sizeof(*p) + room);
    if (p)
        p->class = class;
    return p;
}

void packet_free(struct compare *c, struct packet *p)
{
    if (p->class == CLASSES_NR) {
        free(p);
        return;
    }
    p->next = c->spare[p->class];
    c->spare[p->class] = p;
}

/* ---- queues ------------------------------------------------------------- */

void packet_put(struct compare *c, enum side side, struct packet *p)
{
    struct queue *q = &p->flow->queue[side];

    p->next = NULL;
    if (q->tail)
        q->tail->next = p;
    else
        q->head = p;
    q->tail = p;
    p->after = NULL;
    p->before = c->all[side].tail;
    if (p->before)
        p->before->after = p;
    else
        c->all[side].head = p;
    c->all[side].tail = p;
    c->stats.packets++;
    c->stats.octets += p->size;
}

void packet_take(struct compare *c, enum side side, struct packet *p)
{
    struct queue *q = &p->flow->queue[side];
    struct packet *elder = NULL;

    for (struct packet *at = q->head; at != p; at = at->next)
        elder = at;
    if (elder)
        elder->next = p->next;
    else
        q->head = p->next;
    if (q->tail == p)
        q->tail = elder;
    if (p->before)
        p->before->after = p->after;
    else
        c->all[side].head = p->after;
    if (p->after)
        p->after->before = p->before;
    else
        c->all[side].tail = p->before;
    c->stats.packets--;
    c->stats.octets -= p->size;
}

void packet_drop(struct compare *c, enum side side, struct packet *p)
{
    packet_take(c, side, p);
    packet_free(c, p);
}

void packets_dispose(struct compare *c)
{
    for (int side = 0; side < SIDES_NR; side++)
        while (c->all[side].head)
            packet_drop(c, (enum side)side, c->all[side].head);
    for (int i = 0; i < CLASSES_NR; i++)
        for (struct packet *p; (p = c->spare[i]);) {
            c->spare[i] = p->next;
            free(p);
        }
}
