/* SPDX-License-Identifier: MIT */
#include "tests/reactor/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { WATCHDOG_S = 120 };

thrum_reactor *loop_start(void)
{
    thrum_reactor_config config = {.context = support_context()};
    thrum_reactor *reactor = thrum_reactor_new(&config);

    ck_assert_ptr_nonnull(reactor);
    return reactor;
}

void loop_end(thrum_reactor *reactor)
{
    thrum_context *context = thrum_reactor_context(reactor);

    thrum_reactor_free(reactor);
    support_context_end(context);
}

static void *loop_watch(void *arg)
{
    sleep(WATCHDOG_S);
    fputs("the loop does not end\n", stderr);
    _exit(1);
    return arg;
}

/* Not by alarm: libcheck answers SIGALRM by killing its whole process group,
 * and that is make's. */
void loop_watchdog(void)
{
    sigset_t all, before;
    pthread_t thread;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, loop_watch, NULL) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
