/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Makes the metadata of the synthetic qcow2 image.
 */
#include "qmp_vmstate.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"

#define CLUSTER_BITS    16u
#define DISK_SIZE       65536u    /* one cluster, so that L1[1] is the state */
#define HEADER_LENGTH   104u

/* Which cluster holds what. */
enum {
    C_HEADER, C_REFTABLE, C_REFCOUNTS, C_ACTIVE_L1, C_SNAPSHOTS,
    C_SNAPSHOT_L1, C_L2, C_DATA
};

static uint8_t *cluster(uint8_t *meta, unsigned int i)
{
    return meta + i * VMSTATE_CLUSTER;
}

static uint64_t offset(unsigned int i)
{
    return (uint64_t)i << CLUSTER_BITS;
}

static void put_header(uint8_t *p)
{
    put_be32(p, 0x514649fb);                  /* "QFI\xfb" */
    put_be32(p + 4, 3);                       /* version */
    put_be32(p + 20, CLUSTER_BITS);
    put_be64(p + 24, DISK_SIZE);
    put_be32(p + 36, 2);                      /* L1 entries */
    put_be64(p + 40, offset(C_ACTIVE_L1));
    put_be64(p + 48, offset(C_REFTABLE));
    put_be32(p + 56, 1);                      /* its clusters */
    put_be32(p + 60, 1);                      /* snapshots */
    put_be64(p + 64, offset(C_SNAPSHOTS));
    put_be32(p + 96, 4);                      /* refcounts of 16 bits */
    put_be32(p + 100, HEADER_LENGTH);
}

static void put_snapshot(uint8_t *p, uint64_t length)
{
    put_be64(p, offset(C_SNAPSHOT_L1));
    put_be32(p + 8, 2);                       /* its L1 entries */
    put_be16(p + 12, 1);                      /* length of the id */
    put_be16(p + 14, 1);                      /* length of the name */
    /* Only zero is refused; the state ends itself. */
    put_be32(p + 32, (uint32_t)length);
    put_be32(p + 36, 24);                     /* extra data */
    put_be64(p + 40, length);
    put_be64(p + 48, DISK_SIZE);
    put_be64(p + 56, UINT64_MAX);             /* no instruction counter */
    p[64] = '1';
    p[65] = 's';
}

void vmstate_image(uint8_t *meta, size_t capacity)
{
    size_t i, n = capacity / VMSTATE_CLUSTER;

    assert(n && capacity % VMSTATE_CLUSTER == 0);
    assert(capacity <= VMSTATE_CAPACITY_MAX);
    memset(meta, 0, VMSTATE_META);
    put_header(cluster(meta, C_HEADER));
    put_be64(cluster(meta, C_REFTABLE), offset(C_REFCOUNTS));
    /* The two L1 tables share what they lead to: counted twice. */
    for (i = 0; i < C_DATA + n; i++)
        put_be16(cluster(meta, C_REFCOUNTS) + 2 * i, i < C_L2 ? 1 : 2);
    put_be64(cluster(meta, C_ACTIVE_L1) + 8, offset(C_L2));
    put_be64(cluster(meta, C_SNAPSHOT_L1) + 8, offset(C_L2));
    put_snapshot(cluster(meta, C_SNAPSHOTS), capacity);
    for (i = 0; i < n; i++)
        put_be64(cluster(meta, C_L2) + 8 * i,
                 (uint64_t)(C_DATA + i) << CLUSTER_BITS);
}
