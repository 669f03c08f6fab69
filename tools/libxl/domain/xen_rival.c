/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Other tools that want the same log. A domain has one log of what it writes;
 * a migration by another tool empties it in every round and starts it anew at
 * its beginning, and what was in it then is lost for us, without an error.
 *
 * So one page is kept in the log that doesn't belong there: a quiet one, which
 * we say was written whenever we have emptied the log. When it isn't in the
 * log any more, somebody else has emptied it. It is only sent if it really
 * was written: it is compared with what it was when it was last known clean.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xen_priv.h"

#define LOOKS_MAX 4096u    /* page numbers to find one that is mapped */

void xen_rival_dispose(struct xen_rival *r)
{
    free(r->was);
    memset(r, 0, sizeof(*r));
}

/*
 * What the next one is before the log is emptied. If it isn't in the log then,
 * this is what it is at that moment, too, and what the copy has.
 */
void xen_rival_before(struct dom *d)
{
    struct xen_rival *r = &d->dirty.rival;
    const uint8_t *page = NULL;

    r->tried = false;
    if (r->set || !d->mem.pfns)
        return;
    if (!r->was)
        r->was = malloc(CKPT_PAGE_SIZE);
    for (unsigned int i = 0; i < LOOKS_MAX && !page; i++) {
        r->pfn = (r->pfn + 1) % d->mem.pfns;
        page = xen_mem_page(&d->mem, r->pfn);
    }
    r->tried = r->was && page;
    if (r->tried)
        memcpy(r->was, page, CKPT_PAGE_SIZE);
}

static void put_in(struct dom *d)
{
    struct xen_rival *r = &d->dirty.rival;

    r->set = !xendevicemodel_modified_memory(d->dmod,
                                             (domid_t)d->info.domid, r->pfn,
                                             1);
}

int xen_rival_after(struct dom *d, uint64_t *bits, bool cleaned,
                    struct err *e)
{
    struct xen_rival *r = &d->dirty.rival;
    const uint8_t *page = xen_mem_page(&d->mem, r->pfn);

    r->seen = r->set && !xen_has_bit(bits, r->pfn);
    if (r->seen)
        return err_set(e, ERR_DOMAIN, "another tool has emptied the dirty "
                       "log of %s (a migration?), so pages may be missed",
                       d->info.name);
    if (r->set) {
        /* Looked at after the log was emptied: a later write is in it. */
        r->set = page && !memcmp(page, r->was, CKPT_PAGE_SIZE);
        if (r->set)
            bits[r->pfn / XEN_WORD_BITS] &= ~xen_bit(r->pfn);
    } else {
        /* Nor is it to be sent now, while it may change and change back. */
        r->set = r->tried && !xen_has_bit(bits, r->pfn) &&
                 !xen_has_bit(d->dirty.keep, r->pfn);
    }
    r->tried = false;
    if (r->set && cleaned)
        put_in(d);
    return 0;
}

/* ---- a migration that is under way -------------------------------------- */

/* Is that process libxl's helper that saves the domain? Its arguments:
   --save-domain, the stream, the back channel, the domain. */
static bool saves(const char *pid, uint32_t domid)
{
    static const char name[] = "libxl-save-helper";
    char path[64], args[512];
    const char *word[5] = { 0 }, *base;
    CLEANUP_CLOSE int fd = -1;
    ssize_t n;
    size_t at = 0;

    snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, args, sizeof(args) - 1);
    if (n <= 0)
        return false;
    args[n] = '\0';
    for (int i = 0; i < 5; i++) {
        if (at >= (size_t)n)
            return false;
        word[i] = args + at;
        at += strlen(args + at) + 1;
    }
    base = strrchr(word[0], '/');
    return !strcmp(base ? base + 1 : word[0], name) &&
           !strcmp(word[1], "--save-domain") &&
           strtoul(word[4], NULL, 10) == domid;
}

int xen_rival_look(struct dom *d, struct err *e)
{
    DIR *proc = opendir("/proc");
    const struct dirent *f;
    int rc = 0;

    while (proc && !rc && (f = readdir(proc)))
        if (f->d_name[0] >= '1' && f->d_name[0] <= '9' &&
            saves(f->d_name, d->info.domid))
            rc = err_set(e, ERR_BUSY, "process %s migrates or saves %s (let "
                         "it end first)", f->d_name, d->info.name);
    if (proc)
        closedir(proc);
    return rc;
}
