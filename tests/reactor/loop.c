/* SPDX-License-Identifier: MIT */
#include "tests/reactor/loop.h"

#include <signal.h>
#include <time.h>

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

/* Not by alarm: libcheck answers SIGALRM by killing its whole process group,
 * and that is make's. */
void loop_watchdog(void)
{
    struct sigevent bite = {.sigev_notify = SIGEV_SIGNAL,
                            .sigev_signo = SIGABRT};
    struct itimerspec once = {.it_value = {.tv_sec = WATCHDOG_S}};
    timer_t timer;

    if (timer_create(CLOCK_MONOTONIC, &bite, &timer) == 0)
        timer_settime(timer, 0, &once, NULL);
}
