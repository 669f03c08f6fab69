/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Names and length bounds of everything in format.h, for messages, listings
 * and the reader. Pure look-ups: constant strings, no allocation. Every name
 * function returns "unknown" for what isn't in its list, never NULL.
 */
#ifndef XC_WIRE_NAMES_H
#define XC_WIRE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "format.h"

struct wire_record_info {
    uint32_t type;
    const char *name;    /* as in the specification, e.g. "PAGE_DATA" */
    uint32_t min;        /* octets of body */
    uint32_t max;
    uint32_t unit;       /* (length - min) is a multiple of it */
};

/*
 * The record's row of the list of @layer, or of our optional records (which
 * are the same in both layers); NULL when @type isn't listed. WIRE_XL has no
 * records.
 */
const struct wire_record_info *wire_record_info(enum wire_layer layer,
                                                uint32_t type);
/* True for every type with bit 31, known or not. */
static inline bool wire_is_optional(uint32_t type)
{
    return (type & WIRE_OPTIONAL_BIT) != 0;
}

const char *wire_layer_name(enum wire_layer layer);       /* "libxl" */
const char *wire_record_name(enum wire_layer layer, uint32_t type);
const char *wire_state_name(uint32_t control_id);         /* "SVM_READY" */
const char *wire_keeper_name(uint32_t keeper);            /* "secondary" */
const char *wire_emulator_name(uint32_t emulator_id);     /* "qemu-upstream" */
const char *wire_guest_name(uint32_t guest_type);         /* "x86 HVM" */
const char *wire_page_type_name(uint32_t page_type);      /* "L4_PIN" */
const char *wire_hvm_param_name(uint64_t index);          /* "STORE_PFN" */

/* Page types: 0-4 and 9-0xf are valid; of these 0xd-0xf have no data. */
bool wire_page_type_valid(uint32_t page_type);
bool wire_page_type_has_data(uint32_t page_type);
bool wire_page_type_in_hvm(uint32_t page_type);

#endif
