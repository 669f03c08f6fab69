/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded guest's network: one interface, one address, one TCP port, and
 * segments as frames for both ends of a connection. Pure.
 */
#ifndef XC_DOMAIN_EMBEDDED_TCP_H
#define XC_DOMAIN_EMBEDDED_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define GUEST_IP   0x0a000001u    /* 10.0.0.1 */
#define GUEST_PORT 7
#define SEGMENT_DATA_MAX 1400u
#define SEGMENT_HEAD 54u          /* Ethernet, IPv4, TCP: none has options */
#define SEGMENT_MAX (SEGMENT_HEAD + SEGMENT_DATA_MAX)

/* Numbers as in the host: an address is 0x0a000001. */
struct segment {
    uint32_t src, dst;
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags;                /* TCP_SYN | … */
    const void *data;
    size_t size;                  /* at most SEGMENT_DATA_MAX */
};

/* The frame, with its checksums; returns its size. MAC addresses are the
   guest's and the one that all its peers have, by which of them is @dst. */
size_t segment_build(const struct segment *s, uint8_t to[SEGMENT_MAX]);
/* Whether @f, which frame_parse() made of @frame, is TCP over IPv4 whose
   checksums are right. */
bool segment_is_good(const uint8_t *frame, const struct frame *f);

#endif
