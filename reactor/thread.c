/* SPDX-License-Identifier: MIT */
/*
 * Work that blocks, as a Deferred. All that is the program's - the context of
 * the work, what it answered - is released in the reactor's thread: there a job
 * is made, and there it ends, whichever way it takes. While it lives it holds
 * the loop.
 */
#include <errno.h>
#include <stddef.h>

#include "base/base.h"
#include "deferred/deferred.h"
#include "reactor/loop.h"
#include "reactor/thread_pool.h"

enum { THREADS = 8, THREAD_JOBS = 1024 };

typedef struct work {
    thrum__job job; /* first */
    thrum__soon soon;
    thrum__link link; /* in reactor->works */
    thrum_reactor *reactor;
    thrum_deferred *deferred;
    thrum_thread_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    const char *place;
    thrum_outcome outcome;
    bool refused; /* the outcome is why, and is told soon */
} work;

static void work_free(work *self)
{
    thrum_reactor *reactor = self->reactor;

    thrum__soon_stop(reactor, &self->soon);
    thrum__link_remove(&self->link);
    reactor->counts.jobs--;
    ev_unref(reactor->loop);
    thrum__free(self->ctx, self->free);
    thrum_context_release(reactor->context, self);
}

static void work_fail(work *self, int code, int error)
{
    static const char text[] = "work on a thread";
    thrum_context *context = self->reactor->context;
    const thrum_domain *domain =
        code > THRUM_E_END ? &thrum_domain_base : &thrum_domain_reactor;
    thrum_failure *why = thrum_failure_new(context, domain, code, "%s: %s",
                                           text, thrum__describe(domain, code));

    if (error != 0)
        why = thrum_failure_because(
            why, thrum_failure_new(context, &thrum_domain_system, error, NULL));
    self->outcome = thrum_fail(why);
}

/* The context goes last: what was answered may lie in it. */
static void work_tell(work *self)
{
    thrum_outcome outcome = self->outcome;
    thrum_deferred *deferred = self->deferred;
    thrum__slow *slow = &self->reactor->slow;
    thrum__timed timed = thrum__slow_begin(slow, self->place);

    switch (outcome.kind) {
    case THRUM_OUTCOME_VALUE:
        thrum_deferred_fire(deferred, outcome.ptr, outcome.free);
        break;
    case THRUM_OUTCOME_FAILURE:
        thrum_deferred_fail(deferred, outcome.ptr);
        break;
    case THRUM_OUTCOME_WAIT: /* its Deferred would be another thread's */
        thrum__outcome_drop(outcome);
        work_fail(self, THRUM_E_INVALID, 0);
        thrum_deferred_fail(deferred, self->outcome.ptr);
        break;
    default:
        thrum_deferred_fire(deferred, NULL, NULL);
    }
    thrum__slow_end(slow, timed, "callbacks");
    work_free(self);
}

static void work_told_soon(void *ctx)
{
    work_tell(ctx);
}

static void work_came_back(thrum__note *note)
{
    work_tell((work *)note);
}

/* In a thread of the pool. */
static void work_do(thrum__job *job)
{
    work *self = (work *)job;

    self->outcome = self->fn(self->ctx);
}

/* A canceller that fires would be late as well; so is one whose work has begun,
 * and what that answers is released when it comes back. */
static thrum_cancelled work_cancel(thrum_deferred *deferred, void *ctx)
{
    work *self = ctx;

    (void)deferred;
    if (thrum__reactor_is_forked(self->reactor))
        return THRUM_CANCELLED_LATE; /* a thread that is gone may have the lock
                                      */
    if (self->refused)
        thrum__outcome_drop(self->outcome);
    else if (!thrum__thread_pool_take_back(self->reactor->pool, &self->job))
        return THRUM_CANCELLED_LATE;
    work_free(self);
    return THRUM_CANCELLED_STOPPED;
}

static void work_start(work *self)
{
    thrum_reactor *reactor = self->reactor;
    int error = THRUM_E_NOMEM;

    if (reactor->pool == NULL)
        reactor->pool =
            thrum__thread_pool_new(reactor->context->allocator, &reactor->inbox,
                                   reactor->threads, reactor->thread_jobs);
    if (reactor->pool != NULL)
        error = thrum__thread_pool_give(reactor->pool, &self->job);
    if (error == 0)
        return;
    self->refused = true;
    if (error == THRUM_E_NOMEM)
        self->outcome = thrum_fail(thrum_failure_no_memory());
    else
        work_fail(self, error, error == THRUM_REACTOR_E_THREAD ? errno : 0);
    thrum__soon_start(reactor, &self->soon);
}

/* Nobody has heard of the Deferred yet. */
static thrum_deferred *work_refuse_at_end(work *self)
{
    thrum_deferred *deferred = self->deferred;

    work_fail(self, THRUM_REACTOR_E_STOPPED, 0);
    work_tell(self);
    return deferred;
}

thrum_deferred *thrum_defer_to_thread_at(thrum_reactor *reactor,
                                         thrum_thread_fn *fn, void *ctx,
                                         thrum_free_fn *free, const char *place)
{
    thrum_context *context = reactor->context;
    thrum_deferred *deferred = thrum_deferred_new(context, "defer to thread");
    work *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL ||
        thrum_deferred_on_cancel(deferred, work_cancel, self, NULL) != 0) {
        thrum_context_release(context, self);
        thrum__deferred_discard(deferred);
        thrum__free(ctx, free);
        return NULL;
    }
    *self = (work){.job = {.note = {.fn = work_came_back}, .work = work_do},
                   .reactor = reactor,
                   .deferred = deferred,
                   .fn = fn,
                   .ctx = ctx,
                   .free = free,
                   .place = place};
    thrum__soon_init(&self->soon, work_told_soon, self);
    thrum__link_append(&reactor->works, &self->link);
    reactor->counts.jobs++;
    ev_ref(reactor->loop);
    if (reactor->ending)
        return work_refuse_at_end(self);
    work_start(self);
    return deferred;
}

static work *work_of(thrum__link *link)
{
    return (work *)((char *)link - offsetof(work, link));
}

void thrum__threads_init(thrum_reactor *reactor,
                         const thrum_reactor_config *config)
{
    thrum__link_init(&reactor->works);
    reactor->threads = config->threads > 0 ? config->threads : THREADS;
    reactor->thread_jobs =
        config->thread_jobs > 0 ? config->thread_jobs : THREAD_JOBS;
}

/* What has begun comes back; the rest, and what was refused, is told here. */
void thrum__threads_end(thrum_reactor *reactor)
{
    thrum__link left;

    thrum__link_init(&left);
    if (reactor->pool != NULL) {
        thrum__thread_pool_end(reactor->pool, &left);
        thrum__inbox_finish_notes(&reactor->inbox);
    }
    while (!thrum__link_alone(&reactor->works)) {
        work *self = work_of(reactor->works.next);

        thrum__link_remove(&self->job.link);
        if (!self->refused)
            work_fail(self, THRUM_REACTOR_E_STOPPED, 0);
        work_tell(self);
    }
    if (reactor->pool != NULL)
        thrum__thread_pool_free(reactor->pool, false);
}

/* In a child there are no threads. What had begun may have left its context in
 * any state: that is not released. */
void thrum__threads_end_forked(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->works)) {
        work *self = work_of(reactor->works.next);

        if (self->job.begun)
            self->free = NULL;
        if (self->refused)
            thrum__outcome_drop(self->outcome);
        work_fail(self, THRUM_REACTOR_E_FORKED, 0);
        work_tell(self);
    }
    if (reactor->pool != NULL)
        thrum__thread_pool_free(reactor->pool, true);
}

size_t thrum__works_dump(thrum_reactor *reactor)
{
    size_t lines = 0;

    for (thrum__link *at = reactor->works.next; at != &reactor->works;
         at = at->next, lines++)
        thrum__dump(reactor, "work on a thread: %s", work_of(at)->place);
    return lines;
}
