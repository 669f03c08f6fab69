/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The incremental reader. A state says what is being collected (a header, a
 * body, padding), a position says which layer the next record belongs to.
 * Whatever is collected whole lies in the caller's buffer if it is all there,
 * else in the scratch of 48 octets. Never allocates, never copies a body.
 */
#include "reader.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "names.h"
#include "reader_headers.h"

enum state {
    ST_XL_HEADER, ST_XL_DATA, ST_LIBXL_HEADER, ST_LIBXC_HEADER,
    ST_RECORD, ST_BODY, ST_PADDING, ST_END, ST_DONE, ST_FAILED,
};

enum position {
    POS_LIBXL,
    POS_LIBXC,
    POS_BETWEEN,      /* after CHECKPOINT_END: CHECKPOINT_STATE or libxc */
    POS_BACK,         /* libxl, but for CHECKPOINT_DIRTY_PFN_LIST */
};

void sr_reader_init(struct sr_reader *r, enum sr_direction direction,
                    enum wire_layer first)
{
    memset(r, 0, sizeof(*r));
    r->direction = direction;
    r->first = direction == SR_BACK ? WIRE_LIBXL : first;
    if (direction == SR_BACK) {
        r->state = ST_RECORD;
        r->position = POS_BACK;
        r->checkpointed = true;
    } else {
        r->state = first == WIRE_XL ? ST_XL_HEADER
                 : first == WIRE_LIBXL ? ST_LIBXL_HEADER : ST_LIBXC_HEADER;
        r->position = first == WIRE_LIBXC ? POS_LIBXC : POS_LIBXL;
    }
}

const struct sr_fault *sr_reader_fault(const struct sr_reader *r)
{
    return r->fault.id == SR_RULE_NONE ? NULL : &r->fault;
}

bool sr_reader_at_boundary(const struct sr_reader *r)
{
    return r->state == ST_RECORD && r->scratch_used == 0;
}

/* The layer of what comes next; @type is SR_TYPE_NONE while unknown. */
static enum wire_layer layer_of(const struct sr_reader *r, uint32_t type)
{
    switch (r->position) {
    case POS_LIBXC:
        return WIRE_LIBXC;
    case POS_BETWEEN:
        /* No epoch of libxc's begins with its own type 5. */
        return wire_is_optional(type) || type == WIRE_LIBXL_CHECKPOINT_STATE
               ? WIRE_LIBXL : WIRE_LIBXC;
    case POS_BACK:
        /* No libxl record has this type: it can stand out of place, too. */
        return type == WIRE_LIBXC_CHECKPOINT_DIRTY_PFN_LIST ? WIRE_LIBXC
                                                            : WIRE_LIBXL;
    default:
        return WIRE_LIBXL;
    }
}

struct sr_cut sr_reader_eof(const struct sr_reader *r)
{
    struct sr_cut cut = {
        .checkpointed = r->checkpointed, .epoch_open = r->epoch_open,
        .epochs = r->epochs, .where = r->at,
    };

    if (r->state == ST_END || r->state == ST_DONE)
        cut.at = SR_CUT_END;
    else if (sr_reader_at_boundary(r))
        cut.at = SR_CUT_BETWEEN;
    else
        cut.at = SR_CUT_INSIDE;
    if (r->state <= ST_RECORD) {
        cut.where.offset = r->state == ST_XL_DATA ? 0 :
                           r->offset - r->scratch_used;
        cut.where.layer = r->state <= ST_XL_DATA ? WIRE_XL
                        : r->state == ST_LIBXL_HEADER ? WIRE_LIBXL
                        : r->state == ST_LIBXC_HEADER ? WIRE_LIBXC
                        : layer_of(r, SR_TYPE_NONE);
        cut.where.record_number = 0;
        cut.where.type = SR_TYPE_NONE;
    }
    return cut;
}

static int fail(struct sr_reader *r, struct err *e, enum sr_rule rule)
{
    r->state = ST_FAILED;
    return sr_fault_set(&r->fault, e, rule, &r->at, NULL);
}

/*
 * Collect @need octets (at most the scratch) into item->data. True when they
 * are there; false when the cursor ran out, with the item SR_NEED_MORE.
 */
static bool collect(struct sr_reader *r, const uint8_t **data, size_t *size,
                    uint32_t need, struct sr_item *item)
{
    uint32_t n = need - r->scratch_used;

    assert(need <= sizeof(r->scratch));
    if (r->scratch_used == 0 && *size >= need) {
        item->data = *data;
    } else {
        n = *size < n ? (uint32_t)*size : n;
        if (n)
            memcpy(r->scratch + r->scratch_used, *data, n);
        r->scratch_used += n;
        item->data = r->scratch;
    }
    if (n) {
        *data += n;
        *size -= n;
        r->offset += n;
    }
    if (item->data == r->scratch && r->scratch_used < need) {
        item->data = NULL;
        return false;
    }
    r->scratch_used = 0;
    item->size = need;
    item->offset = r->offset - need;
    return true;
}

static void at_header(struct sr_reader *r, enum wire_layer layer,
                      struct sr_item *item)
{
    item->layer = layer;
    r->at.layer = layer;
    r->at.offset = item->offset;
    r->at.record_number = 0;
    r->at.type = SR_TYPE_NONE;
}

static int next_header(struct sr_reader *r, const uint8_t **data,
                       size_t *size, struct sr_item *item, struct err *e)
{
    enum sr_rule rule;

    switch (r->state) {
    case ST_XL_HEADER:
        if (!collect(r, data, size, WIRE_XL_HEADER_SIZE, item))
            return 0;
        at_header(r, WIRE_XL, item);
        item->kind = SR_XL_HEADER;
        rule = sr_parse_xl_header(item);
        r->body_length = r->body_left = item->u.xl.optional_len;
        r->state = r->body_left ? ST_XL_DATA : ST_LIBXL_HEADER;
        break;
    case ST_LIBXL_HEADER:
        if (!collect(r, data, size, WIRE_LIBXL_HEADER_SIZE, item))
            return 0;
        at_header(r, WIRE_LIBXL, item);
        item->kind = SR_LIBXL_HEADER;
        rule = sr_parse_libxl_header(item);
        r->state = ST_RECORD;
        break;
    default:
        if (!collect(r, data, size, WIRE_LIBXC_HEADER_SIZE, item))
            return 0;
        at_header(r, WIRE_LIBXC, item);
        item->kind = SR_LIBXC_HEADER;
        rule = sr_parse_libxc_header(item);
        r->position = POS_LIBXC;
        r->state = ST_RECORD;
        break;
    }
    return rule == SR_RULE_NONE ? 0 : fail(r, e, rule);
}

/* As fail(), with the length that the record has. */
static int fail_length(struct sr_reader *r, struct err *e, enum sr_rule rule)
{
    r->state = ST_FAILED;
    return sr_fault_set(&r->fault, e, rule, &r->at,
                        "%s; it is %" PRIu32 " here",
                        sr_rule_info(rule)->sentence, r->body_length);
}

static enum sr_rule check_length(const struct sr_reader *r)
{
    bool xl = r->at.layer == WIRE_LIBXL;
    uint32_t length = r->body_length;
    const struct wire_record_info *info;

    if (length > WIRE_BODY_MAX)
        return xl ? SR_RULE_LIBXL_LIMIT : SR_RULE_LIBXC_LIMIT;
    info = wire_record_info(r->at.layer, r->at.type);
    if (!info) {
        if (wire_is_optional(r->at.type))
            return SR_RULE_NONE;
        return xl ? SR_RULE_LIBXL_TYPE : SR_RULE_LIBXC_TYPE;
    }
    if (sr_length_fits(info, length))
        return SR_RULE_NONE;
    if (wire_is_optional(r->at.type))
        return SR_RULE_OPTIONAL_LENGTH;
    return xl ? SR_RULE_LIBXL_LENGTH : SR_RULE_LIBXC_LENGTH;
}

static void put_record(const struct sr_reader *r, struct sr_item *item)
{
    item->layer = r->at.layer;
    item->record_number = r->at.record_number;
    item->record_offset = r->at.offset;
    item->type = r->at.type;
    item->body_length = r->body_length;
}

static int next_record(struct sr_reader *r, const uint8_t **data,
                       size_t *size, struct sr_item *item, struct err *e)
{
    enum sr_rule rule;

    if (!collect(r, data, size, WIRE_RECORD_HEADER_SIZE, item))
        return 0;
    r->at.type = get_le32(item->data);
    r->body_length = r->body_left = get_le32(item->data + 4);
    r->at.layer = layer_of(r, r->at.type);
    r->at.offset = item->offset;
    r->at.record_number = ++r->numbers[r->at.layer];
    rule = check_length(r);
    if (rule == SR_RULE_LIBXL_TYPE || rule == SR_RULE_LIBXC_TYPE)
        return fail(r, e, rule);
    if (rule != SR_RULE_NONE)
        return fail_length(r, e, rule);
    item->kind = SR_RECORD;
    put_record(r, item);
    r->first_word = 0;
    r->state = r->body_left ? ST_BODY : ST_PADDING;
    if (r->direction == SR_FORWARD && !wire_is_optional(r->at.type))
        r->epoch_open = true;
    return 0;
}

static int next_span(struct sr_reader *r, const uint8_t **data, size_t *size,
                     struct sr_item *item)
{
    uint32_t n = *size < r->body_left ? (uint32_t)*size : r->body_left;
    uint32_t i, done = r->body_length - r->body_left;

    if (n == 0)
        return 0;
    if (r->state == ST_XL_DATA) {
        item->kind = SR_XL_DATA;
        item->layer = WIRE_XL;
        item->body_length = r->body_length;
    } else {
        item->kind = SR_BODY;
        put_record(r, item);
    }
    for (i = 0; i < n && done + i < 4; i++)
        r->first_word |= (uint32_t)(*data)[i] << 8 * (done + i);
    item->offset = r->offset;
    item->body_offset = done;
    item->data = *data;
    item->size = n;
    *data += n;
    *size -= n;
    r->offset += n;
    r->body_left -= n;
    if (r->body_left == 0)
        r->state = r->state == ST_XL_DATA ? ST_LIBXL_HEADER : ST_PADDING;
    return 0;
}

static void epoch_complete(struct sr_reader *r)
{
    if (r->checkpointed) {
        r->epochs++;
        r->epoch_open = false;
    }
}

static void after_back(struct sr_reader *r)
{
    if (r->at.type != WIRE_LIBXL_CHECKPOINT_STATE)
        return;    /* the list: 0xf, the only libxc record here */
    if (r->first_word == WIRE_STATE_SVM_SUSPENDED)
        r->epoch_open = true;
    else if (r->first_word == WIRE_STATE_SVM_READY)
        epoch_complete(r);
}

static void after_libxc(struct sr_reader *r)
{
    if (r->at.type == WIRE_LIBXC_CHECKPOINT) {
        r->checkpointed = true;
        if (r->first == WIRE_LIBXC)
            epoch_complete(r);
        else
            r->position = POS_LIBXL;
    } else if (r->at.type == WIRE_LIBXC_END) {
        if (r->first == WIRE_LIBXC)
            r->state = ST_END;
        else
            r->position = POS_LIBXL;
    } else {
        r->position = POS_LIBXC;    /* it may have been between epochs */
    }
}

/* A record is complete: what comes next? */
static void after_record(struct sr_reader *r)
{
    r->state = ST_RECORD;
    if (wire_is_optional(r->at.type))
        return;
    if (r->direction == SR_BACK) {
        after_back(r);
    } else if (r->at.layer == WIRE_LIBXC) {
        after_libxc(r);
    } else if (r->at.type == WIRE_LIBXL_LIBXC_CONTEXT) {
        r->state = ST_LIBXC_HEADER;
    } else if (r->at.type == WIRE_LIBXL_CHECKPOINT_END) {
        r->position = POS_BETWEEN;
        epoch_complete(r);
    } else if (r->at.type == WIRE_LIBXL_END) {
        r->state = ST_END;
    }
}

static int next_padding(struct sr_reader *r, const uint8_t **data,
                        size_t *size, struct sr_item *item, struct err *e)
{
    uint32_t i, need = WIRE_PADDING(r->body_length);

    if (!collect(r, data, size, need, item))
        return 0;
    for (i = 0; i < need; i++)
        if (item->data[i])
            return fail(r, e, r->at.layer == WIRE_LIBXL ?
                        SR_RULE_LIBXL_PADDING : SR_RULE_LIBXC_PADDING);
    item->kind = SR_RECORD_END;
    put_record(r, item);
    item->first_word = r->first_word;
    after_record(r);
    return 0;
}

static int next_end(struct sr_reader *r, size_t size, struct sr_item *item,
                    struct err *e)
{
    item->layer = r->first;
    item->offset = r->offset;
    if (r->state == ST_END) {
        item->kind = SR_STREAM_END;
        r->state = ST_DONE;
        return 0;
    }
    if (size == 0)
        return 0;
    at_header(r, r->first, item);
    return fail(r, e, SR_RULE_TRAILING);
}

int sr_reader_next(struct sr_reader *r, const uint8_t **data, size_t *size,
                   struct sr_item *item_r, struct err *e)
{
    memset(item_r, 0, sizeof(*item_r));
    switch (r->state) {
    case ST_XL_HEADER:
    case ST_LIBXL_HEADER:
    case ST_LIBXC_HEADER:
        return next_header(r, data, size, item_r, e);
    case ST_RECORD:
        return next_record(r, data, size, item_r, e);
    case ST_XL_DATA:
    case ST_BODY:
        return next_span(r, data, size, item_r);
    case ST_PADDING:
        return next_padding(r, data, size, item_r, e);
    case ST_FAILED:
        return sr_fault_again(&r->fault, e);
    default:
        return next_end(r, *size, item_r, e);
    }
}
