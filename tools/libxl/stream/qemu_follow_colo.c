/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower's steps after precopy: COLO's messages both ways, the size of
 * the device state, the state itself; and READY, which says that precopy has
 * ended. What lies between VMSTATE_SEND and VMSTATE_SIZE is
 * qemu_follow_section.c's.
 */
#include "qemu_follow_int.h"

#include <inttypes.h>

#include "bytes.h"
#include "qemu_message.h"

/* Which message is it, and has it its turn? */
static int which(struct qemu_follower *f, enum qf_direction direction,
                 const uint8_t *p, enum qemu_message *m_r)
{
    const struct qf_way *w = &f->ways[direction];

    if (qemu_get_message(p, m_r, NULL))
        return qf_fail(f, direction, QF_RULE_MESSAGE, w->at,
                       "this is 0x%" PRIx32, get_be32(p));
    if (*m_r != w->turn)
        return qf_fail(f, direction, QF_RULE_TURN, w->at,
                       "%s came, and %s has its turn",
                       qemu_message_name(*m_r), qemu_message_name(w->turn));
    return 0;
}

static void tell_message(struct qemu_follower *f, enum qf_direction direction,
                         enum qemu_message m, uint64_t at,
                         uint64_t checkpoint, uint64_t value)
{
    struct qf_event event = {
        .kind = QF_MESSAGE, .direction = direction, .offset = at,
        .octets = qemu_message_size(m), .checkpoint = checkpoint,
        .value = value, .message = m,
    };

    qf_tell(f, &event);
}

int qf_step_message(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    uint64_t at = w->at;
    enum qemu_message m;
    int rc = which(f, QF_FORWARD, p, &m);

    if (rc)
        return rc;
    if (m == QEMU_VMSTATE_SIZE) {
        qf_read(w, QF_STEP_SIZE, QEMU_VALUE_SIZE);
        return 0;
    }
    if (m == QEMU_CHECKPOINT_REQUEST) {
        w->turn = QEMU_VMSTATE_SEND;
        qf_read(w, QF_STEP_MESSAGE, QEMU_MESSAGE_SIZE);
    } else {
        w->turn = QEMU_VMSTATE_SIZE;
        qf_ram_begin(f);
        qf_section_begin(f);
    }
    tell_message(f, QF_FORWARD, m, at, w->checkpoint, 0);
    return 0;
}

int qf_step_size(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    uint64_t at = w->at - QEMU_MESSAGE_SIZE, size = get_be64(p);

    if (size > f->conf.vmstate_max)
        return qf_fail(f, QF_FORWARD, QF_RULE_VMSTATE, w->at,
                       "it is %" PRIu64 " here, the limit %" PRIu64, size,
                       f->conf.vmstate_max);
    qf_skip(w, QF_STEP_BLOB, size);
    tell_message(f, QF_FORWARD, QEMU_VMSTATE_SIZE, at, w->checkpoint, size);
    return 0;
}

int qf_step_blob(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    struct qf_event event = {
        .kind = QF_BLOB, .direction = QF_FORWARD, .offset = w->at,
        .octets = w->offset - w->at, .checkpoint = w->checkpoint,
    };

    (void)p;
    w->turn = QEMU_CHECKPOINT_REQUEST;
    w->checkpoint++;
    f->tally.checkpoints++;
    qf_read(w, QF_STEP_MESSAGE, QEMU_MESSAGE_SIZE);
    qf_tell(f, &event);
    return 0;
}

/*
 * READY came back: nothing of precopy is under way any more. The engine, for
 * which this step has no end, never calls it.
 */
int qf_step_devices(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    struct qf_event event = {
        .kind = QF_PRECOPY_END, .direction = QF_FORWARD, .offset = w->at,
        .octets = w->offset - w->at,
    };
    struct qf_where where = qf_where(f, QF_FORWARD);
    char words[QF_WORDS_SIZE];

    (void)p;
    if (where.place != QF_AT_PRECOPY_DONE) {
        qf_words(&where, words);
        return qf_fail(f, QF_FORWARD, QF_RULE_PRECOPY_END, w->offset,
                       "this is %s", words);
    }
    qf_tail_ends(&f->tail, &event.value);
    qf_move(f, QF_OCTETS_DEVICES, QF_OCTETS_DESCRIPTION, event.value);
    f->colo = true;
    w->checkpoint = 1;
    qf_read(w, QF_STEP_MESSAGE, QEMU_MESSAGE_SIZE);
    qf_tell(f, &event);
    return 0;
}

int qf_step_back(struct qemu_follower *f, const uint8_t *p)
{
    static const enum qemu_message follows[QEMU_MESSAGES_NR] = {
        [QEMU_CHECKPOINT_READY] = QEMU_CHECKPOINT_REPLY,
        [QEMU_CHECKPOINT_REPLY] = QEMU_VMSTATE_RECEIVED,
        [QEMU_VMSTATE_RECEIVED] = QEMU_VMSTATE_LOADED,
        [QEMU_VMSTATE_LOADED] = QEMU_CHECKPOINT_REPLY,
    };
    struct qf_way *w = &f->ways[QF_BACK];
    uint64_t at = w->at, checkpoint = w->checkpoint;
    uint32_t type = get_be16(p);
    enum qemu_message m;
    int rc;

    if (type >= 1 && type <= QEMU_RETURN_PATH_TYPES)
        return qf_fail(f, QF_BACK, QF_RULE_RETURN_PATH, at,
                       "this is its message %" PRIu32 " of %u octets%s", type,
                       get_be16(p + 2), f->tally.return_path ? "" :
                       ", though it wasn't opened");
    rc = which(f, QF_BACK, p, &m);
    if (!rc && m == QEMU_CHECKPOINT_READY)
        rc = qf_step_devices(f, p);
    if (rc)
        return rc;
    w->turn = follows[m];
    if (m == QEMU_CHECKPOINT_READY || m == QEMU_VMSTATE_LOADED)
        w->checkpoint++;
    qf_read(w, QF_STEP_BACK, QEMU_MESSAGE_SIZE);
    tell_message(f, QF_BACK, m, at, checkpoint, 0);
    return 0;
}
