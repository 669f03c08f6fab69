/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The validator's front: takes the reader's items, asks the layers' files,
 * makes the fault. Judges the end of a stream.
 */
#include "validator.h"

#include <stdlib.h>

#include "validator_int.h"

_Static_assert(sizeof(struct sr_validator) <= 512 * 1024, "as promised");
_Static_assert(sizeof(struct sr_reader) <= 1024, "as promised");

struct sr_validator *sr_validator_new(enum sr_direction direction,
                                      enum wire_layer first,
                                      enum sr_mode mode)
{
    struct sr_validator *v = calloc(1, sizeof(*v));

    if (v) {
        v->direction = direction;
        v->first = first;
        v->mode = mode;
        v->back = mode == SR_MODE_PLAIN ? BK_NOTHING : BK_FIRST;
    }
    return v;
}

void sr_validator_free(struct sr_validator *v)
{
    free(v);
}

const struct sr_fault *sr_validator_fault(const struct sr_validator *v)
{
    return v->fault.id == SR_RULE_NONE ? NULL : &v->fault;
}

enum sr_mode sr_validator_mode(const struct sr_validator *v)
{
    return v->mode;
}

static void at_header(struct sr_validator *v, const struct sr_item *item)
{
    v->at.offset = item->offset;
    v->at.layer = item->layer;
    v->at.record_number = 0;
    v->at.type = SR_TYPE_NONE;
}

static enum sr_rule begin_record(struct sr_validator *v,
                                 const struct sr_item *item)
{
    enum sr_rule rule;

    v->at.offset = item->record_offset;
    v->at.layer = item->layer;
    v->at.record_number = item->record_number;
    v->at.type = item->type;
    if (v->released && !wire_is_optional(item->type))
        return SR_RULE_RELEASE_FINAL;
    if (v->direction == SR_BACK || item->layer == WIRE_LIBXL)
        rule = sr_libxl_begin(v);
    else
        rule = sr_libxc_begin(v);
    sr_body_begin(v, item->body_length);
    return rule;
}

static enum sr_rule end_record(struct sr_validator *v)
{
    enum sr_rule rule = sr_body_end(v);

    if (rule != SR_RULE_NONE)
        return rule;
    if (v->direction == SR_BACK || v->at.layer == WIRE_LIBXL ||
        wire_is_optional(v->at.type))
        return sr_libxl_end(v);
    return sr_libxc_end(v);
}

static enum sr_rule optional_data(struct sr_validator *v,
                                  const struct sr_item *item)
{
    sr_body_span(v, item->data, item->size);
    if (item->body_offset + item->size < item->body_length)
        return SR_RULE_NONE;
    return sr_body_end(v);
}

static enum sr_rule check(struct sr_validator *v, const struct sr_item *item)
{
    switch (item->kind) {
    case SR_XL_HEADER:
        at_header(v, item);
        v->xl_flags = item->u.xl.mandatory_flags;
        sr_body_begin_xl(v, item->u.xl.optional_len);
        return SR_RULE_NONE;
    case SR_XL_DATA:
        return optional_data(v, item);
    case SR_LIBXL_HEADER:
        at_header(v, item);
        return SR_RULE_NONE;
    case SR_LIBXC_HEADER:
        at_header(v, item);
        return sr_libxc_header(v, item);
    case SR_RECORD:
        return begin_record(v, item);
    case SR_BODY:
        return sr_body_span(v, item->data, item->size);
    case SR_RECORD_END:
        return end_record(v);
    default:
        return SR_RULE_NONE;
    }
}

int sr_validator_item(struct sr_validator *v, const struct sr_item *item,
                      struct err *e)
{
    enum sr_rule rule;

    if (v->fault.id != SR_RULE_NONE)
        return sr_fault_again(&v->fault, e);
    rule = check(v, item);
    if (rule == SR_RULE_NONE)
        return 0;
    return sr_fault_set(&v->fault, e, rule, &v->at, NULL);
}

static const char *note_of(const struct sr_cut *cut)
{
    if (cut->epochs == 0)
        return "cut off before the first checkpoint was complete";
    if (cut->epoch_open)
        return "cut off inside an epoch, after a complete checkpoint";
    return "cut off right after a complete checkpoint";
}

int sr_validator_finish(struct sr_validator *v, const struct sr_reader *r,
                        bool complete, const char **note_r, struct err *e)
{
    struct sr_cut cut = sr_reader_eof(r);
    bool checkpointed = cut.checkpointed || v->mode == SR_MODE_REMUS ||
                        v->mode == SR_MODE_COLO;

    *note_r = NULL;
    if (v->fault.id == SR_RULE_NONE && sr_reader_fault(r))
        v->fault = *sr_reader_fault(r);
    if (v->fault.id != SR_RULE_NONE)
        return sr_fault_again(&v->fault, e);
    if (cut.at == SR_CUT_END)
        return 0;
    if (v->released && v->mode != SR_MODE_PLAIN)
        checkpointed = true;
    if (cut.at == SR_CUT_INSIDE || !checkpointed)
        return sr_fault_set(&v->fault, e, SR_RULE_TRUNCATED, &cut.where,
                            NULL);
    if (v->released)
        return 0;
    if (complete)
        return sr_fault_set(&v->fault, e, SR_RULE_INCOMPLETE, &cut.where,
                            NULL);
    if (v->direction == SR_FORWARD)    /* a back channel has no end */
        *note_r = note_of(&cut);
    return 0;
}
