/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The first copy in QEMU's dialect, as it comes in: the domain's configuration
 * out of a block of RAM, its pages and its state, handed on to the restore as
 * a plain stream of Xen's.
 */
#include "secondary_qemu.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"

/* The version in what the restore reads, which nothing depends on. */
#define XEN_MAJOR 4
#define XEN_MINOR 17

/* All is known by which it is decided whether a copy can be made: the head of
   what the restore reads. */
static int config_whole(struct colo_secondary *s, struct err *e)
{
    const char *json = (const char *)s->config.data + 4;
    size_t n = strnlen(json, s->config.size - 4);
    int rc;

    if (n == s->config.size - 4)
        return err_set(e, ERR_FORMAT, "a configuration without an end");
    put_le32(s->config.data, (uint32_t)n);
    s->words->whole = true;
    rc = sr_put_libxl_header(&s->feed, e);
    if (!rc)
        rc = sr_put_record(&s->feed, WIRE_LIBXL_LIBXC_CONTEXT, NULL, 0, e);
    if (!rc)
        rc = sr_put_libxc_header(&s->feed, WIRE_GUEST_HVM, XEN_MAJOR,
                                 XEN_MINOR, e);
    if (!rc)
        rc = sr_put_record(&s->feed, WIRE_LIBXC_STATIC_DATA_END, NULL, 0, e);
    if (!rc)
        secondary_post(s, ST_HEAD);
    return rc;
}

static int config_page(struct colo_secondary *s, const struct qf_page *p,
                       struct err *e)
{
    static const uint8_t zero[QEMU_PAGE_SIZE];
    int rc = s->config.size ? 0 : buf_append(&s->config, zero, 4, e);

    if (!rc && (s->words->whole || p->offset != s->config.size - 4))
        return err_set(e, ERR_FORMAT, "the configuration's pages are out of "
                       "order");
    if (!rc)
        rc = buf_append(&s->config, p->data ? p->data : zero, QEMU_PAGE_SIZE,
                        e);
    if (!rc && s->config.size - 4 ==
               s->words->blocks[QEMU_WIRE_CONFIG_NR].length)
        rc = config_whole(s, e);
    return rc;
}

int secondary_qemu_first_page(struct colo_secondary *s,
                              const struct qf_page *p, struct err *e)
{
    static const uint8_t zero[QEMU_PAGE_SIZE];
    uint64_t pfn = p->offset / QEMU_PAGE_SIZE;
    int rc;

    if (p->block == QEMU_WIRE_CONFIG_NR)
        return config_page(s, p, e);
    if (!s->words->whole)
        return err_set(e, ERR_FORMAT, "memory before the configuration");
    if (s->words->blocks[QEMU_WIRE_RAM_NR].length !=
        s->dom_ops->info(s->dom)->ram_pages * QEMU_PAGE_SIZE)
        return err_set(e, ERR_FORMAT, "the domain has %" PRIu64 " pages, and "
                       "its RAM here doesn't",
                       s->dom_ops->info(s->dom)->ram_pages);
    if (!s->feeding)
        return 0;    /* the restore has ended, and says why */
    rc = sr_put_page_data_head(&s->feed, &pfn, 1, e);
    return rc ? rc : buf_append(&s->feed, p->data ? p->data : zero,
                                QEMU_PAGE_SIZE, e);
}

static int feed_state(struct colo_secondary *s, struct err *e)
{
    const struct ckpt *c = &s->stage;
    int rc = sr_put_record(&s->feed, WIRE_LIBXC_X86_TSC_INFO, c->tsc.data,
                           c->tsc.size, e);

    if (!rc)
        rc = sr_put_record(&s->feed, WIRE_LIBXC_HVM_CONTEXT, c->context.data,
                           c->context.size, e);
    if (!rc)
        rc = sr_put_record(&s->feed, WIRE_LIBXC_HVM_PARAMS, c->params.data,
                           c->params.size, e);
    if (!rc)
        rc = sr_put_record(&s->feed, WIRE_LIBXC_END, NULL, 0, e);
    if (!rc && c->device.size)
        rc = sr_put_emulator_context(&s->feed, WIRE_EMULATOR_QEMU_UPSTREAM,
                                     c->device.data, c->device.size, e);
    return rc ? rc : sr_put_record(&s->feed, WIRE_LIBXL_END, NULL, 0, e);
}

void secondary_qemu_first_end(struct colo_secondary *s, uint64_t description)
{
    struct secondary_words *w = s->words;
    struct err e = { 0 };

    w->due = false;
    link_watch(&s->link, ENV_NEVER);
    if (!w->whole || !s->dom) {
        err_set(&e, ERR_FORMAT, "a first copy without memory");
        secondary_qemu_garbage(s, &e);
        return;
    }
    if (secondary_make_stage(s, &e)) {
        secondary_local_failed(s, &e);
        return;
    }
    ckpt_reset(&s->stage, 1);
    if (qemu_wire_get_state(&s->stage, w->state.data,
                            w->state.size - (size_t)description, &e)) {
        secondary_qemu_garbage(s, &e);
        return;
    }
    if (s->feeding && feed_state(s, &e)) {
        secondary_local_failed(s, &e);
        return;
    }
    buf_clear(&w->state);
    s->epochs = 1;
    secondary_post(s, ST_FIRST_END);
}
