/* SPDX-License-Identifier: MIT */
/*
 * A queue, a lock and a condition. A thread is started when a job finds none
 * idle, up to the bound, and stays until the end: asleep it costs the few pages
 * of its stack that it touched, whereas to end it after a while would need a
 * time-out behind the clock's back, and a new thread for the next job.
 *
 * Threads block all signals, so that the program's handlers run in threads of
 * its own.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "reactor/thread_pool.h"

struct thrum__thread_pool {
    const thrum_allocator *allocator;
    thrum__inbox *inbox;
    size_t most_threads, most_jobs;
    size_t started;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t work;
    thrum__link queue;
    size_t waiting, busy, idle;
    unsigned named; /* threads that are running */
    bool ending;
    pthread_t threads[]; /* of the reactor's thread alone */
};

thrum__thread_pool *thrum__thread_pool_new(const thrum_allocator *allocator,
                                           thrum__inbox *inbox, size_t threads,
                                           size_t jobs)
{
    thrum__thread_pool *pool;

    if (threads > (SIZE_MAX - sizeof *pool) / sizeof *pool->threads)
        return NULL;
    pool = allocator->allocate(sizeof *pool + threads * sizeof *pool->threads,
                               allocator->state);
    if (pool == NULL)
        return NULL;
    memset(pool, 0, sizeof *pool);
    pool->allocator = allocator;
    pool->inbox = inbox;
    pool->most_threads = threads;
    pool->most_jobs = jobs;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    thrum__link_init(&pool->queue);
    return pool;
}

static thrum__job *pool_job_of(thrum__link *link)
{
    return (thrum__job *)((char *)link - offsetof(thrum__job, link));
}

/* The next job, under the lock; NULL: the end. */
static thrum__job *pool_next(thrum__thread_pool *pool)
{
    thrum__job *job;

    while (thrum__link_alone(&pool->queue) && !pool->ending) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    if (thrum__link_alone(&pool->queue))
        return NULL;
    job = pool_job_of(pool->queue.next);
    thrum__link_remove(&job->link);
    job->begun = true;
    pool->waiting--;
    pool->busy++;
    return job;
}

/* It is free again before the reactor can hear of the job: who asks for the
 * next one there is not refused. */
static void *pool_thread(void *arg)
{
    thrum__thread_pool *pool = arg;
    thrum__job *job;
    char name[16];

    pthread_mutex_lock(&pool->lock);
    snprintf(name, sizeof name, "thrum-%u", pool->named++);
    pthread_setname_np(pthread_self(), name);
    while ((job = pool_next(pool)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        job->work(job);
        pthread_mutex_lock(&pool->lock);
        pool->busy--;
        pthread_mutex_unlock(&pool->lock);
        thrum__inbox_put(pool->inbox, &job->note);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int pool_start_thread(thrum__thread_pool *pool)
{
    pthread_t *thread = &pool->threads[pool->started];
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, NULL, pool_thread, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        return error;
    pool->started++;
    return 0;
}

/* Puts the job into the queue; answers whether a thread is to be started. */
static int pool_put(thrum__thread_pool *pool, thrum__job *job, bool *start)
{
    int error = 0;

    pthread_mutex_lock(&pool->lock);
    if (pool->busy + pool->waiting >= pool->most_threads &&
        pool->busy + pool->waiting - pool->most_threads >= pool->most_jobs) {
        error = THRUM_E_FULL;
    } else {
        thrum__link_append(&pool->queue, &job->link);
        pool->waiting++;
        *start =
            pool->idle < pool->waiting && pool->started < pool->most_threads;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return error;
}

/* Without a new thread those that there are get to the job. */
int thrum__thread_pool_give(thrum__thread_pool *pool, thrum__job *job)
{
    bool start = false;
    int error;

    job->begun = false;
    thrum__link_init(&job->link);
    error = pool_put(pool, job, &start);
    if (error != 0 || !start)
        return error;
    error = pool_start_thread(pool);
    if (error == 0 || pool->started > 0)
        return 0;
    thrum__thread_pool_take_back(pool, job);
    errno = error;
    return THRUM_REACTOR_E_THREAD;
}

bool thrum__thread_pool_take_back(thrum__thread_pool *pool, thrum__job *job)
{
    bool begun;

    pthread_mutex_lock(&pool->lock);
    begun = job->begun;
    if (!begun && !thrum__link_alone(&job->link)) {
        thrum__link_remove(&job->link);
        if (!pool->ending)
            pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return !begun;
}

void thrum__thread_pool_end(thrum__thread_pool *pool, thrum__link *left)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    while (!thrum__link_alone(&pool->queue)) {
        thrum__link *link = pool->queue.next;

        thrum__link_remove(link);
        thrum__link_append(left, link);
    }
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    while (pool->started > 0)
        pthread_join(pool->threads[--pool->started], NULL);
}

void thrum__thread_pool_free(thrum__thread_pool *pool, bool forked)
{
    if (!forked) { /* there the condition has waiters that will never leave */
        pthread_cond_destroy(&pool->work);
        pthread_mutex_destroy(&pool->lock);
    }
    pool->allocator->release(pool, pool->allocator->state);
}
