/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Work for libxl that takes long or forks (creating, destroying a domain) is
 * done in a child process: the session's loop goes on, and libxl's handling
 * of SIGCHLD doesn't meet the loop's. The child has a libxl context of its
 * own and reports one result.
 */
#ifndef XC_DOMAIN_XEN_CHILD_H
#define XC_DOMAIN_XEN_CHILD_H

#include <libxl.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "xen_log.h"

struct xen_report {
    uint32_t domid;    /* of a created domain */
    struct err err;
};

struct xen_child {
    pid_t pid;    /* 0: none */
    int fd;       /* readable when it reported or died */
};

struct dom;
struct xen_child_job {
    /* Runs in the child. Returns 0 or a code, with r->err set. */
    int (*run)(struct dom *d, libxl_ctx *ctx, struct xen_log *log,
               void *arg, struct xen_report *r);
    void *arg;
    int keep_fd;    /* open in the child, too; -1: none */
};

int xen_child_start(struct dom *d, const struct xen_child_job *job,
                    struct xen_child *c_r, struct err *e);
/* ERR_AGAIN while it works; else it is reaped, and the job's result. */
int xen_child_poll(struct xen_child *c, struct xen_report *r_r);
/* Wait for at most @timeout_ms. ERR_TIMEOUT leaves it working: it can be
   waited for again. */
int xen_child_wait(struct xen_child *c, int timeout_ms, const char *what,
                   struct err *e);
/* It goes on, and isn't waited for any more. Idempotent. */
void xen_child_leave(struct xen_child *c);
/* End it with all that it started. Idempotent. */
void xen_child_kill(struct xen_child *c);

#endif
