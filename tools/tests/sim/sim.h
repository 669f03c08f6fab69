/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Deterministic simulation: both sides of a session, as they are, in one
 * process, over a virtual clock, a simulated stream between two hosts that
 * can die, and the embedded domain. Everything comes from one seed. An oracle
 * knows what clients were told, and checks what must hold after every step.
 */
#ifndef XC_SIM_H
#define XC_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "embedded_int.h"
#include "embedded_tcp.h"
#include "happens.h"
#include "lease.h"
#include "marks.h"
#include "network.h"
#include "primary.h"
#include "secondary.h"

#define SIM_NEVER UINT64_MAX
#define SIM_MS    ((uint64_t)1000000)
#define SIM_S     (1000 * SIM_MS)
#define SIM_TRACE_LINES 4096u

/* A long run has to have seen @condition hold: sim -r. */
#define SOMETIMES(s, condition, name) \
    do { if (condition) (s)->count.marks[MARK_##name]++; } while (0)

#define SIM_FAULT_ID(id, text) SIM_##id,
enum sim_fault { SIM_FAULTS(SIM_FAULT_ID) SIM_FAULTS_NR };

/* What waits for its time. */
enum sim_slot {
    SLOT_TIMER,                            /* one for each env_timer */
    SLOT_INPUT = SLOT_TIMER + ENV_TIMERS_NR,
    SLOT_WRITABLE, SLOT_FEED, SLOT_DOMAIN, SLOT_NET, SLOT_FENCE,
    SLOT_WATCHDOG,                         /* the hypervisor's, of the host */
    SLOT_HOST_NR,
    SLOT_CLIENT = 2 * SLOT_HOST_NR,
    SLOT_FAULT, SLOT_LIMIT, SLOTS_NR
};

struct env {
    struct sim *sim;
    int side;
};

#define SEGMENTS_MAX 64

/* One direction of the stream. */
struct sim_pipe {
    uint8_t *data;
    size_t start, size, cap;        /* octets under way: data[start…] */
    struct { size_t n; uint64_t due; } segment[SEGMENTS_MAX];
    unsigned int first, segments;
    size_t room;                    /* at most so many under way */
    uint64_t silent_until;
    bool closed;                    /* end of stream after what is under way */
    bool dead;                      /* the sender's host is off: no end */
    bool told;                      /* the end was seen; */
    bool saw_end;                   /* and it was the other side's */
};

struct sim_dom;

/* Frames on their way (COLO): a ring; what finds no room is lost. */
#define FRAMES_MAX 64u
struct sim_frames {
    struct {
        bool to_domain;
        size_t n;
        uint8_t data[SEGMENT_HEAD + GUEST_LINE];
    } ring[FRAMES_MAX];
    unsigned int first, count;
};

struct net {
    struct sim *sim;
    struct sim_dom *dom;
    bool holding;
    bool tapped;
    struct sim_frames frames;       /* for next() */
    uint64_t mark;
    uint64_t marked_epoch;          /* of the newest mark */
    struct { uint64_t number, mark; } *held;
    size_t held_nr, held_max;
};

struct sim_dom {
    struct dom d;                   /* first: what the session gets */
    struct sim *sim;
    int host;
    uint64_t life;                  /* which of all copies may speak */
    bool on_end;                    /* took over, as the stream had ended */
    struct net out;
    struct sim_frames waiting;      /* for a copy that stands still */
    bool suspended, asked, over, created;
    bool theirs;                    /* paused by another tool, and nobody
                                       has asked for it to run since */
    uint64_t epoch;                 /* captured, or applied, last */
    struct dom_event events[8];
    unsigned int events_nr;
};

struct sim_host {
    bool power, alive;              /* … of the process: a session is here */
    bool dying, dies_with_host;     /* between two actions */
    bool counts;                    /* the primary on its copy */
    bool ended, wants_input, wants_send, wants_feed, off;
    uint64_t frozen_until;          /* its process; */
    bool all_frozen;                /* and its domain */
    const struct role_ops *role;
    void *session;
    bool is_primary;
    struct env env;
    struct sim_pipe in;             /* what is under way to it */
    bool feeding;
    int fence_status;
    uint64_t seen;                  /* newest generation, for good */
    struct sim_dom *dom, *fallen;   /* lives here; went with the host */
    struct sim_dom *copy;           /* a secondary's, not activated */
    struct dom *taken;
    struct colo_primary_conf pconf;
    struct colo_secondary_conf sconf;
    struct dom_open open;
    struct colo_result result;
};

/* Somebody who asks the domain of one host, one thing at a time (COLO). */
struct sim_client {
    enum { CLIENT_IDLE, CLIENT_OPENS, CLIENT_OPEN } state;
    uint16_t port;
    uint32_t seq, ack;
    uint64_t since;                 /* of the state, or of what it asked */
    bool asked;
    char line[GUEST_LINE];
    size_t used;
};

#define CRASHES_MAX 2

#define SIM_CRASH_ID(id, name) CRASH_##id,
enum sim_crash_kind { SIM_CRASHES(SIM_CRASH_ID) CRASH_KINDS };

struct sim_crash {
    int side;                       /* 0: the primary */
    unsigned int at;
    enum sim_crash_kind kind;
};

/* Where a pair can be: mode (of three), each side's state or no session, and
   whether its fence command runs. */
#define PLACE_STATES 20u
#define PLACES_NR (3 * PLACE_STATES * PLACE_STATES * 4u)
_Static_assert(PLACES_NR % 64 == 0, "places are counted in words");

struct sim_count {
    uint64_t seeds, sessions, epochs, takeovers, told, steps;
    uint64_t points[1 + CRASHES_MAX];    /* by the number of crashes */
    uint64_t faults[SIM_FAULTS_NR];
    uint64_t marks[SIM_MARKS_NR];
    uint64_t places[PLACES_NR / 64];     /* one bit each */
};

struct sim {
    uint64_t seed, rng[4], now, due[SLOTS_NR];
    struct sim_host host[2];
    struct sim_client client[2];
    struct colo_params params;
    struct logger log;
    uint32_t weight[SIM_FAULTS_NR], weight_sum;
    uint64_t fault_every, longest, slow_until, steps;
    unsigned int mishaps;           /* in this session, that can cost a copy */
    bool calm;                      /* no more faults in this session */
    bool lease_world;               /* a seed whose sessions all keep leases */
    bool kills_next;                /* the next fault is a primary's death */
    uint64_t freeze_ns;             /* the primary's host stands still so long,
                                       once its domain says something */
    bool tainted;                   /* octets changed: TCP would notice */
    bool was_protected, guest_over, failed;
    /* The next one fails: 0: none, else it counts down. */
    unsigned int fail_alloc, fail_domain, fail_net, fail_fence;
    bool in_session;                /* allocations are a session's */
    struct sim_crash crash[CRASHES_MAX];
    unsigned int crashes, crashed;  /* enumerated ones; those that happened */
    unsigned int actions[2];        /* of each side, since the last of them */
    char point[48];                 /* its name; "": drawn */
    /* The oracle. */
    uint64_t life, next_write, generation;
    uint64_t *told;                 /* numbers of acknowledged writes */
    size_t told_nr, told_max;
    uint64_t told_at;               /* when somebody was told last */
    bool killed;                    /* a process, in this session */
    bool stale;                     /* the primary of this session is */
    bool confirmed;                 /* "paused" was said to the user */
    uint64_t hash[64], applied;
    uint64_t complete;              /* QEMU's dialect: said to be, last */
    struct sim_count count;
    char why[256];
    char (*trace)[160];
    unsigned int trace_at;
};

static inline bool sim_is_qemu(const struct sim *s)
{
    return s->params.dialect == COLO_DIALECT_QEMU;
}

/* world.c: chance, time, what is said */
uint64_t sim_random(struct sim *s);
uint64_t sim_below(struct sim *s, uint64_t n);             /* 0 … n - 1 */
bool sim_chance(struct sim *s, unsigned int per_mille);
void sim_at(struct sim *s, int slot, uint64_t due);
/* At @due or earlier, if it is set already. */
void sim_by(struct sim *s, int slot, uint64_t due);
int sim_slot(const struct sim_host *h, int kind);          /* of a host */
/* The slot that is due next, its time in *due_r; -1: none. */
int sim_next(const struct sim *s, uint64_t *due_r);
void sim_say(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Something that must hold doesn't. */
void sim_violated(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define SIM_CHECK(s, holds, ...) \
    do { if (!(holds)) sim_violated(s, __VA_ARGS__); } while (0)

/* pipe.c */
void pipe_init(struct sim *s, struct sim_pipe *p);
void pipe_dispose(struct sim_pipe *p);
size_t pipe_put(struct sim *s, struct sim_pipe *p, const struct iovec *iov,
                int n);
/* Octets that have arrived, in one piece; when the next arrive: *due_r. */
size_t pipe_here(const struct sim *s, const struct sim_pipe *p,
                 const uint8_t **data_r, uint64_t *due_r);
void pipe_take(struct sim_pipe *p, size_t n);
/* All but the first @n octets under way are lost. */
void pipe_truncate(struct sim_pipe *p, size_t n);

/* env.c: what a session asks for, and what it is handed */
extern const struct env_ops sim_env_ops;
void sim_host_step(struct sim *s, int side, int kind);
/* When its input is due, anew. */
void sim_host_input(struct sim *s, int side);
void sim_host_command(struct sim *s, int side, enum colo_command c);
/* Its process is gone, as by kill -9; its host stays. */
void sim_host_kill(struct sim *s, int side);
void sim_host_off(struct sim *s, int side);
bool sim_start(struct sim *s, int from);
static inline bool sim_frozen(const struct sim *s, int side)
{
    return s->host[side].frozen_until > s->now;
}
/* The session's end is dealt with. */
void sim_host_reap(struct sim *s, int side);
const char *sim_state(struct sim *s, int side);    /* "" : no session */

/* net.c */
extern const struct net_ops sim_net_ops;
void sim_frames_put(struct sim_frames *f, bool to_domain,
                    const uint8_t *data, size_t n);

/* client.c: COLO's clients, and what lies between them and the guest */
/* Time for something, to the domain on @side. */
void sim_client(struct sim *s, int side);
/* A frame of the guest's: tapped, or to the client. */
void sim_client_hears(struct sim *s, int side, const uint8_t *frame, size_t n);
/* A frame for the guest, which runs. */
void sim_dom_hears(struct sim_dom *d, const uint8_t *frame, size_t n);
/* What waited for a copy. */
void sim_dom_pump(struct sim_dom *d);

/* dom.c */
extern const struct dom_ops sim_dom_ops;
static inline struct sim_dom *sim_dom_of(struct dom *d)
{
    return (struct sim_dom *)d;
}
struct sim_dom *sim_dom_new(struct sim *s, int side);
/* Its guest is filled: from now on it can draw numbers. */
void sim_dom_looks_outside(struct sim_dom *d);
/* Whether this operation is one that fails. */
bool sim_dom_fails(struct sim_dom *d, const char *what, struct err *e);
void sim_dom_post(struct sim_dom *d, enum dom_ev_kind kind, uint64_t delay,
                  const char *why);
/* Its user destroys it, whether a session is there to see it or not. */
void sim_dom_destroyed(struct sim_dom *d);
struct sim_dom *sim_dom_boot(struct sim *s, int side);
void sim_dom_free(struct sim_dom *d);

/* copy.c: dom_ops of a sink */
int sim_copy_open_sink(const struct dom_open *o, struct dom **d_r,
                       struct err *e);
int sim_copy_create(struct dom *d, const struct dom_create *c, int *fd_r,
                    struct err *e);
int sim_copy_apply(struct dom *d, const struct ckpt *c, struct err *e);
int sim_copy_activate(struct dom *d, bool run, struct err *e);
int sim_copy_destroy(struct dom *d, unsigned int wait_ms, struct err *e);
/* Octets for a restore: taken, or -1 when it has ended. */
ssize_t sim_dom_feed(struct sim_dom *d, const void *data, size_t n);
void sim_dom_feed_end(struct sim_dom *d);
bool sim_dom_serves(const struct sim_dom *d);
void sim_dom_request(struct sim_dom *d, uint64_t number);
void sim_dom_end(struct sim_dom *d);
void sim_dom_step(struct sim *s, int side);

/* oracle.c */
void oracle_told(struct sim_dom *d, uint64_t number);
/* COLO: a frame of it leaves, be somebody there to hear it or not. */
void oracle_speaks(struct sim_dom *d);
/* COLO: the domain said @value, which no other would have. */
void oracle_drew(struct sim_dom *d, uint64_t value);
void oracle_captured(struct sim_dom *d);
void oracle_applied(struct sim_dom *d);
void oracle_activated(struct sim_dom *d, bool run);
/* A host's domain, or NULL, in the midst of it all. */
void oracle_runs(struct sim *s, const struct sim_dom *d);
void oracle_forget(struct sim *s);
/* A session, so. */
void oracle_ended(struct sim *s, const struct colo_result *r);
/* Nothing happens to it any more: is it as it must be? It must be once time
   enough has gone by. */
bool oracle_rests(struct sim *s);
void oracle_rest(struct sim *s);

/* faults.c */
void sim_swarm(struct sim *s);
void sim_swarm_lease(struct sim *s);    /* what tries leases comes often */
void sim_fault(struct sim *s);
void sim_cut(struct sim *s);
void sim_silence(struct sim *s, int side, uint64_t while_ns);
/* As a process that was stopped, or a whole host: nothing of it goes on. */
void sim_freeze(struct sim *s, int side, uint64_t while_ns, bool host);
/* Whether this operation is the one that *@left counts down to. */
bool sim_op_fails(struct sim_dom *d, unsigned int *left, const char *what,
                  struct err *e);
/* At the status; true when it says that the domain is paused. */
bool sim_user_looks(struct sim *s, int side);

/* marks.c: rare states, seen from inside the sessions */
/* Before @action of the session on @side. */
void marks_action(struct sim *s, int side, const char *action);
void marks_taken_over(const struct sim_dom *d, bool run);
void marks_op_failed(struct sim *s, const char *what);
bool marks_lease_is_old(const struct sim_host *h);    /* hardly fresh still */
/* Where the pair is now. */
void marks_place(struct sim *s);

/* alloc.c */
extern struct sim *sim_alloc_of;

/* run.c: one seed; false: something was violated, and is in s->why */
bool sim_run(struct sim *s, uint64_t seed, uint64_t epochs);
/* What that is made of: a world, with a domain on host 0; */
void sim_begin(struct sim *s, uint64_t seed);
/* all hosts up and no fault, before each sim_start(); */
void sim_fresh(struct sim *s);
void sim_run_until(struct sim *s, uint64_t until);
bool sim_over(const struct sim *s);
/* and no more faults until it rests, a look at it, and things put right.
   False: the domain was lost, and another is booted. */
bool sim_rest(struct sim *s, int p);
void sim_end(struct sim *s);

/* enumerate.c: every crash point, @depth crashes deep, from the @world-th
   world on; the @part-th of so many @parts of them. False: s->point violated
   something, s->why. */
bool sim_enumerate(struct sim *s, unsigned int depth, unsigned int world,
                   unsigned int part, unsigned int parts);
/* One point by its name, as in s->point. */
bool sim_point(struct sim *s, const char *name);
/* Before each action: makes happen what is enumerated for this one. True: the
   side dies. */
bool sim_crashes(struct sim *s, int side);

#endif
