/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Measures the guest's own stalls by rdtsc (CLOCK_MONOTONIC stops while a Xen
 * guest is suspended) and can dirty memory at a set rate.  Never allocates
 * while measuring.  Started by the guest's init; read by labkit/probe.py.
 *
 * Port 7102, one line each; times in microseconds since the probe started:
 *   G           -> one line of JSON with the gaps recorded, and forgets them
 *   D <pages>   -> ok   dirty that many pages, about every 10 ms; fewer than
 *                       before: their memory is given back first
 *   F           -> <KiB> of memory that is free
 *   A <grants>  -> ok   take so many grants at once and give them back, so
 *                       that the grant table grows; on "error" it didn't
 *   T <us>      -> ok   record gaps longer than this (default 20000)
 *   M sleep|spin-> ok   sleep 2 ms between looks (default), or never sleep
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>
#include <xen/gntalloc.h>

#include "line.h"

#define PORT 7102
#define TURN_US 2000
#define DIRTY_US 10000
#define MAX_GAPS 16384
#define MAX_DIRTY_PAGES 8192
#define PAGE 4096
#define MAX_GRANTS 8192
#define CALIBRATE_NS 100000000ull

struct gap {
    uint64_t start_us;
    int64_t length_us;
};

static struct gap gaps[MAX_GAPS];
static unsigned int n_gaps, dropped;
static uint64_t turns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static atomic_uint dirty_pages;
static atomic_uint threshold_us = 20000;
static atomic_bool spin;

static char *arena;
static double ticks_per_us;
static uint64_t first_tick;

static inline uint64_t rdtsc(void)
{
    return __builtin_ia32_rdtsc();
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
}

/* The best of three: a try during which we were not running is too long. */
static void calibrate(void)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 3; i++) {
        uint64_t ns = now_ns(), ticks = rdtsc(), took;

        while (now_ns() - ns < CALIBRATE_NS)
            ;
        ticks = rdtsc() - ticks;
        took = now_ns() - ns;
        if (took < best) {
            best = took;
            ticks_per_us = ticks * 1000.0 / took;
        }
    }
    first_tick = rdtsc();
}

static void record(uint64_t from, uint64_t to)
{
    int64_t length_us = (int64_t)((int64_t)(to - from) / ticks_per_us);

    turns++;
    if (length_us >= 0 && length_us <= (int64_t)threshold_us)
        return;
    if (n_gaps == MAX_GAPS) {
        dropped++;
        return;
    }
    gaps[n_gaps].start_us = (from - first_tick) / ticks_per_us;
    gaps[n_gaps++].length_us = length_us;
}

/* In a thread of its own: what writing costs isn't a stall. */
static void *dirty(void *unused)
{
    uint32_t next = 0, value = 0;
    unsigned int before = 0;

    (void)unused;
    for (;;) {
        unsigned int pages = dirty_pages;

        if (pages < before)
            madvise(arena, (size_t)before * PAGE, MADV_DONTNEED);
        before = pages;
        value++;
        for (unsigned int i = 0; i < pages; i++) {
            *(volatile uint32_t *)(arena + (size_t)next * PAGE) = value;
            next = next + 1 < pages ? next + 1 : 0;
        }
        usleep(DIRTY_US);
    }
    return NULL;
}

static void *measure(void *unused)
{
    uint64_t last = rdtsc();

    (void)unused;
    for (;;) {
        uint64_t t;

        if (!spin)
            usleep(TURN_US);
        t = rdtsc();
        pthread_mutex_lock(&lock);
        record(last, t);
        pthread_mutex_unlock(&lock);
        last = t;
    }
    return NULL;
}

static void report(struct line_client *c)
{
    pthread_mutex_lock(&lock);
    line_reply(c,
               "{\"ticks_per_us\": %.3f, \"now_us\": %" PRIu64
               ", \"turns\": %" PRIu64 ", \"dropped\": %u, \"gaps\": [",
               ticks_per_us,
               (uint64_t)((rdtsc() - first_tick) / ticks_per_us), turns,
               dropped);
    for (unsigned int i = 0; i < n_gaps; i++)
        line_reply(c, "%s[%" PRIu64 ", %" PRId64 "]", i ? ", " : "",
                   gaps[i].start_us, gaps[i].length_us);
    line_reply(c, "]}\n");
    n_gaps = dropped = 0;
    turns = 0;
    pthread_mutex_unlock(&lock);
}

static bool take_grants(unsigned int n)
{
    struct ioctl_gntalloc_alloc_gref *arg;
    int fd = open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC), r = -1;

    arg = calloc(1, sizeof(*arg) + n * sizeof(arg->gref_ids[0]));
    if (fd >= 0 && arg) {
        arg->count = n;
        r = ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, arg);
    }
    free(arg);
    if (fd >= 0)
        close(fd);
    return r == 0;
}

static void say_free(struct line_client *c)
{
    struct sysinfo now;

    if (sysinfo(&now))
        line_reply(c, "error\n");
    else
        line_reply(c, "%lu\n", now.freeram * now.mem_unit / 1024);
}

static void handle(struct line_client *c, char *line)
{
    unsigned int value;

    if (!strcmp(line, "G")) {
        report(c);
        return;
    }
    if (!strcmp(line, "F")) {
        say_free(c);
        return;
    }
    if (sscanf(line, "D %u", &value) == 1 && value <= MAX_DIRTY_PAGES)
        dirty_pages = value;
    else if (sscanf(line, "A %u", &value) == 1 && value <= MAX_GRANTS) {
        if (!take_grants(value)) {
            line_reply(c, "error\n");
            return;
        }
    }
    else if (sscanf(line, "T %u", &value) == 1)
        threshold_us = value;
    else if (!strcmp(line, "M sleep"))
        spin = false;
    else if (!strcmp(line, "M spin"))
        spin = true;
    else {
        line_reply(c, "E bad command\n");
        return;
    }
    line_reply(c, "ok\n");
}

int main(void)
{
    static const int ports[] = {PORT, 0};
    pthread_t threads[2];

    arena = aligned_alloc(PAGE, (size_t)MAX_DIRTY_PAGES * PAGE);
    calibrate();
    if (!arena || pthread_create(&threads[0], NULL, measure, NULL) ||
        pthread_create(&threads[1], NULL, dirty, NULL)) {
        fprintf(stderr, "probe: cannot start\n");
        return 1;
    }
    line_serve(ports, handle);
}
