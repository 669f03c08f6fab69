/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The real world for a session: libev's loop, descriptors, timers, signals,
 * the fence command, the status socket. Called by run.c only.
 */
#ifndef XC_IO_RUNTIME_H
#define XC_IO_RUNTIME_H

#include "role.h"

struct runtime;

struct runtime_conf {
    int in_fd, out_fd;          /* taken over, closed at disconnect */
    const char *run_dir;        /* NULL: no status socket */
    const char *state_dir;      /* NULL: generations aren't remembered */
    const char *fence, *peer;
    unsigned int fence_ms;
    void (*parts)(void *ctx);   /* as in struct colo_io */
    void *parts_ctx;
    const struct logger *log;
};

int runtime_new(const struct runtime_conf *conf, struct runtime **rt_r,
                struct err *e);
void runtime_free(struct runtime *rt);
struct env *runtime_env(struct runtime *rt);
extern const struct env_ops runtime_env_ops;
/* Until the session calls finished(). */
void runtime_run(struct runtime *rt, const struct role_ops *role,
                 void *session);

#endif
