/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Decoders of small bodies that a receiver has collected. They check what
 * the validator checks, through the same functions.
 */
#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "names.h"
#include "rules.h"
#include "writer.h"

/* Is @length one that the record may have, by the lists in format.h? */
static int check_length(enum wire_layer layer, uint32_t type, size_t length,
                        struct err *e)
{
    const struct wire_record_info *info = wire_record_info(layer, type);

    if (sr_length_fits(info, length))
        return 0;
    return err_set(e, ERR_FORMAT, "%s: body of %zu octets", info->name,
                   length);
}

static int check_rule(enum wire_layer layer, uint32_t type,
                      enum sr_rule rule, struct err *e)
{
    if (rule == SR_RULE_NONE)
        return 0;
    return err_set(e, ERR_FORMAT, "%s: broken rule: %s [%s]",
                   wire_record_name(layer, type),
                   sr_rule_info(rule)->sentence, sr_rule_info(rule)->id);
}

int sr_get_state(const uint8_t *body, size_t length, enum wire_state *id_r,
                 struct err *e)
{
    const uint32_t type = WIRE_LIBXL_CHECKPOINT_STATE;
    int rc = check_length(WIRE_LIBXL, type, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXL, type,
                        sr_check_state(body, (uint32_t)length), e);
    if (rc == 0)
        *id_r = (enum wire_state)get_le32(body);
    return rc;
}

int sr_get_release(const uint8_t *body, size_t length,
                   enum wire_keeper *keeper_r, struct err *e)
{
    int rc = check_length(WIRE_LIBXL, WIRE_OPT_RELEASE, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXL, WIRE_OPT_RELEASE,
                        sr_check_release(body), e);
    if (rc == 0)
        *keeper_r = (enum wire_keeper)get_le32(body);
    return rc;
}

int sr_get_hello(const uint8_t *body, size_t length, struct sr_hello *h_r,
                 struct err *e)
{
    int rc = check_length(WIRE_LIBXL, WIRE_OPT_HELLO, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXL, WIRE_OPT_HELLO, sr_check_hello(body), e);
    if (rc)
        return rc;
    h_r->version = get_le32(body);
    h_r->features = get_le32(body + 4);
    h_r->generation = get_le64(body + 8);
    return 0;
}

int sr_get_pause_reason(const uint8_t *body, size_t length,
                        uint32_t *reason_r, struct err *e)
{
    int rc = check_length(WIRE_LIBXL, WIRE_OPT_PAUSE_REASON, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXL, WIRE_OPT_PAUSE_REASON,
                        sr_check_pause_reason(body), e);
    if (rc == 0)
        *reason_r = get_le32(body);
    return rc;
}

int sr_get_peer_info(const uint8_t *body, size_t length,
                     struct sr_peer_info *i_r, struct err *e)
{
    int rc = check_length(WIRE_LIBXL, WIRE_OPT_PEER_INFO, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXL, WIRE_OPT_PEER_INFO,
                        sr_check_peer_info(body), e);
    if (rc)
        return rc;
    i_r->heartbeat_ms = get_le32(body);
    i_r->silence_ms = get_le32(body + 4);
    memcpy(i_r->name, body + 8, WIRE_PEER_NAME_SIZE);
    return 0;
}

int sr_get_zero_pages(const uint8_t *body, size_t length, uint64_t *pfns_r,
                      size_t *n_r, struct err *e)
{
    int rc = check_length(WIRE_LIBXC, WIRE_OPT_ZERO_PAGES, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXC, WIRE_OPT_ZERO_PAGES,
                        sr_check_zero_pages(body, (uint32_t)length), e);
    if (rc)
        return rc;
    *n_r = get_le32(body);
    for (size_t i = 0; i < *n_r; i++) {
        pfns_r[i] = get_le64(body + 8 + 8 * i);
        if (pfns_r[i] >= WIRE_PFN_END)
            return check_rule(WIRE_LIBXC, WIRE_OPT_ZERO_PAGES,
                              SR_RULE_ZERO_PFN, e);
    }
    return 0;
}

int sr_get_received(const uint8_t *body, size_t length, uint64_t *octets_r,
                    struct err *e)
{
    int rc = check_length(WIRE_LIBXL, WIRE_OPT_RECEIVED, length, e);

    if (rc == 0)
        *octets_r = get_le64(body);
    return rc;
}

int sr_get_page_digests(const uint8_t *body, size_t length,
                        struct sr_digest *digests_r, size_t *n_r,
                        struct err *e)
{
    int rc = check_length(WIRE_LIBXC, WIRE_OPT_PAGE_DIGESTS, length, e);

    if (rc)
        return rc;
    *n_r = length / 16;
    for (size_t i = 0; i < *n_r; i++, body += 16)
        digests_r[i] = (struct sr_digest){ get_le64(body),
                                           get_le64(body + 8) };
    return 0;
}

int sr_get_frame(const uint8_t *body, size_t length, uint32_t *vif_r,
                 const uint8_t **frame_r, size_t *n_r, struct err *e)
{
    int rc = check_length(WIRE_LIBXL, WIRE_OPT_FRAME, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXL, WIRE_OPT_FRAME, sr_check_frame(body), e);
    if (rc)
        return rc;
    *vif_r = get_le32(body);
    *frame_r = body + 8;
    *n_r = length - 8;
    return 0;
}

int sr_get_tsc_info(const uint8_t *body, size_t length,
                    struct sr_tsc_info *t_r, struct err *e)
{
    int rc = check_length(WIRE_LIBXC, WIRE_LIBXC_X86_TSC_INFO, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXC, WIRE_LIBXC_X86_TSC_INFO,
                        sr_check_tsc_info(body), e);
    if (rc)
        return rc;
    t_r->mode = get_le32(body);
    t_r->khz = get_le32(body + 4);
    t_r->nsec = get_le64(body + 8);
    t_r->incarnation = get_le32(body + 16);
    return 0;
}

int sr_get_hvm_params_count(const uint8_t *body, size_t length,
                            size_t *count_r, struct err *e)
{
    int rc = check_length(WIRE_LIBXC, WIRE_LIBXC_HVM_PARAMS, length, e);

    if (rc == 0)
        rc = check_rule(WIRE_LIBXC, WIRE_LIBXC_HVM_PARAMS,
                        sr_check_hvm_params(body, (uint32_t)length), e);
    if (rc == 0)
        *count_r = get_le32(body);
    return rc;
}

struct sr_hvm_param sr_get_hvm_param(const uint8_t *body, size_t i)
{
    const uint8_t *p = body + 8 + 16 * i;

    assert(i < get_le32(body));
    return (struct sr_hvm_param){ get_le64(p), get_le64(p + 8) };
}

int sr_find_hvm_param(const uint8_t *body, size_t length, uint64_t index,
                      uint64_t *value_r, struct err *e)
{
    struct sr_hvm_param param;
    size_t i, count;
    int rc = sr_get_hvm_params_count(body, length, &count, e);

    if (rc)
        return rc;
    for (i = 0; i < count; i++) {
        param = sr_get_hvm_param(body, i);
        if (param.index == index) {
            *value_r = param.value;
            return 0;
        }
    }
    return err_set(e, ERR_NOTFOUND, "no HVM param %s",
                   wire_hvm_param_name(index));
}
