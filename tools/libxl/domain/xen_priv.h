/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Inside of the Xen domain backend: the domain's state and what its files
 * call of each other. Included by domain/xen*.c only.
 */
#ifndef XC_DOMAIN_XEN_PRIV_H
#define XC_DOMAIN_XEN_PRIV_H

#include <libxl.h>
#include <libxl_utils.h>
#include <limits.h>
#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenforeignmemory.h>
#include <xenstore.h>

#include "buf.h"
#include "domain.h"
#include "page_copy.h"
#include "sweep.h"
#include "xen_call.h"
#include "xen_child.h"
#include "xen_dm.h"
#include "xen_log.h"
#include "xen_mem.h"
#include "clock.h"

#define XEN_EVENTS_MAX 8u
#define XEN_CONFIG_MAX ((size_t)1 << 20)    /* a configuration as JSON */

/* Where the domain is, as the source sees it. */
enum xen_state {
    XEN_RUNNING,     /* nothing is asked of it */
    XEN_QUEUED,      /* another request stands in xenstore; ours follows it */
    XEN_OTHERS,      /* another tool asked it to suspend: not for us */
    XEN_ASKED,       /* "suspend" is written, not yet acknowledged */
    XEN_AGREED,      /* acknowledged, or stopped from outside: any moment */
    XEN_LATE,        /* given up; if it still suspends, it is resumed */
    XEN_DOUBT,       /* stands still, and isn't known yet for whom */
    XEN_SUSPENDED,
    XEN_ENDED,       /* it shut down by itself */
    XEN_GONE,
};

/* Bitmaps as Xen has them, in words. */
#define XEN_WORD_BITS 64u
static inline uint64_t xen_bit(uint64_t i)
{
    return (uint64_t)1 << (i % XEN_WORD_BITS);
}
static inline bool xen_has_bit(const uint64_t *words, uint64_t i)
{
    return words[i / XEN_WORD_BITS] & xen_bit(i);
}
static inline void xen_set_bit(uint64_t *words, uint64_t i)
{
    words[i / XEN_WORD_BITS] |= xen_bit(i);
}

/* A page by which it is seen that somebody else empties the log. */
struct xen_rival {
    uint64_t pfn;
    uint8_t *was;                  /* the page, when it was last clean */
    bool set;                      /* it is in the log, by us */
    bool tried;                    /* it may be, if it is clean now */
    bool seen;                     /* somebody else emptied the log */
};

/* The dirty log on our side: Xen's bitmap, what is kept for later, a list. */
struct xen_dirty {
    xc_hypercall_buffer_t hbuf;    /* Xen's bitmap, [words] */
    size_t hbuf_pages;
    uint64_t *keep;                /* to be listed next time, [words] */
    size_t words;
    uint64_t *list;                /* [list_max] */
    size_t list_nr, list_max;
    struct sweep sweep;            /* of the final looks */
    bool counted;                  /* who counts wants it clean each time */
    bool cleaned;                  /* the last look did */
    bool on;
    struct xen_rival rival;
};

struct dom {
    struct dom_info info;
    struct dom_times times;
    const struct logger *log;
    char state_dir[PATH_MAX];
    bool sink;

    struct xen_log xlog;
    libxl_ctx *ctx;
    xc_interface *xch;
    xenforeignmemory_handle *fmem;
    xendevicemodel_handle *dmod;
    struct xen_call call;
    struct xs_handle *xs;
    int epoll_fd, timer_fd;
    char *control_path;            /* …/control/shutdown */
    char *target_path;             /* …/memory/target */
    char *mark_path;               /* a session is, or was, here */
    bool marked;                   /* by us, or it is for us to mend */

    enum xen_state state;
    int shutdown_code;             /* Xen's, once XEN_ENDED */
    uint64_t asked_ns, agreed_ns;
    bool placed;                   /* ours stood there since xen_suspend() */
    bool stood;                    /* and was seen there */
    unsigned int writes;           /* to control_path, ours and since then */
    bool release_told;             /* look at it: some domain changed */
    unsigned int timeout_ms;
    struct dom_event events[XEN_EVENTS_MAX];
    unsigned int events_nr;

    struct xen_mem mem;
    const struct page_copy *copy;  /* how pages are copied */
    struct xen_dirty dirty;
    uint64_t start_pages;          /* the domain's pages at log_start() */
    uint64_t start_target, target; /* what it is asked to have, KiB */
    struct buf params;             /* HVM_PARAMS, read once */
    uint32_t context_size;         /* of HVM_CONTEXT; 0: not asked yet */
    struct xen_dm dm;              /* HVM only */
    uint32_t lease_id;             /* Xen's number of it; 0: none */

    struct xen_child finisher;     /* does what its configuration says */

    /* Sink. */
    struct xen_child child;        /* runs the first restore */
    struct xen_child remover;      /* destroys it */
    char *child_json;              /* shared with it, XEN_CONFIG_MAX */
    char final_name[DOM_NAME_MAX];
    uint64_t skip_pfn[2];          /* xenstore's and console's rings */
    bool begun;                    /* the restore: what has our identity is
                                      of our making */
    bool created, activated;
    bool applied;                  /* tsc and context are newer than Xen's */
    bool broken;                   /* of two epochs: never to be run */
    struct buf tsc, context;
};

/* xen_open.c: handles, and what is known of a domain */
int xen_open_source(const struct dom_open *o, struct dom **d_r,
                    struct err *e);
int xen_open_sink(const struct dom_open *o, struct dom **d_r, struct err *e);
void xen_free(struct dom *d);

/* xen_info.c */
/* The configuration as it is now, as JSON, malloced; slow. NULL: see @e. */
char *xen_info_config(libxl_ctx *ctx, struct xen_log *log, uint32_t domid,
                      struct err *e);
/* Fill d->info of the domain info.domid; takes over @json. */
int xen_info_fill(struct dom *d, char *json, struct err *e);
/* The hypervisor's record of the domain; ERR_NOTFOUND when it is gone or
   dying, or another one has its number now. */
int xen_info_now(struct dom *d, xc_domaininfo_t *now_r, struct err *e);
bool xen_is_dm_guest(const struct dom *d);

/* xen_event.c: watches, timer, queue */
int xen_event_init(struct dom *d, struct err *e);
int xen_event_watch(struct dom *d, struct err *e);    /* once domid is known */
void xen_event_push(struct dom *d, enum dom_ev_kind kind,
                    enum dom_shutdown reason, const struct err *err);
/* Nobody waits any more for the answer to suspend(). */
void xen_event_drop(struct dom *d);
void xen_event_timer(struct dom *d, unsigned int ms);    /* 0: off */
int xen_event_add_fd(struct dom *d, int fd, struct err *e);
int xen_next_event(struct dom *d, struct dom_event *ev_r);

/* How often control/shutdown was written, of what xenstored has told; the
   rest of that is kept for xen_next_event(). */
unsigned int xen_event_take_control(struct dom *d);

/* xen_request.c: control/shutdown, which isn't ours alone */
enum xen_request {
    XEN_REQUEST_NONE,
    XEN_REQUEST_OURS,
    XEN_REQUEST_SUSPEND,    /* another tool's */
    XEN_REQUEST_OTHER,      /* a shutdown, say */
};
/* In XEN_QUEUED: ask, when no other request stands there (XEN_ASKED; or
   XEN_OTHERS). */
int xen_request_place(struct dom *d, struct err *e);
/* Take the request back, unless the guest has taken it. */
bool xen_request_withdraw(struct dom *d);
enum xen_whose {
    XEN_OURS,
    XEN_THEIRS,
    XEN_UNKNOWN,    /* a save or a migration is under way: xen_request_now() */
};
/* The guest stands still: because who asked it to? Ours is taken back if it
   stands there yet. */
enum xen_whose xen_request_whose(struct dom *d);
/* The same some time after XEN_UNKNOWN. */
enum xen_whose xen_request_now(struct dom *d);
/* Another tool's request stands where ours stood: it was written over ours,
   or after the guest had taken that. */
bool xen_request_may_be_taken(const struct dom *d);
/* It was written @writes times: the state that follows. */
enum xen_state xen_request_on_event(struct dom *d, unsigned int writes);

/* xen_suspend.c */
int xen_suspend(struct dom *d, unsigned int timeout_ms, struct err *e);
bool xen_suspend_cancel(struct dom *d);
int xen_resume(struct dom *d, struct err *e);
/* control/shutdown was written so often */
void xen_suspend_on_control(struct dom *d, unsigned int writes);
void xen_suspend_on_release(struct dom *d);    /* some domain changed */
void xen_suspend_on_timer(struct dom *d);
int xen_pause(struct dom *d, struct err *e);
int xen_unpause(struct dom *d, struct err *e);
bool xen_is_paused(struct dom *d);
/* Whatever was asked, the guest goes on. Waits @limit_ms for one that agreed
   to stand still and doesn't yet. */
int xen_suspend_undo(struct dom *d, unsigned int limit_ms, struct err *e);

/* xen_dirty.c */
int xen_log_start(struct dom *d, struct err *e);
void xen_log_stop(struct dom *d);
void xen_dirty_dispose(struct dom *d);
int xen_dirty_count(struct dom *d, uint64_t *pages_r, struct err *e);
int xen_dirty(struct dom *d, const uint64_t **pfns_r, size_t *n_r,
              struct err *e);
int xen_copy(struct dom *d, const uint64_t *pfns, size_t n, uint8_t *to,
             struct err *e);
/* All pages are known and mapped after this. */
int xen_dirty_complete(struct dom *d, struct err *e);
/* Somebody asked the guest to give or take memory. */
void xen_dirty_on_target(struct dom *d);
/* Suspended: the final list into d->dirty. */
int xen_dirty_final(struct dom *d, struct err *e);
/* The list wasn't used: list it again next time. */
void xen_dirty_put_back(struct dom *d);

/* xen_rival.c */
void xen_rival_dispose(struct xen_rival *r);
/* Before a look that empties the log. */
void xen_rival_before(struct dom *d);
/* After each look, of which @bits came; takes our own page out of them.
   ERR_DOMAIN: somebody else has emptied the log. */
int xen_rival_after(struct dom *d, uint64_t *bits, bool cleaned,
                    struct err *e);
/* ERR_BUSY: another process migrates or saves the domain just now. */
int xen_rival_look(struct dom *d, struct err *e);

/* xen_recover.c */
int xen_mark(struct dom *d, struct err *e);    /* ERR_BUSY: there is one */
void xen_unmark(struct dom *d);                /* unless it stands still */
bool xen_is_left(struct dom *d);
int xen_recover(struct dom *d, struct err *e);

/* xen_policy.c: both cleared first */
int xen_static_data(struct dom *d, struct dom_static *s_r, struct err *e);
/* What this host can give a PVH or HVM guest at most. */
int xen_policy_host(struct dom *d, struct dom_static *s_r, struct err *e);

/* xen_admit.c: changes what libxl's call for its need of memory changes */
int xen_admit(struct dom *d, const struct dom_create *c,
              libxl_domain_config *cfg, struct err *e);

/* xen_capture.c */
int xen_capture(struct dom *d, struct ckpt *c, uint64_t epoch,
                struct err *e);

/* xen_sink.c */
int xen_create(struct dom *d, const struct dom_create *c, int *fd_r,
               struct err *e);
void xen_sink_on_child(struct dom *d);
void xen_sink_on_release(struct dom *d);
int xen_destroy(struct dom *d, unsigned int wait_ms, struct err *e);
/* For use in a child. */
int xen_child_destroy(libxl_ctx *ctx, struct xen_log *log, uint32_t domid,
                      struct xen_report *r);

/* xen_apply.c */
int xen_apply_prepare(struct dom *d, struct err *e);
int xen_apply(struct dom *d, const struct ckpt *c, struct err *e);
int xen_activate(struct dom *d, bool run, struct err *e);

/* xen_lease.c */
int xen_lease(struct dom *d, unsigned int seconds, struct err *e);

/* xen_finish.c */
int xen_finish(struct dom *d, enum dom_shutdown reason, struct err *e);

#endif
