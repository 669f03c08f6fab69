/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Frames into flows and bodies. Headers by RFC 791, 8200, 9293, 768, 826,
 * and IEEE 802.1Q. What doesn't fit its own lengths is FRAME_OTHER.
 */
#include "frame.h"

#include <string.h>

#include "bytes.h"

enum { ETHER_SIZE = 14, VLAN_SIZE = 4, IP4_SIZE = 20, IP6_SIZE = 40,
       TCP_SIZE = 20, UDP_SIZE = 8 };
enum { ETHER_IP4 = 0x0800, ETHER_ARP = 0x0806, ETHER_IP6 = 0x86dd,
       ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8 };
enum { P_HOPOPTS = 0, P_ICMP = 1, P_TCP = 6, P_UDP = 17, P_ROUTING = 43,
       P_FRAGMENT = 44, P_AH = 51, P_ICMP6 = 58, P_DSTOPTS = 60 };
#define EXTENSIONS_MAX 8
#define MORE 0x8000u

/* What is left of the packet: @at to @end. */
struct rest {
    const uint8_t *frame, *at, *end;
};

static size_t left(const struct rest *r)
{
    return (size_t)(r->end - r->at);
}

static bool parse_tcp(struct rest *r, struct frame *f)
{
    size_t head;

    if (left(r) < TCP_SIZE)
        return false;
    head = (size_t)(r->at[12] >> 4) * 4;
    if (head < TCP_SIZE || head > left(r))
        return false;
    f->kind = FRAME_TCP;
    f->key.src_port = get_be16(r->at);
    f->key.dst_port = get_be16(r->at + 2);
    f->l4 = (size_t)(r->at - r->frame);
    f->seq = get_be32(r->at + 4);
    f->ack = get_be32(r->at + 8);
    f->flags = r->at[13];
    r->at += head;
    return true;
}

static bool parse_udp(struct rest *r, struct frame *f)
{
    if (left(r) < UDP_SIZE)
        return false;
    f->kind = FRAME_UDP;
    f->key.src_port = get_be16(r->at);
    f->key.dst_port = get_be16(r->at + 2);
    r->at += UDP_SIZE;
    return true;
}

/* IP's payload, by its protocol. */
static bool parse_payload(struct rest *r, struct frame *f)
{
    f->kind = FRAME_IP;
    if (f->key.fragment)
        return true;
    switch (f->key.protocol) {
    case P_TCP:
        return parse_tcp(r, f);
    case P_UDP:
        return parse_udp(r, f);
    case P_ICMP:
    case P_ICMP6:
        f->kind = FRAME_ICMP;
        return true;
    default:
        return true;
    }
}

static bool parse_ip4(struct rest *r, struct frame *f)
{
    size_t head, total;
    uint16_t offset;

    if (left(r) < IP4_SIZE || r->at[0] >> 4 != 4)
        return false;
    head = (size_t)(r->at[0] & 15) * 4;
    total = get_be16(r->at + 2);
    if (total == 0)    /* a segment that offload has yet to cut */
        total = left(r);
    if (head < IP4_SIZE || head > total || total > left(r))
        return false;
    offset = get_be16(r->at + 6);
    f->key.protocol = r->at[9];
    memcpy(f->key.src, r->at + 12, 4);
    memcpy(f->key.dst, r->at + 16, 4);
    f->key.fragment = (offset & 0x3fff) != 0;
    if (f->key.fragment)
        f->offset = (uint16_t)((offset & 0x1fff) |
                               (offset & 0x2000 ? MORE : 0));
    r->end = r->at + total;
    r->at += head;
    return parse_payload(r, f);
}

/* Past the extension headers. */
static bool parse_extensions(struct rest *r, struct frame *f)
{
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        uint8_t kind = f->key.protocol;
        size_t n;

        if (kind != P_HOPOPTS && kind != P_ROUTING && kind != P_FRAGMENT &&
            kind != P_DSTOPTS && kind != P_AH)
            return true;
        if (f->key.fragment)    /* what follows is the datagram's */
            return true;
        if (left(r) < 8)
            return false;
        n = kind == P_FRAGMENT ? 8 : kind == P_AH ? (r->at[1] + 2u) * 4
                                                  : (r->at[1] + 1u) * 8;
        if (n > left(r))
            return false;
        if (kind == P_FRAGMENT) {
            uint16_t v = get_be16(r->at + 2);

            f->key.fragment = (v & 0xfff9) != 0;
            if (f->key.fragment)
                f->offset = (uint16_t)(v >> 3 | (v & 1 ? MORE : 0));
        }
        f->key.protocol = r->at[0];
        r->at += n;
    }
    return false;
}

static bool parse_ip6(struct rest *r, struct frame *f)
{
    size_t n;

    if (left(r) < IP6_SIZE || r->at[0] >> 4 != 6)
        return false;
    n = get_be16(r->at + 4);
    if (n == 0)    /* as above, or a jumbogram, which Ethernet hasn't */
        n = left(r) - IP6_SIZE;
    if (n > left(r) - IP6_SIZE)
        return false;
    f->key.protocol = r->at[6];
    memcpy(f->key.src, r->at + 8, 16);
    memcpy(f->key.dst, r->at + 24, 16);
    r->at += IP6_SIZE;
    r->end = r->at + n;
    return parse_extensions(r, f) && parse_payload(r, f);
}

static bool parse_known(struct rest *r, struct frame *f)
{
    switch (f->key.ether_type) {
    case ETHER_IP4:
        return parse_ip4(r, f);
    case ETHER_IP6:
        return parse_ip6(r, f);
    case ETHER_ARP:
        f->kind = FRAME_ARP;
        if (left(r) > 28)    /* padding */
            r->end = r->at + 28;
        return true;
    default:
        return true;
    }
}

void frame_parse(const uint8_t *data, size_t n, struct frame *f_r)
{
    struct rest r = { data, data, data + n };
    struct rest body;

    memset(f_r, 0, sizeof(*f_r));
    f_r->kind = FRAME_OTHER;
    if (n >= ETHER_SIZE) {
        f_r->key.ether_type = get_be16(data + 12);
        r.at += ETHER_SIZE;
    }
    for (int i = 0; i < FRAME_VLANS_MAX && left(&r) >= VLAN_SIZE &&
         (f_r->key.ether_type == ETHER_VLAN ||
          f_r->key.ether_type == ETHER_QINQ); i++) {
        f_r->key.vlan[i] = get_be16(r.at);
        f_r->key.ether_type = get_be16(r.at + 2);
        r.at += VLAN_SIZE;
    }
    body = r;
    if (!parse_known(&r, f_r)) {
        struct frame_key key = { .ether_type = f_r->key.ether_type };

        memcpy(key.vlan, f_r->key.vlan, sizeof(key.vlan));
        memset(f_r, 0, sizeof(*f_r));
        f_r->kind = FRAME_OTHER;
        f_r->key = key;
        r = body;
    }
    f_r->body = r.at;
    f_r->size = left(&r);
}

const char *frame_kind_name(enum frame_kind kind)
{
    static const char *const names[FRAME_KINDS_NR] = {
        "tcp", "udp", "icmp", "arp", "ip", "other",
    };

    return kind < FRAME_KINDS_NR ? names[kind] : "unknown";
}
