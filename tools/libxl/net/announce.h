/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Tell switches and bridges that a guest's address is now here. One round a
 * call; how often and when is the caller's affair.
 */
#ifndef XC_NET_ANNOUNCE_H
#define XC_NET_ANNOUNCE_H

#include <stdint.h>

#include "domain.h"
#include "err.h"

#define ANNOUNCE_FRAME_BYTES 60    /* the shortest Ethernet frame, no FCS */

/* The frame that QEMU's self-announcement sends: a broadcast reverse ARP
   request (RFC 903) about @mac itself. Pure. */
void announce_frame(const uint8_t mac[6], uint8_t out[ANNOUNCE_FRAME_BYTES]);

/*
 * The body of net_ops.announce. For each interface with a bridge: drop what
 * the bridge has learned of the guest's address (it points to where the
 * guest was, and frames would go back there) and send the frame through the
 * bridge. A bridge that is missing or down is skipped. The other interfaces
 * are served after a failure; the first failure is returned.
 */
int announce_send(const struct dom_info *info, struct err *e);

#endif
