/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Protecting a domain from this host: checks, transport, session, and the
 * domain's care afterwards. Called by `xl remus` and `xl migrate --colo`.
 */
#ifndef XL_PROTECT_H
#define XL_PROTECT_H

#include <stdbool.h>

#include "session.h"
#include "xl.h"

/* What the command line asks for; texts belong to the caller. */
struct protect {
    const char *command;        /* "remus", "migrate" */
    const char *domain, *host;
    const char *ssh;
    const char *peer;           /* what the other host's fence calls us */
    const char *json_epochs;    /* NULL: none */
    const char *ignored;        /* an option without effect */
    const char *refused;        /* why an option can't be had */
    bool stay;                  /* -e, for the other host */
    bool unsafe;                /* -F */
    struct given given;
    struct colo_params params;
};

/* Show what protect_run() would run; returns the exit code. */
int protect_show(struct xl *x, const struct protect *p);
int protect_run(struct xl *x, const struct protect *p);

#endif
