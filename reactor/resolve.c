/* SPDX-License-Identifier: MIT */
/*
 * c-ares keeps a channel with sockets and time-outs of its own. There is one
 * while names are being looked up, and none otherwise: an idle reactor has no
 * socket open for it, a cancelled query dies with it, and the system's
 * configuration is read afresh by the next.
 *
 * After each call into c-ares our watchers are set anew from what it says it
 * waits for, before anybody else can open a descriptor: it closes its own
 * without a word. Results are put aside while c-ares runs and told when it has
 * returned, since it does not like to be called from its own callbacks.
 */
#include <ares.h>
#include <netdb.h>

#include "base/base.h"
#include "reactor/resolve.h"

struct thrum__query {
    thrum__resolver *resolver;
    thrum__query *next;     /* among those that are done */
    thrum__resolved_fn *fn; /* NULL: cancelled */
    void *ctx;
    thrum__address *addresses;
    size_t count;
    const char *error;
    uint16_t port;
};

struct thrum__resolver {
    thrum_reactor *reactor;
    ares_channel channel;
    ev_io sockets[ARES_GETSOCK_MAXNUM];
    ev_timer timer;
    thrum__query *done;
    thrum__query **done_end;
    int status;     /* of the servers that the program named */
    size_t waiting; /* queries that are neither told nor cancelled */
    bool telling;
};

static void resolver_settle(thrum__resolver *resolver);

static void resolver_on_socket(struct ev_loop *loop, ev_io *io, int events)
{
    thrum__resolver *resolver = io->data;

    (void)loop;
    ares_process_fd(resolver->channel,
                    events & EV_READ ? io->fd : ARES_SOCKET_BAD,
                    events & EV_WRITE ? io->fd : ARES_SOCKET_BAD);
    resolver_settle(resolver);
}

static void resolver_on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    thrum__resolver *resolver = timer->data;

    (void)loop;
    (void)events;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    resolver_settle(resolver);
}

static void resolver_unwatch(thrum__resolver *resolver)
{
    struct ev_loop *loop = resolver->reactor->loop;

    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++)
        ev_io_stop(loop, &resolver->sockets[i]);
    ev_timer_stop(loop, &resolver->timer);
}

/* c-ares's own macros shift into the sign. */
static int resolver_events(unsigned wanted, int i)
{
    int events = 0;

    if (wanted >> i & 1)
        events |= EV_READ;
    if (wanted >> (i + ARES_GETSOCK_MAXNUM) & 1)
        events |= EV_WRITE;
    return events;
}

static void resolver_watch(thrum__resolver *resolver)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    unsigned wanted =
        (unsigned)ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM);
    struct ev_loop *loop = resolver->reactor->loop;
    struct timeval left;

    resolver_unwatch(resolver);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        int events = resolver_events(wanted, i);

        if (events == 0)
            continue;
        ev_io_set(&resolver->sockets[i], sockets[i], events);
        ev_io_start(loop, &resolver->sockets[i]);
    }
    if (resolver->done == NULL &&
        ares_timeout(resolver->channel, NULL, &left) == NULL)
        return;
    if (resolver->done != NULL)
        left = (struct timeval){0, 0};
    ev_now_update(loop);
    ev_timer_set(&resolver->timer,
                 (ev_tstamp)left.tv_sec + (ev_tstamp)left.tv_usec * 1e-6, 0.);
    ev_timer_start(loop, &resolver->timer);
}

static void query_free(thrum__query *query)
{
    thrum_context *context = query->resolver->reactor->context;

    thrum_context_release(context, query->addresses);
    thrum_context_release(context, query);
}

static void resolver_free(thrum__resolver *resolver)
{
    resolver->reactor->resolver = NULL;
    resolver_unwatch(resolver);
    ares_destroy(resolver->channel);
    while (resolver->done != NULL) {
        thrum__query *query = resolver->done;

        resolver->done = query->next;
        query_free(query);
    }
    thrum_context_release(resolver->reactor->context, resolver);
}

static void resolver_tell(thrum__resolver *resolver, thrum__query *query)
{
    thrum__address *addresses = query->addresses;

    if (query->fn != NULL) {
        query->addresses = NULL;
        resolver->waiting--;
        query->fn(addresses, query->count, query->error, query->ctx);
    }
    query_free(query);
}

/* Tells what is done; then waits for the rest, or ends. */
static void resolver_settle(thrum__resolver *resolver)
{
    if (resolver->telling)
        return;
    resolver_watch(resolver);
    resolver->telling = true;
    while (resolver->done != NULL) {
        thrum__query *query = resolver->done;

        resolver->done = query->next;
        if (resolver->done == NULL)
            resolver->done_end = &resolver->done;
        resolver_tell(resolver, query);
    }
    resolver->telling = false;
    if (resolver->waiting == 0)
        resolver_free(resolver);
    else
        resolver_watch(resolver);
}

static void query_is_done(thrum__query *query)
{
    thrum__resolver *resolver = query->resolver;

    query->next = NULL;
    *resolver->done_end = query;
    resolver->done_end = &query->next;
}

static size_t query_count(const struct ares_addrinfo *found)
{
    size_t count = 0;

    for (struct ares_addrinfo_node *node = found->nodes; node != NULL;
         node = node->ai_next)
        count += node->ai_family == AF_INET || node->ai_family == AF_INET6;
    return count;
}

static int query_copy(thrum__query *query, const struct ares_addrinfo *found)
{
    thrum_context *context = query->resolver->reactor->context;
    size_t count = query_count(found);

    if (count == 0)
        return ARES_ENODATA;
    query->addresses =
        thrum_context_allocate(context, count * sizeof *query->addresses);
    if (query->addresses == NULL)
        return ARES_ENOMEM;
    for (struct ares_addrinfo_node *node = found->nodes; node != NULL;
         node = node->ai_next) {
        thrum__address *address = &query->addresses[query->count];

        if (node->ai_family == AF_INET) {
            address->v4 = *(struct sockaddr_in *)(void *)node->ai_addr;
            address->v4.sin_port = htons(query->port);
        } else if (node->ai_family == AF_INET6) {
            address->v6 = *(struct sockaddr_in6 *)(void *)node->ai_addr;
            address->v6.sin6_port = htons(query->port);
        } else {
            continue;
        }
        query->count++;
    }
    return ARES_SUCCESS;
}

static void query_answered(void *arg, int status, int timeouts,
                           struct ares_addrinfo *found)
{
    thrum__query *query = arg;

    (void)timeouts;
    if (status == ARES_SUCCESS && query->fn != NULL)
        status = query_copy(query, found);
    if (found != NULL)
        ares_freeaddrinfo(found);
    query->error = status == ARES_SUCCESS ? NULL : ares_strerror(status);
    query_is_done(query);
}

static thrum__resolver *resolver_new(thrum_reactor *reactor)
{
    thrum__resolver *resolver =
        thrum_context_allocate(reactor->context, sizeof *resolver);

    if (resolver == NULL)
        return NULL;
    *resolver = (thrum__resolver){.reactor = reactor};
    resolver->done_end = &resolver->done;
    ev_timer_init(&resolver->timer, resolver_on_time, 0., 0.);
    resolver->timer.data = resolver;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        ev_io_init(&resolver->sockets[i], resolver_on_socket, -1, 0);
        resolver->sockets[i].data = resolver;
    }
    if (ares_init(&resolver->channel) != ARES_SUCCESS) {
        thrum_context_release(reactor->context, resolver);
        return NULL;
    }
    if (reactor->nameservers != NULL)
        resolver->status =
            ares_set_servers_ports_csv(resolver->channel, reactor->nameservers);
    reactor->resolver = resolver;
    return resolver;
}

static void query_ask(thrum__query *query, const char *host)
{
    static const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    thrum__resolver *resolver = query->resolver;

    if (resolver->status == ARES_SUCCESS)
        ares_getaddrinfo(resolver->channel, host, NULL, &hints, query_answered,
                         query);
    else
        query_answered(query, resolver->status, 0, NULL);
}

thrum__query *thrum__resolve(thrum_reactor *reactor, const char *host,
                             uint16_t port, thrum__resolved_fn *fn, void *ctx)
{
    thrum__query *query =
        thrum_context_allocate(reactor->context, sizeof *query);
    thrum__resolver *resolver = reactor->resolver;

    if (query != NULL && resolver == NULL)
        resolver = resolver_new(reactor);
    if (query == NULL || resolver == NULL) {
        thrum_context_release(reactor->context, query);
        return NULL;
    }
    *query = (thrum__query){
        .resolver = resolver, .fn = fn, .ctx = ctx, .port = port};
    resolver->waiting++;
    query_ask(query, host);
    resolver_watch(resolver);
    return query;
}

void thrum__resolve_cancel(thrum__query *query)
{
    thrum__resolver *resolver;

    if (query == NULL)
        return;
    resolver = query->resolver;
    query->fn = NULL;
    if (--resolver->waiting == 0 && !resolver->telling)
        resolver_free(resolver);
}
