/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Named points at which a real run can be made to fail, for tests:
 * XL_COLO_FAULT=NAME:COUNT[,NAME:COUNT …] in the environment. What happens at
 * a point is its caller's matter. Without the variable nothing is counted.
 */
#ifndef XC_BASE_FAULT_POINT_H
#define XC_BASE_FAULT_POINT_H

#include <stdbool.h>

#define FAULT_POINTS_ENV "XL_COLO_FAULT"
#define FAULT_POINTS_MAX 8

/* True when the variable is set. */
bool fault_points_on(void);
/* True on the COUNT-th call (from 1) with this name, and only then. Counts
   are the process's; not to be called by two threads. */
bool fault_point(const char *name);

#endif
