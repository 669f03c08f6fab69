/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Faults: look-up of rules and the one line that reports a broken one.
 */
#include "fault.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "names.h"

const struct sr_rule_info *sr_rule_info(enum sr_rule rule)
{
#define ROW(name, id, section, sentence) \
    [SR_RULE_##name] = { id, section, sentence },
    static const struct sr_rule_info rows[SR_RULES_NR] = { SR_RULES(ROW) };
#undef ROW

    assert(rule > SR_RULE_NONE && rule < SR_RULES_NR);
    return &rows[rule];
}

static int code_of(enum sr_rule rule)
{
    switch (rule) {
    case SR_RULE_XL_OPTIONAL_LIMIT:
    case SR_RULE_LIBXL_LIMIT:
    case SR_RULE_LIBXC_LIMIT:
    case SR_RULE_PAGES_LIMIT:
        return ERR_LIMIT;
    default:
        return ERR_FORMAT;
    }
}

int sr_fault_again(const struct sr_fault *f, struct err *e)
{
    char record[64] = "";

    if (f->record_number)
        snprintf(record, sizeof(record), " record %" PRIu64 " type 0x%"
                 PRIx32 " (%s)", f->record_number, f->type,
                 wire_record_name(f->layer, f->type));
    return err_set(e, code_of(f->id),
                   "offset %" PRIu64 ": %s%s: broken rule: %s [%s, see %s]",
                   f->offset, wire_layer_name(f->layer), record, f->text,
                   f->rule, f->section);
}

int sr_fault_set(struct sr_fault *f, struct err *e, enum sr_rule rule,
                 const struct sr_where *w, const char *fmt, ...)
{
    const struct sr_rule_info *info = sr_rule_info(rule);
    va_list ap;

    memset(f, 0, sizeof(*f));
    f->id = rule;
    f->offset = w->offset;
    f->layer = w->layer;
    f->record_number = w->record_number;
    f->type = w->type;
    f->rule = info->id;
    f->section = info->section;
    if (fmt) {
        va_start(ap, fmt);
        vsnprintf(f->text, sizeof(f->text), fmt, ap);
        va_end(ap);
    } else {
        snprintf(f->text, sizeof(f->text), "%s", info->sentence);
    }
    return sr_fault_again(f, e);
}
