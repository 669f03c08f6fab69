/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Frames for tests, by what is in them: Ethernet with VLAN tags; ARP; IPv4
 * and IPv6; TCP, UDP, ICMP and ICMPv6. Lengths and checksums are right, unless
 * the test changes the octets afterwards. Written from the RFCs, without
 * frame.c, of which only the names are taken.
 */
#ifndef XC_TEST_FRAMES_H
#define XC_TEST_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"
#include "frame.h"

#define FRAMES_TAGS_MAX 4
#define FRAMES_HEADERS_MAX 200    /* what is before any payload */

/* All zero: TCP over IPv4 between 0.0.0.0 and itself. */
struct frame_spec {
    enum frame_kind kind;           /* FRAME_IP: @protocol, payload as is;
                                       FRAME_OTHER: @ether_type, likewise */
    bool ip6;
    int tags;                       /* so many of @tag */
    uint16_t tag[FRAMES_TAGS_MAX];  /* tag control words, outermost first */
    uint8_t src[16], dst[16];       /* IPv4: the first 4 */
    uint16_t src_port, dst_port;
    uint32_t seq, ack;              /* TCP; ICMP: the 4 octets behind its
                                       checksum are @seq */
    uint16_t window;
    uint8_t flags;                  /* TCP_SYN | … */
    uint8_t type, code;             /* ICMP */
    uint8_t protocol;               /* FRAME_IP */
    uint16_t ether_type;            /* FRAME_OTHER */
    uint16_t arp_op;
    uint16_t id;                    /* IPv4 */
    /* IPv4's word of flags and offset; IPv6: if it isn't zero, that of a
       fragment header. What follows is as without it. */
    uint16_t fragment;
    bool hop_by_hop;                /* IPv6: such a header, empty */
    bool partial_checksum;          /* TCP, UDP: the pseudo-header's alone */
    const uint8_t *options;         /* TCP's; zeroes up to a multiple of 4 */
    size_t options_size;            /* at most 40 */
    const uint8_t *ip_options;      /* IPv4's, the same */
    size_t ip_options_size;
    const uint8_t *payload;
    size_t size;
    size_t padding;                 /* octets behind it all, 0xee */
};

/* The same way back: ends, ports and numbers change places. */
static inline struct frame_spec frame_reply(struct frame_spec s)
{
    struct frame_spec t = s;

    memcpy(t.src, s.dst, sizeof(t.src));
    memcpy(t.dst, s.src, sizeof(t.dst));
    t.src_port = s.dst_port;
    t.dst_port = s.src_port;
    t.seq = s.ack;
    t.ack = s.seq;
    return t;
}

/* The internet checksum's sum, not yet inverted, of n octets and @sum. */
static inline uint16_t frame_sum(const uint8_t *p, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static inline uint16_t frame_pseudo_sum(const uint8_t *src, const uint8_t *dst,
                                        bool ip6, uint8_t protocol, size_t n)
{
    uint8_t p[40] = { 0 };
    size_t size = ip6 ? 16 : 4;

    memcpy(p, src, size);
    memcpy(p + 16, dst, size);
    put_be32(p + 32, (uint32_t)n);
    p[39] = protocol;
    return frame_sum(p, sizeof(p), 0);
}

static inline size_t frame_put_options(uint8_t *to, const uint8_t *from,
                                       size_t n)
{
    size_t padded = (n + 3) / 4 * 4;

    if (padded)
        memset(to, 0, padded);
    if (n)
        memcpy(to, from, n);
    return padded;
}

static inline size_t frame_put_tcp(const struct frame_spec *s, uint8_t *to)
{
    size_t options = frame_put_options(to + 20, s->options, s->options_size);

    put_be16(to, s->src_port);
    put_be16(to + 2, s->dst_port);
    put_be32(to + 4, s->seq);
    put_be32(to + 8, s->ack);
    to[12] = (uint8_t)((20 + options) / 4 << 4);
    to[13] = s->flags;
    put_be16(to + 14, s->window);
    put_be32(to + 16, 0);
    return 20 + options;
}

static inline size_t frame_put_udp(const struct frame_spec *s, uint8_t *to)
{
    put_be16(to, s->src_port);
    put_be16(to + 2, s->dst_port);
    put_be16(to + 4, (uint16_t)(8 + s->size));
    put_be16(to + 6, 0);
    return 8;
}

static inline size_t frame_put_icmp(const struct frame_spec *s, uint8_t *to)
{
    to[0] = s->type;
    to[1] = s->code;
    put_be16(to + 2, 0);
    put_be32(to + 4, s->seq);
    return 8;
}

static inline uint8_t frame_protocol(const struct frame_spec *s)
{
    switch (s->kind) {
    case FRAME_TCP:
        return 6;
    case FRAME_UDP:
        return 17;
    case FRAME_ICMP:
        return s->ip6 ? 58 : 1;
    default:
        return s->protocol;
    }
}

/* What IP carries, with its checksum. */
static inline size_t frame_put_transport(const struct frame_spec *s,
                                         uint8_t *to)
{
    uint8_t protocol = frame_protocol(s);
    bool pseudo = s->kind != FRAME_ICMP || s->ip6;
    size_t head = 0, sum_at = 0, n;
    uint16_t sum;

    if (s->kind == FRAME_TCP) {
        head = frame_put_tcp(s, to);
        sum_at = 16;
    } else if (s->kind == FRAME_UDP) {
        head = frame_put_udp(s, to);
        sum_at = 6;
    } else if (s->kind == FRAME_ICMP) {
        head = frame_put_icmp(s, to);
        sum_at = 2;
    }
    if (s->size)
        memcpy(to + head, s->payload, s->size);
    n = head + s->size;
    if (!head)
        return n;
    sum = pseudo ? frame_pseudo_sum(s->src, s->dst, s->ip6, protocol, n) : 0;
    if (s->partial_checksum) {
        put_be16(to + sum_at, sum);
        return n;
    }
    sum = (uint16_t)~frame_sum(to, n, sum);
    if (s->kind == FRAME_UDP && sum == 0)    /* zero would be: none */
        sum = 0xffff;
    put_be16(to + sum_at, sum);
    return n;
}

static inline size_t frame_put_ip4(const struct frame_spec *s, uint8_t *to)
{
    size_t head = 20 + frame_put_options(to + 20, s->ip_options,
                                         s->ip_options_size);
    size_t n = head + frame_put_transport(s, to + head);

    to[0] = (uint8_t)(0x40 | head / 4);
    to[1] = 0;
    put_be16(to + 2, (uint16_t)n);
    put_be16(to + 4, s->id);
    put_be16(to + 6, s->fragment);
    to[8] = 64;
    to[9] = frame_protocol(s);
    put_be16(to + 10, 0);
    memcpy(to + 12, s->src, 4);
    memcpy(to + 16, s->dst, 4);
    put_be16(to + 10, (uint16_t)~frame_sum(to, head, 0));
    return n;
}

static inline size_t frame_put_ip6(const struct frame_spec *s, uint8_t *to)
{
    uint8_t *kind = to + 6;    /* where the next header's kind goes */
    size_t n = 40;

    put_be32(to, 0x60000000);
    to[7] = 64;
    memcpy(to + 8, s->src, 16);
    memcpy(to + 24, s->dst, 16);
    if (s->hop_by_hop) {
        *kind = 0;
        kind = to + n;
        memcpy(to + n, "\0\0\1\4\0\0\0\0", 8);    /* PadN */
        n += 8;
    }
    if (s->fragment) {
        *kind = 44;
        kind = to + n;
        put_be16(to + n, 0);
        put_be16(to + n + 2, s->fragment);
        put_be32(to + n + 4, s->id);
        n += 8;
    }
    *kind = frame_protocol(s);
    n += frame_put_transport(s, to + n);
    put_be16(to + 4, (uint16_t)(n - 40));
    return n;
}

static inline size_t frame_put_arp(const struct frame_spec *s, uint8_t *to)
{
    memset(to, 0, 28);
    put_be16(to, 1);
    put_be16(to + 2, 0x0800);
    to[4] = 6;
    to[5] = 4;
    put_be16(to + 6, s->arp_op);
    memcpy(to + 8, "\0\26\76\0\0\1", 6);
    memcpy(to + 14, s->src, 4);
    memcpy(to + 24, s->dst, 4);
    return 28;
}

/* The frame's size; @to has room for FRAMES_HEADERS_MAX, payload, padding. */
static inline size_t frame_build(const struct frame_spec *s, uint8_t *to)
{
    size_t n = 12;

    memcpy(to, "\0\26\76\0\0\2\0\26\76\0\0\1", n);
    for (int i = 0; i < s->tags; i++, n += 4) {
        put_be16(to + n, s->tags > 1 && i == 0 ? 0x88a8 : 0x8100);
        put_be16(to + n + 2, s->tag[i]);
    }
    if (s->kind == FRAME_OTHER) {
        put_be16(to + n, s->ether_type);
        n += 2;
        if (s->size)
            memcpy(to + n, s->payload, s->size);
        n += s->size;
    } else if (s->kind == FRAME_ARP) {
        put_be16(to + n, 0x0806);
        n += 2 + frame_put_arp(s, to + n + 2);
    } else {
        put_be16(to + n, s->ip6 ? 0x86dd : 0x0800);
        n += 2;
        n += s->ip6 ? frame_put_ip6(s, to + n) : frame_put_ip4(s, to + n);
    }
    memset(to + n, 0xee, s->padding);
    return n + s->padding;
}

/*
 * Whether a frame as above, but for fragments, has the checksums that it
 * should: IPv4's, and TCP's, UDP's (none is fine with IPv4), ICMP's. One that
 * has none to check is fine.
 */
static inline bool frame_checksum_ok(const uint8_t *p, size_t n)
{
    size_t at = 12, end;
    uint8_t protocol;
    uint16_t sum = 0;
    bool ip6;

    while (at + 6 <= n && (get_be16(p + at) == 0x8100 ||
                           get_be16(p + at) == 0x88a8))
        at += 4;
    ip6 = get_be16(p + at) == 0x86dd;
    if (!ip6 && get_be16(p + at) != 0x0800)
        return true;
    p += at + 2;
    if (ip6) {
        end = 40u + get_be16(p + 4);
        protocol = p[6];
        at = 40;
        if (protocol == 0) {
            protocol = p[at];
            at += 8;
        }
    } else {
        at = (p[0] & 15u) * 4;
        end = get_be16(p + 2);
        protocol = p[9];
        if (frame_sum(p, at, 0) != 0xffff)
            return false;
    }
    if (protocol != 6 && protocol != 17 && protocol != 1 && protocol != 58)
        return true;
    if (protocol == 17 && !ip6 && get_be16(p + at + 6) == 0)
        return true;
    if (protocol != 1)
        sum = frame_pseudo_sum(p + (ip6 ? 8 : 12), p + (ip6 ? 24 : 16), ip6,
                               protocol, end - at);
    return frame_sum(p + at, end - at, sum) == 0xffff;
}

#endif
