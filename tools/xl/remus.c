/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl remus` and `xl migrate --colo`: their command lines, stock's options
 * first. Decides nothing about the domain: protect.c does what is asked for
 * here.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "backends.h"
#include "protect.h"
#include "xl.h"

enum remus_option { OPT_STEP = OPT_OWN, OPT_STAGING, OPT_SHARED, OPT_PEER,
                    OPT_DIRTY, OPT_HOST, OPT_JSON, OPT_COMPARE, OPT_COLO,
                    OPT_LIVE, OPT_DEBUG, OPT_VERIFY };

#define STAGING_MAX_MB (16u << 20)
#define DIRTY_MAX      (1u << 28)

static const struct option longs[] = {
    XL_COMMON_OPTIONS,
    { "step-ms", required_argument, NULL, OPT_STEP },
    { "staging-mb", required_argument, NULL, OPT_STAGING },
    { "shared-disks", no_argument, NULL, OPT_SHARED },
    { "max-dirty-pages", required_argument, NULL, OPT_DIRTY },
    { "peer-name", required_argument, NULL, OPT_PEER },
    { "host-name", required_argument, NULL, OPT_HOST },
    { "json-epochs", required_argument, NULL, OPT_JSON },
    { "compare-timeout-ms", required_argument, NULL, OPT_COMPARE },
    { "colo", no_argument, NULL, OPT_COLO },
    { "live", no_argument, NULL, OPT_LIVE },
    { "debug", no_argument, NULL, OPT_DEBUG },
    { "debug-verify", no_argument, NULL, OPT_VERIFY },
    { NULL, 0, NULL, 0 },
};

/* Stock's letters that aren't numbers. */
static void take_letter(struct protect *p, int opt, const char *value)
{
    switch (opt) {
    case 's': p->ssh = value; break;
    case 'e': p->stay = true; break;
    case 'F': p->unsafe = true; break;
    case 'n': p->params.hold_output = false; break;
    case 'N': p->ignored = "-N SCRIPT"; break;
    case 'd': p->ignored = "-d"; break;
    case 'b': p->refused = "-b: a blackhole has no copy to protect with "
                           "(the system's xl remus has it)"; break;
    case 'c': p->params.colo = true; break;
    case 'C':
    case 'D': p->refused = "-C and -D: the copy is the domain, with its "
                           "configuration, under a number of that host's";
        break;
    default: break;    /* -u: streams are never compressed; -p: frames are
                          always compared in this process */
    }
}

static int take(struct protect *p, int opt, const char *value, struct err *e)
{
    unsigned int n;
    int rc;

    switch (opt) {
    case 'i':
        p->given.interval = true;
        return conf_ms(value, "-i", CONF_INTERVAL, &p->params.interval_ms,
                       e);
    case OPT_STEP:
        return conf_number(value, "--step-ms", 100, 600000,
                           &p->params.step_ms, e);
    case OPT_STAGING:
        rc = conf_number(value, "--staging-mb", 1, STAGING_MAX_MB, &n, e);
        if (!rc)
            p->params.staging_pages = (uint64_t)n * 256;
        return rc;
    case OPT_DIRTY:
        rc = conf_number(value, "--max-dirty-pages", 1, DIRTY_MAX, &n, e);
        p->params.max_dirty_pages = rc ? 0 : n;
        return rc;
    case OPT_COMPARE:
        return conf_number(value, "--compare-timeout-ms", 1, 600000,
                           &p->params.compare_timeout_ms, e);
    case OPT_COLO: p->params.colo = true; return 0;
    case OPT_SHARED: p->params.shared_disks = true; return 0;
    case OPT_VERIFY: p->params.verify = true; return 0;
    case OPT_PEER:   p->peer = value; return 0;
    case OPT_HOST:   p->params.peer = value; return 0;
    case OPT_JSON:   p->json_epochs = value; return 0;
    default:
        rc = options_take(&p->params, &p->given, opt, value, e);
        if (rc == ERR_NOTFOUND)
            take_letter(p, opt, value);
        return rc == ERR_NOTFOUND ? 0 : rc;
    }
}

static int check_lease(const struct xl *x, const struct protect *p,
                       struct err *e)
{
    if (!p->params.lease_s || x->backend->dom->lease)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "--fence=watchdog is a hypervisor's, "
                   "and the %s backend has none (say --fence CMD)",
                   x->backend->name);
}

static int check(const struct protect *p, struct err *e)
{
    if (p->refused)
        return err_set(e, ERR_USAGE, "%s", p->refused);
    if (p->params.colo && !p->params.hold_output)
        return err_set(e, ERR_USAGE, "-n with COLO: what isn't compared isn't "
                       "lock-stepped (leave -n or -c out)");
    if (!p->params.hold_output && !p->unsafe)
        return err_set(e, ERR_USAGE, "-n lets clients see what a take-over "
                       "undoes (say -F -n to have it so)");
    if (p->given.takeover && p->params.takeover == COLO_TAKEOVER_AUTO &&
        !colo_has_proof(&p->params) && colo_needs_proof(&p->params))
        return err_set(e, ERR_USAGE, "--takeover=auto with %s would let both "
                       "copies write: a fence command has to prove that one "
                       "is off (say --fence CMD, or --takeover=manual)",
                       p->params.shared_disks ? "--shared-disks" : "-n");
    if (p->host[0] == '-' || !p->host[0])
        return err_set(e, ERR_USAGE, "`%s' is no host", p->host);
    return conf_check_params(&p->params, e);
}

static void remarks(const struct protect *p)
{
    const struct colo_params *params = &p->params;

    if (p->ignored)
        xl_warn(p->command, NULL, "%s has no effect: output is held without a "
                "script, and disks aren't replicated", p->ignored);
    if (!params->hold_output)
        xl_warn(p->command, p->domain, "unsafe: output isn't held, so clients "
                "may see what a take-over undoes");
    if (params->lease_s)
        xl_warn(p->command, p->domain, "this whole host goes down, with every "
                "domain on it, if this program or dom0 stands still for %u s, "
                "or is killed (--fence=watchdog)", params->lease_s);
    if (colo_needs_proof(params) && !colo_has_proof(params))
        xl_warn(p->command, p->domain, "no fence command is set and %s, so "
                "the copy won't take over by itself: it waits for `xl "
                "colo-failover'", params->shared_disks ? "a disk is shared"
                                                : "output isn't held");
}

/* HOST without the user that ssh logs in as. */
static const char *host_only(const char *host)
{
    const char *at = strrchr(host, '@');

    return at ? at + 1 : host;
}

/* @letters: which of stock's the command has. */
static int command(struct xl *x, struct protect *p, const char *letters,
                   int argc, char **argv)
{
    struct err e = { 0 };
    struct utsname node;
    int opt;

    while ((opt = command_getopt(argc, argv, letters, longs, 2, 2)) != -1) {
        if (opt == 'h' || opt == '?')
            return command_exit(opt);
        if (take(p, opt, optarg, &e))
            return xl_fail(p->command, NULL, &e);
    }
    p->domain = argv[optind];
    p->host = argv[optind + 1];
    if (check(p, &e) || check_lease(x, p, &e))
        return xl_fail(p->command, NULL, &e);
    uname(&node);
    if (!p->peer)
        p->peer = node.nodename;
    if (!p->params.peer)
        p->params.peer = host_only(p->host);
    /* What xl.conf says is how often Remus is to let output go. */
    if (!p->params.interval_ms || (p->params.colo && !p->given.interval))
        p->params.interval_ms = colo_default_interval_ms(p->params.colo);
    remarks(p);
    return x->dryrun ? protect_show(x, p) : protect_run(x, p);
}

int cmd_remus(struct xl *x, int argc, char **argv)
{
    struct protect p = { .command = "remus", .ssh = "ssh" };

    options_init(&p.params, &x->conf);
    return command(x, &p, ":Fbundi:s:N:ecph", argc, argv);
}

int cmd_migrate_colo(struct xl *x, int argc, char **argv)
{
    struct protect p = { .command = "migrate", .ssh = "ssh" };

    options_init(&p.params, &x->conf);
    return command(x, &p, ":i:s:eC:Dph", argc, argv);
}
