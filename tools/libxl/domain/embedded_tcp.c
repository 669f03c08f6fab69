/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded guest's TCP: a server that only ever answers, so that all it
 * knows of a connection is a slot of a table in guest memory. It sends nothing
 * twice and keeps nothing to send; a peer that misses a segment has lost its
 * connection. Two copies differ in the numbers that they begin with and in
 * where they cut an answer.
 */
#include "embedded_guest.h"

#include <string.h>

#include "bytes.h"
#include "embedded_tcp.h"

/* A slot: what it is, then the line that isn't complete. */
enum { AT_STATE = 0, AT_USED = 2, AT_IRS = 4, AT_RCV = 8, AT_SND = 12,
       AT_IP = 16, AT_PORT = 20, AT_LINE = 64 };
_Static_assert(AT_LINE + GUEST_LINE == GUEST_SLOT, "a slot is full");

enum conn_state { CONN_FREE, CONN_SYN, CONN_OPEN };
#define CUT_IN 4u    /* of so many answers, one is cut */

struct conn {
    enum conn_state state;
    uint32_t irs, rcv, snd;     /* the peer's first; next of each side */
    uint32_t ip;
    uint16_t port, used;
};

/* One frame and what comes of it. */
struct exchange {
    struct guest *g;
    const uint8_t *frame;
    const struct frame *f;
    guest_out *out;
    void *ctx;
    size_t at;                  /* the slot's place; 0: none */
    struct conn c;
    bool acked;                 /* something with the newest ack went out */
};

static size_t slot_at(const struct guest *g, unsigned int i)
{
    return guest_table(g) + (size_t)i * GUEST_SLOT;
}

/* What a slot that never was ours says is taken for free. */
static void conn_load(const struct guest *g, size_t at, struct conn *c)
{
    const uint8_t *p = g->ram + at;

    *c = (struct conn) {
        .state = p[AT_STATE] <= CONN_OPEN ? p[AT_STATE] : CONN_FREE,
        .irs = get_le32(p + AT_IRS), .rcv = get_le32(p + AT_RCV),
        .snd = get_le32(p + AT_SND), .ip = get_le32(p + AT_IP),
        .port = get_le16(p + AT_PORT), .used = get_le16(p + AT_USED),
    };
    if (c->used >= GUEST_LINE)
        c->state = CONN_FREE;
}

static void touch(struct guest *g, size_t at, size_t n)
{
    for (size_t page = at / GUEST_PAGE; page <= (at + n - 1) / GUEST_PAGE;
         page++)
        guest_touch(g, page);
}

static void conn_store(struct exchange *x)
{
    uint8_t *p = x->g->ram + x->at;

    p[AT_STATE] = (uint8_t)x->c.state;
    put_le16(p + AT_USED, x->c.used);
    put_le32(p + AT_IRS, x->c.irs);
    put_le32(p + AT_RCV, x->c.rcv);
    put_le32(p + AT_SND, x->c.snd);
    put_le32(p + AT_IP, x->c.ip);
    put_le16(p + AT_PORT, x->c.port);
    touch(x->g, x->at, AT_LINE);
}

static void over(struct exchange *x)
{
    x->c.state = CONN_FREE;
    conn_store(x);
}

void guest_reset_connections(struct guest *g)
{
    size_t n = (size_t)GUEST_CONNS * GUEST_SLOT;

    memset(g->ram + guest_table(g), 0, n);
    touch(g, guest_table(g), n);
}

/* ---- out ---------------------------------------------------------------- */

static void put(struct exchange *x, uint32_t seq, uint8_t flags,
                const char *data, size_t n)
{
    struct segment s = {
        .src = GUEST_IP, .src_port = GUEST_PORT,
        .dst = get_be32(x->f->key.src), .dst_port = x->f->key.src_port,
        .seq = seq, .ack = x->c.rcv, .flags = flags, .data = data, .size = n,
    };
    uint8_t frame[SEGMENT_MAX];
    size_t size = segment_build(&s, frame);

    memcpy(frame, x->frame + 6, 6);    /* whence it came */
    x->out(x->ctx, frame, size);
    x->acked = true;
}

static void say(struct exchange *x, uint8_t flags, const char *data, size_t n)
{
    put(x, x->c.snd, flags | TCP_ACK, data, n);
    x->c.snd += (uint32_t)n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static void answer(struct exchange *x, const char *text, size_t n)
{
    uint64_t draw = guest_outside(x->g, GUEST_DRAW);
    size_t first = n;

    if (n > 1 && draw % CUT_IN == 1)
        first = 1 + (size_t)((draw >> 8) % (n - 1));
    say(x, TCP_PSH, text, first);
    if (first < n)
        say(x, TCP_PSH, text + first, n - first);
}

/* It belongs to no connection (RFC 9293, 3.10.7.1). */
static void refuse(struct exchange *x)
{
    const struct frame *f = x->f;

    if (f->flags & TCP_SYN) {
        x->c.rcv = f->seq + 1;
        put(x, 0, TCP_RST | TCP_ACK, NULL, 0);
    } else {
        put(x, f->ack, TCP_RST, NULL, 0);
    }
}

/* ---- in ----------------------------------------------------------------- */

/* The slot of the frame's peer, else a free one; 0: there is none. */
static void find(struct exchange *x, bool *known_r)
{
    uint32_t ip = get_be32(x->f->key.src);

    *known_r = false;
    for (unsigned int i = 0; i < GUEST_CONNS; i++) {
        size_t at = slot_at(x->g, i);
        struct conn c;

        conn_load(x->g, at, &c);
        if (c.state == CONN_FREE) {
            if (!x->at)
                x->at = at;
        } else if (c.ip == ip && c.port == x->f->key.src_port) {
            x->at = at;
            x->c = c;
            *known_r = true;
            return;
        }
    }
}

/* A SYN; the same one again gets the same answer. */
static void opened(struct exchange *x, bool known)
{
    const struct frame *f = x->f;

    if (known && x->c.state == CONN_SYN && x->c.irs == f->seq) {
        x->c.snd--;
    } else {
        x->c = (struct conn) {
            .state = CONN_SYN, .irs = f->seq, .rcv = f->seq + 1,
            .snd = (uint32_t)guest_outside(x->g, GUEST_DRAW),
            .ip = get_be32(f->key.src), .port = f->key.src_port,
        };
    }
    say(x, TCP_SYN, NULL, 0);
    conn_store(x);
}

/* Octets of the stream, in order. False: a line is too long. */
static bool take(struct exchange *x, const uint8_t *data, size_t n)
{
    char *line = (char *)x->g->ram + x->at + AT_LINE;

    if (n)
        touch(x->g, x->at + AT_LINE, GUEST_LINE);
    x->c.rcv += (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        char text[GUEST_LINE];

        if (data[i] != '\n') {
            if (x->c.used == GUEST_LINE - 1)
                return false;
            line[x->c.used++] = (char)data[i];
            continue;
        }
        line[x->c.used] = '\0';
        if (x->c.used && line[x->c.used - 1] == '\r')
            line[x->c.used - 1] = '\0';
        x->c.used = 0;
        guest_request(x->g, line, text);
        answer(x, text, strlen(text));
    }
    return true;
}

/* A segment of a connection that there is. */
static void segment(struct exchange *x)
{
    const struct frame *f = x->f;
    uint32_t old = x->c.rcv - f->seq;    /* octets; wraps behind a gap */
    bool fin = f->flags & TCP_FIN;

    if (x->c.state == CONN_SYN) {
        if (f->ack != x->c.snd) {
            refuse(x);
            return;
        }
        x->c.state = CONN_OPEN;
        conn_store(x);
    }
    if (!f->size && !fin)
        return;
    if (old > f->size) {
        say(x, 0, NULL, 0);
        return;
    }
    if (!take(x, f->body + old, f->size - old)) {
        put(x, x->c.snd, TCP_RST | TCP_ACK, NULL, 0);
        over(x);
        return;
    }
    if (fin) {
        x->c.rcv++;
        say(x, TCP_FIN, NULL, 0);
        over(x);
        return;
    }
    if (!x->acked)
        say(x, 0, NULL, 0);
    conn_store(x);
}

void guest_frame(struct guest *g, const uint8_t *frame, size_t n,
                 guest_out *out, void *ctx)
{
    struct frame f;
    struct exchange x = { .g = g, .frame = frame, .f = &f, .out = out,
                          .ctx = ctx };
    bool known;

    frame_parse(frame, n, &f);
    if (!segment_is_good(frame, &f) || get_be32(f.key.dst) != GUEST_IP ||
        f.key.dst_port != GUEST_PORT)
        return;
    find(&x, &known);
    if (f.flags & TCP_RST) {
        if (known)
            over(&x);
    } else if ((f.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        if (x.at)
            opened(&x, known);
        else
            refuse(&x);
    } else if (!(f.flags & TCP_ACK) || (f.flags & TCP_SYN)) {
        return;
    } else if (known) {
        segment(&x);
    } else if (f.size || (f.flags & TCP_FIN)) {
        refuse(&x);    /* a bare ACK may be of our FIN */
    }
}
