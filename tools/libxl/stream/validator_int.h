/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Internal to the validator: its state, and the functions that its files
 * share. validator.c dispatches, validator_libxl.c and validator_libxc.c know
 * the order of records, validator_body.c what bodies hold.
 */
#ifndef XC_STREAM_VALIDATOR_INT_H
#define XC_STREAM_VALIDATOR_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "names.h"
#include "pages.h"
#include "reader.h"
#include "validator.h"

/* Where in the libxl layer the stream is. */
enum phase {
    PH_START,              /* LIBXC_CONTEXT comes first */
    PH_INNER,              /* in the libxc layer */
    PH_AFTER_END,          /* emulator records, then END */
    PH_AFTER_CHECKPOINT,   /* emulator records, then CHECKPOINT_END */
    PH_BETWEEN,            /* CHECKPOINT_STATE, or libxc goes on */
    PH_DONE,
};

/* What the back channel may bring next. */
enum back {
    BK_FIRST,        /* SVM_READY of the first epoch */
    BK_SECOND,       /* auto: SVM_READY (Remus) or SVM_RESUMED (COLO) */
    BK_REMUS,        /* SVM_READY */
    BK_RESUMED, BK_SUSPENDED, BK_DIRTY, BK_READY,    /* COLO, in turn */
    BK_NOTHING,      /* plain: no CHECKPOINT_STATE at all */
};

/* The largest head that a body's check collects: HVM_PARAMS whole. */
#define SR_HEAD_MAX (8u + 16u * WIRE_HVM_PARAMS_NR)
#define SR_UNIT_MAX 16u

struct sr_validator;

/*
 * How a body is checked: @head octets are collected (0 with @whole: all of
 * it), the rest goes to @each in units; @end is called with all of it seen.
 */
struct body_check {
    bool whole;
    uint32_t head, unit;
    enum sr_rule (*each)(struct sr_validator *v, const uint8_t *unit);
    enum sr_rule (*end)(struct sr_validator *v);
};

struct sr_validator {
    enum sr_direction direction;
    enum wire_layer first;
    enum sr_mode mode;
    struct sr_where at;
    struct sr_fault fault;

    enum phase phase;
    enum back back;
    bool checkpointed;      /* a libxc CHECKPOINT was seen */
    bool new_seen;          /* NEW came in this gap between epochs */
    bool released;          /* RELEASE or GONE was read */
    uint32_t xl_flags;

    uint32_t guest_type, libxc_version;
    uint64_t epoch;         /* complete epochs */
    int rank;               /* of the libxc records in this epoch */
    uint32_t in_stream;     /* libxc types seen, as bits */
    uint32_t in_epoch;
    uint32_t libxl_in_epoch;
    bool pages_seen;        /* PAGE_DATA, anywhere in the stream */
    uint32_t p2m_width;
    bool vcpu_seen;         /* in this epoch */
    uint32_t vcpu;
    int vcpu_step;

    const struct body_check *check;    /* of this body; NULL: none */
    bool in_pages;          /* the body is PAGE_DATA, its list not complete */
    enum sr_rule pending;   /* the first rule that a unit broke */
    bool in_key;            /* EMULATOR_XENSTORE_DATA */
    uint32_t string_length;
    uint32_t body_length;
    uint32_t head_want, head_used, unit_used;
    uint8_t head[SR_HEAD_MAX];
    uint8_t unit[SR_UNIT_MAX];
    struct sr_pages pages;
};

/*
 * The place of the record v->at, before its body; and what its end changes.
 * Each returns the first rule that is broken, or SR_RULE_NONE.
 */
enum sr_rule sr_libxl_begin(struct sr_validator *v);
enum sr_rule sr_libxl_end(struct sr_validator *v);
enum sr_rule sr_libxc_header(struct sr_validator *v,
                             const struct sr_item *item);
enum sr_rule sr_libxc_begin(struct sr_validator *v);
enum sr_rule sr_libxc_end(struct sr_validator *v);
/* An optional record, in either layer and direction. */
enum sr_rule sr_optional_begin(const struct sr_validator *v);
/* Where PAGE_DATA may stand; it doesn't begin an epoch. */
bool sr_takes_pages(const struct sr_validator *v);
/* Every epoch's own state is forgotten. */
void sr_libxc_next_epoch(struct sr_validator *v);

void sr_body_begin(struct sr_validator *v, uint32_t body_length);
/* Only PAGE_DATA lists fail here; *data goes with xl's optional data, too. */
enum sr_rule sr_body_span(struct sr_validator *v, const uint8_t *data,
                          size_t size);
enum sr_rule sr_body_end(struct sr_validator *v);
/* xl's optional data as a body. */
void sr_body_begin_xl(struct sr_validator *v, uint32_t length);

#endif
