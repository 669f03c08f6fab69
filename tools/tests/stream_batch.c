/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Checks every stream of an archive and prints one line for each, as
 * `verify-stream-v2 --batch-archive` does: the two are compared. An entry is a
 * word of length, an octet of flags (1: back channel; 2, 4: outermost layer;
 * 8: complete; 16, 32: mode) and the stream. With a seed as second argument
 * the streams are fed in pieces of random sizes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checker.h"
#include "names.h"

#define ENTRY_HEAD 5u

static uint32_t seed;

static void die(const char *what)
{
    fprintf(stderr, "stream_batch: %s\n", what);
    exit(2);
}

static size_t piece(size_t left)
{
    size_t n;

    if (!seed)
        return left;
    seed = seed * 1664525u + 1013904223u;
    n = 1 + (seed >> 8) % ((seed >> 4) % 4 ? 64 : 8192);
    return n < left ? n : left;
}

static void print(unsigned int index, const struct sr_fault *f)
{
    if (!f) {
        printf("%u: good\n", index);
        return;
    }
    printf("%u: %s %" PRIu64 " %s %" PRIu64 " ", index, f->rule, f->offset,
           wire_layer_name(f->layer), f->record_number);
    if (!f->record_number)
        printf("-\n");
    else
        printf("0x%" PRIx32 "\n", f->type);
}

static void check(unsigned int index, unsigned int flags, const uint8_t *data,
                  size_t size)
{
    static const enum sr_outermost outer[] = {
        SR_OUTER_AUTO, SR_OUTER_LIBXC, SR_OUTER_LIBXL, SR_OUTER_XL,
    };
    static const enum sr_mode modes[] = {
        SR_MODE_AUTO, SR_MODE_PLAIN, SR_MODE_REMUS, SR_MODE_COLO,
    };
    struct sr_checker_conf conf = {
        .direction = flags & 1 ? SR_BACK : SR_FORWARD,
        .outermost = outer[flags >> 1 & 3],
        .mode = modes[flags >> 4 & 3],
    };
    struct sr_checker *c = sr_checker_new(&conf);
    struct err e = { 0 };
    const char *note;
    size_t n;
    int rc = 0;

    if (!c)
        die("no memory");
    for (; !rc && size; data += n, size -= n) {
        n = piece(size);
        rc = sr_checker_feed(c, data, n, &e);
    }
    if (!rc)
        rc = sr_checker_finish(c, flags & 8, &note, &e);
    if (rc && !sr_checker_fault(c))
        die(e.msg);
    print(index, sr_checker_fault(c));
    sr_checker_free(c);
}

static uint8_t *load(const char *path, size_t *size_r)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
        die("can't read the archive");
    rewind(f);
    data = malloc((size_t)size + 1);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
        die("can't read the archive");
    fclose(f);
    *size_r = (size_t)size;
    return data;
}

int main(int argc, char **argv)
{
    uint8_t *archive;
    size_t size, at = 0, n;
    unsigned int index = 0;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: stream_batch ARCHIVE [SEED]\n");
        return 2;
    }
    if (argc == 3)
        seed = (uint32_t)strtoul(argv[2], NULL, 10) | 1u;
    archive = load(argv[1], &size);
    for (; at < size; at += ENTRY_HEAD + n) {
        if (size - at < ENTRY_HEAD ||
            (n = get_le32(archive + at)) > size - at - ENTRY_HEAD)
            die("an entry is cut off");
        check(index++, archive[at + 4], archive + at + ENTRY_HEAD, n);
    }
    free(archive);
    return 0;
}
