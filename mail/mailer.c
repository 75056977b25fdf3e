/* SPDX-License-Identifier: MIT */
/*
 * The mailer turns messages into jobs of a client, and what becomes of them
 * into Deferreds. It lives as long as its client, which lives as long as
 * anything is under way.
 */
#include <string.h>

#include <thrum/deferred.h>
#include <thrum/mailer.h>

#include "mail/message_internal.h"
#include "mail/smtp/client.h"

enum { MAILER_CONNECTIONS = 10, MAILER_MESSAGES = 1000, MAILER_FAILURES = 3 };

#define MAILER_IDLE (4 * THRUM_S)
#define MAILER_LIFE (300 * THRUM_S)
#define MAILER_REST (60 * THRUM_S)

/* No longer span makes a difference, and sums of these stay numbers. */
#define MAILER_EVER ((thrum_ns)30 * 365 * 24 * 3600 * THRUM_S)

/* A message and the Deferred of its end. */
typedef struct mailer_job {
    thrum__smtp_job job; /* first; its `next` also links those to spare */
    thrum_deferred *deferred;
    thrum_mailer *mailer;
} mailer_job;

/* Somebody waits for the mailer to be closed. */
typedef struct mailer_waiter {
    struct mailer_waiter *next;
    thrum_deferred *deferred;
} mailer_waiter;

struct thrum_mailer {
    thrum_context *context;
    thrum__smtp_client *client;
    thrum_failure *failure; /* why it cannot send at all */
    mailer_waiter *waiters;
    mailer_job *spare; /* blocks to be used again */
    thrum_mailer_stats stats;
    bool closed;
};

/* ---- Jobs ---- */

static mailer_job *mailer_job_new(thrum_mailer *mailer, thrum_message *message)
{
    mailer_job *self = mailer->spare;

    if (self != NULL)
        mailer->spare = (mailer_job *)self->job.next;
    else
        self = thrum_context_allocate(mailer->context, sizeof *self);
    if (self == NULL)
        return NULL;
    *self = (mailer_job){.job = {.message = message}, .mailer = mailer};
    return self;
}

static void mailer_job_spare(mailer_job *self)
{
    thrum_mailer *mailer = self->mailer;

    self->job.next = (thrum__smtp_job *)mailer->spare;
    mailer->spare = self;
}

static void mailer_ended(thrum__smtp_job *job, void *ctx)
{
    mailer_job *self = (mailer_job *)job;
    thrum_deferred *deferred = self->deferred;
    thrum_receipt *receipt = job->receipt;
    thrum_failure *why = job->why;
    thrum_mailer *mailer = ctx;

    mailer_job_spare(self);
    if (receipt != NULL) {
        mailer->stats.accepted++;
        thrum_deferred_fire(deferred, receipt, thrum_receipt_free);
    } else {
        mailer->stats.failed++;
        thrum_deferred_fail(deferred, why);
    }
}

/* What ended before it could be given up has its own end, and so has what may
 * have been delivered. */
static thrum_cancelled mailer_cancelled(thrum_deferred *deferred, void *ctx)
{
    mailer_job *self = ctx;
    thrum_mailer *mailer = self->mailer;

    (void)deferred;
    thrum__smtp_client_cancel(mailer->client, &self->job);
    if (self->job.receipt != NULL || self->job.why != NULL) {
        mailer_ended(&self->job, mailer);
    } else {
        mailer->stats.failed++;
        mailer_job_spare(self);
    }
    return THRUM_CANCELLED_STOPPED;
}

/* ---- The mailer ---- */

static void mailer_closed(void *ctx)
{
    thrum_mailer *mailer = ctx;
    mailer_waiter *waiter = mailer->waiters, *next;

    mailer->waiters = NULL;
    for (; waiter != NULL; waiter = next) {
        thrum_deferred *deferred = waiter->deferred;

        next = waiter->next;
        thrum_context_release(mailer->context, waiter);
        thrum_deferred_fire(deferred, NULL, NULL);
    }
}

static void mailer_freed(void *ctx)
{
    thrum_mailer *mailer = ctx;
    thrum_context *context = mailer->context;
    mailer_job *spare;

    mailer_closed(mailer);
    while ((spare = mailer->spare) != NULL) {
        mailer->spare = (mailer_job *)spare->job.next;
        thrum_context_release(context, spare);
    }
    thrum_failure_unref(mailer->failure);
    thrum_context_release(context, mailer);
    thrum_context_unref(context);
}

static const thrum__smtp_client_handler mailer_handler = {
    .ended = mailer_ended, .closed = mailer_closed, .freed = mailer_freed};

static thrum_mailer *mailer_block(thrum_context *context)
{
    thrum_mailer *mailer = thrum_context_allocate(context, sizeof *mailer);

    if (mailer == NULL)
        return NULL;
    memset(mailer, 0, sizeof *mailer);
    mailer->context = thrum_context_ref(context);
    return mailer;
}

static size_t mailer_count(size_t count, size_t otherwise)
{
    return count > 0 ? count : otherwise;
}

static thrum_ns mailer_span(thrum_ns span, thrum_ns otherwise)
{
    if (span <= 0)
        return otherwise;
    return span < MAILER_EVER ? span : MAILER_EVER;
}

thrum_mailer *thrum_mailer_new(thrum_reactor *reactor,
                               const thrum_mailer_config *config)
{
    thrum_mailer *mailer = mailer_block(thrum_reactor_context(reactor));
    thrum__smtp_client_config own = {
        .connections = mailer_count(config->connections, MAILER_CONNECTIONS),
        .messages = mailer_count(config->messages, MAILER_MESSAGES),
        .idle = mailer_span(config->idle, MAILER_IDLE),
        .life = mailer_span(config->life, MAILER_LIFE),
        .failures = (unsigned)mailer_count(config->failures, MAILER_FAILURES),
        .rest = mailer_span(config->rest, MAILER_REST),
    };
    thrum__smtp_route route;

    if (mailer == NULL)
        return NULL;
    mailer->failure = thrum__smtp_route_read(&route, mailer->context, config);
    mailer->client =
        thrum__smtp_client_new(reactor, &route, &own, &mailer_handler, mailer);
    if (mailer->client == NULL) {
        mailer_freed(mailer);
        return NULL;
    }
    return mailer;
}

thrum_mailer *thrum_mailer_open(thrum_reactor *reactor, const char *via)
{
    thrum_mailer_config config = {.via = via};

    return thrum_mailer_new(reactor, &config);
}

const thrum_failure *thrum_mailer_failure(const thrum_mailer *mailer)
{
    return mailer->failure;
}

thrum_context *thrum_mailer_context(const thrum_mailer *mailer)
{
    return mailer != NULL ? mailer->context : NULL;
}

/* Why this message is not even tried; NULL when it is. Ownership: new. */
static thrum_failure *mailer_objection(thrum_mailer *mailer,
                                       thrum_message *message)
{
    const thrum_failure *why = mailer->failure;

    if (why == NULL && mailer->closed)
        return thrum_failure_new(mailer->context, &thrum_domain_mail,
                                 THRUM_MAIL_E_CLOSED, NULL);
    if (why == NULL)
        why = thrum__message_ready(message);
    return why != NULL ? thrum_failure_ref(why) : NULL;
}

thrum_deferred *thrum_mailer_send(thrum_mailer *mailer, thrum_message *message)
{
    thrum_deferred *deferred = NULL;
    mailer_job *self = NULL;

    if (mailer != NULL && message != NULL)
        self = mailer_job_new(mailer, message);
    if (self != NULL)
        deferred = thrum_deferred_new(mailer->context, "smtp send");
    if (deferred == NULL) {
        thrum_message_free(message);
        if (self != NULL)
            mailer_job_spare(self);
        return NULL;
    }
    self->deferred = deferred;
    self->job.why = mailer_objection(mailer, message);
    if (self->job.why == NULL &&
        thrum_deferred_on_cancel(deferred, mailer_cancelled, self, NULL) != 0)
        self->job.why = thrum_failure_no_memory();
    if (self->job.why == NULL)
        thrum__smtp_client_send(mailer->client, &self->job);
    else
        thrum__smtp_client_end(mailer->client, &self->job);
    return deferred;
}

thrum_deferred *thrum_mailer_close(thrum_mailer *mailer)
{
    mailer_waiter *waiter;

    if (mailer == NULL)
        return NULL;
    waiter = thrum_context_allocate(mailer->context, sizeof *waiter);
    if (waiter == NULL)
        return NULL;
    waiter->deferred = thrum_deferred_new(mailer->context, "smtp close");
    if (waiter->deferred == NULL) {
        thrum_context_release(mailer->context, waiter);
        return NULL;
    }
    waiter->next = mailer->waiters;
    mailer->waiters = waiter;
    mailer->closed = true;
    thrum__smtp_client_close(mailer->client);
    return waiter->deferred;
}

void thrum_mailer_free(void *mailer)
{
    thrum_mailer *self = mailer;

    if (self == NULL)
        return;
    self->closed = true;
    thrum__smtp_client_free(self->client);
}

thrum_mailer_stats thrum_mailer_get_stats(const thrum_mailer *mailer)
{
    thrum__smtp_counts counts = thrum__smtp_client_counts(mailer->client);
    thrum_mailer_stats stats = mailer->stats;

    stats.connections = counts.connections;
    stats.secured = counts.secured;
    stats.bytes = counts.bytes;
    stats.replies = counts.replies;
    stats.writes = counts.writes;
    return stats;
}
