/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The options that both ends of a protection have, and how they lie over
 * what xl.conf says.
 */
#include <string.h>

#include "xl.h"

void options_init(struct colo_params *p, const struct xl_conf *conf)
{
    memset(p, 0, sizeof(*p));
    p->fence = conf->fence && conf->fence[0] ? conf->fence : NULL;
    p->lease_s = conf->lease_s;
    p->heartbeat_ms = conf->heartbeat_ms;
    p->silence_ms = conf->silence_ms;
    p->interval_ms = conf->interval_ms;
    p->takeover = conf->takeover;
    p->hold_output = true;
}

int options_take(struct colo_params *p, struct given *g, int opt,
                 const char *value, struct err *e)
{
    switch (opt) {
    case OPT_FENCE:
        /* An empty one takes back what xl.conf says. */
        g->fence = value[0];
        p->fence = g->fence ? value : NULL;
        return conf_lease(&p->fence, "--fence", &p->lease_s, e);
    case OPT_HEARTBEAT:
        g->heartbeat = true;
        return conf_ms(value, "--heartbeat-ms", CONF_HEARTBEAT,
                       &p->heartbeat_ms, e);
    case OPT_SILENCE:
        g->silence = true;
        return conf_ms(value, "--silence-ms", CONF_SILENCE, &p->silence_ms,
                       e);
    case OPT_TAKEOVER:
        g->takeover = true;
        return conf_takeover(value, &p->takeover, e);
    case OPT_DIALECT:
        return conf_dialect(value, &p->dialect, e);
    default:
        return err_set(e, ERR_NOTFOUND, "no common option");
    }
}
