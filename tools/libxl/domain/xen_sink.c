/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The first copy on the sink: made by libxl in a child process from a plain
 * stream, then mapped and prepared. And destroying a domain, half made or
 * whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen_priv.h"

#define PIPE_BYTES   (1 << 20)
#define DOMAINS_MAX  32768u

struct restore {
    const char *json;
    const char *name;
    int fd;
};

/* In the child, too, since it asks the device model and waits. */
static int tell_config(struct dom *d, libxl_ctx *ctx, struct xen_log *log,
                       struct xen_report *r)
{
    CLEANUP_FREE char *json = xen_info_config(ctx, log, r->domid, &r->err);

    if (!json)
        return r->err.code;
    if (strlen(json) >= XEN_CONFIG_MAX)
        return err_set(&r->err, ERR_LIMIT, "the configuration has more than "
                       "%zu octets", XEN_CONFIG_MAX);
    strcpy(d->child_json, json);
    return 0;
}

/* Here, too: a first load takes long. */
static int warm_up(struct dom *d, struct xen_report *r)
{
    struct xen_dm dm;
    int rc;

    xen_dm_init(&dm, d->log);
    rc = xen_dm_open(&dm, r->domid, d->state_dir, &r->err);
    if (!rc)
        rc = xen_dm_warm_up(&dm, d->state_dir, &r->err);
    xen_dm_dispose(&dm);
    return rc;
}

/* In the child. */
static int restore(struct dom *d, libxl_ctx *ctx, struct xen_log *log,
                   void *arg, struct xen_report *r)
{
    libxl_domain_restore_params params;
    struct restore *w = arg;
    libxl_domain_config cfg;
    int rc = 0;

    libxl_domain_config_init(&cfg);
    libxl_domain_restore_params_init(&params);
    params.checkpointed_stream = LIBXL_CHECKPOINTED_STREAM_NONE;
    params.stream_version = 2;
    if (libxl_domain_config_from_json(ctx, &cfg, w->json)) {
        rc = xen_log_err(log, &r->err, ERR_FORMAT, "the configuration isn't "
                         "libxl's");
        goto out;
    }
    free(cfg.c_info.name);
    cfg.c_info.name = strdup(w->name);
    cfg.c_info.domid = INVALID_DOMID;
    xen_log_clear(log);
    if (libxl_domain_create_restore(ctx, &cfg, &r->domid, w->fd, -1, &params,
                                    NULL, NULL))
        rc = xen_log_err(log, &r->err, ERR_IO, "libxl can't create %s",
                         w->name);
    else
        rc = tell_config(d, ctx, log, r);
    if (!rc && xen_is_dm_guest(d))
        rc = warm_up(d, r);
out:
    libxl_domain_restore_params_dispose(&params);
    libxl_domain_config_dispose(&cfg);
    return rc;
}

/* The number of the domain with our identity, UINT32_MAX: none. */
static uint32_t find_uuid(struct dom *d)
{
    xc_domaininfo_t some[64];
    uint32_t first = 1;
    int i, n;

    while (first < DOMAINS_MAX &&
           (n = xc_domain_getinfolist(d->xch, first, 64, some)) > 0) {
        for (i = 0; i < n; i++) {
            if (!memcmp(some[i].handle, d->info.uuid,
                        sizeof(d->info.uuid)) &&
                !(some[i].flags & XEN_DOMINF_dying))
                return some[i].domain;
        }
        first = some[n - 1].domain + 1u;
    }
    return UINT32_MAX;
}

static int refuse_taken(struct dom *d, const char *incoming, struct err *e)
{
    uint32_t domid;

    if (!libxl_name_to_domid(d->ctx, d->final_name, &domid))
        return err_set(e, ERR_BUSY, "a domain %s (%u) exists on this host "
                       "already", d->final_name, domid);
    if (!libxl_name_to_domid(d->ctx, incoming, &domid))
        return err_set(e, ERR_BUSY, "a domain %s (%u) exists on this host "
                       "already: another session's, or left by one that was "
                       "killed (then: xl destroy %u)", incoming, domid,
                       domid);
    domid = find_uuid(d);
    if (domid != UINT32_MAX)
        return err_set(e, ERR_BUSY, "domain %u on this host has the UUID of "
                       "%s already", domid, d->final_name);
    return 0;
}

/* Name, identity and type out of the configuration, and whether such a domain
   can be made here. */
static int read_config(struct dom *d, const struct dom_create *c,
                       struct err *e)
{
    libxl_domain_config cfg;
    int n, rc = 0;

    libxl_domain_config_init(&cfg);
    xen_log_clear(&d->xlog);
    if (strlen(c->config_json) != c->config_length ||
        libxl_domain_config_from_json(d->ctx, &cfg, c->config_json) ||
        !cfg.c_info.name || !cfg.c_info.name[0]) {
        rc = xen_log_err(&d->xlog, e, ERR_FORMAT, "the domain's "
                         "configuration in the stream isn't libxl's JSON");
        goto out;
    }
    snprintf(d->final_name, sizeof(d->final_name), "%s", cfg.c_info.name);
    n = snprintf(d->info.name, sizeof(d->info.name), "%s%s",
                 cfg.c_info.name, c->incoming_suffix);
    memcpy(d->info.uuid, cfg.c_info.uuid.uuid, sizeof(d->info.uuid));
    if (n < 0 || (size_t)n >= sizeof(d->info.name))
        rc = err_set(e, ERR_LIMIT, "the domain's name is too long");
    else if (cfg.c_info.type == LIBXL_DOMAIN_TYPE_INVALID ||
             cfg.c_info.type != cfg.b_info.type)
        rc = err_set(e, ERR_FORMAT, "the configuration of %s doesn't say what "
                     "type of domain it is", d->final_name);
    else if (cfg.c_info.type == LIBXL_DOMAIN_TYPE_PV)
        rc = err_set(e, ERR_UNSUPPORTED, "%s is a PV guest: PV guests not "
                     "yet, only PVH and HVM", d->final_name);
    d->info.type = cfg.c_info.type == LIBXL_DOMAIN_TYPE_HVM ? DOM_HVM :
                   DOM_PVH;
    if (!rc)
        rc = refuse_taken(d, d->info.name, e);
    if (!rc)
        rc = xen_admit(d, c, &cfg, e);
out:
    libxl_domain_config_dispose(&cfg);
    return rc;
}

int xen_create(struct dom *d, const struct dom_create *c, int *fd_r,
               struct err *e)
{
    struct restore w = { .json = c->config_json, .name = d->info.name };
    struct xen_child_job job = { .run = restore, .arg = &w };
    int p[2], rc;

    if (!d->sink || d->created || d->child.pid)
        return err_set(e, ERR_BUG, "create called twice");
    rc = read_config(d, c, e);
    if (!rc)
        rc = xen_event_watch(d, e);
    if (rc)
        return rc;
    d->child_json = mmap(NULL, XEN_CONFIG_MAX, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (d->child_json == MAP_FAILED) {
        d->child_json = NULL;
        return err_sys(e, ERR_NOMEM, errno, "shared memory");
    }
    if (pipe2(p, O_CLOEXEC))
        return err_sys(e, ERR_IO, errno, "pipe");
    /* Best effort: a larger pipe means fewer turns of the loop. */
    fcntl(p[1], F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    w.fd = job.keep_fd = p[0];
    rc = xen_child_start(d, &job, &d->child, e);
    close(p[0]);
    d->begun = !rc;
    if (!rc)
        rc = xen_event_add_fd(d, d->child.fd, e);
    if (rc) {
        close(p[1]);
        xen_child_kill(&d->child);
        return rc;
    }
    *fd_r = p[1];
    return 0;
}

void xen_sink_on_child(struct dom *d)
{
    struct xen_report r;
    struct err e2;
    int rc = xen_child_poll(&d->child, &r);

    if (rc == ERR_AGAIN)
        return;
    if (!rc) {
        d->info.domid = r.domid;
        rc = xen_apply_prepare(d, &r.err);
    }
    if (!rc) {
        d->created = true;
        xen_event_push(d, DOM_EV_CREATED, DOM_OTHER, NULL);
        return;
    }
    if (xen_destroy(d, DOM_STEP_LIMIT_MS, &e2))
        log_error(d->log, "event=half-made-domain-stays name=%s why=\"%s\"",
                  d->info.name, e2.msg);
    xen_event_push(d, DOM_EV_CREATE_FAILED, DOM_OTHER, &r.err);
}

void xen_sink_on_release(struct dom *d)
{
    xc_domaininfo_t now;

    if (!d->created || d->state == XEN_GONE ||
        xen_info_now(d, &now, NULL) != ERR_NOTFOUND)
        return;
    d->state = XEN_GONE;
    xen_event_push(d, DOM_EV_GONE, DOM_OTHER, NULL);
}

/* A script's complaint about a network that is gone anyway isn't ours. */
int xen_child_destroy(libxl_ctx *ctx, struct xen_log *log, uint32_t domid,
                      struct xen_report *r)
{
    libxl_dominfo info;
    int rc;

    xen_log_clear(log);
    if (!libxl_domain_destroy(ctx, domid, NULL))
        return 0;
    libxl_dominfo_init(&info);
    rc = libxl_domain_info(ctx, &info, domid);
    libxl_dominfo_dispose(&info);
    if (rc == ERROR_DOMAIN_NOTFOUND) {
        log_info(log->to, "event=destroyed domid=%u complaint=\"%s\"", domid,
                 log->first);
        return 0;
    }
    return xen_log_err(log, &r->err, ERR_IO, "libxl can't destroy domain %u",
                       domid);
}

/* In the child. */
static int destroy(struct dom *d, libxl_ctx *ctx, struct xen_log *log,
                   void *arg, struct xen_report *r)
{
    (void)d;
    return xen_child_destroy(ctx, log, *(uint32_t *)arg, r);
}

int xen_destroy(struct dom *d, unsigned int wait_ms, struct err *e)
{
    struct xen_child_job job = { .run = destroy, .keep_fd = -1 };
    uint32_t domid;
    int rc;

    /* Refused: whoever has this identity here isn't ours. */
    if (d->sink && !d->begun)
        return 0;
    if (d->remover.pid <= 0) {
        xen_child_kill(&d->child);
        /* By identity, since a half made one's number isn't known. */
        domid = find_uuid(d);
        if (d->sink) {
            /* Mapped pages would keep it alive as a zombie. */
            xen_dm_dispose(&d->dm);
            xen_dirty_dispose(d);
            xen_mem_dispose(&d->mem);
            d->state = XEN_GONE;
        }
        if (domid == UINT32_MAX)
            return 0;
        job.arg = &domid;
        rc = xen_child_start(d, &job, &d->remover, e);
        if (rc)
            return rc;
    }
    return xen_child_wait(&d->remover, (int)wait_ms, "destroying the domain",
                          e);
}
