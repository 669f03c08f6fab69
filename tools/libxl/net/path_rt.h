/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What path.c and path_build.c share: handles, questions to rtnetlink, the
 * one way to report its errors. For those two only.
 */
#ifndef XC_NET_PATH_RT_H
#define XC_NET_PATH_RT_H

#include <linux/pkt_sched.h>
#include <netlink/route/link.h>

#include "path.h"

/* The kernel gives every ingress (and clsact) qdisc this handle. */
#define PATH_INGRESS TC_H_MAKE(TC_H_INGRESS, 0)
#define PATH_PLUG_HANDLE 0x00010000u      /* 1: */
/* Our mark on the filter: what bears it was installed by us. */
#define PATH_FILTER_HANDLE 0xc0100001u

struct path_ingress {
    char kind[32];           /* "": there is none */
    bool ours;               /* our filter is in it */
    unsigned int foreign;    /* filters of others */
};

/* Set @e from libnl's negative @nlerr: "VIF: can't STEP IFB: reason". */
int path_nl_error(struct err *e, int nlerr, const struct path *p,
                  const char *step);
/* 0 with *link_r NULL when there is no such interface. */
int path_link_get(struct path *p, struct nl_sock *sock, const char *name,
                  struct rtnl_link **link_r, struct err *e);
/* 0 with *q_r NULL when there is none; else a reference, or libnl's error. */
int path_qdisc_get(struct nl_sock *sock, int ifindex, uint32_t parent,
                   uint32_t handle, struct rtnl_qdisc **q_r);
int path_ingress_look(struct path *p, struct nl_sock *sock,
                      struct path_ingress *i_r, struct err *e);

#endif
