/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * An Ethernet frame as the comparison of output sees it: which flow it is
 * of, and which octets of it a peer can see the meaning of. Ethernet II, up
 * to two VLAN tags, IPv4 with options, IPv6 with extension headers, TCP, UDP;
 * everything else by its octets. Pure. Called by compare.c and rewrite.c.
 */
#ifndef XC_COMPARE_FRAME_H
#define XC_COMPARE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX  ((size_t)65536 + 64)    /* with segmentation offload */
#define FRAME_VLANS_MAX 2

enum frame_kind {
    FRAME_TCP,
    FRAME_UDP,
    FRAME_ICMP,     /* and ICMPv6, so neighbour discovery, too */
    FRAME_ARP,
    FRAME_IP,       /* another protocol over IP, or a fragment */
    FRAME_OTHER,    /* no IP, or headers that make no sense */
    FRAME_KINDS_NR
};

enum {              /* TCP, byte 13 of its header */
    TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08,
    TCP_ACK = 0x10, TCP_URG = 0x20
};

/* The flow: all zero where a frame hasn't it. Compared by its octets. */
struct frame_key {
    uint8_t src[16], dst[16];           /* IPv4: the first 4 */
    uint16_t src_port, dst_port;        /* TCP and UDP */
    uint16_t ether_type;                /* behind the tags */
    uint16_t vlan[FRAME_VLANS_MAX];     /* whole tag control words */
    uint8_t protocol;                   /* IP's, behind extensions */
    uint8_t fragment;                   /* 1: of a datagram in pieces */
};

struct frame {
    enum frame_kind kind;
    struct frame_key key;
    /* What is compared. TCP and UDP: the payload; ICMP, FRAME_IP: behind
       IP's headers, for a fragment from its offset on; else what is behind
       the Ethernet header. Padding behind IP's length isn't in it. */
    const uint8_t *body;
    size_t size;
    size_t l4;              /* TCP: where its header is in the frame */
    uint32_t seq, ack;      /* TCP */
    uint8_t flags;          /* TCP */
    uint16_t offset;        /* fragment: octets / 8, bit 15: more follow */
};

/* What @data[n] is; any octets will do. *f_r refers to @data. */
void frame_parse(const uint8_t *data, size_t n, struct frame *f_r);

/* The name of a kind: "tcp", … */
const char *frame_kind_name(enum frame_kind kind);

/* Sequence numbers: a after b, as the space wraps. */
static inline bool seq_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* TCP: the number of the body's first octet; a SYN has one of its own. */
static inline uint32_t frame_first_seq(const struct frame *f)
{
    return f->seq + (f->flags & TCP_SYN ? 1 : 0);
}

#endif
