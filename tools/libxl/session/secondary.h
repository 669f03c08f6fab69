/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The secondary's loop: feeds the first copy to the restore, collects later
 * epochs in staging and applies each complete one, takes over when the
 * machine says so. Driven by a runtime through role_ops.
 */
#ifndef XC_SESSION_SECONDARY_H
#define XC_SESSION_SECONDARY_H

#include "role.h"

struct colo_secondary;

extern const struct role_ops secondary_role;

/* @conf and @env stay the caller's and have to outlive the session. */
int secondary_new(const struct colo_secondary_conf *conf,
                  const struct env_ops *ops, struct env *env,
                  struct colo_secondary **s_r, struct err *e);
/* How it ended; only after env finished(). */
void secondary_result(struct colo_secondary *s, struct colo_result *r);
/* The domain, if there is one, goes to conf->dom_r. */
void secondary_free(struct colo_secondary *s);

#endif
