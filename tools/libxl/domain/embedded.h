/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain: a small deterministic guest inside this process, with
 * memory in pages, a dirty log, a vCPU context and a service on a TCP
 * address. It obeys the contract of ops/domain.h, so that sessions run, and
 * are tested and shown, without a hypervisor. One thread; no global state.
 *
 * A source is made from a file (dom_open.backend_arg), a JSON object:
 *   name, uuid   as of any domain
 *   pages        guest memory, 4 KiB each (64 to 1048576)
 *   listen       "A.B.C.D:PORT" where its service answers
 *   work_pages   pages that its program dirties every 10 ms
 *   suspend_ms   how long it takes to agree to a suspend (0 to 86400000; 0,
 *                and so if it isn't there: it stands still at once). Asked
 *                for less, it refuses.
 * The same object travels as the configuration in the stream.
 */
#ifndef XC_DOMAIN_EMBEDDED_H
#define XC_DOMAIN_EMBEDDED_H

#include "domain.h"
#include "network.h"

extern const struct dom_ops dom_embedded_ops;
/* For embedded domains only: the frames between the guest and those that are
   connected to its address, one interface, number 0. */
extern const struct net_ops net_embedded_ops;

#endif
