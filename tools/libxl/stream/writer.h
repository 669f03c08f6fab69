/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Writer and small decoders of the migration streams. Each put function
 * appends one header or record to a struct buf, padding included; it knows
 * formats, not order. Page data never passes through here: the head of a
 * PAGE_DATA record is put, the pages follow by writev. Also the decoders of
 * bodies that a receiver has collected. No I/O. Called by the session loops,
 * the xl front end and tests.
 *
 * All put functions return 0, or ERR_LIMIT/ERR_NOMEM from the buffer (which
 * then holds what it held before), or ERR_BUG for arguments that no stream
 * may contain.
 */
#ifndef XC_STREAM_WRITER_H
#define XC_STREAM_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "format.h"

/*
 * xl header, flags JSON and v2, with @json (@length octets, without NUL)
 * behind it; its NUL is added and counted, as xl does.
 */
int sr_put_xl_header(struct buf *b, const char *json, size_t length,
                     struct err *e);
int sr_put_libxl_header(struct buf *b, struct err *e);
/* Image and domain header, version 3. @guest_type is WIRE_GUEST_*. */
int sr_put_libxc_header(struct buf *b, uint32_t guest_type,
                        uint32_t xen_major, uint32_t xen_minor,
                        struct err *e);

/* Any record of either layer: framing is the same. @length <= WIRE_BODY_MAX */
int sr_put_record(struct buf *b, uint32_t type, const void *body,
                  size_t length, struct err *e);
/* A record's first 8 octets alone; body and padding are the caller's. */
int sr_put_record_header(struct buf *b, uint32_t type, size_t length,
                         struct err *e);

/* libxl: body_length 4, as upstream writes it: 16 octets on the wire. */
int sr_put_state(struct buf *b, enum wire_state id, struct err *e);
/* libxl EMULATOR_CONTEXT of emulator @id, index 0. */
int sr_put_emulator_context(struct buf *b, uint32_t id, const void *blob,
                            size_t length, struct err *e);
/* libxl EMULATOR_XENSTORE_DATA; @pairs is packed key NUL value NUL. */
int sr_put_emulator_xenstore(struct buf *b, uint32_t id, const void *pairs,
                             size_t length, struct err *e);

/*
 * libxc PAGE_DATA: header and list of @count (1 to WIRE_DATA_PAGES_MAX) pages
 * of type NOTAB. The caller sends 4096 octets for each right behind it; the
 * body is a multiple of 8, so nothing follows. pfns are below WIRE_PFN_END.
 */
int sr_put_page_data_head(struct buf *b, const uint64_t *pfns, size_t count,
                          struct err *e);
/*
 * The same from whole entries (type in bits 63:60), 1 to WIRE_PAGES_MAX, at
 * most WIRE_DATA_PAGES_MAX of them with data: *data_r, the pages to send.
 */
int sr_put_page_entries_head(struct buf *b, const uint64_t *entries,
                             size_t count, size_t *data_r, struct err *e);
/* Octets that the head of @count entries takes. */
static inline size_t sr_page_data_head_size(size_t count)
{
    return WIRE_RECORD_HEADER_SIZE + 8 + 8 * count;
}

struct sr_tsc_info {
    uint32_t mode, khz;
    uint64_t nsec;
    uint32_t incarnation;
};

struct sr_hvm_param {
    uint64_t index, value;
};

int sr_put_tsc_info(struct buf *b, const struct sr_tsc_info *t,
                    struct err *e);
/* At least one: no writer leaves the record empty. */
int sr_put_hvm_params(struct buf *b, const struct sr_hvm_param *params,
                      size_t count, struct err *e);
/* libxc CHECKPOINT_DIRTY_PFN_LIST, for the back channel; @count may be 0. */
int sr_put_dirty_pfns(struct buf *b, const uint64_t *pfns, size_t count,
                      struct err *e);

/* Our optional records. */
struct sr_hello {
    uint32_t version, features;
    uint64_t generation;     /* 0 from a receiver */
};

struct sr_peer_info {
    uint32_t heartbeat_ms, silence_ms;
    char name[WIRE_PEER_NAME_SIZE];    /* NUL-terminated */
};

int sr_put_heartbeat(struct buf *b, struct err *e);
int sr_put_release(struct buf *b, enum wire_keeper keeper, struct err *e);
int sr_put_gone(struct buf *b, struct err *e);
/* WIRE_HELLO_VERSION; @features is of WIRE_HELLO_KNOWN. */
int sr_put_hello(struct buf *b, uint32_t features, uint64_t generation,
                 struct err *e);
/* @reason is 0 to WIRE_PAUSE_REASON_MAX. */
int sr_put_pause_reason(struct buf *b, uint32_t reason, struct err *e);
int sr_put_peer_info(struct buf *b, const struct sr_peer_info *i,
                     struct err *e);
/* @n pfns below 2^40, 1 to WIRE_ZERO_PAGES_MAX of them. */
int sr_put_zero_pages(struct buf *b, const uint64_t *pfns, size_t n,
                      struct err *e);
/*
 * A frame for, or from, interface @vif of the domain, from 0 in the order of
 * its configuration: @n octets from the Ethernet header on, without FCS,
 * WIRE_FRAME_MIN to WIRE_FRAME_MAX.
 */
int sr_put_frame(struct buf *b, uint32_t vif, const uint8_t *frame,
                 size_t n, struct err *e);
/* The octets of page @pfn as they are with the epoch: their XXH3, 64 bits. */
struct sr_digest {
    uint64_t pfn, digest;
};
/* @n of them, 1 to WIRE_DIGESTS_MAX. */
int sr_put_page_digests(struct buf *b, const struct sr_digest *digests,
                        size_t n, struct err *e);
/* On the back channel: @octets of the stream are read, from its first on. */
int sr_put_received(struct buf *b, uint64_t octets, struct err *e);

/*
 * Decoders: @body is the whole body of @length octets, as collected from
 * SR_BODY items. They check everything that the validator does and return
 * ERR_FORMAT for what it would refuse; *_r is then not to be used.
 */
/* Accepts 4 octets, or 8 with a zero second word, and ids 0 to 3. */
int sr_get_state(const uint8_t *body, size_t length, enum wire_state *id_r,
                 struct err *e);
int sr_get_release(const uint8_t *body, size_t length,
                   enum wire_keeper *keeper_r, struct err *e);
int sr_get_hello(const uint8_t *body, size_t length, struct sr_hello *h_r,
                 struct err *e);
int sr_get_pause_reason(const uint8_t *body, size_t length,
                        uint32_t *reason_r, struct err *e);
int sr_get_peer_info(const uint8_t *body, size_t length,
                     struct sr_peer_info *i_r, struct err *e);
/* @pfns_r has room for WIRE_ZERO_PAGES_MAX. */
int sr_get_zero_pages(const uint8_t *body, size_t length, uint64_t *pfns_r,
                      size_t *n_r, struct err *e);
/* *frame_r points into @body. No limit on *vif_r: the domain's is unknown. */
int sr_get_frame(const uint8_t *body, size_t length, uint32_t *vif_r,
                 const uint8_t **frame_r, size_t *n_r, struct err *e);
/* @digests_r has room for WIRE_DIGESTS_MAX. */
int sr_get_page_digests(const uint8_t *body, size_t length,
                        struct sr_digest *digests_r, size_t *n_r,
                        struct err *e);
int sr_get_received(const uint8_t *body, size_t length, uint64_t *octets_r,
                    struct err *e);
int sr_get_tsc_info(const uint8_t *body, size_t length,
                    struct sr_tsc_info *t_r, struct err *e);
/* The number of params in the body; call before the next one. */
int sr_get_hvm_params_count(const uint8_t *body, size_t length,
                            size_t *count_r, struct err *e);
/* Param number @i, below the count. */
struct sr_hvm_param sr_get_hvm_param(const uint8_t *body, size_t i);
/* The value of param @index; ERR_NOTFOUND when it isn't in the body. */
int sr_find_hvm_param(const uint8_t *body, size_t length, uint64_t index,
                      uint64_t *value_r, struct err *e);

#endif
