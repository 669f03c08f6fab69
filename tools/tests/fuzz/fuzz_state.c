/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Fuzzes the small bodies: CHECKPOINT_STATE and what else has a decoder. The
 * first octet picks the record, the rest is its body. Decoder and validator
 * have to agree on every body.
 */
#include "bytes.h"
#include "fuzz_stream.h"
#include "writer.h"

enum { STATE, STATE_BACK, HEARTBEAT, SESSION, PROTECTION_END, TSC, PARAMS,
       RUN_STATE, KINDS };

static const struct {
    enum wire_layer layer;
    uint32_t type;
} kinds[KINDS] = {
    [STATE] = { WIRE_LIBXL, WIRE_LIBXL_CHECKPOINT_STATE },
    [STATE_BACK] = { WIRE_LIBXL, WIRE_LIBXL_CHECKPOINT_STATE },
    [HEARTBEAT] = { WIRE_LIBXL, WIRE_OPT_HEARTBEAT },
    [SESSION] = { WIRE_LIBXL, WIRE_OPT_SESSION },
    [PROTECTION_END] = { WIRE_LIBXL, WIRE_OPT_PROTECTION_END },
    [RUN_STATE] = { WIRE_LIBXL, WIRE_OPT_RUN_STATE },
    [TSC] = { WIRE_LIBXC, WIRE_LIBXC_X86_TSC_INFO },
    [PARAMS] = { WIRE_LIBXC, WIRE_LIBXC_HVM_PARAMS },
};

/* Whether the decoder takes the body; what it says is in range. */
static int decode(int kind, const uint8_t *body, size_t length,
                  enum wire_state *id_r)
{
    enum wire_end_reason reason;
    struct sr_heartbeat h;
    struct sr_session s;
    struct sr_run_state r;
    struct sr_tsc_info t;
    uint64_t value;
    size_t n;
    int rc;

    switch (kind) {
    case STATE:
    case STATE_BACK:
        rc = sr_get_state(body, length, id_r, NULL);
        MUST(rc || *id_r <= WIRE_STATE_SVM_RESUMED);
        return rc;
    case HEARTBEAT:
        return sr_get_heartbeat(body, length, &h, NULL);
    case SESSION:
        rc = sr_get_session(body, length, &s, NULL);
        MUST(rc || s.peer_name[WIRE_PEER_NAME_SIZE - 1] == '\0');
        return rc;
    case PROTECTION_END:
        rc = sr_get_protection_end(body, length, &reason, NULL);
        MUST(rc || reason <= WIRE_REASON_CONFIRMED);
        return rc;
    case RUN_STATE:
        rc = sr_get_run_state(body, length, &r, NULL);
        MUST(rc || r.reason <= WIRE_RUN_REASON_MAX);
        return rc;
    case TSC:
        return sr_get_tsc_info(body, length, &t, NULL);
    default:
        rc = sr_get_hvm_params_count(body, length, &n, NULL);
        MUST(rc || n <= WIRE_HVM_PARAMS_NR);
        if (rc == 0)
            sr_find_hvm_param(body, length, WIRE_HVM_PARAM_CONSOLE_PFN,
                              &value, NULL);
        return rc;
    }
}

/* The octets before the record, so that it is in its place. */
static void put_before(int kind, struct buf *b)
{
    static const uint64_t entry = (uint64_t)WIRE_PAGE_XTAB
                                  << WIRE_ENTRY_SHIFT;
    static const struct sr_tsc_info tsc;
    static const struct sr_hvm_param param = {
        WIRE_HVM_PARAM_STORE_PFN, 1
    };
    static const uint8_t context[8];
    size_t data;

    if (kind == STATE_BACK)
        return;
    MUST(sr_put_libxl_header(b, NULL) == 0);
    if (kind == HEARTBEAT || kind == SESSION || kind == PROTECTION_END ||
        kind == RUN_STATE)
        return;
    MUST(!sr_put_record(b, WIRE_LIBXL_LIBXC_CONTEXT, NULL, 0, NULL) &&
         !sr_put_libxc_header(b, WIRE_GUEST_HVM, 4, 17, NULL) &&
         !sr_put_record(b, WIRE_LIBXC_STATIC_DATA_END, NULL, 0, NULL) &&
         !sr_put_page_entries_head(b, &entry, 1, &data, NULL));
    if (kind == TSC)
        return;
    MUST(!sr_put_tsc_info(b, &tsc, NULL));
    if (kind == PARAMS)
        return;
    MUST(!sr_put_record(b, WIRE_LIBXC_HVM_CONTEXT, context, 8, NULL) &&
         !sr_put_hvm_params(b, &param, 1, NULL) &&
         !sr_put_record(b, WIRE_LIBXC_CHECKPOINT, NULL, 0, NULL) &&
         !sr_put_record(b, WIRE_LIBXL_CHECKPOINT_END, NULL, 0, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum wire_state id = WIRE_STATE_NEW;
    struct outcome o;
    struct buf b;
    int kind, rc;

    if (size < 1 || size > 4096)
        return 0;
    kind = data[0] % KINDS;
    rc = decode(kind, data + 1, size - 1, &id);
    buf_init(&b, 0);
    put_before(kind, &b);
    MUST(!sr_put_record(&b, kinds[kind].type, data + 1, size - 1, NULL));
    o = run(b.data, b.size, 1 + size % 11,
            kind == STATE_BACK ? SR_BACK : SR_FORWARD, WIRE_LIBXL,
            SR_MODE_REMUS + (kind == STATE));
    buf_dispose(&b);
    /* An id may be good and not have its turn: only the body is compared. */
    if (o.rc && (o.rule == SR_RULE_STATE_TURN ||
                 o.rule == SR_RULE_STATE_DIRECTION))
        MUST(rc == 0 && (kind == STATE ? id != WIRE_STATE_NEW
                                       : id != WIRE_STATE_SVM_READY));
    else
        MUST((rc == 0) == (o.rc == 0));
    return 0;
}
