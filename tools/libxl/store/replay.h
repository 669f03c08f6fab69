/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A stand-in for the primary of a QEMU COLO pair: gives a real secondary the
 * first copy and one checkpoint out of a directory (store.h), and closes.
 * Changes nothing in the directory. Called by `xl colo-replay`.
 */
#ifndef XC_STORE_REPLAY_H
#define XC_STORE_REPLAY_H

#include <stdint.h>

#include "err.h"

#define REPLAY_SILENCE_MS_DEFAULT 30000u    /* it may load devices so long */

struct replay_conf {
    const char *dir, *address;
    uint32_t checkpoint;       /* of those that are kept; 0: the newest */
    unsigned int silence_ms;   /* on each answer, and on taking octets */
};

struct replay_done {
    char set[512];             /* where it came from */
    uint32_t checkpoint;
    uint64_t pages, state;     /* sent with it */
};

/* 0: the secondary has said that the checkpoint is loaded. */
int replay_run(const struct replay_conf *conf, struct replay_done *done_r,
               struct err *e);

#endif
