/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the parts of the embedded backend share: embedded.c (contract),
 * embedded_core.c (memory and epochs), embedded_net.c (frames, held or told
 * of), embedded_service.c (sockets), embedded_sink.c (first copy),
 * embedded_config.c.
 */
#ifndef XC_DOMAIN_EMBEDDED_INT_H
#define XC_DOMAIN_EMBEDDED_INT_H

#include <netinet/in.h>

#include "embedded.h"
#include "embedded_guest.h"

#define EMB_CLIENTS_MAX ((int)GUEST_CONNS)
#define EMB_HELD_MAX ((size_t)8 << 20)    /* octets of frames in a queue */
#define EMB_EVENTS_MAX 8
#define EMB_TICK_MS 10

enum emb_peer { PEER_OPENS, PEER_OPEN, PEER_CLOSES };

struct emb_client {             /* a peer of the guest's, and its socket */
    int fd;                     /* -1: free */
    uint32_t life;              /* counts up with each use */
    enum emb_peer state;
    uint32_t seq, ack;          /* the next octet to the guest, and from it */
};

struct emb_packet;

struct emb_queue {              /* all zero: empty */
    struct emb_packet *head, *last;
    size_t octets;
};

struct emb_config {
    char name[DOM_NAME_MAX];
    uint8_t uuid[16];
    size_t pages, work_pages;
    unsigned int suspend_ms;
    struct sockaddr_in listen;
};

struct emb_feed;

struct dom {
    struct dom_info info;       /* first: networks find the domain by it */
    const struct logger *log;
    struct emb_config config;
    struct guest guest;
    /* What counts while the guest runs and isn't paused (tick, listener and
       clients) is in @live, which is in @epoll for as long. */
    int epoll, live, event, agree, tick, listener;
    bool is_live;
    struct emb_client clients[EMB_CLIENTS_MAX];
    struct emb_queue waiting;   /* frames for the guest */
    bool pumping;
    struct net *net;
    bool sink, running, paused, logging;
    bool copy;                  /* sink: until activate() */
    bool own_state;             /* copy: was resumed since apply() */
    bool asked, refuses;        /* to suspend; it will say no */
    unsigned int timeout_ms;    /* of that */
    uint64_t asked_ns;
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
/* The newest applied context in, if it hasn't run since, and the final
   name. */
int emb_load(struct dom *d, struct err *e);
/* Sink: the newest applied context in, if it hasn't run since. */
int emb_load_context(struct dom *d, struct err *e);
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
/* @fd into the set @epoll, one of the domain's two. */
int emb_watch(int epoll, int fd, struct err *e);
/* The guest was asked to stand still, and its time is over. */
void emb_agree(struct dom *d);

/* embedded_net.c */
/* A frame for the guest: now if it runs and isn't paused, else when it does;
   bounded. */
void emb_to_guest(struct dom *d, const uint8_t *frame, size_t size);
/* The guest runs, or is unpaused: what waits for it. */
void emb_pump(struct dom *d);
void emb_queue_clear(struct emb_queue *q);

/* embedded_service.c */
void emb_service_init(struct dom *d);
/* Bind, and take connections while the guest runs. */
int emb_service_start(struct dom *d, struct err *e);
void emb_service_stop(struct dom *d);
/* Something in the epoll set is readable; never blocks. */
void emb_service_poll(struct dom *d);
/* A frame of the guest's reaches the peer that it is for; it never will. */
void emb_peer_takes(struct dom *d, const uint8_t *frame, size_t n);
void emb_peer_misses(struct dom *d, const uint8_t *frame, size_t n);

int emb_feed_start(struct dom *d, int *fd_r, struct err *e);
/* Without a pipe: the restore's parser, and octets for it. 0: more are
   needed, 1: complete, -1: failed. */
int emb_feed_new(struct dom *d, struct err *e);
int emb_feed_take(struct dom *d, const uint8_t *data, size_t n,
                  struct err *e);
void emb_feed_poll(struct dom *d);
void emb_feed_free(struct dom *d);

#endif
