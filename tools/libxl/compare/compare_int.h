/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What compare.c (verdicts), compare_queue.c (what waits) and compare_tcp.c
 * (TCP's rules) share.
 */
#ifndef XC_COMPARE_COMPARE_INT_H
#define XC_COMPARE_COMPARE_INT_H

#include "compare.h"
#include "flow_table.h"

enum side { PRIMARY, SECONDARY, SIDES_NR };

struct packet {
    struct packet *before, *after;    /* all of its side, as they came */
    struct packet *next;              /* of its flow */
    struct flow *flow;
    uint64_t came_ns;
    uint8_t *data;                    /* the whole frame */
    size_t size;
    const uint8_t *body;
    uint32_t length;                  /* of the body */
    uint32_t seq, ack;                /* TCP: seq is the body's first */
    uint16_t offset;
    uint8_t flags;
    uint8_t class;                    /* of the memory it lies in */
};

struct queue {
    struct packet *head, *tail;
};

struct flow {
    struct flow_head head;
    uint32_t turn;            /* of compare's; another: a checkpoint was */
    uint8_t kind;
    bool diverged;            /* all waits for a checkpoint */
    /* TCP: what the primary has sent, and what the secondary. */
    bool p_known, p_ack_known, p_fin;
    bool s_ack_known, s_fin, s_syn;
    bool pos_known;           /* the primary has sent something */
    bool syn_left;            /* a SYN of the primary, with iss */
    uint8_t s_rst;            /* RSTs that the primary hasn't sent yet */
    uint32_t p_end, p_ack, p_fin_seq;
    uint32_t s_ack, s_fin_seq, s_syn_ack;
    uint32_t pos;             /* all octets before it are equal */
    uint32_t iss;
    struct queue queue[SIDES_NR];
};

#define CLASSES_NR 2

struct compare {
    struct compare_conf conf;
    struct compare_stats stats;
    struct flow_table table;
    struct flow crowd;        /* frames of flows that the table has no room
                                 for: they wait */
    struct queue all[SIDES_NR];
    struct packet *spare[CLASSES_NR];
    uint32_t turn;
    enum compare_why wanted;
    bool was_full;            /* since the last checkpoint */
    bool holds;               /* until a checkpoint nothing is equal */
    bool alone;
};

/* Room for a frame of @n octets; NULL: no memory. */
struct packet *packet_new(struct compare *c, size_t n);
void packet_free(struct compare *c, struct packet *p);
/* Last in its flow and its side; out of both; and freed. */
void packet_put(struct compare *c, enum side side, struct packet *p);
void packet_take(struct compare *c, enum side side, struct packet *p);
void packet_drop(struct compare *c, enum side side, struct packet *p);
void packets_dispose(struct compare *c);

/* What a frame tells that isn't queued yet; *fresh_r: it begins a connection
   anew, and the secondary's older frames don't matter. True: a difference. */
bool tcp_take(struct flow *w, enum side side, const struct packet *p,
              bool *fresh_r);
/* Whether this one of the primary may leave, its elders having left. */
bool tcp_may_leave(const struct flow *w, const struct packet *p);
/* It leaves. */
void tcp_leaves(struct flow *w, const struct packet *p);
/* Whether the secondary's is still needed. */
bool tcp_is_needed(const struct flow *w, const struct packet *p);
/* Both copies are what the primary was. */
void tcp_checkpoint(struct flow *w);

#endif
