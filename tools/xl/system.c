/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Handing a command on to the system's own xl, unchanged. Never runs this
 * program again, whatever name or link leads to it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xl.h"

#define SYSTEM_XL "/usr/sbin/xl"
#define HOW_TO_NAME "install xen-utils, or name it in XL_COLO_SYSTEM_XL"

int system_xl_exec(char **argv, struct err *e)
{
    const char *path = getenv("XL_COLO_SYSTEM_XL");
    struct stat theirs, ours;

    if (!path || !path[0])
        path = SYSTEM_XL;
    if (stat(path, &theirs))
        return err_set(e, ERR_NOTFOUND, "there is no system xl at %s to hand "
                       "this on to (" HOW_TO_NAME ")", path);
    if (!stat("/proc/self/exe", &ours) && ours.st_dev == theirs.st_dev &&
        ours.st_ino == theirs.st_ino)
        return err_set(e, ERR_NOTFOUND, "%s is this program, not the "
                       "system's xl (" HOW_TO_NAME ")", path);
    fflush(stdout);
    execv(path, argv);
    return err_sys(e, ERR_IO, errno, "can't run the system's xl %s", path);
}
