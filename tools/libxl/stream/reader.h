/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Incremental reader of xl, libxl and libxc migration streams and of the back
 * channel: bytes in, items out. It frames, follows the position across the
 * nested layers and enforces lengths, limits and padding; which record may
 * come where is the validator's business. No I/O, no allocation, no copy of
 * bodies. Called by the receiving loops, the validator's front ends, tests.
 */
#ifndef XC_STREAM_READER_H
#define XC_STREAM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "fault.h"
#include "format.h"

enum sr_direction {
    SR_FORWARD,    /* primary to secondary, or a file */
    SR_BACK,       /* secondary to primary: no headers, libxl records, but
                      type 0xf is libxc's CHECKPOINT_DIRTY_PFN_LIST */
};

enum sr_item_kind {
    SR_NEED_MORE,       /* the cursor is empty; not an item of the stream */
    SR_XL_HEADER,       /* u.xl */
    SR_XL_DATA,         /* span of the optional data, body_offset in it */
    SR_LIBXL_HEADER,    /* u.libxl */
    SR_LIBXC_HEADER,    /* u.libxc: image and domain header together */
    SR_RECORD,          /* a record's header: type, body_length */
    SR_BODY,            /* span of its body; at least one octet */
    SR_RECORD_END,      /* body complete, padding checked to be zero */
    SR_STREAM_END,      /* after END of the outermost layer */
};

/*
 * One item. Its octets are data[0..size): in the caller's buffer or in the
 * reader, valid until the next call on the reader (and no longer than the
 * caller's buffer). Every octet of a stream is in exactly one item: written
 * out one after another they are the stream again, unchanged. RECORD_END
 * carries the padding (0 to 7 octets), STREAM_END and NEED_MORE nothing.
 */
struct sr_item {
    enum sr_item_kind kind;
    enum wire_layer layer;
    uint64_t offset;        /* in the stream, of the item's first octet */
    uint64_t record_number; /* in its layer, from 1; 0 for headers */
    uint64_t record_offset; /* of its record's header, for the three kinds */
    uint32_t type;          /* record: RECORD, BODY, RECORD_END */
    uint32_t body_length;   /* same; XL_DATA: optional_data_len */
    uint32_t body_offset;   /* BODY, XL_DATA: of data[0] in the body */
    uint32_t first_word;    /* RECORD_END: the body's first; 0 if shorter */
    const uint8_t *data;
    size_t size;
    union {
        struct {
            uint32_t mandatory_flags;    /* WIRE_XL_FLAG_* */
            uint32_t optional_flags;
            uint32_t optional_len;
        } xl;
        struct {
            uint32_t version;
            uint32_t options;
        } libxl;
        struct {
            uint32_t version;            /* 2 or 3 */
            uint32_t guest_type;         /* WIRE_GUEST_* */
            uint32_t xen_major, xen_minor;
        } libxc;
    } u;
};

/* All private; below 1 KiB. */
struct sr_reader {
    enum sr_direction direction;
    enum wire_layer first;
    int state, position;
    uint64_t offset;            /* octets consumed */
    uint64_t numbers[3];        /* records seen, by layer */
    uint64_t epochs;
    bool epoch_open, checkpointed;
    struct sr_where at;         /* the current record or header */
    uint32_t body_length, body_left, first_word;
    uint8_t scratch[WIRE_XL_HEADER_SIZE];
    uint32_t scratch_used;
    struct sr_fault fault;
};

/*
 * Start a stream. @first is the outermost layer: WIRE_XL (what goes over the
 * wire, and save files), WIRE_LIBXL, or WIRE_LIBXC (then there is no libxl
 * layer, and after CHECKPOINT libxc records go on). SR_BACK takes no @first;
 * pass WIRE_LIBXL. May be called again at any time; there is no dispose.
 */
void sr_reader_init(struct sr_reader *r, enum sr_direction direction,
                    enum wire_layer first);

/*
 * Take the next item from the cursor (*data, *size), advancing it over what
 * was taken. SR_NEED_MORE comes with *size == 0 only; fill the cursor and
 * call again. Call until it comes: RECORD_END without padding and STREAM_END
 * take no octets, so they come before it, never after. How the stream is
 * cut into buffers makes no difference but in the number of SR_BODY and
 * SR_XL_DATA items. After the outermost END the next item is SR_STREAM_END
 * and the rest of the cursor is left alone; a further call with octets in the
 * cursor is the fault stream-trailing (after a plain migration xl's handshake
 * goes on there: don't call). Returns 0, ERR_FORMAT or ERR_LIMIT; a failure
 * is final, and the cause is in sr_reader_fault().
 */
int sr_reader_next(struct sr_reader *r, const uint8_t **data, size_t *size,
                   struct sr_item *item_r, struct err *e);

/* Octets consumed so far. */
static inline uint64_t sr_reader_offset(const struct sr_reader *r)
{
    return r->offset;
}

/* NULL while there is no fault. Valid as long as the reader. */
const struct sr_fault *sr_reader_fault(const struct sr_reader *r);

/* Where a stream ends, if it ends here; may be asked at any time. */
enum sr_cut_at {
    SR_CUT_END,        /* after the outermost END: complete */
    SR_CUT_BETWEEN,    /* between two records */
    SR_CUT_INSIDE,     /* inside a record or header, or where one must come */
};

struct sr_cut {
    enum sr_cut_at at;
    bool checkpointed;      /* a libxc CHECKPOINT was seen; SR_BACK: true */
    bool epoch_open;        /* records of an epoch that isn't complete were
                               read (heartbeats and such don't count) */
    uint64_t epochs;        /* complete: CHECKPOINT_ENDs; SR_BACK: READYs */
    struct sr_where where;  /* of the record or header begun last */
};

/*
 * With !epoch_open and epochs > 0 everything read is a complete checkpoint,
 * whatever comes of an optional record that was cut.
 */
struct sr_cut sr_reader_eof(const struct sr_reader *r);

/* True where an optional record may be put in: at a record boundary. */
bool sr_reader_at_boundary(const struct sr_reader *r);

#endif
