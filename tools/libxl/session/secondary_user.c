/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the user sees of a secondary and can tell it.
 */
#include "secondary_int.h"

#include <stdio.h>
#include <string.h>

const char *secondary_peer(const struct colo_secondary *s)
{
    return s->params.peer ? s->params.peer :
           s->peer_name[0] ? s->peer_name : "the primary";
}

const char *secondary_name(struct colo_secondary *s)
{
    size_t n, cut = sizeof(DOM_INCOMING) - 1;

    if (!s->dom)
        return s->name;
    snprintf(s->name, sizeof(s->name), "%s", s->dom_ops->info(s->dom)->name);
    n = strlen(s->name);
    if (n > cut && !strcmp(s->name + n - cut, DOM_INCOMING))
        s->name[n - cut] = '\0';
    return s->name;
}

const char *secondary_phase(const struct colo_secondary *s)
{
    const char *phase = s->mode->phases[s->state];
    uint64_t safe = s->link.own ? s->mode->safe_epochs : 1;

    return phase ? phase : s->epochs >= safe ? "protecting" : "arming";
}

void secondary_command(void *v, enum colo_command c, const char **reply_r)
{
    struct colo_secondary *s = v;
    bool takes = c == COLO_CMD_FAILOVER;
    bool hears = link_hears(&s->link, s->params.silence_ms * ENV_MS);
    int t = !takes ? ST_USER_STOP : s->mode->believes && hears ?
            SX_FAILOVER_LIVE : ST_USER_FAILOVER;

    *reply_r = s->reply;
    if (c != COLO_CMD_FAILOVER && c != COLO_CMD_STOP &&
        c != COLO_CMD_STOP_RELEASE) {
        snprintf(s->reply, sizeof(s->reply), "error only a copy is here; "
                 "the domain runs on %s: say it there", secondary_peer(s));
        return;
    }
    secondary_post(s, t);
    if (machine_begins_with(s->mode->machine, s->state,
                            s->mode->trigger_of[t], s->mode->refuse)) {
        secondary_run(s);
        return;
    }
    snprintf(s->reply, sizeof(s->reply), takes ? "ok taking over"
                                               : "ok ending");
    if (!takes)
        secondary_verdict(s, COLO_END_DISCARDED, ERR_OK, "the user gave "
                          "the copy up");
}

void secondary_status(void *v, struct colo_status *st)
{
    struct colo_secondary *s = v;
    const struct dom_info *info = s->dom ? s->dom_ops->info(s->dom) : NULL;

    *st = (struct colo_status) {
        .role = "secondary", .state = secondary_phase(s),
        .mode = s->mode->name,
        .peer = secondary_peer(s), .name = secondary_name(s),
        .output = "none", .needs_user = s->needs_user ? s->needs_user : "",
        .domid = info ? info->domid : 0, .epoch = s->epochs,
        .generation = s->link.generation, .pages = s->newest_pages,
        .pause_ns = s->apply_ns,
        .run_state = "inmigrate",
        .paused = s->reason ? "yes" : "no",
        .heard_ms = link_quiet(&s->link) / ENV_MS,
        .heard_max_ms = link_quiet_max(&s->link) / ENV_MS,
        .since_s = (s->ops->now(s->env) - s->started_ns) / (1000 * ENV_MS),
    };
}
