/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What a session needs of a domain, whatever runs it: the contract that every
 * backend obeys (embedded, Xen). Contract only.
 *
 * A backend never blocks longer than DOM_STEP_LIMIT_MS in one call. What
 * takes longer (a guest that has to agree to its suspend, the first restore)
 * is started by a call and ends in an event: the session watches fd(), and
 * calls next_event() until it says ERR_AGAIN whenever fd() is readable and
 * after every other call. One thread owns a domain.
 *
 * Source (primary): open → info → static_data → log_start → rounds of
 * dirty + copy (the guest runs) → for each epoch: suspend → DOM_EV_SUSPENDED
 * → capture → resume → … → log_stop → close.
 * Sink (secondary): open_sink → create → (bytes to its fd, closed by the
 * session) → DOM_EV_CREATED → apply … → activate | destroy → close.
 * With COLO the copy runs between two epochs: log_start after DOM_EV_CREATED;
 * resume → … → suspend → DOM_EV_SUSPENDED → dirty → apply → resume … .
 */
#ifndef XC_OPS_DOMAIN_H
#define XC_OPS_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ckpt.h"
#include "err.h"
#include "log.h"

#define DOM_STEP_LIMIT_MS 5000
#define DOM_NAME_MAX 256
#define DOM_INCOMING "--incoming"    /* a copy's name ends so */

struct dom;    /* the backend's own */

enum dom_type { DOM_PV, DOM_HVM, DOM_PVH };

enum dom_ev_kind {
    DOM_EV_SUSPENDED,        /* the guest stands still, ready to capture */
    DOM_EV_SUSPEND_FAILED,   /* it didn't: reason in err; it still runs  */
    DOM_EV_CREATED,          /* the first copy stands, paused            */
    DOM_EV_CREATE_FAILED,    /* reason in err; nothing is left behind    */
    DOM_EV_SHUTDOWN,         /* the guest ended: shutdown_reason         */
    DOM_EV_GONE,             /* somebody destroyed the domain            */
};

/* DOM_SUSPEND: on its own, or for another tool. */
enum dom_shutdown { DOM_POWEROFF, DOM_REBOOT, DOM_CRASH, DOM_SUSPEND,
                    DOM_OTHER };

struct dom_event {
    enum dom_ev_kind kind;
    enum dom_shutdown shutdown_reason;
    struct err err;
};

struct dom_vif {
    char ifname[16];        /* host side of the guest's network interface */
    char bridge[16];        /* "" when there is none */
    uint8_t mac[6];
};
#define DOM_VIFS_MAX 8

struct dom_info {
    char name[DOM_NAME_MAX];
    uint32_t domid;
    uint8_t uuid[16];
    enum dom_type type;
    uint64_t ram_pages;        /* guest memory in use, in 4 KiB pages */
    uint32_t xen_major, xen_minor;
    char *config_json;         /* libxl's domain configuration; owned by dom */
    struct dom_vif vifs[DOM_VIFS_MAX];
    unsigned int vifs_nr;
    /* First writable disk that replication or sharing would be needed for,
       as the user wrote it ("xvda: /dev/vg/x"); "" when there is none. */
    char writable_disk[128];
};

/* Records that are sent once, before any page, as wire bodies. */
struct dom_static {
    struct buf cpuid_policy;    /* X86_CPUID_POLICY; empty: leave it out */
    struct buf msr_policy;      /* X86_MSR_POLICY; empty: leave it out */
};

/* Where the time of one step went, in nanoseconds; 0: not applicable. */
struct dom_times {
    uint64_t ack_ns;        /* suspend asked → guest agreed (guest runs) */
    uint64_t suspend_ns;    /* agreed → standing still                   */
    uint64_t bitmap_ns;     /* dirty bitmap read and cleaned             */
    uint64_t copy_ns;       /* pages into staging, or out of it          */
    uint64_t context_ns;    /* TSC, parameters, vCPUs                    */
    uint64_t device_ns;     /* device model: stop, save or load, cont    */
    uint64_t resume_ns;     /* resume asked → call returned              */
};

struct dom_open {
    const char *name;             /* source: name or number of the domain */
    const struct logger *log;
    const char *state_dir;        /* for small files; exists */
    const char *backend_arg;      /* the backend's own; embedded: its file */
};

struct dom_create {
    const char *config_json;      /* NUL-terminated, from the xl header */
    size_t config_length;         /* octets, the NUL not counted */
    const char *incoming_suffix;  /* appended to the name */
    /* What the guest knows of its CPU; NULL, or one that is empty: it isn't
       known. */
    const struct dom_static *given;
};

struct dom_ops {
    const char *name;    /* "xen", "embedded" */
    bool runs_copies;    /* COLO: a copy can run beside its domain */
    bool captures_paused;    /* capture() also of a domain that is paused, and
                                didn't suspend; no resume() follows then */

    /* ---- both sides ---------------------------------------------------- */
    /* A descriptor that polls readable when an event may be there; the same
       one for the domain's whole life. */
    int (*fd)(struct dom *d);
    /* 0 with *ev_r, or ERR_AGAIN. */
    int (*next_event)(struct dom *d, struct dom_event *ev_r);
    /* Times of what was done since the last call; then they are zero. */
    void (*times)(struct dom *d, struct dom_times *t_r);
    const struct dom_info *(*info)(struct dom *d);
    /* Never changes what the guest does; idempotent on NULL. */
    void (*close)(struct dom *d);

    /* ---- source -------------------------------------------------------- */
    /* ERR_NOTFOUND unknown domain, ERR_PERM, ERR_UNSUPPORTED (says why). */
    int (*open)(const struct dom_open *o, struct dom **d_r, struct err *e);
    int (*static_data)(struct dom *d, struct dom_static *s_r, struct err *e);
    /* Map the memory, switch the dirty log on (device model's too). From
       then on every page that the guest has is listed once, written to or
       not: by dirty() in one or more rounds, as finding a large guest's
       memory goes on between them, and what they haven't listed by the
       capture() of the first suspend(). */
    int (*log_start)(struct dom *d, struct err *e);
    /* Idempotent, safe after failure; the guest goes on. */
    void (*log_stop)(struct dom *d);
    /* Read and clean the dirty log. *pfns_r (owned by dom, valid until the
       next call) lists the pages to send, ascending. */
    int (*dirty)(struct dom *d, const uint64_t **pfns_r, size_t *n_r,
                 struct err *e);
    /* How many pages were dirtied since the last capture(), about, 0 while
       that isn't known; the guest runs, nothing is cleaned. May be asked many
       times an epoch. */
    int (*dirty_count)(struct dom *d, uint64_t *pages_r, struct err *e);
    /* Copy @n guest pages to @to, n × CKPT_PAGE_SIZE octets. A page that
       is gone reads as zeroes and is listed again by the next dirty(). Of a
       sink: what apply() left; a page that the copy lacks reads as zeroes. */
    int (*copy)(struct dom *d, const uint64_t *pfns, size_t n, uint8_t *to,
                struct err *e);
    /* Ask the guest to stand still: DOM_EV_SUSPENDED or _FAILED follows
       within @timeout_ms. DOM_EV_SHUTDOWN may come instead. */
    int (*suspend)(struct dom *d, unsigned int timeout_ms, struct err *e);
    /* Withdraw the request. If it was too late, DOM_EV_SUSPENDED comes all
       the same and resume() is due. True when withdrawn in time. */
    bool (*suspend_cancel)(struct dom *d);
    /* Suspended: take dirty pages and all state into @c, which is reset.
       ERR_LIMIT: the pages don't fit (nothing lost: the next dirty() or
       capture() lists them again); ERR_DOMAIN: memory layout changed. */
    int (*capture)(struct dom *d, struct ckpt *c, uint64_t epoch,
                   struct err *e);
    int (*resume)(struct dom *d, struct err *e);
    /* The user's pause, a level deeper than suspend: vCPUs stand still until
       unpause(), through resume() and after close(). In turn, each once. */
    int (*pause)(struct dom *d, struct err *e);
    int (*unpause)(struct dom *d, struct err *e);
    /* Whether anybody has paused it; such a guest can't agree to suspend. */
    bool (*is_paused)(struct dom *d);
    /* This host ends, and all that runs on it, unless asked again within
       @seconds; 0: it doesn't any more. Close doesn't change it. ERR_BUSY:
       too many ask for it here. NULL: this backend can't end its host. */
    int (*lease)(struct dom *d, unsigned int seconds, struct err *e);
    /* The guest ended (DOM_EV_SHUTDOWN): do what its configuration says,
       or the same on behalf of the user who let it go elsewhere. One that
       suspended is left as it is. ERR_TIMEOUT: it takes long, and goes on by
       itself; again waits on. */
    int (*finish)(struct dom *d, enum dom_shutdown reason, struct err *e);
    /* Opened, no session: whether a killed one left something that recover()
       would put right; log_start() is ERR_BUSY then. NULL: as recover. */
    bool (*is_left)(struct dom *d);
    /* Opened, no session: a guest that a killed session left standing still
       goes on, with its logs off. Touches nothing without such a session.
       NULL: a domain of this backend ends with its session. */
    int (*recover)(struct dom *d, struct err *e);

    /* ---- sink ---------------------------------------------------------- */
    int (*open_sink)(const struct dom_open *o, struct dom **d_r,
                     struct err *e);
    /* Start the first copy, fed through *fd_r: a plain libxl stream without
       the xl header, up to and including END. The session closes the fd.
       ERR_BUSY: its name or identity is taken here; ERR_NOMEM, ERR_NOTFOUND,
       ERR_UNSUPPORTED: memory, a network or a CPU feature that it needs isn't
       here. Then nothing was begun. */
    int (*create)(struct dom *d, const struct dom_create *c, int *fd_r,
                  struct err *e);
    /* Memory of a complete epoch into the domain, its other state kept for
       activate(); @c is only read. Nothing of it was applied on failure
       before the first page; afterwards the copy is unusable. */
    int (*apply)(struct dom *d, const struct ckpt *c, struct err *e);
    /* Take over: newest applied epoch's state in, final name; run it, or
       leave it paused for the user. */
    int (*activate)(struct dom *d, bool run, struct err *e);
    /* Also the domain itself, on the source. Of a copy that create() refused
       it touches nothing: who has its name or identity is another domain.
       ERR_TIMEOUT: it isn't done within @wait_ms (at most the step limit),
       and goes on by itself; again waits on. On the source DOM_EV_GONE comes
       then. */
    int (*destroy)(struct dom *d, unsigned int wait_ms, struct err *e);

    /* ---- sink, where runs_copies ---------------------------------------- */
    /* Of the calls above a copy that stands also takes
         log_start           what it writes itself is logged, nothing else;
         resume              the newest applied epoch's state in, and it runs,
                             under its name with the suffix;
         suspend, dirty      as on the source; dirty() lists what it wrote
                             since resume(), which apply() then overwrites
                             (the session sees to that), and what waited for
                             it on its network is forgotten by apply();
         pause, unpause, is_paused
         activate            a copy that was resumed since apply() goes on
                             from its own state, also one that was asked to
                             suspend, or stands still for that;
         log_stop            after activate(). */
};

#endif
