/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What is known of a domain: fills dom_info, and refuses what this backend
 * can't protect, saying why.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen_priv.h"

bool xen_is_dm_guest(const struct dom *d)
{
    return d->info.type == DOM_HVM;
}

int xen_info_now(struct dom *d, xc_domaininfo_t *now_r, struct err *e)
{
    int n = xc_domain_getinfolist(d->xch, d->info.domid, 1, now_r);

    if (n < 0)
        return err_sys(e, ERR_IO, errno, "asking for domain %u",
                       d->info.domid);
    if (n == 0 || now_r->domain != d->info.domid ||
        (now_r->flags & XEN_DOMINF_dying) ||
        memcmp(now_r->handle, d->info.uuid, sizeof(d->info.uuid)))
        return err_set(e, ERR_NOTFOUND, "domain %s (%u) is gone",
                       d->info.name, d->info.domid);
    return 0;
}

static int fill_hypervisor(struct dom *d, struct err *e)
{
    xc_domaininfo_t now;
    int n = xc_domain_getinfolist(d->xch, d->info.domid, 1, &now);
    int version;

    if (n < 0)
        return err_sys(e, ERR_IO, errno, "asking for domain %u",
                       d->info.domid);
    if (n == 0 || now.domain != d->info.domid)
        return err_set(e, ERR_NOTFOUND, "no domain %u", d->info.domid);
    memcpy(d->info.uuid, now.handle, sizeof(d->info.uuid));
    d->info.ram_pages = now.tot_pages;
    version = xc_version(d->xch, XENVER_version, NULL);
    if (version < 0)
        return err_sys(e, ERR_IO, errno, "asking for Xen's version");
    d->info.xen_major = (uint32_t)version >> 16;
    d->info.xen_minor = (uint32_t)version & 0xffff;
    return 0;
}

/* libxl_domain_info() takes PVH for HVM; the configuration doesn't. */
static int fill_type(struct dom *d, const libxl_domain_config *cfg,
                     struct err *e)
{
    switch (cfg->c_info.type) {
    case LIBXL_DOMAIN_TYPE_HVM:
        d->info.type = DOM_HVM;
        return 0;
    case LIBXL_DOMAIN_TYPE_PVH:
        d->info.type = DOM_PVH;
        return 0;
    case LIBXL_DOMAIN_TYPE_PV:
        d->info.type = DOM_PV;
        return err_set(e, ERR_UNSUPPORTED, "%s is a PV guest: PV guests not "
                       "yet, only PVH and HVM", d->info.name);
    default:
        return err_set(e, ERR_UNSUPPORTED, "%s is of an unknown type",
                       d->info.name);
    }
}

static int add_vif(struct dom *d, const libxl_device_nic *nic,
                   const char *suffix, struct err *e)
{
    struct dom_vif *v = &d->info.vifs[d->info.vifs_nr];
    int n;

    if (d->info.vifs_nr == DOM_VIFS_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s has more than %d network "
                       "interfaces on this host", d->info.name,
                       DOM_VIFS_MAX);
    if (nic->ifname && nic->ifname[0])
        n = snprintf(v->ifname, sizeof(v->ifname), "%s%s", nic->ifname,
                     suffix);
    else
        n = snprintf(v->ifname, sizeof(v->ifname), "vif%u.%d%s",
                     d->info.domid, nic->devid, suffix);
    if (n < 0 || (size_t)n >= sizeof(v->ifname))
        return err_set(e, ERR_UNSUPPORTED, "%s has a network interface with "
                       "too long a name", d->info.name);
    snprintf(v->bridge, sizeof(v->bridge), "%.15s",
             nic->bridge ? nic->bridge : "");
    memcpy(v->mac, nic->mac, sizeof(v->mac));
    d->info.vifs_nr++;
    return 0;
}

/* An emulated card's packets leave through a tap of its own, and a guest may
   switch from one to the other: both are the guest's output. */
static int fill_vifs(struct dom *d, const libxl_domain_config *cfg,
                     struct err *e)
{
    const libxl_device_nic *nic;
    int i, rc = 0;

    d->info.vifs_nr = 0;
    for (i = 0; !rc && i < cfg->num_nics; i++) {
        nic = &cfg->nics[i];
        if (nic->backend_domid)
            return err_set(e, ERR_UNSUPPORTED, "%s has a network interface "
                           "in driver domain %u", d->info.name,
                           nic->backend_domid);
        rc = add_vif(d, nic, "", e);
        if (!rc && xen_is_dm_guest(d) &&
            nic->nictype == LIBXL_NIC_TYPE_VIF_IOEMU)
            rc = add_vif(d, nic, "-emu", e);
    }
    return rc;
}

static void fill_disk(struct dom *d, const libxl_domain_config *cfg)
{
    const libxl_device_disk *disk;
    int i;

    d->info.writable_disk[0] = '\0';
    for (i = 0; i < cfg->num_disks; i++) {
        disk = &cfg->disks[i];
        if (!disk->readwrite || disk->is_cdrom)
            continue;
        snprintf(d->info.writable_disk, sizeof(d->info.writable_disk),
                 "%s: %s", disk->vdev ? disk->vdev : "?",
                 disk->pdev_path ? disk->pdev_path : "?");
        return;
    }
}

static int refuse(const struct dom *d, const libxl_domain_config *cfg,
                  struct err *e)
{
    const char *what = NULL;

    if (cfg->num_pcidevs || cfg->num_dtdevs || cfg->num_usbdevs)
        what = "a device passed through";
    else if (!libxl_defbool_is_default(cfg->b_info.disable_migrate) &&
             libxl_defbool_val(cfg->b_info.disable_migrate))
        what = "nomigrate set in its configuration";
    else if (xen_is_dm_guest(d) &&
             !libxl_defbool_is_default(cfg->b_info.device_model_stubdomain)
             && libxl_defbool_val(cfg->b_info.device_model_stubdomain))
        what = "its device model in a stub domain";
    return what ? err_set(e, ERR_UNSUPPORTED, "%s can't be protected: it has "
                          "%s", d->info.name, what) : 0;
}

static int use_config(struct dom *d, const libxl_domain_config *cfg,
                      struct err *e)
{
    int rc = fill_type(d, cfg, e);

    if (!rc)
        rc = refuse(d, cfg, e);
    if (!rc)
        rc = fill_vifs(d, cfg, e);
    if (!rc)
        fill_disk(d, cfg);
    return rc;
}

char *xen_info_config(libxl_ctx *ctx, struct xen_log *log, uint32_t domid,
                      struct err *e)
{
    libxl_domain_config cfg;
    char *json = NULL;

    libxl_domain_config_init(&cfg);
    xen_log_clear(log);
    if (!libxl_retrieve_domain_configuration(ctx, domid, &cfg, NULL))
        json = libxl_domain_config_to_json(ctx, &cfg);
    if (!json)
        xen_log_err(log, e, ERR_IO, "reading the configuration of domain %u",
                    domid);
    libxl_domain_config_dispose(&cfg);
    return json;
}

int xen_info_fill(struct dom *d, char *json, struct err *e)
{
    libxl_domain_config cfg;
    int rc;

    free(d->info.config_json);
    d->info.config_json = json;
    rc = fill_hypervisor(d, e);
    if (rc)
        return rc;
    libxl_domain_config_init(&cfg);
    xen_log_clear(&d->xlog);
    if (libxl_domain_config_from_json(d->ctx, &cfg, json))
        rc = xen_log_err(&d->xlog, e, ERR_FORMAT, "the configuration of %s "
                         "can't be read", d->info.name);
    else
        rc = use_config(d, &cfg, e);
    libxl_domain_config_dispose(&cfg);
    return rc;
}
