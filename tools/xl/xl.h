/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the front end's parts share: the global options, the command table,
 * the settings, and the two ways in which a command fails. Everything here
 * is called from main() downwards; no library calls back into it but through
 * the sinks in out.h and news.h.
 */
#ifndef XL_XL_H
#define XL_XL_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "domain.h"
#include "err.h"
#include "session.h"

/* Stock xl leaves with 2 when it doesn't understand the command line. */
#define EXIT_USAGE 2

/* As many -v as stock xl has levels below its default. */
#define XL_VERBOSE_MAX 4

struct backend;

/* Settings of xl.conf and the environment; 0 and NULL: not set there. */
struct xl_conf {
    char *fence;
    unsigned int lease_s;      /* instead of that command */
    char *run_dir;
    char *state_dir;
    char *log_dir;
    unsigned int heartbeat_ms;
    unsigned int silence_ms;
    unsigned int interval_ms;
    enum colo_takeover takeover;
};

struct xl {
    int argc;                  /* the command line as it came */
    char **argv;
    unsigned int verbose;      /* how many -v, at most XL_VERBOSE_MAX */
    bool dryrun;               /* -N */
    bool force;                /* -f */
    bool timestamps;           /* -T */
    bool use_cr;               /* -t: a bar even where no terminal is seen */
    const char *backend_spec;
    const struct backend *backend;
    const char *backend_arg;
    struct xl_conf conf;
};

struct command {
    const char *name;
    /* argv[0] is the command's name; returns the exit code. */
    int (*run)(struct xl *x, int argc, char **argv);
    bool can_dryrun;
    bool is_apart;             /* needs neither a backend nor xl.conf */
    bool is_internal;          /* left out of the list of commands */
    const char *args;
    const char *summary;
    const char *options;       /* text for `xl help COMMAND` */
    const char *more;          /* the same, for several commands; or NULL */
};

/* ---- cmdtable.c --------------------------------------------------------- */

/* NULL when it isn't ours. */
const struct command *command_find(const char *name);
/* Ours among the stock names: which form of the command is meant here. */
bool command_is_ours(const struct command *c, int argc, char **argv);
void command_list(void);                    /* on stdout */
void command_help(const struct command *c, bool on_stderr);

/*
 * As getopt_long(), on behalf of command argv[0]. -h and --help print the
 * help and give 'h'; what isn't understood prints one line and gives '?'.
 * Either way the caller leaves with command_exit(). -1: at least @wanted and
 * at most @most arguments follow, else '?' after the usage on stderr.
 */
int command_getopt(int argc, char **argv, const char *short_opts,
                   const struct option *long_opts, int wanted, int most);
static inline int command_exit(int opt)
{
    return opt == 'h' ? EXIT_SUCCESS : EXIT_USAGE;
}

int cmd_remus(struct xl *x, int argc, char **argv);
int cmd_migrate_colo(struct xl *x, int argc, char **argv);
int cmd_receive(struct xl *x, int argc, char **argv);
int cmd_status(struct xl *x, int argc, char **argv);
int cmd_failover(struct xl *x, int argc, char **argv);
int cmd_stop(struct xl *x, int argc, char **argv);
int cmd_pause(struct xl *x, int argc, char **argv);
int cmd_unpause(struct xl *x, int argc, char **argv);
int cmd_retry(struct xl *x, int argc, char **argv);
int cmd_start(struct xl *x, int argc, char **argv);
int cmd_trace(struct xl *x, int argc, char **argv);
int cmd_sink(struct xl *x, int argc, char **argv);
int cmd_replay(struct xl *x, int argc, char **argv);
int cmd_stream_verify(struct xl *x, int argc, char **argv);

/* ---- system.c ----------------------------------------------------------- */

/* Become the system's xl with arguments @argv (NULL-terminated); returns
   only on failure, with the reason. ERR_NOTFOUND: there is none. */
int system_xl_exec(char **argv, struct err *e);

/* ---- conf.c ------------------------------------------------------------- */

int conf_load(struct xl_conf *c, struct err *e);
void conf_dispose(struct xl_conf *c);
/* Make a directory of ours, 0700, with what leads there. */
int conf_make_dir(const char *path, struct err *e);
/* A whole decimal number in [min, max]; @what names it in the message. */
int conf_number(const char *text, const char *what, unsigned int min,
                unsigned int max, unsigned int *value_r, struct err *e);
/* The same for a time that options and xl.conf both have, in its range. */
enum conf_time { CONF_INTERVAL, CONF_HEARTBEAT, CONF_SILENCE };
int conf_ms(const char *text, const char *what, enum conf_time t,
            unsigned int *ms_r, struct err *e);
/* "xen" or "qemu". */
int conf_dialect(const char *text, enum colo_dialect *d_r, struct err *e);
/* Not a command but "watchdog" or "watchdog:SECONDS": *@fence is NULL then,
   and *@lease_s_r a number of seconds, else 0. @what names it in messages. */
int conf_lease(const char **fence, const char *what, unsigned int *lease_s_r,
               struct err *e);
/* What stands behind --fence for it, "" for none; @text is used or not. */
#define CONF_FENCE_SIZE 24
const char *conf_fence_text(const struct colo_params *p,
                            char text[CONF_FENCE_SIZE]);
/* "auto" or "manual". */
int conf_takeover(const char *text, enum colo_takeover *t_r, struct err *e);
/* The settings that both sides have, checked against each other. */
int conf_check_params(const struct colo_params *p, struct err *e);

/* ---- options.c ---------------------------------------------------------- */

/* Options that `remus` and `migrate-receive` have in common. */
enum xl_option { OPT_FENCE = 0x100, OPT_HEARTBEAT, OPT_SILENCE, OPT_TAKEOVER,
                 OPT_DIALECT, OPT_OWN };
#define XL_COMMON_OPTIONS \
    { "fence", required_argument, NULL, OPT_FENCE }, \
    { "heartbeat-ms", required_argument, NULL, OPT_HEARTBEAT }, \
    { "silence-ms", required_argument, NULL, OPT_SILENCE }, \
    { "takeover", required_argument, NULL, OPT_TAKEOVER }, \
    { "dialect", required_argument, NULL, OPT_DIALECT }, \
    { "help", no_argument, NULL, 'h' }

/* What of them the user wrote, as opposed to what xl.conf says. */
struct given {
    bool fence, heartbeat, silence, takeover, interval;
};

/* @p as xl.conf has it, then @opt with its @value over it. */
void options_init(struct colo_params *p, const struct xl_conf *conf);
/* ERR_USAGE; ERR_NOTFOUND when @opt is none of them. */
int options_take(struct colo_params *p, struct given *g, int opt,
                 const char *value, struct err *e);

/* ---- fail.c ------------------------------------------------------------- */

/* "xl COMMAND: SUBJECT: MESSAGE" on stderr, one line; @subject may be NULL.
   Returns the exit code. */
int xl_fail(const char *command, const char *subject, const struct err *e);
/* The same for a command line that isn't understood. */
int xl_usage(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A warning, same form. */
void xl_warn(const char *command, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* ERR_PERM unless we are who the backend needs us to be. */
int xl_privilege(const struct xl *x, struct err *e);

#endif
