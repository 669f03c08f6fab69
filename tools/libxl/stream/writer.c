/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The put functions: each reserves room for a header or record, fills it, and
 * only then counts it in: a failure leaves the buffer as it was. Optional
 * records without pages are in writer_optional.c.
 */
#include "writer.h"

#include <string.h>

#include "bytes.h"
#include "names.h"
#include "writer_int.h"

int sr_put_xl_header(struct buf *b, const char *json, size_t length,
                     struct err *e)
{
    uint8_t *p;
    size_t optional;
    int rc;

    if (length > WIRE_XL_OPTIONAL_MAX - 5)
        return err_set(e, ERR_LIMIT, "config of %zu octets: at most %u",
                       length, WIRE_XL_OPTIONAL_MAX - 5);
    if (length && memchr(json, 0, length))
        return sr_put_bug(e, "NUL in the config");
    optional = 4 + length + 1;
    rc = buf_reserve(b, WIRE_XL_HEADER_SIZE + optional, &p, e);
    if (rc)
        return rc;
    memcpy(p, WIRE_XL_MAGIC, WIRE_XL_MAGIC_SIZE);
    put_le32(p + 32, WIRE_XL_BYTEORDER);
    put_le32(p + 36, WIRE_XL_FLAG_JSON | WIRE_XL_FLAG_V2);
    put_le32(p + 40, 0);
    put_le32(p + 44, (uint32_t)optional);
    put_le32(p + 48, (uint32_t)(length + 1));
    if (length)
        memcpy(p + 52, json, length);
    p[52 + length] = 0;
    b->size += WIRE_XL_HEADER_SIZE + optional;
    return 0;
}

int sr_put_libxl_header(struct buf *b, struct err *e)
{
    uint8_t *p;
    int rc = buf_reserve(b, WIRE_LIBXL_HEADER_SIZE, &p, e);

    if (rc)
        return rc;
    put_be64(p, WIRE_LIBXL_IDENT);
    put_be32(p + 8, WIRE_LIBXL_VERSION);
    put_be32(p + 12, 0);
    b->size += WIRE_LIBXL_HEADER_SIZE;
    return 0;
}

int sr_put_libxc_header(struct buf *b, uint32_t guest_type,
                        uint32_t xen_major, uint32_t xen_minor,
                        struct err *e)
{
    uint8_t *p;
    int rc;

    if (guest_type != WIRE_GUEST_PV && guest_type != WIRE_GUEST_HVM)
        return sr_put_bug(e, "unknown guest type");
    rc = buf_reserve(b, WIRE_LIBXC_HEADER_SIZE, &p, e);
    if (rc)
        return rc;
    memset(p, 0, WIRE_LIBXC_HEADER_SIZE);
    put_be64(p, WIRE_LIBXC_MARKER);
    put_be32(p + 8, WIRE_LIBXC_IDENT);
    put_be32(p + 12, WIRE_LIBXC_V3);
    p += WIRE_LIBXC_IMAGE_SIZE;
    put_le32(p, guest_type);
    put_le16(p + 4, WIRE_PAGE_SHIFT);
    put_le32(p + 8, xen_major);
    put_le32(p + 12, xen_minor);
    b->size += WIRE_LIBXC_HEADER_SIZE;
    return 0;
}

int sr_put_record_header(struct buf *b, uint32_t type, size_t length,
                         struct err *e)
{
    uint8_t *p;
    int rc;

    if (length > WIRE_BODY_MAX)
        return err_set(e, ERR_LIMIT, "record of %zu octets: at most %u",
                       length, WIRE_BODY_MAX);
    rc = buf_reserve(b, WIRE_RECORD_HEADER_SIZE, &p, e);
    if (rc)
        return rc;
    put_le32(p, type);
    put_le32(p + 4, (uint32_t)length);
    b->size += WIRE_RECORD_HEADER_SIZE;
    return 0;
}

int sr_put_begin(struct buf *b, uint32_t type, size_t length,
                 uint8_t **body_r, struct err *e)
{
    size_t pad = WIRE_PADDING(length);
    uint8_t *p;
    int rc;

    if (length > WIRE_BODY_MAX)
        return err_set(e, ERR_LIMIT, "record of %zu octets: at most %u",
                       length, WIRE_BODY_MAX);
    rc = buf_reserve(b, WIRE_RECORD_HEADER_SIZE + length + pad, &p, e);
    if (rc)
        return rc;
    put_le32(p, type);
    put_le32(p + 4, (uint32_t)length);
    *body_r = p + WIRE_RECORD_HEADER_SIZE;
    memset(*body_r + length, 0, pad);
    b->size += WIRE_RECORD_HEADER_SIZE + length + pad;
    return 0;
}

int sr_put_record(struct buf *b, uint32_t type, const void *body,
                  size_t length, struct err *e)
{
    uint8_t *p;
    int rc = sr_put_begin(b, type, length, &p, e);

    if (rc == 0 && length)
        memcpy(p, body, length);
    return rc;
}

int sr_put_state(struct buf *b, enum wire_state id, struct err *e)
{
    uint8_t *p;
    int rc = sr_put_begin(b, WIRE_LIBXL_CHECKPOINT_STATE, 4, &p, e);

    if (rc == 0)
        put_le32(p, id);
    return rc;
}

static int put_emulator(struct buf *b, uint32_t type, uint32_t id,
                        const void *blob, size_t length, size_t max,
                        struct err *e)
{
    uint8_t *p;
    int rc;

    if (id >= WIRE_EMULATORS_NR)
        return sr_put_bug(e, "unknown emulator id");
    if (length > max - 8)
        return err_set(e, ERR_LIMIT, "%s of %zu octets: at most %zu",
                       wire_record_name(WIRE_LIBXL, type), length, max - 8);
    rc = sr_put_begin(b, type, 8 + length, &p, e);
    if (rc)
        return rc;
    put_le32(p, id);
    put_le32(p + 4, 0);
    if (length)
        memcpy(p + 8, blob, length);
    return 0;
}

int sr_put_emulator_context(struct buf *b, uint32_t id, const void *blob,
                            size_t length, struct err *e)
{
    return put_emulator(b, WIRE_LIBXL_EMULATOR_CONTEXT, id, blob, length,
                        WIRE_BODY_MAX, e);
}

int sr_put_emulator_xenstore(struct buf *b, uint32_t id, const void *pairs,
                             size_t length, struct err *e)
{
    return put_emulator(b, WIRE_LIBXL_EMULATOR_XENSTORE_DATA, id, pairs,
                        length, WIRE_BODY_MAX, e);
}

/* Entries of the list; a pfn alone is an entry of type NOTAB. */
static int check_entries(const uint64_t *entries, size_t count,
                         size_t *data_r, struct err *e)
{
    size_t i, data = 0;
    uint32_t type;

    if (count == 0 || count > WIRE_PAGES_MAX)
        return sr_put_bug(e, "number of pages in a record out of range");
    for (i = 0; i < count; i++) {
        type = (uint32_t)(entries[i] >> WIRE_ENTRY_SHIFT);
        if (!wire_page_type_valid(type) ||
            (entries[i] & ~(0xfull << WIRE_ENTRY_SHIFT)) >= WIRE_PFN_END)
            return sr_put_bug(e, "page list entry out of range");
        data += wire_page_type_has_data(type);
    }
    *data_r = data;
    return 0;
}

static int check_pfns(const uint64_t *pfns, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (pfns[i] >= WIRE_PFN_END)
            return sr_put_bug(e, "pfn out of range");
    return 0;
}

static void put_longs(uint8_t *to, const uint64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_le64(to + 8 * i, v[i]);
}

int sr_put_page_entries_head(struct buf *b, const uint64_t *entries,
                             size_t count, size_t *data_r, struct err *e)
{
    size_t data = 0, body;
    uint8_t *p;
    int rc;

    rc = check_entries(entries, count, &data, e);
    if (rc)
        return rc;
    body = 8 + 8 * count + WIRE_PAGE_SIZE * data;
    if (body > WIRE_BODY_MAX)
        return sr_put_bug(e, "pages of a record pass its limit");
    rc = buf_reserve(b, sr_page_data_head_size(count), &p, e);
    if (rc)
        return rc;
    put_le32(p, WIRE_LIBXC_PAGE_DATA);
    put_le32(p + 4, (uint32_t)body);
    put_le32(p + 8, (uint32_t)count);
    put_le32(p + 12, 0);
    put_longs(p + 16, entries, count);
    b->size += sr_page_data_head_size(count);
    *data_r = data;
    return 0;
}

int sr_put_page_data_head(struct buf *b, const uint64_t *pfns, size_t count,
                          struct err *e)
{
    size_t data = 0;
    int rc = check_pfns(pfns, count, e);

    return rc ? rc : sr_put_page_entries_head(b, pfns, count, &data, e);
}

int sr_put_tsc_info(struct buf *b, const struct sr_tsc_info *t,
                    struct err *e)
{
    uint8_t *p;
    int rc = sr_put_begin(b, WIRE_LIBXC_X86_TSC_INFO, 24, &p, e);

    if (rc)
        return rc;
    put_le32(p, t->mode);
    put_le32(p + 4, t->khz);
    put_le64(p + 8, t->nsec);
    put_le32(p + 16, t->incarnation);
    put_le32(p + 20, 0);
    return 0;
}

int sr_put_hvm_params(struct buf *b, const struct sr_hvm_param *params,
                      size_t count, struct err *e)
{
    uint64_t seen = 0;
    uint8_t *p;
    size_t i;
    int rc;

    if (count == 0)
        return sr_put_bug(e, "no HVM params");
    for (i = 0; i < count; i++) {
        if (params[i].index >= WIRE_HVM_PARAMS_NR ||
            seen >> params[i].index & 1)
            return sr_put_bug(e, "HVM param index out of range, or twice");
        seen |= 1ull << params[i].index;
    }
    rc = sr_put_begin(b, WIRE_LIBXC_HVM_PARAMS, 8 + 16 * count, &p, e);
    if (rc)
        return rc;
    put_le32(p, (uint32_t)count);
    put_le32(p + 4, 0);
    for (i = 0; i < count; i++) {
        put_le64(p + 8 + 16 * i, params[i].index);
        put_le64(p + 16 + 16 * i, params[i].value);
    }
    return 0;
}

int sr_put_dirty_pfns(struct buf *b, const uint64_t *pfns, size_t count,
                      struct err *e)
{
    uint8_t *p;
    int rc;

    if (count > WIRE_BODY_MAX / 8)
        return err_set(e, ERR_LIMIT, "dirty list of %zu pfns: at most %u",
                       count, WIRE_BODY_MAX / 8);
    rc = check_pfns(pfns, count, e);
    if (!rc)
        rc = sr_put_begin(b, WIRE_LIBXC_CHECKPOINT_DIRTY_PFN_LIST, 8 * count,
                          &p, e);
    if (!rc)
        put_longs(p, pfns, count);
    return rc;
}

int sr_put_zero_pages(struct buf *b, const uint64_t *pfns, size_t n,
                      struct err *e)
{
    uint8_t *p;
    int rc;

    if (n == 0 || n > WIRE_ZERO_PAGES_MAX)
        return sr_put_bug(e, "number of pages out of range");
    rc = check_pfns(pfns, n, e);
    if (!rc)
        rc = sr_put_begin(b, WIRE_OPT_ZERO_PAGES, 8 + 8 * n, &p, e);
    if (rc)
        return rc;
    put_le32(p, (uint32_t)n);
    put_le32(p + 4, 0);
    put_longs(p + 8, pfns, n);
    return 0;
}
