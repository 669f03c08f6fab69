/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Whole sessions in COLO mode over the embedded domain: both copies run, equal
 * output leaves at once, other output after a checkpoint, and either copy is
 * the domain when the other's side dies.
 */
#include "session_pair.h"

#define HOUR_MS 3600000

/* No checkpoint but those that output asks for. */
static const struct side rare = { .colo = true, .interval_ms = HOUR_MS,
                                  .fence = "true" };
static const struct side often = { .colo = true, .fence = "true" };
static const struct side manual = { .colo = true, .interval_ms = HOUR_MS,
                                    .takeover = COLO_TAKEOVER_MANUAL };
static const struct side eager = { .colo = true, .interval_ms = HOUR_MS,
                                   .compare_ms = 20, .fence = "true" };
static const struct side remus = { .fence = "true" };

/* What the primary's status says of @key. */
static uint64_t figure(const struct pair *p, const char *key)
{
    char *reply = NULL, word[64];
    struct err e = { 0 };
    uint64_t n = 0;
    char *at;

    if (colo_control(p->run_a, "emb", "status", &reply, &e))
        fail_msg("%s", e.msg);
    snprintf(word, sizeof(word), "\"%s\":", key);
    at = strstr(reply, word);
    assert_non_null(at);
    n = strtoull(at + strlen(word), NULL, 10);
    free(reply);
    return n;
}

static void protect(struct pair *p, const struct side *side)
{
    start(p, side, side);
    await(p->run_a, "emb", "\"protected\"");
    await(p->run_a, "emb", "\"compared\"");
    await(p->run_b, "emb", "\"protecting\"");
}

/* A client of it, who has written the first @n numbers. */
static int served(struct pair *p, const struct side *side, uint64_t n)
{
    int fd;

    protect(p, side);
    fd = dial(p->port);
    assert_int_equal(write_numbers(fd, 1, n), n);
    return fd;
}

/* ---- output ------------------------------------------------------------- */

static void equal_output_needs_no_checkpoint(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    fd = served(&p, &rare, 200);
    assert_int_equal(figure(&p, "epoch"), 1);
    close(fd);
    stop(&p);
}

static void other_output_leaves_after_a_checkpoint(void **state)
{
    char answer[512];
    struct pair p;
    uint64_t before;
    int fd;

    (void)state;
    protect(&p, &rare);
    fd = dial(p.port);
    for (int i = 0; i < 5; i++) {
        before = figure(&p, "epoch");
        assert_true(ask(fd, "D\n", answer));
        assert_int_equal(answer[0], 'D');
        assert_true(figure(&p, "epoch") > before);
        /* The copy has what it was made to say, and its counter, too. */
        assert_int_equal(write_numbers(fd, 1 + (uint64_t)i, 1), 1);
    }
    close(fd);
    stop(&p);
}

static void clients_are_served_through_checkpoints(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    protect(&p, &often);
    fd = dial(p.port);
    for (uint64_t n = 1; figure(&p, "epoch") < 20; n++)
        assert_int_equal(write_numbers(fd, n, 1), 1);
    close(fd);
    stop(&p);
}

/* ---- one of them dies --------------------------------------------------- */

static void copy_goes_on_when_primary_dies(void **state)
{
    char answer[512];
    struct pair p;
    uint64_t n;
    int fd;

    (void)state;
    fd = served(&p, &rare, 50);
    assert_true(ask(fd, "D\n", answer));
    n = 50 + write_numbers(fd, 51, 50);
    kill_side(&p.a);
    close(fd);
    check_written(p.port, n);
    stop(&p);
}

/* Whatever the primary said last, with checkpoints going on. */
static void copy_goes_on_in_the_middle_of_checkpoints(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct pair p;
        uint64_t n;
        int fd;

        protect(&p, &often);
        fd = dial(p.port);
        for (n = 0; figure(&p, "epoch") < 3; n++)
            assert_int_equal(write_numbers(fd, n + 1, 1), 1);
        n += write_numbers(fd, n + 1, 1 + 7 * (uint64_t)i);
        kill_side(&p.a);
        close(fd);
        check_written(p.port, n);
        stop(&p);
    }
}

static void primary_goes_on_when_copy_gives_up(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    fd = served(&p, &rare, 10);
    command(p.run_b, "emb", "stop");
    assert_int_equal(ended(&p.b), COLO_END_DISCARDED);
    assert_int_equal(ended(&p.a), COLO_END_PEER);
    close(fd);
    stop(&p);
}

static void stop_leaves_one_domain(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    fd = served(&p, &rare, 10);
    command(p.run_a, "emb", "stop");
    assert_int_equal(ended(&p.a), COLO_END_STOPPED);
    assert_int_equal(ended(&p.b), COLO_END_DISCARDED);
    close(fd);
    stop(&p);
}

static void lost_copy_holds_output_until_released(void **state)
{
    char answer[512];
    struct pair p;
    int fd;

    (void)state;
    fd = served(&p, &manual, 5);
    kill_side(&p.b);
    await(p.run_a, "emb", "\"held\"");
    be_impatient(fd);
    assert_false(ask(fd, "W 6 text\n", answer));
    command(p.run_a, "emb", "stop-release");
    assert_int_equal(ended(&p.a), COLO_END_ALONE);
    stop(&p);
}

/* A copy that doesn't answer, while its host is well, holds output for so long
   only; nobody hears silence here. */
static void late_output_asks_for_a_checkpoint(void **state)
{
    char answer[512];
    struct pair p;
    int fd;

    (void)state;
    fd = served(&p, &eager, 5);
    kill(p.b, SIGSTOP);
    assert_int_equal(send(fd, "W 6 text\n", 9, MSG_NOSIGNAL), 9);
    /* Late: a checkpoint begins, which the frozen side can't answer. */
    be_impatient(fd);
    assert_true(recv(fd, answer, sizeof(answer), 0) <= 0);
    kill(p.b, SIGCONT);
    close(fd);
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 7, 1), 1);
    assert_true(figure(&p, "epoch") >= 2);
    close(fd);
    stop(&p);
}

/* ---- pausing ------------------------------------------------------------ */

static void pause_stops_both_and_is_carried_over(void **state)
{
    char answer[512];
    struct pair p;
    int fd;

    (void)state;
    fd = served(&p, &rare, 10);
    command(p.run_a, "emb", "pause");
    await(p.run_a, "emb", "\"paused\":\"yes\"");
    command(p.run_a, "emb", "pause");
    be_impatient(fd);
    assert_false(ask(fd, "W 11 text\n", answer));
    command(p.run_a, "emb", "unpause");
    await(p.run_a, "emb", "\"paused\":\"no\"");
    close(fd);
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 12, 10), 10);
    command(p.run_a, "emb", "pause");
    await(p.run_a, "emb", "\"paused\":\"yes\"");
    kill_side(&p.a);
    close(fd);
    fd = dial(p.port);
    be_impatient(fd);
    assert_false(ask(fd, "R\n", answer));
    close(fd);
    kill(p.b, SIGUSR1);
    check_written(p.port, 10);
    stop(&p);
}

/* ---- who doesn't fit ---------------------------------------------------- */

static void both_sides_have_to_mean_it(void **state)
{
    struct pair p;

    (void)state;
    start(&p, &rare, &remus);
    assert_int_equal(ended(&p.a), COLO_END_FAILED);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    stop(&p);
    start(&p, &remus, &rare);
    assert_int_equal(ended(&p.a), COLO_END_FAILED);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_output_needs_no_checkpoint),
        cmocka_unit_test(other_output_leaves_after_a_checkpoint),
        cmocka_unit_test(clients_are_served_through_checkpoints),
        cmocka_unit_test(copy_goes_on_when_primary_dies),
        cmocka_unit_test(copy_goes_on_in_the_middle_of_checkpoints),
        cmocka_unit_test(primary_goes_on_when_copy_gives_up),
        cmocka_unit_test(stop_leaves_one_domain),
        cmocka_unit_test(lost_copy_holds_output_until_released),
        cmocka_unit_test(late_output_asks_for_a_checkpoint),
        cmocka_unit_test(pause_stops_both_and_is_carried_over),
        cmocka_unit_test(both_sides_have_to_mean_it),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
