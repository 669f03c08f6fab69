/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sequence numbers between the copies, at random: connections open, talk and
 * open anew, checkpoints come, and each frame comes out as the one that is
 * built from scratch with the numbers it should have. The seed is printed;
 * REWRITE_SEED=N plays it again.
 */
#include "rewrite_world.h"

#include <time.h>
#include <unistd.h>

#define CONNECTIONS 200
#define FRAMES 60000

static struct connection {
    struct frame_spec copy;
    struct numbers is;
    bool moved;              /* it was opened since the last checkpoint */
} all[CONNECTIONS];

static uint64_t rnd_state;

static uint32_t rnd(uint32_t n)    /* below n; 0: any */
{
    uint32_t v;

    rnd_state = rnd_state * 6364136223846793005ull + 1442695040888963407ull;
    v = (uint32_t)(rnd_state >> 32);
    return n ? v % n : v;
}

/* Often one of those at which sums go round. */
static uint32_t rnd_number(void)
{
    static const uint32_t some[] = {
        0, 1, 0xffff, 0x10000, 0x10001, 0xfffe, 0xffff0000, 0xfffeffff,
        0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
    };

    return rnd(3) ? rnd(0) : some[rnd(sizeof(some) / sizeof(some[0]))];
}

static void fill(uint8_t *p, size_t n)
{
    static const uint8_t some[] = { 0, 0xff };

    for (size_t i = 0; i < n; i++)
        p[i] = rnd(2) ? some[rnd(2)] : (uint8_t)rnd(0);
}

static struct frame_spec rnd_copy(uint32_t i)
{
    struct frame_spec f = { .ip6 = rnd(2), .tags = (int)rnd(3) };

    fill(f.src, f.ip6 ? 16 : 4);
    fill(f.dst, f.ip6 ? 16 : 4);
    for (int k = 0; k < f.tags; k++)
        f.tag[k] = (uint16_t)rnd(0);
    f.src_port = (uint16_t)i;    /* no two are the same */
    f.dst_port = (uint16_t)rnd(0);
    return f;
}

static void open_anew(struct rewrite *r, struct connection *c)
{
    struct numbers is = { rnd_number(), rnd_number(), rnd_number() };

    while (c->moved && is.s == c->is.s)
        is.s = rnd_number();
    c->is = is;
    c->moved = true;
    if (rnd(2))
        active_open(r, c->copy, is);
    else
        passive_open(r, c->copy, is);
}

/* Options: a SACK somewhere between those that do nothing. Returns where. */
static size_t put_options(uint8_t is[40], size_t *blocks_r, size_t *n_r)
{
    size_t at = rnd(7), left = 40 - at - 2;

    memset(is, 1, 40);
    if (at > 2) {
        is[0] = 200;
        is[1] = (uint8_t)at;
    }
    *blocks_r = rnd((uint32_t)(left / 8) + 1);
    is[at] = 5;
    is[at + 1] = (uint8_t)(2 + 8 * *blocks_r);
    fill(is + at + 2, 8 * *blocks_r);
    *n_r = at + 2 + 8 * *blocks_r;
    return at + 2;
}

static void talk(struct rewrite *r, const struct connection *c)
{
    static uint8_t payload[2000], options[40], moved[40];
    uint32_t by = c->moved ? c->is.s - c->is.p : 0;
    struct frame_spec f = c->copy, wanted;
    size_t n, blocks, at = put_options(options, &blocks, &n);
    bool in = rnd(2);

    if (in)
        f = frame_reply(f);
    f.seq = rnd_number();
    f.ack = rnd_number();
    f.flags = (uint8_t)(rnd(0) & ~(uint32_t)TCP_SYN);
    f.window = (uint16_t)rnd(0);
    f.hop_by_hop = rnd(2);
    f.partial_checksum = rnd(4) == 0;
    f.payload = payload;
    f.size = rnd(rnd(2) ? 9 : sizeof(payload));
    f.padding = rnd(3) ? 0 : rnd(18);
    fill(payload, f.size);
    if (rnd(4)) {
        f.options = options;
        f.options_size = n;
    }
    wanted = f;
    if (!in) {
        wanted.seq = f.seq - by;
    } else if (f.flags & TCP_ACK) {
        wanted.ack = f.ack + by;
        memcpy(moved, options, sizeof(moved));
        for (size_t i = 0; i < 2 * blocks; i++, at += 4)
            put_be32(moved + at, get_be32(moved + at) + by);
        wanted.options = f.options ? moved : NULL;
    }
    becomes(r, in ? IN : OUT, &f, &wanted);
}

static void frames_come_out_as_if_built_anew(void **state)
{
    const char *again = getenv("REWRITE_SEED");
    uint64_t seed = again ? strtoull(again, NULL, 0)
                          : 1;
    struct rewrite *r = begin(0);

    (void)state;
    print_message("# REWRITE_SEED=%llu\n", (unsigned long long)seed);
    rnd_state = seed;
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        all[i] = (struct connection) { .copy = rnd_copy(i) };
    for (int i = 0; i < FRAMES; i++) {
        struct connection *c = &all[rnd(CONNECTIONS)];

        if (rnd(5000) == 0) {
            rewrite_checkpoint(r);
            for (int k = 0; k < CONNECTIONS; k++)
                all[k].moved = false;
        }
        if (rnd(50) == 0)
            open_anew(r, c);
        talk(r, c);
    }
    assert_int_equal(rewrite_stats(r)->unknown, 0);
    assert_int_equal(rewrite_stats(r)->lost, 0);
    rewrite_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_if_built_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
