/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What primary.c (inputs), primary_back.c (the back channel),
 * primary_send.c (what is sent), primary_run.c (pausing), primary_user.c (the
 * user) and primary_actions.c (actions) share.
 */
#ifndef XC_SESSION_PRIMARY_INT_H
#define XC_SESSION_PRIMARY_INT_H

#include "awake.h"
#include "ckpt.h"
#include "link.h"
#include "machine_primary.h"
#include "names.h"
#include "primary.h"
#include "run_state.h"
#include "stats.h"

#define BANNER_SIZE 54u
/* A banner without one of our records behind it: wait that long for one. */
#define GREET_GRACE_NS (1000 * ENV_MS)
/* The first copy stops the domain when a round has no more pages than that,
   or when so many rounds were no smaller than the smallest before. */
#define CONVERGED_PAGES 128u
#define STUCK_MAX 5u
#define BATCH_PAGES WIRE_ZERO_PAGES_MAX

enum primary_sending { SENDING_NOTHING, SENDING_ROUND, SENDING_EPOCH };

struct colo_primary {
    const struct colo_primary_conf *conf;
    struct colo_params params;        /* defaults filled in */
    const struct dom_ops *dom;
    const struct net_ops *net_ops;
    const struct dom_info *info;
    const struct env_ops *ops;
    struct env *env;
    struct colo_link link;
    int state;
    struct trigger_inbox inbox;
    struct trigger_queue deferred;
    struct net *net;
    bool holding;
    char banner[BANNER_SIZE];
    size_t banner_used;
    struct ckpt stage;
    const uint64_t *round_pfns;       /* the domain's, until dirty() */
    size_t round_nr, round_done, round_least;
    unsigned int round, stuck;
    enum primary_sending sending;     /* what isn't all out yet */
    bool going_out;                   /* an epoch, sent or not answered yet */
    uint64_t epoch;                   /* captured last */
    uint64_t epochs_sent;             /* whole, handed to the stream */
    uint64_t epochs_ready;            /* acknowledged */
    struct run_state run;             /* what the user wants of the domain */
    uint32_t told, kept;              /* reasons: the peer was told, keeps */
    bool paused;                      /* the domain is, by whomever */
    bool asking;                      /* it to stand still; no answer yet */
    struct awake awake;
    uint64_t next_epoch_ns;           /* when it is due, at the latest */
    uint64_t asked_ns, stood_ns, resumed_ns, sent_ns, started_ns, first_byte;
    struct colo_epoch now, newest;
    struct epoch_stats stats;
    struct colo_result result;
    bool ended;                       /* result is decided */
    bool guest_over, destroyed;
    bool logging;
    enum dom_shutdown guest_reason;
    const char *phase, *needs_user;
    char why[ERR_MSG_SIZE];           /* of what may be the peer's loss */
    char ask[640];
    char reply[704];
};

typedef void primary_action_fn(struct colo_primary *p);
extern primary_action_fn *const primary_actions[PA_NR];

/* Pausing: primary_run.c. */
void primary_act_obey(struct colo_primary *p);
void primary_act_tell_pause(struct colo_primary *p);
/* Whether the domain is paused; what somebody else did is taken over as the
   user's wish. */
bool primary_is_paused(struct colo_primary *p);
void primary_run_command(struct colo_primary *p, enum run_command c);
/* As in struct colo_status. */
const char *primary_paused(const struct colo_primary *p);

/* Actions that send: primary_send.c. */
void primary_act_send_head(struct colo_primary *p);
void primary_act_round(struct colo_primary *p);
void primary_act_send_epoch(struct colo_primary *p);
void primary_act_send_end(struct colo_primary *p);

/* The interval's clock: is the next epoch due? */
void primary_look(struct colo_primary *p);

void primary_post(struct colo_primary *p, enum primary_trigger t);
/* The first verdict stays; @fmt may be NULL. */
void primary_verdict(struct colo_primary *p, enum colo_end end, int code,
                     const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* What to say if the trigger that is posted next loses the peer. */
void primary_blame(struct colo_primary *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The peer is lost, for the reason given: verdict and the right trigger. */
void primary_lost(struct colo_primary *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Something failed here, reason in @err. */
void primary_local_failed(struct colo_primary *p, const struct err *err);
void primary_say(struct colo_primary *p, enum log_level level,
                 const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Step until no trigger is left. */
void primary_run(struct colo_primary *p);
/* primary_user.c: role_ops, and what the user sees of the state. */
void primary_command(void *s, enum colo_command c, const char **reply_r);
void primary_status(void *s, struct colo_status *st);
const char *primary_phase(const struct colo_primary *p);
/* role_ops: octets of the back channel, and its end. */
size_t primary_input(void *s, const uint8_t *data, size_t n);
void primary_eof(void *s);
/* Send what fits and notice that everything is out. */
void primary_pump(struct colo_primary *p);

#endif
