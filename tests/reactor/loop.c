/* SPDX-License-Identifier: MIT */
#include "tests/reactor/loop.h"

#include <unistd.h>

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

void loop_watchdog(void)
{
    alarm(60);
}
