/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What runtime.c (the event loop), runtime_env.c (what a session asks),
 * fence.c and control.c share.
 */
#ifndef XC_IO_RUNTIME_INT_H
#define XC_IO_RUNTIME_INT_H

#include <ev.h>

#include "runtime.h"

#define INPUT_SIZE ((size_t)256 << 10)
#define FEED_PIPE_SIZE (1 << 20)    /* Linux's limit without privilege */
#define CLIENTS_MAX 8
#define CLIENT_LINE 64
#define CLIENT_SECONDS 2.0

struct client {
    ev_io io;
    ev_timer limit;
    int fd;                /* -1: free */
    char line[CLIENT_LINE];
    size_t used;
    struct runtime *rt;
};

struct fence {
    ev_io io;
    ev_timer limit;
    int pidfd;             /* -1: none runs */
    pid_t pid;
};

struct env {
    int unused;            /* an env is its runtime */
};

struct runtime {
    struct env env;
    struct runtime_conf conf;
    struct ev_loop *loop;
    const struct role_ops *role;
    void *session;
    ev_io in, out, feed, domain, net, listener;
    ev_timer timers[ENV_TIMERS_NR];
    ev_signal signals[3];
    int in_fd, out_fd, feed_fd, domain_fd, net_fd, listen_fd;
    bool input_on, ended;
    char *socket_path;
    uint8_t *data;          /* [INPUT_SIZE] */
    size_t at, filled;
    struct fence fence;
    struct client clients[CLIENTS_MAX];
};

/* After each input: follow the domain, serve the status socket. */
void runtime_after(struct runtime *rt);

/* Idempotent. */
void runtime_io_on(struct runtime *rt, ev_io *io, bool on);
void runtime_set_nonblocking(int fd);

int fence_start(struct runtime *rt, struct err *e);
void fence_stop(struct runtime *rt);

/* Serve RUN_DIR/NAME.sock as soon as the name is known. */
void control_serve(struct runtime *rt);
void control_stop(struct runtime *rt);

#endif
