/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a runtime drives: one side of a session as a set of inputs. The real
 * runtime (libev) and a simulator call these; after each call the session
 * has done all it can and waits for the next.
 */
#ifndef XC_SESSION_ROLE_H
#define XC_SESSION_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "env.h"
#include "session.h"

/* What the status socket tells; texts belong to the session. */
struct colo_status {
    const char *role, *state, *mode, *peer, *name, *output, *needs_user;
    uint32_t domid;
    uint64_t epoch, generation, interval_ms, pages, bytes;
    uint64_t pause_ns, send_ns, ready_ns, heard_ms, heard_max_ms, since_s;
    struct colo_delay delay;
    uint64_t held_packets, held_bytes;
    uint64_t verify_passes, unlogged;    /* --debug-verify */
    const char *run_state;         /* run_state_name() */
    const char *paused;            /* "no"; "soon"; "yes": and the peer knows,
                                      and holds what the domain did before;
                                      "here": and the peer can't be told */
};

enum colo_command { COLO_CMD_STOP, COLO_CMD_STOP_RELEASE,
                    COLO_CMD_FAILOVER, COLO_CMD_PAUSE, COLO_CMD_UNPAUSE,
                    COLO_CMD_RETRY, COLO_CMD_START, COLO_CMD_START_FORCE };

struct role_ops {
    void (*start)(void *s);
    /* Octets taken; fewer than @n only after want_input(false). */
    size_t (*input)(void *s, const uint8_t *data, size_t n);
    void (*eof)(void *s);
    void (*writable)(void *s);
    void (*feed_writable)(void *s);    /* only after want_feed(true) */
    void (*timer)(void *s, enum env_timer t);
    void (*domain)(void *s);           /* dom->fd() is readable */
    int (*domain_fd)(void *s);         /* -1: none yet */
    void (*net)(void *s);              /* net_fd is readable */
    int (*net_fd)(void *s);            /* COLO's frames; -1: none now */
    void (*fence_done)(void *s, int status);   /* 0: the peer is off */
    /* *reply_r: session-owned text, "ok …" or "error …". What was said yes
       to is done by the next settle(), so that the answer can go first. */
    void (*command)(void *s, enum colo_command c, const char **reply_r);
    void (*settle)(void *s);
    void (*status)(void *s, struct colo_status *st_r);
};

/* @in with every 0 replaced by its default. */
void params_fill(struct colo_params *p, const struct colo_params *in);

/* A machine's pending triggers, in order, and those put off. */
#define TRIGGERS_MAX 32
struct trigger_queue {
    int ring[TRIGGERS_MAX];
    unsigned int head, count;
};

void triggers_post(struct trigger_queue *q, int trigger);
/* -1 when there is none. */
int triggers_take(struct trigger_queue *q);
bool triggers_has(const struct trigger_queue *q, int trigger);
/* All of @from, in their order, behind what is in @to. */
void triggers_move(struct trigger_queue *to, struct trigger_queue *from);

/* What a machine is to be stepped with. What actions come to, posted while a
   step is taken, goes before what came in: else it could meet a state that
   has moved on. */
struct trigger_inbox {
    struct trigger_queue outcomes, inputs;
    bool stepping;
};

void inbox_post(struct trigger_inbox *in, int trigger);
/* -1 when there is none. */
int inbox_take(struct trigger_inbox *in);

#endif
