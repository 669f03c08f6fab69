/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the other host's command says on its standard error: handed on to ours
 * at once, and its last line kept for the one line that tells why a
 * protection ended. Called by protect.c.
 */
#ifndef XL_WORDS_H
#define XL_WORDS_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

#define WORDS_LINE_MAX 160    /* what is longer keeps its beginning */

struct words {
    int fd;       /* for the command's stderr; -1: none */
    pid_t pid;    /* hands on until nobody has @fd any more, also when this
                     process is dead: a receiver that takes over still has
                     its say; 0: none */
    struct words_said *said;
};

/*
 * To be called before there is anything that a child shouldn't inherit.
 * Without it (ERR_IO, ERR_NOMEM) the command's stderr may be ours.
 */
int words_open(struct words *w, struct err *e);
/* The command has @fd now. */
void words_given(struct words *w);
/*
 * Once the command has ended: its last line of the last minute, printable,
 * without double quotes; "" when there is none. Waits for what is still in
 * the pipe, a second at most.
 */
void words_last(struct words *w, char text[WORDS_LINE_MAX]);
void words_dispose(struct words *w);

#endif
