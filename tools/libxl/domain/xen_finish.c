/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The guest ended: does what its configuration says. The `xl create` that
 * started it watched for this, but goes away at the guest's first suspend,
 * so it is ours to do.
 */
#include "xen_priv.h"

struct finish {
    enum dom_shutdown reason;
};

static libxl_action_on_shutdown action(const struct dom *d,
                                       const libxl_domain_config *cfg,
                                       enum dom_shutdown reason)
{
    switch (reason) {
    case DOM_POWEROFF:
        return cfg->on_poweroff;
    case DOM_REBOOT:
        return cfg->on_reboot;
    case DOM_CRASH:
        return cfg->on_crash;
    default:
        break;
    }
    if (d->state == XEN_ENDED && d->shutdown_code == SHUTDOWN_watchdog)
        return cfg->on_watchdog;
    if (d->state == XEN_ENDED && d->shutdown_code == SHUTDOWN_soft_reset)
        return cfg->on_soft_reset;
    /* It went elsewhere. */
    return LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
}

static int start_again(libxl_ctx *ctx, struct xen_log *log,
                       libxl_domain_config *cfg, struct xen_report *r)
{
    cfg->c_info.domid = INVALID_DOMID;
    xen_log_clear(log);
    if (libxl_domain_create_new(ctx, cfg, &r->domid, NULL, NULL))
        return xen_log_err(log, &r->err, ERR_IO, "libxl can't create %s",
                           cfg->c_info.name);
    if (libxl_domain_unpause(ctx, r->domid, NULL))
        return xen_log_err(log, &r->err, ERR_IO, "libxl can't start %s",
                           cfg->c_info.name);
    return 0;
}

/* Keep the dead one under a new name and identity. */
static int put_aside(libxl_ctx *ctx, struct xen_log *log, uint32_t domid,
                     libxl_domain_config *cfg, struct xen_report *r)
{
    libxl_uuid uuid;

    libxl_uuid_generate(&uuid);
    if (libxl_domain_preserve(ctx, domid, &cfg->c_info, "-1", uuid))
        return xen_log_err(log, &r->err, ERR_IO, "libxl can't rename domain "
                           "%u", domid);
    return 0;
}

/* In the child. */
static int finish(struct dom *d, libxl_ctx *ctx, struct xen_log *log,
                  void *arg, struct xen_report *r)
{
    const struct finish *w = arg;
    uint32_t domid = d->info.domid;
    libxl_domain_config cfg;
    int rc;

    libxl_domain_config_init(&cfg);
    if (libxl_domain_config_from_json(ctx, &cfg, d->info.config_json)) {
        rc = xen_log_err(log, &r->err, ERR_FORMAT, "the configuration can't "
                         "be read again");
        goto out;
    }
    switch (action(d, &cfg, w->reason)) {
    case LIBXL_ACTION_ON_SHUTDOWN_PRESERVE:
        rc = 0;
        break;
    case LIBXL_ACTION_ON_SHUTDOWN_RESTART:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART:
    case LIBXL_ACTION_ON_SHUTDOWN_SOFT_RESET:
        rc = xen_child_destroy(ctx, log, domid, r);
        if (!rc)
            rc = start_again(ctx, log, &cfg, r);
        break;
    case LIBXL_ACTION_ON_SHUTDOWN_RESTART_RENAME:
        rc = put_aside(ctx, log, domid, &cfg, r);
        if (!rc)
            rc = start_again(ctx, log, &cfg, r);
        break;
    default:
        rc = xen_child_destroy(ctx, log, domid, r);
    }
out:
    libxl_domain_config_dispose(&cfg);
    return rc;
}

int xen_finish(struct dom *d, enum dom_shutdown reason, struct err *e)
{
    struct finish w = { .reason = reason };
    struct xen_child_job job = { .run = finish, .arg = &w, .keep_fd = -1 };
    xc_domaininfo_t now;
    int rc;

    if (d->finisher.pid <= 0) {
        xen_log_stop(d);
        if (reason == DOM_SUSPEND)
            return 0;
        /* Somebody else, an xl that still watched, did it. */
        if (xen_info_now(d, &now, NULL) == ERR_NOTFOUND)
            return 0;
        rc = xen_child_start(d, &job, &d->finisher, e);
        if (rc)
            return rc;
    }
    return xen_child_wait(&d->finisher, DOM_STEP_LIMIT_MS,
                          "doing what the configuration says", e);
}
