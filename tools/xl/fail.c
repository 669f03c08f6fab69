/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How a command says that it failed: one line on stderr and the right exit
 * code. Called by every command, once, where the error ends up.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "backends.h"
#include "xl.h"

static void line(const char *command, const char *subject, const char *kind,
                 const char *text)
{
    fflush(stdout);
    fprintf(stderr, "xl%s%s: %s%s%s%s\n", command ? " " : "",
            command ? command : "", subject ? subject : "",
            subject ? ": " : "", kind, text);
}

int xl_fail(const char *command, const char *subject, const struct err *e)
{
    line(command, subject, "", e->msg[0] ? e->msg : err_name(e->code));
    return e->code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILURE;
}

int xl_usage(const char *command, const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    line(command, NULL, "", text);
    return EXIT_USAGE;
}

void xl_warn(const char *command, const char *subject, const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    line(command, subject, "warning: ", text);
}

int xl_privilege(const struct xl *x, struct err *e)
{
    if (!x->backend->needs_root || geteuid() == 0)
        return 0;
    return err_set(e, ERR_PERM, "not privileged: domains are root's to "
                   "control (run it as root)");
}
