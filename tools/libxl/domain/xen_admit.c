/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Whether a copy can live on this host: looked at before libxl begins to make
 * one, since what is missing would show after the first copy, or only at the
 * take-over.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpu_policy.h"
#include "xen_priv.h"

#define MIB_OF_KIB(n) (((n) + 1023) / 1024)

static int admit_memory(struct dom *d, libxl_domain_config *cfg,
                        struct err *e)
{
    uint64_t need = 0, have = 0;

    xen_log_clear(&d->xlog);
    if (libxl_domain_need_memory(d->ctx, cfg, INVALID_DOMID, &need) ||
        libxl_get_free_memory(d->ctx, &have))
        return xen_log_err(&d->xlog, e, ERR_IO, "asking how much memory is "
                           "free");
    if (need <= have)
        return 0;
    return err_set(e, ERR_NOMEM, "%s needs %" PRIu64 " MiB and this host has "
                   "%" PRIu64 " MiB free (end a domain here, or give dom0 "
                   "less with xl mem-set)", d->final_name, MIB_OF_KIB(need),
                   have / 1024);
}

/* Another script than Xen's own may mean something else by it. */
static bool is_bridged(const libxl_device_nic *nic)
{
    const char *base;

    if (!nic->bridge || !nic->bridge[0])
        return false;
    if (!nic->script)
        return true;
    base = strrchr(nic->script, '/');
    return !strcmp(base ? base + 1 : nic->script, "vif-bridge");
}

static int admit_bridges(const struct dom *d, const libxl_domain_config *cfg,
                         struct err *e)
{
    for (int i = 0; i < cfg->num_nics; i++) {
        const libxl_device_nic *nic = &cfg->nics[i];
        char path[PATH_MAX];

        if (!is_bridged(nic))
            continue;
        snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", nic->bridge);
        if (access(path, F_OK) && errno == ENOENT)
            return err_set(e, ERR_NOTFOUND, "this host has no bridge %s, "
                           "which %s's interface %d is in", nic->bridge,
                           d->final_name, i);
    }
    return 0;
}

static int admit_cpu(struct dom *d, const struct dom_static *given,
                     struct err *e)
{
    struct dom_static host = { { 0 }, { 0 } };
    struct err lacks;
    int rc;

    if (!given || !given->cpuid_policy.size)
        return 0;
    rc = xen_policy_host(d, &host, e);
    if (!rc && cpu_policy_covers(&given->cpuid_policy, &host.cpuid_policy,
                                 &lacks))
        rc = err_set(e, ERR_UNSUPPORTED, "this host's CPU hasn't what %s was "
                     "given: %s (start it again with a cpuid= that leaves "
                     "that out)", d->final_name, lacks.msg);
    buf_dispose(&host.cpuid_policy);
    buf_dispose(&host.msr_policy);
    return rc;
}

int xen_admit(struct dom *d, const struct dom_create *c,
              libxl_domain_config *cfg, struct err *e)
{
    int rc = admit_bridges(d, cfg, e);

    if (!rc)
        rc = admit_cpu(d, c->given, e);
    return rc ? rc : admit_memory(d, cfg, e);
}
