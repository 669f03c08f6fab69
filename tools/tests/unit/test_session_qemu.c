/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sessions in QEMU's dialect, between two processes: who goes on when one
 * dies, falls silent, ends, or says what it shouldn't; somebody between the
 * two changes words for that.
 */
#include "session_pair.h"

#include "qemu_format.h"

static const struct side manual = { .dialect = COLO_DIALECT_QEMU,
                                    .takeover = COLO_TAKEOVER_MANUAL };
static const struct side automatic = { .dialect = COLO_DIALECT_QEMU };
/* Hears silence soon, and the other's process is killed by the fence. */
static const struct side wary = { .dialect = COLO_DIALECT_QEMU,
                                  .silence_ms = 300 };
static const struct side kills = { .dialect = COLO_DIALECT_QEMU,
                                   .silence_ms = 300,
                                   .fence = "kill -9 $COLO_A; true" };
static const struct side proves = { .dialect = COLO_DIALECT_QEMU,
                                    .fence = "true" };
static const struct side xens = { .takeover = COLO_TAKEOVER_MANUAL };

static void no_acknowledged_write_is_lost(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    start(&p, &automatic, &automatic);
    await(p.run_a, "emb", "\"protected\"");
    await(p.run_a, "emb", "\"mode\":\"qemu\"");
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 1, 50), 50);
    kill_side(&p.a);
    close(fd);
    check_written(p.port, 50);
    stop(&p);
}

static void a_frozen_primary_is_replaced(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    fd = begin(&p, &wary, &kills);
    assert_int_equal(write_numbers(fd, 1, 20), 20);
    kill(p.a, SIGSTOP);
    close(fd);
    check_written(p.port, 20);
    stop(&p);
}

/* There is no word for a copy that is gone. */
static void a_lost_copy_holds_output_until_released(void **state)
{
    char answer[512];
    struct pair p;
    int fd;

    (void)state;
    start(&p, &manual, &manual);
    await(p.run_a, "emb", "\"protected\"");
    command(p.run_b, "emb", "stop");
    assert_int_equal(ended(&p.b), COLO_END_DISCARDED);
    await(p.run_a, "emb", "\"held\",");
    fd = dial(p.port);
    be_impatient(fd);
    assert_false(ask(fd, "W 1 text\n", answer));
    close(fd);
    command(p.run_a, "emb", "stop-release");
    assert_int_equal(ended(&p.a), COLO_END_ALONE);
    stop(&p);
}

static void refuses(const char *dir, const char *what, const char *text)
{
    char *reply = NULL;
    struct err e = { 0 };

    assert_int_equal(colo_control(dir, "emb", what, &reply, &e), 0);
    if (strncmp(reply, "error ", 6) || !strstr(reply, text))
        fail_msg("%s: %s", what, reply);
    free(reply);
}

static void an_end_needs_a_fence(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    start(&p, &manual, &manual);
    await(p.run_a, "emb", "\"protected\"");
    refuses(p.run_a, "stop", "no fence");
    fd = dial(p.port);    /* and protection goes on */
    assert_int_equal(write_numbers(fd, 1, 10), 10);
    close(fd);
    stop(&p);
    start(&p, &proves, &manual);
    await(p.run_a, "emb", "\"protected\"");
    command(p.run_a, "emb", "stop");
    assert_int_equal(ended(&p.a), COLO_END_STOPPED);
    await(p.run_b, "emb", "\"waiting-for-user\"");
    stop(&p);
}

/* Neither side believes that the other is off, whom it has just heard. */
static void who_vouches_for_the_living_is_refused(void **state)
{
    struct pair p;

    (void)state;
    start(&p, &manual, &manual);
    await(p.run_a, "emb", "\"protected\"");
    await(p.run_b, "emb", "\"protecting\"");
    refuses(p.run_b, "failover", "lives");
    stop(&p);
}

static void a_pause_is_this_sides_alone(void **state)
{
    struct pair p;

    (void)state;
    start(&p, &automatic, &automatic);
    await(p.run_a, "emb", "\"protected\"");
    command(p.run_a, "emb", "pause");
    await(p.run_a, "emb", "\"paused\":\"here\"");
    /* Checkpoints go on, or the copy would take over. */
    await(p.run_a, "emb", "\"pages\":0,");
    await(p.run_b, "emb", "\"protecting\"");
    kill_side(&p.a);
    check_written(p.port, 0);    /* it runs there */
    stop(&p);
}

static void a_receiver_of_the_other_dialect_is_none(void **state)
{
    struct pair p;

    (void)state;
    start(&p, &manual, &xens);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    stop(&p);
}

/* ---- words that are changed --------------------------------------------- */

struct change {
    size_t word;        /* of those that come back, from 0 */
    int becomes;        /* a message, or none; -1: it stays */
    bool more;          /* an octet behind it */
};

/* What comes back: READY, then of each checkpoint three. */
enum { READY_AT, REPLY_AT, RECEIVED_AT, LOADED_AT };

static void change_back(const struct change *c, uint8_t *data, size_t n,
                        uint64_t at)
{
    size_t low = c->word * QEMU_MESSAGE_SIZE + 3;

    if (c->becomes >= 0 && low >= at && low < at + n)
        data[low - at] = (uint8_t)c->becomes;
}

/* fds[0] goes to the primary, fds[1] to the secondary. */
static void meddle(const struct change *c, const int fds[2])
{
    static uint8_t data[1 << 16];
    uint64_t back = 0, end = (c->word + 1) * QEMU_MESSAGE_SIZE;

    for (;;) {
        struct pollfd f[2] = { { .fd = fds[0], .events = POLLIN },
                               { .fd = fds[1], .events = POLLIN } };

        poll(f, 2, -1);
        for (int i = 0; i < 2; i++) {
            ssize_t n = f[i].revents ? recv(fds[i], data, sizeof(data), 0) : 1;

            if (n <= 0)
                _exit(0);
            if (!f[i].revents)
                continue;
            if (i == 1)
                change_back(c, data, (size_t)n, back);
            if (send(fds[!i], data, (size_t)n, MSG_NOSIGNAL) != n)
                _exit(0);
            if (i == 1 && c->more && back < end && back + (size_t)n >= end &&
                send(fds[0], "x", 1, MSG_NOSIGNAL) != 1)
                _exit(0);
            back += i == 1 ? (size_t)n : 0;
        }
    }
}

static void start_changed(struct pair *p, const struct change *c,
                          pid_t *middle)
{
    int a[2], b[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
    start_on(p, &manual, &manual, a[0], b[0]);
    *middle = fork();
    if (*middle == 0) {
        const int fds[2] = { a[1], b[1] };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(a[0]);
        close(b[0]);
        meddle(c, fds);
    }
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

/* Whatever isn't the one word that is due loses the peer: output is held. */
static void a_wrong_word_holds_the_output(void **state)
{
    static const struct change changes[] = {
        { READY_AT, QEMU_CHECKPOINT_REPLY, false },
        { REPLY_AT, QEMU_CHECKPOINT_READY, false },
        { RECEIVED_AT, QEMU_VMSTATE_LOADED, false },
        { LOADED_AT, QEMU_VMSTATE_RECEIVED, false },
        { RECEIVED_AT, QEMU_VMSTATE_SIZE, false },
        { RECEIVED_AT, 7, false },
        { READY_AT, -1, true },
        { REPLY_AT, -1, true },
        { LOADED_AT + 3, -1, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct pair p;
        pid_t middle;

        start_changed(&p, &changes[i], &middle);
        await(p.run_a, "emb", "\"held\",");
        await(p.run_b, "emb", "\"waiting-for-user\"");
        kill_side(&p.a);
        command(p.run_b, "emb", "failover");
        check_written(p.port, 0);
        stop(&p);
        waitpid(middle, NULL, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_acknowledged_write_is_lost),
        cmocka_unit_test(a_frozen_primary_is_replaced),
        cmocka_unit_test(a_lost_copy_holds_output_until_released),
        cmocka_unit_test(an_end_needs_a_fence),
        cmocka_unit_test(who_vouches_for_the_living_is_refused),
        cmocka_unit_test(a_pause_is_this_sides_alone),
        cmocka_unit_test(a_receiver_of_the_other_dialect_is_none),
        cmocka_unit_test(a_wrong_word_holds_the_output),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
