/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Two sessions by QEMU's COLO protocol, with what is around them. The tables
 * come from build/promela, as for sessions.pml; here is what an engine makes
 * triggers of and what the actions do. In hybrid mode and in periodic mode
 * what is searched is the same: HYBRID adds that a copy which runs may end of
 * itself.
 */
#ifndef BADS
#define BADS 0        /* octets that have no place there */
#endif
#ifndef HYBRID
#define HYBRID 0
#endif
#include "names.pml"
#include "world.pml"

mtype = { HEAD, FIRST, REQUEST, SEND, PAGES, SIZE, STATE,
          READY, REPLY, RECEIVED, LOADED, BAD };
mtype = { impossible, two_copies, released_early, torn_epoch, partial_epoch,
          old_epoch, pause_lost, stuck, queue_full, out_of_turn, too_soon,
          left_standing };

byte bads = BADS;

/* The primary's domain is asked to stand still, stands, was told to be paused
   by the user, has ended of itself, is destroyed, won't run again. */
bool p_asked, p_still, p_paused, p_over, p_gone, p_doomed;
bool p_opened, p_rounding, p_rounded, p_hold, wish;
bool p_rest, p_pages, p_state;   /* what isn't out to its last octet */
byte p_epoch;                    /* stops so far */
bool p_out;                      /* the first copy is out */
/* Output up to this stop has been seen by clients, but for what both copies
   say alike. */
byte p_released;

bool s_creating, s_asked, s_loading, s_copy, s_torn, s_part, s_doomed;
bool s_active;
byte s_epochs, s_applied;        /* complete here; in the copy */
chan s_off = [QUEUE] of { byte };

#define P_DUE (ps == P_await_ready || ps == P_await_reply || \
               ps == P_await_received || ps == P_await_loaded)
#define P_WAITS (P_DUE || ps == P_open || ps == P_first_copy || \
                 ps == P_first_rest || ps == P_send_ram || \
                 ps == P_send_state)
#define S_MAY (ss == S_run || ss == S_suspend || ss == S_await_send || \
               ss == S_buffer_ram || ss == S_await_size || \
               ss == S_buffer_state || ss == S_load)
#define S_DUE (ss == S_open || ss == S_first_copy || ss == S_run || \
               ss == S_await_send || ss == S_buffer_ram || \
               ss == S_await_size || ss == S_buffer_state)
#define S_TIMED (ss == S_open || ss == S_create || ss == S_run || \
                 ss == S_await_send || ss == S_await_size || \
                 ss == S_load || ss == S_finish)

#define p_loss (!p_out -> PT_lost_early : \
                (FENCE -> PT_lost_fence : PT_lost_manual))
#define s_loss (!S_MAY -> ST_lost_early : \
                (FENCE -> ST_lost_fence : \
                 (AUTO -> ST_lost_auto : ST_lost_manual)))
#define S_ALONE (!p_host || p_gone || AUTO && p_hold)
#define CALM (bads == BADS)

/* ---- the primary's actions ---------------------------------------------- */

inline pa_start_dirty_log() { MAY_FAIL(P_OUT(PT_local_failed)) }
inline pa_send_head() { P_SEND(HEAD, 0) }
inline pa_send_round()
{
    if
    :: !p_rounded -> p_rounded = true; p_rounding = true
    :: true -> P_OUT(PT_converged)
    fi
}
inline pa_ask_suspend()
{
    if
    :: p_over || p_gone -> P_OUT(PT_suspend_failed)
    :: else ->
        p_asked = true;
        MAY_FAIL(p_asked = false; P_OUT(PT_suspend_failed))
    fi
}
inline pa_cancel_suspend()
{
    if
    :: p_asked -> p_asked = false; P_OUT(PT_cancelled)
    :: true
    fi
}
inline pa_hold_output() { p_hold = true }
inline pa_send_rest() { p_epoch = 1; p_rest = true; P_SEND(FIRST, 1) }
inline pa_start_compare() { skip }
inline pa_send_request() { P_SEND(REQUEST, 0) }
inline pa_save()
{
    CHECK(p_still, torn_epoch);
    if
    :: true -> p_epoch++; P_OUT(PT_saved)
    :: fails > 0 -> fails--; P_OUT(PT_save_failed)
    fi
}
inline pa_send_vmstate_send() { P_SEND(SEND, 0) }
inline pa_send_ram()
{
    p_pages = true;
    P_SEND(PAGES, 0);
    MAY_FAIL(P_OUT(PT_ram_failed))
}
inline pa_send_state()
{
    p_state = true;
    P_SEND(SIZE, 0);
    P_SEND(STATE, p_epoch)
}
/* What leaves, the secondary has to be able to take over with. */
inline pa_release_epoch()
{
    CHECK(p_epoch <= s_epochs, released_early);
    p_released = p_epoch
}
inline pa_arm_answer() { skip }
inline pa_arm_interval() { skip }
inline pa_obey_run_state()
{
    if
    :: !p_over && !p_gone -> p_paused = wish
    :: else
    fi
}
inline pa_resume()
{
    p_still = false;
    MAY_FAIL(p_doomed = true)
}
inline pa_lose_peer()
{
    CHECK(pt == PT_step_out || !CALM, out_of_turn);
    if
    :: p_open -> P_OUT(p_loss)
    :: else
    fi
}
inline pa_defer()
{
    if
    :: p_off??[eval(pt)]
    :: else -> p_off!pt
    fi
}
inline pa_recall()
{
    do
    :: p_off?pt -> P_POST(pt)
    :: len(p_off) == 0 -> break
    od
}
inline pa_disconnect() { p_open = false }
inline pa_run_fence()
{
    if
    :: FENCE -> p_fence = true
    :: FENCE && fails > 0 -> fails--; P_OUT(PT_fence_failed)
    :: !FENCE -> P_OUT(PT_no_fence)
    fi
}
inline pa_arm_retry() { p_retry = true }
inline pa_ask_user() { skip }
inline pa_release_all()
{
    CHECK(!(s_active && s_host), two_copies);
    p_released = ALL;
    p_hold = false
}
inline pa_drop_output() { p_hold = false }
inline pa_guest_end() { CHECK(!(s_active && s_host), two_copies) }
inline pa_destroy_domain() { p_gone = true }
inline pa_refuse() { skip }
inline pa_finish()
{
    CHECK(p_gone || p_over || !p_still && !p_asked, left_standing);
    CHECK(p_gone || p_over || p_paused == wish, pause_lost);
    p_open = false
}

/* ---- the secondary's actions -------------------------------------------- */

inline sa_lose_peer()
{
    CHECK(st == ST_step_out || !CALM, out_of_turn);
    if
    :: s_open -> S_OUT(s_loss)
    :: else
    fi
}
inline sa_fail() { S_OUT(ST_local_failed) }
inline sa_create_copy()
{
    s_copy = true;
    MAY_FAIL(S_OUT(ST_local_failed))
}
inline sa_feed_end() { s_creating = true }
inline sa_run_copy() { MAY_FAIL(s_doomed = true) }
inline sa_send_ready() { S_SEND(READY, 0) }
inline sa_arm_request() { skip }
inline sa_stop_copy() { s_asked = true }
inline sa_send_reply() { S_SEND(REPLY, 0) }
inline sa_arm_answer() { skip }
inline sa_arm_load() { skip }
inline sa_send_received() { S_SEND(RECEIVED, 0) }
inline sa_apply()
{
    s_torn = true;
    s_part = false;
    if
    :: true -> S_OUT(ST_applied)
    :: fails > 0 -> fails--; S_OUT(ST_apply_failed)
    fi
}
inline sa_load_state() { s_loading = true }
inline sa_send_loaded() { S_SEND(LOADED, 0) }
inline sa_discard() { s_part = false }
inline sa_defer()
{
    if
    :: s_off??[eval(st)]
    :: else -> s_off!st
    fi
}
inline sa_recall()
{
    do
    :: s_off?st -> S_POST(st)
    :: len(s_off) == 0 -> break
    od
}
inline sa_run_fence()
{
    if
    :: true -> s_fence = true
    :: fails > 0 -> fails--; S_OUT(ST_fence_failed)
    fi
}
inline sa_arm_retry() { s_retry = true }
inline sa_ask_user() { skip }
inline sa_activate()
{
    CHECK(S_ALONE, two_copies);
    CHECK(!s_asked && !s_loading, too_soon);
    CHECK(s_copy && !s_torn && s_applied == s_epochs, torn_epoch);
    CHECK(!s_part, partial_epoch);
    CHECK(p_released <= s_applied, old_epoch);
    if
    :: true -> s_active = true; S_OUT(ST_activated)
    :: fails > 0 -> fails--; S_OUT(ST_activate_failed)
    fi
}
inline sa_announce() { skip }
inline sa_destroy_copy() { s_copy = false }
inline sa_disconnect() { s_open = false }
inline sa_refuse() { skip }
inline sa_finish() { s_open = false }

#include "steps.pml"
#include "fate.pml"

/* ---- what the engines make triggers of ---------------------------------- */

inline p_lost()
{
    if
    :: p_open -> P_POST(p_loss)
    :: else
    fi
}

inline s_lost()
{
    if
    :: s_open -> S_POST(s_loss)
    :: else
    fi
}

inline p_reads()
{
    if
    :: !P_DUE -> s2p?_, _; P_POST(PT_extra)
    :: else ->
        if
        :: s2p?READY, _ -> P_POST(PT_ready)
        :: s2p?REPLY, _ -> P_POST(PT_reply)
        :: s2p?RECEIVED, _ -> P_POST(PT_received)
        :: s2p?LOADED, _ -> P_POST(PT_loaded)
        :: s2p?BAD, _ ->
            if    /* no message, or one that isn't the one due */
            :: P_POST(PT_garbage)
            :: ps != P_await_ready -> P_POST(PT_ready)
            :: ps != P_await_reply -> P_POST(PT_reply)
            :: ps != P_await_received -> P_POST(PT_received)
            :: ps != P_await_loaded -> P_POST(PT_loaded)
            fi
        fi
    fi
}

inline s_bad()
{
    if
    :: ss == S_buffer_state    /* any octet may be of it */
    :: ss != S_buffer_state -> S_POST(ST_garbage)
    :: ss == S_await_send || ss == S_await_size -> S_POST(ST_request)
    :: ss == S_run || ss == S_await_size -> S_POST(ST_vmstate_send)
    :: ss == S_run || ss == S_await_send -> S_POST(ST_vmstate_size)
    :: ss == S_run || ss == S_await_send || ss == S_await_size ->
        S_POST(ST_oversize)
    fi
}

inline s_reads()
{
    if
    :: !S_DUE -> p2s?_, _; S_POST(ST_extra)
    :: else ->
        if
        :: p2s?HEAD, _ -> S_POST(ST_head)
        :: p2s?FIRST, s_epochs -> S_POST(ST_first_end)
        :: p2s?REQUEST, _ -> S_POST(ST_request)
        :: p2s?SEND, _ -> s_part = true; S_POST(ST_vmstate_send)
        :: p2s?PAGES, _ -> S_POST(ST_ram_end)
        :: p2s?SIZE, _ -> S_POST(ST_vmstate_size)
        :: p2s?STATE, s_epochs -> S_POST(ST_state_end)
        :: p2s?BAD, _ -> s_bad()
        fi
    fi
}

/* What misses its last octet can't be read. */
#define S_CAN_READ (!cut && !p_silent && len(p2s) > 0 && \
                    !(p_rest && p2s?[FIRST, _]) && \
                    !(p_pages && p2s?[PAGES, _]) && \
                    !(p_state && p2s?[STATE, _]))
#define P_CLOSED (p_host && (!p_open || !p_xl))
#define S_CLOSED (s_host && (!s_open || !s_xl))
#define P_CALM (P_LIVES && P_IDLE && ps != P_done)
#define S_CALM (S_LIVES && S_IDLE && ss != S_done)

active proctype Primary()
{
    ps = P_open;
end:
    do
    :: atomic { P_LIVES && !P_IDLE ->
                if
                :: len(po) > 0 -> po?pt
                :: else -> pq?pt
                fi;
                primary_step(pt) }
    :: atomic { P_CALM && ps == P_open && !p_opened ->
                p_opened = true; P_POST(PT_opened) }
    :: atomic { P_CALM && p_open && !cut && !s_silent && len(s2p) > 0 ->
                p_reads() }
    :: atomic { P_CALM && p_open && !cut && len(s2p) == 0 && S_CLOSED ->
                p_lost() }
    :: atomic { P_CALM && p_open && P_WAITS && (cut || !s_host) -> p_lost() }
    :: atomic { P_CALM && p_open && P_WAITS && crashes > 0 ->
                crashes--; printf("a false silence\n"); p_lost() }
    :: atomic { P_CALM && p_open && P_DUE && crashes > 0 ->
                crashes--; printf("a step takes too long\n");
                P_POST(PT_step_out) }
    :: atomic { P_CALM && ps == P_first_copy && p_rounding ->
                p_rounding = false; P_POST(PT_round_sent) }
    :: atomic { P_CALM && p_open && ps == P_first_rest && p_rest ->
                p_rest = false; p_out = true; P_POST(PT_sent) }
    :: atomic { P_CALM && p_open && p_pages &&
                (ps == P_send_ram || ps == P_fence) ->
                p_pages = false; P_POST(PT_ram_sent) }
    :: atomic { P_CALM && p_open && p_state &&
                (ps == P_send_state || ps == P_fence) ->
                p_state = false; P_POST(PT_sent) }
    :: atomic { P_CALM && p_asked && !p_doomed ->
                p_asked = false; p_still = true; P_POST(PT_suspended) }
    :: atomic { P_CALM && fails > 0 -> fails--; P_POST(PT_local_failed) }
    :: atomic { P_CALM && p_doomed ->
                p_doomed = false; P_POST(PT_resume_failed) }
    /* A paused domain is checkpointed, too. Silence shows at the next one. */
    :: atomic { P_CALM && ps == P_run &&
                (p_epoch < EPOCHS || cut || !s_host) ->
                P_POST(PT_interval) }
    :: atomic { P_CALM && ps == P_end && p_epoch < EPOCHS ->
                P_POST(PT_differs) }
    :: atomic { P_CALM && guests > 0 && !p_still && !p_paused && !p_over &&
                !p_gone ->
                /* Whoever asked it to stand still gets this, and no more. */
                guests--; p_over = true; p_asked = false;
                P_POST(PT_guest_ended) }
    :: atomic { P_CALM && (ps == P_fence || ps == P_end) && p_fenced == 1 ->
                p_fenced = 0; P_POST(PT_fenced) }
    :: atomic { P_CALM && (ps == P_fence || ps == P_end) && p_fenced == 2 ->
                p_fenced = 0; P_POST(PT_fence_failed) }
    :: atomic { P_CALM && ps == P_held && p_retry && retries > 0 ->
                retries--; p_retry = false; P_POST(PT_retry) }
    od
}

active proctype Secondary()
{
    ss = S_open;
end:
    do
    :: atomic { S_LIVES && !S_IDLE ->
                if
                :: len(so) > 0 -> so?st
                :: else -> sq?st
                fi;
                secondary_step(st) }
    :: atomic { S_CALM && s_open && S_CAN_READ -> s_reads() }
    :: atomic { S_CALM && s_open && !cut && !S_CAN_READ && P_CLOSED ->
                s_lost() }
    :: atomic { S_CALM && s_open && S_DUE && (cut || !p_host) -> s_lost() }
    :: atomic { S_CALM && s_open && S_DUE && crashes > 0 ->
                crashes--; printf("a false silence\n"); s_lost() }
    :: atomic { S_CALM && S_TIMED && crashes > 0 ->
                crashes--; printf("a step takes too long\n");
                S_POST(ST_step_out) }
    :: atomic { S_CALM && ss == S_create && s_creating ->
                s_creating = false;
                if
                :: true -> s_applied = 1; S_POST(ST_created)
                :: fails > 0 ->
                    fails--; s_copy = false; S_POST(ST_create_failed)
                fi }
    :: atomic { S_CALM && s_asked && !s_doomed ->
                s_asked = false;
                if
                :: true -> S_POST(ST_suspended)
                :: fails > 0 -> fails--; S_POST(ST_suspend_failed)
                fi }
    :: atomic { S_CALM && s_loading ->
                s_loading = false;
                if
                :: true ->
                    s_torn = false; s_applied = s_epochs; S_POST(ST_loaded)
                :: fails > 0 -> fails--; S_POST(ST_load_failed)
                fi }
    :: atomic { S_CALM && fails > 0 && ss != S_fence && ss != S_ask ->
                fails--; S_POST(ST_local_failed) }
    :: atomic { S_CALM && s_doomed ->
                s_doomed = false; S_POST(ST_resume_failed) }
    :: atomic { S_CALM && ss == S_buffer_ram && fails > 0 ->
                fails--; S_POST(ST_ram_failed) }
    :: atomic { S_CALM && fails > 0 && s_copy ->
                fails--; s_copy = false; S_POST(ST_copy_gone) }
    :: atomic { S_CALM && HYBRID && guests > 0 && s_copy &&
                (ss == S_run || ss == S_suspend || ss == S_fence ||
                 ss == S_ask) ->
                guests--; S_POST(ST_copy_ended) }
    :: atomic { S_CALM && ss == S_fence && s_fenced == 1 ->
                s_fenced = 0; S_POST(ST_fenced) }
    :: atomic { S_CALM && ss == S_fence && s_fenced == 2 ->
                s_fenced = 0; S_POST(ST_fence_failed) }
    :: atomic { S_CALM && ss == S_ask && s_retry && retries > 0 ->
                retries--; s_retry = false; S_POST(ST_retry) }
    od
}

/* The user, who never vouches for what isn't so; but for that nothing was
   heard of the peer lately. */
active proctype User()
{
end:
    do
    :: atomic { users > 0 && P_CALM && !wish ->
                users--; wish = true; P_POST(PT_user_pause) }
    :: atomic { users > 0 && P_CALM && wish ->
                users--; wish = false; P_POST(PT_user_run) }
    :: atomic { users > 0 && P_CALM -> users--; P_POST(PT_user_stop) }
    :: atomic { users > 0 && P_CALM &&
                (!s_host || ss == S_done && !s_active) ->
                users--; P_POST(PT_user_release) }
    :: atomic { users > 0 && P_CALM && p_open ->
                users--; P_POST(PT_user_release_live) }
    :: atomic { users > 0 && P_CALM && !p_gone ->
                users--; p_gone = true; p_asked = false;
                P_POST(PT_destroyed) }
    :: atomic { users > 0 && S_CALM && (!p_host || p_gone) ->
                users--; S_POST(ST_user_failover) }
    :: atomic { users > 0 && S_CALM && s_open ->
                users--; S_POST(ST_user_failover_live) }
    :: atomic { users > 0 && S_CALM -> users--; S_POST(ST_user_stop) }
    od
}

active proctype Garbage()
{
end:
    do
    :: atomic { bads > 0 && S_LIVES && s_open && len(s2p) < QUEUE ->
                bads--; printf("the secondary sends garbage\n");
                s2p!BAD, 0 }
    :: atomic { bads > 0 && P_LIVES && p_open && len(p2s) < QUEUE ->
                bads--; printf("the primary sends garbage\n");
                p2s!BAD, 0 }
    od
}

/* When nothing moves any more, each side has ended, is protected, or waits
   for the user, who has nothing more to say. */
#define P_FINE (!P_LIVES || ps == P_done || ps == P_held || ps == P_run)
#define S_FINE (!S_LIVES || ss == S_done || ss == S_ask || \
                P_LIVES && ps == P_run && ss == S_run)

active proctype Watch()
{
end:
    atomic { timeout ->
             CHECK(P_FINE && S_FINE, stuck);
             CHECK(!P_LIVES || p_over || p_gone || p_paused == wish,
                   pause_lost) }
}
