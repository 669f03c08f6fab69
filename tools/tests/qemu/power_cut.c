/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Preloaded into a process by a test: remembers, in the folder POWER_CUT, what
 * has to be on the disk after each fsync(). f-INODE is a file's content,
 * d-INODE a directory's names. k-INODE is a link to the file, so that no other
 * gets its number. power.py makes of it what a cut of the power leaves.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void note_file(const char *folder, int fd, unsigned long inode)
{
    char path[512], link[512], data[65536];
    off_t at = 0;
    ssize_t n;
    int to;

    snprintf(path, sizeof(path), "%s/f-%lu", folder, inode);
    to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while ((n = pread(fd, data, sizeof(data), at)) > 0) {
        if (write(to, data, (size_t)n) != n)
            abort();
        at += n;
    }
    close(to);
    snprintf(link, sizeof(link), "%s/k-%lu", folder, inode);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    (void)linkat(AT_FDCWD, path, AT_FDCWD, link, AT_SYMLINK_FOLLOW);
}

static void note_directory(const char *folder, int fd, unsigned long inode)
{
    DIR *d = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY));
    struct dirent *entry;
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/d-%lu", folder, inode);
    f = fopen(path, "w");
    if (!d || !f)
        abort();
    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.')
            fprintf(f, "%lu %d %s\n", (unsigned long)entry->d_ino,
                    entry->d_type == DT_DIR, entry->d_name);
    fclose(f);
    closedir(d);
}

int fsync(int fd);
int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    const char *folder = getenv("POWER_CUT");
    struct stat st;
    int r = real(fd);

    if (r || !folder || fstat(fd, &st))
        return r;
    if (S_ISDIR(st.st_mode))
        note_directory(folder, fd, (unsigned long)st.st_ino);
    else
        note_file(folder, fd, (unsigned long)st.st_ino);
    return 0;
}
