/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The order of libxc records. Each record has a rank in each guest type; an
 * epoch's ranks don't fall. What only has a more exact rule is asked before.
 */
#include "validator_int.h"

#include <assert.h>

enum rank {
    RANK_NEVER,       /* not in this guest type */
    RANK_STATIC,      /* X86_PV_INFO, policies */
    RANK_STATIC_END,
    RANK_P2M,
    RANK_PAGES,       /* later epochs begin here */
    RANK_TSC,
    RANK_STATE,       /* HVM: context, params; PV: shared info */
    RANK_VCPU,
    RANK_LAST,        /* END, CHECKPOINT */
};

enum times { MANY, ONCE_EPOCH, ONCE_STREAM };

static const struct place {
    enum rank pv, hvm;
    enum times times;
} places[] = {
    [WIRE_LIBXC_END] = { RANK_LAST, RANK_LAST, MANY },
    [WIRE_LIBXC_PAGE_DATA] = { RANK_PAGES, RANK_PAGES, MANY },
    [WIRE_LIBXC_X86_PV_INFO] = { RANK_STATIC, RANK_NEVER, ONCE_STREAM },
    [WIRE_LIBXC_X86_PV_P2M_FRAMES] = { RANK_P2M, RANK_NEVER, ONCE_STREAM },
    [WIRE_LIBXC_X86_PV_VCPU_BASIC] = { RANK_VCPU, RANK_NEVER, MANY },
    [WIRE_LIBXC_X86_PV_VCPU_EXTENDED] = { RANK_VCPU, RANK_NEVER, MANY },
    [WIRE_LIBXC_X86_PV_VCPU_XSAVE] = { RANK_VCPU, RANK_NEVER, MANY },
    [WIRE_LIBXC_SHARED_INFO] = { RANK_STATE, RANK_NEVER, ONCE_EPOCH },
    [WIRE_LIBXC_X86_TSC_INFO] = { RANK_TSC, RANK_TSC, ONCE_EPOCH },
    [WIRE_LIBXC_HVM_CONTEXT] = { RANK_NEVER, RANK_STATE, ONCE_EPOCH },
    [WIRE_LIBXC_HVM_PARAMS] = { RANK_NEVER, RANK_STATE, ONCE_EPOCH },
    [WIRE_LIBXC_X86_PV_VCPU_MSRS] = { RANK_VCPU, RANK_NEVER, MANY },
    [WIRE_LIBXC_VERIFY] = { RANK_PAGES, RANK_PAGES, MANY },
    [WIRE_LIBXC_CHECKPOINT] = { RANK_LAST, RANK_LAST, MANY },
    [WIRE_LIBXC_STATIC_DATA_END] = {
        RANK_STATIC_END, RANK_STATIC_END, MANY },
    [WIRE_LIBXC_X86_CPUID_POLICY] = {
        RANK_STATIC, RANK_STATIC, ONCE_STREAM },
    [WIRE_LIBXC_X86_MSR_POLICY] = { RANK_STATIC, RANK_STATIC, ONCE_STREAM },
};

static bool seen(uint32_t set, uint32_t type)
{
    return set >> type & 1;
}

enum sr_rule sr_libxc_header(struct sr_validator *v,
                             const struct sr_item *item)
{
    v->guest_type = item->u.libxc.guest_type;
    v->libxc_version = item->u.libxc.version;
    v->phase = PH_INNER;
    v->rank = RANK_STATIC;
    if (v->guest_type == WIRE_GUEST_PV && v->mode == SR_MODE_COLO)
        return SR_RULE_COLO_HVM;
    return SR_RULE_NONE;
}

/* The first libxc record after CHECKPOINT_END. */
static enum sr_rule begin_epoch(struct sr_validator *v)
{
    if (v->mode == SR_MODE_AUTO && v->first != WIRE_LIBXC)
        v->mode = SR_MODE_REMUS;
    if (v->mode == SR_MODE_COLO && !v->new_seen)
        return SR_RULE_STATE_MISSING;
    v->phase = PH_INNER;
    return SR_RULE_NONE;
}

static enum sr_rule check_static(const struct sr_validator *v, int rank)
{
    bool pv = v->guest_type == WIRE_GUEST_PV;
    bool done = seen(v->in_stream, WIRE_LIBXC_STATIC_DATA_END);

    if (v->at.type == WIRE_LIBXC_STATIC_DATA_END) {
        if (v->libxc_version == WIRE_LIBXC_V2)
            return SR_RULE_SDE_V2;
        if (done)
            return SR_RULE_SDE_TWICE;
    }
    if (rank == RANK_STATIC && v->rank > RANK_STATIC)
        return SR_RULE_STATIC_LATE;
    if (rank > RANK_STATIC_END && !done && v->libxc_version != WIRE_LIBXC_V2)
        return SR_RULE_SDE_MISSING;
    if (rank > RANK_STATIC && pv &&
        !seen(v->in_stream, WIRE_LIBXC_X86_PV_INFO))
        return SR_RULE_PV_INFO_MISSING;
    return SR_RULE_NONE;
}

static enum sr_rule check_pv_state(const struct sr_validator *v)
{
    if (!seen(v->in_epoch, WIRE_LIBXC_SHARED_INFO))
        return SR_RULE_SHARED_MISSING;
    return v->vcpu_seen ? SR_RULE_NONE : SR_RULE_VCPU_MISSING;
}

static enum sr_rule check_hvm_state(const struct sr_validator *v)
{
    if (!seen(v->in_epoch, WIRE_LIBXC_X86_TSC_INFO))
        return SR_RULE_TSC_MISSING;
    if (!seen(v->in_epoch, WIRE_LIBXC_HVM_CONTEXT))
        return SR_RULE_CONTEXT_MISSING;
    return seen(v->in_epoch, WIRE_LIBXC_HVM_PARAMS) ? SR_RULE_NONE
                                                    : SR_RULE_PARAMS_MISSING;
}

/* END or CHECKPOINT: is everything there? */
static enum sr_rule check_complete(const struct sr_validator *v)
{
    if (v->at.type == WIRE_LIBXC_CHECKPOINT) {
        if (v->mode == SR_MODE_PLAIN)
            return SR_RULE_CHECKPOINT_PLAIN;
        if (seen(v->in_stream, WIRE_LIBXC_VERIFY))
            return SR_RULE_VERIFY_TURN;
    } else if (v->checkpointed || v->mode == SR_MODE_REMUS ||
               v->mode == SR_MODE_COLO) {
        return SR_RULE_END_CHECKPOINTED;
    }
    if (!v->pages_seen)
        return SR_RULE_PAGES_MISSING;
    return v->guest_type == WIRE_GUEST_PV ? check_pv_state(v)
                                          : check_hvm_state(v);
}

static enum sr_rule check_verify(const struct sr_validator *v)
{
    if (!v->pages_seen || seen(v->in_stream, WIRE_LIBXC_VERIFY) ||
        v->checkpointed || v->mode == SR_MODE_REMUS ||
        v->mode == SR_MODE_COLO)
        return SR_RULE_VERIFY_TURN;
    return SR_RULE_NONE;
}

static enum sr_rule check_type(const struct sr_validator *v, int rank)
{
    switch (v->at.type) {
    case WIRE_LIBXC_TOOLSTACK:
        return SR_RULE_TOOLSTACK;
    case WIRE_LIBXC_CHECKPOINT_DIRTY_PFN_LIST:
        return SR_RULE_DIRTY_FORWARD;
    }
    if (rank == RANK_NEVER)
        return v->guest_type == WIRE_GUEST_PV ? SR_RULE_HVM_IN_PV
                                              : SR_RULE_PV_IN_HVM;
    return SR_RULE_NONE;
}

static enum sr_rule check_order(const struct sr_validator *v, int rank)
{
    const struct place *place = &places[v->at.type];

    if (v->at.type == WIRE_LIBXC_PAGE_DATA &&
        v->guest_type == WIRE_GUEST_PV &&
        !seen(v->in_stream, WIRE_LIBXC_X86_PV_P2M_FRAMES))
        return SR_RULE_P2M_MISSING;
    if ((place->times == ONCE_STREAM && seen(v->in_stream, v->at.type)) ||
        (place->times == ONCE_EPOCH && seen(v->in_epoch, v->at.type)))
        return SR_RULE_TWICE;
    if (rank < v->rank)
        return SR_RULE_ORDER;
    if (v->at.type == WIRE_LIBXC_VERIFY)
        return check_verify(v);
    return rank == RANK_LAST ? check_complete(v) : SR_RULE_NONE;
}

bool sr_takes_pages(const struct sr_validator *v)
{
    if (v->direction == SR_BACK || v->guest_type != WIRE_GUEST_HVM)
        return false;
    if (v->phase != PH_INNER)
        return v->phase == PH_BETWEEN;
    return v->rank <= RANK_PAGES &&
        (v->libxc_version == WIRE_LIBXC_V2 ||
         seen(v->in_stream, WIRE_LIBXC_STATIC_DATA_END));
}

enum sr_rule sr_libxc_begin(struct sr_validator *v)
{
    enum sr_rule rule = SR_RULE_NONE;
    int rank;

    if (wire_is_optional(v->at.type))
        return sr_optional_begin(v);
    /* The reader lets no other type through. */
    assert(v->at.type < sizeof(places) / sizeof(places[0]));
    if (v->phase == PH_BETWEEN)
        rule = begin_epoch(v);
    rank = v->guest_type == WIRE_GUEST_PV ? (int)places[v->at.type].pv
                                          : (int)places[v->at.type].hvm;
    if (rule == SR_RULE_NONE)
        rule = check_type(v, rank);
    if (rule == SR_RULE_NONE)
        rule = check_static(v, rank);
    if (rule == SR_RULE_NONE)
        rule = check_order(v, rank);
    if (rule != SR_RULE_NONE)
        return rule;
    v->rank = rank;
    v->in_stream |= 1u << v->at.type;
    v->in_epoch |= 1u << v->at.type;
    if (v->at.type == WIRE_LIBXC_PAGE_DATA)
        v->pages_seen = true;
    return SR_RULE_NONE;
}

void sr_libxc_next_epoch(struct sr_validator *v)
{
    v->epoch++;
    v->rank = RANK_PAGES;
    v->in_epoch = 0;
    v->libxl_in_epoch = 0;
    v->vcpu_seen = false;
    v->new_seen = false;
}

enum sr_rule sr_libxc_end(struct sr_validator *v)
{
    if (v->at.type == WIRE_LIBXC_CHECKPOINT) {
        v->checkpointed = true;
        v->phase = PH_AFTER_CHECKPOINT;
        if (v->first == WIRE_LIBXC) {
            v->phase = PH_BETWEEN;
            sr_libxc_next_epoch(v);
            v->new_seen = true;    /* no libxl layer to bring it */
        }
    } else if (v->at.type == WIRE_LIBXC_END) {
        v->mode = SR_MODE_PLAIN;
        v->phase = v->first == WIRE_LIBXC ? PH_DONE : PH_AFTER_END;
    }
    return SR_RULE_NONE;
}
