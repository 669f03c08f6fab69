/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Fuzzes the small bodies: CHECKPOINT_STATE and what else has a decoder. The
 * first octet picks the record, the rest is its body. Decoder and validator
 * have to agree on every body.
 */
#include "bytes.h"
#include "fuzz_stream.h"
#include "names.h"
#include "writer.h"

enum { STATE, STATE_BACK, HEARTBEAT, HELLO, RELEASE, TSC, PARAMS,
       PAUSE_REASON, PEER_INFO, GONE, FRAME, RECEIVED,
       PAGE_DIGESTS, KINDS };

static const struct {
    enum wire_layer layer;
    uint32_t type;
} kinds[KINDS] = {
    [STATE] = { WIRE_LIBXL, WIRE_LIBXL_CHECKPOINT_STATE },
    [STATE_BACK] = { WIRE_LIBXL, WIRE_LIBXL_CHECKPOINT_STATE },
    [HEARTBEAT] = { WIRE_LIBXL, WIRE_OPT_HEARTBEAT },
    [RELEASE] = { WIRE_LIBXL, WIRE_OPT_RELEASE },
    [GONE] = { WIRE_LIBXL, WIRE_OPT_GONE },
    [HELLO] = { WIRE_LIBXL, WIRE_OPT_HELLO },
    [PAUSE_REASON] = { WIRE_LIBXL, WIRE_OPT_PAUSE_REASON },
    [PEER_INFO] = { WIRE_LIBXL, WIRE_OPT_PEER_INFO },
    [FRAME] = { WIRE_LIBXL, WIRE_OPT_FRAME },
    [RECEIVED] = { WIRE_LIBXL, WIRE_OPT_RECEIVED },
    [PAGE_DIGESTS] = { WIRE_LIBXL, WIRE_OPT_PAGE_DIGESTS },
    [TSC] = { WIRE_LIBXC, WIRE_LIBXC_X86_TSC_INFO },
    [PARAMS] = { WIRE_LIBXC, WIRE_LIBXC_HVM_PARAMS },
};

/* Whether the decoder takes the body; what it says is in range. */
static int decode(int kind, const uint8_t *body, size_t length,
                  enum wire_state *id_r)
{
    enum wire_keeper keeper;
    struct sr_hello h;
    struct sr_peer_info i;
    struct sr_tsc_info t;
    struct sr_digest digests[WIRE_DIGESTS_MAX];
    const uint8_t *frame;
    uint32_t reason, vif;
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
    case GONE:
        return length ? ERR_FORMAT : 0;    /* there is nothing to decode */
    case HELLO:
        rc = sr_get_hello(body, length, &h, NULL);
        MUST(rc || h.version == WIRE_HELLO_VERSION);
        return rc;
    case RELEASE:
        rc = sr_get_release(body, length, &keeper, NULL);
        MUST(rc || keeper < WIRE_KEEPERS_NR);
        return rc;
    case PAUSE_REASON:
        rc = sr_get_pause_reason(body, length, &reason, NULL);
        MUST(rc || reason <= WIRE_PAUSE_REASON_MAX);
        return rc;
    case PEER_INFO:
        rc = sr_get_peer_info(body, length, &i, NULL);
        MUST(rc || i.name[WIRE_PEER_NAME_SIZE - 1] == '\0');
        return rc;
    case FRAME:
        rc = sr_get_frame(body, length, &vif, &frame, &n, NULL);
        MUST(rc || (n >= WIRE_FRAME_MIN && frame + n == body + length));
        return rc;
    case RECEIVED:
        return sr_get_received(body, length, &value, NULL);
    case PAGE_DIGESTS:
        rc = sr_get_page_digests(body, length, digests, &n, NULL);
        MUST(rc || 16 * n == length);
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
    if (wire_is_optional(kinds[kind].type) && kind != FRAME)
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
            SR_MODE_REMUS + (kind == STATE || kind == FRAME));
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
