/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Making the guest stand still, and letting it go on. A guest with Xen's
 * drivers has to agree (xenstore's control/shutdown), so that it can give
 * its devices a rest; one without is stopped from outside by the same
 * hypercall that libxl uses, which lets an I/O request in flight end first.
 * A device model is stopped after the vCPUs and runs before them.
 */
#include <errno.h>
#include <poll.h>
#include <xenctrl.h>    /* before xenguest.h, which lacks it */
#include <xenguest.h>

#include "xen_priv.h"

#define LOOK_MS 200

static bool cooperative(struct dom *d)
{
    uint64_t irq = 0, s_state = 0;

    if (!xen_is_dm_guest(d))
        return true;
    xc_hvm_param_get(d->xch, d->info.domid, HVM_PARAM_CALLBACK_IRQ, &irq);
    xc_hvm_param_get(d->xch, d->info.domid, HVM_PARAM_ACPI_S_STATE,
                     &s_state);
    return irq && !s_state;
}

/* Is a request to suspend under way, or about to be? */
static bool is_asking(const struct dom *d)
{
    return d->state == XEN_QUEUED || d->state == XEN_OTHERS ||
        d->state == XEN_ASKED || d->state == XEN_AGREED;
}

static void agreed(struct dom *d)
{
    d->state = XEN_AGREED;
    d->agreed_ns = clock_ns();
    d->times.ack_ns += d->agreed_ns - d->asked_ns;
}

static void failed(struct dom *d, enum xen_state next, const struct err *why)
{
    d->state = next;
    xen_event_timer(d, 0);
    xen_event_push(d, DOM_EV_SUSPEND_FAILED, DOM_OTHER, why);
}

static void stands_still(struct dom *d)
{
    uint64_t now = clock_ns();
    struct err e;
    int rc = 0;

    if (d->state != XEN_AGREED) {
        agreed(d);
        now = d->agreed_ns;
    }
    d->times.suspend_ns += now - d->agreed_ns;
    d->state = XEN_SUSPENDED;
    xen_event_timer(d, 0);
    if (xen_is_dm_guest(d)) {
        rc = xen_dm_stop(&d->dm, &e);
        d->times.device_ns += clock_ns() - now;
    }
    if (!rc) {
        xen_event_push(d, DOM_EV_SUSPENDED, DOM_OTHER, NULL);
        return;
    }
    if (!xen_resume(d, NULL) || d->state != XEN_SUSPENDED) {
        failed(d, d->state, &e);
        return;
    }
    /* It stands still, so that is what is told; to take its state fails. */
    log_error(d->log, "event=resume-failed domid=%u why=\"%s\"",
              d->info.domid, e.msg);
    xen_event_push(d, DOM_EV_SUSPENDED, DOM_OTHER, NULL);
}

static enum dom_shutdown reason_of(int code)
{
    switch (code) {
    case SHUTDOWN_poweroff:
        return DOM_POWEROFF;
    case SHUTDOWN_reboot:
        return DOM_REBOOT;
    case SHUTDOWN_crash:
        return DOM_CRASH;
    case SHUTDOWN_suspend:
        return DOM_SUSPEND;
    default:
        return DOM_OTHER;
    }
}

static void ended(struct dom *d, int code)
{
    d->state = XEN_ENDED;
    d->shutdown_code = code;
    xen_event_timer(d, 0);
    xen_event_push(d, DOM_EV_SHUTDOWN, reason_of(code), NULL);
}

/* It stands still for us, for another tool, or it will be known. */
static void stopped_for(struct dom *d, enum xen_whose whose)
{
    if (whose == XEN_OURS) {
        stands_still(d);
    } else if (whose == XEN_THEIRS) {
        ended(d, SHUTDOWN_suspend);
    } else if (d->state != XEN_DOUBT) {
        d->state = XEN_DOUBT;
        log_note(d->log, "event=suspended-for-whom domid=%u", d->info.domid);
    }
}

static void stopped(struct dom *d, int code)
{
    if (d->state == XEN_ENDED || d->state == XEN_SUSPENDED ||
        d->state == XEN_DOUBT)
        return;
    if (code == SHUTDOWN_suspend && d->state == XEN_LATE) {
        d->state = XEN_SUSPENDED;
        if (xen_resume(d, NULL))
            log_error(d->log, "event=late-resume-failed domid=%u",
                      d->info.domid);
    } else if (code == SHUTDOWN_suspend) {
        stopped_for(d, xen_request_whose(d));
    } else {
        ended(d, code);
    }
}

void xen_suspend_on_release(struct dom *d)
{
    xc_domaininfo_t now;
    int rc;

    d->release_told = false;
    if (d->state == XEN_GONE)
        return;
    rc = xen_info_now(d, &now, NULL);
    if (rc == ERR_NOTFOUND) {
        d->state = XEN_GONE;
        xen_event_timer(d, 0);
        xen_event_push(d, DOM_EV_GONE, DOM_OTHER, NULL);
    } else if (!rc && (now.flags & XEN_DOMINF_shutdown)) {
        stopped(d, (now.flags >> XEN_DOMINF_shutdownshift) &
                XEN_DOMINF_shutdownmask);
    }
}

void xen_suspend_on_control(struct dom *d, unsigned int writes)
{
    enum xen_state next;
    struct err e;

    if (d->state == XEN_DOUBT)
        stopped_for(d, xen_request_now(d));
    if (!is_asking(d))
        return;
    next = xen_request_on_event(d, writes);
    if (next == XEN_OTHERS && d->state != next)
        log_note(d->log, "event=suspended-by-another-tool domid=%u",
                 d->info.domid);
    if (next == XEN_AGREED && d->state == XEN_ASKED)
        agreed(d);
    d->state = next;
    if (next == XEN_QUEUED && xen_request_place(d, &e))
        failed(d, XEN_RUNNING, &e);
}

bool xen_is_paused(struct dom *d)
{
    xc_domaininfo_t now;

    return !xen_info_now(d, &now, NULL) && (now.flags & XEN_DOMINF_paused);
}

/* The time that is left, a look at the guest at the latest after a while. */
static void arm(struct dom *d)
{
    uint64_t gone = (clock_ns() - d->asked_ns) / 1000000u;
    uint64_t left = gone < d->timeout_ms ? d->timeout_ms - gone : 1;

    xen_event_timer(d, (unsigned int)(left < LOOK_MS ? left : LOOK_MS));
}

void xen_suspend_on_timer(struct dom *d)
{
    uint64_t gone = (clock_ns() - d->asked_ns) / 1000000u;
    bool paused;
    struct err e;

    /* It may have happened already, and only the news be late. */
    xen_suspend_on_release(d);
    if (d->state == XEN_DOUBT) {
        stopped_for(d, gone < d->timeout_ms ? xen_request_now(d)
                                            : XEN_THEIRS);
        if (d->state == XEN_DOUBT)
            arm(d);
        return;
    }
    if (!is_asking(d))
        return;
    paused = xen_is_paused(d);
    if (!paused && gone < d->timeout_ms) {
        arm(d);
        return;
    }
    if (d->state == XEN_QUEUED || d->state == XEN_OTHERS) {
        err_set(&e, ERR_TIMEOUT, "the guest hasn't done within %llu ms what "
                "another tool asks of it in %s%s", (unsigned long long)gone,
                d->control_path, paused ? ": it is paused" : "");
        failed(d, xen_request_may_be_taken(d) ? XEN_LATE : XEN_RUNNING, &e);
    } else if (d->state == XEN_ASKED && xen_request_withdraw(d)) {
        err_set(&e, ERR_TIMEOUT, "the guest didn't answer the request to "
                "suspend within %llu ms%s", (unsigned long long)gone,
                paused ? ": it is paused" : "");
        failed(d, XEN_RUNNING, &e);
    } else {
        err_set(&e, ERR_TIMEOUT, "the guest agreed to suspend, but still "
                "runs after %llu ms", (unsigned long long)gone);
        failed(d, XEN_LATE, &e);
    }
}

static int ask(struct dom *d, struct err *e)
{
    int rc;

    if (!cooperative(d)) {
        if (xc_domain_shutdown(d->xch, d->info.domid, SHUTDOWN_suspend))
            return err_sys(e, ERR_IO, errno, "stopping %s", d->info.name);
        agreed(d);
        return 0;
    }
    d->state = XEN_QUEUED;
    rc = xen_request_place(d, e);
    if (rc)
        d->state = XEN_RUNNING;
    return rc;
}

int xen_suspend(struct dom *d, unsigned int timeout_ms, struct err *e)
{
    int rc;

    /* Not while it stands still. */
    rc = xen_dirty_complete(d, e);
    if (rc)
        return rc;
    d->asked_ns = clock_ns();
    d->timeout_ms = timeout_ms;
    d->placed = false;
    switch (d->state) {
    case XEN_RUNNING:
        rc = ask(d, e);
        break;
    case XEN_LATE:
        agreed(d);
        break;
    case XEN_ENDED:
    case XEN_GONE:
        return err_set(e, ERR_DOMAIN, "%s doesn't run any more",
                       d->info.name);
    default:
        return err_set(e, ERR_BUG, "suspend asked twice");
    }
    if (rc)
        return rc;
    if (is_asking(d))
        arm(d);
    /* Stopped from outside, it mostly stands still at once. */
    if (d->state == XEN_AGREED || d->release_told)
        xen_suspend_on_release(d);
    return 0;
}

bool xen_suspend_cancel(struct dom *d)
{
    if (d->state == XEN_RUNNING)
        return true;
    if (d->state == XEN_ASKED && !xen_request_withdraw(d))
        return false;
    if (!is_asking(d) || d->state == XEN_AGREED ||
        xen_request_may_be_taken(d))
        return false;
    d->state = XEN_RUNNING;
    xen_event_timer(d, 0);
    return true;
}

/*
 * Tell a guest with Xen's drivers that its suspend was cancelled: the return
 * value of the hypercall in which vCPU 0 is. libxc's own "fast" resume does
 * just this before the resume; done here, since the resume itself returns
 * only after the guest has used the CPU, and its time couldn't be told.
 */
static int cancel_suspend(struct dom *d, struct err *e)
{
    vcpu_guest_context_t *vcpu = d->call.data;
    struct xen_domctl *op;
    uint64_t irq = 0;

    xc_hvm_param_get(d->xch, d->info.domid, HVM_PARAM_CALLBACK_IRQ, &irq);
    if (!irq)
        return 0;
    op = xen_call_begin(&d->call, d->info.domid, XEN_DOMCTL_getvcpucontext);
    set_xen_guest_handle_raw(op->u.vcpucontext.ctxt, vcpu);
    if (xen_call_run(&d->call) < 0)
        return err_sys(e, ERR_IO, errno, "reading vCPU 0 of %s",
                       d->info.name);
    vcpu->user_regs.rax = 1;
    op->cmd = XEN_DOMCTL_setvcpucontext;
    if (xen_call_run(&d->call) < 0)
        return err_sys(e, ERR_IO, errno, "writing vCPU 0 of %s",
                       d->info.name);
    return 0;
}

int xen_resume(struct dom *d, struct err *e)
{
    uint64_t t0 = clock_ns(), t1;
    int rc = 0;

    if (d->state != XEN_SUSPENDED)
        return err_set(e, ERR_BUG, "resume of a domain that isn't "
                       "suspended");
    if (xen_is_dm_guest(d))
        rc = xen_dm_cont(&d->dm, e);
    if (rc)
        return rc;
    t1 = clock_ns();
    d->times.device_ns += t1 - t0;
    rc = cancel_suspend(d, e);
    if (rc)
        return rc;
    d->times.resume_ns += clock_ns() - t1;
    xen_log_clear(&d->xlog);
    if (xc_domain_resume(d->xch, d->info.domid, 0))
        return xen_log_err(&d->xlog, e, ERR_IO, "resuming %s",
                           d->info.name);
    d->state = XEN_RUNNING;
    /* Else xenstored wouldn't tell of the next suspend. */
    if (!xs_resume_domain(d->xs, d->info.domid))
        rc = err_sys(e, ERR_IO, errno, "telling xenstore of the resume of "
                     "%s", d->info.name);
    if (xen_is_dm_guest(d) && d->dirty.on)
        xen_dm_prepare(&d->dm);
    return rc;
}

int xen_pause(struct dom *d, struct err *e)
{
    if (xc_domain_pause(d->xch, d->info.domid))
        return err_sys(e, ERR_IO, errno, "pausing %s", d->info.name);
    return 0;
}

int xen_unpause(struct dom *d, struct err *e)
{
    if (xc_domain_unpause(d->xch, d->info.domid))
        return err_sys(e, ERR_IO, errno, "unpausing %s", d->info.name);
    return 0;
}

int xen_suspend_undo(struct dom *d, unsigned int limit_ms, struct err *e)
{
    uint64_t until = clock_ns() + limit_ms * 1000000ull;
    int rc = 0;

    xen_event_timer(d, 0);
    xen_event_drop(d);
    if (d->state == XEN_QUEUED || d->state == XEN_OTHERS)
        d->state = xen_request_may_be_taken(d) ? XEN_LATE : XEN_RUNNING;
    if (d->state == XEN_ASKED)
        d->state = xen_request_withdraw(d) ? XEN_RUNNING : XEN_LATE;
    if (d->state == XEN_AGREED)
        d->state = XEN_LATE;
    while ((d->state == XEN_LATE || d->state == XEN_DOUBT) &&
           clock_ns() < until) {
        xen_suspend_on_release(d);
        if (d->state == XEN_DOUBT)
            stopped_for(d, xen_request_now(d));
        if (d->state == XEN_LATE || d->state == XEN_DOUBT)
            poll(NULL, 0, 5);
    }
    if (d->state == XEN_SUSPENDED)
        rc = xen_resume(d, e);
    xen_event_drop(d);
    return rc;
}
