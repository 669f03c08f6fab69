/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Two sessions by the protocol's tables, in Remus mode or (COLO) in COLO mode,
 * with what is around them: the stream, the domain, the power switch that
 * fences, the user, and everything that can fail. Searched whole by Spin:
 * tools/tests/model/check.
 *
 * The tables come from build/promela: names.pml, and steps.pml with
 * primary_cell(), primary_act() and the secondary's.
 * Here is what the engine makes triggers of and what the actions do. A budget
 * bounds each kind of mishap; a host may die before any action.
 */
#ifndef ANY_TURN
#define ANY_TURN 0    /* what is said out of turn is no fault by itself */
#endif
#define ROUNDS 1
#include "names.pml"
#include "world.pml"

mtype = { HELLO, HEAD, EPOCH, RUN, END, NEW, SUSPENDED, READY, RESUMED, ECHO,
          GONE, CONFIRMED };
mtype = { impossible, two_copies, released_early, torn_epoch, old_epoch,
                pause_lost, stuck, queue_full, gone_too_soon,
                out_of_turn, none_left };

byte p_rounds = ROUNDS;
bool p_leased, p_yields;         /* its host ends without it; for the copy */
bool p_round, p_asked, p_still, p_paused, p_over, p_gone, p_sending, p_hold;
byte p_epoch, p_sent, p_marked, p_ready;
bool p_stuck, p_doomed;          /* it won't run again; but its copy can */
/* Output of so many epochs has been seen by clients: of those that were over
   before anything was held. In COLO, but for what both copies say alike. */
#ifdef COLO
byte p_released = 1;
#define P_PROTECTED P_run
#define P_GOING_OUT (ps != P_run && ps != P_fence && ps != P_held)
#define S_MAY (ss == S_run || ss == S_suspend || ss == S_buffer)
#define NEEDED 1    /* epochs out, and the copy may take over */
#define S_CALM S_run
#define P_STEPS (ps == P_greet || ps == P_first_copy || ps == P_send || \
                 ps == P_await_suspended || ps == P_await_ready || \
                 ps == P_await_resumed || ps == P_end)
#else
byte p_released = 2;
#define P_PROTECTED P_wait
#define P_GOING_OUT (ps == P_send || ps == P_await_ready)
#define S_MAY (ss == S_buffer && s_epochs >= 2)
#define NEEDED 2
#define S_CALM S_buffer
#define P_STEPS (ps == P_greet || ps == P_first_copy || ps == P_send || \
                 ps == P_await_ready || ps == P_end)
#endif
bool wish, told, kept;           /* paused: wanted, told, known as kept */
bool confirmed;                  /* the user was told that it is paused */

bool s_waits;                    /* until the primary's lease is out */
bool s_creating, s_asked, s_copy, s_torn, s_ended, s_active, s_told, s_run;
byte s_epochs, s_applied;

/* Which kind of loss it would be now. */
#define p_loss (p_sent < NEEDED -> PT_lost_early : \
                (LEASE -> PT_lost_lease : \
                 (FENCE -> PT_lost_fence : PT_lost_manual)))
#define s_loss (!S_MAY -> ST_lost_early : \
                (FENCE || LEASE -> ST_lost_fence : \
                 (AUTO -> ST_lost_auto : ST_lost_manual)))
/* May it take over? A primary that holds its output says nothing that its
   copy doesn't know; one that yielded doesn't run. */
#define S_ALONE (!p_host || p_gone || AUTO && p_hold || P_STANDS)
#define P_STANDS (p_yields && (p_paused || p_over))

/* ---- the primary's actions ---------------------------------------------- */

inline pa_arm_grace() { skip }
inline pa_meet() { skip }
inline pa_meet_plain() { skip }
inline pa_arm_ready() { skip }
inline pa_arm_answer() { skip }
/* Neither side ever says what the other has to take for garbage. */
inline pa_lose_peer()
{
    CHECK(ANY_TURN || pt == PT_step_out, out_of_turn);
    if
    :: p_open -> P_OUT(p_loss)
    :: else
    fi
}
inline pa_start_dirty_log() { MAY_FAIL(P_OUT(PT_local_failed)) }
inline pa_send_head() { P_SEND(HEAD, 0); pa_tell_pause_reason() }
inline pa_send_round()
{
    if
    :: p_rounds > 0 -> p_rounds--; p_round = true
    :: true -> P_OUT(PT_converged)
    fi
}
inline pa_ask_suspend()
{
    if
    :: p_over || p_gone -> P_OUT(PT_suspend_failed)
#ifndef COLO    /* there the guest needn't agree */
    :: !p_over && p_paused -> P_OUT(PT_suspend_still)
#endif
    :: else ->
        p_asked = true;
        MAY_FAIL(p_asked = false; P_OUT(PT_suspend_failed))
    fi
}
inline pa_cancel_suspend()
{
    if
    :: p_asked -> p_asked = false; P_OUT(PT_cancelled)
    :: true    /* too late: it comes to stand still */
    fi
}
inline pa_obey_run_state()
{
    if
    :: !p_over && !p_gone -> p_paused = (wish || p_yields)
    :: else
    fi
}
inline pa_tell_pause_reason()
{
    if
    :: told != wish -> told = wish; P_SEND(RUN, wish)
    :: else
    fi
}
inline pa_mark_output() { p_marked = p_epoch }
inline pa_send_new() { P_SEND(NEW, 0) }
inline pa_note_list() { skip }
inline pa_capture()
{
    if
    :: p_gone -> P_OUT(PT_capture_failed)
#ifdef COLO
    :: !p_gone -> p_epoch++; p_marked = p_epoch; P_OUT(PT_captured)
#else
    :: !p_gone && p_epoch == 0 -> p_epoch = 1; P_OUT(PT_captured_first)
    :: !p_gone && p_epoch > 0 -> p_epoch++; P_OUT(PT_captured)
#endif
    :: fails > 0 -> fails--; P_OUT(PT_capture_failed)
    fi
}
inline pa_resume()
{
    p_still = false;
#ifndef COLO
    if
    :: true
    :: fails > 0 ->
        fails--;
        p_stuck = true;
        if
        :: p_leased && p_open -> P_OUT(p_loss)
        :: !p_leased && p_open && p_ready >= NEEDED ->
            p_doomed = true; P_OUT(PT_resume_failed)
        :: else -> P_OUT(PT_local_failed)
        fi
    fi
#endif
}
/* Not even that is certain. */
inline pa_destroy_domain()
{
    if
    :: true -> p_gone = true; P_OUT(PT_destroyed)
    :: fails > 0 -> fails--; P_OUT(PT_destroy_failed)
    fi
}
/* What is said last stands behind the epoch, and the clock is its own. */
inline p_sends_rest()
{
    if
    :: p_sending -> p_sending = false; p_sent = p_epoch
    :: else
    fi
}
inline pa_send_gone()
{
    if
    :: p_open -> p_sends_rest(); P_SEND(GONE, 0)
    :: else -> P_POST(PT_step_out)
    fi
}
inline pa_fail() { P_OUT(PT_local_failed) }
inline pa_send_epoch() { p_sending = true; P_SEND(EPOCH, p_epoch) }
inline pa_hold_output() { p_hold = true; p_leased = LEASE; p_ready = p_epoch }
inline pa_release_epoch()
{
    p_ready = p_epoch;
    if
    :: p_hold && p_marked > p_released ->
        CHECK(p_marked <= s_applied, released_early);
        p_released = p_marked
    :: else
    fi
}
inline pa_arm_interval() { skip }
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
    :: true -> p_fence = true
    :: fails > 0 -> fails--; P_OUT(PT_fence_failed)
    fi
}
inline pa_arm_retry() { p_retry = true }
inline pa_ask_user() { skip }
inline pa_yield() { p_yields = true }
inline pa_reclaim()
{
    CHECK(!(s_active && s_host), two_copies);
    p_yields = false
}
inline pa_send_end()
{
    CHECK(!p_doomed, none_left);
    p_sends_rest();
    P_SEND(END, 0)
}
inline pa_release_all()
{
    CHECK(!(s_active && s_host), two_copies);
    p_released = (p_hold -> ALL : p_released);
    p_hold = false;
    p_leased = false
}
inline pa_drop_output() { p_hold = false; p_leased = false }
inline pa_guest_end() { skip }
inline pa_refuse() { skip }
inline pa_finish()
{
    CHECK(p_over || p_gone || p_paused == wish, pause_lost);
    p_open = false
}

/* ---- the secondary's actions -------------------------------------------- */

inline sa_lose_peer()
{
    CHECK(ANY_TURN || st == ST_step_out, out_of_turn);
    if
    :: s_open && !s_ended -> S_OUT(s_loss)
    :: else
    fi
}
inline sa_fail() { S_OUT(ST_local_failed) }
inline sa_create_copy()
{
    s_copy = true;
    if
    :: fails > 0 -> fails--; S_OUT(ST_local_failed)
    :: fails > 0 -> fails--; S_OUT(ST_stale)
    :: true
    fi
}
inline sa_feed_end() { s_creating = true }
inline sa_send_ready() { S_SEND(READY, 0) }
inline sa_send_resumed() { S_SEND(RESUMED, 0) }
inline sa_send_suspended() { S_SEND(SUSPENDED, 0) }
inline sa_stop_copy() { s_asked = true }
inline sa_run_copy() { skip }
inline sa_apply()
{
    CHECK(s_copy, torn_epoch);
    if
    :: true -> s_applied = s_epochs; S_OUT(ST_applied)
    :: fails > 0 -> fails--; s_torn = true; S_OUT(ST_apply_failed)
    fi
}
inline sa_note_pause_reason() { s_run = s_told }
inline sa_echo_pause_reason() { S_SEND(ECHO, s_run) }
inline sa_run_fence()
{
    if
    :: LEASE -> s_waits = true
    :: !LEASE -> s_fence = true
    :: fails > 0 -> fails--; S_OUT(ST_fence_failed)
    fi
}
inline sa_arm_retry() { s_retry = true }
inline sa_ask_user() { skip }
inline sa_activate()
{
    CHECK(S_ALONE, two_copies);
    CHECK(s_copy && !s_torn && s_applied == s_epochs, torn_epoch);
    CHECK(p_released <= s_applied, old_epoch);
    CHECK(!confirmed || s_run, pause_lost);
    if
    :: true -> s_active = true; S_OUT(ST_activated)
    :: fails > 0 -> fails--; S_OUT(ST_activate_failed)
    fi
}
inline sa_announce() { skip }
inline sa_destroy_copy() { s_copy = false }
/* It has to be true. */
inline sa_send_gone()
{
    CHECK(!s_copy, gone_too_soon);
    S_SEND(GONE, 0)
}
inline sa_send_confirm() { S_SEND(CONFIRMED, 0) }
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
    :: s_open && !s_ended -> S_POST(s_loss)
    :: else
    fi
}

inline p_reads()
{
    if
    :: s2p?HELLO, _ -> P_POST(PT_banner); P_POST(PT_hello)
#ifdef COLO
    :: s2p?READY, _ -> P_POST(PT_ready)
    :: s2p?SUSPENDED, _ -> P_POST(PT_peer_suspended)
    :: s2p?RESUMED, _ -> P_POST(PT_peer_resumed)
#else
    :: s2p?READY, _ ->
        P_POST((p_epoch == 1 -> PT_ready_first : PT_ready))
#endif
    :: s2p?ECHO, kept
    :: s2p?GONE, _ -> P_POST(PT_peer_ended)
    :: s2p?CONFIRMED, _ -> P_POST(PT_peer_confirmed)
    fi
}

inline s_reads()
{
    if
    :: p2s?HEAD, _ -> S_POST(ST_head)
    :: p2s?EPOCH, s_epochs ->
        if
        :: s_epochs == 1 -> S_POST(ST_first_end)
        :: else -> S_POST(ST_epoch)
        fi
    :: p2s?RUN, s_told -> S_POST(ST_pause_reason)
#ifdef COLO
    :: p2s?NEW, _ -> S_POST(ST_new)
#endif
    :: p2s?END, _ -> s_ended = true; S_POST(ST_peer_end)
    :: p2s?GONE, _ ->
        CHECK(S_MAY, none_left);
        s_ended = true;
        S_POST(ST_peer_gone)
    fi
}

/* An epoch of which octets are missing can't be read. */
#define S_CAN_READ (!cut && !p_silent && len(p2s) > 0 && !(p_sending && p2s?[EPOCH, _]))
#define P_CLOSED (p_host && (!p_open || !p_xl))
#define S_CLOSED (s_host && (!s_open || !s_xl))

active proctype Primary()
{
    ps = P_greet;
end:
    do
    :: atomic { P_LIVES && !P_IDLE ->
                if
                :: len(po) > 0 -> po?pt
                :: else -> pq?pt
                fi;
                primary_step(pt) }
    :: atomic { P_LIVES && P_IDLE && p_open && !cut && !s_silent &&
                len(s2p) > 0 -> p_reads() }
    :: atomic { P_LIVES && P_IDLE && p_open && !cut && len(s2p) == 0 &&
                S_CLOSED -> p_lost() }
    :: atomic { P_LIVES && P_IDLE && p_open && (cut || !s_host) ->
                p_lost() }
    :: atomic { P_LIVES && P_IDLE && p_open && ps != P_done &&
                crashes > 0 ->
                crashes--; printf("a false silence\n"); p_lost() }
    :: atomic { P_LIVES && P_IDLE && p_open && P_STEPS && crashes > 0 ->
                crashes--; printf("a step takes too long\n");
                P_POST(PT_step_out) }
    :: atomic { P_LIVES && P_IDLE && ps == P_first_copy && p_round ->
                p_round = false; P_POST(PT_round_sent) }
    :: atomic { P_LIVES && P_IDLE && ps == P_send && p_sending &&
                p_open ->
                p_sending = false; p_sent = p_epoch; P_POST(PT_sent) }
    :: atomic { P_LIVES && P_IDLE && p_asked ->
                p_asked = false; p_still = true; P_POST(PT_suspended) }
    :: atomic { P_LIVES && P_IDLE && ps == P_PROTECTED && p_epoch < EPOCHS &&
                !p_paused ->
#ifdef COLO
                P_POST(PT_checkpoint)
#else
                P_POST(PT_interval)
#endif
              }
    :: atomic { P_LIVES && P_IDLE && guests > 0 && !p_still && !p_stuck &&
                !p_paused && !p_over && !p_gone && ps != P_done ->
                guests--; p_over = true; p_asked = false;
                P_POST(PT_guest_ended) }
    :: atomic { P_LIVES && P_IDLE && ps == P_fence && p_fenced == 1 ->
                p_fenced = 0; P_POST(PT_fenced) }
    :: atomic { P_LIVES && P_IDLE && ps == P_fence && p_fenced == 2 ->
                p_fenced = 0; P_POST(PT_fence_failed) }
    :: atomic { P_LIVES && P_IDLE && ps == P_held && p_retry &&
                retries > 0 -> retries--; p_retry = false; P_POST(PT_retry) }
    od
}

active proctype Secondary()
{
    ss = S_greet;
    s2p!HELLO, 0;
end:
    do
    :: atomic { S_LIVES && !S_IDLE ->
                if
                :: len(so) > 0 -> so?st
                :: else -> sq?st
                fi;
                secondary_step(st) }
    :: atomic { S_LIVES && S_IDLE && s_open && S_CAN_READ -> s_reads() }
    :: atomic { S_LIVES && S_IDLE && s_open && !cut && !S_CAN_READ &&
                P_CLOSED -> s_lost() }
    :: atomic { S_LIVES && S_IDLE && s_open && (cut || !p_host) ->
                s_lost() }
    /* Somebody who knows that the primary's host is off says so. */
    :: atomic { S_LIVES && S_IDLE && s_open && !s_ended && !S_CAN_READ &&
                !p_host ->
                s_ended = true;
                S_POST((S_MAY -> ST_peer_gone : ST_lost_early)) }
    :: atomic { S_LIVES && S_IDLE && s_open && ss != S_done &&
                crashes > 0 ->
                crashes--; printf("a false silence\n"); s_lost() }
    :: atomic { S_LIVES && S_IDLE && s_open && crashes > 0 &&
                (ss == S_greet || ss == S_create) ->
                crashes--; printf("a step takes too long\n");
                S_POST(ST_step_out) }
    :: atomic { S_LIVES && S_IDLE && ss == S_create && s_creating ->
                s_creating = false;
                if
                :: true -> s_applied = 1; S_POST(ST_created)
                :: fails > 0 ->
                    fails--; s_copy = false; S_POST(ST_create_failed)
                fi }
#ifdef COLO
    :: atomic { S_LIVES && S_IDLE && s_asked ->
                s_asked = false;
                if
                :: true -> S_POST(ST_suspended)
                :: fails > 0 -> fails--; S_POST(ST_suspend_failed)
                fi }
#endif
    :: atomic { S_LIVES && S_IDLE && fails > 0 && s_copy &&
                (S_MAY || ss == S_fence || ss == S_ask) ->
                fails--; s_copy = false; S_POST(ST_copy_gone) }
    :: atomic { S_LIVES && S_IDLE && ss == S_fence && s_fenced == 1 ->
                s_fenced = 0; S_POST(ST_fenced) }
    :: atomic { S_LIVES && S_IDLE && ss == S_fence && s_fenced == 2 ->
                s_fenced = 0; S_POST(ST_fence_failed) }
    :: atomic { S_LIVES && S_IDLE && ss == S_ask && s_retry &&
                retries > 0 -> retries--; s_retry = false; S_POST(ST_retry) }
    od
}

/* The user, who never vouches for what isn't so, and who destroys a domain
   whose copy has taken over. */
active proctype User()
{
end:
    do
    :: atomic { users > 0 && P_LIVES && P_IDLE && ps != P_done && !wish ->
                users--; wish = true; P_POST(PT_user_pause) }
    :: atomic { P_LIVES && wish && told == wish && kept == told && p_paused &&
                !P_GOING_OUT && !confirmed ->
                confirmed = true; printf("the user is told: paused\n") }
    :: atomic { users > 0 && P_LIVES && P_IDLE && ps != P_done && wish ->
                users--; wish = false; confirmed = false;
                P_POST(PT_user_run) }
    :: atomic { users > 0 && P_LIVES && P_IDLE && ps != P_done ->
                users--; P_POST(PT_user_stop) }
    :: atomic { users > 0 && P_LIVES && P_IDLE && ps != P_done &&
                (!s_host || ss == S_done && !s_active) ->
                users--; P_POST(PT_user_release) }
    :: atomic { users > 0 && P_LIVES && P_IDLE && ps != P_done && !p_still &&
                !p_gone && s_active ->
                users--; p_gone = true; p_asked = false;
                P_POST(PT_destroyed) }
    :: atomic { users > 0 && S_LIVES && S_IDLE && ss != S_done &&
                !p_host -> users--; S_POST(ST_user_failover) }
    :: atomic { users > 0 && S_LIVES && S_IDLE && ss != S_done ->
                users--; S_POST(ST_user_stop) }
    od
}

/* The hypervisor ends a host whose lease nobody renews: by the time that the
   secondary has waited for, the domain stands still, or that has happened. Nor
   does a dead process renew one. */
active proctype Lease()
{
end:
    do
    :: atomic { LEASE && p_leased && p_host && !P_STANDS &&
                (!p_xl || s_waits) ->
                p_host = false; printf("the lease is out\n") }
    :: atomic { s_waits && S_LIVES && (!p_host || !p_leased || P_STANDS) ->
                s_waits = false; s_fenced = 1 }
    od
}

/* When nothing moves any more, each side has ended, is protected, or waits
   for the user, who has nothing more to say. */
#define P_FINE (!P_LIVES || ps == P_done || ps == P_held || \
                ps == P_yielded || ps == P_PROTECTED)
#define S_FINE (!S_LIVES || ss == S_done || ss == S_ask || \
                P_LIVES && ps == P_PROTECTED && (ss == S_CALM || p_paused))

active proctype Watch()
{
end:
    atomic { timeout ->
             CHECK(P_FINE && S_FINE, stuck);
             CHECK(!P_LIVES || p_over || p_gone ||
                   p_paused == (wish || p_yields), pause_lost) }
}
