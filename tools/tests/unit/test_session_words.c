/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a peer may say, or leave out, and our own sides never do: somebody
 * between two sessions puts a record in, or takes one out.
 */
#include "session_pair.h"

#include <sys/syscall.h>

#include "reader.h"
#include "test_stream_dsl.h"

struct meddling {
    bool back;              /* on the way to the primary */
    uint64_t epochs;        /* behind so many */
    const char *words;      /* put in; NULL: nothing */
    bool kills;             /* the primary, before */
    bool strips;            /* takes every PEER_INFO out, of either side */
    bool mutes;             /* takes the primary's HELLO out, too; COLO */
};

static const struct side manual = { .takeover = COLO_TAKEOVER_MANUAL };
static const struct side colo = { .colo = true };
static pid_t middle;

static void send_all(int fd, const uint8_t *data, size_t n)
{
    while (n > 0) {
        ssize_t r = send(fd, data, n, MSG_NOSIGNAL);

        if (r <= 0)
            _exit(0);
        data += r;
        n -= (size_t)r;
    }
}

/* Sides write it in one piece, and it goes on so. */
static size_t strip(uint8_t *data, size_t n, uint8_t type, uint8_t size)
{
    const uint8_t head[8] = { type, 0, 0, 0x80, size };
    uint8_t *at = memmem(data, n, head, sizeof(head));
    size_t behind, all = 8u + size;

    if (!at)
        return n;
    behind = (size_t)(data + n - at) - all;
    memmove(at, at + all, behind);
    return n - all;
}

/* Where the stream stands, behind what was there and @data. */
static struct sr_cut follow(struct sr_reader *r, size_t *skip,
                            const uint8_t *data, size_t n)
{
    size_t skipped = *skip < n ? *skip : n;
    struct sr_item item;

    *skip -= skipped;
    data += skipped;
    n -= skipped;
    do
        if (sr_reader_next(r, &data, &n, &item, NULL))
            _exit(1);
    while (item.kind != SR_NEED_MORE);
    return sr_reader_eof(r);
}

/* And wait until nothing of it is left: GONE has to be true. */
static void kill_for_good(pid_t pid)
{
    struct pollfd f = { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
                        .events = POLLIN };

    kill(pid, SIGKILL);
    poll(&f, 1, -1);
    close(f.fd);
}

static void put_in(const struct meddling *m, pid_t a, int fd)
{
    struct buf b;

    if (m->kills)
        kill_for_good(a);
    buf_init(&b, 0);
    dsl_build(&b, m->words);
    send_all(fd, b.data, b.size);
    buf_dispose(&b);
}

/* fds[0] goes to the primary, fds[1] to the secondary. */
static void meddle(const struct meddling *m, pid_t a, const int fds[2])
{
    static uint8_t data[1 << 20];
    size_t skip[2] = { 0, WIRE_XL_BANNER_SIZE };
    struct sr_reader r[2];
    bool done = m->words == NULL;

    sr_reader_init(&r[0], SR_FORWARD, WIRE_XL);
    sr_reader_init(&r[1], SR_BACK, WIRE_LIBXL);
    for (;;) {
        struct pollfd f[2] = { { .fd = fds[0], .events = POLLIN },
                               { .fd = fds[1], .events = POLLIN } };

        poll(f, 2, -1);
        for (int i = 0; i < 2; i++) {
            struct sr_cut cut;
            ssize_t n;

            if (!f[i].revents)
                continue;
            n = recv(fds[i], data, sizeof(data), 0);
            if (n <= 0)
                _exit(0);
            if (m->strips)
                n = (ssize_t)strip(data, (size_t)n, 6, 72);
            if (m->mutes && i == 0)
                n = (ssize_t)strip(data, (size_t)n, 4, 16);
            send_all(fds[!i], data, (size_t)n);
            cut = follow(&r[i], &skip[i], data, (size_t)n);
            if (done || i != m->back || cut.at != SR_CUT_BETWEEN ||
                cut.epochs < m->epochs || (!m->back && cut.epoch_open))
                continue;
            put_in(m, a, fds[!i]);
            done = true;
        }
    }
}

static void start_with(struct pair *p, const struct meddling *m)
{
    int a[2], b[2], fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
    start_on(p, m->mutes ? &colo : &manual, m->mutes ? &colo : &manual, a[0],
             b[0]);
    middle = fork();
    if (middle == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(a[0]);
        close(b[0]);
        fds[0] = a[1];
        fds[1] = b[1];
        meddle(m, p->a, fds);
    }
    close(a[0]);
    close(a[1]);
    close(b[0]);
    close(b[1]);
}

static void stop_with(struct pair *p)
{
    kill(middle, SIGKILL);
    waitpid(middle, NULL, 0);
    stop(p);
}

static void peer_info_may_be_missing(void **state)
{
    static const struct meddling m = { .strips = true };
    struct pair p;

    (void)state;
    start_with(&p, &m);
    await(p.run_a, "emb", "\"protected\"");
    command(p.run_a, "emb", "stop");
    assert_int_equal(ended(&p.a), COLO_END_STOPPED);
    assert_int_equal(ended(&p.b), COLO_END_DISCARDED);
    stop_with(&p);
}

/* It wouldn't hold its output for a copy that runs. */
static void no_copy_runs_beside_a_primary_that_says_no_hello(void **state)
{
    static const struct meddling m = { .strips = true, .mutes = true };
    struct pair p;

    (void)state;
    start_with(&p, &m);
    /* The primary may have sent its first epoch by then, and wait. */
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    stop_with(&p);
}

static void copy_takes_over_from_a_primary_that_is_gone(void **state)
{
    static const struct meddling m = { .epochs = 20, .words = "gone hb",
                                       .kills = true };
    struct pair p;
    uint64_t n;
    int fd;

    (void)state;
    start_with(&p, &m);
    fd = dial(p.port);
    n = write_numbers(fd, 1, 100);
    waitpid(p.a, NULL, 0);
    p.a = 0;
    close(fd);
    check_written(p.port, n);    /* by the copy, and nobody fenced */
    stop_with(&p);
}

static void copy_that_may_not_take_over_ends_with_its_primary(void **state)
{
    static const struct meddling m = { .epochs = 1, .words = "gone",
                                       .kills = true };
    struct pair p;

    (void)state;
    start_with(&p, &m);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    stop_with(&p);
}

static void nobody_hands_a_domain_over(void **state)
{
    static const struct meddling forward = { .epochs = 3,
                                             .words = "rel@8=1" };
    static const struct meddling back = { .back = true, .epochs = 3,
                                          .words = "rel@8=1" };
    struct pair p;

    (void)state;
    start_with(&p, &forward);
    await(p.run_b, "emb", "\"waiting-for-user\"");
    stop_with(&p);
    start_with(&p, &back);
    await(p.run_a, "emb", "\"held\"");
    stop_with(&p);
}

static void primary_goes_on_without_a_copy_that_is_gone(void **state)
{
    static const struct meddling m = { .back = true, .epochs = 3,
                                       .words = "gone" };
    struct pair p;

    (void)state;
    start_with(&p, &m);
    assert_int_equal(ended(&p.a), COLO_END_PEER);
    stop_with(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_info_may_be_missing),
        cmocka_unit_test(no_copy_runs_beside_a_primary_that_says_no_hello),
        cmocka_unit_test(copy_takes_over_from_a_primary_that_is_gone),
        cmocka_unit_test(copy_that_may_not_take_over_ends_with_its_primary),
        cmocka_unit_test(nobody_hands_a_domain_over),
        cmocka_unit_test(primary_goes_on_without_a_copy_that_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
