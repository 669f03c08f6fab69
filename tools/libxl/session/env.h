/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a session asks of the world around it: a clock, timers, the stream to
 * the other side, the pipe to the first restore, the fence command. The
 * libev runtime supplies it for real runs, a simulator can supply it with
 * virtual time. A session calls nothing else and never blocks.
 */
#ifndef XC_SESSION_ENV_H
#define XC_SESSION_ENV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "err.h"

enum env_timer {
    ENV_TIMER_INTERVAL,     /* primary: the next epoch is due */
    ENV_TIMER_HEARTBEAT,    /* send a sign of life */
    ENV_TIMER_SILENCE,      /* the peer may have gone silent */
    ENV_TIMER_STEP,         /* the step under way has a limit */
    ENV_TIMER_RETRY,        /* fence again */
    ENV_TIMER_COMPARE,      /* COLO: output may have waited too long */
    ENV_TIMER_LEASE,        /* primary: look after it; secondary: it's out */
    ENV_TIMERS_NR
};

#define ENV_NEVER UINT64_MAX
#define ENV_MS    ((uint64_t)1000000)

struct env;

struct env_ops {
    uint64_t (*now)(struct env *v);    /* monotonic, nanoseconds */
    uint64_t (*random)(struct env *v); /* a secret */
    /* One shot; a later call replaces an earlier one; ENV_NEVER stops. */
    void (*timer)(struct env *v, enum env_timer t, uint64_t delay_ns);
    /* As writev() on a non-blocking descriptor: octets taken, or -errno. */
    ssize_t (*send)(struct env *v, const struct iovec *iov, int n);
    void (*want_send)(struct env *v, bool on);
    /* Off: input stays where it is, end of stream is not seen either. */
    void (*want_input)(struct env *v, bool on);
    /* Nothing follows what was sent; input may still come. */
    void (*end_send)(struct env *v);
    void (*disconnect)(struct env *v);
    /* Start the fence command on the peer. Its end is reported once. */
    int (*fence)(struct env *v, struct err *e);
    /* The pipe that feeds the first restore; the env owns @fd from here. */
    void (*feed_open)(struct env *v, int fd);
    ssize_t (*feed)(struct env *v, const void *data, size_t n);
    void (*want_feed)(struct env *v, bool on);
    void (*feed_close)(struct env *v);
    /* Remember the generation of a domain's session, for good. ERR_PEER when
       an equal or a later one was here before: the primary is stale. */
    int (*accept)(struct env *v, const uint8_t uuid[16], uint64_t generation,
                  struct err *e);
    /* Before each action of a machine: true when the process dies here, as a
       test wants; the session does nothing more. */
    bool (*dies)(struct env *v, const char *machine, const char *action);
    /* The session is over: leave the loop after the current input. */
    void (*finished)(struct env *v);
};

#endif
