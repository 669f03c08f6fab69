/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * When a TCP segment of the primary may leave: its octets have been sent by
 * the secondary, too, whatever its segments were; so have its SYN, FIN or
 * RST; and the secondary has acknowledged what it acknowledges. Numbers wrap,
 * so they are only compared with seq_after(). Called by compare.c.
 */
#include "compare_int.h"

#include <string.h>

static bool covers(const struct packet *p, uint32_t pos)
{
    return !seq_after(p->seq, pos) && seq_after(p->seq + p->length, pos);
}

/* One that has the octet at @pos: @extra, or one that waits. */
static const struct packet *find(const struct queue *q,
                                 const struct packet *extra, uint32_t pos)
{
    if (extra && covers(extra, pos))
        return extra;
    for (const struct packet *p = q->head; p; p = p->next)
        if (covers(p, pos))
            return p;
    return NULL;
}

/* Whether @p has what @s has, from @pos on, as far as it has any of @n. */
static bool agrees(const struct packet *p, const struct packet *s,
                   uint32_t pos, uint32_t n)
{
    uint32_t skip = seq_after(p->seq, pos) ? p->seq - pos : 0, at;

    if (skip >= n || !covers(p, pos + skip))
        return true;
    pos += skip;
    n -= skip;
    at = pos - p->seq;
    if (n > p->length - at)
        n = p->length - at;
    return !memcmp(p->body + at, s->body + (pos - s->seq), n);
}

/* All that wait do, not only the one that comes first: a stack may send the
   same numbers twice. */
static bool all_agree(const struct flow *w, const struct packet *extra,
                      const struct packet *s, uint32_t n)
{
    if (extra && !agrees(extra, s, w->pos, n))
        return false;
    for (const struct packet *p = w->queue[PRIMARY].head; p; p = p->next)
        if (!agrees(p, s, w->pos, n))
            return false;
    return true;
}

static void later(uint32_t *newest, bool *known, uint32_t value)
{
    if (!*known || seq_after(value, *newest))
        *newest = value;
    *known = true;
}

/* ---- what a frame tells ------------------------------------------------- */

static bool opens_anew(const struct flow *w, const struct packet *p)
{
    return (p->flags & TCP_SYN) && !(w->syn_left && p->seq == w->iss);
}

static void open_anew(struct flow *w, const struct packet *p)
{
    w->p_known = w->p_ack_known = w->p_fin = false;
    w->s_fin = false;
    if (!w->s_syn)
        w->s_ack_known = false;    /* else its SYN has come first */
    w->pos = p->seq;
    w->pos_known = true;
    w->syn_left = false;
}

static void take_primary(struct flow *w, const struct packet *p)
{
    uint32_t end = p->seq + p->length;

    if (p->flags & TCP_RST)
        return;
    later(&w->p_end, &w->p_known, end);
    if (p->flags & TCP_ACK)
        later(&w->p_ack, &w->p_ack_known, p->ack);
    if (p->flags & TCP_FIN) {
        w->p_fin = true;
        w->p_fin_seq = end;
    }
    if ((p->length || (p->flags & TCP_FIN)) && !w->pos_known) {
        w->pos = p->seq;
        w->pos_known = true;
    }
}

static void take_secondary(struct flow *w, const struct packet *p)
{
    if (p->flags & TCP_RST) {
        if (w->s_rst < UINT8_MAX)
            w->s_rst++;
        return;
    }
    if (p->flags & TCP_SYN) {
        w->s_syn = true;
        w->s_syn_ack = p->ack;
        w->s_ack_known = false;
    }
    if (p->flags & TCP_ACK)
        later(&w->s_ack, &w->s_ack_known, p->ack);
    if (p->flags & TCP_SYN)
        return;    /* its number isn't the primary's */
    if (p->flags & TCP_FIN) {
        w->s_fin = true;
        w->s_fin_seq = p->seq + p->length;
    }
}

/* Compare as far as both have octets; true: they differ. */
static bool compare_octets(struct flow *w, enum side side,
                           const struct packet *extra)
{
    while (w->pos_known) {
        const struct packet *p, *s;
        uint32_t n;

        p = find(&w->queue[PRIMARY], side == PRIMARY ? extra : NULL, w->pos);
        s = find(&w->queue[SECONDARY], side == SECONDARY ? extra : NULL,
                 w->pos);
        if (p && w->s_fin && w->s_fin_seq == w->pos)
            return true;    /* it has more than the secondary will send */
        if (s && w->p_fin && w->p_fin_seq == w->pos)
            return true;
        if (!p || !s)
            return false;
        n = p->seq + p->length - w->pos;
        if (n > s->seq + s->length - w->pos)
            n = s->seq + s->length - w->pos;
        if (!all_agree(w, side == PRIMARY ? extra : NULL, s, n))
            return true;
        w->pos += n;
    }
    return false;
}

bool tcp_take(struct flow *w, enum side side, const struct packet *p,
              bool *fresh_r)
{
    bool data = !(p->flags & (TCP_RST | TCP_SYN)) || side == PRIMARY;

    *fresh_r = side == PRIMARY && opens_anew(w, p);
    if (*fresh_r)
        open_anew(w, p);
    if (side == PRIMARY)
        take_primary(w, p);
    else
        take_secondary(w, p);
    return !*fresh_r && compare_octets(w, side, data ? p : NULL);
}

/* ---- leaving ------------------------------------------------------------ */

static bool acknowledged(const struct flow *w, const struct packet *p)
{
    return !(p->flags & TCP_ACK) ||
        (w->s_ack_known && !seq_after(p->ack, w->s_ack));
}

static bool syn_may_leave(const struct flow *w, const struct packet *p)
{
    if (w->syn_left && p->seq == w->iss)
        return true;    /* it did already */
    return w->s_syn && (!(p->flags & TCP_ACK) || p->ack == w->s_syn_ack);
}

bool tcp_may_leave(const struct flow *w, const struct packet *p)
{
    uint32_t end = p->seq + p->length;

    if (p->flags & TCP_RST)
        return w->s_rst > 0;
    if ((p->flags & TCP_SYN) && !syn_may_leave(w, p))
        return false;
    if ((p->length || (p->flags & TCP_FIN)) &&
        (!w->pos_known || seq_after(end, w->pos)))
        return false;
    if ((p->flags & TCP_FIN) && !(w->s_fin && w->s_fin_seq == end))
        return false;
    return acknowledged(w, p);
}

void tcp_leaves(struct flow *w, const struct packet *p)
{
    if (p->flags & TCP_RST) {
        if (w->s_rst)
            w->s_rst--;
    } else if (p->flags & TCP_SYN) {
        w->syn_left = true;
        w->iss = p->seq;
        w->s_syn = false;
    }
}

bool tcp_is_needed(const struct flow *w, const struct packet *p)
{
    if (p->length == 0 || (p->flags & (TCP_RST | TCP_SYN)))
        return false;
    return !w->pos_known || seq_after(p->seq + p->length, w->pos);
}

void tcp_checkpoint(struct flow *w)
{
    w->pos = w->p_end;
    w->pos_known = w->p_known;
    w->s_ack = w->p_ack;
    w->s_ack_known = w->p_ack_known;
    w->s_fin = w->p_fin;
    w->s_fin_seq = w->p_fin_seq;
    w->s_syn = false;
    w->s_rst = 0;
}
