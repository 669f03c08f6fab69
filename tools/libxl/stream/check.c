/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The rules of small bodies, for the validator and the decoders.
 */
#include "check.h"

#include <string.h>

#include "bytes.h"
#include "format.h"

enum sr_rule sr_check_state(const uint8_t *body, uint32_t length)
{
    if (length == 8 && get_le32(body + 4))
        return SR_RULE_STATE_WORD;
    return get_le32(body) > WIRE_STATE_SVM_RESUMED ? SR_RULE_STATE_ID
                                                   : SR_RULE_NONE;
}

enum sr_rule sr_check_session(const uint8_t *body)
{
    const uint8_t *name = body + 24;
    const uint8_t *nul = memchr(name, 0, WIRE_PEER_NAME_SIZE);

    if (get_le32(body) != WIRE_SESSION_VERSION)
        return SR_RULE_SESSION_VERSION;
    if (!nul)
        return SR_RULE_SESSION_NAME;
    for (; nul < name + WIRE_PEER_NAME_SIZE; nul++)
        if (*nul)
            return SR_RULE_SESSION_NAME;
    return SR_RULE_NONE;
}

enum sr_rule sr_check_protection_end(const uint8_t *body)
{
    if (get_le32(body) > WIRE_REASON_CONFIRMED)
        return SR_RULE_END_REASON;
    return get_le32(body + 4) ? SR_RULE_END_ZERO : SR_RULE_NONE;
}

enum sr_rule sr_check_run_state(const uint8_t *body)
{
    if (get_le32(body) > WIRE_RUN_REASON_MAX)
        return SR_RULE_RUN_REASON;
    return get_le32(body + 4) & ~WIRE_RUN_IO_ERROR ? SR_RULE_RUN_FLAGS
                                                   : SR_RULE_NONE;
}

enum sr_rule sr_check_zero_pages(const uint8_t *head, uint32_t length)
{
    if (get_le32(head) != (length - 8) / 8)
        return SR_RULE_ZERO_COUNT;
    return get_le32(head + 4) ? SR_RULE_ZERO_RESERVED : SR_RULE_NONE;
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
