/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a primary sends in QEMU's dialect: the first copy as a migration
 * stream, then the messages of each checkpoint with its pages and its state,
 * out of staging.
 */
#include "primary_int.h"

#include <string.h>

#include "qemu_message.h"
#include "qemu_ram.h"
#include "qemu_state.h"
#include "qemu_wire.h"

/* It is of the first copy, or of the checkpoint, that is going out. */
static void sends(struct colo_primary *p, enum primary_sending what)
{
    p->sending = what;
    p->going_out = true;
    primary_clock(p, p->params.step_ms * ENV_MS);
}

static int put_word(struct colo_primary *p, enum qemu_message m,
                    uint64_t value, struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = qemu_put_message(&b, m, value, e);

    return rc ? rc : link_put(&p->link, &b, e);
}

static void send_word(struct colo_primary *p, enum qemu_message m)
{
    struct err e = { 0 };

    if (put_word(p, m, 0, &e))
        primary_local_failed(p, &e);
}

/* A page's content stays where it is until it is out. */
static int put_content(struct colo_primary *p, struct buf *head, size_t i,
                       struct err *e)
{
    int rc = link_put(&p->link, head, e);

    if (rc || !p->link.open || p->link.broken)
        return rc;
    return outq_refer(&p->link.out, ckpt_page(&p->stage, i), CKPT_PAGE_SIZE,
                      e);
}

/* What is staged; @b has what goes before it, and then what is left. */
static int put_pages(struct colo_primary *p, struct buf *b, struct err *e)
{
    struct qf_ram_block blocks[QEMU_WIRE_BLOCKS];
    const struct qf_ram_block *ram = &blocks[QEMU_WIRE_RAM_NR];
    int rc = 0;

    qemu_wire_blocks(0, p->info->ram_pages, blocks);
    for (size_t i = 0; !rc && i < p->stage.pages_nr; i++) {
        uint64_t at = p->stage.pfns[i] * QEMU_PAGE_SIZE;

        if (ckpt_is_zero(&p->stage, i)) {
            rc = qemu_put_page(b, ram, at, NULL, e);
            continue;
        }
        rc = qemu_put_page_head(b, ram, at, e);
        if (!rc)
            rc = put_content(p, b, i, e);
    }
    return rc;
}

int primary_qemu_put_round(struct colo_primary *p, struct err *e)
{
    CLEANUP_BUF struct buf b = { 0 };
    int rc = qemu_put_ram_part(&b, QEMU_WIRE_RAM_ID, e);

    if (!rc)
        rc = put_pages(p, &b, e);
    if (!rc)
        rc = qemu_put_ram_part_end(&b, QEMU_WIRE_RAM_ID, e);
    return rc ? rc : link_put(&p->link, &b, e);
}

/* The block of the configuration, whole. */
static int put_config(const struct qf_ram_block *block, const char *json,
                      struct buf *b, struct err *e)
{
    size_t left = strlen(json);
    int rc = qemu_put_ram_part(b, QEMU_WIRE_RAM_ID, e);

    for (uint64_t at = 0; !rc && at < block->length; at += QEMU_PAGE_SIZE) {
        uint8_t page[QEMU_PAGE_SIZE] = { 0 };
        size_t n = left < sizeof(page) ? left : sizeof(page);

        memcpy(page, json + at, n);
        left -= n;
        rc = qemu_put_page(b, block, at, page, e);
    }
    return rc ? rc : qemu_put_ram_part_end(b, QEMU_WIRE_RAM_ID, e);
}

void primary_qemu_send_head(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { 0 };
    const char *json = p->info->config_json ? p->info->config_json : "{}";
    struct qf_ram_block blocks[QEMU_WIRE_BLOCKS];
    struct err e = { 0 };
    int rc;

    p->ops->timer(p->env, ENV_TIMER_STEP, p->params.step_ms * ENV_MS);
    qemu_wire_blocks(strlen(json), p->info->ram_pages, blocks);
    rc = qemu_put_head(&b, QEMU_WIRE_MACHINE, &e);
    if (!rc)
        rc = qemu_put_ram_start(&b, QEMU_WIRE_RAM_ID, blocks,
                                QEMU_WIRE_BLOCKS, &e);
    if (!rc)
        rc = put_config(&blocks[QEMU_WIRE_CONFIG_NR], json, &b, &e);
    if (!rc)
        rc = link_put(&p->link, &b, &e);
    if (rc)
        primary_local_failed(p, &e);
}

void primary_qemu_send_rest(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };
    int rc;

    if (!primary_capture(p))
        return;
    p->captured_ns = p->ops->now(p->env);
    p->words.wanted = QEMU_CHECKPOINT_READY;
    p->first_byte = p->link.out.sent + p->link.out.queued;
    sends(p, SENDING_EPOCH);
    rc = qemu_put_ram_begin(&b, QEMU_WIRE_RAM_ID, &e);
    if (!rc)
        rc = put_pages(p, &b, &e);
    if (!rc)
        rc = qemu_put_ram_part_end(&b, QEMU_WIRE_RAM_ID, &e);
    if (!rc)
        rc = qemu_wire_put_state(&b, &p->stage, &e);
    if (!rc)
        rc = qemu_put_description(&b, &e);
    if (!rc)
        rc = link_put(&p->link, &b, &e);
    if (rc)
        primary_local_failed(p, &e);
}

void primary_qemu_send_request(struct colo_primary *p)
{
    primary_dont_look(p);
    p->words.wanted = QEMU_CHECKPOINT_REPLY;
    send_word(p, QEMU_CHECKPOINT_REQUEST);
}

void primary_qemu_send_go(struct colo_primary *p)
{
    p->first_byte = p->link.out.sent + p->link.out.queued;
    send_word(p, QEMU_VMSTATE_SEND);
}

void primary_qemu_send_ram(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { 0 };
    struct err e = { 0 };
    int rc = qemu_put_ram_begin(&b, QEMU_WIRE_RAM_ID, &e);

    sends(p, SENDING_RAM);
    if (!rc)
        rc = put_pages(p, &b, &e);
    if (!rc)
        rc = qemu_put_ram_end(&b, QEMU_WIRE_RAM_ID, &e);
    if (!rc)
        rc = link_put(&p->link, &b, &e);
    if (rc)
        primary_local_failed(p, &e);
}

void primary_qemu_send_state(struct colo_primary *p)
{
    CLEANUP_BUF struct buf b = { .limit = QEMU_WIRE_STATE_MAX };
    struct err e = { 0 };
    int rc;

    p->words.wanted = QEMU_VMSTATE_RECEIVED;
    sends(p, SENDING_EPOCH);
    rc = qemu_wire_put_state(&b, &p->stage, &e);
    if (!rc)
        rc = put_word(p, QEMU_VMSTATE_SIZE, b.size, &e);
    if (!rc)
        rc = link_put(&p->link, &b, &e);
    if (rc)
        primary_local_failed(p, &e);
}
