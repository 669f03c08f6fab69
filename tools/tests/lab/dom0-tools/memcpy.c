/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * lab-memcpy: prints how many microseconds plain memcpy() takes for a page
 * on this host, scattered pages of 64 MiB into a row, as a checkpoint is
 * copied: the median of some rounds. Figures of the lab's checks are set
 * against it.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE 4096
#define RAM_PAGES 16384u
#define PAGES 2000u
#define ROUNDS 15

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int up(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static uint8_t *map(size_t pages)
{
    void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED) {
        perror("lab-memcpy");
        exit(1);
    }
    return p;
}

int main(void)
{
    uint8_t *ram = map(RAM_PAGES), *to = map(PAGES);
    double took[ROUNDS];

    for (int r = 0; r < ROUNDS; r++) {
        double t0 = now_us();

        for (size_t i = 0; i < PAGES; i++)    /* odd: each page once */
            memcpy(to + i * PAGE, ram + i * 40503u % RAM_PAGES * PAGE, PAGE);
        took[r] = (now_us() - t0) / PAGES;
    }
    qsort(took, ROUNDS, sizeof(took[0]), up);
    printf("%.3f\n", took[ROUNDS / 2]);
    return 0;
}
