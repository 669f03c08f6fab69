/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What secondary.c (inputs), secondary_input.c (the stream),
 * secondary_events.c (other inputs), secondary_user.c (the user),
 * secondary_actions.c (actions), secondary_verify.c (pages' digests),
 * secondary_remus.c, secondary_colo.c and secondary_qemu*.c (of each mode)
 * share.
 */
#ifndef XC_SESSION_SECONDARY_INT_H
#define XC_SESSION_SECONDARY_INT_H

#include "ckpt.h"
#include "link.h"
#include "machine_secondary.h"
#include "names.h"
#include "pages.h"
#include "pairing.h"
#include "secondary.h"

/* Octets for the restore that wait for its pipe; beyond, input waits. */
#define FEED_HIGH ((size_t)4 << 20)
#define FEED_MAX  ((size_t)16 << 20)
/* Of one epoch's pages, whatever the primary sends. */
#define DIGESTS_MAX ((size_t)16 << 20)
/* Spans of that size don't go through the buffer when it is empty. */
#define FEED_DIRECT ((size_t)16 << 10)
/* What is still queued at the end gets that long to go out. */
#define LINGER_NS (2000 * ENV_MS)

/* Where the stream's records go. */
enum secondary_route {
    ROUTE_HEAD,       /* headers, configuration, static data: into memory */
    ROUTE_FEED,       /* the first epoch, on to the restore */
    ROUTE_NOWHERE,    /* nothing may come while the restore finishes */
    ROUTE_STAGE,      /* later epochs, into staging */
};

/* What is posted: the triggers of one table, and those that only the other
   has. */
enum { SX_NEW = ST_NR, SX_SUSPENDED, SX_SUSPEND_FAILED,
       /* QEMU's dialect: */
       SX_SEND, SX_RAM_END, SX_RAM_FAILED, SX_SIZE, SX_OVERSIZE, SX_LOADED,
       SX_GARBAGE, SX_EXTRA, SX_FAILOVER_LIVE, SX_NR };
#define SX_QEMU_FIRST SX_SEND
#define SX_NEVER (-1)     /* it isn't posted in this mode */
#define SX_NO_QEMU [SX_QEMU_FIRST ... SX_NR - 1] = SX_NEVER

struct colo_secondary;
typedef void secondary_action_fn(struct colo_secondary *s);

/* Remus, COLO, or Remus in QEMU's dialect: a table, and how it is lived. */
struct secondary_mode {
    const char *name;                    /* in the status */
    const struct machine *machine;
    const int *trigger_of;               /* [SX_NR]: in the table's terms */
    secondary_action_fn *const *actions; /* of the table */
    const char *const *phases;           /* [states]: what a user sees; NULL:
                                            protecting, or not yet */
    int refuse;                          /* that action */
    uint64_t safe_epochs;                /* so many, and the copy may run */
    int defer;                           /* that action; 0: there is none */
    /* The dialect. */
    int (*open)(struct colo_secondary *s, struct err *e);    /* or NULL */
    void (*close)(struct colo_secondary *s);                 /* or NULL */
    /* At the start. */
    void (*greet)(struct colo_secondary *s);
    /* Take one item of the stream. False: there is none, or it was the
       last. */
    bool (*take)(struct colo_secondary *s, const uint8_t **data,
                 size_t *left);
    /* Nothing came in time. */
    void (*silent)(struct colo_secondary *s);
    bool believes;                       /* the user who says that the primary
                                            is off, unless it was just heard */
};
extern const struct secondary_mode secondary_remus, secondary_colo,
    secondary_qemu;

struct secondary_words;           /* QEMU's dialect: secondary_qemu.h */

struct colo_secondary {
    const struct colo_secondary_conf *conf;
    struct colo_params params;
    const struct secondary_mode *mode;
    const struct dom_ops *dom_ops;
    struct dom *dom;
    const struct env_ops *ops;
    struct env *env;
    struct colo_link link;
    int state;
    struct trigger_inbox inbox;
    struct trigger_queue deferred;
    struct secondary_words *words;  /* QEMU's dialect */
    struct buf config;              /* u32 length and the configuration */
    struct dom_static given;        /* what the guest knows of its CPU */
    struct buf feed;                /* for the restore, from its header on */
    size_t fed;                     /* octets of it that the pipe took */
    bool in_libxc, feeding, feed_ending, parked;
    struct ckpt stage;
    struct buf digests;             /* struct sr_digest each, of the epoch */
    bool staged;                    /* stage was initialised */
    struct sr_pages *pages;
    uint64_t *at_pfns;              /* of the record being read */
    uint8_t *at_pages;
    uint32_t emulator_skip;
    enum secondary_route route;
    uint64_t held;                  /* epochs that the copy has */
    struct pairing pairing;         /* COLO */
    bool runs, copy_paused, asking; /* COLO: the copy; it to stand still */
    uint64_t epochs;                /* complete ones, the first included */
    uint64_t started_ns, apply_ns, newest_pages;
    struct colo_result result;
    uint32_t told, reason;          /* why it stands still there; taken in */
    bool ended, peer_said_end, finishing;
    bool needs_proof;               /* that the primary is off, it says */
    uint64_t lease_ns;              /* after we read last it is; 0: no lease */
    bool copy_left;                 /* it couldn't be destroyed */
    char peer_name[WIRE_PEER_NAME_SIZE], name[DOM_NAME_MAX];
    const char *phase, *needs_user;
    char ask[640], reply[704];
};

/* Actions of both modes: secondary_actions.c. */
secondary_action_fn secondary_act_lose, secondary_act_fail,
    secondary_act_create, secondary_act_feed_end, secondary_act_send_ready,
    secondary_act_apply, secondary_act_fence, secondary_act_arm_retry,
    secondary_act_ask_user, secondary_act_note_pause,
    secondary_act_echo_pause, secondary_act_activate,
    secondary_act_announce, secondary_act_destroy, secondary_act_send_gone,
    secondary_act_send_confirm, secondary_act_disconnect,
    secondary_act_refuse, secondary_act_finish;
/* Staging for what the domain can change in one epoch; once. */
int secondary_make_stage(struct colo_secondary *s, struct err *e);
/* Verdict and trigger. */
void secondary_failed(struct colo_secondary *s, const struct err *e, int t);
/* PAGE_DIGESTS was read; the epoch is applied: compare. secondary_verify.c */
int secondary_on_digests(struct colo_secondary *s, struct err *e);
int secondary_verify(struct colo_secondary *s, struct err *e);
/* COLO's: the copy's frames: secondary_colo.c. */
void secondary_frames(struct colo_secondary *s);

/* @t: enum secondary_trigger, or an SX_. */
void secondary_post(struct colo_secondary *s, int t);
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
static inline bool secondary_over(const struct colo_secondary *s)
{
    return s->state == s->mode->machine->final;
}
/* Let input flow again when what it waited for is over. */
void secondary_unpark(struct colo_secondary *s);
/* role_ops: secondary_events.c. */
void secondary_on_domain(void *v);
int secondary_on_domain_fd(void *v);
void secondary_on_net(void *v);
int secondary_on_net_fd(void *v);
void secondary_on_fence_done(void *v, int status);
/* Step until no trigger is left. */
void secondary_run(struct colo_secondary *s);
/* Move what waits for the restore into its pipe. */
void secondary_feed(struct colo_secondary *s);
/* Of Xen's dialect, in a mode. */
void secondary_greet(struct colo_secondary *s);
bool secondary_take(struct colo_secondary *s, const uint8_t **data,
                    size_t *left);
void secondary_silent(struct colo_secondary *s);
#define SECONDARY_XEN .greet = secondary_greet, .take = secondary_take, \
    .silent = secondary_silent
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
