/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Error codes and the error record that carries the reason up to whoever
 * reports it. Never allocates, never prints. Used by every layer.
 */
#ifndef XC_BASE_ERR_H
#define XC_BASE_ERR_H

enum err_code {
    ERR_OK = 0,
    ERR_BUG,          /* an internal contract was broken                    */
    ERR_IO,           /* a system call or a library call failed             */
    ERR_EOF,          /* the peer closed, or the file ended                 */
    ERR_FORMAT,       /* bytes that the format doesn't allow                */
    ERR_LIMIT,        /* a named maximum was passed                         */
    ERR_NOMEM,        /* memory is short; the message says how much         */
    ERR_TIMEOUT,      /* a bounded wait ran out                             */
    ERR_PERM,         /* not privileged                                     */
    ERR_UNSUPPORTED,  /* valid, but not here: the message says why          */
    ERR_NOTFOUND,     /* no such domain, file, host or session              */
    ERR_BUSY,         /* somebody else holds it                             */
    ERR_PEER,         /* the other side said no, or broke the protocol      */
    ERR_DOMAIN,       /* the guest or its device model refused              */
    ERR_USAGE,        /* the caller's words are off                         */
    ERR_AGAIN,        /* nothing now; the call is to be made again          */
};

#define ERR_MSG_SIZE 320

struct err {
    int code;                  /* enum err_code */
    char msg[ERR_MSG_SIZE];    /* one line, no newline, NUL-terminated */
};

/* Set @e (may be NULL) to @code and a message; returns @code. */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * As err_set(), with ": " and the text of errno value @errnum appended.
 * EPERM and EACCES turn @code into ERR_PERM, ENOMEM into ERR_NOMEM.
 */
int err_sys(struct err *e, int code, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "prefix: " before the message of @e; returns its code, unchanged. */
int err_wrap(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);

/* Short stable name of a code, e.g. "timeout"; "unknown" out of range. */
const char *err_name(int code);

#endif
