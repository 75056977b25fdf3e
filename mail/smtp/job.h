/* SPDX-License-Identifier: MIT */
/*
 * A job is a message that somebody waits for, in one of the client's queues or
 * in a session.
 */
#ifndef THRUM_MAIL_SMTP_JOB_H
#define THRUM_MAIL_SMTP_JOB_H

#include <stdbool.h>

#include <thrum/message.h>
#include <thrum/receipt.h>

typedef struct thrum__smtp_queue thrum__smtp_queue;
struct client_connection;

typedef struct thrum__smtp_job {
    struct thrum__smtp_job *next, *previous;
    thrum__smtp_queue *queue; /* where it stands; NULL: with a connection */
    struct client_connection *connection;
    thrum_message *message; /* until it ended */
    thrum_receipt *receipt; /* its end: this */
    thrum_failure *why;     /* or this */
    unsigned tries;
} thrum__smtp_job;

struct thrum__smtp_queue {
    thrum__smtp_job *first, *last;
    size_t count;
};

static inline void thrum__smtp_queue_append(thrum__smtp_queue *queue,
                                            thrum__smtp_job *job)
{
    job->queue = queue;
    job->next = NULL;
    job->previous = queue->last;
    if (queue->last != NULL)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
    queue->count++;
}

static inline void thrum__smtp_queue_remove(thrum__smtp_job *job)
{
    thrum__smtp_queue *queue = job->queue;

    if (job->next != NULL)
        job->next->previous = job->previous;
    else
        queue->last = job->previous;
    if (job->previous != NULL)
        job->previous->next = job->next;
    else
        queue->first = job->next;
    queue->count--;
    job->queue = NULL;
}

/* The first of the queue, removed, or NULL. */
static inline thrum__smtp_job *thrum__smtp_queue_take(thrum__smtp_queue *queue)
{
    thrum__smtp_job *job = queue->first;

    if (job != NULL)
        thrum__smtp_queue_remove(job);
    return job;
}

#endif
