/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the parts of the embedded backend share: embedded.c (contract),
 * embedded_core.c (memory and epochs),
 * embedded_service.c (sockets and held answers), embedded_sink.c (first
 * copy), embedded_config.c.
 */
#ifndef XC_DOMAIN_EMBEDDED_INT_H
#define XC_DOMAIN_EMBEDDED_INT_H

#include <netinet/in.h>

#include "embedded.h"
#include "embedded_guest.h"

#define EMB_CLIENTS_MAX 64
#define EMB_HELD_MAX ((size_t)8 << 20)    /* octets of held answers */
#define EMB_EVENTS_MAX 8
#define EMB_TICK_MS 10

struct emb_client {
    int fd;                     /* -1: free */
    uint32_t life;              /* counts up with each use */
    char line[GUEST_LINE];
    size_t used;
};

struct emb_config {
    char name[DOM_NAME_MAX];
    uint8_t uuid[16];
    size_t pages, work_pages;
    struct sockaddr_in listen;
};

struct emb_feed;

struct dom {
    struct dom_info info;       /* first: networks find the domain by it */
    const struct logger *log;
    struct emb_config config;
    struct guest guest;
    int epoll, event, tick, listener;
    struct emb_client clients[EMB_CLIENTS_MAX];
    struct net *net;
    bool sink, running, paused, logging;
    bool wants_address;         /* the service's: the other copy has it */
    struct dom_event events[EMB_EVENTS_MAX];
    unsigned int events_nr;
    uint64_t *pfns;             /* [pages]: what dirty() hands out */
    struct dom_times times;
    struct emb_feed *feed;      /* sink: while the first copy comes */
    struct buf context;         /* sink: newest applied */
};

int emb_config_parse(const char *json, size_t n, struct emb_config *c,
                     struct err *e);
int emb_config_read(const char *path, char **json_r, struct err *e);

/* embedded_core.c: as in struct dom_ops, but for: */
/* Memory and what others see of the domain, named with @suffix. */
int emb_fill(struct dom *d, const char *json, size_t n, const char *suffix,
             struct err *e);
/* The newest applied context in, and the final name. */
int emb_load(struct dom *d, struct err *e);
int emb_log_start(struct dom *d, struct err *e);
void emb_log_stop(struct dom *d);
int emb_dirty_count(struct dom *d, uint64_t *pages_r, struct err *e);
int emb_dirty(struct dom *d, const uint64_t **pfns_r, size_t *n_r,
              struct err *e);
int emb_copy(struct dom *d, const uint64_t *pfns, size_t n, uint8_t *to,
             struct err *e);
int emb_capture(struct dom *d, struct ckpt *c, uint64_t epoch,
                struct err *e);
int emb_apply(struct dom *d, const struct ckpt *c, struct err *e);

void emb_post(struct dom *d, enum dom_ev_kind kind, const struct err *err);
int emb_watch(struct dom *d, int fd, struct err *e);

/* The service: bind, take requests while the guest runs, answer. */
int emb_service_start(struct dom *d, struct err *e);
void emb_service_stop(struct dom *d);
/* The user's pause: requests wait. */
int emb_pause(struct dom *d, struct err *e);
int emb_unpause(struct dom *d, struct err *e);
bool emb_is_paused(struct dom *d);
/* Something in the epoll set is readable; never blocks. */
void emb_service_poll(struct dom *d);

int emb_feed_start(struct dom *d, int *fd_r, struct err *e);
/* Without a pipe: the restore's parser, and octets for it. 0: more are
   needed, 1: complete, -1: failed. */
int emb_feed_new(struct dom *d, struct err *e);
int emb_feed_take(struct dom *d, const uint8_t *data, size_t n,
                  struct err *e);
void emb_feed_poll(struct dom *d);
void emb_feed_free(struct dom *d);

#endif
