/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#ifdef THRUM__CHECK_THREADS
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

thrum__thread thrum__thread_here(void)
{
    thrum__thread here = {.self = pthread_self(), .id = gettid()};

    if (pthread_getname_np(here.self, here.name, sizeof here.name) != 0)
        here.name[0] = '\0';
    return here;
}

void thrum__thread_check(const thrum_context *context, const char *function)
{
    const thrum__thread *owner = &context->thread;
    thrum__thread here;

    if (pthread_equal(owner->self, pthread_self()))
        return;
    here = thrum__thread_here();
    fprintf(stderr,
            "thrum: %s was called in thread %d (%s), but what it was called "
            "with belongs to thread %d (%s)\n",
            function, (int)here.id, here.name, (int)owner->id, owner->name);
    abort();
}

void thrum__thread_enter(thrum_context *context)
{
    context->thread = thrum__thread_here();
}

void thrum__thread_leave(thrum_context *context)
{
    context->thread = context->maker;
}
#else
typedef int thread_nothing; /* a file of C has to declare something */
#endif
