/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Generation numbers: each session of a domain has one, greater than those
 * before it, and a receiver refuses one that it has seen passed.
 */
#ifndef XC_IO_GENERATION_H
#define XC_IO_GENERATION_H

#include <stdint.h>

#include "err.h"

/* A number for a new session, from the wall clock. */
uint64_t generation_new(void);
/* Remember @generation of the domain in DIR/UUID; ERR_PEER when an equal or
   later one was seen. @dir NULL: nothing is remembered. */
int generation_accept(const char *dir, const uint8_t uuid[16],
                      uint64_t generation, struct err *e);

#endif
