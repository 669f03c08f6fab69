/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The user's pause over whole sessions of the embedded domain: it holds
 * through epochs and a take-over, and never ends protection.
 */
#include "session_pair.h"

#include <sys/mman.h>

static const struct side fenced = { .fence = "true" };
static const struct side manual = { .takeover = COLO_TAKEOVER_MANUAL };

static void protected(struct pair *p, const struct side *side)
{
    start(p, side, side);
    await(p->run_a, "emb", "\"protected\"");
}

static void refused(const char *dir, const char *what, const char *text)
{
    char *reply = NULL;
    struct err e = { 0 };

    assert_int_equal(colo_control(dir, "emb", what, &reply, &e), 0);
    if (strncmp(reply, "error ", 6) || !strstr(reply, text))
        fail_msg("%s: %s", what, reply);
    free(reply);
}

static uint64_t epoch_now(const char *dir)
{
    return status_number(dir, "emb", "\"epoch\":");
}

static void stands_still(uint16_t port)
{
    char answer[512];
    int fd = dial(port);

    be_impatient(fd);
    assert_false(ask(fd, "R\n", answer));
    close(fd);
}

static void a_paused_domain_stands_still_until_it_is_unpaused(void **state)
{
    struct pair p;
    uint64_t epoch;
    int fd;

    (void)state;
    protected(&p, &fenced);
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 1, 10), 10);
    command(p.run_a, "emb", "pause");
    await(p.run_a, "emb", "\"paused\":\"yes\"");
    await(p.run_a, "emb", "\"run_state\":\"paused\"");
    epoch = epoch_now(p.run_a);
    stands_still(p.port);
    assert_int_equal(epoch_now(p.run_a), epoch);    /* nothing to send */
    command(p.run_a, "emb", "pause");               /* as before */
    await(p.run_a, "emb", "\"state\":\"protected\"");
    command(p.run_a, "emb", "unpause");
    await(p.run_a, "emb", "\"paused\":\"no\"");
    assert_int_equal(write_numbers(fd, 11, 10), 10);
    assert_true(epoch_now(p.run_a) > epoch);
    close(fd);
    stop(&p);
}

static void a_paused_domain_comes_up_paused(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    protected(&p, &fenced);
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 1, 20), 20);
    command(p.run_a, "emb", "pause");
    await(p.run_a, "emb", "\"paused\":\"yes\"");
    close(fd);
    kill_side(&p.a);
    stands_still(p.port);
    stands_still(p.port);
    kill(p.b, SIGUSR1);    /* stands for an unpause there */
    check_written(p.port, 20);
    stop(&p);
}

static void an_unpaused_domain_comes_up_running(void **state)
{
    struct pair p;
    int fd;

    (void)state;
    protected(&p, &fenced);
    fd = dial(p.port);
    command(p.run_a, "emb", "pause");
    await(p.run_a, "emb", "\"paused\":\"yes\"");
    command(p.run_a, "emb", "start");
    await(p.run_a, "emb", "\"paused\":\"no\"");
    assert_int_equal(write_numbers(fd, 1, 20), 20);
    close(fd);
    kill_side(&p.a);
    check_written(p.port, 20);
    stop(&p);
}

static void a_pause_before_the_copy_stands_waits_for_no_epoch(void **state)
{
    char *reply = NULL;
    struct err e;
    struct pair p;
    int fd;

    (void)state;
    start(&p, &fenced, &fenced);
    while (colo_control(p.run_a, "emb", "pause", &reply, &e))
        tick();
    free(reply);
    await(p.run_a, "emb", "\"paused\":\"yes\"");
    stands_still(p.port);
    command(p.run_a, "emb", "unpause");
    await(p.run_a, "emb", "\"protected\"");
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 1, 10), 10);
    close(fd);
    stop(&p);
}

/* Another tool has; shared with both sides. */
static bool *let_run;

static bool pause_undone(struct dom *d)
{
    return dom_embedded_ops.is_paused(d) && !*let_run;
}

/* A session looks once an interval, and who asks doesn't wait for that. */
static void nobody_is_told_of_a_pause_that_is_over(void **state)
{
    struct dom_ops ops = dom_embedded_ops;
    struct side a = { .fence = "true", .dom_ops = &ops,
                      .interval_ms = 600000 };
    char *reply = NULL;
    struct err e;
    struct pair p;

    (void)state;
    ops.is_paused = pause_undone;
    let_run = mmap(NULL, sizeof(*let_run), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(let_run != MAP_FAILED);
    start(&p, &a, &fenced);
    while (colo_control(p.run_a, "emb", "pause", &reply, &e))
        tick();
    free(reply);
    await(p.run_a, "emb", "\"paused\":\"yes\"");
    *let_run = true;
    assert_int_equal(colo_control(p.run_a, "emb", "status", &reply, &e), 0);
    assert_null(strstr(reply, "\"paused\":\"yes\""));
    free(reply);
    munmap(let_run, sizeof(*let_run));
    stop(&p);
}

/* Spread over the epochs, which are 20 ms apart. SEED=n spreads them in
   another way. */
static void pauses_at_any_moment_lose_nothing(void **state)
{
    const char *given = getenv("SEED");
    unsigned int seed = given ? (unsigned int)atoi(given) : 1;
    uint64_t n = 0;
    struct pair p;
    int fd;

    (void)state;
    print_message("# SEED=%u\n", seed);
    protected(&p, &fenced);
    fd = dial(p.port);
    for (int i = 0; i < 40; i++) {
        struct timespec t = { .tv_nsec = rand_r(&seed) % 40 * 1000000L };
        bool still = rand_r(&seed) % 2;

        nanosleep(&t, NULL);
        command(p.run_a, "emb", "pause");
        if (still)
            await(p.run_a, "emb", "\"paused\":\"yes\"");
        if (still && i % 8 == 0)
            stands_still(p.port);
        command(p.run_a, "emb", "unpause");
        assert_int_equal(write_numbers(fd, n + 1, 3), 3);
        n += 3;
    }
    await(p.run_a, "emb", "\"state\":\"protected\"");
    close(fd);
    kill_side(&p.a);
    check_written(p.port, n);
    stop(&p);
}

static void a_pause_without_a_peer_holds(void **state)
{
    struct pair p;

    (void)state;
    protected(&p, &manual);
    kill_side(&p.b);
    await(p.run_a, "emb", "\"held\"");
    command(p.run_a, "emb", "pause");
    await(p.run_a, "emb", "\"paused\":\"here\"");
    stands_still(p.port);
    command(p.run_a, "emb", "stop-release");
    assert_int_equal(ended(&p.a), COLO_END_ALONE);
    stop(&p);
}

static void only_the_primary_takes_such_words(void **state)
{
    struct pair p;

    (void)state;
    protected(&p, &fenced);
    refused(p.run_b, "pause", "only a copy");
    refused(p.run_b, "unpause", "only a copy");
    refused(p.run_b, "start-force", "only a copy");
    command(p.run_a, "emb", "retry");
    command(p.run_a, "emb", "start-force");
    await(p.run_a, "emb", "\"paused\":\"no\"");
    await(p.run_a, "emb", "\"state\":\"protected\"");
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_domain_stands_still_until_it_is_unpaused),
        cmocka_unit_test(a_paused_domain_comes_up_paused),
        cmocka_unit_test(an_unpaused_domain_comes_up_running),
        cmocka_unit_test(a_pause_before_the_copy_stands_waits_for_no_epoch),
        cmocka_unit_test(nobody_is_told_of_a_pause_that_is_over),
        cmocka_unit_test(pauses_at_any_moment_lose_nothing),
        cmocka_unit_test(a_pause_without_a_peer_holds),
        cmocka_unit_test(only_the_primary_takes_such_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
