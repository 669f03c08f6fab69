/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A small poll loop that serves line-based TCP clients, shared by the two
 * programs in the lab's guests.  Replies are queued without limit on time but
 * with a limit on size; a client that stops reading is dropped.
 */
#ifndef LAB_LINE_H
#define LAB_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_OCTETS 65536
#define LINE_MAX_CLIENTS 256
#define LINE_MAX_QUEUE (8u << 20)

struct line_client {
    int fd;
    int service; /* which of the ports it came in by */
    char in[LINE_MAX_OCTETS];
    size_t in_length;
    char *out;
    size_t out_length;
    size_t out_size;
    bool closing; /* after the queue is sent */
};

/* Called for each complete line, without its end. */
typedef void line_handler(struct line_client *c, char *line);

/* Queues formatted text for the client. */
void line_reply(struct line_client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Listens on the ports (zero-terminated) and never returns. */
void line_serve(const int *ports, line_handler *handler);

#endif
