/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The order of libxl records, forward and on the back channel, and whose
 * turn CHECKPOINT_STATE is. Where the optional records may stand.
 */
#include "validator_int.h"

#include "bytes.h"

static enum sr_rule begin_emulator(struct sr_validator *v)
{
    if (v->guest_type == WIRE_GUEST_PV)
        return SR_RULE_EMULATOR_PV;
    if (v->libxl_in_epoch >> v->at.type & 1)
        return SR_RULE_EMULATOR_TWICE;
    if (v->libxl_in_epoch >> WIRE_LIBXL_EMULATOR_CONTEXT & 1)
        return SR_RULE_EMULATOR_ORDER;
    v->libxl_in_epoch |= 1u << v->at.type;
    return SR_RULE_NONE;
}

static enum sr_rule begin_forward(struct sr_validator *v)
{
    if (v->phase == PH_START && v->at.type != WIRE_LIBXL_LIBXC_CONTEXT)
        return SR_RULE_CONTEXT_FIRST;
    switch (v->at.type) {
    case WIRE_LIBXL_LIBXC_CONTEXT:
        return v->phase == PH_START ? SR_RULE_NONE : SR_RULE_CONTEXT_TWICE;
    case WIRE_LIBXL_EMULATOR_XENSTORE_DATA:
    case WIRE_LIBXL_EMULATOR_CONTEXT:
        return begin_emulator(v);
    case WIRE_LIBXL_CHECKPOINT_END:
        return v->phase == PH_AFTER_CHECKPOINT ? SR_RULE_NONE
                                               : SR_RULE_CHECKPOINT_END_TURN;
    case WIRE_LIBXL_END:
        return v->phase == PH_AFTER_END ? SR_RULE_NONE
                                        : SR_RULE_LIBXL_END_TURN;
    default:    /* CHECKPOINT_STATE: judged when its id is known */
        return SR_RULE_NONE;
    }
}

static enum sr_rule begin_back(const struct sr_validator *v)
{
    bool dirty = v->at.layer == WIRE_LIBXC;

    if (!dirty && v->at.type != WIRE_LIBXL_CHECKPOINT_STATE)
        return SR_RULE_BACK_RECORD;
    return dirty == (v->back == BK_DIRTY) ? SR_RULE_NONE
                                          : SR_RULE_BACK_DIRTY;
}

/* In COLO, once there is a copy that may run. */
static bool takes_frames(const struct sr_validator *v)
{
    if (v->direction == SR_BACK)
        return v->back != BK_FIRST && v->back != BK_REMUS &&
               v->back != BK_NOTHING;
    return v->epoch && v->mode != SR_MODE_REMUS &&
           v->guest_type == WIRE_GUEST_HVM;
}

enum sr_rule sr_optional_begin(const struct sr_validator *v)
{
    if (v->at.type == WIRE_OPT_ZERO_PAGES && !sr_takes_pages(v))
        return SR_RULE_ZERO_PLACE;
    if (v->at.type == WIRE_OPT_FRAME && !takes_frames(v))
        return SR_RULE_FRAME_PLACE;
    return SR_RULE_NONE;
}

static void end_optional(struct sr_validator *v)
{
    if (v->at.type == WIRE_OPT_RELEASE || v->at.type == WIRE_OPT_GONE)
        v->released = true;
    if (v->at.type != WIRE_OPT_FRAME)
        return;
    v->mode = SR_MODE_COLO;    /* as auto has found now */
    if (v->back == BK_SECOND)
        v->back = BK_RESUMED;
}

enum sr_rule sr_libxl_begin(struct sr_validator *v)
{
    if (wire_is_optional(v->at.type))
        return sr_optional_begin(v);
    return v->direction == SR_BACK ? begin_back(v) : begin_forward(v);
}

/* NEW: between two epochs, once, and not in Remus. */
static enum sr_rule state_forward(struct sr_validator *v)
{
    if (v->guest_type == WIRE_GUEST_PV)
        return SR_RULE_COLO_HVM;
    if (v->phase != PH_BETWEEN || v->new_seen || v->mode == SR_MODE_REMUS)
        return SR_RULE_STATE_TURN;
    v->mode = SR_MODE_COLO;
    v->new_seen = true;
    return SR_RULE_NONE;
}

static enum sr_rule state_back(struct sr_validator *v, uint32_t id)
{
    static const enum back next[][4] = {
        [BK_FIRST][WIRE_STATE_SVM_READY] = BK_SECOND,
        [BK_SECOND][WIRE_STATE_SVM_READY] = BK_REMUS,
        [BK_SECOND][WIRE_STATE_SVM_RESUMED] = BK_SUSPENDED,
        [BK_REMUS][WIRE_STATE_SVM_READY] = BK_REMUS,
        [BK_RESUMED][WIRE_STATE_SVM_RESUMED] = BK_SUSPENDED,
        [BK_SUSPENDED][WIRE_STATE_SVM_SUSPENDED] = BK_DIRTY,
        [BK_READY][WIRE_STATE_SVM_READY] = BK_RESUMED,
        [BK_NOTHING][WIRE_STATE_NEW] = BK_FIRST,
    };
    enum back to = next[v->back][id];

    if (to == BK_FIRST)    /* nothing leads there: not its turn */
        return SR_RULE_STATE_TURN;
    if (to == BK_SECOND && v->mode != SR_MODE_AUTO)
        to = v->mode == SR_MODE_COLO ? BK_RESUMED : BK_REMUS;
    if (v->back == BK_SECOND)
        v->mode = to == BK_REMUS ? SR_MODE_REMUS : SR_MODE_COLO;
    v->back = to;
    return SR_RULE_NONE;
}

static enum sr_rule end_state(struct sr_validator *v)
{
    uint32_t id = get_le32(v->head);

    if ((id == WIRE_STATE_NEW) != (v->direction == SR_FORWARD))
        return SR_RULE_STATE_DIRECTION;
    return v->direction == SR_FORWARD ? state_forward(v) : state_back(v, id);
}

enum sr_rule sr_libxl_end(struct sr_validator *v)
{
    if (wire_is_optional(v->at.type)) {
        end_optional(v);
        return SR_RULE_NONE;
    }
    if (v->at.layer == WIRE_LIBXC) {    /* the dirty list of SR_BACK */
        v->back = BK_READY;
        return SR_RULE_NONE;
    }
    switch (v->at.type) {
    case WIRE_LIBXL_CHECKPOINT_STATE:
        return end_state(v);
    case WIRE_LIBXL_CHECKPOINT_END:
        sr_libxc_next_epoch(v);
        v->phase = PH_BETWEEN;
        break;
    case WIRE_LIBXL_END:
        v->phase = PH_DONE;
        break;
    }
    return SR_RULE_NONE;
}
