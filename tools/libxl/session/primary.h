/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The primary's loop: turns what comes in (stream, domain, clock, user) into
 * triggers, steps the machine, runs its actions. Decides nothing itself.
 * Driven by a runtime through role_ops.
 */
#ifndef XC_SESSION_PRIMARY_H
#define XC_SESSION_PRIMARY_H

#include "role.h"

struct colo_primary;

extern const struct role_ops primary_role;

/* @conf and @env stay the caller's and have to outlive the session. */
int primary_new(const struct colo_primary_conf *conf,
                const struct env_ops *ops, struct env *env,
                uint64_t generation, struct colo_primary **p_r,
                struct err *e);
/* How it ended; only after env finished(). */
void primary_result(struct colo_primary *p, struct colo_result *r);
void primary_free(struct colo_primary *p);

#endif
