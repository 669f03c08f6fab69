/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The end of precopy: device sections, which only who has the same devices can
 * take apart, then 00 and mostly 06, be32 length, JSON. Which octet is the
 * last one is known when READY comes back; then all of it has to be explained,
 * without having been kept.
 *
 * The JSON is printable ASCII from its first to its last octet (capture), so
 * the header in front of it holds the last zero of the whole tail: where one
 * begins, any that was believed in before wasn't one. (Two can overlap only
 * if the JSON of the first is one that begins with {"{, and QEMU's begins with
 * its page size.) So one candidate is all there is to remember, and there is
 * no choice at the end: it is there to the octet, or there is no description.
 */
#include "qemu_follow_int.h"

#define JSON_BEGIN      0x7b22ull    /* {" */
#define HEADER_MASK     0xffffff0000000000ull
#define HEADER          0x0006000000000000ull    /* 00 06, and 00 of length */

static bool is_printable(uint8_t c)
{
    return c >= 0x20 && c <= 0x7e;
}

void qf_tail_feed(struct qf_tail *t, const uint8_t *data, size_t n)
{
    uint64_t length;
    size_t i;

    for (i = 0; i < n; i++) {
        t->size++;
        t->last = t->last << 8 | data[i];
        if (!is_printable(data[i])) {
            t->end = 0;
            continue;
        }
        /* The last eight: 00 06 00 xx xx xx { " */
        if ((t->last & HEADER_MASK) != HEADER ||
            (t->last & 0xffff) != JSON_BEGIN || t->size < 8)
            continue;
        length = t->last >> 16 & 0xffffff;
        if (length <= QEMU_VMDESC_MAX) {
            t->json = t->size - 2;
            t->end = t->json + length;
        }
    }
}

bool qf_tail_ends(const struct qf_tail *t, uint64_t *json_r)
{
    *json_r = 0;
    if (t->end) {
        *json_r = t->end - t->json + 5;
        return t->size == t->end && (t->last & 0xff) == '}';
    }
    if (t->last & 0xff || !t->size)
        return false;
    /* EOF alone: no device; or behind a device's footer. */
    return t->size == 1 || (t->last >> 40 & 0xff) == QEMU_SECTION_FOOTER;
}
