/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Addresses as QEMU writes them, tcp:HOST:PORT and unix:PATH, and the sockets
 * that belong to them. Waits for the network; passes nothing. Called by the
 * proxy before it begins.
 */
#ifndef XL_TRACE_ADDRESS_H
#define XL_TRACE_ADDRESS_H

#include <stdbool.h>

#include "err.h"

#define ADDRESS_SIZE 160

/* ERR_USAGE unless @text is of one of the two forms. */
int address_check(const char *text, struct err *e);

/*
 * A socket that listens at @text; a socket file there that nobody listens at
 * is replaced. @shown: the address as it came out, with the port that the
 * kernel chose if it is 0. ERR_USAGE, ERR_NOTFOUND, ERR_IO.
 */
int address_listen(const char *text, int *fd_r, char shown[ADDRESS_SIZE],
                   struct err *e);

/* One connection; then nobody can connect any more. @fd is closed. */
int address_accept(const char *text, int fd, int *fd_r, struct err *e);

int address_connect(const char *text, int *fd_r, struct err *e);

/* Octets leave at once, and their arrival is told at once; of a unix socket
   nothing has to be asked. */
void address_no_delay(int fd);
void address_acknowledge(int fd);

#endif
