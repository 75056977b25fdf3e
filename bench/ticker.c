/* SPDX-License-Identifier: MIT */
/*
 * The control of loop_free: the same ticker in a process that does nothing
 * else. What it sees is the machine. Ends on SIGTERM and prints one line of
 * JSON.
 */
#include <signal.h>
#include <stdio.h>

#include "bench/gaps.h"

static void stop(void *reactor)
{
    thrum_reactor_stop(reactor);
}

int main(void)
{
    static gaps ticker;
    thrum_reactor *reactor = thrum_reactor_new(NULL);
    thrum_signal *end;

    if (reactor == NULL)
        return 1;
    end = thrum_signal_new(reactor, SIGTERM, stop, reactor, NULL);
    if (end == NULL || gaps_start(&ticker, reactor) != 0)
        return 1;
    thrum_reactor_run(reactor);
    printf("{");
    gaps_stop(&ticker);
    printf("}\n");
    thrum_signal_free(end);
    thrum_reactor_free(reactor);
    return 0;
}
