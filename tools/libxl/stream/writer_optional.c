/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The put functions of our optional records, but for ZERO_PAGES, which lists
 * pages as its neighbours in writer.c do.
 */
#include "writer.h"

#include <string.h>

#include "bytes.h"
#include "writer_int.h"

int sr_put_heartbeat(struct buf *b, struct err *e)
{
    return sr_put_record(b, WIRE_OPT_HEARTBEAT, NULL, 0, e);
}

/* A body of one number; below 2^32 it is a word, and a word that is zero. */
static int put_word(struct buf *b, uint32_t type, uint64_t word,
                    struct err *e)
{
    uint8_t body[8];

    put_le64(body, word);
    return sr_put_record(b, type, body, sizeof(body), e);
}

int sr_put_release(struct buf *b, enum wire_keeper keeper, struct err *e)
{
    if (keeper >= WIRE_KEEPERS_NR)
        return sr_put_bug(e, "nobody who could keep a domain");
    return put_word(b, WIRE_OPT_RELEASE, keeper, e);
}

int sr_put_received(struct buf *b, uint64_t octets, struct err *e)
{
    return put_word(b, WIRE_OPT_RECEIVED, octets, e);
}

int sr_put_gone(struct buf *b, struct err *e)
{
    return sr_put_record(b, WIRE_OPT_GONE, NULL, 0, e);
}

int sr_put_hello(struct buf *b, uint32_t features, uint64_t generation,
                 struct err *e)
{
    uint8_t body[16];

    if (features & ~WIRE_HELLO_KNOWN)
        return sr_put_bug(e, "unknown features");
    put_le32(body, WIRE_HELLO_VERSION);
    put_le32(body + 4, features);
    put_le64(body + 8, generation);
    return sr_put_record(b, WIRE_OPT_HELLO, body, sizeof(body), e);
}

int sr_put_pause_reason(struct buf *b, uint32_t reason, struct err *e)
{
    if (reason > WIRE_PAUSE_REASON_MAX)
        return sr_put_bug(e, "no reason to stand still");
    return put_word(b, WIRE_OPT_PAUSE_REASON, reason, e);
}

int sr_put_peer_info(struct buf *b, const struct sr_peer_info *i,
                     struct err *e)
{
    size_t n = strnlen(i->name, WIRE_PEER_NAME_SIZE);
    uint8_t *p;
    int rc;

    if (n == WIRE_PEER_NAME_SIZE)
        return sr_put_bug(e, "peer name without a NUL");
    rc = sr_put_begin(b, WIRE_OPT_PEER_INFO, 8 + WIRE_PEER_NAME_SIZE, &p, e);
    if (rc)
        return rc;
    memset(p, 0, 8 + WIRE_PEER_NAME_SIZE);
    put_le32(p, i->heartbeat_ms);
    put_le32(p + 4, i->silence_ms);
    memcpy(p + 8, i->name, n);
    return 0;
}

int sr_put_frame(struct buf *b, uint32_t vif, const uint8_t *frame,
                 size_t n, struct err *e)
{
    uint8_t *p;
    int rc;

    if (n < WIRE_FRAME_MIN || n > WIRE_FRAME_MAX)
        return sr_put_bug(e, "length of a frame out of range");
    rc = sr_put_begin(b, WIRE_OPT_FRAME, 8 + n, &p, e);
    if (rc)
        return rc;
    put_le32(p, vif);
    put_le32(p + 4, 0);
    memcpy(p + 8, frame, n);
    return 0;
}

int sr_put_page_digests(struct buf *b, const struct sr_digest *digests,
                        size_t n, struct err *e)
{
    uint8_t *p;
    int rc;

    if (n == 0 || n > WIRE_DIGESTS_MAX)
        return sr_put_bug(e, "number of digests out of range");
    rc = sr_put_begin(b, WIRE_OPT_PAGE_DIGESTS, 16 * n, &p, e);
    for (size_t i = 0; !rc && i < n; i++, p += 16) {
        put_le64(p, digests[i].pfn);
        put_le64(p + 8, digests[i].digest);
    }
    return rc;
}
