/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A session's status as one JSON object.
 */
#include "control.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

static void text(yajl_gen g, const char *key, const char *value)
{
    yajl_gen_string(g, (const unsigned char *)key, strlen(key));
    yajl_gen_string(g, (const unsigned char *)value, strlen(value));
}

static void number(yajl_gen g, const char *key, uint64_t value)
{
    yajl_gen_string(g, (const unsigned char *)key, strlen(key));
    yajl_gen_integer(g, (long long)value);
}

static void millis(yajl_gen g, const char *key, uint64_t ns)
{
    char value[40];
    int n = snprintf(value, sizeof(value), "%.3f", (double)ns / 1e6);

    yajl_gen_string(g, (const unsigned char *)key, strlen(key));
    yajl_gen_number(g, value, (size_t)n);
}

char *status_json(const struct colo_status *st)
{
    yajl_gen g = yajl_gen_alloc(NULL);
    char generation[24], *copy = NULL;
    const unsigned char *out;
    size_t n;

    if (!g)
        return NULL;
    snprintf(generation, sizeof(generation), "%" PRIu64, st->generation);
    yajl_gen_map_open(g);
    text(g, "name", st->name);
    number(g, "domid", st->domid);
    text(g, "role", st->role);
    text(g, "state", st->state);
    text(g, "mode", st->mode);
    text(g, "peer", st->peer);
    number(g, "epoch", st->epoch);
    text(g, "generation", generation);
    number(g, "interval_ms", st->interval_ms);
    number(g, "pages", st->pages);
    number(g, "bytes", st->bytes);
    millis(g, "pause_ms", st->pause_ns);
    millis(g, "send_ms", st->send_ns);
    millis(g, "ready_ms", st->ready_ns);
    millis(g, "output_delay_ms", st->delay.median_ns);
    millis(g, "output_delay_p99_ms", st->delay.p99_ns);
    text(g, "output_delay_set_by", st->delay.set_by ? st->delay.set_by : "");
    text(g, "run_state", st->run_state);
    text(g, "paused", st->paused);
    text(g, "output", st->output);
    number(g, "held_packets", st->held_packets);
    number(g, "held_bytes", st->held_bytes);
    number(g, "verify_passes", st->verify_passes);
    number(g, "unlogged_pages", st->unlogged);
    number(g, "heard_ms", st->heard_ms);
    number(g, "heard_max_ms", st->heard_max_ms);
    number(g, "since_s", st->since_s);
    text(g, "needs_user", st->needs_user);
    yajl_gen_map_close(g);
    if (yajl_gen_get_buf(g, &out, &n) == yajl_gen_status_ok)
        copy = strndup((const char *)out, n);
    yajl_gen_free(g);
    return copy;
}
