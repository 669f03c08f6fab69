/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How many packets of 64 octets a second are compared on one core, both
 * copies' together, over the number of flows, and against plain memcmp() of
 * the same packets. Half of the flows are TCP, half UDP.
 */
#include <string.h>

#include "bench.h"
#include "compare.h"
#include "frames.h"

#define SIZE 64u
#define PAYLOAD_TCP (SIZE - 54)
#define PAYLOAD_UDP (SIZE - 42)
#define COUNTS 5
#define FLOWS_MAX 100000u
#define FRAMES 200000u    /* a pass; each is sent by both copies */
#define ROUNDS 9
#define BURST 32u         /* the primary sends so many before its twin does */

static const unsigned int counts[COUNTS] = { 1, 100, 1000, 10000, FLOWS_MAX };
static uint8_t (*frames)[SIZE];
static uint32_t (*seqs)[FLOWS_MAX];    /* [COUNTS] */
static uint64_t released;

static void build(uint8_t f[SIZE], uint32_t flow, uint32_t seq)
{
    static uint8_t payload[PAYLOAD_UDP];
    bool udp = flow % 2;
    struct frame_spec spec = {
        .kind = udp ? FRAME_UDP : FRAME_TCP, .src = { 10, 0, 0, 1 },
        .src_port = 80, .dst_port = (uint16_t)(1024 + (flow & 4095)),
        .seq = seq, .ack = 1, .flags = TCP_ACK, .payload = payload,
        .size = udp ? PAYLOAD_UDP : PAYLOAD_TCP,
    };

    put_be32(spec.dst, 0xc0a80000 + (flow >> 12));
    put_be32(payload, seq);
    if (frame_build(&spec, f) != SIZE)
        exit(1);
}

/* Each flow's next packets, the flows one after another. */
static void build_all(int k)
{
    for (unsigned int i = 0; i < FRAMES; i++) {
        unsigned int flow = i % counts[k];

        build(frames[i], flow, seqs[k][flow]);
        seqs[k][flow] += PAYLOAD_TCP;
    }
}

static void release(void *ctx, const uint8_t *data, size_t n,
                    uint64_t came_ns)
{
    (void)ctx;
    (void)came_ns;
    released += n ? 1u + 0u * data[0] : 0;
}

static double pass_us(struct compare *c)
{
    double t0 = bench_us();

    for (unsigned int i = 0; i < FRAMES; i += BURST) {
        unsigned int end = i + BURST < FRAMES ? i + BURST : FRAMES;

        for (unsigned int k = i; k < end; k++)
            if (compare_primary(c, frames[k], SIZE, i))
                exit(1);
        for (unsigned int k = i; k < end; k++)
            if (compare_secondary(c, frames[k], SIZE, i))
                exit(1);
    }
    return bench_us() - t0;
}

static double memcmp_us(uint8_t (*other)[SIZE])
{
    double t0 = bench_us();
    unsigned int differ = 0;

    for (unsigned int i = 0; i < FRAMES; i++)
        differ += memcmp(frames[i], other[i], SIZE) != 0;
    if (differ)
        exit(1);
    return bench_us() - t0;
}

/* One pass over counts[@k] flows; the next packets of each. */
static void measure(struct compare *c, int k, uint8_t (*other)[SIZE],
                    double *took_r, double *plain_r)
{
    build_all(k);
    memcpy(other, frames, (size_t)FRAMES * SIZE);
    released = 0;
    *took_r = pass_us(c);
    if (released != FRAMES)
        exit(1);
    *plain_r = memcmp_us(other);
    compare_checkpoint(c);
}

/* The sizes take turns, since the machine isn't equally fast all the time. */
static void measure_all(double took[COUNTS][ROUNDS],
                        double plain[COUNTS][ROUNDS])
{
    struct compare_conf conf = { .release = release, .seed = 1 };
    uint8_t (*other)[SIZE] = malloc((size_t)FRAMES * SIZE);
    struct compare *c[COUNTS];
    double ignored;
    struct err e;

    if (!other)
        exit(1);
    for (int k = 0; k < COUNTS; k++) {
        bench_must(compare_new(&conf, &c[k], &e), &e);
        measure(c[k], k, other, &ignored, &ignored);
    }
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < COUNTS; k++)
            measure(c[k], k, other, &took[k][i], &plain[k][i]);
    for (int k = 0; k < COUNTS; k++)
        compare_free(c[k]);
    free(other);
}

int main(int argc, char **argv)
{
    static double took[COUNTS][ROUNDS], plain[COUNTS][ROUNDS];
    double growth[ROUNDS];

    bench_begin(argc, argv);
    frames = malloc((size_t)FRAMES * SIZE);
    seqs = calloc(COUNTS, sizeof(*seqs));
    if (!frames || !seqs)
        return 1;
    measure_all(took, plain);
    for (int i = 0; i < ROUNDS; i++)
        growth[i] = took[COUNTS - 1][i] / took[0][i];
    for (int k = 0; k < COUNTS; k++) {
        double us = bench_median(took[k], ROUNDS);
        char what[80];

        snprintf(what, sizeof(what), "packets compared, %u flows", counts[k]);
        bench_figure(what, 2.0 * FRAMES / us, "M/s", AT_LEAST, 2);
        bench_figure("  time, of memcmp() of the same packets",
                     us / bench_median(plain[k], ROUNDS), "times", NO_LIMIT,
                     0);
    }
    bench_figure("time for a packet, 100,000 flows against one",
                 bench_median(growth, ROUNDS), "times", AT_MOST, 2);
    free(frames);
    free(seqs);
    return bench_end();
}
