/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A stand-in for the secondary of a QEMU COLO pair: takes the first copy and
 * checkpoints from a real primary, answers as a secondary does, and keeps them
 * in a directory (store.h). Runs no guest. Called by `xl colo-sink`.
 */
#ifndef XC_STORE_SINK_H
#define XC_STORE_SINK_H

#include <stdint.h>

#include "err.h"

#define SINK_KEEP_DEFAULT       2u
#define SINK_KEEP_MAX           1000u
#define SINK_SILENCE_MS_DEFAULT 10000u
#define SINK_SETTLE_MS          200u    /* a precopy without a description has
                                           ended when so long nothing comes */
/* Octets of precopy: a guest may write to all of its RAM again and again. */
#define SINK_PRECOPY_RAMS       16u
#define SINK_PRECOPY_MORE       (64ull << 20)

enum sink_word { SINK_LISTENING, SINK_CONNECTED, SINK_READY,
                 SINK_CHECKPOINT };

struct sink_conf {
    const char *address, *dir;
    unsigned int keep;         /* checkpoints */
    unsigned int silence_ms;   /* inside precopy or a checkpoint */
    unsigned int idle_ms;      /* between checkpoints; 0: no limit */
    uint64_t state_max;        /* octets of a checkpoint's device state */
    /* What is going on: the address; the set; the set, with the number of a
       checkpoint, its pages and octets of state. */
    void (*say)(void *ctx, enum sink_word word, const char *text,
                uint64_t checkpoint, uint64_t pages, uint64_t state);
    void *ctx;
};

/*
 * Wait for one primary and serve it until it closes. 0: it did so between two
 * checkpoints. Whatever fails, what was acknowledged is on the disk.
 */
int sink_run(const struct sink_conf *conf, struct err *e);

#endif
