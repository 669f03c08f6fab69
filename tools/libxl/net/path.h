/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The output path of one interface, as the kernel's traffic control builds
 * it. One function for one step; the order of steps is plug.c's.
 *
 *   guest → vif ingress ─ matchall: mirred redirect to ifb, then drop ─┐
 *   bridge ← vif (received again) ← ifb ← sch_plug on the ifb's root ←─┘
 *
 * The redirect is written "redirect, go on; drop" and not "redirect, steal"
 * for the clone that the kernel then makes: netback lends the guest's pages
 * to its packets, and a clone gets a copy of them. Stolen packets keep the
 * guest's pages. Measured with Debian's 6.1 netback: the guest's sender
 * stalled after 58 full frames held (with the clone: no such end), and
 * destroying the held domain left dom0's xenwatch thread in kthread_stop()
 * until the output was released, so no domain's devices moved.
 *
 * sch_plug (Linux net/sched/sch_plug.c), on which this rests: it starts
 * plugged. BUFFER ends an epoch: the count of packets since the one before
 * becomes the "last epoch", overwriting that. RELEASE_ONE lets as many
 * packets go as the last epoch has and zeroes it. RELEASE_INDEFINITE opens
 * the plug until the next BUFFER; packets queued while it is open are not
 * counted, so a plug that was opened is not used for epochs again: until
 * hold() packets take the direct way and the plug stands fresh.
 * Its counters have no lock: a packet that arrives on another CPU in the
 * very nanoseconds of a BUFFER can be miscounted. The domain stands still
 * at mark(), so none is under way.
 */
#ifndef XC_NET_PATH_H
#define XC_NET_PATH_H

#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/qdisc.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/*
 * Octets that one interface may have held; more is dropped as on a slow
 * line. 1 Gbit/s for 250 ms. The kernel counts octets of packets, not of
 * memory: 60-octet packets to this limit cost dom0 about 450 MiB.
 */
#define PATH_HELD_LIMIT_BYTES (32 << 20)
/* How long removal waits for released packets to have left; first while
   new ones still come (for the sake of order only), then for the last. */
#define PATH_DRAIN_FIRST_LIMIT_MS 200
#define PATH_DRAIN_LIMIT_MS 2000
/* For an answer of the kernel, which answers at once. */
#define PATH_ANSWER_LIMIT_MS 5000

struct path {
    char vif[IFNAMSIZ];
    char ifb[IFNAMSIZ];
    int vif_index;                /* 0: not on this host */
    int ifb_index;                /* 0: no ifb of ours */
    struct rtnl_qdisc *plug;      /* prepared, to send commands with */
};

struct path_counts {
    uint64_t held_packets;
    uint64_t held_bytes;
    uint32_t sent_packets;        /* since the plug was made; wraps */
    uint32_t dropped_packets;     /* the same */
};

enum path_command { PATH_BUFFER, PATH_RELEASE_ONE, PATH_RELEASE_ALL };

/* A socket to rtnetlink, freed by nl_socket_free(). */
int path_socket(struct nl_sock **sock_r, struct err *e);

/* The ifb's name for interface @vif: vif5.0 → colo5.0, web → colo-web; a
   name too long for that is hashed. Pure. */
void path_ifb_name(const char *vif, char ifb_r[IFNAMSIZ]);

/* Names, and the indexes of what exists of them. @p needs no init. */
int path_find(struct path *p, struct nl_sock *sock, const char *vif,
              struct err *e);
/* Frees memory, never touches the kernel. */
void path_dispose(struct path *p);

/*
 * *left_r: something of ours is there already. Else ERR_BUSY when the
 * interface's ingress belongs to somebody else; the message names the kind.
 */
int path_check(struct path *p, struct nl_sock *sock, bool *left_r,
               struct err *e);

/* Make the ifb, its plug, and an ingress for path_redirect(); no packet's
   way changes. On failure path_remove() undoes what was done.
   ERR_UNSUPPORTED: the kernel lacks a module; the message says which. */
int path_build(struct path *p, struct nl_sock *sock, struct err *e);
/* From now on the interface's packets go to the plug. */
int path_redirect(struct path *p, struct nl_sock *sock, struct err *e);
/* One round trip. */
int path_command(struct path *p, struct nl_sock *sock,
                 enum path_command command, struct err *e);
int path_counts(struct path *p, struct nl_sock *sock,
                struct path_counts *c_r, struct err *e);
/* Release everything, wait until it has left, remove the redirect, wait
   again, remove the ifb. Works on any part of a path that there is. The
   first packets on the direct way may overtake the last in the ifb.
   ERR_TIMEOUT: removed, but some hadn't left within the limit. */
int path_remove(struct path *p, struct nl_sock *sock, struct err *e);
/* The same, for a domain that is gone: what is held is dropped. */
int path_drop(struct path *p, struct nl_sock *sock, struct err *e);

#endif
