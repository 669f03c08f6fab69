/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the plug backend offers beyond struct net_ops: freeing what an ended
 * session left held.
 */
#ifndef XC_NET_PLUG_H
#define XC_NET_PLUG_H

#include "domain.h"
#include "err.h"
#include "log.h"

/*
 * `xl colo-stop --release NAME`: let everything go that an ended session
 * holds of the domain's output, and give the path back. The caller has made
 * sure that the session is dead and that this copy of the domain may speak.
 * Only what net_plug_ops itself installed is removed. 0 also when nothing
 * was left; all interfaces are tried, the first failure is returned.
 */
int net_plug_release_stale(const struct dom_info *info,
                           const struct logger *log, struct err *e);

#endif
