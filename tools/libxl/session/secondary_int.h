/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What secondary.c (inputs), secondary_input.c (the stream),
 * secondary_user.c (the user) and secondary_actions.c (actions) share.
 */
#ifndef XC_SESSION_SECONDARY_INT_H
#define XC_SESSION_SECONDARY_INT_H

#include "ckpt.h"
#include "link.h"
#include "machine_secondary.h"
#include "names.h"
#include "pages.h"
#include "secondary.h"

#define INCOMING_SUFFIX "--incoming"

/* Octets for the restore that wait for its pipe; beyond, input waits. */
#define FEED_HIGH ((size_t)4 << 20)
#define FEED_MAX  ((size_t)16 << 20)
/* Spans of that size don't go through the buffer when it is empty. */
#define FEED_DIRECT ((size_t)16 << 10)
/* What is still queued at the end gets that long to go out. */
#define LINGER_NS (2000 * ENV_MS)

/* Where the stream's records go. */
enum secondary_route {
    ROUTE_HEAD,       /* headers, into memory */
    ROUTE_FEED,       /* the first epoch, on to the restore */
    ROUTE_NOWHERE,    /* nothing may come while the restore finishes */
    ROUTE_STAGE,      /* later epochs, into staging */
};

struct colo_secondary {
    const struct colo_secondary_conf *conf;
    struct colo_params params;
    const struct dom_ops *dom_ops;
    struct dom *dom;
    const struct env_ops *ops;
    struct env *env;
    struct colo_link link;
    int state;
    struct trigger_inbox inbox;
    struct buf config;              /* u32 length and the configuration */
    uint8_t libxl_header[WIRE_LIBXL_HEADER_SIZE];
    struct buf feed;                /* for the restore */
    size_t fed;                     /* octets of it that the pipe took */
    bool feeding, feed_ending, parked;
    struct ckpt stage;
    bool staged;                    /* stage was initialised */
    struct sr_pages *pages;
    uint64_t *at_pfns;              /* of the record being read */
    uint8_t *at_pages;
    uint32_t emulator_skip;
    enum secondary_route route;
    uint64_t held;                  /* epochs that the copy has */
    uint64_t epochs;                /* complete ones, the first included */
    uint64_t started_ns, apply_ns, newest_pages;
    struct colo_result result;
    uint32_t told, reason;          /* why it stands still there; taken in */
    bool ended, peer_said_end, finishing;
    bool needs_proof;               /* that the primary is off, it says */
    bool copy_left;                 /* it couldn't be destroyed */
    char peer_name[WIRE_PEER_NAME_SIZE], name[DOM_NAME_MAX];
    const char *phase, *needs_user;
    char ask[640], reply[704];
};

typedef void secondary_action_fn(struct colo_secondary *s);
extern secondary_action_fn *const secondary_actions[SA_NR];

void secondary_post(struct colo_secondary *s, enum secondary_trigger t);
void secondary_verdict(struct colo_secondary *s, enum colo_end end, int code,
                       const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void secondary_lost(struct colo_secondary *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The primary's domain is destroyed, it says: the loss that needs no fence. */
void secondary_gone(struct colo_secondary *s);
void secondary_local_failed(struct colo_secondary *s, const struct err *err);
void secondary_say(struct colo_secondary *s, enum log_level level,
                   const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Step until no trigger is left. */
void secondary_run(struct colo_secondary *s);
/* Move what waits for the restore into its pipe. */
void secondary_feed(struct colo_secondary *s);
/* Take one item of the stream. False: there is none, or it was the last. */
bool secondary_take(struct colo_secondary *s, const uint8_t **data,
                    size_t *left);
/* True while the next octet has to stay where it is. */
bool secondary_parked(const struct colo_secondary *s);
/* secondary_user.c: role_ops, and names. */
void secondary_command(void *v, enum colo_command c, const char **reply_r);
void secondary_status(void *v, struct colo_status *st);
const char *secondary_phase(const struct colo_secondary *s);
const char *secondary_peer(const struct colo_secondary *s);
/* The domain's name without the suffix of a copy; "" before it is known. */
const char *secondary_name(struct colo_secondary *s);

#endif
