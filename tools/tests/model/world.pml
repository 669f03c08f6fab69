/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the models have in common: budgets, which bound each kind of mishap,
 * what is sent and posted, the two hosts, and their queues. A model says first
 * what is sent (mtype).
 */
#ifndef EPOCHS
#define EPOCHS 3      /* taken because of the interval */
#endif
#ifndef CRASHES
#define CRASHES 0     /* hosts and processes that die, cuts, false silence */
#endif
#ifndef FAILS
#define FAILS 0       /* steps that fail, on either side; fences too */
#endif
#ifndef USERS
#define USERS 0       /* what the user says */
#endif
#ifndef GUESTS
#define GUESTS 0      /* the guest ends */
#endif
#ifndef FENCE
#define FENCE 1       /* a fence command is set */
#endif
#ifndef LEASE
#define LEASE 0       /* the primary's host has one */
#endif
#ifndef AUTO
#define AUTO 0        /* without one, a copy takes over on silence alone */
#endif
#define QUEUE 7
#define ACTIONS 6
#define RETRIES 1
#define ALL 255

#define CHECK(holds, name) \
    if \
    :: holds \
    :: else -> printf("VIOLATED %e\n", name); assert(false) \
    fi
#define MAY_FAIL(what) \
    if \
    :: fails > 0 -> fails--; what \
    :: true \
    fi

byte crashes = CRASHES, fails = FAILS, users = USERS, guests = GUESTS;
byte retries = RETRIES;

chan p2s = [QUEUE] of { mtype, byte };
chan s2p = [QUEUE] of { mtype, byte };
bool cut;                        /* nothing arrives any more, either way */
bool p_silent, s_silent;         /* … from a host that is off */

/* The primary: its host has power, its process lives. */
bool p_host = true, p_xl = true, p_open = true;
byte ps;
chan pq = [QUEUE] of { byte };   /* triggers: inputs, and */
chan po = [QUEUE] of { byte };   /* what actions came to, taken first */
chan p_off = [QUEUE] of { byte };    /* remembered ones */
byte pt;                         /* the one being stepped */
bool p_fence, p_retry;
byte p_fenced;                   /* 1: it is off, 2: it failed */

byte todo[ACTIONS], next, i;     /* of the step that is being taken */

/* The secondary. */
bool s_host = true, s_xl = true, s_open = true;
byte ss;
chan sq = [QUEUE] of { byte };
chan so = [QUEUE] of { byte };
byte st;
bool s_fence, s_retry;
byte s_fenced;

#define P_IDLE (len(po) == 0 && len(pq) == 0)
#define S_IDLE (len(so) == 0 && len(sq) == 0)
#define P_LIVES (p_host && p_xl)
#define S_LIVES (s_host && s_xl)
#define P_POST(t) CHECK(len(pq) < QUEUE, queue_full); pq!t
#define P_OUT(t) CHECK(len(po) < QUEUE, queue_full); po!t
#define S_OUT(t) CHECK(len(so) < QUEUE, queue_full); so!t
#define S_POST(t) CHECK(len(sq) < QUEUE, queue_full); sq!t
#define P_SEND(r, v) \
    if \
    :: p_open -> CHECK(len(p2s) < QUEUE, queue_full); p2s!r, v \
    :: else \
    fi
#define S_SEND(r, v) \
    if \
    :: s_open -> CHECK(len(s2p) < QUEUE, queue_full); s2p!r, v \
    :: else \
    fi

