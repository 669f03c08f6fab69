/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sessions that compare pages with each epoch (--debug-verify): all of them
 * in turn; what the dirty log forgot, and what was applied wrongly.
 */
#include "session_pair.h"

#include "embedded_int.h"

/* Nothing of the guest's is there, and it is in the last slice but one. */
#define PAGE 3000u
/* When all of the first copy is long there. */
#define EPOCH 6u

static const struct side plain = { .fence = "true" };
static const struct side both_run = { .fence = "true", .colo = true };

static uint64_t number(const struct pair *p, const char *key)
{
    return status_number(p->run_a, "emb", key);
}

static void await_passes(const struct pair *p, uint64_t passes)
{
    uint64_t end = clock_ns() + PATIENCE_NS;

    while (number(p, "\"verify_passes\":") < passes) {
        assert_true(clock_ns() < end);
        tick();
    }
}

static void all_pages_are_compared(const struct side *side)
{
    struct side a = *side;
    struct pair p;
    int fd;

    a.verify = true;
    start(&p, &a, side);
    await(p.run_a, "emb", "\"protected\"");
    fd = dial(p.port);
    assert_int_equal(write_numbers(fd, 1, 50), 50);
    await_passes(&p, 2);
    assert_int_equal(number(&p, "\"unlogged_pages\":"), 0);
    assert_int_equal(write_numbers(fd, 51, 50), 50);
    close(fd);
    kill_side(&p.a);
    check_written(p.port, 100);
    stop(&p);
}

static void pages_of_a_copy_that_waits_are_compared(void **state)
{
    (void)state;
    all_pages_are_compared(&plain);
}

static void pages_of_a_copy_that_runs_are_compared(void **state)
{
    (void)state;
    all_pages_are_compared(&both_run);
}

static int capture_unseen(struct dom *d, struct ckpt *c, uint64_t epoch,
                          struct err *e)
{
    if (epoch == EPOCH)
        d->guest.ram[PAGE * GUEST_PAGE + 7] ^= 1;
    return dom_embedded_ops.capture(d, c, epoch, e);
}

/* The copy has it with the epoch that found it, or it would be given up. */
static void a_page_that_changed_unseen_is_sent(void **state)
{
    struct dom_ops ops = dom_embedded_ops;
    struct side a = { .fence = "true", .verify = true, .dom_ops = &ops };
    struct pair p;

    (void)state;
    ops.capture = capture_unseen;
    start(&p, &a, &plain);
    await(p.run_a, "emb", "\"unlogged_pages\":1");
    await_passes(&p, 1 + number(&p, "\"verify_passes\":"));
    await(p.run_a, "emb", "\"state\":\"protected\"");
    assert_int_equal(number(&p, "\"unlogged_pages\":"), 1);
    stop(&p);
}

static int apply_wrongly(struct dom *d, const struct ckpt *c, struct err *e)
{
    int rc = dom_embedded_ops.apply(d, c, e);

    if (c->epoch == EPOCH)
        d->guest.ram[PAGE * GUEST_PAGE + 7] ^= 1;
    return rc;
}

static void a_copy_that_differs_is_given_up(void **state)
{
    struct dom_ops ops = dom_embedded_ops;
    struct side a = { .fence = "false", .verify = true };
    struct side b = { .fence = "true", .dom_ops = &ops };
    struct pair p;

    (void)state;
    ops.apply = apply_wrongly;
    start(&p, &a, &b);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    assert_int_equal(ended(&p.a), COLO_END_PEER);
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_a_copy_that_waits_are_compared),
        cmocka_unit_test(pages_of_a_copy_that_runs_are_compared),
        cmocka_unit_test(a_page_that_changed_unseen_is_sent),
        cmocka_unit_test(a_copy_that_differs_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
