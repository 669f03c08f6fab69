/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Without a fence command: when silence is enough for a copy to take over,
 * when it isn't, and what becomes of the domain that it took over from.
 */
#include "session_pair.h"

static const struct side plain = { .silence_ms = 0 };
static const struct side wary = { .silence_ms = 2000 };
static const struct side patient = { .silence_ms = 4000 };
static const struct side shared = { .shared_disks = true };
static const struct side manual = { .takeover = COLO_TAKEOVER_MANUAL };
static const struct side rash = { .takeover = COLO_TAKEOVER_AUTO };

/* Writes that were answered; the primary is killed then. */
static uint64_t write_and_kill(struct pair *p)
{
    uint64_t n;
    int fd;

    await(p->run_a, "emb", "\"protected\"");
    fd = dial(p->port);
    n = write_numbers(fd, 1, 30);
    assert_int_equal(n, 30);
    kill_side(&p->a);
    close(fd);
    return n;
}

static void copy_takes_over_by_itself(void **state)
{
    struct pair p;
    uint64_t n;

    (void)state;
    start(&p, &plain, &plain);
    n = write_and_kill(&p);
    check_written(p.port, n);
    stop(&p);
}

static void copy_waits_when_told_to(void **state)
{
    struct pair p;
    uint64_t n;

    (void)state;
    start(&p, &plain, &manual);
    n = write_and_kill(&p);
    await(p.run_b, "emb", "waiting-for-user");
    command(p.run_b, "emb", "failover");
    check_written(p.port, n);
    stop(&p);
}

/* Whatever the receiver was told: the primary knows what its disks are. */
static void shared_disk_wants_proof(void **state)
{
    struct pair p;
    uint64_t n;

    (void)state;
    start(&p, &shared, &rash);
    n = write_and_kill(&p);
    await(p.run_b, "emb", "waiting-for-user");
    command(p.run_b, "emb", "failover");
    check_written(p.port, n);
    stop(&p);
}

/* Wait until no session serves the domain in @dir any more. */
static void await_end(const char *dir)
{
    for (uint64_t end = clock_ns() + PATIENCE_NS; clock_ns() < end; tick()) {
        char *reply = NULL;
        int rc = colo_control(dir, "emb", "status", &reply, NULL);

        free(reply);
        if (rc == ERR_NOTFOUND)
            return;
    }
    fail_msg("a session is still there");
}

/*
 * It comes back after its copy took over: what it says stays held, and its
 * user is told how to end it. The copy gets the address when it is gone.
 */
static void frozen_primary_that_comes_back_is_not_heard(void **state)
{
    char answer[512];
    struct pair p;
    uint64_t n;
    int fd;

    (void)state;
    fd = begin(&p, &wary, &plain);
    n = write_numbers(fd, 1, 20);
    close(fd);
    kill(p.a, SIGSTOP);
    await_end(p.run_b);
    kill(p.a, SIGCONT);
    await(p.run_a, "emb", "\"held\",");
    await(p.run_a, "emb", "xl destroy emb");
    fd = dial(p.port);
    be_impatient(fd);
    assert_false(ask(fd, "W 999 text\n", answer));
    close(fd);
    kill_side(&p.a);
    check_written(p.port, n);
    stop(&p);
}

/* Writes from @from on, whose answers nobody waits for. */
static void send_numbers(int fd, unsigned int from, unsigned int n)
{
    char line[64];

    for (unsigned int i = 0; i < n; i++, tick()) {
        snprintf(line, sizeof(line), "W %u text\n", from + i);
        assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL),
                         strlen(line));
    }
}

/* Answers that are there by now, each a line. */
static unsigned int answers(int fd)
{
    unsigned int n = 0;
    char some[512];
    ssize_t r;

    be_impatient(fd);
    while ((r = recv(fd, some, sizeof(some), 0)) > 0)
        for (ssize_t i = 0; i < r; i++)
            n += some[i] == '\n';
    return n;
}

/*
 * An epoch is out when both stand still. The other goes on first, and gives
 * its answer before it takes over: what waits for it isn't let go by that.
 */
static void answer_from_before_is_not_believed(void **state)
{
    unsigned int told;
    struct pair p;
    int fd;

    (void)state;
    fd = begin(&p, &patient, &plain);
    send_numbers(fd, 1, 20);
    kill(p.b, SIGSTOP);
    send_numbers(fd, 21, 20);
    told = answers(fd);
    kill(p.a, SIGSTOP);
    kill(p.b, SIGCONT);
    await_end(p.run_b);
    kill(p.a, SIGCONT);
    await(p.run_a, "emb", "xl destroy emb");
    assert_int_equal(answers(fd), 0);
    close(fd);
    kill_side(&p.a);
    check_written(p.port, told);
    stop(&p);
}

/* Both stand still, and come back: neither is lost, and an answer that is too
   old to be believed is so again once the other is known to hear. */
static void both_stood_still(const struct side *a, const struct side *b)
{
    const struct timespec longer = { .tv_sec = 5 }, settle = { .tv_nsec =
                                                               200000000 };
    uint64_t epoch;
    struct pair p;
    int fd;

    fd = begin(&p, a, b);
    send_numbers(fd, 1, 20);
    kill(p.b, SIGSTOP);
    send_numbers(fd, 21, 20);
    answers(fd);
    epoch = status_number(p.run_a, "emb", "\"epoch\":");
    kill(p.a, SIGSTOP);
    nanosleep(&longer, NULL);
    kill(p.b, SIGCONT);
    nanosleep(&settle, NULL);
    kill(p.a, SIGCONT);
    close(fd);
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 100, 20), 20);
    close(fd);
    await(p.run_a, "emb", "\"protected\"");
    assert_true(status_number(p.run_a, "emb", "\"epoch\":") > epoch);
    stop(&p);
}

static void answer_is_believed_again(void **state)
{
    (void)state;
    both_stood_still(&patient, &plain);
}

/* No checkpoint is made but for that. */
static void copies_are_compared_again(void **state)
{
    static const struct side a = { .silence_ms = 4000, .colo = true,
                                   .interval_ms = 3600000 };
    static const struct side b = { .colo = true };

    (void)state;
    both_stood_still(&a, &b);
}

/* Octets from one end to the other, so much later, until there are no more. */
static pid_t relay(int from, int to, unsigned int ms)
{
    const struct timespec later = { .tv_nsec = ms * 1000000l };
    static char some[1 << 20];
    pid_t child = fork();
    ssize_t n;

    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while ((n = read(from, some, sizeof(some))) > 0) {
        nanosleep(&later, NULL);
        if (send(to, some, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    }
    _exit(0);
}

/* It could never be known to hear us, so its answers would be in doubt. */
static void who_is_too_far_is_refused(void **state)
{
    static const struct side a = { .silence_ms = 210, .pages = 256 };
    struct pair p;
    int fa[2], fb[2];
    pid_t to, back;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fa), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fb), 0);
    to = relay(fa[1], fb[1], 120);
    back = relay(fb[1], fa[1], 0);
    start_on(&p, &a, &plain, fa[0], fb[0]);
    for (int i = 0; i < 2; i++) {
        close(fa[i]);
        close(fb[i]);
    }
    assert_int_equal(ended(&p.a), COLO_END_FAILED);
    stop(&p);
    kill_side(&to);
    kill_side(&back);
}

/* It dies before its first sign of life, and the connection stays open. */
static void primary_listens_from_the_first_record_on(void **state)
{
    static const struct side a = { .silence_ms = 2000, .calm_ms = 3600000 };
    struct pair p;

    (void)state;
    start(&p, &a, &plain);
    await(p.run_a, "emb", "\"protected\"");
    kill(p.b, SIGSTOP);
    await(p.run_a, "emb", "xl destroy emb");
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_takes_over_by_itself),
        cmocka_unit_test(copy_waits_when_told_to),
        cmocka_unit_test(shared_disk_wants_proof),
        cmocka_unit_test(frozen_primary_that_comes_back_is_not_heard),
        cmocka_unit_test(answer_from_before_is_not_believed),
        cmocka_unit_test(answer_is_believed_again),
        cmocka_unit_test(copies_are_compared_again),
        cmocka_unit_test(who_is_too_far_is_refused),
        cmocka_unit_test(primary_listens_from_the_first_record_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
