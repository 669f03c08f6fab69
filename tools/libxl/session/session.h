/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Protecting a domain: what a session is told, what it reports, and how it
 * ends. A session runs the protocol's machine over a stream, a domain and its
 * network; it is driven by io/ (libev, see io.h) or by a simulator, and owns
 * no descriptor and no clock. It never prints.
 */
#ifndef XC_SESSION_SESSION_H
#define XC_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain.h"
#include "err.h"
#include "log.h"
#include "network.h"

#define COLO_INTERVAL_MS_DEFAULT  200
#define COLO_INTERVAL_MS_COLO     10000    /* COLO: it needn't be short */
#define COLO_COMPARE_MS_DEFAULT   3000
#define COLO_HEARTBEAT_MS_DEFAULT 100
#define COLO_SILENCE_MS_DEFAULT   500
#define COLO_STEP_MS_DEFAULT      10000    /* SVM_READY, stand still, … */
#define COLO_CREATE_MS_DEFAULT    120000   /* first restore, greeting */
#define COLO_FENCE_MS_DEFAULT     30000    /* one run of the command */
#define COLO_RETRY_MS_DEFAULT     2000     /* between two runs */

/* What staging has room for beside the domain's pages. */
#define COLO_SPARE_PAGES 1024u

/*
 * What a secondary does when the primary is lost and no fence is set: take
 * over (which a primary that holds its output makes safe), or wait for the
 * user. Where the primary wants proof (a shared disk, output that isn't held)
 * it waits, whatever this says.
 */
enum colo_takeover { COLO_TAKEOVER_DEFAULT, COLO_TAKEOVER_MANUAL,
                     COLO_TAKEOVER_AUTO };

/* What the two sides speak. QEMU's dialect is Remus alone: both copies don't
   run, since its stream has no place for what they say. */
enum colo_dialect { COLO_DIALECT_XEN, COLO_DIALECT_QEMU };

struct colo_params {
    /* Milliseconds; 0 means the default above. */
    unsigned int interval_ms;     /* primary: between two checkpoints; in
                                     QEMU's dialect the secondary's, too, which
                                     the primary can't tell it */
    unsigned int compare_timeout_ms;    /* COLO, primary: output waits so long
                                           for the copy's, then for a
                                           checkpoint */
    unsigned int heartbeat_ms;
    unsigned int silence_ms;
    unsigned int step_ms;
    unsigned int create_ms;
    unsigned int fence_ms;
    unsigned int retry_ms;
    const char *fence;            /* run as `FENCE PEER`; NULL: none */
    const char *peer;             /* PEER: the other host */
    unsigned int lease_s;         /* the fence is the primary's lease of so
                                     many seconds (lease.h), no command; a
                                     secondary waits for as long as it is
                                     told, and wants one if this is set; 0:
                                     none */
    enum colo_takeover takeover;  /* secondary only */
    uint64_t staging_pages;       /* 0: as many as the domain has */
    uint64_t max_dirty_pages;     /* primary: an epoch ends when so many were
                                     dirtied, before its time; 0: on time */
    size_t flows_max;             /* COLO: connections that each interface has
                                     at a time; 0: compare.h's */
    enum colo_dialect dialect;    /* on both sides the same */
    bool colo;                    /* both copies run, output is compared; the
                                     peer has to say the same */
    bool verify;                  /* primary only: compare some pages with
                                     each epoch, for debugging; the peer has
                                     to be one of ours */
    bool hold_output;             /* primary only; false is unsafe */
    bool shared_disks;            /* primary only; the other host must not
                                     take over without proof */
};

/* Pages that staging has room for, of a domain with @ram_pages. */
static inline uint64_t colo_staging_pages(const struct colo_params *p,
                                          uint64_t ram_pages)
{
    return p->staging_pages ? p->staging_pages : ram_pages + COLO_SPARE_PAGES;
}

static inline unsigned int colo_default_interval_ms(bool colo)
{
    return colo ? COLO_INTERVAL_MS_COLO : COLO_INTERVAL_MS_DEFAULT;
}

static inline const char *colo_mode_name(const struct colo_params *p)
{
    return p->dialect == COLO_DIALECT_QEMU ? "qemu" :
           p->colo ? "colo" : "remus";
}

/* Can anything prove that the other side is off? */
static inline bool colo_has_proof(const struct colo_params *p)
{
    return p->fence || p->lease_s;
}

/* Is silence not enough for the other host to take over? */
static inline bool colo_needs_proof(const struct colo_params *p)
{
    return p->shared_disks || !p->hold_output;
}

/* One epoch as the primary saw it; times in nanoseconds. */
struct colo_epoch {
    uint64_t epoch;
    uint64_t pages;
    uint64_t bytes;           /* on the wire */
    uint64_t pause_ns;        /* stand still asked → resume returned, less
                                 the time in which the guest still ran */
    struct dom_times times;
    uint64_t send_ns;         /* resumed → last octet handed to the stream */
    uint64_t ready_ns;        /* last octet → SVM_READY */
    uint64_t run_ns;          /* the domain ran so long before it; 0: the
                                 first one */
    uint64_t hold_ns;         /* stood still → its output let go */
};

/*
 * How long output waited. What a domain says at some moment of an epoch goes
 * out hold_ns after it stood still: it waits hold_ns at least, and as much as
 * it ran on after that moment.
 */
struct colo_delay {
    uint64_t median_ns, p99_ns;    /* 0: no output was held yet */
    const char *set_by;            /* the part that counts most: "interval",
                                      "pause", "sending" or
                                      "acknowledgement"; COLO: "copy", whose
                                      turn it is; "" with median 0 */
};

/* Where a session's news go. Any member may be NULL. Texts are one line. */
struct colo_report {
    void *ctx;
    /* Secondary: the domain's name is known now (without a suffix). */
    void (*named)(void *ctx, const char *name);
    void (*state)(void *ctx, const char *from, const char *to,
                  const char *why);
    /* First copy: pages out in this round, of how many. */
    void (*progress)(void *ctx, unsigned int round, uint64_t pages,
                     uint64_t total, uint64_t bytes);
    void (*epoch)(void *ctx, const struct colo_epoch *ep);
    void (*message)(void *ctx, enum log_level level, const char *text);
};

enum colo_end {
    COLO_END_STOPPED,      /* the user ended it; the domain runs here */
    COLO_END_GUEST,        /* the domain ended itself; both sides clean */
    COLO_END_ALONE,        /* the peer is off; the domain runs here */
    COLO_END_PEER,         /* the peer gave its copy up; it runs here */
    COLO_END_FAILED,       /* err says what; primary: it runs here */
    COLO_END_TAKEN_OVER,   /* secondary: the domain runs here now */
    COLO_END_DISCARDED,    /* secondary: the copy is gone, as told */
};

struct colo_result {
    enum colo_end end;
    struct err err;           /* why, one line; may be empty */
    uint64_t epochs;          /* acknowledged, or applied */
    struct colo_epoch median; /* of each member over all epochs; primary */
    struct colo_delay delay;  /* of output; primary */
    bool guest_ended;         /* primary: finish() was called */
    bool guest_ending;        /* it goes on; to wait, call it again */
    bool destroyed;           /* primary: the domain isn't here any more */
    bool paused;              /* taken over, and left paused for the user */
};

struct colo_primary_conf {
    const struct colo_params *params;
    const struct dom_ops *dom_ops;
    struct dom *dom;              /* opened; stays the caller's */
    const struct net_ops *net_ops;
    const char *host;             /* what the user called the peer */
    const char *local_name;       /* this host, as the peer is to call it */
    const struct logger *log;
    const struct colo_report *report;
};

struct colo_secondary_conf {
    const struct colo_params *params;
    const struct dom_ops *dom_ops;
    const struct dom_open *dom_open;    /* name is ignored */
    const struct net_ops *net_ops;      /* Remus: announce() only */
    const struct logger *log;
    const struct colo_report *report;
    /* Taken over: the domain is the caller's through *dom_r, else NULL. */
    struct dom **dom_r;
};

#endif
