/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The follower on bad streams: each rule is broken, and the fault names it and
 * the place, however the stream comes in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qemu_faults.h"

/*
 * The stream of everything, with the @n octets of @value put @plus behind
 * @spot; the fault is @fault_plus behind it.
 */
static const struct bad {
    enum qf_rule rule;
    enum spot spot;
    size_t plus, n;
    uint64_t value;
    size_t fault_plus;
} bads[] = {
    { QF_RULE_MAGIC, AT_HEADER, 0, 1, 0, 0 },
    { QF_RULE_MAGIC, AT_HEADER, 3, 1, 'N', 0 },
    { QF_RULE_VERSION, AT_HEADER, 4, 4, 2, 4 },
    { QF_RULE_VERSION, AT_HEADER, 4, 4, 4, 4 },
    { QF_RULE_SECTION, AT_CONFIGURATION, 0, 1, 0x33, 0 },
    { QF_RULE_SECTION, AT_CONFIGURATION, 0, 1, QEMU_SECTION_FOOTER, 0 },
    { QF_RULE_SECTION, AT_CONFIGURATION, 0, 1, QEMU_SECTION_EOF, 0 },
    { QF_RULE_SECTION, AT_CONFIGURATION, 0, 1, QEMU_SECTION_SUBSECTION, 0 },
    { QF_RULE_SECTION, AT_CONFIGURATION, 0, 1, QEMU_SECTION_PART, 0 },
    { QF_RULE_SECTION, AT_CONFIGURATION, 0, 1, QEMU_SECTION_END, 0 },
    { QF_RULE_SECTION, AT_PAGE_BITS, 0, 1, QEMU_SECTION_CONFIGURATION, 0 },
    { QF_RULE_SECTION, AT_PING, 0, 1, QEMU_SECTION_SUBSECTION, 0 },
    { QF_RULE_SECTION, AT_PING, 0, 1, QEMU_SECTION_CONFIGURATION, 0 },
    { QF_RULE_SECTION, AT_PART, 0, 1, QEMU_SECTION_VMDESCRIPTION, 0 },
    { QF_RULE_SECTION, AT_PART, 0, 1, QEMU_SECTION_START, 0 },
    { QF_RULE_SECTION, AT_PART, 0, 1, QEMU_SECTION_EOF, 0 },
    { QF_RULE_SECTION, AT_DEVICE, 0, 1, QEMU_SECTION_END, 0 },
    { QF_RULE_SECTION, AT_DEVICE, 0, 1, QEMU_SECTION_PART, 0 },
    { QF_RULE_SECTION, AT_DEVICE, 0, 1, QEMU_SECTION_VMDESCRIPTION, 0 },
    { QF_RULE_SECTION, AT_RAM, 0, 1, QEMU_SECTION_START, 0 },
    { QF_RULE_SECTION, AT_RAM, 0, 1, QEMU_SECTION_FULL, 0 },
    { QF_RULE_SECTION, AT_RAM, 0, 1, QEMU_SECTION_CONFIGURATION, 0 },
    { QF_RULE_SECTION, AT_RAM_EOF, 0, 1, QEMU_SECTION_FOOTER, 0 },
    { QF_RULE_MACHINE, AT_CONFIGURATION, 1, 4, 0, 1 },
    { QF_RULE_MACHINE, AT_CONFIGURATION, 1, 4, 256, 1 },
    { QF_RULE_MACHINE, AT_CONFIGURATION, 1, 4, 0xffffffff, 1 },
    { QF_RULE_SUBSECTION, AT_UUID, 2, 1, 'C', 2 },
    { QF_RULE_SUBSECTION, AT_UUID, 1, 1, 17, 2 },
    { QF_RULE_SUBSECTION, AT_UUID, 20, 4, 2, 2 },
    { QF_RULE_SUBSECTION, AT_CAPABILITIES, 28, 4, 0, 2 },
    { QF_RULE_PAGE_BITS, AT_PAGE_BITS, 36, 4, 13, 36 },
    { QF_RULE_CAPABILITIES, AT_CAPABILITIES, 32, 4, 65, 32 },
    { QF_RULE_CAPABILITIES, AT_CAPABILITIES, 32, 4, 0xffffffff, 32 },
    { QF_RULE_COMMAND, AT_OPEN, 1, 2, 0, 1 },
    { QF_RULE_COMMAND, AT_OPEN, 1, 2, 12, 1 },
    { QF_RULE_COMMAND, AT_OPEN, 1, 2, 0xffff, 1 },
    { QF_RULE_COMMAND_LENGTH, AT_OPEN, 3, 2, 1, 3 },
    { QF_RULE_COMMAND_LENGTH, AT_PING, 3, 2, 3, 3 },
    { QF_RULE_COMMAND_LENGTH, AT_SWITCHOVER, 3, 2, 0xffff, 3 },
    { QF_RULE_COMMAND_PLACE, AT_RAM_COMMAND, 1, 2, 8, 1 },
    { QF_RULE_POSTCOPY, AT_OPEN, 1, 2, 3, 1 },
    { QF_RULE_POSTCOPY, AT_OPEN, 1, 2, 5, 1 },
    { QF_RULE_POSTCOPY, AT_OPEN, 1, 2, 7, 1 },
    { QF_RULE_POSTCOPY, AT_OPEN, 1, 2, 10, 1 },
    { QF_RULE_PARTS, AT_START, 6, 1, 'R', 6 },
    { QF_RULE_PARTS, AT_START, 5, 1, 4, 6 },
    { QF_RULE_PARTS, AT_START, 9, 4, 1, 6 },
    { QF_RULE_PARTS, AT_START, 13, 4, 3, 6 },
    { QF_RULE_SECTION_ID, AT_PART, 1, 4, 3, 1 },
    { QF_RULE_SECTION_ID, AT_END, 1, 4, 0x02000000, 1 },
    { QF_RULE_SECTION_ID, AT_RAM, 1, 4, 1, 1 },
    { QF_RULE_SECTION_ID, AT_PART_EOS, 9, 4, 3, 9 },
    { QF_RULE_FOOTER, AT_PART_EOS, 8, 1, 3, 8 },
    { QF_RULE_FOOTER, AT_RAM_EOS, 8, 1, 0, 8 },
    { QF_RULE_EARLY, AT_START, 0, 1, QEMU_SECTION_FULL, 0 },
    { QF_RULE_EARLY, AT_END, 0, 1, QEMU_SECTION_FULL, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, 0, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, QEMU_RAM_CONTINUE, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, 0x001, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, 0x400, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, 0x800, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, QEMU_RAM_ZERO | QEMU_RAM_PAGE, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, QEMU_RAM_ZERO | QEMU_RAM_EOS, 0 },
    { QF_RULE_FLAGS, AT_ZERO, 0, 8, QEMU_RAM_ZERO | 0x800, 0 },
    { QF_RULE_FLAGS, AT_PART_EOS, 0, 8, QEMU_RAM_EOS | QEMU_RAM_CONTINUE, 0 },
    { QF_RULE_FLAGS, AT_PART_EOS, 0, 8, QEMU_RAM_EOS | 0x1000, 0 },
    { QF_RULE_FLAGS, AT_PART_EOS, 0, 8, QEMU_RAM_FLUSH | 0x1000, 0 },
    { QF_RULE_FLAGS, AT_LIST, 0, 8, 0x5024, 0 },
    { QF_RULE_HOOK, AT_PART_EOS, 0, 8, QEMU_RAM_HOOK, 0 },
    { QF_RULE_CONTINUE, AT_ZERO, 0, 8, 0x22, 0 },
    { QF_RULE_BLOCK, AT_ZERO, 8, 1, 0, 8 },
    { QF_RULE_BLOCK, AT_ZERO, 8, 1, 5, 9 },
    { QF_RULE_BLOCK, AT_OTHER_BLOCK, 14, 1, 'x', 9 },
    { QF_RULE_OFFSET, AT_ZERO, 0, 8, 0x4002, 0 },
    { QF_RULE_OFFSET, AT_OTHER_BLOCK, 0, 8, 0x1002, 0 },
    { QF_RULE_OFFSET, AT_PAGE, 0, 8, 0xfffffffffffff028, 0 },
    { QF_RULE_ZERO, AT_ZERO, 15, 1, 1, 15 },
    { QF_RULE_XBZRLE, AT_XBZRLE, 8, 1, 0, 8 },
    { QF_RULE_XBZRLE, AT_XBZRLE, 9, 2, 4097, 8 },
    { QF_RULE_COMPRESS, AT_COMPRESS, 8, 4, 0, 8 },
    { QF_RULE_COMPRESS, AT_COMPRESS, 8, 4, 4111, 8 },
    { QF_RULE_COMPRESS, AT_COMPRESS, 8, 4, 0xffffffff, 8 },
    { QF_RULE_LIST, AT_ZERO, 0, 8, 0x1004, 0 },
    { QF_RULE_LIST, AT_LIST, 54, 8, 0x1004, 54 },
    { QF_RULE_LIST_NAME, AT_LIST, 8, 1, 0, 8 },
    { QF_RULE_LIST_NAME, AT_LIST, 32, 6, 0x70632e72616d, 32 },
    { QF_RULE_LIST_LENGTH, AT_LIST, 15, 8, 0x4001, 15 },
    { QF_RULE_LIST_LENGTH, AT_LIST, 15, 8, 0x6000, 15 },
    { QF_RULE_LIST_LENGTH, AT_LIST, 38, 8, 0x2000, 38 },
    { QF_RULE_LIST_LENGTH, AT_LIST, 15, 8, 0xfffffffffffff000, 15 },
    { QF_RULE_MESSAGE, AT_REQUEST, 0, 4, 7, 0 },
    { QF_RULE_MESSAGE, AT_REQUEST, 0, 4, 0x01000000, 0 },
    { QF_RULE_MESSAGE, AT_SIZE, 0, 4, 0xffffffff, 0 },
    { QF_RULE_TURN, AT_REQUEST, 0, 4, QEMU_VMSTATE_SEND, 0 },
    { QF_RULE_TURN, AT_REQUEST, 0, 4, QEMU_CHECKPOINT_REPLY, 0 },
    { QF_RULE_TURN, AT_SEND, 0, 4, QEMU_CHECKPOINT_REQUEST, 0 },
    { QF_RULE_TURN, AT_SIZE, 0, 4, QEMU_VMSTATE_SEND, 0 },
    { QF_RULE_VMSTATE, AT_SIZE, 4, 8, 1ull << 50, 4 },
    { QF_RULE_VMSTATE, AT_SIZE, 4, 8, UINT64_MAX, 4 },
    { QF_RULE_VMSTATE, AT_SIZE, 4, 8, (512ull << 20) + 1, 4 },
};

static void each_rule_names_itself_and_the_place(void **state)
{
    static struct world w;
    uint8_t octets[8];
    struct buf *b = &w.pair.forward;

    (void)state;
    for (size_t i = 0; i < NR(bads); i++) {
        world_init(&w);
        put_be64(octets, bads[i].value);
        memcpy(b->data + w.at[bads[i].spot] + bads[i].plus,
               octets + 8 - bads[i].n, bads[i].n);
        assert_fault(&w.pair, QF_FORWARD, bads[i].rule,
                     w.at[bads[i].spot] + bads[i].fault_plus);
        pair_dispose(&w.pair);
    }
}

static void what_comes_back_has_rules_of_its_own(void **state)
{
    static const struct {
        enum qf_rule rule;
        size_t at;
        uint32_t value;
    } backs[] = {
        { QF_RULE_MESSAGE, 0, 7 },
        { QF_RULE_MESSAGE, 8, 0x00080000 },
        { QF_RULE_MESSAGE, 12, 0x80000000 },
        { QF_RULE_TURN, 0, QEMU_CHECKPOINT_REPLY },
        { QF_RULE_TURN, 4, QEMU_CHECKPOINT_READY },
        { QF_RULE_TURN, 4, QEMU_VMSTATE_RECEIVED },
        { QF_RULE_TURN, 8, QEMU_VMSTATE_LOADED },
        { QF_RULE_TURN, 12, QEMU_CHECKPOINT_REPLY },
        { QF_RULE_TURN, 16, QEMU_VMSTATE_LOADED },
        { QF_RULE_TURN, 16, QEMU_VMSTATE_SEND },
        { QF_RULE_RETURN_PATH, 0, 0x00020004 },     /* PONG */
        { QF_RULE_RETURN_PATH, 4, 0x00010004 },     /* SHUT */
        { QF_RULE_RETURN_PATH, 16, 0x00070000 },
    };
    static struct world w;

    (void)state;
    for (size_t i = 0; i < NR(backs); i++) {
        world_init(&w);
        put_be32(w.pair.back.data + backs[i].at, backs[i].value);
        assert_fault(&w.pair, QF_BACK, backs[i].rule, backs[i].at);
        pair_dispose(&w.pair);
    }
}

static void lines_say_what_is_there_instead(void **state)
{
    static struct world w;
    struct followed o;

    (void)state;
    world_init(&w);
    put_be32(w.pair.back.data + 4, 0x00010004);
    o = follow(&w.pair, SIZE_MAX, 0, NULL);
    assert_string_equal(o.e.msg, "back: offset 4: broken rule: the capability "
                        "return-path is off: its framing would share the way "
                        "back; this is its message 1 of 4 octets "
                        "[qemu-return-path]");
    memcpy(w.pair.forward.data + w.at[AT_ZERO] + 9, "\n\x1f ~\x7f\xff", 6);
    o = follow(&w.pair, SIZE_MAX, 0, NULL);
    assert_non_null(strstr(o.e.msg, "block is in the list; ?? ~?? isn't ["));
    pair_dispose(&w.pair);
}

/* A long name is cut short, in the line. */
static void lines_stay_short(void **state)
{
    static struct world w;
    struct pair p = { 0 };
    struct followed o;

    (void)state;
    world_init(&w);
    buf_init(&p.forward, 0);
    put(&p.forward, w.pair.forward.data, w.at[AT_START] + 5);
    put_n(&p.forward, 255, 1);
    for (int i = 0; i < 263; i++)
        put_n(&p.forward, 'a', 1);
    p.precopy = p.forward.size;
    o = follow(&p, SIZE_MAX, 0, NULL);
    assert_int_equal(o.rule, QF_RULE_PARTS);
    assert_non_null(strstr(o.e.msg, "this is aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                           "aaaaaaaa..., 1633771873, 1633771873 ["));
    buf_dispose(&p.forward);
    pair_dispose(&w.pair);
}

/* @blocks names of @n octets each, of no length but for the last. */
static void many_blocks(struct world *w, struct pair *p, uint32_t blocks,
                        size_t n)
{
    memset(p, 0, sizeof(*p));
    buf_init(&p->forward, 0);
    put(&p->forward, w->pair.forward.data, w->at[AT_CAPABILITIES]);
    put(&p->forward, w->pair.forward.data + w->at[AT_START], 17);
    put_n(&p->forward, 0x1004, 8);
    for (uint32_t i = 1; i <= blocks; i++) {
        put_n(&p->forward, n, 1);
        for (size_t k = 4; k < n; k++)
            put_n(&p->forward, 'b', 1);
        put_n(&p->forward, i, 4);
        put_n(&p->forward, i == blocks ? 0x1000 : 0, 8);
    }
    p->precopy = p->forward.size;
}

static void list_of_blocks_is_limited(void **state)
{
    static struct world w;
    struct followed o;
    struct pair p;

    (void)state;
    world_init(&w);
    many_blocks(&w, &p, QEMU_BLOCKS_MAX, 32);
    o = follow(&p, SIZE_MAX, 0, NULL);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.tally.blocks, QEMU_BLOCKS_MAX);
    buf_dispose(&p.forward);
    many_blocks(&w, &p, QEMU_BLOCKS_MAX + 1, 4);
    assert_fault(&p, QF_FORWARD, QF_RULE_LIST_LIMIT, p.precopy - 13);
    buf_dispose(&p.forward);
    many_blocks(&w, &p, 129, 255);    /* 128 have 128 octets less than all */
    assert_fault(&p, QF_FORWARD, QF_RULE_LIST_LIMIT, p.precopy - 264);
    buf_dispose(&p.forward);
    pair_dispose(&w.pair);
}

static void precopy_has_to_be_explained(void **state)
{
    static struct world w;
    struct pair p;

    (void)state;
    world_init(&w);
    for (size_t n = 0; n < w.pair.precopy; n++) {
        p = w.pair;
        p.precopy = p.forward.size = n;
        if (n == w.at[AT_DESCRIPTION])    /* EOF: may be the end */
            continue;
        assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, n);
    }
    /* One octet more, the description's length one too much, no '}'. */
    p = w.pair;
    p.precopy++;
    assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, p.precopy);
    p.precopy--;
    w.pair.forward.data[w.at[AT_DESCRIPTION] + 4]++;
    assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, p.precopy);
    w.pair.forward.data[w.at[AT_DESCRIPTION] + 4]--;
    w.pair.forward.data[p.precopy - 1] = ']';
    assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, p.precopy);
    w.pair.forward.data[p.precopy - 1] = '}';
    w.pair.forward.data[w.at[AT_DESCRIPTION] + 9] = 0x7f;
    assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, p.precopy);
    w.pair.forward.data[w.at[AT_DESCRIPTION] + 9] = 'p';
    w.pair.forward.data[w.at[AT_DESCRIPTION] + 5] = '[';
    assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, p.precopy);
    w.pair.forward.data[w.at[AT_DESCRIPTION] + 5] = '{';
    w.pair.forward.data[w.at[AT_DESCRIPTION] + 1] = 1;    /* 16 MiB */
    assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, p.precopy);
    /* Without a footer in front of it, EOF is a zero like any other. */
    p.precopy = p.forward.size = w.at[AT_DESCRIPTION];
    w.pair.forward.data[p.precopy - 6]++;
    assert_fault(&p, QF_FORWARD, QF_RULE_PRECOPY_END, p.precopy);
    pair_dispose(&w.pair);
}

static void failure_is_final_both_ways(void **state)
{
    struct qemu_follower *f = qf_new(NULL);
    struct err e, again;

    (void)state;
    assert_non_null(f);
    assert_null(qf_fault(f));
    assert_int_equal(qf_back(f, (const uint8_t *)"\0\0\0\x09", 4, &e),
                     ERR_FORMAT);
    assert_int_equal(qf_forward(f, (const uint8_t *)"Q", 1, &again),
                     ERR_FORMAT);
    assert_string_equal(e.msg, again.msg);
    assert_int_equal(qf_back(f, NULL, 0, NULL), ERR_FORMAT);
    assert_int_equal(qf_where(f, QF_FORWARD).offset, 0);
    assert_int_equal(qf_where(f, QF_BACK).offset, 4);
    assert_int_equal(qf_fault(f)->rule, QF_RULE_MESSAGE);
    qf_free(f);
    qf_free(NULL);
}

/* The last test: no rule without a stream that breaks it. */
static void every_rule_was_broken(void **state)
{
    (void)state;
    for (int i = QF_RULE_NONE + 1; i < QF_RULES_NR; i++)
        if (!broken[i])
            fail_msg("nothing breaks %s", ids[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_names_itself_and_the_place),
        cmocka_unit_test(what_comes_back_has_rules_of_its_own),
        cmocka_unit_test(lines_say_what_is_there_instead),
        cmocka_unit_test(lines_stay_short),
        cmocka_unit_test(list_of_blocks_is_limited),
        cmocka_unit_test(precopy_has_to_be_explained),
        cmocka_unit_test(failure_is_final_both_ways),
        cmocka_unit_test(every_rule_was_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
