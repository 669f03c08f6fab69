/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The domain backend for real Xen hosts: HVM-container guests (PVH, HVM) by
 * Xen's public libraries. Implements ops/domain.h; see there.
 */
#ifndef XC_DOMAIN_XEN_H
#define XC_DOMAIN_XEN_H

#include "domain.h"

extern const struct dom_ops dom_xen_ops;

#endif
