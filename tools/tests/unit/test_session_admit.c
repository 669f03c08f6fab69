/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a backend is shown before it has to begin a copy, and a copy that it
 * won't begin: the domain goes on where it was.
 */
#include "session_pair.h"

/* Of the octets that a policy has; their meaning is the backend's. */
static const uint8_t cpuid[48] = { [0] = 1, [24] = 7, [47] = 0xa5 };
static const uint8_t msrs[16] = { [0] = 0xce, [15] = 0x5a };

static int give(struct dom *d, struct dom_static *s_r, struct err *e)
{
    (void)d;
    if (buf_append(&s_r->cpuid_policy, cpuid, sizeof(cpuid), e))
        return e->code;
    return buf_append(&s_r->msr_policy, msrs, sizeof(msrs), e);
}

static bool same(const struct buf *b, const uint8_t *data, size_t n)
{
    return b->size == n && !memcmp(b->data, data, n);
}

static int create_if_shown(struct dom *d, const struct dom_create *c,
                           int *fd_r, struct err *e)
{
    if (!c->given || !same(&c->given->cpuid_policy, cpuid, sizeof(cpuid)) ||
        !same(&c->given->msr_policy, msrs, sizeof(msrs)))
        return err_set(e, ERR_BUG, "not what the domain was given");
    return dom_embedded_ops.create(d, c, fd_r, e);
}

static int create_nothing(struct dom *d, const struct dom_create *c,
                          int *fd_r, struct err *e)
{
    (void)d;
    (void)c;
    (void)fd_r;
    return err_set(e, ERR_NOMEM, "needs 2 MiB and this host has 1 MiB free");
}

static int copy_nothing(struct dom *d, const uint64_t *pfns, size_t n,
                        uint8_t *to, struct err *e)
{
    (void)d;
    (void)pfns;
    (void)n;
    (void)to;
    (void)e;
    _exit(77);
}

static void what_the_guest_knows_comes_before_its_copy(void **state)
{
    struct dom_ops giver = dom_embedded_ops, taker = dom_embedded_ops;
    struct side a = { .dom_ops = &giver }, b = { .dom_ops = &taker };
    struct pair p = { .a = 0 };

    (void)state;
    giver.static_data = give;
    taker.create = create_if_shown;
    start(&p, &a, &b);
    await(p.run_a, "emb", "\"state\":\"protected\"");
    stop(&p);
}

/* No page was on its way yet. */
static void a_copy_that_cant_be_leaves_the_domain_alone(void **state)
{
    struct dom_ops giver = dom_embedded_ops, taker = dom_embedded_ops;
    struct side a = { .dom_ops = &giver }, b = { .dom_ops = &taker };
    struct pair p = { .a = 0 };

    (void)state;
    giver.copy = copy_nothing;
    taker.create = create_nothing;
    start(&p, &a, &b);
    assert_int_equal(ended(&p.b), COLO_END_FAILED);
    assert_int_equal(ended(&p.a), COLO_END_PEER);
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_guest_knows_comes_before_its_copy),
        cmocka_unit_test(a_copy_that_cant_be_leaves_the_domain_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
