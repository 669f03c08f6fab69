/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The stream's head, and sections of state; qemu_format.h has what they look
 * like.
 */
#include "qemu_state.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"

/* Of a section around its name and its body: type, id, the name's length;
   instance, version, length; footer, id. */
#define BEFORE_NAME 6u
#define BEHIND_NAME 12u
#define BEHIND_BODY 5u
#define STATE_VERSION 1u

int qemu_put_head(struct buf *b, const char *machine, struct err *e)
{
    size_t n = strlen(machine);
    uint8_t octets[QEMU_HEADER_SIZE + 5 + QEMU_MACHINE_MAX + 5] = { 0 };
    uint8_t *at = octets;

    assert(n && n <= QEMU_MACHINE_MAX);
    put_be32(at, QEMU_MAGIC);
    put_be32(at + 4, QEMU_VERSION);
    at += QEMU_HEADER_SIZE;
    *at++ = QEMU_SECTION_CONFIGURATION;
    put_be32(at, (uint32_t)n);
    memcpy(at + 4, machine, n);
    at += 4 + n;
    *at++ = QEMU_SECTION_COMMAND;
    put_be16(at, QEMU_COMMAND_ENABLE_COLO);
    at += 4;
    return buf_append(b, octets, (size_t)(at - octets), e);
}

int qemu_put_section(struct buf *b, uint32_t id, const char *name,
                     const void *body, size_t n, struct err *e)
{
    size_t length = strlen(name), head = BEFORE_NAME + length + BEHIND_NAME;
    uint8_t *at;
    int rc;

    assert(length && length <= QEMU_NAME_MAX && n <= UINT32_MAX);
    rc = buf_reserve(b, head + n + BEHIND_BODY, &at, e);
    if (rc)
        return rc;
    at[0] = QEMU_SECTION_FULL;
    put_be32(at + 1, id);
    at[5] = (uint8_t)length;
    memcpy(at + BEFORE_NAME, name, length);
    at += BEFORE_NAME + length;
    put_be32(at, 0);
    put_be32(at + 4, STATE_VERSION);
    put_be32(at + 8, (uint32_t)n);
    at += BEHIND_NAME;
    if (n)
        memcpy(at, body, n);
    at[n] = QEMU_SECTION_FOOTER;
    put_be32(at + n + 1, id);
    b->size += head + n + BEHIND_BODY;
    return 0;
}

int qemu_put_sections_end(struct buf *b, struct err *e)
{
    uint8_t end = QEMU_SECTION_EOF;

    return buf_append(b, &end, 1, e);
}

int qemu_put_description(struct buf *b, struct err *e)
{
    static const char json[] = "{\"page_size\": 4096, \"devices\": []}";
    uint8_t octets[5 + sizeof(json) - 1] = { QEMU_SECTION_VMDESCRIPTION };

    put_be32(octets + 1, sizeof(json) - 1);
    memcpy(octets + 5, json, sizeof(json) - 1);
    return buf_append(b, octets, sizeof(octets), e);
}

/* ---- reading. */

static int no_section(const char *why, struct err *e)
{
    return err_set(e, ERR_FORMAT, "state that isn't in sections: %s", why);
}

int qemu_next_part(const uint8_t **data, size_t *n,
                      struct qemu_part *s_r, struct err *e)
{
    const uint8_t *p = *data;
    size_t left = *n, name, size;

    memset(s_r, 0, sizeof(*s_r));
    if (left == 1 && p[0] == QEMU_SECTION_EOF) {
        *data += 1;
        *n = 0;
        return 0;
    }
    if (left < BEFORE_NAME || p[0] != QEMU_SECTION_FULL || !p[5])
        return no_section("there is no head of one", e);
    name = p[5];
    left -= BEFORE_NAME;
    if (left < name + BEHIND_NAME)
        return no_section("a name has no end", e);
    left -= name + BEHIND_NAME;
    s_r->body = p + BEFORE_NAME + name + BEHIND_NAME;
    size = get_be32(s_r->body - 4);
    if (get_be32(s_r->body - 8) != STATE_VERSION)
        return no_section("it is of another version", e);
    if (left < size || left - size < BEHIND_BODY)
        return no_section("one is longer than all", e);
    if (s_r->body[size] != QEMU_SECTION_FOOTER ||
        memcmp(s_r->body + size + 1, p + 1, 4))
        return no_section("its footer isn't there", e);
    s_r->name = p + BEFORE_NAME;
    s_r->name_length = name;
    s_r->size = size;
    *data = s_r->body + size + BEHIND_BODY;
    *n = left - size - BEHIND_BODY;
    return 0;
}
