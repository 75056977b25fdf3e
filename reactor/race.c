/* SPDX-License-Identifier: MIT */
#include "reactor/race.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "reactor/stream.h"

/* RFC 8305, section 5: the Connection Attempt Delay. */
#define RACE_DELAY (250 * THRUM_MS)

typedef struct contender {
    thrum__link link; /* first: in race->untried, then in race->running */
    thrum__race *race;
    thrum__address address;
    ev_io io;
    int fd;
} contender;

void thrum__race_init(thrum__race *race, thrum_reactor *reactor,
                      thrum__race_over_fn *over, void *ctx)
{
    *race = (thrum__race){.reactor = reactor, .over = over, .ctx = ctx};
    thrum__link_init(&race->untried);
    thrum__link_init(&race->running);
}

static void contender_free(contender *self)
{
    thrum_reactor *reactor = self->race->reactor;

    thrum__watch_stop(reactor, &self->io);
    if (self->fd >= 0)
        close(self->fd);
    thrum__link_remove(&self->link);
    thrum_context_release(reactor->context, self);
}

static void race_stop_delay(thrum__race *self)
{
    thrum_clock_cancel(self->reactor->time, self->delay);
    self->delay = NULL;
}

void thrum__race_stop(thrum__race *race)
{
    race_stop_delay(race);
    while (!thrum__link_alone(&race->running))
        contender_free((contender *)race->running.next);
    while (!thrum__link_alone(&race->untried))
        contender_free((contender *)race->untried.next);
}

static void race_end(thrum__race *self, thrum_stream *stream, int error)
{
    thrum__race_stop(self);
    self->over(stream, error, self->ctx);
}

static void race_note(thrum__race *self, const thrum__address *address,
                      int error)
{
    self->last = *address;
    self->tried = true;
    if (error != 0)
        self->error = error;
}

static void race_next(thrum__race *self);

static void race_on_delay(void *ctx)
{
    thrum__race *self = ctx;

    self->delay = NULL;
    race_next(self);
}

static void contender_failed(contender *self, int error)
{
    thrum__race *race = self->race;

    race_note(race, &self->address, error);
    contender_free(self);
    race_next(race);
}

/* A socket may meet itself when it calls a port of this machine that was free
 * until it was given that very port: nobody listens there. */
static void contender_made(contender *self)
{
    thrum__race *race = self->race;
    thrum_stream *stream;
    int fd = self->fd;

    thrum__watch_stop(race->reactor, &self->io);
    self->fd = -1;
    stream = thrum__stream_new(race->reactor, fd, &self->address);
    if (stream == NULL) {
        race_end(race, NULL, ENOMEM);
    } else if (strcmp(thrum_stream_name(stream), thrum_stream_peer(stream)) ==
               0) {
        thrum_stream_unref(stream);
        contender_failed(self, ECONNREFUSED);
    } else {
        race_note(race, &self->address, 0);
        race_end(race, stream, 0);
    }
}

static void contender_on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    contender *self = io->data;
    int error = 0;
    socklen_t size = sizeof error;

    (void)loop;
    (void)events;
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error == 0)
        contender_made(self);
    else
        contender_failed(self, error);
}

/* Returns 0 when the address is being tried, or the errno. */
static int contender_try(contender *self)
{
    const thrum__address *address = &self->address;

    self->fd = socket(address->any.sa_family,
                      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return errno;
    if (connect(self->fd, &address->any, thrum__address_size(address)) != 0 &&
        errno != EINPROGRESS)
        return errno;
    ev_io_set(&self->io, self->fd, EV_WRITE);
    thrum__watch_start(self->race->reactor, &self->io);
    thrum__link_remove(&self->link);
    thrum__link_append(&self->race->running, &self->link);
    return 0;
}

/* The next one joins in; or, if nobody is left, it was for nothing. Only while
 * the delay is over, or when one has failed. */
static void race_next(thrum__race *self)
{
    race_stop_delay(self);
    while (!thrum__link_alone(&self->untried)) {
        contender *next = (contender *)self->untried.next;
        int error = contender_try(next);

        race_note(self, &next->address, error);
        if (error != 0) {
            contender_free(next);
            continue;
        }
        if (thrum__link_alone(&self->untried) && !self->waiting)
            return;
        self->delay = thrum_clock_call_later(self->reactor->time, RACE_DELAY,
                                             race_on_delay, self, NULL);
        if (self->delay == NULL)
            race_end(self, NULL, ENOMEM);
        return;
    }
    if (thrum__link_alone(&self->running) && !self->waiting)
        race_end(self, NULL, self->error);
}

/* Returns false: there is no memory. */
static bool race_append(thrum__race *self, const thrum__address *address,
                        uint16_t port)
{
    contender *added =
        thrum_context_allocate(self->reactor->context, sizeof *added);

    if (added == NULL)
        return false;
    memset(added, 0, sizeof *added);
    added->race = self;
    added->address = *address;
    added->fd = -1;
    if (address->any.sa_family == AF_INET)
        added->address.v4.sin_port = htons(port);
    else
        added->address.v6.sin6_port = htons(port);
    ev_io_init(&added->io, contender_on_writable, -1, EV_WRITE);
    added->io.data = added;
    thrum__link_append(&self->untried, &added->link);
    return true;
}

static sa_family_t contender_family(const thrum__link *link)
{
    return ((const contender *)link)->address.any.sa_family;
}

/* The families in turn, each in its own order. The first family is that of the
 * best address, or the one that was not tried last. */
static void race_interleave(thrum__race *self)
{
    thrum__link rings[2]; /* of the family that leads; of the other */
    sa_family_t leads = contender_family(self->untried.next);
    int turn = 0;

    if (self->tried)
        leads = self->last.any.sa_family == AF_INET ? AF_INET6 : AF_INET;
    thrum__link_init(&rings[0]);
    thrum__link_init(&rings[1]);
    while (!thrum__link_alone(&self->untried)) {
        thrum__link *link = self->untried.next;

        thrum__link_remove(link);
        thrum__link_append(&rings[contender_family(link) != leads], link);
    }
    while (!thrum__link_alone(&rings[0]) || !thrum__link_alone(&rings[1])) {
        thrum__link *ring = &rings[turn];
        thrum__link *link = ring->next;

        turn = !turn;
        if (thrum__link_alone(ring))
            continue;
        thrum__link_remove(link);
        thrum__link_append(&self->untried, link);
    }
}

void thrum__race_add(thrum__race *race, const thrum__address *addresses,
                     size_t count, uint16_t port, bool more)
{
    race->waiting = more;
    for (size_t i = 0; i < count; i++)
        if (!race_append(race, &addresses[i], port)) {
            race_end(race, NULL, ENOMEM);
            return;
        }
    if (!thrum__link_alone(&race->untried))
        race_interleave(race);
    if (race->delay == NULL)
        race_next(race);
}
