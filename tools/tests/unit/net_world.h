/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A small network in a namespace of its own, for the tests of tools/libxl/
 * net. The machine's own interfaces are never touched. Without privilege
 * for a namespace there is no world, and the tests that need one skip.
 *
 *   gst ─(veth)─ vif7.0 ─ br0 ─ brp ─(veth)─ out
 *
 * What a guest would send enters at gst; what leaves the host comes at out.
 */
#ifndef XC_TEST_NET_WORLD_H
#define XC_TEST_NET_WORLD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE    /* unshare, setresuid */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/veth.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "net.h"
#include "path.h"

#define ETHERTYPE_TEST 0x88b5    /* IEEE 802: for local experiments */
#define ARRIVE_MS 60000          /* what must come has come by then */
#define SILENCE_MS 20            /* what must not come had time to */
#define PROBE UINT32_MAX         /* the number of frames that nobody counts */
#define FRAME_BYTES 60
#define FRAME_BIG_BYTES 1514

static const uint8_t guest_mac[6] = { 0x00, 0x16, 0x3e, 1, 2, 3 };
static const uint8_t outside_mac[6] = { 0x02, 0, 0, 0, 0, 0x98 };

static const struct net_ops *const ops = &net_plug_ops;

static struct world {
    struct nl_sock *rt;
    int guest, outside;          /* packet sockets */
    struct dom_info info;
    struct net *net;
    uint32_t sent, seen;         /* numbers of the next frames */
} w;

static inline void set_link(const char *name, const char *master)
{
    struct rtnl_link *link = rtnl_link_alloc();

    rtnl_link_set_ifindex(link, (int)if_nametoindex(name));
    rtnl_link_set_flags(link, IFF_UP);
    if (master)
        rtnl_link_set_master(link, (int)if_nametoindex(master));
    assert_int_equal(rtnl_link_change(w.rt, link, link, 0), 0);
    rtnl_link_put(link);
}

static inline void add_wire(const char *a, const char *b, const char *bridge)
{
    assert_int_equal(rtnl_link_veth_add(w.rt, a, b, getpid()), 0);
    set_link(a, NULL);
    set_link(b, bridge);
}

static inline int open_tap(const char *ifname, uint16_t ethertype)
{
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET,
        .sll_ifindex = (int)if_nametoindex(ifname),
    };
    int fd, on = 1, room = 64 << 20;

    put_be16(&at.sll_protocol, ethertype);
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static inline void add_vif(const char *ifname)
{
    struct dom_vif *v = &w.info.vifs[w.info.vifs_nr++];

    snprintf(v->ifname, sizeof(v->ifname), "%s", ifname);
    snprintf(v->bridge, sizeof(v->bridge), "br0");
    memcpy(v->mac, guest_mac, 6);
}

/* IPv6 would speak by itself and blur the counts. */
static inline void silence_ipv6(const char *which)
{
    char name[64];
    int fd;

    snprintf(name, sizeof(name), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
             which);
    fd = open(name, O_WRONLY);
    if (fd >= 0) {
        assert_int_equal(write(fd, "1", 1), 1);
        close(fd);
    }
}

static inline void put_frame_of(int fd, const uint8_t mac[6],
                                uint32_t number, size_t bytes);
static inline int64_t take_frame(int fd, int limit_ms);

/* A new link and a bridge's new port each take their time until they let
   anything pass, and in one direction not when in the other. */
static inline void await_flow(int from, const uint8_t mac[6], int to)
{
    for (int tries = 0; tries < ARRIVE_MS / SILENCE_MS; tries++) {
        put_frame_of(from, mac, PROBE, FRAME_BYTES);
        if (take_frame(to, SILENCE_MS) >= 0)
            return;
    }
    fail_msg("no frame passes");
}

static inline int make_world(void **state)
{
    struct err e;

    (void)state;
    memset(&w, 0, sizeof(w));
    w.guest = w.outside = -1;
    if (unshare(CLONE_NEWNET) < 0)
        return 0;
    silence_ipv6("all");
    silence_ipv6("default");
    assert_int_equal(path_socket(&w.rt, &e), 0);
    assert_int_equal(rtnl_link_bridge_add(w.rt, "br0"), 0);
    set_link("br0", NULL);
    add_wire("gst", "vif7.0", "br0");
    add_wire("out", "brp", "br0");
    w.guest = open_tap("gst", ETHERTYPE_TEST);
    w.outside = open_tap("out", ETHERTYPE_TEST);
    snprintf(w.info.name, sizeof(w.info.name), "web");
    add_vif("vif7.0");
    await_flow(w.outside, outside_mac, w.guest);
    await_flow(w.guest, guest_mac, w.outside);
    return 0;
}

static inline int end_world(void **state)
{
    (void)state;
    if (w.guest >= 0)
        close(w.guest);
    if (w.outside >= 0)
        close(w.outside);
    if (w.rt)
        nl_socket_free(w.rt);
    return 0;
}

#define NEED_WORLD() do { if (!w.rt) { \
        print_message("no privilege for a network namespace\n"); \
        skip(); } } while (0)

/* Attach, or skip where the kernel has no sch_plug. */
#define ATTACH() do { struct err e_; int r_; NEED_WORLD(); \
        r_ = ops->attach(&w.info, NULL, &w.net, &e_); \
        if (r_ == ERR_UNSUPPORTED) { \
            print_message("%s\n", e_.msg); skip(); } \
        if (r_) print_message("%s\n", e_.msg); \
        assert_int_equal(r_, 0); } while (0)

#define OK(call) do { struct err e; \
        if (call) fail_msg("%s: %s", #call, e.msg); } while (0)
#define REFUSED(call, code, text) do { struct err e = { 0, "" }; \
        assert_int_equal(call, code); \
        if (!strstr(e.msg, text)) fail_msg("'%s'", e.msg); } while (0)

/* ---- sending and seeing ---------------------------------------------- */

static inline void put_frame_of(int fd, const uint8_t mac[6],
                                uint32_t number, size_t bytes)
{
    uint8_t frame[FRAME_BIG_BYTES] = { 0x02, 0, 0, 0, 0, 0x99 };

    memcpy(frame + 6, mac, 6);
    put_be16(frame + 12, ETHERTYPE_TEST);
    put_be32(frame + 14, number);
    while (send(fd, frame, bytes, 0) != (ssize_t)bytes)
        assert_int_equal(errno, EAGAIN);
}

static inline void put_frame(int fd, uint32_t number, size_t bytes)
{
    put_frame_of(fd, guest_mac, number, bytes);
}

static inline void send_frames(uint32_t n)
{
    while (n-- > 0)
        put_frame(w.guest, w.sent++, FRAME_BYTES);
}

/* The next frame's number, or -1 when none comes in @limit_ms. */
static inline int64_t take_frame(int fd, int limit_ms)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    uint8_t frame[FRAME_BIG_BYTES];

    if (poll(&pfd, 1, limit_ms) != 1)
        return -1;
    assert_true(recv(fd, frame, sizeof(frame), 0) >= FRAME_BYTES);
    return get_be32(frame + 14);
}

/* The next that is no late probe. */
static inline int64_t see(int fd, int limit_ms)
{
    int64_t number;

    do
        number = take_frame(fd, limit_ms);
    while (number == PROBE);
    return number;
}

/* The next @n frames, in order. */
static inline void expect_frames(uint32_t n)
{
    while (n-- > 0)
        assert_int_equal(see(w.outside, ARRIVE_MS), w.seen++);
}

static inline void expect_silence(void)
{
    assert_int_equal(see(w.outside, SILENCE_MS), -1);
}

#endif
