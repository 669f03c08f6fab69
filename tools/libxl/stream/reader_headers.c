/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Decoding of the xl, libxl and libxc headers, for the reader. Reads only
 * the octets that the reader has collected.
 */
#include "reader_headers.h"

#include <string.h>

#include "bytes.h"

enum sr_rule sr_parse_xl_header(struct sr_item *item)
{
    const uint8_t *p = item->data;

    if (memcmp(p, WIRE_XL_MAGIC, WIRE_XL_MAGIC_SIZE))
        return SR_RULE_XL_MAGIC;
    if (get_le32(p + 32) != WIRE_XL_BYTEORDER)
        return SR_RULE_XL_BYTEORDER;
    item->u.xl.mandatory_flags = get_le32(p + 36);
    item->u.xl.optional_flags = get_le32(p + 40);
    item->u.xl.optional_len = get_le32(p + 44);
    if (item->u.xl.mandatory_flags & ~WIRE_XL_FLAGS_KNOWN)
        return SR_RULE_XL_FLAGS;
    if (!(item->u.xl.mandatory_flags & WIRE_XL_FLAG_V2))
        return SR_RULE_XL_V1;
    if (item->u.xl.optional_len > WIRE_XL_OPTIONAL_MAX)
        return SR_RULE_XL_OPTIONAL_LIMIT;
    return SR_RULE_NONE;
}

enum sr_rule sr_parse_libxl_header(struct sr_item *item)
{
    const uint8_t *p = item->data;

    if (get_be64(p) != WIRE_LIBXL_IDENT)
        return SR_RULE_LIBXL_IDENT;
    item->u.libxl.version = get_be32(p + 8);
    item->u.libxl.options = get_be32(p + 12);
    if (item->u.libxl.version != WIRE_LIBXL_VERSION)
        return SR_RULE_LIBXL_VERSION;
    if (item->u.libxl.options & ~WIRE_LIBXL_OPT_KNOWN)
        return SR_RULE_LIBXL_OPTIONS;
    if (item->u.libxl.options & WIRE_LIBXL_OPT_BIG)
        return SR_RULE_LIBXL_BIG;
    return SR_RULE_NONE;
}

static enum sr_rule parse_image(struct sr_item *item)
{
    const uint8_t *p = item->data;

    if (get_be64(p) != WIRE_LIBXC_MARKER)
        return SR_RULE_LIBXC_MARKER;
    if (get_be32(p + 8) != WIRE_LIBXC_IDENT)
        return SR_RULE_LIBXC_IDENT;
    item->u.libxc.version = get_be32(p + 12);
    if (item->u.libxc.version != WIRE_LIBXC_V2 &&
        item->u.libxc.version != WIRE_LIBXC_V3)
        return SR_RULE_LIBXC_VERSION;
    if (get_be16(p + 16) & ~WIRE_LIBXC_OPT_BIG)
        return SR_RULE_LIBXC_OPTIONS;
    if (get_be16(p + 16) & WIRE_LIBXC_OPT_BIG)
        return SR_RULE_LIBXC_BIG;
    if (get_be16(p + 18) || get_be32(p + 20))
        return SR_RULE_LIBXC_IMAGE_RESERVED;
    return SR_RULE_NONE;
}

enum sr_rule sr_parse_libxc_header(struct sr_item *item)
{
    const uint8_t *p = item->data + WIRE_LIBXC_IMAGE_SIZE;
    enum sr_rule rule = parse_image(item);

    if (rule != SR_RULE_NONE)
        return rule;
    item->u.libxc.guest_type = get_le32(p);
    item->u.libxc.xen_major = get_le32(p + 8);
    item->u.libxc.xen_minor = get_le32(p + 12);
    if (item->u.libxc.guest_type != WIRE_GUEST_PV &&
        item->u.libxc.guest_type != WIRE_GUEST_HVM)
        return SR_RULE_LIBXC_GUEST;
    if (get_le16(p + 4) != WIRE_PAGE_SHIFT)
        return SR_RULE_LIBXC_SHIFT;
    if (get_le16(p + 6))
        return SR_RULE_LIBXC_DOMAIN_RESERVED;
    return SR_RULE_NONE;
}
