/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower's steps at the head of the stream: header, configuration with
 * its subsections; and commands, wherever they come.
 */
#include "qemu_follow_int.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"

static const struct {
    int length;        /* -1: any */
    bool followed;     /* else postcopy's */
} commands[] = {
#define COMMAND(n, v, l, o) [v] = { (l), (o) },
    QEMU_COMMANDS(COMMAND)
#undef COMMAND
};
#define COMMANDS_NR (sizeof(commands) / sizeof(commands[0]))

int qf_step_header(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_event event = {
        .kind = QF_PRECOPY_BEGIN, .direction = QF_FORWARD,
        .octets = QEMU_HEADER_SIZE, .value = get_be32(p + 4),
    };

    if (get_be32(p) != QEMU_MAGIC)
        return qf_fail(f, QF_FORWARD, QF_RULE_MAGIC, 0,
                       "it begins with 0x%08" PRIx32, get_be32(p));
    if (event.value != QEMU_VERSION)
        return qf_fail(f, QF_FORWARD, QF_RULE_VERSION, 4,
                       "it is %" PRIu64 " here", event.value);
    qf_section_begin(f);
    qf_tell(f, &event);
    return 0;
}

/* ---- the configuration. */

int qf_step_machine_length(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    uint32_t n = get_be32(p);

    if (n < 1 || n > QEMU_MACHINE_MAX)
        return qf_fail(f, QF_FORWARD, QF_RULE_MACHINE, w->at,
                       "it has %" PRIu32 " here", n);
    qf_read(w, QF_STEP_MACHINE, n);
    return 0;
}

int qf_step_machine(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    uint64_t n = w->offset - w->at;
    char name[QEMU_MACHINE_MAX + 1];
    struct qf_event event = {
        .kind = QF_MACHINE, .direction = QF_FORWARD, .offset = w->at - 5,
        .octets = n + 5, .name = name,
    };

    memcpy(name, p, n);
    name[n] = '\0';
    f->in_configuration = true;
    qf_section_begin(f);
    qf_tell(f, &event);
    return 0;
}

int qf_step_sub_length(struct qemu_follower *f, const uint8_t *p)
{
    qf_read(&f->ways[QF_FORWARD], QF_STEP_SUB_NAME, p[0] + 4u);
    return 0;
}

int qf_step_sub_name(struct qemu_follower *f, const uint8_t *p)
{
    static const struct {
        const char *name;
        enum qf_step step;
        uint32_t size;
        bool collected;
    } known[] = {
        { QEMU_SUB_PAGE_BITS, QF_STEP_SUB_PAGE_BITS, 4, true },
        { QEMU_SUB_CAPABILITIES, QF_STEP_CAPABILITIES, 4, true },
        { QEMU_SUB_UUID, QF_STEP_SUB_UUID, QEMU_UUID_SIZE, false },
    };
    struct qf_way *w = &f->ways[QF_FORWARD];
    size_t i, n = (size_t)(w->offset - w->at) - 4;
    uint32_t version = get_be32(p + n);
    char shown[QF_NAME_SHOWN];

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (version != 1 || n != strlen(known[i].name) ||
            memcmp(p, known[i].name, n))
            continue;
        if (known[i].collected)
            qf_read(w, known[i].step, known[i].size);
        else
            qf_skip(w, known[i].step, known[i].size);
        return 0;
    }
    return qf_fail(f, QF_FORWARD, QF_RULE_SUBSECTION, w->at,
                   "this is version %" PRIu32 " of %s", version,
                   qf_show(shown, p, n));
}

int qf_step_sub_end(struct qemu_follower *f, const uint8_t *p)
{
    (void)p;
    qf_section_begin(f);
    return 0;
}

int qf_step_page_bits(struct qemu_follower *f, const uint8_t *p)
{
    if (get_be32(p) != __builtin_ctz(QEMU_PAGE_SIZE))
        return qf_fail(f, QF_FORWARD, QF_RULE_PAGE_BITS,
                       f->ways[QF_FORWARD].at, "it has 2^%" PRIu32 " here",
                       get_be32(p));
    qf_section_begin(f);
    return 0;
}

/* The next capability, or what follows the last. */
static void next_capability(struct qemu_follower *f)
{
    if (f->capabilities) {
        f->capabilities--;
        qf_read(&f->ways[QF_FORWARD], QF_STEP_CAP_LENGTH, 1);
    } else {
        qf_section_begin(f);
    }
}

int qf_step_capabilities(struct qemu_follower *f, const uint8_t *p)
{
    f->capabilities = get_be32(p);
    if (f->capabilities > QEMU_CAPABILITIES_MAX)
        return qf_fail(f, QF_FORWARD, QF_RULE_CAPABILITIES,
                       f->ways[QF_FORWARD].at, "there are %" PRIu32 " here",
                       f->capabilities);
    next_capability(f);
    return 0;
}

int qf_step_cap_length(struct qemu_follower *f, const uint8_t *p)
{
    if (p[0])
        qf_read(&f->ways[QF_FORWARD], QF_STEP_CAP_NAME, p[0]);
    else
        next_capability(f);
    return 0;
}

int qf_step_cap_name(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    size_t n = (size_t)(w->offset - w->at);

    if (n == strlen(QEMU_IGNORE_SHARED) && !memcmp(p, QEMU_IGNORE_SHARED, n))
        f->tally.ignore_shared = true;
    next_capability(f);
    return 0;
}

/* ---- commands. */

int qf_step_command(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];

    f->command = get_be16(p);
    f->command_length = get_be16(p + 2);
    if (f->command < 1 || f->command >= COMMANDS_NR)
        return qf_fail(f, QF_FORWARD, QF_RULE_COMMAND, w->at,
                       "this is %" PRIu32, f->command);
    if (!commands[f->command].followed)
        return qf_fail(f, QF_FORWARD, QF_RULE_POSTCOPY, w->at,
                       "this is command %" PRIu32, f->command);
    if (f->command_length != (uint32_t)commands[f->command].length)
        return qf_fail(f, QF_FORWARD, QF_RULE_COMMAND_LENGTH, w->at + 2,
                       "command %" PRIu32 " has %" PRIu32 " octets here",
                       f->command, f->command_length);
    if (f->colo && f->command != QEMU_COMMAND_SWITCHOVER_START)
        return qf_fail(f, QF_FORWARD, QF_RULE_COMMAND_PLACE, w->at,
                       "this is %" PRIu32, f->command);
    qf_skip(w, QF_STEP_COMMAND_BODY, f->command_length);
    return 0;
}

int qf_step_command_body(struct qemu_follower *f, const uint8_t *p)
{
    struct qf_way *w = &f->ways[QF_FORWARD];
    struct qf_event event = {
        .kind = QF_COMMAND, .direction = QF_FORWARD,
        .offset = f->section_at, .octets = w->offset - f->section_at,
        .checkpoint = w->checkpoint, .value = f->command,
    };

    (void)p;
    if (f->command == QEMU_COMMAND_OPEN_RETURN_PATH)
        f->tally.return_path = true;
    qf_section_begin(f);
    qf_tell(f, &event);
    return 0;
}
