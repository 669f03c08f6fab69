/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * CPU policies as the stream carries them: a domain's, and the largest that
 * this host can give one. Source: Xen's docs/specs/libxc-migration-stream.
 */
#include <stdlib.h>
#include <xenctrl.h>    /* before xenguest.h, which lacks it */
#include <xenguest.h>

#include "bytes.h"
#include "cpu_policy.h"
#include "xen_priv.h"

#define MSR_SIZE 16u

static int put_policies(struct dom_static *s, const xen_cpuid_leaf_t *leaves,
                        uint32_t leaves_nr, const xen_msr_entry_t *msrs,
                        uint32_t msrs_nr, struct err *e)
{
    uint8_t *p;
    uint32_t i;
    int rc;

    rc = buf_reserve(&s->cpuid_policy,
                     (size_t)leaves_nr * CPU_POLICY_LEAF_SIZE, &p, e);
    for (i = 0; !rc && i < leaves_nr; i++, p += CPU_POLICY_LEAF_SIZE) {
        put_le32(p, leaves[i].leaf);
        put_le32(p + 4, leaves[i].subleaf);
        put_le32(p + 8, leaves[i].a);
        put_le32(p + 12, leaves[i].b);
        put_le32(p + 16, leaves[i].c);
        put_le32(p + 20, leaves[i].d);
        s->cpuid_policy.size += CPU_POLICY_LEAF_SIZE;
    }
    if (!rc)
        rc = buf_reserve(&s->msr_policy, (size_t)msrs_nr * MSR_SIZE, &p, e);
    for (i = 0; !rc && i < msrs_nr; i++, p += MSR_SIZE) {
        put_le32(p, msrs[i].idx);
        put_le32(p + 4, msrs[i].flags);
        put_le64(p + 8, msrs[i].val);
        s->msr_policy.size += MSR_SIZE;
    }
    return rc;
}

/* @domid, or for DOMID_INVALID what a domain can have at most. */
static int read_policy(struct dom *d, uint32_t domid, struct dom_static *s_r,
                       struct err *e)
{
    CLEANUP_FREE xen_cpuid_leaf_t *leaves = NULL;
    CLEANUP_FREE xen_msr_entry_t *msrs = NULL;
    uint32_t leaves_nr = 0, msrs_nr = 0;
    xc_cpu_policy_t *policy;
    int r;

    buf_clear(&s_r->cpuid_policy);
    buf_clear(&s_r->msr_policy);
    xen_log_clear(&d->xlog);
    policy = xc_cpu_policy_init();
    r = !policy || xc_cpu_policy_get_size(d->xch, &leaves_nr, &msrs_nr);
    if (!r) {
        leaves = calloc(leaves_nr, sizeof(*leaves));
        msrs = calloc(msrs_nr, sizeof(*msrs));
        r = !leaves || !msrs ||
            (domid != DOMID_INVALID ?
             xc_cpu_policy_get_domain(d->xch, domid, policy) :
             xc_cpu_policy_get_system(d->xch, XEN_SYSCTL_cpu_policy_hvm_max,
                                      policy)) ||
            xc_cpu_policy_serialise(d->xch, policy, leaves, &leaves_nr, msrs,
                                    &msrs_nr);
    }
    if (policy)
        xc_cpu_policy_destroy(policy);
    if (r)
        return xen_log_err(&d->xlog, e, ERR_IO, "reading the CPU policy of "
                           "%s", domid != DOMID_INVALID ? d->info.name :
                           "this host");
    return put_policies(s_r, leaves, leaves_nr, msrs, msrs_nr, e);
}

int xen_static_data(struct dom *d, struct dom_static *s_r, struct err *e)
{
    return read_policy(d, d->info.domid, s_r, e);
}

int xen_policy_host(struct dom *d, struct dom_static *s_r, struct err *e)
{
    return read_policy(d, DOMID_INVALID, s_r, e);
}
