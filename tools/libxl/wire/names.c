/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Names and bounds, expanded from the lists in format.h. Pure look-ups,
 * called for every record by the reader, and by whoever words a message.
 */
#include "names.h"

#include <stddef.h>

#define ROW(n, v, lo, hi, u) \
    { .type = (v), .name = #n, .min = (lo), .max = (hi), .unit = (u) },
/* Mandatory types are dense from 0: a type is its row. */
static const struct wire_record_info libxl_rows[] = {
    WIRE_LIBXL_RECORDS(ROW)
};
static const struct wire_record_info libxc_rows[] = {
    WIRE_LIBXC_RECORDS(ROW)
};
/* Ours are dense from WIRE_OPTIONAL_BIT + 1. */
static const struct wire_record_info optional_rows[] = {
    WIRE_OPTIONAL_RECORDS(ROW)
};
#undef ROW

#define NR(a) (sizeof(a) / sizeof((a)[0]))

#define CHECK(n, v, lo, hi, u) + ((v) < NR(libxl_rows))
_Static_assert((WIRE_LIBXL_RECORDS(CHECK)) == NR(libxl_rows), "dense");
#undef CHECK
#define CHECK(n, v, lo, hi, u) + ((v) < NR(libxc_rows))
_Static_assert((WIRE_LIBXC_RECORDS(CHECK)) == NR(libxc_rows), "dense");
#undef CHECK

const struct wire_record_info *wire_record_info(enum wire_layer layer,
                                                uint32_t type)
{
    if (layer != WIRE_LIBXL && layer != WIRE_LIBXC)
        return NULL;
    if (wire_is_optional(type)) {
        type -= WIRE_OPT_HEARTBEAT;
        return type < NR(optional_rows) ? &optional_rows[type] : NULL;
    }
    if (layer == WIRE_LIBXL)
        return type < NR(libxl_rows) ? &libxl_rows[type] : NULL;
    return type < NR(libxc_rows) ? &libxc_rows[type] : NULL;
}

static const char *or_unknown(const char *const *names, size_t nr,
                              uint64_t i)
{
    return i < nr && names[i] ? names[i] : "unknown";
}

const char *wire_layer_name(enum wire_layer layer)
{
    static const char *const names[] = {
        [WIRE_XL] = "xl", [WIRE_LIBXL] = "libxl", [WIRE_LIBXC] = "libxc",
    };

    return or_unknown(names, NR(names), layer);
}

const char *wire_record_name(enum wire_layer layer, uint32_t type)
{
    const struct wire_record_info *row = wire_record_info(layer, type);

    return row ? row->name : "unknown";
}

const char *wire_state_name(uint32_t control_id)
{
#define NAME(n, v, p) [v] = #n,
    static const char *const names[] = { WIRE_STATES(NAME) };
#undef NAME

    return or_unknown(names, NR(names), control_id);
}

const char *wire_keeper_name(uint32_t keeper)
{
    static const char *const names[] = {
        [WIRE_KEEPER_PRIMARY] = "primary",
        [WIRE_KEEPER_SECONDARY] = "secondary",
    };

    return or_unknown(names, NR(names), keeper);
}

const char *wire_emulator_name(uint32_t emulator_id)
{
    static const char *const names[] = {
        [WIRE_EMULATOR_UNKNOWN] = "unknown",
        [WIRE_EMULATOR_QEMU_TRADITIONAL] = "qemu-traditional",
        [WIRE_EMULATOR_QEMU_UPSTREAM] = "qemu-upstream",
    };

    return or_unknown(names, NR(names), emulator_id);
}

const char *wire_guest_name(uint32_t guest_type)
{
    static const char *const names[] = {
        [WIRE_GUEST_PV] = "x86 PV", [WIRE_GUEST_HVM] = "x86 HVM",
    };

    return or_unknown(names, NR(names), guest_type);
}

const char *wire_page_type_name(uint32_t page_type)
{
#define NAME(n, v, d, h) [v] = #n,
    static const char *const names[] = { WIRE_PAGE_TYPES(NAME) };
#undef NAME

    return or_unknown(names, NR(names), page_type);
}

const char *wire_hvm_param_name(uint64_t index)
{
#define NAME(n, v) [v] = #n,
    static const char *const names[] = { WIRE_HVM_PARAMS(NAME) };
#undef NAME

    return or_unknown(names, NR(names), index);
}

/* Page types as sets of bits, one for each type. */
#define VALID(n, v, d, h) | 1u << (v)
#define DATA(n, v, d, h)  | (unsigned)(d) << (v)
#define HVM(n, v, d, h)   | (unsigned)(h) << (v)

bool wire_page_type_valid(uint32_t page_type)
{
    return page_type < 16 && ((0u WIRE_PAGE_TYPES(VALID)) >> page_type & 1);
}

bool wire_page_type_has_data(uint32_t page_type)
{
    return page_type < 16 && ((0u WIRE_PAGE_TYPES(DATA)) >> page_type & 1);
}

bool wire_page_type_in_hvm(uint32_t page_type)
{
    return page_type < 16 && ((0u WIRE_PAGE_TYPES(HVM)) >> page_type & 1);
}
