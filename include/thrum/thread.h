/* SPDX-License-Identifier: MIT */
/*
 * Blocking work, on threads of the reactor's own: a bounded pool, started when
 * it is needed, with all signals blocked, joined when the reactor is freed. A
 * thread that has nothing to do sleeps.
 */
#ifndef THRUM_THREAD_H
#define THRUM_THREAD_H

#include <thrum/outcome.h>
#include <thrum/reactor.h>

THRUM_BEGIN

/* The work, in a thread of the pool. It may make failures, and nothing else, of
 * the reactor's context; it touches no Deferred. It answers with thrum_value,
 * thrum_fail or thrum_done. */
typedef thrum_outcome thrum_thread_fn(void *ctx);

/* Calls fn(ctx) in a thread of the pool; the Deferred fires with what it
 * answers. At most `threads` of thrum_reactor_config run at a time, and
 * `thread_jobs` more wait; past that it fails with THRUM_E_FULL. Cancelling
 * takes work back that has not begun; work that has goes on, and what it
 * answers is released. The reactor's end waits for what has begun, whose
 * Deferreds fire, and all others fail with THRUM_REACTOR_E_STOPPED. Until then
 * work keeps the loop alive.
 * Ownership: new; ctx taken, also on error, and released once, in the
 * reactor's thread. Calls back: never before this returns. Errors: NULL, no
 * memory; THRUM_REACTOR_E_THREAD, no thread could be started. */
#define thrum_defer_to_thread(reactor, fn, ctx, free)                          \
    thrum_defer_to_thread_at((reactor), (fn), (ctx), (free), #fn THRUM_HERE)

/* thrum_defer_to_thread with the function's name and the caller's place,
 * "hash_password (service.c:42)"; `place` must be static. */
THRUM_API thrum_deferred *
thrum_defer_to_thread_at(thrum_reactor *reactor, thrum_thread_fn *fn, void *ctx,
                         thrum_free_fn *free, const char *place);

THRUM_END

#endif
