/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What primary.c (inputs), primary_back.c (the back channel),
 * primary_send.c (what is sent), primary_run.c (pausing), primary_lease.c
 * (its host's lease), primary_verify.c (what was sent, again), primary_user.c
 * (the user), primary_actions.c (actions), primary_remus.c, primary_colo.c and
 * primary_qemu*.c (of each mode) share.
 */
#ifndef XC_SESSION_PRIMARY_INT_H
#define XC_SESSION_PRIMARY_INT_H

#include "awake.h"
#include "ckpt.h"
#include "link.h"
#include "machine_primary.h"
#include "names.h"
#include "pairing.h"
#include "primary.h"
#include "qemu_format.h"
#include "run_state.h"
#include "stats.h"
#include "verify.h"

/* A banner without one of our records behind it: wait that long for one. */
#define GREET_GRACE_NS (1000 * ENV_MS)
/* The first copy stops the domain when a round has no more pages than that,
   or when so many rounds were no smaller than the smallest before. */
#define CONVERGED_PAGES 128u
#define STUCK_MAX 5u
#define BATCH_PAGES WIRE_ZERO_PAGES_MAX

/* What is posted: the triggers of one table, and those that only the other
   has. */
enum { PX_PEER_SUSPENDED = PT_NR, PX_PEER_RESUMED,
       /* No copy is known that could go on instead. */
       PX_RESUME_FAILED,
       /* QEMU's dialect: */
       PX_OPENED, PX_RAM_SENT, PX_QEMU_READY, PX_REPLY, PX_RECEIVED,
       PX_LOADED, PX_GARBAGE, PX_EXTRA, PX_NO_FENCE, PX_RELEASE_LIVE, PX_NR };
#define PX_QEMU_FIRST PX_OPENED
#define PX_NEVER (-1)     /* it isn't posted in this mode */
#define PX_NO_QEMU [PX_QEMU_FIRST ... PX_NR - 1] = PX_NEVER

struct colo_primary;
typedef void primary_action_fn(struct colo_primary *p);

/* Remus, COLO, or Remus in QEMU's dialect: a table, and how it is lived. */
struct primary_mode {
    const char *name;                    /* in the status */
    const struct machine *machine;
    const int *trigger_of;               /* [PX_NR]: in the table's terms */
    primary_action_fn *const *actions;   /* of the table */
    const char *const *phases;           /* [states]: what a user sees; NULL:
                                            protected, or not yet */
    int defer, refuse;                   /* these two of its actions */
    uint64_t safe_epochs;                /* so many, and a copy may run */
    bool both_run;                       /* a paused domain isn't asked to
                                            stand still, nor its copy */
    /* The dialect. */
    void (*begin)(struct colo_primary *p);    /* NULL: the peer speaks first */
    /* As in role_ops. */
    size_t (*input)(struct colo_primary *p, const uint8_t *data, size_t n);
    void (*eof)(struct colo_primary *p);
    /* Nothing came, or went out, in time; the stream isn't broken. */
    void (*late)(struct colo_primary *p);
    /* What is staged, of the first copy's rounds. */
    int (*put_pages)(struct colo_primary *p, struct err *e);
    /* The user ends protection, which was posted; the answer. NULL: it is the
       end. */
    void (*ends)(struct colo_primary *p, int trigger);
    bool tells;                          /* that the domain is paused */
};
extern const struct primary_mode primary_remus, primary_colo, primary_qemu;

enum primary_sending { SENDING_NOTHING, SENDING_ROUND, SENDING_EPOCH,
                       SENDING_RAM };

/* QEMU's dialect: what is waited for. */
struct primary_words {
    enum qemu_message wanted;    /* the next answer */
    bool due;                    /* and it may come */
    uint8_t word[QEMU_MESSAGE_SIZE];
    size_t have;
};

struct colo_primary {
    const struct colo_primary_conf *conf;
    struct colo_params params;        /* defaults filled in */
    const struct primary_mode *mode;
    const struct dom_ops *dom;
    const struct net_ops *net_ops;
    const struct dom_info *info;
    const struct env_ops *ops;
    struct env *env;
    struct colo_link link;
    int state;
    struct trigger_inbox inbox;
    struct trigger_queue deferred;
    struct trigger_queue doubted;     /* answers, until the peer hears us */
    struct net *net;
    bool holding;
    struct pairing pairing;           /* COLO */
    struct primary_words words;       /* QEMU's dialect */
    bool suspended;                   /* it stands still, as it was asked */
    struct buf peer_pfns;             /* COLO: u64 each, what the copy wrote */
    char banner[WIRE_XL_BANNER_SIZE];
    size_t banner_used;
    struct ckpt stage;
    const uint64_t *round_pfns;       /* the domain's, until dirty() */
    size_t round_nr, round_done, round_least;
    unsigned int round, stuck;
    bool round_waits;                 /* the first, to be admitted; the last,
                                         for the domain to run */
    enum primary_sending sending;     /* what isn't all out yet */
    bool going_out;                   /* an epoch, sent or not answered yet */
    uint64_t epoch;                   /* captured last */
    uint64_t epochs_sent;             /* whole, handed to the stream */
    uint64_t epochs_ready;            /* acknowledged */
    struct run_state run;             /* what the user wants of the domain */
    uint32_t told, kept;              /* reasons: the peer was told, keeps */
    uint32_t unechoed;                /* so many that it was told */
    bool paused;                      /* the domain is, by whomever */
    bool asking;                      /* it to stand still; no answer yet */
    struct awake awake;
    uint64_t next_epoch_ns;           /* when it is due, at the latest */
    bool looking;                     /* for whether it is due */
    uint64_t asked_ns, stood_ns, captured_ns, resumed_ns, sent_ns;
    uint64_t started_ns;
    uint64_t first_byte, epoch_end;   /* of the newest epoch, in the stream */
    struct colo_epoch now, newest;
    struct epoch_stats stats;
    struct verify verify;             /* where params.verify says so */
    struct colo_delay delay;          /* COLO's, once the comparison is over */
    struct colo_result result;
    bool ended;                       /* result is decided */
    bool guest_over, destroyed;
    bool leased;                      /* this host ends unless asked again */
    bool lease_failed, lease_lost;    /* never got it; the copy may run */
    bool logging;
    enum dom_shutdown guest_reason;
    const char *phase, *needs_user;
    char why[ERR_MSG_SIZE];           /* of what may be the peer's loss */
    char ask[640];
    char reply[704];
};

/* Pausing: primary_run.c. */
void primary_act_obey(struct colo_primary *p);
void primary_act_tell_pause(struct colo_primary *p);
/* Whether the domain is paused; what somebody else did is taken over as the
   user's wish. */
bool primary_is_paused(struct colo_primary *p);
/* The peer, one of ours, what the user wants of the domain; it echoes it. */
void primary_tell_pause_anew(struct colo_primary *p);
/* It has echoed something: perhaps the first round may begin. */
void primary_admitted(struct colo_primary *p);
void primary_run_command(struct colo_primary *p, enum run_command c);
/* As in struct colo_status. */
const char *primary_paused(const struct colo_primary *p);

/* --debug-verify: primary_verify.c. What is staged is sent with @epoch; */
int primary_verify_staged(struct colo_primary *p, uint64_t epoch,
                          struct err *e);
/* that, of an epoch that is all staged, and a look at some pages, while the
   domain stands still. False: a trigger says why not. */
bool primary_verify(struct colo_primary *p);
/* What the epoch's pages are. */
int primary_verify_put(struct colo_primary *p, struct buf *b, struct err *e);
/* The newest epoch is acknowledged. */
void primary_verify_safe(struct colo_primary *p);

/* The lease: primary_lease.c. Begin, and give up, whatever there is. */
void primary_lease_begin(struct colo_primary *p);
void primary_lease_end(struct colo_primary *p);
/* Before the domain runs: it doesn't while a lease that is kept isn't fresh,
   and then the peer is lost. */
void primary_lease_judge(struct colo_primary *p);
/* For the timer of that name. */
void primary_lease_tick(struct colo_primary *p);

/* Actions that send: primary_send.c. */
void primary_act_send_head(struct colo_primary *p);
void primary_act_round(struct colo_primary *p);
void primary_act_send_epoch(struct colo_primary *p);
void primary_act_send_end(struct colo_primary *p);
/* What is staged, as records of Xen's stream. */
int primary_put_pages(struct colo_primary *p, struct err *e);

/* Actions of the modes that hold output in marks: primary_remus.c. */
primary_action_fn primary_act_log_start,
    primary_act_release_all, primary_act_drop_all;
/* From now on no output leaves; false: a trigger says why not. */
bool primary_hold(struct colo_primary *p);
/* What is marked leaves. */
void primary_release_marked(struct colo_primary *p);

/* QEMU's dialect, what is sent: primary_qemu_send.c. */
primary_action_fn primary_qemu_send_head, primary_qemu_send_rest,
    primary_qemu_send_request, primary_qemu_send_go, primary_qemu_send_ram,
    primary_qemu_send_state;
int primary_qemu_put_round(struct colo_primary *p, struct err *e);

/* Actions of both modes, and what they are made of: primary_actions.c. */
primary_action_fn primary_act_arm_grace, primary_act_meet,
    primary_act_lose, primary_act_arm_ready,
    primary_act_suspend, primary_act_suspend_cancel, primary_act_resume,
    primary_act_recall, primary_act_disconnect, primary_act_fence,
    primary_act_arm_retry, primary_act_ask_user, primary_act_yield,
    primary_act_reclaim, primary_act_guest_end, primary_act_refuse,
    primary_act_finish, primary_act_defer;
/* Memory mapped, dirty log on; false: a trigger says why not. */
bool primary_log_start(struct colo_primary *p);
/* The domain's state into staging; false: a trigger says why not. */
bool primary_capture(struct colo_primary *p);
/* The peer holds the newest epoch. */
void primary_epoch_safe(struct colo_primary *p);
/* It is over: figures, news. */
void primary_epoch_over(struct colo_primary *p);
/* What is waited for has a limit; a stream that broke has a short one. */
void primary_clock(struct colo_primary *p, uint64_t ns);
/* The interval's clock: from now on look for whether the next epoch is due,
   after as much as is left of what the domain is to run for; */
void primary_arm_look(struct colo_primary *p);
/* look; or don't look any more. */
void primary_look(struct colo_primary *p);
void primary_dont_look(struct colo_primary *p);
/* COLO's: its frames have changed something: primary_colo.c. */
void primary_frames(struct colo_primary *p);
void primary_on_net(void *s);       /* role_ops */
int primary_on_net_fd(void *s);

/* @t: enum primary_trigger, or a PX_. */
void primary_post(struct colo_primary *p, int t);
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
struct colo_delay primary_delay(const struct colo_primary *p);
/* Of Xen's dialect, in a mode: primary_back.c. */
size_t primary_input(struct colo_primary *p, const uint8_t *data, size_t n);
void primary_eof(struct colo_primary *p);
void primary_late(struct colo_primary *p);
/* Octets of the peer's, as text; @to has room for @n and a NUL. */
void primary_show(char *to, const void *octets, size_t n);
/* The stream is open, and the peer was heard of within the silence limit. */
bool primary_hears(struct colo_primary *p);
/* Send what fits and notice that everything is out. */
void primary_pump(struct colo_primary *p);

#endif
