/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The device model (QEMU) of an HVM guest: stop, save and continue on the
 * source, load again and again on the sink. Speaks over the socket
 * qmp-libxenstat-N, which nobody holds for long, and leaves qmp-libxl-N to
 * xl.
 *
 * Order on the source, per epoch: the vCPUs stand still, xen_dm_stop(),
 * xen_dm_stopped(), bitmap and pages, xen_dm_saved(), xen_dm_cont(), resume
 * of the vCPUs, xen_dm_prepare(). QEMU saves while pages are copied. A
 * running vCPU must never meet a stopped QEMU.
 */
#ifndef XC_DOMAIN_XEN_DM_H
#define XC_DOMAIN_XEN_DM_H

#include <limits.h>
#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "log.h"
#include "qmp.h"

#define XEN_DM_LIMIT_MS 4000    /* any answer of QEMU's */

struct xen_dm {
    const struct logger *log;
    struct qmp *qmp;
    uint32_t domid;
    char socket[108];
    char save_path[PATH_MAX];
    bool logging;               /* its dirty log is on */
    bool stopped;               /* stop is sent, cont isn't */
    unsigned int stop_ticket, save_ticket, cont_ticket, load_ticket;
    unsigned int forget_ticket; /* 0: nothing to wait for */
    int image_fd;               /* sink: the synthetic image; -1: none */
    bool load_half;             /* sink: the half sent command is the load */
};

void xen_dm_init(struct xen_dm *m, const struct logger *log);
/* Idempotent; half commands die, files go. */
void xen_dm_dispose(struct xen_dm *m);
/* Find and connect to the device model; ERR_UNSUPPORTED when @state_dir
   can't be said in JSON. */
int xen_dm_open(struct xen_dm *m, uint32_t domid, const char *state_dir,
                struct err *e);

/* Source. */
int xen_dm_log(struct xen_dm *m, bool on, struct err *e);
void xen_dm_prepare(struct xen_dm *m);
int xen_dm_stop(struct xen_dm *m, struct err *e);
int xen_dm_stopped(struct xen_dm *m, struct err *e);
int xen_dm_saved(struct xen_dm *m, struct buf *to, struct err *e);
int xen_dm_cont(struct xen_dm *m, struct err *e);
/* Stop and save in one call, for once. */
int xen_dm_save_now(struct xen_dm *m, struct buf *to, struct err *e);

/* Sink. */
/* Once, with the guest paused: stop, and show by a load of QEMU's own state
   that this QEMU can do it. Slow; the connection may end afterwards. */
int xen_dm_warm_up(struct xen_dm *m, const char *state_dir, struct err *e);
/* Over a new connection: go on where the warm-up ended. */
int xen_dm_adopt(struct xen_dm *m, const char *state_dir, struct err *e);
/* The state for the next load. */
int xen_dm_state(struct xen_dm *m, const struct buf *state, struct err *e);
/* Load the newest state and leave "cont" half sent. */
int xen_dm_load(struct xen_dm *m, struct err *e);
/* Let QEMU run; also when nothing was ever loaded. */
int xen_dm_run(struct xen_dm *m, struct err *e);
/* After the takeover: QEMU is to be as it was. Doesn't wait; dispose does,
   since QEMU forgets what it hasn't read when the connection ends. */
void xen_dm_forget(struct xen_dm *m);

#endif
