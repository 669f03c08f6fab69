/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A checkpoint's small state as sections of QEMU's, and the blocks of RAM.
 */
#include "qemu_wire.h"

#include <string.h>

#include "qemu_state.h"

static const char *const blocks[QEMU_WIRE_BLOCKS] = {
    [QEMU_WIRE_CONFIG_NR] = QEMU_WIRE_CONFIG,
    [QEMU_WIRE_RAM_NR] = QEMU_WIRE_RAM,
};

/* The parts of struct ckpt, in their order; the device model's is optional. */
#define PARTS(X) \
    X("xl/tsc", tsc) X("xl/context", context) X("xl/params", params) \
    X("xl/device-model", device)
enum { OPTIONAL = 3 };

void qemu_wire_blocks(size_t json, uint64_t pages,
                      struct qf_ram_block blocks_r[QEMU_WIRE_BLOCKS])
{
    uint64_t config = (json / QEMU_PAGE_SIZE + 1) * QEMU_PAGE_SIZE;

    for (int i = 0; i < QEMU_WIRE_BLOCKS; i++)
        blocks_r[i] = (struct qf_ram_block) {
            .name = (const uint8_t *)blocks[i],
            .name_length = (uint8_t)strlen(blocks[i]),
            .length = i == QEMU_WIRE_CONFIG_NR ? config
                                               : pages * QEMU_PAGE_SIZE,
            .start = i == QEMU_WIRE_CONFIG_NR ? 0 : config,
        };
}

bool qemu_wire_is(const struct qf_ram_block *b, unsigned int nr)
{
    return nr < QEMU_WIRE_BLOCKS && b->name_length == strlen(blocks[nr]) &&
           !memcmp(b->name, blocks[nr], b->name_length);
}

int qemu_wire_put_state(struct buf *b, const struct ckpt *c, struct err *e)
{
    uint32_t id = QEMU_WIRE_RAM_ID;
    int rc = 0;

#define PUT(name, part) \
    id++; \
    if (!rc && (c->part.size || id != QEMU_WIRE_RAM_ID + 1 + OPTIONAL)) \
        rc = qemu_put_section(b, id, name, c->part.data, c->part.size, e);
    PARTS(PUT)
#undef PUT
    return rc ? rc : qemu_put_sections_end(b, e);
}

static int take(struct ckpt *c, const struct qemu_part *s, int *seen,
                struct err *e)
{
    static const char *const names[] = {
#define NAME(name, part) name,
        PARTS(NAME)
#undef NAME
    };
    struct buf *const parts[] = {
#define PART(name, part) &c->part,
        PARTS(PART)
#undef PART
    };
    int i = *seen;

    if (i > OPTIONAL || s->name_length != strlen(names[i]) ||
        memcmp(s->name, names[i], s->name_length))
        return err_set(e, ERR_FORMAT, "state that isn't a domain's, or out of "
                       "order");
    *seen += 1;
    buf_clear(parts[i]);
    return buf_append(parts[i], s->body, s->size, e);
}

int qemu_wire_get_state(struct ckpt *c, const uint8_t *data, size_t n,
                        struct err *e)
{
    struct qemu_part s;
    int seen = 0, rc;

    buf_clear(&c->device);
    do {
        rc = qemu_next_part(&data, &n, &s, e);
        if (!rc && s.name)
            rc = take(c, &s, &seen, e);
    } while (!rc && s.name);
    if (!rc && seen < OPTIONAL)
        rc = err_set(e, ERR_FORMAT, "a domain's state, and a part is missing");
    return rc;
}
