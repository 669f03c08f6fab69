/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Sockets by address. Each is given up whole or not at all.
 */
#include "address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

/* The path behind "unix:", or NULL. */
static const char *path_of(const char *text)
{
    return strncmp(text, "unix:", 5) ? NULL : text + 5;
}

/* HOST and PORT of tcp:HOST:PORT; brackets around a HOST with colons. As with
   QEMU none is any here, or this host. */
static int split(const char *text, char host[ADDRESS_SIZE],
                 const char **port_r, struct err *e)
{
    const char *colon;
    size_t n;

    colon = strncmp(text, "tcp:", 4) ? NULL : strrchr(text + 4, ':');
    if (!colon || !colon[1] ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtoul(colon + 1, NULL, 10) > UINT16_MAX ||
        (size_t)(colon - text) >= ADDRESS_SIZE)
        return err_set(e, ERR_USAGE, "\"%s\" is neither tcp:HOST:PORT nor "
                       "unix:PATH", text);
    text += 4;
    n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    *port_r = colon + 1;
    return 0;
}

static int unix_address(const char *path, struct sockaddr_un *a_r,
                        struct err *e)
{
    memset(a_r, 0, sizeof(*a_r));
    a_r->sun_family = AF_UNIX;
    if (!path[0] || strlen(path) >= sizeof(a_r->sun_path))
        return err_set(e, ERR_USAGE, "a path of 1 to %zu octets is wanted, "
                       "not \"%s\"", sizeof(a_r->sun_path) - 1, path);
    memcpy(a_r->sun_path, path, strlen(path));
    return 0;
}

int address_check(const char *text, struct err *e)
{
    char host[ADDRESS_SIZE];
    struct sockaddr_un a;
    const char *port;

    return path_of(text) ? unix_address(path_of(text), &a, e) :
                           split(text, host, &port, e);
}

static int unix_socket(const char *path, struct sockaddr_un *a, int *fd_r,
                       struct err *e)
{
    int rc = unix_address(path, a, e);

    if (rc)
        return rc;
    *fd_r = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *fd_r < 0 ? err_sys(e, ERR_IO, errno, "no socket") : 0;
}

static int unix_listen(const char *path, int *fd_r, struct err *e)
{
    CLEANUP_CLOSE int probe = -1;
    struct sockaddr_un a;
    struct stat st;
    int rc = unix_socket(path, &a, &probe, e);

    if (rc)
        return rc;
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode) &&
        connect(probe, (struct sockaddr *)&a, sizeof(a)) &&
        errno == ECONNREFUSED)
        unlink(path);
    rc = unix_socket(path, &a, fd_r, e);
    if (!rc && (bind(*fd_r, (struct sockaddr *)&a, sizeof(a)) ||
                listen(*fd_r, 1)))
        rc = err_sys(e, ERR_IO, errno, "can't listen at unix:%s", path);
    return rc;
}

static int look_up(const char *text, bool listens, struct addrinfo **list_r,
                   struct err *e)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = listens ? AI_PASSIVE : 0,
    };
    char host[ADDRESS_SIZE];
    const char *port;
    int rc = split(text, host, &port, e), r;

    if (rc)
        return rc;
    r = getaddrinfo(host[0] ? host : NULL, port, &hints, list_r);
    return r ? err_set(e, ERR_NOTFOUND, "%s: %s", text, gai_strerror(r)) : 0;
}

/* Until the connection stands or doesn't; 0, or errno. */
static int await_connection(int fd, unsigned int wait_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    uint64_t end = clock_ms() + wait_ms, now;
    socklen_t n = sizeof(int);
    int r, error = 0;

    do {
        now = clock_ms();
        r = poll(&p, 1, now < end ? (int)(end - now) : 0);
    } while (r < 0 && errno == EINTR);
    if (r <= 0)
        return r < 0 ? errno : ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) ? errno : error;
}

/* @fd is one that blocks, before and afterwards; 0, or errno. */
static int connect_within(int fd, const struct sockaddr *a, socklen_t n,
                          unsigned int wait_ms)
{
    int flags = fcntl(fd, F_GETFL), error = 0;

    if (wait_ms)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    if (connect(fd, a, n))
        error = errno;
    if (wait_ms && (error == EINPROGRESS || error == EINTR))
        error = await_connection(fd, wait_ms);
    fcntl(fd, F_SETFL, flags);
    return error;
}

static int connect_failed(const char *text, int errnum, struct err *e)
{
    return err_sys(e, errnum == ETIMEDOUT ? ERR_TIMEOUT : ERR_IO, errnum,
                   "can't connect to %s", text);
}

/* 0, or errno. */
static int use_tcp(int fd, const struct addrinfo *a, bool listens,
                   unsigned int wait_ms)
{
    int on = 1;

    if (!listens)
        return connect_within(fd, a->ai_addr, a->ai_addrlen, wait_ms);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, 1) ? errno : 0;
}

static int tcp_socket(const char *text, bool listens, unsigned int wait_ms,
                      int *fd_r, struct err *e)
{
    struct addrinfo *list = NULL;
    int rc = look_up(text, listens, &list, e), fd = -1, error;

    if (rc)
        return rc;
    rc = err_set(e, ERR_NOTFOUND, "%s: no address", text);
    for (struct addrinfo *a = list; a && rc; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        error = fd < 0 ? errno : use_tcp(fd, a, listens, wait_ms);
        rc = !error ? 0 : !listens ? connect_failed(text, error, e) :
             err_sys(e, ERR_IO, error, "can't listen at %s", text);
        if (rc && fd >= 0)
            close(fd);
    }
    freeaddrinfo(list);
    *fd_r = rc ? -1 : fd;
    return rc;
}

static void show(const char *text, int fd, char shown[ADDRESS_SIZE])
{
    const char *colon = strrchr(text, ':');
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    char port[8];

    if (path_of(text) || getsockname(fd, (struct sockaddr *)&a, &n) ||
        getnameinfo((struct sockaddr *)&a, n, NULL, 0, port, sizeof(port),
                    NI_NUMERICSERV))
        snprintf(shown, ADDRESS_SIZE, "%s", text);
    else
        snprintf(shown, ADDRESS_SIZE, "%.*s:%s", (int)(colon - text), text,
                 port);
}

int address_listen(const char *text, int *fd_r, char shown[ADDRESS_SIZE],
                   struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    int rc = path_of(text) ? unix_listen(path_of(text), &fd, e) :
                             tcp_socket(text, true, 0, &fd, e);

    if (rc)
        return rc;
    show(text, fd, shown);
    *fd_r = fd;
    fd = -1;
    return 0;
}

int address_accept(const char *text, int fd, int *fd_r, struct err *e)
{
    do {
        *fd_r = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    } while (*fd_r < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (*fd_r < 0)
        err_sys(e, ERR_IO, errno, "nobody could connect");
    if (path_of(text))
        unlink(path_of(text));
    close(fd);
    return *fd_r < 0 ? e->code : 0;
}

int address_connect(const char *text, unsigned int wait_ms, int *fd_r,
                    struct err *e)
{
    CLEANUP_CLOSE int fd = -1;
    struct sockaddr_un a;
    int rc, error = 0;

    if (!path_of(text)) {
        rc = tcp_socket(text, false, wait_ms, &fd, e);
    } else {
        rc = unix_socket(path_of(text), &a, &fd, e);
        if (!rc)
            error = connect_within(fd, (struct sockaddr *)&a, sizeof(a),
                                   wait_ms);
        if (error)
            rc = connect_failed(text, error, e);
    }
    if (rc)
        return rc;
    *fd_r = fd;
    fd = -1;
    return 0;
}

bool address_is_tcp(const char *text)
{
    return !path_of(text);
}

void address_no_delay(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* The kernel forgets it with the next octets. */
void address_acknowledge(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}
