/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Clients of COLO's domain: each asks one host's domain over TCP, one thing at
 * a time, and begins a new connection when it waits for too long. What it asks
 * is a write, or a number that no copy draws twice.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE (500 * SIM_MS)
#define CLIENT_IP 0x0a000002u    /* 10.0.0.2 */

static void from_guest(void *ctx, const uint8_t *frame, size_t n)
{
    struct sim_dom *d = ctx;

    if (d->out.tapped) {
        sim_frames_put(&d->out.frames, false, frame, n);
        sim_by(d->sim, sim_slot(&d->sim->host[d->host], SLOT_NET),
               d->sim->now + 10000);
    } else if (!d->d.copy) {
        sim_client_hears(d->sim, d->host, frame, n);
    }
}

void sim_dom_hears(struct sim_dom *d, const uint8_t *frame, size_t n)
{
    if (d->out.tapped && !d->d.copy) {
        sim_frames_put(&d->out.frames, true, frame, n);
        sim_by(d->sim, sim_slot(&d->sim->host[d->host], SLOT_NET),
               d->sim->now + 10000);
    }
    guest_frame(&d->d.guest, frame, n, from_guest, d);
    guest_work(&d->d.guest, (size_t)sim_below(d->sim, 4));
}

void sim_dom_pump(struct sim_dom *d)
{
    struct sim_frames *f = &d->waiting;

    while (f->count && sim_dom_serves(d)) {
        unsigned int at = f->first;

        f->first = (f->first + 1) % FRAMES_MAX;
        f->count--;
        sim_dom_hears(d, f->ring[at].data, f->ring[at].n);
    }
}

/* ---- a client ----------------------------------------------------------- */

static void send_to(struct sim *s, int side, uint8_t flags, const char *text)
{
    struct sim_client *c = &s->client[side];
    struct sim_dom *d = s->host[side].dom;
    struct segment g = {
        .src = CLIENT_IP, .src_port = c->port, .dst = GUEST_IP,
        .dst_port = GUEST_PORT, .seq = c->seq, .ack = c->ack,
        .flags = flags, .data = text, .size = strlen(text),
    };
    uint8_t frame[SEGMENT_MAX];
    size_t n = segment_build(&g, frame);

    c->seq += (uint32_t)g.size + (flags & TCP_SYN ? 1 : 0);
    c->since = s->now;
    sim_dom_hears(d, frame, n);
}

static void ask(struct sim *s, int side)
{
    struct sim_client *c = &s->client[side];
    char text[64] = "D\n";

    if (!sim_chance(s, 100))
        snprintf(text, sizeof(text), "W %" PRIu64 " x\n", s->next_write++);
    c->asked = true;
    c->used = 0;
    send_to(s, side, TCP_ACK | TCP_PSH, text);
}

void sim_client(struct sim *s, int side)
{
    struct sim_client *c = &s->client[side];

    if (!s->host[side].power || !sim_dom_serves(s->host[side].dom)) {
        c->state = CLIENT_IDLE;    /* whom it spoke to may be another soon */
        return;
    }
    if (c->state != CLIENT_IDLE && c->since + PATIENCE < s->now)
        c->state = CLIENT_IDLE;
    if (c->state == CLIENT_IDLE) {
        c->state = CLIENT_OPENS;
        c->asked = false;
        c->port = (uint16_t)(1024 + (c->port + 1u) % 60000);
        c->seq = (uint32_t)sim_random(s);
        c->ack = 0;
        send_to(s, side, TCP_SYN, "");
    } else if (c->state == CLIENT_OPEN && !c->asked) {
        ask(s, side);
    }
}

static void answered(struct sim *s, int side)
{
    struct sim_client *c = &s->client[side];
    struct sim_dom *d = s->host[side].dom;
    uint64_t n;

    c->asked = false;
    if (sscanf(c->line, "A %" SCNu64, &n) == 1)
        oracle_told(d, n);
    else if (sscanf(c->line, "D %" SCNu64, &n) == 1)
        oracle_drew(d, n);
    sim_by(s, SLOT_CLIENT, s->now + sim_below(s, 5 * SIM_MS));
}

void sim_client_hears(struct sim *s, int side, const uint8_t *frame, size_t n)
{
    struct sim_client *c = &s->client[side];
    bool was = s->in_session;
    struct frame f;

    frame_parse(frame, n, &f);
    if (f.kind != FRAME_TCP || f.key.dst_port != c->port ||
        c->state == CLIENT_IDLE)
        return;
    s->in_session = false;    /* its memory never fails */
    if (f.flags & TCP_RST) {
        c->state = CLIENT_IDLE;
    } else if (c->state == CLIENT_OPENS && f.flags & TCP_SYN) {
        c->state = CLIENT_OPEN;
        c->ack = f.seq + 1;
        sim_by(s, SLOT_CLIENT, s->now + sim_below(s, 5 * SIM_MS));
    } else if (c->state == CLIENT_OPEN && f.seq == c->ack &&
               c->used + f.size < sizeof(c->line)) {
        memcpy(c->line + c->used, f.body, f.size);
        c->used += f.size;
        c->line[c->used] = '\0';
        c->ack += (uint32_t)f.size;
        if (memchr(c->line, '\n', c->used))
            answered(s, side);
    }
    s->in_session = was;
}
