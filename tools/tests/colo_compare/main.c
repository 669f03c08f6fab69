/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Our comparison of output against QEMU's colo-compare, the stock binary
 * without a machine: generated cases of up to three frames of each copy go
 * through both. Where the verdicts differ (which frames of the primary leave,
 * is a checkpoint asked for), the difference has to be one of those that
 * docs/specs/output-comparison.pandoc lists, by its id, and its case has to
 * be of that kind.
 * usage: colo_compare DIR CASES SEED   DIR has QEMU's sockets p, s, o and n
 */
#include "cases.h"
#include "compare.h"
#include "qemu.h"

#define CASES_MAX 16000u    /* QEMU forgets its flows at 16384 */

/* ---- ours --------------------------------------------------------------- */

struct ours {
    struct compare *c;
    const struct a_case *at;
    struct verdict v;
};

static void on_release(void *ctx, const uint8_t *data, size_t n,
                       uint64_t came_ns)
{
    struct ours *o = ctx;

    (void)came_ns;
    for (int i = 0; i < o->at->p_nr; i++)
        if (n == o->at->p[i].n && !memcmp(data, o->at->p[i].data, n))
            o->v.left |= 1u << i;
}

static struct verdict by_us(struct ours *o, const struct a_case *c)
{
    struct verdict v;

    o->at = c;
    o->v = (struct verdict) { 0, false };
    for (int i = 0; i < c->p_nr; i++)
        o->v.asks |= compare_primary(o->c, c->p[i].data, c->p[i].n, 0) != 0;
    for (int i = 0; i < c->s_nr; i++)
        o->v.asks |= compare_secondary(o->c, c->s[i].data, c->s[i].n, 0) != 0;
    v = o->v;
    compare_checkpoint(o->c);
    return v;
}

/* ---- judgement ---------------------------------------------------------- */

static bool has(const struct a_case *c, enum feature f)
{
    return c->features >> f & 1;
}

static unsigned int all(const struct a_case *c)
{
    return (1u << c->p_nr) - 1;
}

/* All that QEMU lets go, and more, and no checkpoint without need. */
static bool ours_is_kinder(struct verdict q, struct verdict u)
{
    return (q.left & ~u.left) == 0 && q.asks >= u.asks;
}

static bool ours_is_stricter(struct verdict q, struct verdict u)
{
    return (u.left & ~q.left) == 0 && u.asks >= q.asks;
}

static bool ack_whole(const struct a_case *c, struct verdict q,
                      struct verdict u)
{
    return has(c, F_ACK_LESS) && ours_is_stricter(q, u) && !u.asks;
}

static bool ack_alone(const struct a_case *c, struct verdict q,
                      struct verdict u)
{
    return has(c, F_NO_PAYLOAD) && ours_is_stricter(q, u) && !u.asks;
}

static bool fin(const struct a_case *c, struct verdict q, struct verdict u)
{
    return has(c, F_FIN) && ours_is_stricter(q, u) && !u.asks;
}

static bool uncompared(const struct a_case *c, struct verdict q,
                       struct verdict u)
{
    return c->kind && has(c, F_UNCOMPARED) && has(c, F_DIFFERS) &&
        q.left == all(c) && !q.asks && u.asks;
}

static bool fragment(const struct a_case *c, struct verdict q,
                     struct verdict u)
{
    return has(c, F_FRAGMENTS) && has(c, F_DIFFERS) && !q.asks && u.asks;
}

static bool padding(const struct a_case *c, struct verdict q,
                    struct verdict u)
{
    return has(c, F_PADDING) && q.asks && ours_is_kinder(q, u);
}

static bool ip_header(const struct a_case *c, struct verdict q,
                      struct verdict u)
{
    return has(c, F_IP) && q.asks && ours_is_kinder(q, u);
}

static bool order(const struct a_case *c, struct verdict q, struct verdict u)
{
    return has(c, F_SEVERAL) && q.asks && ours_is_kinder(q, u);
}

static bool after_difference(const struct a_case *c, struct verdict q,
                             struct verdict u)
{
    return has(c, F_SEVERAL) && has(c, F_DIFFERS) && q.asks && u.asks;
}

static const struct {
    const char *id;
    bool (*explains)(const struct a_case *, struct verdict q,
                     struct verdict u);
} intended[] = {
    { "ack-whole", ack_whole }, { "ack-alone", ack_alone }, { "fin", fin },
    { "uncompared", uncompared }, { "fragment", fragment },
    { "padding", padding }, { "ip-header", ip_header }, { "order", order },
    { "after-difference", after_difference },
};
#define INTENDED (sizeof(intended) / sizeof(intended[0]))

/* What has to be true of ours, whatever QEMU says. */
static bool is_right(const struct a_case *c, struct verdict u)
{
    if (has(c, F_NO_PAYLOAD))
        return !u.asks;
    if (has(c, F_DIFFERS))
        return u.asks && u.left != all(c);
    if (has(c, F_ACK_LESS) || has(c, F_FIN))
        return !u.asks;
    return !u.asks && u.left == all(c);
}

static void show(const char *what, const struct a_case *c, uint32_t number,
                 struct verdict q, struct verdict u)
{
    printf("# %s: case %u, %s, features %#x, frames %d and %d; QEMU: %#x%s; "
           "ours: %#x%s\n", what, number, c->kind, c->features, c->p_nr,
           c->s_nr, q.left, q.asks ? ", checkpoint" : "", u.left,
           u.asks ? ", checkpoint" : "");
}

int main(int argc, char **argv)
{
    unsigned int cases = argc == 4 ? (unsigned int)atoi(argv[2]) : 0;
    unsigned int same = 0, times[INTENDED] = { 0 }, bad = 0;
    struct ours o = { 0 };
    struct compare_conf conf = { .seed = 1, .ctx = &o,
                                 .release = on_release };
    struct a_case c;

    if (!cases || cases > CASES_MAX) {
        fprintf(stderr, "usage: colo_compare DIR CASES SEED (at most %u "
                "cases)\n", CASES_MAX);
        return 2;
    }
    random_state = strtoull(argv[3], NULL, 0);
    greet(argv[1]);
    if (compare_new(&conf, &o.c, NULL))
        die("compare_new");
    for (unsigned int i = 0; i < cases; i++) {
        struct verdict q, u;
        size_t k = 0;

        draw_case(&c, i);
        q = by_qemu(&c, i);
        u = by_us(&o, &c);
        if (!is_right(&c, u)) {
            show("ours is wrong", &c, i, q, u);
            bad++;
        }
        if (q.left == u.left && q.asks == u.asks) {
            same++;
            continue;
        }
        while (k < INTENDED && !intended[k].explains(&c, q, u))
            k++;
        if (k < INTENDED) {
            times[k]++;
            continue;
        }
        show("not intended", &c, i, q, u);
        bad++;
    }
    compare_free(o.c);
    printf("%u cases: %u judged alike", cases, same);
    for (size_t k = 0; k < INTENDED; k++)
        printf(", %s %u", intended[k].id, times[k]);
    printf("; %u wrong\n", bad);
    return bad != 0;
}
