/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Generated cases for two comparisons of output: up to three frames of each
 * copy, in a flow of their own. Part of main.c.
 */
#ifndef XC_COLO_COMPARE_CASES_H
#define XC_COLO_COMPARE_CASES_H

#include "frames.h"

#define FRAMES 3
#define PAYLOAD 48

/* What a case has; these are its reasons to be judged differently. */
enum feature {
    F_ACK_LESS,         /* the secondary acknowledges less than the primary */
    F_NO_PAYLOAD,       /* TCP */
    F_UNCOMPARED,       /* ARP, IPv6, tags, no IP */
    F_FRAGMENTS,
    F_PADDING,
    F_FIN,              /* with payload */
    F_SEVERAL,          /* datagrams in a flow */
    F_IP,               /* neither TCP, UDP nor ICMP */
    F_DIFFERS,          /* octets that matter */
    FEATURES_NR
};

struct sent {
    uint8_t data[256];
    size_t n;
};

struct a_case {
    struct sent p[FRAMES], s[FRAMES];
    int p_nr, s_nr;
    unsigned int features;
    const char *kind;
};

struct verdict {
    unsigned int left;    /* a bit for each frame of the primary */
    bool asks;
};

static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
    random_state = random_state * 6364136223846793005ull +
        1442695040888963407ull;
    return (uint32_t)((random_state >> 33) % n);
}

static uint8_t text[2][FRAMES][PAYLOAD];

static void put(struct a_case *c, bool ours, struct frame_spec f)
{
    int *nr = ours ? &c->p_nr : &c->s_nr;
    struct sent *to = (ours ? c->p : c->s) + (*nr)++;

    f.id = (uint16_t)((ours ? 1 : 101) + *nr);    /* tells them apart */
    to->n = frame_build(&f, to->data);
}

static struct frame_spec flow_of(uint32_t number, enum frame_kind kind)
{
    struct frame_spec f = { .kind = kind, .src = { 10, 1 }, .dst = { 10, 2 },
                            .src_port = 80, .dst_port = 4000, .seq = 0 };

    put_be16(f.src + 2, (uint16_t)number);
    if (kind == FRAME_ICMP)
        f.type = 8;
    if (kind == FRAME_IP)
        f.protocol = 47;
    return f;
}

/* Mostly the same for both. */
static void draw_text(struct a_case *c, bool differs)
{
    for (int i = 0; i < FRAMES; i++)
        for (int k = 0; k < PAYLOAD; k++)
            text[0][i][k] = (uint8_t)draw(256);
    memcpy(text[1], text[0], sizeof(text[0]));
    if (differs)
        text[1][0][draw(PAYLOAD)] ^= 1;
    c->features |= (unsigned int)differs << F_DIFFERS;
}

static void tcp_data(struct a_case *c, uint32_t number)
{
    struct frame_spec f = flow_of(number, FRAME_TCP), g;
    bool differs = draw(3) == 0;

    c->kind = "tcp data";
    draw_text(c, differs);
    f.seq = draw(1u << 30) * 4;
    f.ack = 1000 + draw(1u << 30);
    f.flags = TCP_ACK | (draw(2) ? TCP_PSH : 0);
    f.payload = text[0][0];
    f.size = PAYLOAD;
    g = f;
    g.payload = text[1][0];
    g.ack = f.ack + draw(3) - 1;
    if (g.ack + 1 == f.ack)
        c->features |= 1u << F_ACK_LESS;
    if (draw(8) == 0) {
        f.flags |= TCP_FIN;
        g.flags |= draw(2) ? TCP_FIN : 0;
        c->features |= 1u << F_FIN;
    }
    put(c, true, f);
    put(c, false, g);
}

/* One copy has in one segment what the other has in two. */
static void tcp_cut(struct a_case *c, uint32_t number)
{
    struct frame_spec f = flow_of(number, FRAME_TCP), g;
    size_t cut = 1 + draw(PAYLOAD - 1);
    bool ours = draw(2);

    c->kind = "tcp cut";
    draw_text(c, draw(3) == 0);
    f.seq = draw(1u << 30) * 4;
    f.ack = 1000 + draw(1u << 30);
    f.flags = TCP_ACK;
    f.payload = text[ours ? 0 : 1][0];
    f.size = cut;
    put(c, ours, f);
    f.seq += (uint32_t)cut;
    f.payload += cut;
    f.size = PAYLOAD - cut;
    put(c, ours, f);
    g = f;
    g.seq -= (uint32_t)cut;
    g.payload = text[ours ? 1 : 0][0];
    g.size = PAYLOAD;
    put(c, !ours, g);
}

static void tcp_alone(struct a_case *c, uint32_t number)
{
    static const uint8_t kinds[] = { TCP_ACK, TCP_SYN, TCP_SYN | TCP_ACK,
                                     TCP_FIN | TCP_ACK, TCP_RST,
                                     TCP_RST | TCP_ACK };
    struct frame_spec f = flow_of(number, FRAME_TCP), g;

    c->kind = "tcp alone";
    c->features |= 1u << F_NO_PAYLOAD;
    f.seq = draw(1u << 30) * 4;
    f.ack = 1000 + draw(1u << 30);
    f.flags = kinds[draw(sizeof(kinds))];
    g = f;
    if (draw(4) == 0)
        g.flags = kinds[draw(sizeof(kinds))];
    g.ack += draw(3) - 1;
    put(c, true, f);
    if (draw(8))
        put(c, false, g);
}

static void datagrams(struct a_case *c, uint32_t number,
                      enum frame_kind kind)
{
    struct frame_spec f = flow_of(number, kind);
    int n = 1 + (int)draw(FRAMES), first = (int)draw((uint32_t)n);

    c->kind = frame_kind_name(kind);
    draw_text(c, draw(3) == 0);
    f.size = PAYLOAD;
    if (n > 1)
        c->features |= 1u << F_SEVERAL;
    if (kind == FRAME_IP)
        c->features |= 1u << F_IP;
    for (int i = 0; i < n; i++) {
        f.payload = text[0][i];
        put(c, true, f);
    }
    for (int i = 0; i < n; i++) {
        f.payload = text[1][(first + i) % n];
        if (draw(12) == 0) {
            f.padding = 1 + draw(8);
            c->features |= 1u << F_PADDING;
        }
        put(c, false, f);
        f.padding = 0;
    }
}

static void fragments(struct a_case *c, uint32_t number)
{
    struct frame_spec f = flow_of(number, FRAME_UDP);

    c->kind = "fragment";
    c->features |= 1u << F_FRAGMENTS;
    draw_text(c, draw(3) == 0);
    f.size = PAYLOAD;
    f.fragment = (uint16_t)(0x2000 + draw(3));
    f.payload = text[0][0];
    put(c, true, f);
    f.payload = text[1][0];
    if (draw(3) == 0) {
        f.fragment ^= 0x10;
        c->features |= 1u << F_DIFFERS;
    }
    put(c, false, f);
}

static void not_ip4(struct a_case *c, uint32_t number)
{
    struct frame_spec f = flow_of(number, FRAME_UDP);

    c->features |= 1u << F_UNCOMPARED;
    draw_text(c, draw(3) == 0);
    f.size = PAYLOAD;
    switch (draw(4)) {
    case 0:
        c->kind = "ipv6";
        f.ip6 = true;
        break;
    case 1:
        c->kind = "vlan";
        f.tags = 1;
        f.tag[0] = 7;
        break;
    case 2:
        c->kind = "no ip";
        f.kind = FRAME_OTHER;
        f.ether_type = (uint16_t)(0x9000 + number % 0x1000);
        break;
    default:
        c->kind = "arp";
        f.kind = FRAME_ARP;
        f.arp_op = 1;
    }
    f.payload = text[0][0];
    put(c, true, f);
    f.payload = text[1][0];
    if (f.kind == FRAME_ARP)    /* no text is in it */
        f.arp_op = c->features >> F_DIFFERS & 1 ? 2 : 1;
    put(c, false, f);
}

static void draw_case(struct a_case *c, uint32_t number)
{
    static const enum frame_kind kinds[] = { FRAME_UDP, FRAME_UDP,
                                             FRAME_ICMP, FRAME_IP };

    memset(c, 0, sizeof(*c));
    switch (draw(10)) {
    case 0: case 1: case 2:
        tcp_data(c, number);
        break;
    case 3: case 4:
        tcp_cut(c, number);
        break;
    case 5:
        tcp_alone(c, number);
        break;
    case 6: case 7:
        datagrams(c, number, kinds[draw(4)]);
        break;
    case 8:
        fragments(c, number);
        break;
    default:
        not_ip4(c, number);
    }
}

#endif
