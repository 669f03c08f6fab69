/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a session needs of the network: hold a domain's output and let it go
 * epoch by epoch. Contract only.
 *
 * attach → hold → (mark → release_epoch)* → release_all → detach, or drop at
 * any time. At most one marked epoch is outstanding. If the process dies
 * between hold and release_all, the output stays held (and bounded: what
 * passes the limit is dropped, as a slow network would).
 *
 * With COLO both copies run, and each side sees their frames:
 * attach → tap → (next | put)* → release_all → detach, or drop at any time,
 * on the copy's host, too.
 */
#ifndef XC_OPS_NETWORK_H
#define XC_OPS_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain.h"
#include "err.h"
#include "log.h"

struct net;

struct net_stats {
    uint64_t held_packets;        /* now in the queues */
    uint64_t held_bytes;
    uint64_t sent_packets;        /* since hold() */
    uint64_t dropped_packets;
};

/* A frame between the domain and others, Ethernet header first, no FCS. */
struct net_frame {
    unsigned int vif;         /* its place in dom_info.vifs; embedded: 0 */
    bool to_domain;           /* else the domain sends it */
    const uint8_t *data;
    size_t size;
};

struct net_ops {
    const char *name;    /* "plug", "embedded", "none" */
    /* Take over the output path of every interface in @info. Traffic flows
       as before until hold(). ERR_BUSY: somebody holds it already (a dead
       session's hold included; the message says how to release it). */
    int (*attach)(const struct dom_info *info, const struct logger *log,
                  struct net **n_r, struct err *e);
    /* From now on nothing leaves. */
    int (*hold)(struct net *n, struct err *e);
    /* The domain stands still: what was held so far is this epoch's. */
    int (*mark)(struct net *n, struct err *e);
    /* The newest marked epoch is safe: let its packets go. */
    int (*release_epoch)(struct net *n, struct err *e);
    /* Everything may go, now and from now on. Idempotent. */
    int (*release_all)(struct net *n, struct err *e);
    int (*stats)(struct net *n, struct net_stats *s_r, struct err *e);
    /* Give the path back as it was found. Only after release_all(), or
       before hold(); idempotent on NULL. */
    void (*detach)(struct net *n);
    /* The domain is gone: what is held never leaves, and the path is given
       back as it was found. Frees. */
    void (*drop)(struct net *n);
    /* Free without touching the kernel: what is held stays held. */
    void (*abandon)(struct net *n);

    /* ---- COLO; NULL where the backend can't ----------------------------- */
    /* Instead of hold(): from now on what the domain sends leaves by put()
       alone, and next() tells of it, as of what others send to the domain,
       which has it already. To a copy (a sink's domain) nobody sends. */
    int (*tap)(struct net *n, struct err *e);
    /* Readable when next() may have something. */
    int (*fd)(struct net *n);
    /* Frames in the order in which the domain saw them: 0, or ERR_AGAIN. All
       of before a DOM_EV_SUSPENDED are there when that is. *f_r refers to
       octets that stay until the next call. */
    int (*next)(struct net *n, struct net_frame *f_r);
    /* The domain's frame to others, or one of theirs to the copy. What comes
       to a copy that stands still waits for it to run, until apply(). */
    int (*put)(struct net *n, const struct net_frame *f, struct err *e);

    /* ---- both ----------------------------------------------------------- */
    /* Tell the neighbourhood where the domain now is (after takeover). */
    int (*announce)(const struct dom_info *info, struct err *e);
};

#endif
