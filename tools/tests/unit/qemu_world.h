/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the follower's tests share: the captures, a stream of everything that
 * can be in one with its places by name, and a trace of what was told. Static,
 * included by test_qemu_follow*.c and by the fuzzers.
 */
#ifndef XC_TEST_QEMU_WORLD_H
#define XC_TEST_QEMU_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "bytes.h"
#include "qemu_follow.h"
#include "qemu_message.h"

#define EVENTS_MAX 128
#define CAPTURES "tools/tests/corpus/qemu/"

/* A connection: both directions, and where READY belongs. */
struct pair {
    struct buf forward, back;
    size_t precopy;    /* octets of forward before READY */
};

struct trace {
    struct qf_event events[EVENTS_MAX];
    char names[EVENTS_MAX][32];    /* events[].name is NULL */
    size_t nr;
};

/* What became of it. */
struct followed {
    int rc;
    struct err e;
    enum qf_rule rule;
    enum qf_direction direction;
    uint64_t offset;
    struct qf_tally tally;
    struct qf_where forward, back;
};

static inline void trace_event(void *ctx, const struct qf_event *event)
{
    struct trace *t = ctx;

    if (t->nr == EVENTS_MAX)
        abort();
    t->events[t->nr] = *event;
    t->events[t->nr].name = NULL;
    if (event->name)
        snprintf(t->names[t->nr], sizeof(t->names[0]), "%s", event->name);
    t->nr++;
}

static inline int feed_pieces(struct qemu_follower *f,
                              enum qf_direction direction,
                              const uint8_t *data, size_t n, size_t piece,
                              struct err *e)
{
    size_t now;
    int rc = 0;

    for (; n && !rc; data += now, n -= now) {
        now = n < piece ? n : piece;
        rc = direction == QF_BACK ? qf_back(f, data, now, e)
                                  : qf_forward(f, data, now, e);
    }
    return rc;
}

/* All that there is to ask. */
static inline struct followed ask(const struct qemu_follower *f, int rc)
{
    const struct qf_fault *fault = qf_fault(f);
    struct followed o = {
        .rc = rc, .tally = qf_tally(f),
        .forward = qf_where(f, QF_FORWARD), .back = qf_where(f, QF_BACK),
    };

    if ((rc != 0) != (fault != NULL))
        abort();
    if (fault) {
        o.rule = fault->rule;
        o.direction = fault->direction;
        o.offset = fault->offset;
        o.e = fault->e;
    }
    return o;
}

/* Precopy, READY, the rest of forward, the rest of what came back. */
static inline struct followed follow(const struct pair *p, size_t piece,
                                    uint64_t vmstate_max, struct trace *t)
{
    struct qf_conf conf = {
        .vmstate_max = vmstate_max, .event = t ? trace_event : NULL,
        .ctx = t,
    };
    struct qemu_follower *f = qf_new(&conf);
    size_t ready = p->back.size < 4 ? p->back.size : 4;
    struct followed o;
    struct err e = { 0 };
    int rc;

    if (!f)
        abort();
    if (t)
        memset(t, 0, sizeof(*t));
    rc = feed_pieces(f, QF_FORWARD, p->forward.data, p->precopy, piece, &e);
    if (!rc)
        rc = feed_pieces(f, QF_BACK, p->back.data, ready, piece, &e);
    if (!rc)
        rc = feed_pieces(f, QF_FORWARD, p->forward.data + p->precopy,
                         p->forward.size - p->precopy, piece, &e);
    if (!rc && p->back.size > ready)
        rc = feed_pieces(f, QF_BACK, p->back.data + ready,
                         p->back.size - ready, piece, &e);
    o = ask(f, rc);
    if (rc && strcmp(e.msg, o.e.msg))
        abort();
    qf_free(f);
    return o;
}

static inline uint64_t sum_forward(const struct qf_tally *t)
{
    uint64_t sum = 0;

    for (int i = 0; i < QF_OCTETS_NR; i++)
        sum += i == QF_OCTETS_BACK ? 0 : t->octets[i];
    return sum;
}

/* ---- captures. */

static inline void load(struct buf *b, const char *name, const char *which)
{
    char path[256];
    uint8_t *at;
    FILE *f;

    buf_init(b, 1 << 20);
    snprintf(path, sizeof(path), CAPTURES "%s/%s.bin", name, which);
    f = fopen(path, "rb");
    if (!f || buf_reserve(b, 1 << 17, &at, NULL)) {
        perror(path);
        abort();
    }
    b->size = fread(at, 1, 1 << 17, f);
    fclose(f);
}

static inline void load_pair(struct pair *p, const char *name,
                             size_t precopy)
{
    load(&p->forward, name, "forward");
    load(&p->back, name, "back");
    p->precopy = precopy;
}

static inline void pair_dispose(struct pair *p)
{
    buf_dispose(&p->forward);
    buf_dispose(&p->back);
}

/* ---- a stream of everything. */

enum spot {
    AT_HEADER, AT_CONFIGURATION, AT_PAGE_BITS, AT_CAPABILITIES, AT_UUID,
    AT_OPEN, AT_PING, AT_START, AT_LIST, AT_PART, AT_ZERO, AT_PAGE, AT_XBZRLE,
    AT_COMPRESS, AT_OTHER_BLOCK, AT_PART_EOS, AT_SWITCHOVER, AT_END,
    AT_DEVICE, AT_DESCRIPTION, AT_PRECOPY_DONE, AT_REQUEST, AT_SEND,
    AT_RAM_COMMAND, AT_RAM, AT_RAM_EOS, AT_RAM_EOF, AT_SIZE, AT_BLOB,
    SPOTS_NR
};

struct world {
    struct pair pair;
    size_t at[SPOTS_NR];
};

static inline void put(struct buf *b, const void *data, size_t n)
{
    if (buf_append(b, data, n, NULL))
        abort();
}

static inline void put_n(struct buf *b, uint64_t value, size_t n)
{
    uint8_t octets[8];

    put_be64(octets, value);
    put(b, octets + 8 - n, n);
}

/* u8 length and name. */
static inline void put_name(struct buf *b, const char *name)
{
    put_n(b, strlen(name), 1);
    put(b, name, strlen(name));
}

static inline void put_zeros(struct buf *b, size_t n)
{
    while (n--)
        put_n(b, 0, 1);
}

static inline void put_ram_end(struct world *w, enum spot at)
{
    struct buf *b = &w->pair.forward;

    w->at[at] = b->size;
    put_n(b, QEMU_RAM_EOS, 8);
    put_n(b, QEMU_SECTION_FOOTER, 1);
    put_n(b, 2, 4);
}

static inline void put_configuration(struct world *w)
{
    struct buf *b = &w->pair.forward;

    w->at[AT_CONFIGURATION] = b->size;
    put_n(b, QEMU_SECTION_CONFIGURATION, 1);
    put_n(b, 4, 4);
    put(b, "none", 4);
    w->at[AT_PAGE_BITS] = b->size;
    put_n(b, QEMU_SECTION_SUBSECTION, 1);
    put_name(b, QEMU_SUB_PAGE_BITS);
    put_n(b, 1, 4);
    put_n(b, 12, 4);
    w->at[AT_CAPABILITIES] = b->size;
    put_n(b, QEMU_SECTION_SUBSECTION, 1);
    put_name(b, QEMU_SUB_CAPABILITIES);
    put_n(b, 1, 4);
    put_n(b, 2, 4);
    put_name(b, "");
    put_name(b, QEMU_IGNORE_SHARED);
    w->at[AT_UUID] = b->size;
    put_n(b, QEMU_SECTION_SUBSECTION, 1);
    put_name(b, QEMU_SUB_UUID);
    put_n(b, 1, 4);
    put_zeros(b, QEMU_UUID_SIZE);
}

static inline void put_start(struct world *w)
{
    struct buf *b = &w->pair.forward;

    w->at[AT_START] = b->size;
    put_n(b, QEMU_SECTION_START, 1);
    put_n(b, 2, 4);
    put_name(b, "ram");
    put_n(b, 0, 4);
    put_n(b, QEMU_RAM_VERSION, 4);
    w->at[AT_LIST] = b->size;
    put_n(b, 0x5000 | QEMU_RAM_MEM_SIZE, 8);
    put_name(b, "pc.ram");
    put_n(b, 0x4000, 8);
    put_n(b, 0, 8);                  /* the address: x-ignore-shared is on */
    put_name(b, "pc.bio");
    put_n(b, 0x1000, 8);
    put_n(b, 0x4000, 8);
    put_n(b, QEMU_RAM_FLUSH, 8);
    put_n(b, QEMU_RAM_EOS, 8);
    put_n(b, QEMU_SECTION_FOOTER, 1);
    put_n(b, 2, 4);
}

static inline void put_part(struct world *w)
{
    struct buf *b = &w->pair.forward;

    w->at[AT_PART] = b->size;
    put_n(b, QEMU_SECTION_PART, 1);
    put_n(b, 2, 4);
    w->at[AT_ZERO] = b->size;
    put_n(b, QEMU_RAM_ZERO, 8);
    put_name(b, "pc.ram");
    put_n(b, 0, 1);
    w->at[AT_PAGE] = b->size;
    put_n(b, 0x1000 | QEMU_RAM_PAGE | QEMU_RAM_CONTINUE, 8);
    put_zeros(b, QEMU_PAGE_SIZE);
    w->at[AT_XBZRLE] = b->size;
    put_n(b, 0x2000 | QEMU_RAM_XBZRLE | QEMU_RAM_CONTINUE, 8);
    put_n(b, QEMU_XBZRLE_MARK, 1);
    put_n(b, 5, 2);
    put_zeros(b, 5);
    w->at[AT_COMPRESS] = b->size;
    put_n(b, 0x3000 | QEMU_RAM_COMPRESS | QEMU_RAM_CONTINUE, 8);
    put_n(b, 30, 4);
    put_zeros(b, 30);
    w->at[AT_OTHER_BLOCK] = b->size;
    put_n(b, 0x0000 | QEMU_RAM_ZERO, 8);
    put_name(b, "pc.bio");
    put_n(b, 0, 1);
    put_ram_end(w, AT_PART_EOS);
}

static inline void put_command(struct buf *b, uint32_t command,
                               uint32_t length)
{
    put_n(b, QEMU_SECTION_COMMAND, 1);
    put_n(b, command, 2);
    put_n(b, length, 2);
    put_zeros(b, length);
}

static inline void put_devices(struct world *w)
{
    static const char json[] = "{\"page_size\": 4096, \"devices\": []}";
    struct buf *b = &w->pair.forward;

    w->at[AT_DEVICE] = b->size;
    put_n(b, QEMU_SECTION_FULL, 1);
    put_n(b, 4, 4);
    put_name(b, "globalstate");
    put_n(b, 0, 4);
    put_n(b, 1, 4);
    /* Something that looks like the description, and isn't. */
    put(b, "\0\6\0\0\0\x20{\"x\": 1}", 14);
    put_n(b, QEMU_SECTION_FOOTER, 1);
    put_n(b, 4, 4);
    put_n(b, QEMU_SECTION_EOF, 1);
    w->at[AT_DESCRIPTION] = b->size;
    put_n(b, QEMU_SECTION_VMDESCRIPTION, 1);
    put_n(b, strlen(json), 4);
    put(b, json, strlen(json));
    w->at[AT_PRECOPY_DONE] = w->pair.precopy = b->size;
}

/* The places are those of the last checkpoint. */
static inline void put_checkpoint(struct world *w)
{
    struct buf *b = &w->pair.forward, *back = &w->pair.back;

    w->at[AT_REQUEST] = b->size;
    put_n(b, QEMU_CHECKPOINT_REQUEST, 4);
    w->at[AT_SEND] = b->size;
    put_n(b, QEMU_VMSTATE_SEND, 4);
    w->at[AT_RAM_COMMAND] = b->size;
    put_command(b, QEMU_COMMAND_SWITCHOVER_START, 0);
    w->at[AT_RAM] = b->size;
    put_n(b, QEMU_SECTION_END, 1);
    put_n(b, 2, 4);
    /* Of the block that was named before this section. */
    put_n(b, QEMU_RAM_ZERO | QEMU_RAM_CONTINUE, 8);
    put_n(b, 0, 1);
    put_ram_end(w, AT_RAM_EOS);
    w->at[AT_RAM_EOF] = b->size;
    put_n(b, QEMU_SECTION_EOF, 1);
    w->at[AT_SIZE] = b->size;
    put_n(b, QEMU_VMSTATE_SIZE, 4);
    put_n(b, 10, 8);
    w->at[AT_BLOB] = b->size;
    put_zeros(b, 10);
    put_n(back, QEMU_CHECKPOINT_REPLY, 4);
    put_n(back, QEMU_VMSTATE_RECEIVED, 4);
    put_n(back, QEMU_VMSTATE_LOADED, 4);
}

static inline void world_init(struct world *w)
{
    struct buf *b = &w->pair.forward;

    memset(w, 0, sizeof(*w));
    buf_init(b, 0);
    buf_init(&w->pair.back, 0);
    put_n(b, QEMU_MAGIC, 4);
    put_n(b, QEMU_VERSION, 4);
    put_configuration(w);
    w->at[AT_OPEN] = b->size;
    put_command(b, QEMU_COMMAND_OPEN_RETURN_PATH, 0);
    w->at[AT_PING] = b->size;
    put_command(b, QEMU_COMMAND_PING, 4);
    put_start(w);
    put_part(w);
    w->at[AT_SWITCHOVER] = b->size;
    put_command(b, QEMU_COMMAND_SWITCHOVER_START, 0);
    w->at[AT_END] = b->size;
    put_n(b, QEMU_SECTION_END, 1);
    put_n(b, 2, 4);
    put_n(b, QEMU_RAM_EOS, 8);
    put_n(b, QEMU_SECTION_FOOTER, 1);
    put_n(b, 2, 4);
    put_devices(w);
    put_n(&w->pair.back, QEMU_CHECKPOINT_READY, 4);
    put_checkpoint(w);
    put_checkpoint(w);
}

#endif
