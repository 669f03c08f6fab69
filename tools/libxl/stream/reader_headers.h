/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Internal to the reader: decoding of the three layers' headers.
 */
#ifndef XC_STREAM_READER_HEADERS_H
#define XC_STREAM_READER_HEADERS_H

#include "reader.h"
#include "rules.h"

/*
 * Decode item->data, a whole header of its layer, into item->u. Returns the
 * first rule that it breaks, or SR_RULE_NONE.
 */
enum sr_rule sr_parse_xl_header(struct sr_item *item);
enum sr_rule sr_parse_libxl_header(struct sr_item *item);
enum sr_rule sr_parse_libxc_header(struct sr_item *item);

#endif
