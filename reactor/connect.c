/* SPDX-License-Identifier: MIT */
/*
 * An attempt to connect: look the name up, then race its addresses (race.h),
 * until one answers or the time is over. The race begins with the addresses of
 * one family when the other one's are late, or lost. TLS begins with the winner
 * alone: who fails there is not replaced by another address.
 *
 * All of it begins in the next turn of the loop; so nothing is told before the
 * call has returned.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <thrum/connect.h>

#include "reactor/endpoint.h"
#include "reactor/host.h"
#include "reactor/lookup.h"
#include "reactor/race.h"
#include "reactor/stream.h"

enum { CONNECT_SHOWN = 300, CONNECT_WHERE = 400 };
/* A UNIX socket whose queue is full tells nobody when there is room. */
#define CONNECT_AGAIN (10 * THRUM_MS)

typedef struct attempt {
    thrum__link link; /* first: in reactor->connects */
    thrum_reactor *reactor;
    thrum_deferred *deferred;
    thrum__soon start;
    thrum_call *timer; /* of all of it */
    thrum_call *again; /* of a UNIX socket */
    thrum__lookup *lookup;
    thrum__race race;
    thrum_tls *tls;       /* NULL: the reactor's own */
    thrum_stream *stream; /* while TLS begins */
    thrum_deferred *handshake;
    bool over;          /* the end of the handshake is nobody's concern */
    thrum__address own; /* of a host in figures */
    bool figures;
    thrum__endpoint_kind kind;
    uint16_t port;
    char host[]; /* or path */
} attempt;

static void connect_free(attempt *self)
{
    thrum_clock *clock = self->reactor->time;

    thrum__soon_stop(self->reactor, &self->start);
    thrum__race_stop(&self->race);
    thrum__lookup_cancel(self->lookup);
    thrum_clock_cancel(clock, self->timer);
    thrum_clock_cancel(clock, self->again);
    thrum__link_remove(&self->link);
    self->reactor->counts.connects--;
    self->over = true;
    if (self->handshake != NULL)
        thrum_deferred_cancel(self->handshake);
    thrum_stream_unref(self->stream);
    thrum_tls_unref(self->tls);
    thrum_context_release(self->reactor->context, self);
}

static void connect_fail(attempt *self, thrum_failure *why)
{
    thrum_deferred *deferred = self->deferred;
    thrum__slow *slow = &self->reactor->slow;

    connect_free(self);
    thrum__slow_fail(slow, deferred, why);
}

static void connect_end(attempt *self, thrum_stream *stream)
{
    thrum_deferred *deferred = self->deferred;
    thrum__slow *slow = &self->reactor->slow;

    connect_free(self);
    thrum__slow_fire(slow, deferred, stream, thrum_stream_unref);
}

/* "mail.example:25", and " at 192.0.2.1:25" once an address was tried. */
static const char *connect_where(const attempt *self, char where[CONNECT_WHERE])
{
    char text[THRUM__ADDRESS_TEXT];
    const char *host = thrum__host_shown(self->host);

    if (self->race.tried)
        thrum__address_write(&self->race.last, text);
    if (self->kind == THRUM__ENDPOINT_UNIX)
        snprintf(where, CONNECT_WHERE, "unix:%.*s", CONNECT_SHOWN, host);
    else if (!self->race.tried)
        snprintf(where, CONNECT_WHERE, "%.*s:%u", CONNECT_SHOWN, host,
                 (unsigned)self->port);
    else if (self->figures)
        snprintf(where, CONNECT_WHERE, "%s", text);
    else
        snprintf(where, CONNECT_WHERE, "%.*s:%u at %s", CONNECT_SHOWN, host,
                 (unsigned)self->port, text);
    return where;
}

static thrum_failure *connect_failure(const attempt *self, int code, int error,
                                      const char *stage)
{
    char where[CONNECT_WHERE];
    thrum_context *context = self->reactor->context;
    thrum_failure *why =
        thrum_failure_new(context, &thrum_domain_reactor, code, "%s %s", stage,
                          connect_where(self, where));

    if (error == 0)
        return why;
    return thrum_failure_because(
        why, thrum_failure_new(context, &thrum_domain_system, error, NULL));
}

static void connect_on_time(void *ctx)
{
    attempt *self = ctx;
    bool named = self->kind != THRUM__ENDPOINT_UNIX && !self->figures;
    const char *stage = named && !self->race.tried
                            ? "the time is over: looking up"
                            : "the time is over: connecting to";

    if (self->stream != NULL)
        stage = "the time is over: TLS handshake with";

    self->timer = NULL;
    connect_fail(self,
                 connect_failure(self, THRUM_REACTOR_E_TIMEOUT, 0, stage));
}

/* ---- TLS ---- */

static thrum_outcome connect_shaken(void *value, void *ctx)
{
    attempt *self = ctx;
    thrum_stream *stream = self->stream;

    (void)value;
    self->handshake = NULL;
    self->stream = NULL;
    connect_end(self, stream);
    return thrum_done();
}

/* What went wrong, without whom it went wrong with: that stands before it. */
static const char *connect_tls_words(const attempt *self,
                                     const thrum_failure *why)
{
    const char *text = thrum_failure_text(why);
    const char *peer = thrum_stream_peer(self->stream);
    size_t size = strlen(peer);

    if (strncmp(text, peer, size) == 0 && strncmp(text + size, ": ", 2) == 0)
        text += size + 2;
    return text;
}

static thrum_outcome connect_not_shaken(const thrum_failure *why, void *ctx)
{
    attempt *self = ctx;
    char where[CONNECT_WHERE];
    int code = THRUM_REACTOR_E_TLS;
    const thrum_failure *beneath = thrum_failure_cause(why);
    thrum_failure *told;

    self->handshake = NULL;
    if (self->over)
        return thrum_done();
    if (thrum_failure_is(why, &thrum_domain_base, THRUM_E_NOMEM)) {
        connect_fail(self, thrum_failure_no_memory());
        return thrum_done();
    }
    if (thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_TIMEOUT))
        code = THRUM_REACTOR_E_TIMEOUT;
    told = thrum_failure_new(self->reactor->context, &thrum_domain_reactor,
                             code, "TLS handshake with %s: %s",
                             connect_where(self, where),
                             connect_tls_words(self, why));
    if (beneath != NULL) /* what `why` itself says was told */
        told = thrum_failure_because(told, thrum_failure_ref(beneath));
    connect_fail(self, told);
    return thrum_done();
}

/* The attempt's own time is over before the handshake's. What has failed
 * already is told here, and then `self` is gone. */
static void connect_shake(attempt *self, thrum_stream *stream)
{
    thrum_deferred *handshake =
        thrum_stream_start_tls(stream, self->tls, self->host, 0, INT64_MAX);

    self->stream = stream;
    self->handshake = handshake;
    if (thrum_deferred_add(handshake, connect_shaken, connect_not_shaken, self,
                           NULL) != 0) {
        self->handshake = NULL;
        connect_fail(self, thrum_failure_no_memory());
        thrum_deferred_cancel(handshake);
    }
    thrum_deferred_finish(handshake);
}

/* ---- TCP ---- */

static void connect_raced(thrum_stream *stream, int error, void *ctx)
{
    attempt *self = ctx;

    if (stream != NULL && self->kind == THRUM__ENDPOINT_TLS)
        connect_shake(self, stream);
    else if (stream != NULL)
        connect_end(self, stream);
    else if (error == ENOMEM)
        connect_fail(self, thrum_failure_no_memory());
    else
        connect_fail(self, connect_failure(self, THRUM_REACTOR_E_CONNECT, error,
                                           "cannot connect to"));
}

static thrum_failure *connect_no_name(const attempt *self,
                                      const thrum_domain *domain, int code,
                                      const char *words)
{
    char where[CONNECT_WHERE];

    return thrum_failure_new(self->reactor->context, domain, code,
                             "cannot look up %s: %s",
                             connect_where(self, where), words);
}

/* That there is no such name is said beneath. */
static void connect_has_no_address(attempt *self, const thrum__found *found)
{
    thrum_failure *why;

    if (found->words == NULL) {
        connect_fail(self, thrum_failure_no_memory());
        return;
    }
    why = connect_no_name(self, &thrum_domain_reactor, THRUM_REACTOR_E_RESOLVE,
                          found->words);
    if (found->kind != THRUM__ANSWER_FAILED)
        why = thrum_failure_because(
            why,
            thrum_failure_new(self->reactor->context, &thrum_domain_reactor,
                              THRUM_REACTOR_E_NO_RECORDS, NULL));
    connect_fail(self, why);
}

static void connect_looked_up(const thrum__found *found, void *ctx)
{
    attempt *self = ctx;

    if (found->last)
        self->lookup = NULL;
    if (found->count == 0 && !self->race.waiting)
        connect_has_no_address(self, found);
    else
        thrum__race_add(&self->race, found->addresses, found->count, self->port,
                        !found->last);
}

static void connect_look_up(attempt *self)
{
    char ascii[THRUM_HOST_ROOM];
    const char *wrong;
    int status = thrum_host_to_ascii(ascii, self->host, &wrong);

    if (status == THRUM_E_INVALID) {
        connect_fail(self,
                     connect_no_name(self, &thrum_domain_base, status, wrong));
        return;
    }
    if (status == 0)
        self->lookup = thrum__lookup_new(self->reactor, ascii, true,
                                         connect_looked_up, self);
    if (self->lookup == NULL)
        connect_fail(self, thrum_failure_no_memory());
}

static void connect_start_tcp(attempt *self)
{
    if (self->figures)
        thrum__race_add(&self->race, &self->own, 1, self->port, false);
    else
        connect_look_up(self);
}

/* ---- UNIX ---- */

/* Returns the socket, or the errno as a negative number. */
static int connect_unix_socket(const struct sockaddr_un *address,
                               socklen_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, size) == 0)
        return fd;
    error = errno;
    close(fd);
    return -error;
}

static void connect_is_no_path(attempt *self)
{
    char where[CONNECT_WHERE];

    connect_fail(self,
                 thrum_failure_new(self->reactor->context, &thrum_domain_base,
                                   THRUM_E_INVALID,
                                   "cannot connect to %s: a path begins with "
                                   "\"/\", a name with \"@\", and neither has "
                                   "more than 107 octets",
                                   connect_where(self, where)));
}

static void connect_try_unix(void *ctx)
{
    attempt *self = ctx;
    thrum_clock *clock = self->reactor->time;
    struct sockaddr_un address;
    socklen_t size = thrum__endpoint_unix(&address, self->host);
    thrum_stream *stream;
    int fd;

    self->again = NULL;
    if (size == 0) {
        connect_is_no_path(self);
        return;
    }
    fd = connect_unix_socket(&address, size);
    if (fd == -EAGAIN)
        self->again = thrum_clock_call_later(clock, CONNECT_AGAIN,
                                             connect_try_unix, self, NULL);
    if (self->again != NULL)
        return;
    if (fd < 0) {
        connect_raced(NULL, fd == -EAGAIN ? ENOMEM : -fd, self);
        return;
    }
    stream = thrum__stream_new(self->reactor, fd, NULL);
    connect_raced(stream, ENOMEM, self);
}

/* ---- All of them ---- */

static void connect_start(void *ctx)
{
    attempt *self = ctx;

    if (self->kind == THRUM__ENDPOINT_UNIX)
        connect_try_unix(self);
    else
        connect_start_tcp(self);
}

static thrum_cancelled connect_cancelled(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    connect_free(ctx);
    return THRUM_CANCELLED_STOPPED;
}

static attempt *connect_new(thrum_reactor *reactor, const char *host,
                            thrum__endpoint_kind kind, thrum_ns within)
{
    size_t size = strlen(host) + 1;
    attempt *self =
        thrum_context_allocate(reactor->context, sizeof *self + size);

    if (self == NULL)
        return NULL;
    *self = (attempt){.reactor = reactor, .kind = kind};
    memcpy(self->host, host, size);
    thrum__race_init(&self->race, reactor, connect_raced, self);
    thrum__link_append(&reactor->connects, &self->link);
    reactor->counts.connects++;
    thrum__soon_init(&self->start, connect_start, self);
    thrum__soon_start(reactor, &self->start);
    self->timer = thrum_clock_call_later(reactor->time, within, connect_on_time,
                                         self, NULL);
    self->deferred = thrum_deferred_new(reactor->context, "connect");
    return self;
}

/* What all of them answer with. Ownership: self taken; new. */
static thrum_deferred *connect_begin(attempt *self)
{
    thrum_deferred *deferred;

    if (self == NULL)
        return NULL;
    deferred = self->deferred;
    if (deferred == NULL) {
        connect_free(self);
        return NULL;
    }
    if (self->timer == NULL ||
        thrum_deferred_on_cancel(deferred, connect_cancelled, self, NULL) != 0)
        connect_fail(self, thrum_failure_no_memory());
    else if (self->reactor->ending)
        thrum__connects_end(self->reactor);
    return deferred;
}

static attempt *connect_new_inet(thrum_reactor *reactor, const char *host,
                                 uint16_t port, thrum__endpoint_kind kind,
                                 thrum_ns within)
{
    attempt *self = connect_new(reactor, host, kind, within);

    if (self == NULL)
        return NULL;
    self->port = port;
    self->figures = thrum__address_read(&self->own, host, port) == 0;
    return self;
}

thrum_deferred *thrum_connect_tcp(thrum_reactor *reactor, const char *host,
                                  uint16_t port, thrum_ns within)
{
    return connect_begin(
        connect_new_inet(reactor, host, port, THRUM__ENDPOINT_TCP, within));
}

thrum_deferred *thrum_connect_tls(thrum_reactor *reactor, const char *host,
                                  uint16_t port, thrum_tls *tls,
                                  thrum_ns within)
{
    attempt *self =
        connect_new_inet(reactor, host, port, THRUM__ENDPOINT_TLS, within);

    if (self != NULL && tls != NULL)
        self->tls = thrum_tls_ref(tls);
    return connect_begin(self);
}

thrum_deferred *thrum_connect_unix(thrum_reactor *reactor, const char *path,
                                   thrum_ns within)
{
    return connect_begin(
        connect_new(reactor, path, THRUM__ENDPOINT_UNIX, within));
}

/* What cannot be connected to. Ownership: new; NULL: nothing is wrong. */
static thrum_failure *connect_judge(thrum_context *context,
                                    thrum__endpoint *endpoint, const char *text)
{
    thrum_failure *why = thrum__endpoint_parse(context, endpoint, text);

    if (why != NULL || endpoint->kind == THRUM__ENDPOINT_UNIX ||
        endpoint->port != 0)
        return why;
    return thrum__endpoint_failure(context, text, endpoint->port_at,
                                   "port 0 is for listeners");
}

/* What could not begin bears the same name. Ownership: new; why taken. */
static thrum_deferred *connect_refused(thrum_context *context,
                                       thrum_failure *why)
{
    thrum_deferred *deferred = thrum_deferred_new(context, "connect");

    thrum_deferred_fail(deferred, why);
    return deferred;
}

thrum_deferred *thrum_connect(thrum_reactor *reactor, const char *endpoint,
                              thrum_tls *tls, thrum_ns within)
{
    thrum__endpoint place;
    thrum_failure *why = connect_judge(reactor->context, &place, endpoint);

    if (why != NULL)
        return connect_refused(reactor->context, why);
    if (place.kind == THRUM__ENDPOINT_UNIX)
        return thrum_connect_unix(reactor, place.path, within);
    if (place.kind == THRUM__ENDPOINT_TLS)
        return thrum_connect_tls(reactor, place.host, place.port, tls, within);
    return thrum_connect_tcp(reactor, place.host, place.port, within);
}

void thrum__connects_end(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->connects)) {
        attempt *self = (attempt *)reactor->connects.next;

        connect_fail(self, connect_failure(self, THRUM_REACTOR_E_STOPPED, 0,
                                           "the reactor was stopped: "
                                           "connecting to"));
    }
}

size_t thrum__connects_dump(thrum_reactor *reactor)
{
    char where[CONNECT_WHERE];
    size_t lines = 0;

    for (const thrum__link *at = reactor->connects.next;
         at != &reactor->connects; at = at->next, lines++)
        thrum__dump(reactor, "connecting to %s",
                    connect_where((const attempt *)at, where));
    return lines;
}
