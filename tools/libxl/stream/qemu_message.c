/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * COLO's messages, by the list in qemu_format.h.
 */
#include "qemu_message.h"

#include <assert.h>
#include <inttypes.h>

#include "bytes.h"

static const struct {
    const char *name;
    bool forward;
} messages[] = {
#define MESSAGE(n, v, s, p) [QEMU_##n] = { (s), (p) },
    QEMU_MESSAGES(MESSAGE)
#undef MESSAGE
};

_Static_assert(sizeof(messages) / sizeof(messages[0]) == QEMU_MESSAGES_NR,
               "the messages are numbered without a gap");

const char *qemu_message_name(enum qemu_message m)
{
    return (unsigned)m < QEMU_MESSAGES_NR ? messages[m].name : "unknown";
}

bool qemu_message_forward(enum qemu_message m)
{
    assert((unsigned)m < QEMU_MESSAGES_NR);
    return messages[m].forward;
}

size_t qemu_message_size(enum qemu_message m)
{
    return QEMU_MESSAGE_SIZE +
           (m == QEMU_VMSTATE_SIZE ? QEMU_VALUE_SIZE : 0);
}

size_t qemu_message_encode(uint8_t *to, enum qemu_message m, uint64_t value)
{
    assert((unsigned)m < QEMU_MESSAGES_NR);
    put_be32(to, m);
    if (m == QEMU_VMSTATE_SIZE)
        put_be64(to + QEMU_MESSAGE_SIZE, value);
    return qemu_message_size(m);
}

int qemu_put_message(struct buf *b, enum qemu_message m, uint64_t value,
                     struct err *e)
{
    uint8_t octets[QEMU_MESSAGE_SIZE + QEMU_VALUE_SIZE];

    return buf_append(b, octets, qemu_message_encode(octets, m, value), e);
}

int qemu_get_message(const uint8_t *from, enum qemu_message *m_r,
                     struct err *e)
{
    uint32_t word = get_be32(from);

    if (word >= QEMU_MESSAGES_NR)
        return err_set(e, ERR_FORMAT, "%" PRIu32 " is no COLO message: they "
                       "are 0 to %d", word, QEMU_MESSAGES_NR - 1);
    *m_r = (enum qemu_message)word;
    return 0;
}
