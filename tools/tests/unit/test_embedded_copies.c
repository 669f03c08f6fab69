/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Two copies of the embedded guest that get the same frames, with different
 * things from outside, before the comparison of their output: what they say
 * is the same, but for what they are asked to draw.
 */
#include "embedded_world.h"

#include "compare.h"
#include "rewrite.h"

#define ROUNDS 200u
#define SEC ((uint64_t)1000000000)

static struct twins {
    struct side primary, secondary;
    struct compare *compare;
    struct rewrite *rewrite;
    uint64_t now;
    /* The peer: the next number of its own and of the primary, by what has
       left; the text of that. */
    uint32_t seq, ack;
    char text[4096];
    size_t text_size;
    unsigned int released, unequal;    /* cut differently */
    bool opened, closed;
} t;

/* To the peer. */
static void on_release(void *ctx, const uint8_t *data, size_t n)
{
    struct frame f;

    (void)ctx;
    assert_true(frame_checksum_ok(data, n));
    frame_parse(data, n, &f);
    assert_int_equal(f.kind, FRAME_TCP);
    t.released++;
    if (f.flags & TCP_SYN) {
        t.opened = true;
        t.ack = f.seq + 1;
    }
    if (f.flags & TCP_RST)
        return;
    assert_int_equal(f.flags & TCP_SYN ? f.seq + 1 : f.seq, t.ack);
    assert_true(t.text_size + f.size < sizeof(t.text));
    memcpy(t.text + t.text_size, f.body, f.size);
    t.text_size += f.size;
    t.text[t.text_size] = '\0';
    t.ack += (uint32_t)f.size + (f.flags & TCP_FIN ? 1 : 0);
    t.closed |= (f.flags & TCP_FIN) != 0;
}

static int begin(void **state)
{
    struct compare_conf c = { .flows_max = 64, .seed = 5,
                              .timeout_ns = SEC, .release = on_release };
    struct rewrite_conf r = { .flows_max = 64, .seed = 6 };

    (void)state;
    memset(&t, 0, sizeof(t));
    side_begin(&t.primary, 1);
    side_begin(&t.secondary, 2);
    t.now = SEC;
    return compare_new(&c, &t.compare, NULL) ||
        rewrite_new(&r, &t.rewrite, NULL);
}

static int end(void **state)
{
    (void)state;
    guest_dispose(&t.primary.g);
    guest_dispose(&t.secondary.g);
    compare_free(t.compare);
    rewrite_free(t.rewrite);
    return 0;
}

/* What the secondary said, with the primary's numbers, then the primary's, or
   the other way round. Why a checkpoint is wanted. */
static enum compare_why judge(bool primary_first)
{
    enum compare_why why = COMPARE_FINE;

    for (int half = 0; half < 2; half++) {
        bool primary = primary_first == (half == 0);
        struct side *s = primary ? &t.primary : &t.secondary;

        for (unsigned int i = 0; i < s->said_nr; i++) {
            if (!primary)
                rewrite_output(t.rewrite, s->said[i].data, s->said[i].n,
                               false);
            why = (primary ? compare_primary : compare_secondary)
                (t.compare, s->said[i].data, s->said[i].n, t.now);
        }
    }
    return why;
}

/* A frame of the peer's for both. */
static enum compare_why sends(uint8_t flags, const char *text)
{
    struct frame_spec spec = from_peer(1, t.seq, t.ack, flags, text);
    uint8_t frame[2048];
    size_t n = frame_build(&spec, frame);

    t.seq += (uint32_t)spec.size + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
    t.text_size = 0;
    t.text[0] = '\0';
    t.primary.said_nr = t.secondary.said_nr = 0;
    guest_frame(&t.primary.g, frame, n, hears, &t.primary);
    rewrite_input(t.rewrite, frame, n, false);
    guest_frame(&t.secondary.g, frame, n, hears, &t.secondary);
    t.unequal += t.primary.said_nr != t.secondary.said_nr;
    return judge(t.seq & 1);
}

static void opens(uint32_t seq)
{
    t.seq = seq;
    assert_int_equal(sends(TCP_SYN, ""), COMPARE_FINE);
    assert_true(t.opened);
    assert_int_not_equal(t.primary.said[0].f.seq, t.secondary.said[0].f.seq);
    assert_int_equal(sends(TCP_ACK, ""), COMPARE_FINE);
}

/* All that is asked has the answer that a guest of its own gives. */
static void asks(struct guest *model, const char *request)
{
    char line[64], answer[GUEST_LINE];

    guest_request(model, request, answer);
    snprintf(line, sizeof(line), "%s\n", request);
    assert_int_equal(sends(TCP_ACK | TCP_PSH, line), COMPARE_FINE);
    assert_string_equal(t.text, answer);
}

static void they_say_the_same_however_it_is_cut(void **state)
{
    struct side model;
    char line[64];

    (void)state;
    side_begin(&model, 3);
    opens(70000);
    for (unsigned int i = 1; i <= ROUNDS; i++) {
        snprintf(line, sizeof(line), "W %u text %u", i, i);
        asks(&model.g, line);
        asks(&model.g, i % 2 ? "R" : "C 7");
    }
    assert_true(t.unequal > 0);
    assert_int_equal(sends(TCP_FIN | TCP_ACK, ""), COMPARE_FINE);
    assert_true(t.closed);
    guest_dispose(&model.g);
    assert_int_equal(compare_stats(t.compare)->packets, 0);
    assert_int_equal(compare_stats(t.compare)->kind[FRAME_TCP].matched,
                     t.released);
}

static void differ(const char *request)
{
    opens(80000);
    assert_int_equal(sends(TCP_ACK | TCP_PSH, request), COMPARE_DIFFERS);
    assert_null(strchr(t.text, '\n'));    /* at most a beginning left */
    compare_checkpoint(t.compare);        /* the primary's is what counts */
    assert_int_equal(t.text[0], request[0]);
    assert_true(t.text_size > 3 && strchr(t.text, '\n'));
}

static void a_draw_differs(void **state)
{
    (void)state;
    differ("D\n");
}

static void the_time_differs(void **state)
{
    (void)state;
    differ("T\n");
}

/* Memory of the primary's in the secondary, as a checkpoint leaves it: the
   connection goes on, with the primary's numbers. */
static void a_connection_outlives_a_checkpoint(void **state)
{
    (void)state;
    opens(90000);
    assert_int_equal(sends(TCP_ACK | TCP_PSH, "D\nC "), COMPARE_DIFFERS);
    memcpy(t.secondary.g.ram, t.primary.g.ram, PAGES * GUEST_PAGE);
    rewrite_checkpoint(t.rewrite);
    compare_checkpoint(t.compare);
    assert_int_equal(sends(TCP_ACK | TCP_PSH, "3\n"), COMPARE_FINE);
    assert_string_equal(t.text, "N 3\n");
    assert_int_equal(sends(TCP_FIN | TCP_ACK, ""), COMPARE_FINE);
    assert_true(t.closed);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(they_say_the_same_however_it_is_cut),
        T(a_draw_differs),
        T(the_time_differs),
        T(a_connection_outlives_a_checkpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
