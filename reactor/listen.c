/* SPDX-License-Identifier: MIT */
/*
 * Where a listener listens: sockets, and the files of UNIX sockets.
 *
 * Such a file gets its mode from the socket before it is there, so that at no
 * time more may enter than should; the process's umask is not touched. A file
 * that is there already is replaced only when it is a socket that nobody
 * answers at.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "reactor/endpoint.h"
#include "reactor/listener.h"

enum { LISTEN_MODE = 0600 };
#define LISTEN_HANDSHAKE (10 * THRUM_S)

/* Where, in one piece. */
typedef union listen_place {
    struct sockaddr any;
    struct sockaddr_un local;
    thrum__address address;
} listen_place;

static int listen_socket(const listen_place *place)
{
    return socket(place->any.sa_family,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static mode_t listen_mode(const thrum_listener_config *config)
{
    return config->mode != 0 ? config->mode : LISTEN_MODE;
}

static int listen_options(int fd, const listen_place *place,
                          const thrum_listener_config *config)
{
    int yes = 1;

    if (place->any.sa_family == AF_UNIX)
        return fchmod(fd, listen_mode(config));
    if (config->reuse_port &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0)
        return -1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

/* Removes a socket's file that nobody answers at. */
static bool listen_file_was_left(const listen_place *place, socklen_t size)
{
    const char *path = place->local.sun_path;
    struct stat file;
    bool left;
    int fd;

    if (place->any.sa_family != AF_UNIX || path[0] == '\0' ||
        lstat(path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    fd = listen_socket(place);
    left = fd >= 0 && connect(fd, &place->any, size) != 0 &&
           errno == ECONNREFUSED && unlink(path) == 0;
    if (fd >= 0)
        close(fd);
    return left;
}

static int listen_bind(int fd, const listen_place *place, socklen_t size)
{
    if (bind(fd, &place->any, size) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (listen_file_was_left(place, size))
        return bind(fd, &place->any, size);
    errno = EADDRINUSE;
    return -1;
}

static int listen_note_port(thrum_listener *listener)
{
    thrum__address bound;
    socklen_t size = sizeof bound;

    if (getsockname(listener->fd, &bound.any, &size) != 0)
        return -1;
    thrum__address_write(&bound, listener->name);
    listener->port = thrum__address_port(&bound);
    return 0;
}

/* Notes the file that is to be removed. What the process's umask took of its
 * mode is given back. */
static int listen_note_file(thrum_listener *listener, const char *path,
                            mode_t mode)
{
    struct stat file;

    if (lstat(path, &file) != 0)
        return -1;
    listener->device = file.st_dev;
    listener->inode = file.st_ino;
    if ((file.st_mode & 07777) != mode)
        return chmod(path, mode);
    return 0;
}

static int listen_note(thrum_listener *listener, const listen_place *place,
                       mode_t mode)
{
    const char *path = place->local.sun_path;

    if (place->any.sa_family != AF_UNIX)
        return listen_note_port(listener);
    return path[0] == '\0' ? 0 : listen_note_file(listener, path, mode);
}

/* What was bound, and then could not listen. */
static void listen_undo(int fd, const listen_place *place, bool bound)
{
    if (bound && place->any.sa_family == AF_UNIX &&
        place->local.sun_path[0] != '\0')
        unlink(place->local.sun_path);
    if (fd >= 0)
        close(fd);
}

/* Returns 0, or the errno. */
static int listen_open(thrum_listener *listener, const listen_place *place,
                       socklen_t size, const thrum_listener_config *config)
{
    int backlog = config->backlog > 0 ? config->backlog : SOMAXCONN;
    int fd = listen_socket(place);
    bool bound = fd >= 0 && listen_options(fd, place, config) == 0 &&
                 listen_bind(fd, place, size) == 0;
    int error;

    listener->fd = fd;
    if (bound && listen(fd, backlog) == 0 &&
        listen_note(listener, place, listen_mode(config)) == 0)
        return 0;
    error = errno;
    listen_undo(fd, place, bound);
    return error;
}

static thrum_listener *listen_new(thrum_reactor *reactor,
                                  const thrum_listener_config *config)
{
    thrum_listener *listener =
        thrum_context_allocate(reactor->context, sizeof *listener);

    if (listener == NULL)
        return NULL;
    *listener = (thrum_listener){
        .reactor = reactor,
        .context = reactor->context,
        .most = config->most,
        .within = config->within > 0 ? config->within : LISTEN_HANDSHAKE};
    return listener;
}

/* A listener, or the failure in *why with `where` in it. */
static thrum_listener *listen_start(thrum_listener *listener,
                                    const thrum_listener_config *config,
                                    int error, const char *where,
                                    thrum_failure **why)
{
    if (error == 0) {
        if (config->tls != NULL)
            listener->tls = thrum_tls_ref(config->tls);
        thrum__listener_start(listener);
        return listener;
    }
    *why = thrum__reactor_failure(listener->context, THRUM_REACTOR_E_LISTEN,
                                  error, "cannot listen at %s", where);
    thrum_context_release(listener->context, listener);
    return NULL;
}

static thrum_listener *listen_at_port(thrum_reactor *reactor, const char *host,
                                      uint16_t port,
                                      const thrum_listener_config *config,
                                      thrum_failure **why)
{
    thrum_listener *listener = listen_new(reactor, config);
    listen_place place;
    char where[200];
    int error = EADDRNOTAVAIL;

    if (listener == NULL) {
        *why = thrum_failure_no_memory();
        return NULL;
    }
    snprintf(where, sizeof where, "%.150s, port %u", host, (unsigned)port);
    if (thrum__address_read(&place.address, host, port) == 0)
        error = listen_open(listener, &place,
                            thrum__address_size(&place.address), config);
    else
        snprintf(where, sizeof where, "%.150s: this is no address in figures",
                 host);
    return listen_start(listener, config, error, where, why);
}

static thrum_listener *listen_at_path(thrum_reactor *reactor, const char *path,
                                      const thrum_listener_config *config,
                                      thrum_failure **why)
{
    thrum_listener *listener = listen_new(reactor, config);
    listen_place place;
    socklen_t size = thrum__endpoint_unix(&place.local, path);
    char where[200];
    int error = EADDRNOTAVAIL;

    if (listener == NULL) {
        *why = thrum_failure_no_memory();
        return NULL;
    }
    snprintf(where, sizeof where, "unix:%.150s", path);
    if (size > 0) {
        snprintf(listener->name, sizeof listener->name, "unix:%s", path);
        error = listen_open(listener, &place, size, config);
    }
    return listen_start(listener, config, error, where, why);
}

static bool listen_is_over(const thrum_reactor *reactor, thrum_failure **why)
{
    if (reactor->ending)
        *why = thrum__reactor_failure(reactor->context, THRUM_REACTOR_E_STOPPED,
                                      0, "the reactor was stopped");
    return reactor->ending;
}

/* Gives the failure to who wants it. */
static thrum_listener *listen_answer(thrum_listener *listener,
                                     thrum_failure *error, thrum_failure **why)
{
    if (why != NULL && listener == NULL)
        *why = error;
    else
        thrum_failure_unref(error);
    return listener;
}

static const thrum_listener_config listen_defaults;

thrum_listener *thrum_listen_tcp(thrum_reactor *reactor, const char *host,
                                 uint16_t port,
                                 const thrum_listener_config *config,
                                 thrum_failure **why)
{
    thrum_failure *error = NULL;
    thrum_listener *listener = NULL;

    if (!listen_is_over(reactor, &error))
        listener =
            listen_at_port(reactor, host, port,
                           config != NULL ? config : &listen_defaults, &error);
    return listen_answer(listener, error, why);
}

thrum_listener *thrum_listen_unix(thrum_reactor *reactor, const char *path,
                                  const thrum_listener_config *config,
                                  thrum_failure **why)
{
    thrum_failure *error = NULL;
    thrum_listener *listener = NULL;

    if (!listen_is_over(reactor, &error))
        listener = listen_at_path(
            reactor, path, config != NULL ? config : &listen_defaults, &error);
    return listen_answer(listener, error, why);
}

/* Whether the endpoint and the configuration say the same of TLS. */
static thrum_failure *listen_judge(thrum_context *context,
                                   const thrum__endpoint *endpoint,
                                   const char *text,
                                   const thrum_listener_config *config)
{
    bool tls = config->tls != NULL;

    if (endpoint->kind == THRUM__ENDPOINT_UNIX ||
        tls == (endpoint->kind == THRUM__ENDPOINT_TLS))
        return NULL;
    return thrum__endpoint_failure(
        context, text, 0,
        tls ? "an endpoint tcp: does without TLS"
            : "an endpoint tls: needs a certificate");
}

thrum_listener *thrum_listen(thrum_reactor *reactor, const char *endpoint,
                             const thrum_listener_config *config,
                             thrum_failure **why)
{
    thrum_context *context = reactor->context;
    thrum__endpoint place;
    thrum_failure *error = thrum__endpoint_parse(context, &place, endpoint);

    if (config == NULL)
        config = &listen_defaults;
    if (error == NULL)
        error = listen_judge(context, &place, endpoint, config);
    if (error != NULL)
        return listen_answer(NULL, error, why);
    if (place.kind == THRUM__ENDPOINT_UNIX)
        return thrum_listen_unix(reactor, place.path, config, why);
    return thrum_listen_tcp(reactor, place.host, place.port, config, why);
}
