/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The frames of two copies that both run (COLO). The primary's end hears what
 * others send to the domain and tells the peer, holds what the domain sends
 * against what the copy sends, and lets go what is the same. The secondary's
 * end hands the copy what others sent, and the primary what the copy sends,
 * with the primary's sequence numbers (rewrite.h). Frames travel in the
 * session's stream, as FRAME records, so that they keep their place among
 * checkpoints. No descriptor, no clock of its own. Called by primary_colo.c
 * and secondary_colo.c; a zeroed one is closed.
 */
#ifndef XC_SESSION_PAIRING_H
#define XC_SESSION_PAIRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compare.h"
#include "domain.h"
#include "env.h"
#include "link.h"
#include "network.h"
#include "rewrite.h"

/* Octets in our queue beyond which frames to the peer are dropped, as by a
   busy network. */
#define PAIRING_QUEUE_MAX ((uint64_t)8 << 20)
#define PAIRING_DELAYS_MAX 1024u

struct pairing;

/* One of the domain's interfaces. */
struct pairing_port {
    struct pairing *of;
    unsigned int vif;
    struct compare *compare;    /* primary, once it has sent or heard */
    struct rewrite *rewrite;    /* secondary, the same */
};

struct pairing {
    const struct env_ops *ops;
    struct env *env;
    const struct net_ops *net_ops;
    struct net *net;             /* NULL: closed */
    struct colo_link *link;
    struct pairing_port ports[DOM_VIFS_MAX];
    unsigned int ports_nr;
    uint64_t timeout_ns;
    bool comparing;              /* primary: only equal output leaves */
    bool still;                  /* the domain here stands still */
    enum compare_why wanted;     /* primary: a checkpoint, for that */
    uint64_t look_ns;            /* when the clock is set to */

    uint32_t delays[PAIRING_DELAYS_MAX];    /* in us, a ring */
    size_t delays_nr, delays_next;
};

struct pairing_conf {
    const struct env_ops *ops;
    struct env *env;
    const struct net_ops *net_ops;
    const struct dom_info *info;
    const struct logger *log;
    struct colo_link *link;
    uint64_t timeout_ns;         /* primary: output waits so long at most;
                                    0: this is the secondary */
    uint64_t seed;               /* a secret */
    size_t flows_max;            /* 0: compare.h's */
};

/* The domain's path is ours; nothing is compared yet. ERR_UNSUPPORTED: the
   backend can't; or the net's error. */
int pairing_open(struct pairing *g, const struct pairing_conf *c,
                 struct err *e);
/* Of net_ops.fd; -1: closed. */
int pairing_fd(struct pairing *g);

/* Primary: from now on only equal output leaves, and the peer is told what
   the domain hears. */
void pairing_compare(struct pairing *g);
/* All that the domain (here) has sent and heard until now. */
int pairing_take(struct pairing *g, struct err *e);
/* The body of a FRAME of the peer's, which is changed in place. */
int pairing_peer(struct pairing *g, struct buf *body, struct err *e);
/* Primary: whether a checkpoint is wanted; looks for what waits too long, and
   sets the clock for the next look. */
void pairing_tick(struct pairing *g);
static inline bool pairing_wants(const struct pairing *g)
{
    return g->wanted != COMPARE_FINE;
}
/* Primary, the domain stands still: until the next line's call nothing more is
   equal, since the copy may be overwritten, and its word with it. */
void pairing_stand(struct pairing *g);
/* The copies are the same. Primary: what waits goes out. */
void pairing_checkpoint(struct pairing *g);
/* Primary: what is held for now: frames and octets. */
void pairing_held(const struct pairing *g, uint64_t *frames_r,
                  uint64_t *octets_r);
/* Primary: how long output waited to leave, the newest. 0: none did. */
void pairing_delay(const struct pairing *g, uint64_t *median_ns_r,
                   uint64_t *p99_ns_r);

/* It is over. The domain stays here: primary: all that waits goes out; the
   copy: what waits is of the past. The path is given back. */
int pairing_alone(struct pairing *g, struct err *e);
/* The domain is gone: what waits never leaves. */
void pairing_drop(struct pairing *g);
/* Memory only: what is held stays held. */
void pairing_abandon(struct pairing *g);

#endif
