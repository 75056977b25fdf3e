/* SPDX-License-Identifier: MIT */
/*
 * What other threads have for the reactor's: calls that they ask for, and notes
 * of what they have done.
 */
#ifndef THRUM_REACTOR_INBOX_H
#define THRUM_REACTOR_INBOX_H

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "reactor/slow.h"

/* First in what is put in; it brings its memory, so that nothing is lost for
 * want of it. */
typedef struct thrum__note {
    struct thrum__note *next;
    void (*fn)(struct thrum__note *note); /* NULL: a block of calls */
} thrum__note;

struct inbox_calls;

typedef struct thrum__inbox {
    const thrum_allocator *allocator;
    struct ev_loop *loop;
    thrum__slow *slow;
    ev_async wake;
    thrum__note *taken;        /* being made, in the reactor's thread */
    struct inbox_calls *spare; /* that was made, likewise */
    pthread_mutex_t lock;      /* over what follows */
    thrum__note *first;
    thrum__note **end;
    struct inbox_calls *filling; /* last of them, and with room; or NULL */
    struct inbox_calls *empty;   /* the next to be filled, or NULL */
} thrum__inbox;

/* Allocator, loop and what is slow are borrowed. Errors: THRUM_E_INVALID when
 * the system has no descriptor left for it. */
int thrum__inbox_init(thrum__inbox *inbox, const thrum_allocator *allocator,
                      struct ev_loop *loop, thrum__slow *slow);

/* From any thread: has note->fn called in the reactor's. */
void thrum__inbox_put(thrum__inbox *inbox, thrum__note *note);

/* Makes the notes, all of them, and leaves the calls. */
void thrum__inbox_finish_notes(thrum__inbox *inbox);

/* Releases the contexts of the calls that were not made. `forked`: in a child,
 * where a thread that is gone may have had the lock. */
void thrum__inbox_fini(thrum__inbox *inbox, bool forked);

#endif
