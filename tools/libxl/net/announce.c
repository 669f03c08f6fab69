/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Announcement after a takeover, on the bridge device by a packet socket.
 * Never waits, never changes an interface. Called through net_ops.announce.
 *
 * The guest's IP address isn't known here, so only the Ethernet address is
 * announced; that is what switches and bridges go by.
 */
#include "announce.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "buf.h"
#include "bytes.h"

#define ETHERTYPE_RARP 0x8035
#define ETHERTYPE_IPV4 0x0800
#define RARP_REQUEST 3

void announce_frame(const uint8_t mac[6], uint8_t out[ANNOUNCE_FRAME_BYTES])
{
    memset(out, 0, ANNOUNCE_FRAME_BYTES);
    memset(out, 0xff, 6);
    memcpy(out + 6, mac, 6);
    put_be16(out + 12, ETHERTYPE_RARP);
    put_be16(out + 14, 1);                 /* hardware: Ethernet */
    put_be16(out + 16, ETHERTYPE_IPV4);
    out[18] = 6;
    out[19] = 4;
    put_be16(out + 20, RARP_REQUEST);
    memcpy(out + 22, mac, 6);              /* sender; IP 0.0.0.0 follows */
    memcpy(out + 32, mac, 6);              /* target, the same */
}

/*
 * The bridge may have learned the guest's address on the port that leads to
 * its old host; a frame from there would not be sent on to the guest. There
 * is no "forget this address", so it is moved to the guest's port and taken
 * away there: frames are flooded until the guest speaks. Best effort, for
 * another kind of switch (Open vSwitch) has no such table.
 */
static void forget_learned(struct nl_sock *sock, unsigned int vif_index,
                           const uint8_t mac[6])
{
    struct rtnl_neigh *neigh = rtnl_neigh_alloc();
    struct nl_addr *addr = nl_addr_build(AF_LLC, mac, 6);

    if (neigh && addr) {
        rtnl_neigh_set_family(neigh, AF_BRIDGE);
        rtnl_neigh_set_ifindex(neigh, (int)vif_index);
        rtnl_neigh_set_lladdr(neigh, addr);
        rtnl_neigh_set_flags(neigh, NTF_MASTER);
        rtnl_neigh_set_state(neigh, NUD_REACHABLE);
        if (rtnl_neigh_add(sock, neigh, NLM_F_CREATE | NLM_F_REPLACE) == 0)
            rtnl_neigh_delete(sock, neigh, 0);
    }
    if (neigh)
        rtnl_neigh_put(neigh);
    if (addr)
        nl_addr_put(addr);
}

static int announce_one(int fd, struct nl_sock *sock,
                        const struct dom_vif *vif, struct err *e)
{
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_ifindex = (int)if_nametoindex(vif->bridge),
        .sll_halen = 6,
    };
    unsigned int vif_index = if_nametoindex(vif->ifname);
    uint8_t frame[ANNOUNCE_FRAME_BYTES];
    ssize_t r;

    if (to.sll_ifindex == 0)
        return 0;
    if (sock && vif_index != 0)
        forget_learned(sock, vif_index, vif->mac);
    put_be16(&to.sll_protocol, ETHERTYPE_RARP);
    memset(to.sll_addr, 0xff, 6);
    announce_frame(vif->mac, frame);
    r = sendto(fd, frame, sizeof(frame), MSG_DONTWAIT,
               (const struct sockaddr *)&to, sizeof(to));
    if (r < 0 && errno != ENETDOWN && errno != ENXIO && errno != ENODEV)
        return err_sys(e, ERR_IO, errno, "%s: can't announce on %s",
                       vif->ifname, vif->bridge);
    return 0;
}

int announce_send(const struct dom_info *info, struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    struct nl_sock *sock;
    int rc = 0;
    unsigned int i;

    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "can't open a packet socket to "
                       "announce the domain");
    sock = nl_socket_alloc();
    if (sock && nl_connect(sock, NETLINK_ROUTE) < 0) {
        nl_socket_free(sock);
        sock = NULL;
    }
    for (i = 0; i < info->vifs_nr && i < DOM_VIFS_MAX; i++)
        if (info->vifs[i].bridge[0] != '\0') {
            int r = announce_one(fd, sock, &info->vifs[i], rc ? NULL : e);

            rc = rc ? rc : r;
        }
    if (sock)
        nl_socket_free(sock);
    return rc;
}
