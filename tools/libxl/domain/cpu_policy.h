/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Whether the CPU that a guest knows is there: its features, as it was told
 * them by CPUID, against those that another host can give. Xen's own check of
 * a policy looks at the number of leaves only; a guest would then meet an
 * instruction that isn't there after a take-over. Called by xen_admit.c.
 */
#ifndef XC_DOMAIN_CPU_POLICY_H
#define XC_DOMAIN_CPU_POLICY_H

#include "buf.h"
#include "err.h"

/* X86_CPUID_POLICY: leaf, subleaf, a, b, c, d, each le32. Source: Xen's
   docs/specs/libxc-migration-stream. */
#define CPU_POLICY_LEAF_SIZE 24

/*
 * @guest, @host: bodies of X86_CPUID_POLICY; what is behind the last whole
 * leaf is left out. 0 when @host has each feature of @guest; else
 * ERR_UNSUPPORTED, naming what is missing as CPU manuals do, in lower case.
 * An empty @guest knows nothing and lacks nothing.
 */
int cpu_policy_covers(const struct buf *guest, const struct buf *host,
                      struct err *e);

#endif
