/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What secondary_qemu.c (actions), secondary_qemu_input.c (the stream) and
 * secondary_qemu_first.c (its first copy) share: a secondary in QEMU's
 * dialect.
 */
#ifndef XC_SESSION_SECONDARY_QEMU_H
#define XC_SESSION_SECONDARY_QEMU_H

#include "qemu_wire.h"
#include "secondary_int.h"

struct secondary_words {
    struct qemu_follower *f;
    struct buf state;              /* of the first copy, or of a checkpoint */
    uint8_t word[QEMU_MESSAGE_SIZE];
    size_t have;                   /* octets of it */
    bool due;                      /* octets may come */
    bool clocked;                  /* and the wait for them is a step's */
    struct qf_ram_block blocks[QEMU_WIRE_BLOCKS];
    uint32_t blocks_nr;
    bool unsaid;                   /* the last answer couldn't be given */
    bool whole;                    /* the configuration is there */
    struct err e;                  /* the first failure in a callback */
    char why[ERR_MSG_SIZE];        /* of what may be the primary's loss */
};

/* secondary_qemu_input.c: in the mode. */
int secondary_qemu_open(struct colo_secondary *s, struct err *e);
void secondary_qemu_close(struct colo_secondary *s);
bool secondary_qemu_take(struct colo_secondary *s, const uint8_t **data,
                         size_t *left);
/* What came last is answered by @m. */
int secondary_qemu_answer(struct colo_secondary *s, enum qemu_message m,
                          struct err *e);
/* The stream can't be so: says why and posts. */
void secondary_qemu_garbage(struct colo_secondary *s, const struct err *e);
/* secondary_qemu_first.c: a page of the first copy; */
int secondary_qemu_first_page(struct colo_secondary *s,
                              const struct qf_page *p, struct err *e);
/* it is there to its last octet, of which so many describe it. */
void secondary_qemu_first_end(struct colo_secondary *s, uint64_t description);
/* What to say if the trigger that is posted next loses the primary. */
void secondary_qemu_blame(struct colo_secondary *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
