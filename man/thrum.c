/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/thrum.h>

static thrum_outcome hello(void *nothing, void *ctx)
{
    (void)nothing;
    (void)ctx;
    if (strlen(thrum_version()) > 0)
        printf("thrum runs on this loop\n");
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    (void)arg;
    thrum_deferred *later = thrum_deferred_later(
        thrum_reactor_context(reactor),
        thrum_reactor_clock(reactor), THRUM_MS, NULL, NULL, NULL);
    thrum_deferred_add(later, hello, NULL, NULL, NULL);
    return later;
}

int main(void)
{
    return thrum_react(run, NULL);
}
