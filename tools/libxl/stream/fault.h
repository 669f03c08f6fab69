/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What is wrong with a stream, and where: the record that reader, page
 * decoder and validator fill, and the functions that make it. Never prints.
 */
#ifndef XC_STREAM_FAULT_H
#define XC_STREAM_FAULT_H

#include <stdint.h>

#include "err.h"
#include "format.h"
#include "rules.h"

#define SR_TYPE_NONE   0xffffffffu    /* not in a record: a header, say */
#define SR_FAULT_TEXT  160

struct sr_fault {
    enum sr_rule id;           /* SR_RULE_NONE: there is no fault */
    uint64_t offset;           /* of the record or header; with layer and
                                  number the same for everyone who checks */
    enum wire_layer layer;
    uint64_t record_number;    /* in its layer, from 1; 0 in a header */
    uint32_t type;             /* SR_TYPE_NONE in a header; a record may
                                  have that type, too */
    const char *rule;          /* e.g. "libxc-static-data-end-missing" */
    const char *section;       /* of docs/specs, e.g. "libxc: PAGE_DATA" */
    char text[SR_FAULT_TEXT];  /* the rule's sentence, or with values */
};

/* Where something is in a stream; filled by the reader. */
struct sr_where {
    uint64_t offset;
    enum wire_layer layer;
    uint64_t record_number;
    uint32_t type;
};

/*
 * Fill @f for @rule at @w, the text from @fmt (NULL: the rule's sentence),
 * and @e (may be NULL) with one line naming all of it. Returns the code:
 * ERR_LIMIT for rules about limits, else ERR_FORMAT. f->layer is the layer
 * of @w.
 */
int sr_fault_set(struct sr_fault *f, struct err *e, enum sr_rule rule,
                 const struct sr_where *w, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Put the line for a fault that is set into @e again; returns its code. */
int sr_fault_again(const struct sr_fault *f, struct err *e);

#endif
