/* SPDX-License-Identifier: MIT */
/*
 * A whole program: from main's Deferred to the exit status.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "reactor/loop.h"

typedef struct react_end {
    thrum_reactor *reactor;
    bool over;
    bool stopped; /* first: the Deferred is one more thing to stop */
    int status;
} react_end;

static void react_print(const thrum_failure *why, const char *operation,
                        const char *file, int line, void *ctx)
{
    (void)file;
    (void)line;
    (void)ctx;
    fprintf(stderr, "%s: %s", operation, thrum_failure_text(why));
    while ((why = thrum_failure_cause(why)) != NULL)
        fprintf(stderr, ": %s", thrum_failure_text(why));
    fputc('\n', stderr);
}

static void react_is_over(react_end *end, int status)
{
    end->over = true;
    end->status = status;
    thrum_reactor_stop(end->reactor);
}

static thrum_outcome react_done(void *value, void *end)
{
    (void)value;
    react_is_over(end, EXIT_SUCCESS);
    return thrum_keep();
}

/* Of a program that was stopped it is no failure that it was cancelled. */
static thrum_outcome react_failed(const thrum_failure *why, void *ctx)
{
    react_end *end = ctx;

    if (end->stopped && thrum_failure_is(why, &thrum_domain_deferred,
                                         THRUM_DEFERRED_E_CANCELLED)) {
        react_is_over(end, EXIT_SUCCESS);
        return thrum_done();
    }
    react_is_over(end, EXIT_FAILURE);
    return thrum_keep();
}

/* Answers whether that ended well. */
static bool react_run(react_end *end)
{
    int error = thrum_reactor_run(end->reactor);

    if (error != 0)
        fprintf(stderr, "thrum_react: %s\n",
                thrum__describe(&thrum_domain_reactor, error));
    return error == 0;
}

/* The loop ran dry; the program is stopped in order all the same. */
static bool react_run_dry(thrum_deferred *result, react_end *end)
{
    fputs("thrum_react: the loop ended before the Deferred\n", stderr);
    end->reactor->stop.active = true;
    thrum_deferred_cancel(result);
    thrum_reactor_stop(end->reactor);
    return react_run(end);
}

static void react_until_end(thrum_deferred *result, react_end *end)
{
    bool heard =
        thrum_deferred_add(result, react_done, react_failed, end, NULL) == 0;
    bool well;

    thrum_deferred_ref(result);
    thrum_deferred_finish(result);
    if (!heard) /* without memory; it says so itself */
        thrum_reactor_stop(end->reactor);
    well = react_run(end) && heard;
    end->stopped = end->reactor->stop.times > 0;
    if (!end->over && end->stopped)
        thrum_deferred_cancel(result);
    else if (!end->over)
        well = react_run_dry(result, end);
    thrum_deferred_unref(result);
    if (!well)
        end->status = EXIT_FAILURE;
}

static void react_without_memory(void)
{
    react_print(thrum_failure_no_memory(), "thrum_react", NULL, 0, NULL);
}

/* It may stop before it runs. */
static thrum_deferred *react_begin(thrum_main_fn *main, void *arg,
                                   thrum_reactor *reactor)
{
    reactor->stop.active = true;
    return main(reactor, arg);
}

int thrum_react(thrum_main_fn *main, void *arg)
{
    thrum_context_config hooks = {.unhandled = react_print};
    thrum_reactor_config config = {.context = thrum_context_new(&hooks)};
    react_end end = {.status = EXIT_FAILURE};
    thrum_deferred *result = NULL;

    if (config.context != NULL)
        end.reactor = thrum_reactor_new(&config);
    if (end.reactor != NULL)
        result = react_begin(main, arg, end.reactor);
    if (result != NULL)
        react_until_end(result, &end);
    else
        react_without_memory();
    thrum_reactor_free(end.reactor);
    thrum_context_unref(config.context);
    return end.status;
}
