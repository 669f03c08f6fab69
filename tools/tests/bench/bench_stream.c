/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Figures of the parts that every epoch passes through, each as a ratio to
 * plain memcpy() of the same octets in the same run, the median of several
 * rounds, beside its limit. Exit 1 when a limit isn't kept.
 */
#include <string.h>

#include "bench.h"
#include "ckpt.h"
#include "page_copy.h"
#include "reader.h"
#include "validator.h"
#include "writer.h"

#define ROUNDS     9
#define RAM_PAGES  65536u             /* 256 MiB */
#define PAGES      16384u             /* of them, scattered */
#define BATCH      1024u
#define INPUT      ((size_t)1 << 20)  /* as a session reads */

static uint8_t *ram, *plain;
static uint64_t picked[PAGES];
static struct ckpt stage;
static struct buf stream;
static const struct page_copy *way;
static struct err error;

static void die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, error.msg);
    exit(1);
}

static void copy_plain(void)
{
    for (size_t i = 0; i < PAGES; i++)
        memcpy(plain + i * CKPT_PAGE_SIZE, ram + picked[i] * CKPT_PAGE_SIZE,
               CKPT_PAGE_SIZE);
}

static void copy_staging(void)
{
    uint64_t *pfns;
    uint8_t *to;

    ckpt_reset(&stage, 2);
    if (ckpt_add(&stage, PAGES, &pfns, &to, &error))
        die("staging");
    for (size_t i = 0; i < PAGES; i++, to += CKPT_PAGE_SIZE) {
        pfns[i] = picked[i];
        way->copy(to, ram + picked[i] * CKPT_PAGE_SIZE);
    }
}

static void build_stream(void)
{
    int rc = sr_put_libxc_header(&stream, WIRE_GUEST_HVM, 4, 17, &error);

    if (!rc)
        rc = sr_put_record(&stream, WIRE_LIBXC_STATIC_DATA_END, NULL, 0,
                           &error);
    for (size_t i = 0; !rc && i < PAGES; i += BATCH) {
        rc = sr_put_page_data_head(&stream, picked + i, BATCH, &error);
        if (!rc)
            rc = buf_append(&stream, plain + i * CKPT_PAGE_SIZE,
                            BATCH * CKPT_PAGE_SIZE, &error);
    }
    if (rc)
        die("building a stream");
}

static void read_stream(void)
{
    struct sr_validator *v = sr_validator_new(SR_FORWARD, WIRE_LIBXC,
                                              SR_MODE_AUTO);
    struct sr_reader r;
    struct sr_item item;
    size_t at = 0, left;
    const uint8_t *data;

    sr_reader_init(&r, SR_FORWARD, WIRE_LIBXC);
    while (at < stream.size) {
        data = stream.data + at;
        left = stream.size - at < INPUT ? stream.size - at : INPUT;
        at += left;
        do {
            if (!v || sr_reader_next(&r, &data, &left, &item, &error) ||
                sr_validator_item(v, &item, &error))
                die("reading the stream");
        } while (item.kind != SR_NEED_MORE);
    }
    sr_validator_free(v);
}

/* Median of memcpy's time over the other's, round by round. */
static double speed(void (*act)(void))
{
    double ratio[ROUNDS], t0, t1;

    act();
    for (int i = 0; i < ROUNDS; i++) {
        t0 = bench_us();
        copy_plain();
        t1 = bench_us();
        act();
        ratio[i] = (t1 - t0) / (bench_us() - t1);
    }
    return bench_median(ratio, ROUNDS);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    ram = malloc((size_t)RAM_PAGES * CKPT_PAGE_SIZE);
    plain = malloc((size_t)PAGES * CKPT_PAGE_SIZE);
    if (!ram || !plain || ckpt_init(&stage, PAGES, &error))
        die("no memory");
    memset(ram, 0x5a, (size_t)RAM_PAGES * CKPT_PAGE_SIZE);
    for (size_t i = 0; i < PAGES; i++)    /* odd: each page at most once */
        picked[i] = i * 40503u % RAM_PAGES;
    copy_plain();
    way = page_copy_best();
    printf("pages are copied by %s here\n", way->name);
    buf_init(&stream, 2 * (size_t)PAGES * CKPT_PAGE_SIZE);
    build_stream();
    bench_figure("staging of 16384 scattered pages, of memcpy()",
                 speed(copy_staging), "times", AT_LEAST, 0.8);
    bench_figure("reading and checking a stream of 64 MiB, of memcpy()",
                 speed(read_stream), "times", AT_LEAST, 1);
    free(ram);
    free(plain);
    ckpt_dispose(&stage);
    buf_dispose(&stream);
    return bench_end();
}
