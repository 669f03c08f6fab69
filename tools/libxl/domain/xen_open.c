/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Opening: handles of Xen's libraries, the domain by name or number.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen_priv.h"

/* Without Xen or privilege every library call fails in its own words. */
static int check_privilege(struct err *e)
{
    static const char *const devices[] = {
        "/dev/xen/privcmd", "/proc/xen/privcmd"
    };
    int errnum = ENOENT;
    size_t i;

    for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (access(devices[i], R_OK | W_OK) == 0)
            return 0;
        if (errno != ENOENT)
            errnum = errno;
    }
    if (errnum == ENOENT)
        return err_set(e, ERR_PERM, "this isn't a Xen control domain: there "
                       "is no %s", devices[0]);
    return err_sys(e, ERR_PERM, errnum, "no privilege for %s (run as root)",
                   devices[0]);
}

static int open_handles(struct dom *d, struct err *e)
{
    int rc = check_privilege(e);

    if (rc)
        return rc;
    xen_log_clear(&d->xlog);
    if (libxl_ctx_alloc(&d->ctx, LIBXL_VERSION, 0, &d->xlog.xtl))
        return xen_log_err(&d->xlog, e, ERR_IO, "libxl doesn't start");
    d->xch = xc_interface_open(&d->xlog.xtl, &d->xlog.xtl, 0);
    if (!d->xch)
        return err_sys(e, ERR_IO, errno, "opening the hypervisor");
    d->fmem = xenforeignmemory_open(&d->xlog.xtl, 0);
    if (!d->fmem)
        return err_sys(e, ERR_IO, errno, "opening guest memory");
    d->dmod = xendevicemodel_open(&d->xlog.xtl, 0);
    if (!d->dmod)
        return err_sys(e, ERR_IO, errno, "opening Xen's device model calls");
    d->xs = xs_open(0);
    if (!d->xs)
        return err_sys(e, ERR_IO, errno, "connecting to xenstore");
    rc = xen_call_open(&d->call, sizeof(vcpu_guest_context_t), e);
    return rc ? rc : xen_event_init(d, e);
}

static int new_dom(const struct dom_open *o, struct dom **d_r, struct err *e)
{
    struct dom *d = calloc(1, sizeof(*d));
    int rc;

    *d_r = NULL;
    if (!d)
        return err_set(e, ERR_NOMEM, "no memory for a domain");
    d->log = o->log;
    d->epoll_fd = d->timer_fd = d->child.fd = -1;
    d->remover.fd = d->finisher.fd = -1;
    d->info.domid = UINT32_MAX;
    snprintf(d->state_dir, sizeof(d->state_dir), "%s",
             o->state_dir ? o->state_dir : "/run");
    xen_log_init(&d->xlog, o->log);
    xen_dm_init(&d->dm, o->log);
    buf_init(&d->params, CKPT_PARAMS_MAX);
    buf_init(&d->tsc, CKPT_TSC_MAX);
    buf_init(&d->context, CKPT_CONTEXT_MAX);
    rc = open_handles(d, e);
    if (rc) {
        xen_free(d);
        return rc;
    }
    *d_r = d;
    return 0;
}

static int find(struct dom *d, const char *name, struct err *e)
{
    uint32_t domid;
    char *json, *full;

    if (libxl_domain_qualifier_to_domid(d->ctx, name, &domid))
        return err_set(e, ERR_NOTFOUND, "no such domain: %s", name);
    if (domid == 0)
        return err_set(e, ERR_UNSUPPORTED, "domain 0 can't be protected");
    full = libxl_domid_to_name(d->ctx, domid);
    d->info.domid = domid;
    snprintf(d->info.name, sizeof(d->info.name), "%s", full ? full : name);
    free(full);
    json = xen_info_config(d->ctx, &d->xlog, domid, e);
    return json ? xen_info_fill(d, json, e) : ERR_IO;
}

static int make_paths(struct dom *d, struct err *e)
{
    char *base = xs_get_domain_path(d->xs, d->info.domid);
    int rc = 0;

    if (!base || asprintf(&d->control_path, "%s/control/shutdown", base) < 0)
        d->control_path = NULL;
    if (!base || asprintf(&d->target_path, "%s/memory/target", base) < 0)
        d->target_path = NULL;
    if (!base || asprintf(&d->mark_path, "%s/colo/session", base) < 0)
        d->mark_path = NULL;
    if (!d->control_path || !d->target_path || !d->mark_path)
        rc = err_set(e, ERR_IO, "no xenstore path for %s", d->info.name);
    free(base);
    return rc;
}

int xen_open_source(const struct dom_open *o, struct dom **d_r,
                    struct err *e)
{
    struct dom *d;
    int rc;

    if (!o->name || !o->name[0])
        return err_set(e, ERR_USAGE, "no domain named");
    rc = new_dom(o, &d, e);
    if (rc)
        return rc;
    rc = find(d, o->name, e);
    if (!rc)
        rc = make_paths(d, e);
    if (!rc)
        rc = xen_event_watch(d, e);
    if (rc) {
        xen_free(d);
        return rc;
    }
    *d_r = d;
    return 0;
}

int xen_open_sink(const struct dom_open *o, struct dom **d_r, struct err *e)
{
    int rc = new_dom(o, d_r, e);

    if (!rc)
        (*d_r)->sink = true;
    return rc;
}

/* Frees; what the guest does is settled before. */
void xen_free(struct dom *d)
{
    xen_dm_dispose(&d->dm);
    xen_dirty_dispose(d);
    xen_mem_dispose(&d->mem);
    if (d->epoll_fd >= 0)
        close(d->epoll_fd);
    if (d->timer_fd >= 0)
        close(d->timer_fd);
    if (d->xs)
        xs_close(d->xs);
    xen_call_close(&d->call);
    if (d->dmod)
        xendevicemodel_close(d->dmod);
    if (d->fmem)
        xenforeignmemory_close(d->fmem);
    if (d->xch)
        xc_interface_close(d->xch);
    libxl_ctx_free(d->ctx);
    buf_dispose(&d->params);
    buf_dispose(&d->tsc);
    buf_dispose(&d->context);
    xen_child_leave(&d->remover);
    xen_child_leave(&d->finisher);
    if (d->child_json)
        munmap(d->child_json, XEN_CONFIG_MAX);
    free(d->control_path);
    free(d->target_path);
    free(d->mark_path);
    free(d->info.config_json);
    free(d);
}
