/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * lab-fence PEER: asks the lab's power switch to cut the peer's power and
 * exits 0 only when it answered "ok", that is when the peer is certainly
 * dead.  PEER is a or b, or one of its addresses.  Bounded by five seconds in
 * all.  Used as `--fence lab-fence`.
 */
#define _GNU_SOURCE

#include "lab.h"

#define LIMIT_S 5

static void too_late(int signo)
{
    static const char text[] = "lab-fence: no answer within 5 s\n";
    ssize_t r = write(2, text, sizeof(text) - 1);

    (void)signo;
    (void)r;
    _exit(1);
}

static const char *host_of(const char *peer)
{
    static const struct {
        const char *name, *host;
    } known[] = {
        {"a", "a"},
        {"192.0.2.11", "a"},
        {"198.51.100.11", "a"},
        {"b", "b"},
        {"192.0.2.12", "b"},
        {"198.51.100.12", "b"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (!strcmp(known[i].name, peer))
            return known[i].host;
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(LAB_POWER_PORT)};
    const char *host = argc == 2 ? host_of(argv[1]) : NULL;
    char answer[128] = "";
    size_t n = 0;
    ssize_t r;
    int fd;

    if (!host) {
        fprintf(stderr, "usage: lab-fence a|b|ADDRESS\n");
        return 2;
    }
    signal(SIGALRM, too_late);
    alarm(LIMIT_S);
    inet_pton(AF_INET, LAB_POWER_ADDR, &sa.sin_addr);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
        dprintf(fd, "cut %s\n", host) < 0) {
        fprintf(stderr, "lab-fence: %s\n", strerror(errno));
        return 1;
    }
    while (n < sizeof(answer) - 1 && !strchr(answer, '\n')) {
        r = read(fd, answer + n, sizeof(answer) - 1 - n);
        if (r <= 0)
            break;
        n += r;
    }
    if (!strcmp(answer, "ok\n"))
        return 0;
    fprintf(stderr, "lab-fence: refused: %s\n", n ? answer : "no answer");
    return 1;
}
