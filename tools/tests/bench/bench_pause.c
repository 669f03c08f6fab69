/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What an epoch costs the domain: its pause over the number of dirty pages
 * and over the size of its memory, and copying against plain memcpy() of the
 * same scattered pages, in turns, both with nothing of them in the caches.
 * Embedded domain; medians.
 * usage: bench_pause [FILE]    also writes the table to FILE, as JSON
 */
#include <string.h>

#include "bench_domain.h"

#define ROUNDS 15
#define SIZES 3
#define COUNTS 6

static const size_t mib[SIZES] = { 64, 1024, 4096 };
static const size_t counts[COUNTS] = { 0, 10, 100, 1000, 10000, 100000 };

struct figure {
    double pause_us, copy_us, memcpy_us;
    bool made;
};

/* @n pages, far from one another. */
static void scatter(struct dom *d, size_t n, size_t round)
{
    size_t step = n ? d->guest.pages / n : 1;

    for (size_t i = 0; i < n; i++) {
        size_t page = i * step + (i * 7 + round * 13) % step;

        d->guest.ram[page * GUEST_PAGE] = (uint8_t)(round + i);
        guest_touch(&d->guest, page);
    }
}

static double by_memcpy(const struct dom *d, const struct ckpt *c,
                        uint8_t *to)
{
    double t0 = bench_us();

    for (size_t i = 0; i < c->pages_nr; i++)
        memcpy(to + i * GUEST_PAGE, d->guest.ram + c->pfns[i] * GUEST_PAGE,
               GUEST_PAGE);
    return bench_us() - t0;
}

static void measure(struct dom *d, struct ckpt *c, uint8_t *to, size_t n,
                    struct figure *f)
{
    double pause[ROUNDS], copy[ROUNDS], plain[ROUNDS];
    const struct dom_ops *ops = &dom_embedded_ops;
    struct dom_event ev;
    struct dom_times t;
    struct err e = { 0 };

    for (int i = -1; i < ROUNDS; i++) {    /* the first one warms up */
        double t0, took;

        scatter(d, n, (size_t)(i + 1));
        bench_empty_caches();
        t0 = bench_us();
        bench_must(ops->suspend(d, 1000, &e), &e);
        while (ops->next_event(d, &ev))
            ;
        bench_must(ops->capture(d, c, 1, &e), &e);
        bench_must(ops->resume(d, &e), &e);
        took = bench_us() - t0;
        ops->times(d, &t);
        if (i < 0) {
            by_memcpy(d, c, to);
            continue;
        }
        pause[i] = took;
        copy[i] = (double)t.copy_ns / 1e3;
        bench_empty_caches();
        plain[i] = by_memcpy(d, c, to);
    }
    *f = (struct figure) { bench_median(pause, ROUNDS),
                           bench_median(copy, ROUNDS),
                           bench_median(plain, ROUNDS), true };
}

static void limits(struct figure f[SIZES][COUNTS])
{
    double share = 0, growth = f[2][4].pause_us / f[0][4].pause_us;
    int n = 0;

    for (int s = 0; s < SIZES; s++)
        for (int k = 3; k < COUNTS; k++)
            if (f[s][k].made) {
                share += f[s][k].memcpy_us / f[s][k].copy_us;
                n++;
            }
    bench_figure("copying 1,000 pages and more, of memcpy()",
                 100 * share / n, "%", AT_LEAST, 80);
    bench_figure("10,000 dirty pages of 4 GiB against 64 MiB", growth,
                 "times", AT_MOST, 2);
}

int main(int argc, char **argv)
{
    static struct figure f[SIZES][COUNTS];
    struct err e = { 0 };

    bench_begin(argc, argv);
    printf("pause of an epoch, us (copying; memcpy() of the same pages)\n"
           "%10s", "pages");
    for (int s = 0; s < SIZES; s++)
        printf("%22zu MiB", mib[s]);
    printf("\n");
    for (int s = 0; s < SIZES; s++) {
        size_t pages = mib[s] << 8;
        struct dom *d = bench_domain(pages, 0, NULL);
        uint8_t *to = malloc(counts[COUNTS - 1] * GUEST_PAGE);
        struct ckpt c;

        if (!to)
            return 1;
        for (size_t i = 0; i < pages; i++)
            d->guest.ram[i * GUEST_PAGE] = 1;
        bench_must(ckpt_init(&c, pages + 1024, &e), &e);
        bench_must(dom_embedded_ops.log_start(d, &e), &e);
        memset(d->guest.dirty, 0, pages / 8);
        for (int k = 0; k < COUNTS; k++)
            if (counts[k] <= pages)
                measure(d, &c, to, counts[k], &f[s][k]);
        ckpt_dispose(&c);
        free(to);
        dom_embedded_ops.close(d);
    }
    for (int k = 0; k < COUNTS; k++) {
        printf("%10zu", counts[k]);
        for (int s = 0; s < SIZES; s++)
            if (f[s][k].made)
                printf("%10.1f (%.1f; %.1f)", f[s][k].pause_us,
                       f[s][k].copy_us, f[s][k].memcpy_us);
            else
                printf("%22s", "-");
        printf("\n");
        for (int s = 0; bench_json && s < SIZES; s++)
            if (f[s][k].made)
                fprintf(bench_json, "{\"mib\": %zu, \"pages\": %zu, "
                        "\"pause_us\": %.1f, \"copy_us\": %.1f, "
                        "\"memcpy_us\": %.1f}\n",
                        mib[s], counts[k], f[s][k].pause_us, f[s][k].copy_us,
                        f[s][k].memcpy_us);
    }
    limits(f);
    return bench_end();
}
