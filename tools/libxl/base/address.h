/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Addresses as QEMU writes them, tcp:HOST:PORT and unix:PATH, and the sockets
 * that belong to them. Waits for the network; passes nothing. Called by who
 * stands between or beside QEMUs, before it begins.
 */
#ifndef XC_BASE_ADDRESS_H
#define XC_BASE_ADDRESS_H

#include <stdbool.h>

#include "err.h"

#define ADDRESS_SIZE 160

/* ERR_USAGE unless @text is of one of the two forms. HOST may be in brackets,
   or empty: any of this host's, or itself; PORT is a number. */
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

/* Within @wait_ms, to each address that the name has; 0: as long as the kernel
   tries. ERR_USAGE, ERR_NOTFOUND, ERR_TIMEOUT, ERR_IO. */
int address_connect(const char *text, unsigned int wait_ms, int *fd_r,
                    struct err *e);

bool address_is_tcp(const char *text);

/* Octets leave at once, and their arrival is told at once; of a unix socket
   nothing has to be asked. */
void address_no_delay(int fd);
void address_acknowledge(int fd);

#endif
