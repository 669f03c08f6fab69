/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Moves TCP's numbers by each connection's offset: learning it, keeping it,
 * and the checksum that follows (RFC 1624). The rules are in rewrite.h.
 */
#include "rewrite.h"

#include <stdlib.h>

#include "bytes.h"
#include "flow_table.h"

enum { TCP_SIZE = 20, TCP_AT_SEQ = 4, TCP_AT_ACK = 8, TCP_AT_HEAD = 12,
       TCP_AT_CHECKSUM = 16 };
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_SACK = 5, SACK_BLOCK = 8 };
#define VLAN_ID 0x0fff
#define SYN_WINDOW_MAX 65535u
/* Flows that need no offset make room before those that do, while they are
   at least one of so many: the hand isn't to go far for one. */
#define SPARE_SHARE 16

struct flow {
    struct flow_head head;
    uint64_t turn;          /* of rewrite's; another: a checkpoint was */
    uint32_t isn;           /* the copy's */
    uint32_t next;          /* behind its SYN and the octets in it */
    uint32_t expects;       /* answered: the peer's number */
    uint32_t offset;        /* known: the copy's numbers less the primary's */
    bool answered;          /* the copy has acknowledged the peer's SYN */
    bool known;
    bool fin_out, fin_in, reset;
    bool needed;            /* an offset is in force */
};

struct rewrite {
    struct flow_table table;
    struct rewrite_stats stats;
    size_t needed;          /* so many flows of this turn */
    uint64_t turn;
};

/* ---- the checksum ------------------------------------------------------- */

/* A TCP header in which numbers change. */
struct segment {
    uint8_t *tcp;
    size_t size;            /* of the header, with its options */
    uint32_t sum;           /* of what has changed, ~m + m' */
};

static uint32_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The number @at moves by @by. The sum's words begin at even octets; a number
   may begin in the middle of one, then its octets count the other way. */
static void move(struct segment *s, size_t at, uint32_t by)
{
    uint32_t old = get_be32(s->tcp + at), new = old + by, sum;

    put_be32(s->tcp + at, new);
    sum = fold((~old >> 16) + (~old & 0xffff) + (new >> 16) + (new & 0xffff));
    if (at % 2)
        sum = (sum & 0xff) << 8 | sum >> 8;
    s->sum += sum;
}

/* RFC 1624, equation 3. A sum of zero would be written as 0xffff, which is
   zero, too, but TCP never sends it. */
static void finish_checksum(const struct segment *s)
{
    uint8_t *at = s->tcp + TCP_AT_CHECKSUM;
    uint32_t sum = fold((uint16_t)~get_be16(at) + s->sum);

    put_be16(at, sum ? (uint16_t)~sum : 0);
}

static void move_sack(struct segment *s, uint32_t by)
{
    size_t at = TCP_SIZE, n;

    while (at < s->size && s->tcp[at] != OPTION_END) {
        if (s->tcp[at] == OPTION_NOP) {
            at++;
            continue;
        }
        n = s->size - at < 2 ? 0 : s->tcp[at + 1];
        if (n < 2 || n > s->size - at)
            return;
        if (s->tcp[at] == OPTION_SACK) {
            if ((n - 2) % SACK_BLOCK)
                return;
            for (size_t i = 2; i < n; i += 4)
                move(s, at + i, by);
        }
        at += n;
    }
}

/* ---- flows -------------------------------------------------------------- */

static bool is_needed(const struct rewrite *r, const struct flow *w)
{
    return w->turn == r->turn && w->needed;
}

static bool flow_stays(const void *ctx, const struct flow_head *head)
{
    const struct rewrite *r = ctx;
    size_t spare = flow_table_count(&r->table) - r->needed;

    return spare > r->table.max / SPARE_SHARE &&
        is_needed(r, (const struct flow *)head);
}

/* What that follows from may have changed. */
static void settle(struct rewrite *r, struct flow *w)
{
    bool needed = w->known && w->offset && !w->reset &&
        !(w->fin_out && w->fin_in);

    r->needed = r->needed - w->needed + needed;
    w->needed = needed;
}

/* The same for both directions: the copy's end is the source. A tag's
   priority may differ, and a tag with nothing else is none. */
static struct frame_key key_of(const struct frame *f, bool from_copy)
{
    struct frame_key key = f->key;

    for (int i = 0; i < FRAME_VLANS_MAX; i++)
        key.vlan[i] &= VLAN_ID;
    if (from_copy)
        return key;
    memcpy(key.src, f->key.dst, sizeof(key.src));
    memcpy(key.dst, f->key.src, sizeof(key.dst));
    key.src_port = f->key.dst_port;
    key.dst_port = f->key.src_port;
    return key;
}

static struct flow *flow_find(struct rewrite *r, const struct frame_key *key)
{
    struct flow *w = flow_table_find(&r->table, key);

    return w && w->turn == r->turn ? w : NULL;
}

/* A new one, or one that begins anew. */
static struct flow *flow_begin(struct rewrite *r, const struct frame_key *key)
{
    struct flow *w = flow_table_find(&r->table, key);
    bool again = w != NULL;

    if (!w)
        w = flow_table_add(&r->table, key);
    if (!w)
        return NULL;
    if (is_needed(r, w)) {
        r->needed--;
        r->stats.lost += !again;
    }
    if (w->turn != r->turn)
        r->stats.flows++;
    *w = (struct flow) { .head = w->head, .turn = r->turn };
    return w;
}

/* The copy's SYN or SYN-ACK. */
static struct flow *take_syn(struct rewrite *r, const struct frame *f,
                             const struct frame_key *key)
{
    struct flow *w = flow_find(r, key);

    if (!w || w->isn != f->seq)
        w = flow_begin(r, key);
    if (!w)
        return NULL;
    w->isn = f->seq;
    w->next = f->seq + 1 + (uint32_t)f->size;
    if (f->flags & TCP_ACK) {
        w->answered = true;
        w->expects = f->ack;
    }
    return w;
}

/* Whether this one, to the copy, acknowledges its SYN. */
static bool teaches(const struct flow *w, const struct frame *f)
{
    if ((f->flags & (TCP_ACK | TCP_RST)) != TCP_ACK)
        return false;
    if (!w->answered)
        return f->flags & TCP_SYN;
    return frame_first_seq(f) - w->expects <= SYN_WINDOW_MAX;
}

/* ---- interface ---------------------------------------------------------- */

static struct segment segment_of(uint8_t *frame, const struct frame *f)
{
    uint8_t *tcp = frame + f->l4;

    return (struct segment) {
        .tcp = tcp, .size = (size_t)(tcp[TCP_AT_HEAD] >> 4) * 4,
    };
}

void rewrite_output(struct rewrite *r, uint8_t *frame, size_t n,
                    bool partial_checksum)
{
    struct frame_key key;
    struct segment s;
    struct frame f;
    struct flow *w;
    bool syn;

    frame_parse(frame, n, &f);
    if (f.kind != FRAME_TCP)
        return;
    key = key_of(&f, true);
    syn = (f.flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
    w = syn ? take_syn(r, &f, &key) : flow_find(r, &key);
    if (!w)
        return;
    w->fin_out |= (f.flags & TCP_FIN) != 0;
    w->reset = (f.flags & TCP_RST) != 0;    /* else it is alive, whatever a
                                               peer's RST wanted */
    settle(r, w);
    if (!w->known)
        r->stats.unknown += !syn;
    if (!w->offset)
        return;
    s = segment_of(frame, &f);
    move(&s, TCP_AT_SEQ, -w->offset);
    if (!partial_checksum)
        finish_checksum(&s);
    r->stats.out++;
}

void rewrite_input(struct rewrite *r, uint8_t *frame, size_t n,
                   bool partial_checksum)
{
    struct frame_key key;
    struct segment s;
    struct frame f;
    struct flow *w;
    uint32_t by;

    frame_parse(frame, n, &f);
    if (f.kind != FRAME_TCP)
        return;
    key = key_of(&f, false);
    w = flow_find(r, &key);
    if (!w)
        return;
    if (!w->known && teaches(w, &f)) {
        w->known = true;
        w->offset = w->next - f.ack;
    }
    w->fin_in |= (f.flags & TCP_FIN) != 0;
    w->reset |= (f.flags & TCP_RST) != 0;
    settle(r, w);
    if (!(f.flags & TCP_ACK))
        return;
    if (!w->known && !(f.flags & TCP_RST)) {
        r->stats.unknown++;
        return;
    }
    by = w->known ? w->offset : w->next - f.ack;    /* a SYN is refused */
    if (!by)
        return;
    s = segment_of(frame, &f);
    move(&s, TCP_AT_ACK, by);
    move_sack(&s, by);
    if (!partial_checksum)
        finish_checksum(&s);
    r->stats.in++;
}

void rewrite_checkpoint(struct rewrite *r)
{
    r->turn++;
    r->needed = 0;
    r->stats.flows = 0;
}

const struct rewrite_stats *rewrite_stats(const struct rewrite *r)
{
    return &r->stats;
}

int rewrite_new(const struct rewrite_conf *conf, struct rewrite **r_r,
                struct err *e)
{
    struct rewrite *r = calloc(1, sizeof(*r));
    struct flow_table_conf table = {
        .size = sizeof(struct flow), .seed = conf->seed,
        .flows_max = conf->flows_max ? conf->flows_max : REWRITE_FLOWS_MAX,
        .ctx = r, .stays = flow_stays,
    };
    int rc;

    if (!r)
        return err_set(e, ERR_NOMEM, "no memory for sequence numbers");
    rc = flow_table_init(&r->table, &table, e);
    if (rc) {
        free(r);
        return rc;
    }
    r->turn = 1;    /* a fresh record is of no turn */
    *r_r = r;
    return 0;
}

void rewrite_free(struct rewrite *r)
{
    if (!r)
        return;
    flow_table_dispose(&r->table);
    free(r);
}
