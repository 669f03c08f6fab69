/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One side's end of the stream: output queue, signs of life, the limits of
 * waiting, and the collecting of small records. What both loops share and
 * neither decides. Called by primary.c and secondary.c only.
 */
#ifndef XC_SESSION_LINK_H
#define XC_SESSION_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "env.h"
#include "err.h"
#include "fresh.h"
#include "log.h"
#include "outq.h"
#include "reader.h"
#include "session.h"
#include "validator.h"
#include "window.h"
#include "writer.h"

/* A record that is collected whole is never longer. */
#define LINK_SMALL_MAX ((size_t)WIRE_FRAME_MAX + 8)
/* While a copy is made its host is busy, and nothing depends on silence being
   noticed soon. No shorter than what a domain may take for one step. */
#define LINK_EARLY_SILENCE_NS (2 * (uint64_t)DOM_STEP_LIMIT_MS * ENV_MS)
/* After a failed write, how long the input may go on before it counts. */
#define LINK_BROKEN_NS (500 * ENV_MS)

struct colo_link {
    const struct env_ops *ops;
    struct env *env;
    const struct logger *log;
    struct outq out;
    struct sr_reader reader;
    struct sr_validator *check;
    struct buf body;             /* of the small record being read */
    struct window window;        /* bounds what is under way to the peer */
    struct fresh lease, belief;  /* what the peer has read, by the limits of
                                    a lease and of link_is_heard() */
    uint64_t reported;           /* octets, to a peer that bounds them */
    uint64_t generation;
    uint64_t heard_ns;           /* when the last octet came */
    uint64_t quiet_max_ns;       /* see link_quiet_max() */
    uint64_t heartbeat_ns, silence_ns;    /* 0: not yet */
    bool open;                   /* connected */
    bool broken;                 /* a write failed; input may still come */
    bool last;                   /* what is queued is the end of our side */
    bool own;                    /* the peer is one of ours */
};

int link_init(struct colo_link *l, const struct env_ops *ops,
              struct env *env, const struct logger *log,
              enum sr_direction in, const struct colo_params *p,
              struct err *e);
void link_dispose(struct colo_link *l);

/* Send what the stream takes now. False: it was found broken just now. */
bool link_flush(struct colo_link *l);
/* Queue @b (whole records, or one whose body follows) and flush. */
int link_put(struct colo_link *l, struct buf *b, struct err *e);
int link_put_state(struct colo_link *l, enum wire_state id, struct err *e);
/* That the primary keeps the domain: either side's word for the end. */
int link_put_release(struct colo_link *l, struct err *e);
/* Once all that is queued is sent, end our direction of the stream. */
void link_end_send(struct colo_link *l);
/* HELLO, of this mode, and PEER_INFO, in one piece. */
int link_put_hello(struct colo_link *l, uint32_t features,
                   const struct colo_params *p,
                   const char *name, struct err *e);

/* Whether the @peer ("primary", "receiver") is in the same mode. ERR_PEER. */
int link_same_mode(const struct colo_params *p, uint32_t features,
                   const char *peer, struct err *e);

/* The peer is ours: send signs of life from now on. */
void link_start_beating(struct colo_link *l, uint64_t heartbeat_ns);
/* And expect them, at least every LINK_EARLY_SILENCE_NS. Idempotent. */
void link_start_listening(struct colo_link *l);
/* From now on that much: what the user said once protection has begun, and
   LINK_EARLY_SILENCE_NS again while the peer destroys its copy. */
void link_allow_silence(struct colo_link *l, uint64_t silence_ns);
/* Whoever the peer is: octets are due within that time, and never when it is
   ENV_NEVER. */
void link_watch(struct colo_link *l, uint64_t silence_ns);
/* For the timers of the same names. */
void link_beat(struct colo_link *l);
/* True when nothing came for too long; otherwise the timer is set again. */
bool link_is_silent(struct colo_link *l);
/* The peer's RECEIVED is in the body: it may make room for more. */
int link_received(struct colo_link *l, struct err *e);
/* Tell the peer how much came, if that is @least more than it was told. */
void link_report(struct colo_link *l, uint64_t least);
/* Octets came. */
void link_heard(struct colo_link *l);
/* None did because we didn't take any: what was silence until now is none. */
void link_listens_again(struct colo_link *l);
/* The longest while in ns that a peer of ours gave no sign of life, the
   present one included; since the limit became the user's, or, before, since
   link_start_listening(). 0: none were due, or the peer isn't ours. */
uint64_t link_quiet_max(const struct colo_link *l);

/* For how long nothing has come, in ns. */
static inline uint64_t link_quiet(const struct colo_link *l)
{
    return l->ops->now(l->env) - l->heard_ns;
}

/* Whether the peer is connected, and said something within @limit_ns. */
static inline bool link_hears(const struct colo_link *l, uint64_t limit_ns)
{
    return l->open && link_quiet(l) < limit_ns;
}

/* Whether the peer, connected, has certainly read something that we sent less
   than a silence limit ago: so it hasn't taken over because of our silence,
   and what it said still holds. The limit here is shorter by what two clocks
   may differ. */
bool link_is_heard(const struct colo_link *l);

/* Close for good: nothing is sent or received any more. */
void link_close(struct colo_link *l);

#endif
