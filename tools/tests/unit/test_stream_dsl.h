/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Streams from words, for tests and fuzzing seeds. A stream is a string of
 * tokens: each puts one header or record with the writer. A token may be
 * patched to break it: "tsc@28=1" sets the octet at offset 28 of what the
 * token put (its record header is octets 0 to 7), "tsc@4=1,28=1" two of them,
 * "basic-1" drops the last octet, "libxl+3" appends 3 zero octets. Included
 * by test programs; everything is static.
 */
#ifndef XC_TEST_STREAM_DSL_H
#define XC_TEST_STREAM_DSL_H

#undef NDEBUG    /* the calls under assert() are what is done */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "bytes.h"
#include "format.h"
#include "writer.h"

/* Good streams of each kind, as words. */
#define DSL_STATIC_HVM "hvm cpuid msr sde"
#define DSL_STATIC_PV  "pv info cpuid msr sde p2m"
#define DSL_TAIL_HVM   "tsc hctx par"
#define DSL_TAIL_PV    "tsc shared basic ext xsave msrs basic@8=1 ext@8=1"
#define DSL_HVM        DSL_STATIC_HVM " page " DSL_TAIL_HVM
#define DSL_PV         DSL_STATIC_PV " page " DSL_TAIL_PV
#define DSL_PLAIN_HVM  "xl libxl C " DSL_HVM " end xs emu END"
#define DSL_PLAIN_PVH  "xl libxl C " DSL_HVM " end END"
#define DSL_PLAIN_PV   "xl libxl C " DSL_PV " end END"
#define DSL_REMUS_PVH                                                   \
    "xl libxl hello peer C " DSL_HVM " cp ce why page " DSL_TAIL_HVM    \
    " cp hb ce " DSL_TAIL_HVM " cp ce"
#define DSL_REMUS_PV                                                    \
    "xl libxl C " DSL_PV " cp ce page " DSL_TAIL_PV " cp ce"
#define DSL_COLO                                                        \
    "xl libxl hello C " DSL_HVM " cp xs emu ce new page " DSL_TAIL_HVM   \
    " cp xs emu ce hb frame new hb frame " DSL_TAIL_HVM " cp emu ce frame"
#define DSL_BACK_COLO                                                   \
    "hello peer ready resumed frame susp dirty ready frame hb resumed frame " \
    "susp hb dirty0 hb ready resumed frame"
#define DSL_BACK_REMUS "hello peer ready hb ready ready rel"

static inline void dsl_blob(struct buf *b, uint32_t type, size_t length)
{
    uint8_t body[4096] = { 0 };

    assert(length <= sizeof(body));
    assert(sr_put_record(b, type, body, length, NULL) == 0);
}

static inline void dsl_octets(struct buf *b, size_t n)
{
    uint8_t *at;
    size_t i;

    assert(buf_reserve(b, n, &at, NULL) == 0);
    for (i = 0; i < n; i++)
        at[i] = (uint8_t)(i * 7 + 1);
    b->size += n;
}

/* Four pages: one ordinary, one of a type without data, two more. */
static inline void dsl_page(struct buf *b, uint64_t second, size_t *data_r)
{
    uint64_t entry[4] = { 5, second, 7, 0x1000 };

    assert(sr_put_page_entries_head(b, entry, 4, data_r, NULL) == 0);
    dsl_octets(b, *data_r * WIRE_PAGE_SIZE);
}

/* Pages of types without data: a small record. */
static inline void dsl_xpage(struct buf *b)
{
    static const uint64_t entry[3] = { 0xfull << 60, 0xeull << 60 | 2,
                                       0xdull << 60 | 1 };
    size_t data;

    assert(sr_put_page_entries_head(b, entry, 3, &data, NULL) == 0);
}

static inline void dsl_xl(struct buf *b, const char *word)
{
    static const char pairs[] = "physmap/0/start\0" "f0000000\0" "empty\0";
    static const uint64_t zeroes[2] = { 9, 5 };
    static const struct sr_digest digests[2] = { { 5, 1 }, { 9, 1 } };
    static const struct sr_peer_info peer = { 100, 500, "host-a" };
    static const uint8_t frame[61] = { 2, 0, 0, 0, 0, 1 };

    if (!strcmp(word, "xl"))
        assert(!sr_put_xl_header(b, "{\"name\":\"vm\"}", 13, NULL));
    else if (!strcmp(word, "libxl"))
        assert(!sr_put_libxl_header(b, NULL));
    else if (!strcmp(word, "C"))
        dsl_blob(b, WIRE_LIBXL_LIBXC_CONTEXT, 0);
    else if (!strcmp(word, "xs"))
        assert(!sr_put_emulator_xenstore(b, 2, pairs, sizeof(pairs), NULL));
    else if (!strcmp(word, "emu"))
        assert(!sr_put_emulator_context(b, 2, "qemu state.", 11, NULL));
    else if (!strcmp(word, "ce"))
        dsl_blob(b, WIRE_LIBXL_CHECKPOINT_END, 0);
    else if (!strcmp(word, "END"))
        dsl_blob(b, WIRE_LIBXL_END, 0);
    else if (!strcmp(word, "new"))
        assert(!sr_put_state(b, WIRE_STATE_NEW, NULL));
    else if (!strcmp(word, "susp"))
        assert(!sr_put_state(b, WIRE_STATE_SVM_SUSPENDED, NULL));
    else if (!strcmp(word, "ready"))
        assert(!sr_put_state(b, WIRE_STATE_SVM_READY, NULL));
    else if (!strcmp(word, "resumed"))
        assert(!sr_put_state(b, WIRE_STATE_SVM_RESUMED, NULL));
    else if (!strcmp(word, "hb"))
        assert(!sr_put_heartbeat(b, NULL));
    else if (!strcmp(word, "hello"))
        assert(!sr_put_hello(b, 0, 7, NULL));
    else if (!strcmp(word, "peer"))
        assert(!sr_put_peer_info(b, &peer, NULL));
    else if (!strcmp(word, "why"))
        assert(!sr_put_pause_reason(b, 2, NULL));
    else if (!strcmp(word, "zero"))
        assert(!sr_put_zero_pages(b, zeroes, 2, NULL));
    else if (!strcmp(word, "frame"))
        assert(!sr_put_frame(b, 1, frame, sizeof(frame), NULL));
    else if (!strcmp(word, "received"))
        assert(!sr_put_received(b, 1ull << 40, NULL));
    else if (!strcmp(word, "digests"))
        assert(!sr_put_page_digests(b, digests, 2, NULL));
    else if (!strcmp(word, "rel"))
        assert(!sr_put_release(b, WIRE_KEEPER_PRIMARY, NULL));
    else if (!strcmp(word, "gone"))
        assert(!sr_put_gone(b, NULL));
    else if (!strcmp(word, "opt"))
        dsl_blob(b, 0x80001234u, 5);
    else if (!strcmp(word, "state8"))
        dsl_blob(b, WIRE_LIBXL_CHECKPOINT_STATE, 8);
    else if (!strncmp(word, "raw", 3))    /* raw<length of a state> */
        dsl_blob(b, WIRE_LIBXL_CHECKPOINT_STATE, strtoul(word + 3, NULL, 0));
    else {
        fprintf(stderr, "no such token: %s\n", word);
        abort();
    }
}

static inline void dsl_tsc(struct buf *b)
{
    static const struct sr_tsc_info tsc = { 0, 2400000, 12345, 1 };

    assert(!sr_put_tsc_info(b, &tsc, NULL));
}

static inline void dsl_par(struct buf *b)
{
    static const struct sr_hvm_param params[] = {
        { WIRE_HVM_PARAM_STORE_PFN, 0xfeffc },
        { WIRE_HVM_PARAM_CONSOLE_PFN, 0xfefff },
    };

    assert(!sr_put_hvm_params(b, params, 2, NULL));
}

static inline void dsl_dirty(struct buf *b, size_t n)
{
    static const uint64_t pfns[] = { 1, 2, 0xfffff };

    assert(!sr_put_dirty_pfns(b, pfns, n, NULL));
}

/* 64-bit: 512 entries a frame; 0 to 1023 are two frames. */
static inline void dsl_p2m(struct buf *b)
{
    uint8_t body[24] = { 0 };

    put_le32(body + 4, 1023);
    put_le64(body + 8, 0x111);
    put_le64(body + 16, 0x222);
    assert(!sr_put_record(b, WIRE_LIBXC_X86_PV_P2M_FRAMES, body, 24, NULL));
}

static inline void dsl_token(struct buf *b, const char *word)
{
    static const struct {
        const char *word;
        uint32_t type;
        size_t length;
    } blobs[] = {
        { "end", WIRE_LIBXC_END, 0 },
        { "basic", WIRE_LIBXC_X86_PV_VCPU_BASIC, 29 },
        { "ext", WIRE_LIBXC_X86_PV_VCPU_EXTENDED, 16 },
        { "xsave", WIRE_LIBXC_X86_PV_VCPU_XSAVE, 8 },
        { "msrs", WIRE_LIBXC_X86_PV_VCPU_MSRS, 24 },
        { "shared", WIRE_LIBXC_SHARED_INFO, 4096 },
        { "hctx", WIRE_LIBXC_HVM_CONTEXT, 43 },
        { "tool", WIRE_LIBXC_TOOLSTACK, 4 },
        { "verify", WIRE_LIBXC_VERIFY, 0 },
        { "cp", WIRE_LIBXC_CHECKPOINT, 0 },
        { "sde", WIRE_LIBXC_STATIC_DATA_END, 0 },
        { "cpuid", WIRE_LIBXC_X86_CPUID_POLICY, 48 },
        { "msr", WIRE_LIBXC_X86_MSR_POLICY, 32 },
    };
    size_t i, data;

    for (i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
        if (!strcmp(word, blobs[i].word)) {
            dsl_blob(b, blobs[i].type, blobs[i].length);
            return;
        }
    if (!strcmp(word, "hvm"))
        assert(!sr_put_libxc_header(b, WIRE_GUEST_HVM, 4, 17, NULL));
    else if (!strcmp(word, "pv"))
        assert(!sr_put_libxc_header(b, WIRE_GUEST_PV, 4, 17, NULL));
    else if (!strcmp(word, "info"))
        assert(!sr_put_record(b, WIRE_LIBXC_X86_PV_INFO, "\10\4\0\0\0\0\0",
                              8, NULL));
    else if (!strcmp(word, "p2m"))
        dsl_p2m(b);
    else if (!strcmp(word, "page"))
        dsl_page(b, 0xfull << 60 | 6, &data);
    else if (!strcmp(word, "l4page"))
        dsl_page(b, 0xcull << 60 | 6, &data);
    else if (!strcmp(word, "xpage"))
        dsl_xpage(b);
    else if (!strcmp(word, "tsc"))
        dsl_tsc(b);
    else if (!strcmp(word, "par"))
        dsl_par(b);
    else if (!strcmp(word, "dirty"))
        dsl_dirty(b, 3);
    else if (!strcmp(word, "dirty0"))
        dsl_dirty(b, 0);
    else
        dsl_xl(b, word);
}

/* The patches behind a token's word, applied to what it put at @from. */
static inline void dsl_patch(struct buf *b, size_t from, char *patch)
{
    char *end = patch;
    unsigned long n, value;

    while (*end) {
        char op = *end++;

        n = strtoul(end, &end, 0);
        if (op == '+') {
            uint8_t *at;

            assert(buf_reserve(b, n, &at, NULL) == 0);
            memset(at, 0, n);
            b->size += n;
        } else if (op == '-') {
            assert(n <= b->size - from);
            b->size -= n;
        } else {
            assert((op == '@' || op == ',') && *end == '=');
            value = strtoul(end + 1, &end, 0);
            assert(from + n < b->size);
            b->data[from + n] = (uint8_t)value;
        }
    }
}

/* Append the stream that @words spell to @b. */
static inline void dsl_build(struct buf *b, const char *words)
{
    char word[64], patch[64];
    size_t from, n;

    for (; *words; words += strspn(words, " ")) {
        n = strcspn(words, " @+-");
        assert(n < sizeof(word));
        memcpy(word, words, n);
        word[n] = '\0';
        words += n;
        n = strcspn(words, " ");
        assert(n < sizeof(patch));
        memcpy(patch, words, n);
        patch[n] = '\0';
        words += n;
        from = b->size;
        dsl_token(b, word);
        dsl_patch(b, from, patch);
    }
}

#endif
