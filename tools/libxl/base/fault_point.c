/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Reads the list once, counts down.
 */
#include "fault_point.h"

#include <stdlib.h>
#include <string.h>

struct point {
    const char *name;    /* in the environment, not terminated */
    size_t length;
    unsigned long left;
};

static struct point points[FAULT_POINTS_MAX];
static int points_nr = -1;    /* not read yet */

static void read_points(void)
{
    const char *at = getenv(FAULT_POINTS_ENV);

    points_nr = 0;
    while (at && *at && points_nr < FAULT_POINTS_MAX) {
        struct point *p = &points[points_nr];
        const char *colon = strchr(at, ':');
        char *end;

        if (!colon)
            return;
        p->name = at;
        p->length = (size_t)(colon - at);
        p->left = strtoul(colon + 1, &end, 10);
        points_nr++;
        at = *end == ',' ? end + 1 : NULL;
    }
}

bool fault_points_on(void)
{
    if (points_nr < 0)
        read_points();
    return points_nr > 0;
}

bool fault_point(const char *name)
{
    size_t n = strlen(name);

    for (int i = 0; fault_points_on() && i < points_nr; i++) {
        struct point *p = &points[i];

        if (p->length == n && !memcmp(p->name, name, n) && p->left &&
            --p->left == 0)
            return true;
    }
    return false;
}
