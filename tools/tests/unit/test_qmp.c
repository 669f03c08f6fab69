/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The QMP client against a peer in the same process. Only the handshake, in
 * which the client asks and waits in one call, is answered by a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define OK       "{\"return\": {}}\r\n"
#define CAPS     "{\"execute\":\"qmp_capabilities\"}"
#define WAIT_MS  200

struct peer {
    int fd;
    struct qmp *q;
    struct err e;
};

static void say(struct peer *p, const char *text)
{
    ssize_t n = (ssize_t)strlen(text);

    assert_int_equal(send(p->fd, text, (size_t)n, 0), n);
}

/* What the client has sent since the last call. */
static void assert_heard(struct peer *p, const char *text)
{
    char got[4096];
    ssize_t n = recv(p->fd, got, sizeof(got) - 1, MSG_DONTWAIT);

    got[n > 0 ? n : 0] = '\0';
    assert_string_equal(got, text);
}

static void answer_handshake(int fd)
{
    char got[sizeof(CAPS)] = "";

    recv(fd, got, sizeof(CAPS) - 1, MSG_WAITALL);
    if (!strcmp(got, CAPS))
        send(fd, OK, strlen(OK), 0);
    _exit(0);
}

static int connect_to(struct peer *p, const char *words, bool answer)
{
    int rc, sv[2];
    pid_t pid = 0;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    p->fd = sv[0];
    say(p, words);
    if (answer && (pid = fork()) == 0)
        answer_handshake(sv[0]);
    rc = qmp_open_fd(sv[1], answer ? 5000 : WAIT_MS, &p->q, &p->e);
    if (pid)
        waitpid(pid, NULL, 0);
    return rc;
}

static int setup(void **state)
{
    static struct peer p;

    memset(&p, 0, sizeof(p));
    assert_int_equal(connect_to(&p, GREETING, true), 0);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct peer *p = *state;

    qmp_close(p->q);
    close(p->fd);
    return 0;
}

static void open_refuses_what_isnt_qmp(void **state)
{
    struct peer p = { 0 };

    (void)state;
    assert_int_equal(connect_to(&p, "SSH-2.0-OpenSSH\r\n", false), ERR_FORMAT);
    assert_null(p.q);
    close(p.fd);
}

static void open_gives_up_on_silence(void **state)
{
    struct peer p = { 0 };

    (void)state;
    assert_int_equal(connect_to(&p, GREETING, false), ERR_TIMEOUT);
    assert_null(p.q);
    close(p.fd);
}

static void open_says_when_nobody_listens(void **state)
{
    struct qmp *q;
    struct err e;

    (void)state;
    assert_int_equal(qmp_open("/nonexistent/socket", WAIT_MS, &q, &e),
                     ERR_NOTFOUND);
}

static void reply_ends_the_wait(void **state)
{
    struct peer *p = *state;

    unsigned int t;

    assert_int_equal(qmp_send(p->q, "{\"execute\":\"stop\"}", &t, &p->e), 0);
    assert_heard(p, "{\"execute\":\"stop\"}");
    say(p, OK);
    assert_int_equal(qmp_wait(p->q, t, WAIT_MS, &p->e), 0);
}

static void error_carries_the_words(void **state)
{
    struct peer *p = *state;
    unsigned int t;

    assert_int_equal(qmp_send(p->q, "{\"execute\":\"x\"}", &t, &p->e), 0);
    say(p, "{\"error\": {\"class\": \"GenericError\", "
        "\"desc\": \"no x today\"}}\r\n");
    assert_int_equal(qmp_wait(p->q, t, WAIT_MS, &p->e), ERR_DOMAIN);
    assert_non_null(strstr(p->e.msg, "no x today"));
}

static void events_are_no_replies(void **state)
{
    struct peer *p = *state;

    say(p, "{\"event\": \"STOP\", \"data\": {}}\r\n");
    assert_int_equal(qmp_run(p->q, "{\"execute\":\"stop\"}", WAIT_MS, &p->e),
                     ERR_TIMEOUT);
}

static void replies_come_in_order(void **state)
{
    struct peer *p = *state;
    unsigned int a, b;

    assert_int_equal(qmp_send(p->q, "{\"execute\":\"a\"}", &a, &p->e), 0);
    assert_int_equal(qmp_send(p->q, "{\"execute\":\"b\"}", &b, &p->e), 0);
    say(p, OK "{\"error\": {\"desc\": \"b\"}}\r\n");
    assert_int_equal(qmp_wait(p->q, b, WAIT_MS, &p->e), ERR_DOMAIN);
    assert_int_equal(qmp_wait(p->q, a, WAIT_MS, &p->e), 0);
}

static void reply_may_come_in_pieces(void **state)
{
    struct peer *p = *state;
    unsigned int t;

    assert_int_equal(qmp_send(p->q, "{\"execute\":\"a\"}", &t, &p->e), 0);
    say(p, "{\"ret");
    assert_int_equal(qmp_wait(p->q, t, 20, &p->e), ERR_TIMEOUT);
    say(p, "urn\": {}}\r\n");
    assert_int_equal(qmp_wait(p->q, t, WAIT_MS, &p->e), 0);
}

static void early_command_lacks_its_last_octet(void **state)
{
    struct peer *p = *state;
    unsigned int stop, save, cont;

    assert_int_equal(qmp_send_early(p->q, "{\"execute\":\"stop\"}", &stop,
                                    &p->e), 0);
    assert_true(qmp_half_sent(p->q));
    assert_heard(p, "{\"execute\":\"stop\"");
    assert_int_equal(qmp_fire(p->q, "{\"execute\":\"save\"}", &save,
                              "{\"execute\":\"cont\"}", &cont, &p->e), 0);
    assert_heard(p, "}{\"execute\":\"save\"}{\"execute\":\"cont\"");
    say(p, OK OK);
    assert_int_equal(qmp_wait(p->q, save, WAIT_MS, &p->e), 0);
    assert_int_equal(qmp_fire(p->q, NULL, NULL, NULL, NULL, &p->e), 0);
    assert_false(qmp_half_sent(p->q));
    assert_heard(p, "}");
    say(p, OK);
    assert_int_equal(qmp_wait(p->q, cont, WAIT_MS, &p->e), 0);
}

static void unasked_reply_is_refused(void **state)
{
    struct peer *p = *state;

    say(p, OK OK);
    assert_int_equal(qmp_run(p->q, "{\"execute\":\"a\"}", WAIT_MS, &p->e),
                     ERR_FORMAT);
}

static void close_of_the_peer_is_eof(void **state)
{
    struct peer *p = *state;

    shutdown(p->fd, SHUT_WR);
    assert_int_equal(qmp_run(p->q, "{\"execute\":\"a\"}", WAIT_MS, &p->e),
                     ERR_EOF);
}

#define JOB(id, status) "{\"event\": \"JOB_STATUS_CHANGE\", \"data\": "     \
                        "{\"status\": \"" status "\", \"id\": \"" id        \
                        "\"}}\r\n"

static void job_ends_when_concluded(void **state)
{
    struct peer *p = *state;

    qmp_job_follow(p->q, "j");
    say(p, JOB("j", "running") JOB("other", "concluded"));
    assert_int_equal(qmp_job_wait(p->q, 20, &p->e), ERR_TIMEOUT);
    say(p, JOB("j", "waiting") JOB("j", "concluded"));
    assert_int_equal(qmp_job_wait(p->q, WAIT_MS, &p->e), 0);
}

static void job_that_aborts_fails(void **state)
{
    struct peer *p = *state;
    unsigned int t;

    qmp_job_follow(p->q, "j");
    assert_int_equal(qmp_send(p->q, "{\"execute\":\"load\"}", &t, &p->e), 0);
    say(p, OK JOB("j", "aborting") JOB("j", "concluded"));
    assert_int_equal(qmp_wait(p->q, t, WAIT_MS, &p->e), 0);
    /* The question that it then asks isn't answered. */
    assert_int_equal(qmp_job_wait(p->q, WAIT_MS, &p->e), ERR_DOMAIN);
    assert_non_null(strstr(p->e.msg, "failed"));
    assert_heard(p, "{\"execute\":\"load\"}{\"execute\":\"query-jobs\"}");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses_what_isnt_qmp),
        cmocka_unit_test(open_gives_up_on_silence),
        cmocka_unit_test(open_says_when_nobody_listens),
        TEST(reply_ends_the_wait),
        TEST(error_carries_the_words),
        TEST(events_are_no_replies),
        TEST(replies_come_in_order),
        TEST(reply_may_come_in_pieces),
        TEST(early_command_lacks_its_last_octet),
        TEST(unasked_reply_is_refused),
        TEST(close_of_the_peer_is_eof),
        TEST(job_ends_when_concluded),
        TEST(job_that_aborts_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
