/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Whole sessions over the embedded domain: what becomes of the domain when
 * one side dies, freezes, or is told to end.
 */
#include "session_pair.h"

/* ---- tests -------------------------------------------------------------- */

static const struct side fenced = { .fence = "true" };
static const struct side unfenced = { .fence = "false" };
/* A's process is its host's power here. */
static const struct side kills = {
    .fence = "sh -c 'kill -9 $COLO_A; sleep 0.2'", .silence_ms = 2000,
};
static const struct side wary = { .fence = "true", .silence_ms = 2000 };
static const struct side manual = { .takeover = COLO_TAKEOVER_MANUAL };

static void copy_takes_over_when_primary_dies(void **state)
{
    struct pair p;
    uint64_t n;
    int fd;

    (void)state;
    fd = begin(&p, &fenced, &fenced);
    n = write_numbers(fd, 1, 50);
    assert_int_equal(n, 50);
    kill_side(&p.a);
    close(fd);
    check_written(p.port, n);
    stop(&p);
}

static void frozen_primary_is_replaced(void **state)
{
    struct pair p;
    uint64_t n;
    int fd;

    (void)state;
    fd = begin(&p, &wary, &kills);
    n = write_numbers(fd, 1, 20);
    kill(p.a, SIGSTOP);
    close(fd);
    check_written(p.port, n);
    stop(&p);
}

static void stop_leaves_one_domain(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    fd = begin(&p, &manual, &manual);
    assert_int_equal(write_numbers(fd, 1, 10), 10);
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
    start(&p, &manual, &manual);
    await(p.run_a, "emb", "\"protected\"");
    kill_side(&p.b);
    await(p.run_a, "emb", "\"held\",");
    fd = dial(p.port);
    be_impatient(fd);
    assert_false(ask(fd, "W 1 text\n", answer));
    close(fd);
    await(p.run_a, "emb", "colo-stop --release");
    command(p.run_a, "emb", "stop-release");
    assert_int_equal(ended(&p.a), COLO_END_ALONE);
    stop(&p);
}

static void failed_fence_keeps_the_copy_waiting(void **state)
{
    struct pair p;
    uint64_t n;
    int fd;

    (void)state;
    fd = begin(&p, &unfenced, &unfenced);
    n = write_numbers(fd, 1, 20);
    kill_side(&p.a);
    close(fd);
    await(p.run_b, "emb", "waiting-for-user");
    command(p.run_b, "emb", "failover");
    check_written(p.port, n);
    stop(&p);
}

static void failover_is_refused_while_primary_lives(void **state)
{
    char *reply = NULL;
    struct pair p;
    struct err e = { 0 };

    (void)state;
    start(&p, &manual, &manual);
    await(p.run_a, "emb", "\"protected\"");
    assert_int_equal(colo_control(p.run_b, "emb", "failover",
                                  &reply, &e), 0);
    if (strncmp(reply, "error ", 6))
        fail_msg("%s", reply);
    free(reply);
    await(p.run_b, "emb", "\"protecting\"");
    stop(&p);
}

/* Its interval alone would let nobody see a third epoch. */
static void epoch_ends_on_dirty_pages(void **state)
{
    static const struct side writes_much = { .interval_ms = 3600000,
                                             .max_dirty_pages = 4 };
    struct pair p;
    int fd;

    (void)state;
    fd = begin(&p, &writes_much, &manual);
    assert_int_equal(write_numbers(fd, 1, 20), 20);
    close(fd);
    command(p.run_a, "emb", "stop");
    assert_int_equal(ended(&p.a), COLO_END_STOPPED);
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_takes_over_when_primary_dies),
        cmocka_unit_test(stop_leaves_one_domain),
        cmocka_unit_test(lost_copy_holds_output_until_released),
        cmocka_unit_test(failed_fence_keeps_the_copy_waiting),
        cmocka_unit_test(failover_is_refused_while_primary_lives),
        cmocka_unit_test(frozen_primary_is_replaced),
        cmocka_unit_test(epoch_ends_on_dirty_pages),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
