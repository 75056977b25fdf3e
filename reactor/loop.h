/* SPDX-License-Identifier: MIT */
/*
 * The reactor, as the files of this folder see it.
 *
 * A turn of the loop:
 *     check     time is read, calls that are due are made, then those that
 *               are to be made soon (soon.h)
 *     events    streams, listeners, connections, signals, other threads
 *     prepare   (in the first turn the start-up triggers are called;) the
 *               cooperator ticks; then each stream that was written to, or is
 *               to be closed, is seen to; a stop goes on; then the loop may
 *               block
 */
#ifndef THRUM_REACTOR_LOOP_H
#define THRUM_REACTOR_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include <thrum/reactor.h>
#include <thrum/stream.h>

#include "reactor/health.h"
#include "reactor/inbox.h"
#include "reactor/link.h"
#include "reactor/loop_clock.h"
#include "reactor/slow.h"
#include "reactor/soon.h"
#include "reactor/stop.h"
#include "reactor/thread_pool.h"

/* What a stream reads at most in a turn. */
enum { THRUM__SCRATCH = 64 * 1024 };

typedef struct thrum__resolver thrum__resolver;
typedef struct thrum__answers thrum__answers;

struct thrum_reactor {
    struct ev_loop *loop;
    thrum_context *context;
    thrum_cooperator *cooperator;
    thrum_clock *time; /* what all of it reads: its own clock, or a test's */
    thrum__loop_clock clock; /* stands still beside a test's */
    thrum__inbox inbox;
    thrum__thread_pool *pool; /* NULL until it is needed */
    size_t threads, thread_jobs;
    thrum__stop stop;
    thrum__lag lag;
    thrum__counts counts;
    thrum__slow slow;
    thrum_deferred *waited; /* for whom the loop is run */
    pid_t process;          /* that made it */
    bool forked;            /* it ends in a child: nothing is sent or reset */
    ev_check check;
    ev_prepare prepare;
    ev_idle idle;
    bool own_loop;
    bool running;
    bool ending;
    bool tick_wanted;
    bool stirred;  /* this turn found something to do */
    char *scratch; /* what all streams read into */
    char *nameservers;
    thrum_tls *tls;             /* for who brings none; NULL: not yet */
    thrum__resolver *resolver;  /* while names are being looked up */
    thrum__answers *answers;    /* of the DNS, that still hold */
    thrum_stream *touched;      /* to be seen to at the turn's end */
    thrum_stream **touched_end; /* where the next one is put */
    thrum__link soon;           /* called in the next turn */
    thrum__link soon_due;       /* in this one */
    thrum__link streams, listeners, connects, searches, signals, works, peers;
};

void thrum__threads_init(thrum_reactor *reactor,
                         const thrum_reactor_config *config);

/* Waits for what threads have begun, and tells all work of its end; in a forked
 * child there is nothing to wait for. */
void thrum__threads_end(thrum_reactor *reactor);
void thrum__threads_end_forked(thrum_reactor *reactor);

/* Watches a descriptor, and ends that; both legal when it is so already. */
static inline void thrum__watch_start(thrum_reactor *reactor, ev_io *io)
{
    if (!ev_is_active(io))
        reactor->counts.watches++;
    ev_io_start(reactor->loop, io);
}

static inline void thrum__watch_stop(thrum_reactor *reactor, ev_io *io)
{
    if (ev_is_active(io))
        reactor->counts.watches--;
    ev_io_stop(reactor->loop, io);
}

/* Whether this is a child of the process that made the reactor: nothing may be
 * sent, read, reset, removed from a folder or asked of the loop. */
bool thrum__reactor_is_forked(const thrum_reactor *reactor);

/* What is left of these when the reactor ends. */
void thrum__connects_end(thrum_reactor *reactor);
void thrum__searches_end(thrum_reactor *reactor);
void thrum__listeners_end(thrum_reactor *reactor);
void thrum__signals_end(thrum_reactor *reactor);
void thrum__streams_end(thrum_reactor *reactor);
void thrum__test_peers_end(thrum_reactor *reactor);

/* A line of thrum_reactor_dump, of the level info. */
#define thrum__dump(reactor, ...)                                              \
    thrum_context_log((reactor)->context, THRUM_LOG_INFO, __VA_ARGS__)

/* A line each for what keeps the loop alive; answer how many. */
size_t thrum__connects_dump(thrum_reactor *reactor);
size_t thrum__searches_dump(thrum_reactor *reactor);
size_t thrum__works_dump(thrum_reactor *reactor);

/* What no descriptor will tell of is to be done in the next turn. */
bool thrum__reactor_leaves_work(const thrum_reactor *reactor);

/* The script that runs the loop has what it waits for: ends the loop. */
void thrum__wait_turn(thrum_reactor *reactor);

/* Whether another reactor of the process watches the signal. */
bool thrum__signal_is_taken(const thrum_reactor *reactor, int number);

/* Sees to the streams that were touched in this turn; those that are touched
 * meanwhile wait for the next one. */
void thrum__streams_turn(thrum_reactor *reactor);

/* The reactor's own thrum_tls, that trusts the system's store; made once, in
 * start_tls.c. Ownership: borrowed; *why new, only on error. Errors: NULL. */
thrum_tls *thrum__reactor_tls(thrum_reactor *reactor, thrum_failure **why);

/* The failure `code` with `error`, an errno, beneath it (0: nothing). */
thrum_failure *thrum__reactor_failure(thrum_context *context, int code,
                                      int error, const char *format, ...)
    THRUM_PRINTF(4, 5);

#endif
