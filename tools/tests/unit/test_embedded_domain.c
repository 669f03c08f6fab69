/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain and the world: clients on sockets, what they are told
 * and when, a guest that takes its time to stand still, and one that does.
 * Nothing here is held against a clock but for what can't come too early.
 */
#include "embedded_domain.h"

/* ---- clients ------------------------------------------------------------ */

static void a_client_is_answered_until_it_has_said_all(void **state)
{
    int fd;

    (void)state;
    opens(0);
    fd = connects();
    sends(fd, "C 1\nC ");
    hears(fd, "N 1\n");
    sends(fd, "2\nC 3\n");
    shutdown(fd, SHUT_WR);
    hears(fd, "N 2\nN 3\n");
    hears_the_end(fd);
    close(fd);
    fd = connects();    /* in the same place */
    sends(fd, "C 4\n");
    hears(fd, "N 4\n");
    close(fd);
    UNTIL(d->clients[0].fd < 0)
        ;
}

static void a_connection_is_held_from_its_first_frame(void **state)
{
    struct net *n = NULL;
    struct err e = { 0 };
    int fd;

    (void)state;
    opens(0);
    d->guest.outside = uncut;
    ok(nops->attach(ops->info(d), NULL, &n, &e), &e);
    ok(nops->hold(n, &e), &e);
    fd = connects();
    sends(fd, "C 1\n");
    shutdown(fd, SHUT_WR);
    UNTIL(stats(n).held_packets == 1)
        ;
    assert_int_equal(stats(n).held_bytes, SEGMENT_HEAD);
    ok(nops->mark(n, &e), &e);
    for (int i = 0; i < 5; i++)
        turns(UINT64_MAX);
    assert_int_equal(stats(n).held_packets, 1);    /* it isn't read yet */
    ok(nops->release_epoch(n, &e), &e);
    UNTIL(stats(n).held_packets == 2)
        ;
    assert_false(calls(d->clients[0].fd));    /* it has come to its end */
    ok(nops->release_epoch(n, &e), &e);    /* the answer is of the next one */
    assert_int_equal(stats(n).sent_packets, 1);
    ok(nops->mark(n, &e), &e);
    ok(nops->release_epoch(n, &e), &e);
    hears(fd, "N 1\n");
    hears_the_end(fd);
    close(fd);
    fd = connects();
    UNTIL(stats(n).held_packets == 1)
        ;
    ok(nops->release_all(n, &e), &e);
    sends(fd, "C 2\n");
    hears(fd, "N 2\n");
    close(fd);
    nops->detach(n);
}

/* Its answers pile up, and one of them is lost. */
static void who_misses_an_answer_loses_the_connection(void **state)
{
    char many[4096];
    struct net *n = NULL;
    struct err e = { 0 };
    int fd;

    (void)state;
    opens(0);
    fd = connects();
    sends(fd, "C 1\n");
    hears(fd, "N 1\n");
    ok(nops->attach(ops->info(d), NULL, &n, &e), &e);
    ok(nops->hold(n, &e), &e);
    for (size_t i = 0; i < sizeof(many); i += 2)
        memcpy(many + i, "R\n", 2);
    UNTIL(stats(n).dropped_packets > 0) {
        ssize_t r = send(fd, many, sizeof(many), MSG_DONTWAIT | MSG_NOSIGNAL);

        assert_true(r > 0 || stats(n).dropped_packets || errno == EAGAIN);
    }
    assert_true(stats(n).held_bytes <= EMB_HELD_MAX);
    hears_the_end(fd);
    ok(nops->release_all(n, &e), &e);
    close(fd);
    fd = connects();
    sends(fd, "C 2\n");
    hears(fd, "N 2\n");
    close(fd);
    nops->detach(n);
}

/* ---- a tap -------------------------------------------------------------- */

/* The next frame is the domain's or one to it, with these flags and octets;
   the domain's goes on its way. */
static void passes(struct net *n, bool to_domain, uint8_t flags,
                   const char *text)
{
    struct net_frame got_frame;
    struct err e = { 0 };
    struct frame f;

    UNTIL(nops->next(n, &got_frame) == 0)
        ;
    frame_parse(got_frame.data, got_frame.size, &f);
    assert_int_equal(got_frame.vif, 0);
    assert_int_equal(got_frame.to_domain, to_domain);
    assert_int_equal(f.flags, flags);
    assert_int_equal(f.size, strlen(text));
    assert_memory_equal(f.body, text, f.size);
    if (!to_domain)
        ok(nops->put(n, &got_frame, &e), &e);
    else
        assert_int_equal(nops->put(n, &got_frame, &e), ERR_BUG);
}

static void a_tap_sees_frames_as_the_domain_did(void **state)
{
    struct net *n = NULL;
    struct net_frame f;
    struct err e = { 0 };
    struct pollfd p;
    char text[8];
    int fd;

    (void)state;
    opens(0);
    d->guest.outside = uncut;
    ok(nops->attach(ops->info(d), NULL, &n, &e), &e);
    ok(nops->tap(n, &e), &e);
    p = (struct pollfd) { .fd = nops->fd(n), .events = POLLIN };
    assert_int_equal(nops->next(n, &f), ERR_AGAIN);
    assert_int_equal(poll(&p, 1, 0), 0);
    fd = connects();
    sends(fd, "C 1\n");
    UNTIL(poll(&p, 1, 0) == 1)
        ;
    passes(n, true, TCP_SYN, "");
    assert_int_equal(poll(&p, 1, 0), 1);
    passes(n, false, TCP_SYN | TCP_ACK, "");
    passes(n, true, TCP_ACK, "");
    passes(n, true, TCP_PSH | TCP_ACK, "C 1\n");
    assert_int_equal(got(fd, text, sizeof(text)), -1);
    passes(n, false, TCP_PSH | TCP_ACK, "N 1\n");
    assert_int_equal(nops->next(n, &f), ERR_AGAIN);
    assert_int_equal(poll(&p, 1, 0), 0);
    hears(fd, "N 1\n");
    sends(fd, "C 2\n");
    UNTIL(stats(n).held_packets > 0)
        ;
    ok(nops->release_all(n, &e), &e);
    hears(fd, "N 2\n");
    assert_int_equal(nops->next(n, &f), ERR_AGAIN);
    assert_int_equal(poll(&p, 1, 0), 0);
    close(fd);
    nops->detach(n);
}

/* ---- standing still ----------------------------------------------------- */

static void nothing_calls_a_session_to_a_guest_that_stands_still(void **state)
{
    struct pollfd p;
    struct err e = { 0 };
    int fd, late;

    (void)state;
    opens(0);
    p = (struct pollfd) { .fd = ops->fd(d), .events = POLLIN };
    fd = connects();
    sends(fd, "C 1\n");
    hears(fd, "N 1\n");
    for (int i = 0; i < 2; i++) {
        if (i)
            ok(ops->pause(d, &e), &e);
        else
            stands_still();
        late = connects();
        sends(fd, "C 2\n");
        sends(late, "C 3\n");
        assert_int_equal(poll(&p, 1, 100), 0);
        ok(i ? ops->unpause(d, &e) : ops->resume(d, &e), &e);
        hears(fd, "N 2\n");
        hears(late, "N 3\n");
        close(late);
    }
    close(fd);
}

/* Its word is let go while it stands still: it hears of that later. */
static void what_comes_to_it_then_waits(void **state)
{
    struct net *n = NULL;
    struct err e = { 0 };
    int fd;

    (void)state;
    opens(0);
    ok(nops->attach(ops->info(d), NULL, &n, &e), &e);
    ok(nops->hold(n, &e), &e);
    fd = connects();
    sends(fd, "C 1\n");
    UNTIL(stats(n).held_packets == 1)
        ;
    stands_still();
    ok(nops->release_all(n, &e), &e);
    assert_non_null(d->waiting.head);
    ok(ops->pause(d, &e), &e);
    ok(ops->resume(d, &e), &e);
    assert_non_null(d->waiting.head);
    ok(ops->unpause(d, &e), &e);
    assert_null(d->waiting.head);
    hears(fd, "N 1\n");
    close(fd);
    nops->detach(n);
}

/* ---- taking its time ---------------------------------------------------- */

static void runs_on(void)
{
    uint64_t then = d->guest.clock;

    UNTIL(d->guest.clock > then + 2)
        ;
}

static void a_guest_agrees_when_its_time_is_over(void **state)
{
    struct dom_times t;
    struct err e = { 0 };

    (void)state;
    opens(30);
    for (int i = 0; i < 3; i++) {
        stands_still();
        ops->times(d, &t);
        assert_true(t.ack_ns >= 30 * 1000000u);    /* never too early */
        ok(ops->resume(d, &e), &e);
        runs_on();
    }
}

static void a_guest_runs_until_it_agrees(void **state)
{
    struct dom_event ev;
    struct err e = { 0 };

    (void)state;
    opens(NEVER_MS);
    ok(ops->suspend(d, NEVER_MS, &e), &e);
    runs_on();
    assert_true(ops->suspend_cancel(d));
    runs_on();
    assert_false(ops->suspend_cancel(d));
    ok(ops->suspend(d, 20, &e), &e);    /* of which nothing is left */
    expect_event(DOM_EV_SUSPEND_FAILED, &ev);
    assert_int_equal(ops->next_event(d, &ev), ERR_AGAIN);
}

static void a_request_withdrawn_late_is_not_answered(void **state)
{
    struct err e = { 0 };

    (void)state;
    opens(30);
    ok(ops->suspend(d, NEVER_MS, &e), &e);
    poll(NULL, 0, 60);    /* it would have agreed, but nobody has looked */
    assert_true(ops->suspend_cancel(d));
    runs_on();
}

static void a_guest_refuses(void **state)
{
    struct dom_event ev;
    struct err e = { 0 };

    (void)state;
    opens(NEVER_MS);
    ok(ops->suspend(d, 20, &e), &e);
    expect_event(DOM_EV_SUSPEND_FAILED, &ev);
    assert_string_equal(ev.err.msg, "the guest didn't agree within 20 ms");
    runs_on();
    ok(ops->suspend(d, 0, &e), &e);
    expect_event(DOM_EV_SUSPEND_FAILED, &ev);
}

int main(void)
{
#define T(t) cmocka_unit_test_teardown(t, teardown)
    const struct CMUnitTest tests[] = {
        T(a_client_is_answered_until_it_has_said_all),
        T(a_connection_is_held_from_its_first_frame),
        T(who_misses_an_answer_loses_the_connection),
        T(a_tap_sees_frames_as_the_domain_did),
        T(nothing_calls_a_session_to_a_guest_that_stands_still),
        T(what_comes_to_it_then_waits),
        T(a_guest_agrees_when_its_time_is_over),
        T(a_guest_runs_until_it_agrees),
        T(a_request_withdrawn_late_is_not_answered),
        T(a_guest_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
