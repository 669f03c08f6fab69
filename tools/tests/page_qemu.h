/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What is written by hand of the page about QEMU's COLO protocol; the tables
 * between the two parts are generated. Called by tables.c.
 */
#ifndef XC_TESTS_PAGE_QEMU_H
#define XC_TESTS_PAGE_QEMU_H

#include <stdio.h>

/* Title, messages, wire, and what the tables decide. */
void qemu_page_begin(FILE *f);

/* Each failure beside what a real QEMU does. */
void qemu_page_end(FILE *f);

#endif
