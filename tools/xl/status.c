/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl colo-status`: what is protected by and on this host, as a table or as
 * JSON. Only reads.
 */
#include <stdio.h>
#include <string.h>

#include "sessions.h"
#include "xl.h"

#define CMD "colo-status"

static const struct column {
    const char *title, *key;
    bool right;
} columns[] = {
    { "Name", NULL, false },
    { "ID", "domid", true },
    { "Role", "role", false },
    { "State", "state", false },
    { "Domain", "run_state", false },
    { "Peer", "peer", false },
    { "Epoch", "epoch", true },
    { "Every ms", "interval_ms", true },
    { "Pause ms", "pause_ms", true },
    { "Pages", "pages", true },
    { "Delay ms", "output_delay_ms", true },
    { "p99 ms", "output_delay_p99_ms", true },
    { "Set by", "output_delay_set_by", false },
    { "Heard ms", "heard_ms", true },
    { "Held", "held_packets", true },
    { "Output", "output", false },
};
#define COLUMNS_NR (sizeof(columns) / sizeof(columns[0]))

static const char *cell(const struct seen *s, const struct column *c)
{
    const char *text;

    if (!c->key)
        return s->name;
    text = seen_text(s, c->key);
    if (!s->tree && !strcmp(c->key, "state"))
        return "no-answer";
    return text[0] ? text : "-";
}

static void print_row(const struct seen *s, const int *widths)
{
    for (size_t i = 0; i < COLUMNS_NR; i++) {
        const struct column *c = &columns[i];
        const char *text = s ? cell(s, c) : c->title;
        const char *gap = i ? "  " : "";

        if (c->right)
            printf("%s%*s", gap, widths[i], text);
        else if (i + 1 < COLUMNS_NR)
            printf("%s%-*s", gap, widths[i], text);
        else
            printf("%s%s", gap, text);
    }
    printf("\n");
}

static void print_table(const struct seen *s, size_t nr)
{
    int widths[COLUMNS_NR];

    for (size_t i = 0; i < COLUMNS_NR; i++) {
        widths[i] = (int)strlen(columns[i].title);
        for (size_t j = 0; j < nr; j++) {
            int w = (int)strlen(cell(&s[j], &columns[i]));

            widths[i] = w > widths[i] ? w : widths[i];
        }
    }
    print_row(NULL, widths);
    for (size_t j = 0; j < nr; j++)
        print_row(&s[j], widths);
    for (size_t j = 0; j < nr; j++) {
        const char *wish = seen_text(&s[j], "needs_user");

        if (wish[0])
            printf("\n%s needs you: %s\n", s[j].name, wish);
    }
}

/* A session that doesn't answer is an object with nothing but that. The name
   is written by yajl's rules for the characters that JSON reserves. */
static void print_mute(const char *name)
{
    printf("{\"name\":\"");
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    printf("\",\"state\":\"no-answer\"}");
}

static void print_json(const struct seen *s, size_t nr)
{
    printf("[");
    for (size_t i = 0; i < nr; i++) {
        printf("%s\n", i ? "," : "");
        if (s[i].json)
            printf("%s", s[i].json);
        else
            print_mute(s[i].name);
    }
    printf("%s]\n", nr ? "\n" : "");
}

static int show_one(struct xl *x, const char *who, bool json)
{
    struct err e = { 0 };
    struct seen s;

    if (sessions_find(x, who, &s, &e))
        return xl_fail(CMD, who, &e);
    if (json)
        print_json(&s, 1);
    else
        print_table(&s, 1);
    seen_dispose(&s);
    return EXIT_SUCCESS;
}

static int show_all(struct xl *x, bool json)
{
    struct err e = { 0 };
    struct seen_list l;

    if (sessions_all(x, &l, &e))
        return xl_fail(CMD, NULL, &e);
    if (json)
        print_json(l.s, l.nr);
    else if (l.nr)
        print_table(l.s, l.nr);
    else
        printf("No domain is protected by or on this host.\n");
    sessions_dispose(&l);
    return EXIT_SUCCESS;
}

int cmd_status(struct xl *x, int argc, char **argv)
{
    static const struct option longs[] = {
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct err e = { 0 };
    bool json = false;
    int opt;

    while ((opt = command_getopt(argc, argv, ":jh", longs, 0, 1)) != -1) {
        if (opt != 'j')
            return command_exit(opt);
        json = true;
    }
    if (sessions_ready(x, &e))
        return xl_fail(CMD, NULL, &e);
    return optind < argc ? show_one(x, argv[optind], json)
                         : show_all(x, json);
}
