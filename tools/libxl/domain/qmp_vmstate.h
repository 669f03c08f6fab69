/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The synthetic disk image through which an unmodified QEMU loads device
 * state again and again: a qcow2 file of one internal snapshot whose state
 * area is what xen-save-devices-state wrote, verbatim. QEMU's own command
 * for loading, xen-load-devices-state, aborts the process at its second use
 * (all versions from 6.0), and snapshot-load doesn't.
 *
 * Pure: makes bytes, does no I/O. Layout in facts of the prototype and in
 * QEMU's docs/interop/qcow2.txt.
 */
#ifndef XC_DOMAIN_QMP_VMSTATE_H
#define XC_DOMAIN_QMP_VMSTATE_H

#include <stddef.h>
#include <stdint.h>

#define VMSTATE_CLUSTER      ((size_t)65536)
#define VMSTATE_META         (7 * VMSTATE_CLUSTER)    /* clusters 0 to 6 */
#define VMSTATE_DATA_OFFSET  VMSTATE_META
/* Refcounts and L2 table hold no more than one cluster each. */
#define VMSTATE_CAPACITY_MAX ((size_t)8192 * VMSTATE_CLUSTER)

/*
 * Fill @meta, VMSTATE_META octets, for an image that can hold up to
 * @capacity octets of state, a multiple of VMSTATE_CLUSTER. The state's
 * bytes go to the file at VMSTATE_DATA_OFFSET, now or later.
 */
void vmstate_image(uint8_t *meta, size_t capacity);

#endif
