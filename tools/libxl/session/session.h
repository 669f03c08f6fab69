/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Protecting a domain: what the front end calls. A session owns one thread
 * from the call until it has ended, runs the protocol's machine over a
 * stream, a domain and its network, and serves a status socket meanwhile.
 *
 * The caller opens the domain and the stream and says what to do; the
 * session never prints, it reports. SIGINT, SIGTERM and SIGHUP end it as
 * `colo-stop` does.
 */
#ifndef XC_SESSION_SESSION_H
#define XC_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "domain.h"
#include "err.h"
#include "log.h"
#include "network.h"

#define COLO_INTERVAL_MS_DEFAULT  200
#define COLO_HEARTBEAT_MS_DEFAULT 100
#define COLO_SILENCE_MS_DEFAULT   500
#define COLO_STEP_MS_DEFAULT      10000    /* SVM_READY, stand still, … */
#define COLO_CREATE_MS_DEFAULT    120000   /* first restore, greeting */
#define COLO_FENCE_MS_DEFAULT     30000    /* one run of the command */
#define COLO_RETRY_MS_DEFAULT     2000     /* between two runs */

/* What a secondary does when the primary is lost and no fence is set. */
enum colo_takeover { COLO_TAKEOVER_DEFAULT, COLO_TAKEOVER_MANUAL,
                     COLO_TAKEOVER_AUTO };

struct colo_params {
    /* Milliseconds; 0 means the default above. */
    unsigned int interval_ms;
    unsigned int heartbeat_ms;
    unsigned int silence_ms;
    unsigned int step_ms;
    unsigned int create_ms;
    unsigned int fence_ms;
    unsigned int retry_ms;
    const char *fence;            /* run as `FENCE PEER`; NULL: none */
    const char *peer;             /* PEER: the other host */
    enum colo_takeover takeover;  /* secondary only */
    uint64_t staging_pages;       /* 0: as many as the domain has */
    bool hold_output;             /* primary only; false is unsafe */
};

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
    bool guest_ended;         /* primary: finish() was called */
    bool paused;              /* taken over, and left paused for the user */
};

struct colo_primary_conf {
    const struct colo_params *params;
    const struct dom_ops *dom_ops;
    struct dom *dom;              /* opened; stays the caller's */
    const struct net_ops *net_ops;
    int in_fd, out_fd;            /* the stream; the session closes both,
                                     whatever it returns */
    pid_t transport;              /* command that carries it, 0: none; ended
                                     by the session, whatever it returns */
    const char *run_dir;          /* status sockets: RUN_DIR/NAME.sock */
    const char *host;             /* what the user called the peer */
    const char *local_name;       /* this host, as the peer is to call it */
    const struct logger *log;
    const struct colo_report *report;
};

struct colo_secondary_conf {
    const struct colo_params *params;
    const struct dom_ops *dom_ops;
    const struct dom_open *dom_open;    /* name is ignored */
    const struct net_ops *net_ops;      /* announce() only */
    int in_fd, out_fd;
    const char *run_dir;
    const char *state_dir;        /* generations seen: STATE_DIR/UUID */
    const struct logger *log;
    const struct colo_report *report;
    /* Taken over: the domain is the caller's through *dom_r, else NULL. */
    struct dom **dom_r;
};

/*
 * Run one side to its end. 0 when a session took place: *r says how it
 * ended. Otherwise an error before anything was sent or created.
 */
int colo_primary_run(const struct colo_primary_conf *conf,
                     struct colo_result *r, struct err *e);
int colo_secondary_run(const struct colo_secondary_conf *conf,
                       struct colo_result *r, struct err *e);

/*
 * The other end of the status socket. @command: "status", "stop",
 * "stop-release", "failover", "pause", "unpause", "retry", "start",
 * "start-force". *reply_r is a malloc'ed line without newline:
 * for "status" one JSON object, otherwise "ok …" or "error …".
 * ERR_NOTFOUND when no session serves @name in @run_dir.
 */
int colo_control(const char *run_dir, const char *name, const char *command,
                 char **reply_r, struct err *e);
/* Names of the sessions in @run_dir: calls @each per name; stale sockets
   are removed. */
int colo_sessions(const char *run_dir,
                  void (*each)(void *ctx, const char *name), void *ctx,
                  struct err *e);

#endif
