/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Control operations on a domain, by hand: those that libxenctrl has in no
 * public header, and those that it does with fresh pages to pass the data
 * in, which costs more than the call. Here they are allocated once.
 */
#ifndef XC_DOMAIN_XEN_CALL_H
#define XC_DOMAIN_XEN_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <xencall.h>
#include <xenctrl.h>

#include "err.h"

struct xen_call {
    xencall_handle *handle;    /* NULL: closed */
    struct xen_domctl *op;
    void *data;                /* for what the operation points to */
    size_t size;
};

/* @size bytes of data; *@c has to be zeroed or closed. */
int xen_call_open(struct xen_call *c, size_t size, struct err *e);
/* Make sure that the data may have @size bytes; what is in it is lost. */
int xen_call_room(struct xen_call *c, size_t size, struct err *e);
/* Idempotent. */
void xen_call_close(struct xen_call *c);
/* Begin operation @cmd: its arguments are zero, for the caller to fill. */
struct xen_domctl *xen_call_begin(struct xen_call *c, uint32_t domid,
                                  uint32_t cmd);
/* Do what was begun. Negative with errno when Xen refuses. */
int xen_call_run(struct xen_call *c);

#endif
