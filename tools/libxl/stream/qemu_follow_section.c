/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower's steps around a section's body: which section it is, and may
 * it come here; the head of RAM's, its footer; where a checkpoint's RAM and
 * where all that can be told apart of precopy ends.
 */
#include "qemu_follow_int.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"

void qf_section_begin(struct qemu_follower *f)
{
    qf_read(&f->ways[QF_FORWARD], QF_STEP_SECTION, 1);
}

static int not_here(struct qemu_follower *f)
{
    return qf_fail(f, QF_FORWARD, QF_RULE_SECTION, f->section_at,
                   "this is 0x%02" PRIx32, f->section);
}

void qf_devices_piece(struct qemu_follower *f, const uint8_t *data, size_t n)
{
    qf_tail_feed(&f->tail, data, n);
    if (f->conf.devices)
        f->conf.devices(f->conf.ctx, data, n);
}

/* Nothing can be told apart from here on: its first octet was read. */
static void begin_devices(struct qemu_follower *f, uint8_t type)
{
    struct qf_way *w = &f->ways[QF_FORWARD];

    qf_move(f, QF_OCTETS_SECTIONS, QF_OCTETS_DEVICES, 1);
    qf_devices_piece(f, &type, 1);
    qf_skip(w, QF_STEP_DEVICES, UINT64_MAX);    /* until READY */
    w->at = f->section_at;
}

/* What is legal in precopy only. */
static int precopy_section(struct qemu_follower *f, bool subsection)
{
    struct qf_way *w = &f->ways[QF_FORWARD];

    switch (f->section) {
    case QEMU_SECTION_CONFIGURATION:
        if (f->section_at != QEMU_HEADER_SIZE)
            return not_here(f);
        qf_move(f, QF_OCTETS_SECTIONS, QF_OCTETS_CONFIGURATION, 1);
        qf_read(w, QF_STEP_MACHINE_LENGTH, 4);
        return 0;
    case QEMU_SECTION_SUBSECTION:
        if (!subsection)
            return not_here(f);
        f->in_configuration = true;
        qf_move(f, QF_OCTETS_SECTIONS, QF_OCTETS_CONFIGURATION, 1);
        qf_read(w, QF_STEP_SUB_LENGTH, 1);
        return 0;
    case QEMU_SECTION_START:
        if (f->ram_started)
            return not_here(f);
        qf_ram_begin(f);
        f->ram_at = f->section_at;
        qf_read(w, QF_STEP_START, 5);
        return 0;
    case QEMU_SECTION_FULL:
        if (!f->ram_ended)
            return qf_fail(f, QF_FORWARD, QF_RULE_EARLY, f->section_at,
                           NULL);
        begin_devices(f, QEMU_SECTION_FULL);
        return 0;
    case QEMU_SECTION_EOF:
        if (!f->ram_ended)
            return not_here(f);
        begin_devices(f, QEMU_SECTION_EOF);
        return 0;
    default:
        return not_here(f);
    }
}

/* A checkpoint's RAM is over. */
static void end_ram(struct qemu_follower *f)
{
    struct qf_way *w = &f->ways[QF_FORWARD];

    qf_read(w, QF_STEP_MESSAGE, QEMU_MESSAGE_SIZE);
    qf_ram_told(f, w->offset);
}

static int ram_part(struct qemu_follower *f)
{
    if (!f->ram_started || (f->ram_ended && !f->colo))
        return not_here(f);
    if (!f->colo) {
        qf_ram_begin(f);
        f->ram_at = f->section_at;
    }
    qf_read(&f->ways[QF_FORWARD], QF_STEP_PART, 4);
    return 0;
}

int qf_step_section(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    bool subsection = f->in_configuration;

    f->section = p[0];
    f->section_at = w->at;
    f->in_configuration = false;
    switch (f->section) {
    case QEMU_SECTION_COMMAND:
        qf_move(f, QF_OCTETS_SECTIONS, QF_OCTETS_COMMANDS, 1);
        qf_read(w, QF_STEP_COMMAND, 4);
        return 0;
    case QEMU_SECTION_PART:
    case QEMU_SECTION_END:
        return ram_part(f);
    case QEMU_SECTION_EOF:
        if (!f->colo)
            break;
        end_ram(f);
        return 0;
    default:
        if (f->colo)
            return not_here(f);
        break;
    }
    return precopy_section(f, subsection);
}

int qf_step_start(struct qemu_follower *f, const uint8_t *p)
{
    f->tally.ram_id = get_be32(p);
    qf_read(&f->ways[QF_FORWARD], QF_STEP_START_NAME, p[4] + 8u);
    return 0;
}

int qf_step_start_name(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    size_t n = (size_t)(w->offset - w->at) - 8;
    uint32_t instance = get_be32(p + n), version = get_be32(p + n + 4);
    char shown[QF_NAME_SHOWN];

    if (n != strlen(QEMU_RAM_NAME) || memcmp(p, QEMU_RAM_NAME, n) ||
        instance != QEMU_RAM_INSTANCE || version != QEMU_RAM_VERSION)
        return qf_fail(f, QF_FORWARD, QF_RULE_PARTS, w->at,
                       "this is %s, %" PRIu32 ", %" PRIu32,
                       qf_show(shown, p, n), instance, version);
    f->ram_started = true;
    qf_read(w, QF_STEP_RECORD, 8);
    return 0;
}

/* The id of the section, in its head or its footer. */
static int check_id(struct qemu_follower *f, const uint8_t *p, uint64_t at)
{
    if (get_be32(p) == f->tally.ram_id)
        return 0;
    return qf_fail(f, QF_FORWARD, QF_RULE_SECTION_ID, at,
                   "it is %" PRIu32 " here, RAM's %" PRIu32, get_be32(p),
                   f->tally.ram_id);
}

int qf_step_part(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    int rc = check_id(f, p, w->at);

    if (rc == 0)
        qf_read(w, QF_STEP_RECORD, 8);
    return rc;
}

int qf_step_footer(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    int rc;

    if (p[0] != QEMU_SECTION_FOOTER)
        return qf_fail(f, QF_FORWARD, QF_RULE_FOOTER, w->at,
                       "this is 0x%02x", p[0]);
    rc = check_id(f, p + 1, w->at + 1);
    if (rc)
        return rc;
    if (f->section == QEMU_SECTION_END)
        f->ram_ended = true;
    qf_section_begin(f);
    if (!f->colo)
        qf_ram_told(f, w->offset);
    return 0;
}
