/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the user sees of a primary and can tell it.
 */
#include "primary_int.h"

#include <stdio.h>

/* What the user sees of the state: epochs come and go inside "protected". */
const char *primary_phase(const struct colo_primary *p)
{
    const char *phase = p->mode->phases[p->state];
    uint64_t safe = p->link.own ? p->mode->safe_epochs : 1;

    return phase ? phase : p->epochs_ready >= safe ? "protected" : "arming";
}

struct colo_delay primary_delay(const struct colo_primary *p)
{
    struct colo_delay delay = p->delay;

    if (!p->mode->both_run)
        return stats_delay(&p->stats);
    if (p->pairing.net)
        pairing_delay(&p->pairing, &delay.median_ns, &delay.p99_ns);
    delay.set_by = delay.median_ns ? "copy" : "";
    return delay;
}

/* True when @c is about running, and done. */
static bool about_running(struct colo_primary *p, enum colo_command c)
{
    static const int words[] = {
        [COLO_CMD_PAUSE] = RUN_STOP + 1, [COLO_CMD_UNPAUSE] = RUN_CONT + 1,
        [COLO_CMD_RETRY] = RUN_RETRY + 1, [COLO_CMD_START] = RUN_START + 1,
        [COLO_CMD_START_FORCE] = RUN_START_FORCE + 1,
    };

    if (!words[c])
        return false;
    primary_run_command(p, (enum run_command)(words[c] - 1));
    return true;
}

bool primary_hears(struct colo_primary *p)
{
    return link_hears(&p->link, p->params.silence_ms * ENV_MS);
}

void primary_command(void *s, enum colo_command c, const char **reply_r)
{
    struct colo_primary *p = s;
    int t = c == COLO_CMD_STOP ? PT_USER_STOP : p->mode->ends &&
            primary_hears(p) ? PX_RELEASE_LIVE : PT_USER_RELEASE;

    *reply_r = p->reply;
    if (c == COLO_CMD_FAILOVER) {
        snprintf(p->reply, sizeof(p->reply), "error %s runs here; ask for "
                 "the take-over on the other host", p->info->name);
        return;
    }
    if (about_running(p, c))
        return;
    primary_post(p, t);
    if (machine_begins_with(p->mode->machine, p->state, p->mode->trigger_of[t],
                            p->mode->refuse)) {
        primary_run(p);
        return;
    }
    snprintf(p->reply, sizeof(p->reply), "ok ending");
    if (p->mode->ends)
        p->mode->ends(p, t);
    else if (p->link.open)
        primary_verdict(p, COLO_END_STOPPED, ERR_OK, NULL);
}

void primary_status(void *s, struct colo_status *st)
{
    struct colo_primary *p = s;
    struct net_stats n = { 0 };

    if (p->net)
        p->net_ops->stats(p->net, &n, NULL);
    if (p->pairing.net)
        pairing_held(&p->pairing, &n.held_packets, &n.held_bytes);
    *st = (struct colo_status) {
        .role = "primary", .state = primary_phase(p), .mode = p->mode->name,
        .peer = p->conf->host ? p->conf->host : "", .name = p->info->name,
        .output = !p->holding ? "flows" : p->mode->both_run && p->link.open ?
                  "compared" : "held",
        .needs_user = p->needs_user ? p->needs_user : "",
        .domid = p->info->domid, .epoch = p->epochs_ready,
        .generation = p->link.generation,
        .interval_ms = p->params.interval_ms,
        .pages = p->newest.pages, .bytes = p->newest.bytes,
        .pause_ns = p->newest.pause_ns, .send_ns = p->newest.send_ns,
        .ready_ns = p->newest.ready_ns, .delay = primary_delay(p),
        .heard_ms = link_quiet(&p->link) / ENV_MS,
        .heard_max_ms = link_quiet_max(&p->link) / ENV_MS,
        .since_s = (p->ops->now(p->env) - p->started_ns) / (1000 * ENV_MS),
        .run_state = run_state_name(&p->run), .paused = primary_paused(p),
        .verify_passes = p->verify.passes, .unlogged = p->verify.unlogged,
        .held_packets = n.held_packets, .held_bytes = n.held_bytes,
    };
}
