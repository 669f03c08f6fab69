/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Reader and validator together, and the recognition of the outermost layer.
 */
#include "checker.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "names.h"

#define FIRST_OCTETS 8u

/* What is none of them is xl. */
static const enum wire_layer layers[] = {
    [SR_OUTER_AUTO] = WIRE_XL, [SR_OUTER_XL] = WIRE_XL,
    [SR_OUTER_LIBXL] = WIRE_LIBXL, [SR_OUTER_LIBXC] = WIRE_LIBXC,
};

struct sr_checker {
    struct sr_checker_conf conf;
    struct sr_reader reader;
    struct sr_validator *validator;    /* NULL: not recognized yet */
    struct sr_tally tally;
    struct sr_fault direction;         /* of the first octets */
    uint8_t first[FIRST_OCTETS];
    uint32_t first_used;
};

static int start(struct sr_checker *c, enum wire_layer layer, struct err *e)
{
    c->tally.outermost = layer;
    sr_reader_init(&c->reader, c->conf.direction, layer);
    c->validator = sr_validator_new(c->conf.direction, layer, c->conf.mode);
    return c->validator ? 0 : err_set(e, ERR_NOMEM, "no memory for a check");
}

struct sr_checker *sr_checker_new(const struct sr_checker_conf *conf)
{
    struct sr_checker *c = calloc(1, sizeof(*c));

    if (c)
        c->conf = *conf;
    return c;
}

void sr_checker_free(struct sr_checker *c)
{
    if (!c)
        return;
    sr_validator_free(c->validator);
    free(c);
}

/* The public errata's records without content. */
static bool is_empty(const struct sr_item *it)
{
    switch (it->type) {
    case WIRE_LIBXC_HVM_PARAMS:
    case WIRE_LIBXC_X86_PV_VCPU_EXTENDED:
    case WIRE_LIBXC_X86_PV_VCPU_XSAVE:
    case WIRE_LIBXC_X86_PV_VCPU_MSRS:
        return it->body_length == 8;
    default:
        return false;
    }
}

static void count(struct sr_checker *c, const struct sr_item *it)
{
    if (it->kind == SR_LIBXC_HEADER)
        c->tally.guest_type = it->u.libxc.guest_type;
    if (it->kind == SR_RECORD_END && it->type == WIRE_OPT_ZERO_PAGES)
        c->tally.pages += it->first_word;
    if (it->kind != SR_RECORD_END || it->layer != WIRE_LIBXC)
        return;
    if (is_empty(it))
        c->tally.empty++;
    if (it->type == WIRE_LIBXC_PAGE_DATA)
        c->tally.pages += it->first_word;
    else if (it->type == WIRE_LIBXC_CHECKPOINT)
        c->tally.checkpointed = true;
}

static int take(struct sr_checker *c, const uint8_t *data, size_t size,
                struct err *e)
{
    struct sr_item it;
    int rc;

    do {
        rc = sr_reader_next(&c->reader, &data, &size, &it, e);
        if (!rc)
            rc = sr_validator_item(c->validator, &it, e);
        if (rc)
            return rc;
        count(c, &it);
        if (c->conf.item)
            c->conf.item(c->conf.ctx, &it);
    } while (it.kind != SR_NEED_MORE || size);
    return 0;
}

static enum wire_layer recognize(const uint8_t *first)
{
    if (get_be64(first) == WIRE_LIBXL_IDENT)
        return WIRE_LIBXL;
    return get_be64(first) == WIRE_LIBXC_MARKER ? WIRE_LIBXC : WIRE_XL;
}

static bool looks_forward(const uint8_t *first)
{
    return !memcmp(first, WIRE_XL_MAGIC, FIRST_OCTETS) ||
           recognize(first) != WIRE_XL;
}

/* A record header with which a back channel may begin. */
static bool looks_back(const uint8_t *first)
{
    uint32_t type = get_le32(first);
    const struct wire_record_info *info = wire_record_info(WIRE_LIBXL, type);

    return info &&
        (type == WIRE_LIBXL_CHECKPOINT_STATE || wire_is_optional(type)) &&
        sr_length_fits(info, get_le32(first + 4));
}

/* The outermost layer as far as the caller said it. */
static enum wire_layer told_layer(const struct sr_checker *c)
{
    return c->conf.direction == SR_BACK ? WIRE_LIBXL
                                        : layers[c->conf.outermost];
}

/* The first octets are there: which way do they go, and what are they? */
static int begin(struct sr_checker *c, struct err *e)
{
    const char *told = sr_rule_info(SR_RULE_DIRECTION)->sentence;
    bool back = c->conf.direction == SR_BACK;
    struct sr_where at = { .type = SR_TYPE_NONE };
    enum wire_layer layer = told_layer(c);

    if (!back && c->conf.outermost == SR_OUTER_AUTO)
        layer = recognize(c->first);
    at.layer = layer;
    if (back && looks_forward(c->first))
        return sr_fault_set(&c->direction, e, SR_RULE_DIRECTION, &at,
                            "%s; this looks like a forward stream (%s), not "
                            "like a back channel", told,
                            wire_layer_name(recognize(c->first)));
    if (!back && looks_back(c->first))
        return sr_fault_set(&c->direction, e, SR_RULE_DIRECTION, &at,
                            "%s; this looks like a back channel, not like a "
                            "forward stream", told);
    return start(c, layer, e);
}

int sr_checker_feed(struct sr_checker *c, const uint8_t *data, size_t size,
                    struct err *e)
{
    size_t n = FIRST_OCTETS - c->first_used;
    int rc;

    if (c->direction.id != SR_RULE_NONE)
        return sr_fault_again(&c->direction, e);
    if (c->validator)
        return take(c, data, size, e);
    if (n > size)
        n = size;
    if (n)
        memcpy(c->first + c->first_used, data, n);
    c->first_used += (uint32_t)n;
    if (c->first_used < FIRST_OCTETS)
        return 0;
    rc = begin(c, e);
    if (!rc)
        rc = take(c, c->first, FIRST_OCTETS, e);
    return rc ? rc : take(c, data + n, size - n, e);
}

int sr_checker_finish(struct sr_checker *c, bool complete,
                      const char **note_r, struct err *e)
{
    int rc;

    *note_r = NULL;
    if (c->direction.id != SR_RULE_NONE)
        return sr_fault_again(&c->direction, e);
    if (!c->validator) {
        rc = start(c, told_layer(c), e);
        if (!rc)
            rc = take(c, c->first, c->first_used, e);
        if (rc)
            return rc;
    }
    return sr_validator_finish(c->validator, &c->reader, complete, note_r,
                               e);
}

const struct sr_fault *sr_checker_fault(const struct sr_checker *c)
{
    const struct sr_fault *f = c->validator ?
                               sr_validator_fault(c->validator) : NULL;

    if (c->direction.id != SR_RULE_NONE)
        return &c->direction;
    return f ? f : sr_reader_fault(&c->reader);
}

struct sr_tally sr_checker_tally(const struct sr_checker *c)
{
    struct sr_tally t = c->tally;

    t.octets = sr_reader_offset(&c->reader);
    t.epochs = sr_reader_eof(&c->reader).epochs;
    return t;
}

enum sr_mode sr_checker_mode(const struct sr_checker *c)
{
    return c->validator ? sr_validator_mode(c->validator) : c->conf.mode;
}
