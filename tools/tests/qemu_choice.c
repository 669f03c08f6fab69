/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What our secondary would take over with when a QEMU's octets end here: the
 * follower reads them from standard input, the secondary's table decides, and
 * its actions are carried out on two pieces of memory, the copy and what is
 * collected beside it. Prints the state in which the loss is noticed, and then
 * the copy's memory. No socket, no clock. Called by tests/qemu/qemukit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine_qemu_secondary.h"
#include "qemu_follow.h"
#include "qemu_message.h"

#define M        (&qemu_secondary_machine)
#define RAM_MAX  ((size_t)16 << 20)
#define NOTHING  (-1)

struct copy {
    struct qemu_follower *f;
    int state;
    int step;               /* the trigger that ends what this side is at */
    int remembered;         /* a trigger */
    uint8_t *ram, *beside;
    size_t size;
    bool collected;         /* something beside it */
    bool half;              /* pages are written, devices aren't loaded */
    bool runs;
};

static void die(const char *what)
{
    fprintf(stderr, "qemu_choice: %s\n", what);
    exit(2);
}

/* ---- actions. */

static void apply(struct copy *c)
{
    memcpy(c->ram, c->beside, c->size);
    c->collected = false;
    c->half = true;
    c->step = QST_APPLIED;
}

static void discard(struct copy *c)
{
    memcpy(c->beside, c->ram, c->size);
    c->collected = false;
}

static void activate(struct copy *c)
{
    if (c->collected || c->half)
        die(c->half ? "takes over with pages that no devices' state is for" :
            "takes over, and a part of a checkpoint is left");
    c->runs = true;
    c->step = QST_ACTIVATED;
}

static void act(struct copy *c, int trigger, int action)
{
    switch (action) {
    case QSA_FEED_END:
        c->step = QST_CREATED;
        break;
    case QSA_STOP_COPY:
        c->step = QST_SUSPENDED;
        break;
    case QSA_APPLY:
        apply(c);
        break;
    case QSA_LOAD:
        c->step = QST_LOADED;
        break;
    case QSA_DISCARD:
        discard(c);
        break;
    case QSA_DEFER:
        c->remembered = trigger;
        break;
    case QSA_ACTIVATE:
        activate(c);
        break;
    case QSA_LOSE:
    case QSA_DESTROY:
        die("the stream isn't as it should be");
        break;
    default:    /* sockets, clocks and words */
        break;
    }
}

static void take(struct copy *c, int trigger)
{
    const struct machine_cell *cell;
    struct err e = { 0 };
    bool recalled = false;

    if (machine_step(M, c->state, trigger, &cell, &e))
        die(e.msg);
    if (trigger == QST_LOADED)
        c->half = false;
    for (int i = 0; i < MACHINE_ACTIONS_MAX && cell->actions[i]; i++) {
        act(c, trigger, cell->actions[i]);
        recalled = recalled || cell->actions[i] == QSA_RECALL;
    }
    c->state = cell->next;
    if (recalled && c->remembered != NOTHING) {
        trigger = c->remembered;
        c->remembered = NOTHING;
        take(c, trigger);
    }
}

/* What this side is at, done. */
static void settle(struct copy *c)
{
    while (c->step != NOTHING) {
        int step = c->step;

        c->step = NOTHING;
        take(c, step);
    }
}

/* ---- what the follower tells. */

static void page(void *ctx, const struct qf_page *p)
{
    struct copy *c = ctx;
    struct qf_ram_block block = qf_block(c->f, p->block);
    uint8_t *to = c->state == QS_FIRST ? c->ram : c->beside;

    if (c->state != QS_FIRST && c->state != QS_RAM)
        die("a page came, and nobody collects pages");
    if (p->kind != QEMU_RAM_PAGE && p->kind != QEMU_RAM_ZERO)
        die("compressed pages");
    if (block.start + p->offset + QEMU_PAGE_SIZE > c->size)
        die("a page behind RAM's end");
    to += block.start + p->offset;
    if (p->kind == QEMU_RAM_PAGE)
        memcpy(to, p->data, QEMU_PAGE_SIZE);
    else
        memset(to, 0, QEMU_PAGE_SIZE);
    c->collected = c->state == QS_RAM;
}

static void grow(struct copy *c, uint64_t octets)
{
    if (octets > RAM_MAX - c->size)
        die("too much RAM");
    c->size += octets;
}

static void event(void *ctx, const struct qf_event *event)
{
    static const int words[QEMU_MESSAGES_NR] = {
        [QEMU_CHECKPOINT_REQUEST] = QST_REQUEST,
        [QEMU_VMSTATE_SEND] = QST_SEND,
        [QEMU_VMSTATE_SIZE] = QST_SIZE,
    };
    struct copy *c = ctx;

    if (event->direction == QF_BACK || event->kind == QF_PRECOPY_END)
        return;
    if (event->kind == QF_MACHINE)
        take(c, QST_HEAD);
    else if (event->kind == QF_BLOCK)
        grow(c, event->value);
    else if (event->kind == QF_MESSAGE)
        take(c, words[event->message]);
    else if (event->kind == QF_RAM && event->checkpoint)
        take(c, QST_RAM_END);
    else if (event->kind == QF_BLOB)
        take(c, QST_BLOB);
}

/* ---- all of it. */

static size_t read_all(FILE *f, uint8_t **data_r)
{
    size_t n;

    *data_r = malloc(RAM_MAX);
    if (!*data_r)
        die("no memory");
    n = fread(*data_r, 1, RAM_MAX, f);
    if (!feof(f))
        die("too many octets");
    return n;
}

static void feed(struct copy *c, const uint8_t *data, size_t n)
{
    struct err e = { 0 };

    if (qf_forward(c->f, data, n, &e))
        die(e.msg);
}

static void first_copy(struct copy *c, const uint8_t *data, size_t n)
{
    uint8_t ready[QEMU_MESSAGE_SIZE];
    struct err e = { 0 };

    feed(c, data, n);
    take(c, QST_FIRST_END);
    settle(c);
    qemu_message_encode(ready, QEMU_CHECKPOINT_READY, 0);
    if (qf_back(c->f, ready, sizeof(ready), &e))
        die(e.msg);
    discard(c);
}

/* The end of stream, and then somebody's word that the primary is off. */
static void lose(struct copy *c, bool busy)
{
    const struct machine_cell *cell;

    while (c->step != NOTHING &&
           (!busy || machine_step(M, c->state, QST_LOST_MANUAL, &cell,
                                  NULL))) {
        int step = c->step;

        c->step = NOTHING;
        take(c, step);
    }
    printf("%s\n", M->states[c->state].name);
    take(c, QST_LOST_MANUAL);
    settle(c);
    take(c, QST_USER_FAILOVER);
    settle(c);
    if (!c->runs)
        die("never takes over");
}

int main(int argc, char **argv)
{
    struct copy c = { .state = QS_OPEN, .step = NOTHING,
                      .remembered = NOTHING };
    struct qf_conf conf = { .event = event, .page = page, .ctx = &c };
    bool busy = argc == 3 && !strcmp(argv[2], "busy");
    size_t precopy, n;
    uint8_t *data;

    if (argc != 2 && !busy) {
        fprintf(stderr, "usage: qemu_choice PRECOPY [busy] <octets\n"
                "PRECOPY: how many of them are precopy; busy: the loss is "
                "noticed amid what\nthis side is at, not after it\n");
        return 2;
    }
    precopy = strtoul(argv[1], NULL, 10);
    n = read_all(stdin, &data);
    c.f = qf_new(&conf);
    c.ram = calloc(2, RAM_MAX);
    if (!c.f || !c.ram || n < precopy)
        die("no memory, or no precopy");
    c.beside = c.ram + RAM_MAX;
    first_copy(&c, data, precopy);
    /* A primary speaks only after the answer. */
    for (size_t at = precopy; at < n; at++) {
        settle(&c);
        feed(&c, data + at, 1);
    }
    lose(&c, busy);
    fwrite(c.ram, 1, c.size, stdout);
    qf_free(c.f);
    free(c.ram);
    free(data);
    return fflush(stdout) ? 1 : 0;
}
