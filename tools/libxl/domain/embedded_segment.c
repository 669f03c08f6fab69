/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * TCP segments over Ethernet and IPv4, without options, for the embedded
 * guest and its peers. By RFC 791 and RFC 9293.
 */
#include "embedded_tcp.h"

#include <string.h>

#include "bytes.h"

enum { ETHER_SIZE = 14, ETHER_IP4 = 0x0800, IP4_SIZE = 20, TCP_SIZE = 20,
       IP_TCP = 6 };

static const uint8_t guest_mac[6] = { 0x00, 0x16, 0x3e, 0, 0, 1 };
static const uint8_t peers_mac[6] = { 0x00, 0x16, 0x3e, 0, 0, 2 };

/* The internet checksum's sum, not inverted, of octets and @sum. */
static uint16_t sum_of(const uint8_t *p, size_t n, uint32_t sum)
{
    for (; n > 1; p += 2, n -= 2)
        sum += get_be16(p);
    if (n)
        sum += (uint32_t)*p << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* @ip: the IPv4 header before a segment at @tcp of @n octets. */
static uint16_t tcp_sum(const uint8_t *ip, const uint8_t *tcp, size_t n)
{
    uint32_t pseudo = sum_of(ip + 12, 8, IP_TCP + (uint32_t)n);

    return sum_of(tcp, n, pseudo);
}

size_t segment_build(const struct segment *s, uint8_t to[SEGMENT_MAX])
{
    uint8_t *ip = to + ETHER_SIZE, *tcp = ip + IP4_SIZE;
    size_t n = TCP_SIZE + s->size;

    memset(to, 0, SEGMENT_HEAD);
    memcpy(to, s->dst == GUEST_IP ? guest_mac : peers_mac, 6);
    memcpy(to + 6, s->dst == GUEST_IP ? peers_mac : guest_mac, 6);
    put_be16(to + 12, ETHER_IP4);
    ip[0] = 0x45;
    put_be16(ip + 2, (uint16_t)(IP4_SIZE + n));
    put_be16(ip + 6, 0x4000);    /* not to be cut */
    ip[8] = 64;
    ip[9] = IP_TCP;
    put_be32(ip + 12, s->src);
    put_be32(ip + 16, s->dst);
    put_be16(ip + 10, (uint16_t)~sum_of(ip, IP4_SIZE, 0));
    put_be16(tcp, s->src_port);
    put_be16(tcp + 2, s->dst_port);
    put_be32(tcp + 4, s->seq);
    put_be32(tcp + 8, s->ack);
    tcp[12] = TCP_SIZE / 4 << 4;
    tcp[13] = s->flags;
    put_be16(tcp + 14, 0xffff);
    if (s->size)
        memcpy(tcp + TCP_SIZE, s->data, s->size);
    put_be16(tcp + 16, (uint16_t)~tcp_sum(ip, tcp, n));
    return ETHER_SIZE + IP4_SIZE + n;
}

bool segment_is_good(const uint8_t *frame, const struct frame *f)
{
    const uint8_t *ip, *tcp = frame + f->l4;
    size_t head;

    if (f->kind != FRAME_TCP || f->key.ether_type != ETHER_IP4 ||
        f->key.vlan[0])
        return false;
    ip = frame + ETHER_SIZE;
    head = (size_t)(tcp - ip);
    return sum_of(ip, head, 0) == 0xffff &&
        tcp_sum(ip, tcp, (size_t)(f->body + f->size - tcp)) == 0xffff;
}
