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

static thrum_outcome react_done(void *value, void *ctx)
{
    react_end *end = ctx;

    (void)value;
    end->over = true;
    end->status = EXIT_SUCCESS;
    thrum_reactor_stop(end->reactor);
    return thrum_keep();
}

static thrum_outcome react_failed(const thrum_failure *why, void *ctx)
{
    react_end *end = ctx;

    (void)why;
    end->over = true;
    thrum_reactor_stop(end->reactor);
    return thrum_keep();
}

/* What is left of a Deferred whose loop ended first is cancelled: its pair must
 * not outlive `end`. */
static void react_until_end(thrum_deferred *result, react_end *end)
{
    thrum_deferred_ref(result);
    if (thrum_deferred_add(result, react_done, react_failed, end, NULL) == 0 &&
        !end->over)
        thrum_reactor_run(end->reactor);
    thrum_deferred_finish(result);
    if (!end->over) {
        fputs("thrum_react: the loop ended before the Deferred\n", stderr);
        thrum_deferred_cancel(result);
    }
    thrum_deferred_unref(result);
}

static void react_without_memory(void)
{
    react_print(thrum_failure_no_memory(), "thrum_react", NULL, 0, NULL);
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
        result = main(end.reactor, arg);
    if (result != NULL)
        react_until_end(result, &end);
    else
        react_without_memory();
    thrum_reactor_free(end.reactor);
    thrum_context_unref(config.context);
    return end.status;
}
