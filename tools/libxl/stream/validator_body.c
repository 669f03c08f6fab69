/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What bodies may hold. Small ones are collected whole, long ones are seen
 * unit by unit, so that no body has to be in memory. A broken rule is held
 * back until the record is complete; a PAGE_DATA list fails at once, before
 * its pages pass.
 */
#include "validator_int.h"

#include <string.h>

#include "bytes.h"
#include "check.h"

/* ---- ends: v->head is collected. */

static enum sr_rule end_state(struct sr_validator *v)
{
    return sr_check_state(v->head, v->body_length);
}

static enum sr_rule end_release(struct sr_validator *v)
{
    return sr_check_release(v->head);
}

static enum sr_rule end_hello(struct sr_validator *v)
{
    return sr_check_hello(v->head);
}

static enum sr_rule end_pause_reason(struct sr_validator *v)
{
    return sr_check_pause_reason(v->head);
}

static enum sr_rule end_peer_info(struct sr_validator *v)
{
    return sr_check_peer_info(v->head);
}

static enum sr_rule end_zero_pages(struct sr_validator *v)
{
    enum sr_rule rule = sr_check_zero_pages(v->head, v->body_length);

    return rule != SR_RULE_NONE ? rule : v->pending;
}

static enum sr_rule end_frame(struct sr_validator *v)
{
    return sr_check_frame(v->head);
}

static enum sr_rule end_tsc(struct sr_validator *v)
{
    return sr_check_tsc_info(v->head);
}

static enum sr_rule end_params(struct sr_validator *v)
{
    return sr_check_hvm_params(v->head, v->body_length);
}

static enum sr_rule end_pv_info(struct sr_validator *v)
{
    v->p2m_width = v->head[0];
    return sr_check_pv_info(v->head);
}

static enum sr_rule end_units(struct sr_validator *v)
{
    return v->pending;
}

static enum sr_rule end_emulator(struct sr_validator *v)
{
    return get_le32(v->head) < WIRE_EMULATORS_NR ? SR_RULE_NONE
                                                 : SR_RULE_EMULATOR_ID;
}

static enum sr_rule end_xenstore(struct sr_validator *v)
{
    enum sr_rule rule = end_emulator(v);

    if (rule != SR_RULE_NONE)
        return rule;
    if (v->pending != SR_RULE_NONE)
        return v->pending;
    if (v->string_length)
        return SR_RULE_XENSTORE_NUL;
    return v->in_key ? SR_RULE_NONE : SR_RULE_XENSTORE_PAIR;
}

/* One pfn for each frame that holds entries of start to end, inclusive. */
static enum sr_rule end_p2m(struct sr_validator *v)
{
    uint32_t start = get_le32(v->head), end = get_le32(v->head + 4);
    uint32_t per_frame = WIRE_PAGE_SIZE / v->p2m_width;
    uint32_t frames = end / per_frame - start / per_frame + 1;

    if (start > end)
        return SR_RULE_P2M_RANGE;
    if (frames != (v->body_length - 8) / 8)
        return SR_RULE_P2M_COUNT;
    return v->pending;
}

/* The records of a vCPU in their order; each vCPU begins with BASIC, and
   vCPU 0 comes first. */
static int vcpu_step(uint32_t type)
{
    switch (type) {
    case WIRE_LIBXC_X86_PV_VCPU_BASIC:
        return 0;
    case WIRE_LIBXC_X86_PV_VCPU_EXTENDED:
        return 1;
    case WIRE_LIBXC_X86_PV_VCPU_XSAVE:
        return 2;
    default:
        return 3;
    }
}

static enum sr_rule end_vcpu(struct sr_validator *v)
{
    uint32_t vcpu = get_le32(v->head);
    int step = vcpu_step(v->at.type);

    if (vcpu >= WIRE_VCPUS_MAX)
        return SR_RULE_VCPU_ID;
    if (get_le32(v->head + 4))
        return SR_RULE_VCPU_RESERVED;
    if (v->vcpu_seen && (vcpu < v->vcpu ||
                         (vcpu == v->vcpu && step <= v->vcpu_step)))
        return SR_RULE_VCPU_ORDER;
    if (v->vcpu_seen ? step != 0 && vcpu != v->vcpu : step != 0 || vcpu != 0)
        return SR_RULE_VCPU_MISSING;
    v->vcpu_seen = true;
    v->vcpu = vcpu;
    v->vcpu_step = step;
    return SR_RULE_NONE;
}

static enum sr_rule end_config(struct sr_validator *v)
{
    bool json = v->xl_flags & WIRE_XL_FLAG_JSON;
    uint32_t length;

    if (v->body_length < 4)
        return SR_RULE_XL_CONFIG_LENGTH;
    length = get_le32(v->head);
    if (length > v->body_length - 4)
        return SR_RULE_XL_CONFIG_LENGTH;
    /* string_length: octets before the first NUL */
    if (json && (v->in_key || v->string_length + 1 != length))
        return SR_RULE_XL_CONFIG_NUL;
    return SR_RULE_NONE;
}

/* ---- units. */

static enum sr_rule each_pfn(struct sr_validator *v, const uint8_t *unit)
{
    if (get_le64(unit) < WIRE_PFN_END)
        return SR_RULE_NONE;
    return v->at.type == WIRE_LIBXC_X86_PV_P2M_FRAMES ? SR_RULE_P2M_PFN
                                                      : SR_RULE_DIRTY_PFN;
}

static enum sr_rule each_zero(struct sr_validator *v, const uint8_t *unit)
{
    (void)v;
    return get_le64(unit) < WIRE_PFN_END ? SR_RULE_NONE : SR_RULE_ZERO_PFN;
}

static enum sr_rule each_msr(struct sr_validator *v, const uint8_t *unit)
{
    (void)v;
    return get_le32(unit + 4) ? SR_RULE_MSR_FLAGS : SR_RULE_NONE;
}

static enum sr_rule each_string(struct sr_validator *v, const uint8_t *unit)
{
    bool first = v->string_length == 0;

    if (*unit)
        v->string_length++;
    if (first && v->in_key && (*unit == 0 || *unit == '/'))
        return SR_RULE_XENSTORE_KEY;
    if (*unit == 0) {
        v->in_key = !v->in_key;
        v->string_length = 0;
    }
    return SR_RULE_NONE;
}

/* Count what is before the config's first NUL; in_key: not seen yet. */
static enum sr_rule each_config(struct sr_validator *v, const uint8_t *unit)
{
    if (v->in_key && *unit)
        v->string_length++;
    else
        v->in_key = false;
    return SR_RULE_NONE;
}

/* ---- which check a body gets. */

static const struct body_check libxl_checks[] = {
    [WIRE_LIBXL_EMULATOR_XENSTORE_DATA] = {
        .head = 8, .unit = 1, .each = each_string, .end = end_xenstore },
    [WIRE_LIBXL_EMULATOR_CONTEXT] = { .head = 8, .end = end_emulator },
    [WIRE_LIBXL_CHECKPOINT_STATE] = { .whole = true, .end = end_state },
};

static const struct body_check libxc_checks[] = {
    [WIRE_LIBXC_X86_PV_INFO] = { .whole = true, .end = end_pv_info },
    [WIRE_LIBXC_X86_PV_P2M_FRAMES] = {
        .head = 8, .unit = 8, .each = each_pfn, .end = end_p2m },
    [WIRE_LIBXC_X86_PV_VCPU_BASIC] = { .head = 8, .end = end_vcpu },
    [WIRE_LIBXC_X86_PV_VCPU_EXTENDED] = { .head = 8, .end = end_vcpu },
    [WIRE_LIBXC_X86_PV_VCPU_XSAVE] = { .head = 8, .end = end_vcpu },
    [WIRE_LIBXC_X86_PV_VCPU_MSRS] = { .head = 8, .end = end_vcpu },
    [WIRE_LIBXC_X86_TSC_INFO] = { .whole = true, .end = end_tsc },
    [WIRE_LIBXC_HVM_PARAMS] = { .whole = true, .end = end_params },
    [WIRE_LIBXC_CHECKPOINT_DIRTY_PFN_LIST] = {
        .unit = 8, .each = each_pfn, .end = end_units },
    [WIRE_LIBXC_X86_MSR_POLICY] = {
        .unit = 16, .each = each_msr, .end = end_units },
};

static const struct body_check optional_checks[] = {
    [WIRE_OPT_RELEASE - WIRE_OPTIONAL_BIT] = {
        .whole = true, .end = end_release },
    [WIRE_OPT_HELLO - WIRE_OPTIONAL_BIT] = {
        .whole = true, .end = end_hello },
    [WIRE_OPT_PAUSE_REASON - WIRE_OPTIONAL_BIT] = {
        .whole = true, .end = end_pause_reason },
    [WIRE_OPT_PEER_INFO - WIRE_OPTIONAL_BIT] = {
        .whole = true, .end = end_peer_info },
    [WIRE_OPT_ZERO_PAGES - WIRE_OPTIONAL_BIT] = {
        .head = 8, .unit = 8, .each = each_zero, .end = end_zero_pages },
    [WIRE_OPT_FRAME - WIRE_OPTIONAL_BIT] = { .head = 8, .end = end_frame },
};

static const struct body_check config_check = {
    .head = 4, .unit = 1, .each = each_config, .end = end_config
};

#define PICK(table, type) \
    ((type) < sizeof(table) / sizeof((table)[0]) && (table)[type].end ? \
     &(table)[type] : NULL)

static const struct body_check *pick(const struct sr_where *at)
{
    if (wire_is_optional(at->type))
        return PICK(optional_checks, at->type - WIRE_OPTIONAL_BIT);
    return at->layer == WIRE_LIBXL ? PICK(libxl_checks, at->type)
                                   : PICK(libxc_checks, at->type);
}

static void begin(struct sr_validator *v, uint32_t body_length,
                  const struct body_check *check)
{
    v->check = check;
    v->body_length = body_length;
    v->head_used = v->unit_used = 0;
    v->head_want = !check ? 0 : check->whole ? body_length : check->head;
    v->pending = SR_RULE_NONE;
    v->in_key = true;
    v->string_length = 0;
}

void sr_body_begin(struct sr_validator *v, uint32_t body_length)
{
    v->in_pages = v->at.layer == WIRE_LIBXC &&
                  v->at.type == WIRE_LIBXC_PAGE_DATA;
    if (v->in_pages)
        sr_pages_begin(&v->pages, body_length,
                       v->guest_type == WIRE_GUEST_HVM);
    begin(v, body_length, v->in_pages ? NULL : pick(&v->at));
}

void sr_body_begin_xl(struct sr_validator *v, uint32_t length)
{
    v->in_pages = false;
    begin(v, length, &config_check);
}

static void units(struct sr_validator *v, const uint8_t *data, size_t size)
{
    uint32_t unit = v->check->unit;
    enum sr_rule rule;

    while (size > 0 && v->pending == SR_RULE_NONE) {
        v->unit[v->unit_used++] = *data++;
        size--;
        if (v->unit_used < unit)
            continue;
        v->unit_used = 0;
        rule = v->check->each(v, v->unit);
        if (rule != SR_RULE_NONE)
            v->pending = rule;
    }
}

enum sr_rule sr_body_span(struct sr_validator *v, const uint8_t *data,
                          size_t size)
{
    struct sr_pages_item item;
    size_t n;

    if (v->in_pages) {
        if (sr_pages_next(&v->pages, &data, &size, &item, NULL))
            return v->pages.rule;
        v->in_pages = item.kind != SR_PAGES_LIST;
        return SR_RULE_NONE;
    }
    if (!v->check)
        return SR_RULE_NONE;
    n = v->head_want - v->head_used;
    if (n > size)
        n = size;
    memcpy(v->head + v->head_used, data, n);
    v->head_used += (uint32_t)n;
    if (v->check->unit)
        units(v, data + n, size - n);
    return SR_RULE_NONE;
}

enum sr_rule sr_body_end(struct sr_validator *v)
{
    const struct body_check *check = v->check;

    v->check = NULL;
    return check ? check->end(v) : SR_RULE_NONE;
}
