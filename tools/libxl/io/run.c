/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One side of a session, from beginning to end, in this process.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "generation.h"
#include "io.h"
#include "primary.h"
#include "runtime.h"
#include "secondary.h"

#define TRANSPORT_POLLS 100    /* of 10 ms, then it is killed */

/* The stream is closed, so the command ends by itself, or is ended. */
static void end_transport(pid_t pid)
{
    const struct timespec tick = { .tv_nsec = 10000000 };

    if (pid <= 0)
        return;
    for (int i = 0; i < TRANSPORT_POLLS; i++) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        if (i == TRANSPORT_POLLS / 4)
            kill(pid, SIGTERM);
        nanosleep(&tick, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* The descriptors are closed on failure, too. */
static int make_runtime(const struct colo_params *p,
                        const struct colo_io *io, const struct logger *log,
                        struct runtime **rt_r, struct err *e)
{
    struct runtime_conf c = {
        .in_fd = io->in_fd, .out_fd = io->out_fd, .run_dir = io->run_dir,
        .state_dir = io->state_dir,
        .fence = p->fence, .peer = p->peer,
        .parts = io->parts, .parts_ctx = io->parts_ctx,
        .fence_ms = p->fence_ms ? p->fence_ms : COLO_FENCE_MS_DEFAULT,
        .log = log,
    };
    int rc = runtime_new(&c, rt_r, e);

    if (rc) {
        close(io->in_fd);
        if (io->out_fd != io->in_fd)
            close(io->out_fd);
    }
    return rc;
}

int colo_primary_run(const struct colo_primary_conf *conf,
                     const struct colo_io *io, struct colo_result *r,
                     struct err *e)
{
    struct colo_primary *p = NULL;
    struct runtime *rt;
    int rc;

    memset(r, 0, sizeof(*r));
    rc = make_runtime(conf->params, io, conf->log, &rt, e);
    if (rc) {
        end_transport(io->transport);
        return rc;
    }
    rc = primary_new(conf, &runtime_env_ops, runtime_env(rt),
                     generation_new(), &p, e);
    if (!rc) {
        runtime_run(rt, &primary_role, p);
        primary_result(p, r);
    }
    primary_free(p);
    runtime_free(rt);
    end_transport(io->transport);
    return rc;
}

int colo_secondary_run(const struct colo_secondary_conf *conf,
                       const struct colo_io *io, struct colo_result *r,
                       struct err *e)
{
    struct colo_secondary *s = NULL;
    struct runtime *rt;
    int rc;

    memset(r, 0, sizeof(*r));
    rc = make_runtime(conf->params, io, conf->log, &rt, e);
    if (rc)
        return rc;
    rc = secondary_new(conf, &runtime_env_ops, runtime_env(rt), &s, e);
    if (!rc) {
        runtime_run(rt, &secondary_role, s);
        secondary_result(s, r);
    }
    secondary_free(s);
    runtime_free(rt);
    return rc;
}
