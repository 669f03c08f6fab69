/* SPDX-License-Identifier: LGPL-2.1-only */
/* Lists the records of a migration stream: list_records <STREAM. Built with
   cc list_records.c $(pkg-config --cflags --libs xencolo) */
#include <inttypes.h>
#include <stdio.h>

#include "checker.h"
#include "names.h"

static void on_item(void *ctx, const struct sr_item *item)
{
    (void)ctx;
    if (item->kind == SR_RECORD)
        printf("%10" PRIu64 "  %-5s  %-24s %10" PRIu32 "\n",
               item->record_offset, wire_layer_name(item->layer),
               wire_record_name(item->layer, item->type),
               item->body_length);
}

int main(void)
{
    struct sr_checker_conf conf = { .item = on_item };
    struct sr_checker *c = sr_checker_new(&conf);
    static uint8_t data[65536];
    struct err e = { 0 };
    const char *note;
    int rc = c ? 0 : ERR_NOMEM;
    size_t n;

    while (!rc && (n = fread(data, 1, sizeof(data), stdin)) > 0)
        rc = sr_checker_feed(c, data, n, &e);
    if (!rc)
        rc = sr_checker_finish(c, false, &note, &e);
    if (rc)
        fprintf(stderr, "%s\n", e.msg);
    else if (note)
        fprintf(stderr, "%s\n", note);
    sr_checker_free(c);
    return rc != 0;
}
