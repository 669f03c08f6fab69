/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Ops that fail where XL_COLO_FAULT says so (fault_point.h): fail.OP, OP as
 * in ops/domain.h and ops/network.h, with dashes. Without the variable the
 * ops are given back as they are.
 */
#ifndef XC_SESSION_FAULTY_H
#define XC_SESSION_FAULTY_H

#include "domain.h"
#include "network.h"

/* For one session at a time in a process. */
const struct dom_ops *faulty_dom_ops(const struct dom_ops *ops);
const struct net_ops *faulty_net_ops(const struct net_ops *ops);

#endif
