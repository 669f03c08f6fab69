/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Writes the fuzzers' seeds: stream_seeds DIR makes DIR/{xl,libxl,libxc,back,
 * state,qemu}/ and fills them with small good streams of every kind, with the
 * broken ones of the unit tests, and with QEMU's captures. Run by the build,
 * in the top folder; nothing of it is kept.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../unit/test_stream_bads.h"
#include "names.h"
#include "qemu_world.h"

static const char *dir;
static unsigned number;

static void make_dir(const char *sub)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s%s%s", dir, *sub ? "/" : "", sub);
    if (mkdir(path, 0777) && errno != EEXIST) {
        perror(path);
        exit(1);
    }
}

static void save(const char *sub, const uint8_t *data, size_t size)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s/seed-%03u", dir, sub, number++);
    f = fopen(path, "wb");
    if (!f || (size && fwrite(data, 1, size, f) != size) || fclose(f)) {
        perror(path);
        exit(1);
    }
}

static void save_words(const char *sub, const char *words)
{
    struct buf b;

    buf_init(&b, 0);
    dsl_build(&b, words);
    save(sub, b.data, b.size);
    buf_dispose(&b);
}

/* A good stream, as it is and with all pages made small. */
static void save_good(const char *sub, const char *words)
{
    char small[1024];
    const char *at;
    size_t n = 0;

    save_words(sub, words);
    while ((at = strstr(words, " page ")) != NULL) {
        n += (size_t)snprintf(small + n, sizeof(small) - n, "%.*s xpage",
                              (int)(at - words), words);
        words = at + 5;
    }
    snprintf(small + n, sizeof(small) - n, "%s", words);
    save_words(sub, small);
}

/* A body of the fuzzer fuzz_state: record number @kind there. */
static void save_state(uint8_t kind, const char *word)
{
    size_t length;
    struct buf b;

    buf_init(&b, 0);
    dsl_build(&b, word);
    length = get_le32(b.data + 4);
    b.data[7] = kind;
    save("state", b.data + 7, 1 + length);
    buf_dispose(&b);
}

/* Octets of one direction, as fuzz_qemu has them. */
static void put_way(struct buf *b, enum qf_direction direction,
                    const uint8_t *data, size_t n)
{
    size_t now;

    for (; n; data += now, n -= now) {
        now = n < 0x7fff ? n : 0x7fff;
        put_n(b, now | (direction == QF_BACK ? 0x8000 : 0), 2);
        put(b, data, now);
    }
}

static void save_qemu(const struct pair *p)
{
    struct buf b;

    buf_init(&b, 0);
    put_n(&b, 30, 1);
    put_way(&b, QF_FORWARD, p->forward.data, p->precopy);
    put_way(&b, QF_BACK, p->back.data, 4);
    put_way(&b, QF_FORWARD, p->forward.data + p->precopy,
            p->forward.size - p->precopy);
    put_way(&b, QF_BACK, p->back.data + 4, p->back.size - 4);
    save("qemu", b.data, b.size);
    buf_dispose(&b);
}

static void save_qemus(void)
{
    static const struct {
        const char *name;
        size_t precopy;
    } captures[] = { { "none-empty", 926 }, { "none", 9116 },
                     { "guest", 22030 } };
    static struct world w;
    struct pair p;

    world_init(&w);
    save_qemu(&w.pair);
    pair_dispose(&w.pair);
    for (size_t i = 0; i < NR(captures); i++) {
        load_pair(&p, captures[i].name, captures[i].precopy);
        save_qemu(&p);
        pair_dispose(&p);
    }
}

int main(int argc, char **argv)
{
    static const char *const streams[] = {
        DSL_PLAIN_HVM, DSL_PLAIN_PVH, DSL_PLAIN_PV, DSL_REMUS_PVH,
        DSL_REMUS_PV, DSL_COLO,
    };
    static const char *const states[] = {
        "new", "ready", "hb", "hello", "rel", "tsc", "par", "why", "peer",
        "gone", "frame",
    };
    static const char *const subs[] = {
        "xl", "libxl", "libxc", "back", "state", "qemu",
    };
    size_t i;

    if (argc != 2) {
        fprintf(stderr, "usage: stream_seeds DIR\n");
        return 2;
    }
    dir = argv[1];
    make_dir("");
    for (i = 0; i < NR(subs); i++)
        make_dir(subs[i]);
    for (i = 0; i < NR(streams); i++) {
        save_good("xl", streams[i]);
        save_good("libxl", streams[i] + 3);    /* without "xl " */
    }
    save_good("libxc", DSL_HVM " end");
    save_good("libxc", DSL_PV " end");
    save_good("libxc", DSL_HVM " cp page " DSL_TAIL_HVM " cp");
    save_words("libxc", "hvm@15=2 xpage tsc hctx end");
    save_words("back", DSL_BACK_COLO);
    save_words("back", DSL_BACK_REMUS);
    for (i = 0; i < NR(states); i++)
        save_state((uint8_t)i, states[i]);
    save_state(0, "state8");
    for (i = 0; i < NR(bads); i++)
        save_words(bads[i].direction == SR_BACK ? "back" :
                   wire_layer_name(bads[i].first), bads[i].words);
    save_qemus();
    return 0;
}
