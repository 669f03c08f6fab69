/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Control operations on a domain, with buffers that stay.
 */
#include "xen_call.h"

#include <errno.h>
#include <string.h>

int xen_call_open(struct xen_call *c, size_t size, struct err *e)
{
    int rc;

    memset(c, 0, sizeof(*c));
    c->handle = xencall_open(NULL, 0);
    if (!c->handle)
        return err_sys(e, ERR_IO, errno, "opening the hypercall device");
    c->op = xencall_alloc_buffer(c->handle, sizeof(*c->op));
    rc = c->op ? xen_call_room(c, size, e) :
         err_set(e, ERR_NOMEM, "no memory for a hypercall");
    if (rc)
        xen_call_close(c);
    return rc;
}

int xen_call_room(struct xen_call *c, size_t size, struct err *e)
{
    void *data;

    if (size <= c->size)
        return 0;
    data = xencall_alloc_buffer(c->handle, size);
    if (!data)
        return err_set(e, ERR_NOMEM, "no memory for a hypercall's %zu KiB",
                       size >> 10);
    if (c->data)
        xencall_free_buffer(c->handle, c->data);
    c->data = data;
    c->size = size;
    return 0;
}

void xen_call_close(struct xen_call *c)
{
    if (!c->handle)
        return;
    if (c->data)
        xencall_free_buffer(c->handle, c->data);
    if (c->op)
        xencall_free_buffer(c->handle, c->op);
    xencall_close(c->handle);
    memset(c, 0, sizeof(*c));
}

struct xen_domctl *xen_call_begin(struct xen_call *c, uint32_t domid,
                                  uint32_t cmd)
{
    memset(c->op, 0, sizeof(*c->op));
    c->op->cmd = cmd;
    c->op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    c->op->domain = (domid_t)domid;
    return c->op;
}

int xen_call_run(struct xen_call *c)
{
    return xencall1(c->handle, __HYPERVISOR_domctl, (uintptr_t)c->op);
}
