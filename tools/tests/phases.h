/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The pictures of a machine, one for each phase of life. Called by tables.c.
 */
#ifndef XC_TESTS_PHASES_H
#define XC_TESTS_PHASES_H

#include <stdio.h>

#include "machine.h"

/* A picture: the phase's name ("" when a machine has one picture only) and
   what it shows. */
struct picture {
    const char *phase, *shows;
};

/* The pictures of @m in the order of life; the last has phase NULL. */
const struct picture *pictures_of(const struct machine *m);

/*
 * 0 when every arrow of @m is in a picture, every picture has one, and every
 * state that a picture's rows name exists; else ERR_BUG.
 */
int phases_check(const struct machine *m, struct err *e);

/* Write the picture of @phase in Graphviz's language. */
void phase_dot(FILE *f, const struct machine *m, const char *phase);

#endif
