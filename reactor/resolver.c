/* SPDX-License-Identifier: MIT */
/*
 * c-ares keeps a channel with sockets and time-outs of its own. There is one
 * while somebody asks, and none otherwise: an idle reactor has no socket open
 * for it, a cancelled query dies with it, and the system's configuration is
 * read afresh by the next. (A question that nobody waits for any more, while
 * others do for theirs, goes on: its answer is kept.)
 *
 * After each call into c-ares our watchers are set anew from what it says it
 * waits for, before anybody else can open a descriptor: it closes its own
 * without a word. Answers are put aside while c-ares runs and told when it has
 * returned, since it does not like to be called from its own callbacks.
 */
#include "reactor/resolver.h"

#include <ares.h>
#include <string.h>

enum { RESOLVER_CLASS_IN = 1 };

/* In resolver->asked until it is answered, then in resolver->done. */
typedef struct question {
    thrum__link link; /* first */
    thrum__resolver *resolver;
    thrum__link askers;
    thrum__answer *answer; /* NULL: no memory */
    int type;
    char name[];
} question;

struct thrum__resolver {
    thrum_reactor *reactor;
    ares_channel channel;
    ev_io sockets[ARES_GETSOCK_MAXNUM];
    ev_timer timer;
    thrum__soon tell;
    thrum__link asked, done;
    int status;     /* of the servers that the program named */
    size_t waiting; /* askers that are neither told nor cancelled */
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
    thrum_reactor *reactor = resolver->reactor;

    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++)
        thrum__watch_stop(reactor, &resolver->sockets[i]);
    ev_timer_stop(reactor->loop, &resolver->timer);
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
        thrum__watch_start(resolver->reactor, &resolver->sockets[i]);
    }
    if (ares_timeout(resolver->channel, NULL, &left) == NULL)
        return;
    ev_now_update(loop);
    ev_timer_set(&resolver->timer,
                 (ev_tstamp)left.tv_sec + (ev_tstamp)left.tv_usec * 1e-6, 0.);
    ev_timer_start(loop, &resolver->timer);
}

static void question_free(question *self)
{
    thrum__link_remove(&self->link);
    thrum__answer_unref(self->answer);
    thrum_context_release(self->resolver->reactor->context, self);
}

static void resolver_free(thrum__resolver *resolver)
{
    resolver->reactor->resolver = NULL;
    resolver_unwatch(resolver);
    thrum__soon_stop(resolver->reactor, &resolver->tell);
    ares_destroy(resolver->channel);
    while (!thrum__link_alone(&resolver->done))
        question_free((question *)resolver->done.next);
    thrum_context_release(resolver->reactor->context, resolver);
}

static thrum__answers *resolver_answers(thrum_reactor *reactor)
{
    if (reactor->answers == NULL)
        reactor->answers = thrum__answers_new(reactor->context);
    return reactor->answers;
}

static thrum_ns question_keep(const question *self)
{
    thrum_reactor *reactor = self->resolver->reactor;
    thrum__answers *answers = resolver_answers(reactor);

    if (self->answer == NULL)
        return 0;
    if (answers != NULL)
        thrum__answers_put(answers, self->type, self->name, self->answer,
                           thrum_clock_read(reactor->time));
    return thrum__answers_time(self->answer);
}

/* Who is told may cancel others, and ask again. */
static void question_tell(question *self)
{
    thrum_ns left = question_keep(self);

    while (!thrum__link_alone(&self->askers)) {
        thrum__asker *asker = (thrum__asker *)self->askers.next;

        thrum__link_remove(&asker->link);
        asker->resolver = NULL;
        self->resolver->waiting--;
        asker->fn(self->answer, left, asker);
    }
    question_free(self);
}

/* Tells what is done; then waits for the rest, or ends. */
static void resolver_settle(thrum__resolver *resolver)
{
    resolver_watch(resolver);
    resolver->telling = true;
    while (!thrum__link_alone(&resolver->done))
        question_tell((question *)resolver->done.next);
    resolver->telling = false;
    if (resolver->waiting == 0)
        resolver_free(resolver);
    else
        resolver_watch(resolver);
}

static void resolver_on_soon(void *ctx)
{
    resolver_settle(ctx);
}

/* Without an answer, c-ares says why: in the words of a reply's code, or of
 * what befell it. */
static thrum__answer *question_read(const question *self, int status,
                                    const unsigned char *message, int size)
{
    thrum_context *context = self->resolver->reactor->context;

    if ((status == ARES_SUCCESS || status == ARES_ENODATA) && message != NULL)
        return thrum__answer_parse(context, message, (size_t)size, self->name,
                                   self->type);
    if (status == ARES_ENOTFOUND)
        return thrum__answer_none(context, THRUM__ANSWER_NO_NAME,
                                  "there is no such name");
    return thrum__answer_none(context, THRUM__ANSWER_FAILED,
                              ares_strerror(status));
}

static void question_answered(void *arg, int status, int timeouts,
                              unsigned char *message, int size)
{
    question *self = arg;
    thrum__resolver *resolver = self->resolver;

    (void)timeouts;
    if (status != ARES_ENOMEM && status != ARES_EDESTRUCTION)
        self->answer = question_read(self, status, message, size);
    thrum__link_remove(&self->link);
    thrum__link_append(&resolver->done, &self->link);
}

static thrum__resolver *resolver_new(thrum_reactor *reactor)
{
    thrum__resolver *resolver =
        thrum_context_allocate(reactor->context, sizeof *resolver);

    if (resolver == NULL)
        return NULL;
    *resolver = (thrum__resolver){.reactor = reactor};
    thrum__link_init(&resolver->asked);
    thrum__link_init(&resolver->done);
    thrum__soon_init(&resolver->tell, resolver_on_soon, resolver);
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

static question *question_find(const thrum__resolver *resolver, int type,
                               const char *name)
{
    for (thrum__link *at = resolver->asked.next; at != &resolver->asked;
         at = at->next) {
        question *self = (question *)at;

        if (self->type == type && strcmp(self->name, name) == 0)
            return self;
    }
    return NULL;
}

/* c-ares may answer at once; that is told in the next turn. */
static void question_ask(question *self)
{
    thrum__resolver *resolver = self->resolver;

    if (resolver->status == ARES_SUCCESS)
        ares_query(resolver->channel, self->name, RESOLVER_CLASS_IN, self->type,
                   question_answered, self);
    else
        question_answered(self, resolver->status, 0, NULL, 0);
    if (resolver->telling)
        return;
    resolver_watch(resolver);
    if (!thrum__link_alone(&resolver->done))
        thrum__soon_start(resolver->reactor, &resolver->tell);
}

static question *question_new(thrum__resolver *resolver, int type,
                              const char *name)
{
    size_t size = strlen(name) + 1;
    question *self =
        thrum_context_allocate(resolver->reactor->context, sizeof *self + size);

    if (self == NULL)
        return NULL;
    *self = (question){.resolver = resolver, .type = type};
    memcpy(self->name, name, size);
    thrum__link_init(&self->askers);
    thrum__link_append(&resolver->asked, &self->link);
    return self;
}

int thrum__resolver_ask(thrum_reactor *reactor, thrum__asker *asker, int type,
                        const char *name)
{
    thrum__resolver *resolver = reactor->resolver;
    question *same, *asked;

    if (resolver == NULL)
        resolver = resolver_new(reactor);
    if (resolver == NULL)
        return THRUM_E_NOMEM;
    same = question_find(resolver, type, name);
    asked = same != NULL ? same : question_new(resolver, type, name);
    if (asked == NULL) {
        if (resolver->waiting == 0 && !resolver->telling)
            resolver_free(resolver);
        return THRUM_E_NOMEM;
    }
    thrum__link_append(&asked->askers, &asker->link);
    asker->resolver = resolver;
    resolver->waiting++;
    if (same == NULL)
        question_ask(asked);
    return 0;
}

thrum__answer *thrum__resolver_kept(thrum_reactor *reactor, int type,
                                    const char *name, thrum_ns *left)
{
    if (reactor->answers == NULL)
        return NULL;
    return thrum__answers_get(reactor->answers, type, name,
                              thrum_clock_read(reactor->time), left);
}

void thrum__asker_init(thrum__asker *asker, thrum__answered_fn *fn, void *ctx)
{
    thrum__link_init(&asker->link);
    asker->resolver = NULL;
    asker->fn = fn;
    asker->ctx = ctx;
}

void thrum__asker_cancel(thrum__asker *asker)
{
    thrum__resolver *resolver = asker->resolver;

    if (resolver == NULL)
        return;
    thrum__link_remove(&asker->link);
    asker->resolver = NULL;
    if (--resolver->waiting == 0 && !resolver->telling)
        resolver_free(resolver);
}
