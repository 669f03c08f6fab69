/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The rules of small bodies, for the validator and the decoders.
 */
#include "check.h"

#include <string.h>

#include "bytes.h"
#include "format.h"

bool sr_length_fits(const struct wire_record_info *info, size_t length)
{
    return length >= info->min && length <= info->max &&
        (length - info->min) % info->unit == 0;
}

enum sr_rule sr_check_state(const uint8_t *body, uint32_t length)
{
    if (length == 8 && get_le32(body + 4))
        return SR_RULE_STATE_WORD;
    return get_le32(body) > WIRE_STATE_SVM_RESUMED ? SR_RULE_STATE_ID
                                                   : SR_RULE_NONE;
}

enum sr_rule sr_check_release(const uint8_t *body)
{
    if (get_le32(body) >= WIRE_KEEPERS_NR)
        return SR_RULE_RELEASE_KEEPER;
    return get_le32(body + 4) ? SR_RULE_RELEASE_ZERO : SR_RULE_NONE;
}

enum sr_rule sr_check_hello(const uint8_t *body)
{
    return get_le32(body) == WIRE_HELLO_VERSION ? SR_RULE_NONE
                                                : SR_RULE_HELLO_VERSION;
}

enum sr_rule sr_check_pause_reason(const uint8_t *body)
{
    if (get_le32(body) > WIRE_PAUSE_REASON_MAX)
        return SR_RULE_PAUSE_VALUE;
    return get_le32(body + 4) ? SR_RULE_PAUSE_ZERO : SR_RULE_NONE;
}

enum sr_rule sr_check_peer_info(const uint8_t *body)
{
    const uint8_t *name = body + 8;
    const uint8_t *nul = memchr(name, 0, WIRE_PEER_NAME_SIZE);

    if (!nul)
        return SR_RULE_PEER_NAME;
    for (; nul < name + WIRE_PEER_NAME_SIZE; nul++)
        if (*nul)
            return SR_RULE_PEER_NAME;
    return SR_RULE_NONE;
}

enum sr_rule sr_check_zero_pages(const uint8_t *head, uint32_t length)
{
    if (get_le32(head) != (length - 8) / 8)
        return SR_RULE_ZERO_COUNT;
    return get_le32(head + 4) ? SR_RULE_ZERO_RESERVED : SR_RULE_NONE;
}

enum sr_rule sr_check_frame(const uint8_t *head)
{
    return get_le32(head + 4) ? SR_RULE_FRAME_ZERO : SR_RULE_NONE;
}

enum sr_rule sr_check_tsc_info(const uint8_t *body)
{
    return get_le32(body + 20) ? SR_RULE_TSC_RESERVED : SR_RULE_NONE;
}

enum sr_rule sr_check_pv_info(const uint8_t *body)
{
    static const uint8_t zero[6];

    if ((body[0] != 4 && body[0] != 8) || (body[1] != 3 && body[1] != 4) ||
        memcmp(body + 2, zero, sizeof(zero)))
        return SR_RULE_PV_INFO_VALUE;
    return SR_RULE_NONE;
}

enum sr_rule sr_check_hvm_params(const uint8_t *body, uint32_t length)
{
    uint32_t i, n = (length - 8) / 16;
    uint64_t index, seen = 0;

    if (get_le32(body) != n)
        return SR_RULE_PARAMS_COUNT;
    if (get_le32(body + 4))
        return SR_RULE_PARAMS_RESERVED;
    for (i = 0; i < n; i++) {
        index = get_le64(body + 8 + 16 * i);
        if (index >= WIRE_HVM_PARAMS_NR)
            return SR_RULE_PARAMS_INDEX;
        if (seen >> index & 1)
            return SR_RULE_PARAMS_TWICE;
        seen |= 1ull << index;
    }
    return SR_RULE_NONE;
}
