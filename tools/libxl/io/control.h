/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Where a session's status socket is. Called by both of its ends.
 */
#ifndef XC_IO_CONTROL_H
#define XC_IO_CONTROL_H

#include <sys/un.h>

#include "err.h"
#include "role.h"

/* RUN_DIR/NAME.sock; ERR_USAGE when it is too long or NAME has a '/'. */
int control_address(const char *run_dir, const char *name,
                    struct sockaddr_un *a_r, struct err *e);
/* One JSON object, malloc'ed; NULL when memory is short. */
char *status_json(const struct colo_status *st);

#endif
