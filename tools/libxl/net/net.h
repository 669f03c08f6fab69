/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The network backends that exist here. Only the front end names them; a
 * session knows ops/network.h alone.
 */
#ifndef XC_NET_NET_H
#define XC_NET_NET_H

#include "network.h"

/* Hold output with sch_plug on an ifb of each interface's own (Remus). */
extern const struct net_ops net_plug_ops;
/* Hold nothing: the user asked for no output commit, or an experiment. */
extern const struct net_ops net_none_ops;

#endif
