/* SPDX-License-Identifier: LGPL-2.1-only */
/* Lists a migration stream's records, with "back" a back channel's:
   list_records [back] <STREAM. Built with pkg-config's words for xencolo. */
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

int main(int argc, char **argv)
{
    struct sr_checker_conf conf = { .item = on_item };
    static uint8_t data[65536];
    struct sr_checker *c;
    struct err e = { .msg = "no memory" };
    const char *note;
    size_t n;
    int rc;

    conf.direction = argc > 1 && argv[1][0] == 'b' ? SR_BACK : SR_FORWARD;
    rc = (c = sr_checker_new(&conf)) ? 0 : ERR_NOMEM;
    while (!rc && (n = fread(data, 1, sizeof(data), stdin)) > 0)
        rc = sr_checker_feed(c, data, n, &e);
    if (!rc)
        rc = sr_checker_finish(c, false, &note, &e);
    if (rc)
        fprintf(stderr, "%s\n", e.msg);
    sr_checker_free(c);
    return rc != 0;
}
