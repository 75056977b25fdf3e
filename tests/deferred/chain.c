/* SPDX-License-Identifier: MIT */
#include "tests/deferred/chain.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static char trace[4000], taken[4000];

void trace_note(const char *what)
{
    size_t size = strlen(trace);

    snprintf(trace + size, sizeof trace - size, "%s", what);
}

const char *trace_take(void)
{
    snprintf(taken, sizeof taken, "%s", trace);
    trace[0] = '\0';
    return taken;
}

void trace_setup(void)
{
    trace_take();
    support_unhandled();
}

thrum_outcome trace_value(void *value, void *name)
{
    trace_note(name);
    trace_note("=");
    trace_note(value != NULL ? value : "none");
    trace_note(" ");
    return thrum_keep();
}

thrum_outcome trace_failure(const thrum_failure *why, void *name)
{
    trace_note(name);
    trace_note("!");
    trace_note(thrum_failure_text(why));
    trace_note(" ");
    return thrum_done();
}

void trace_release(void *name)
{
    trace_note("~");
    trace_note(name);
    trace_note(" ");
}

thrum_outcome answer_wait(void *value, void *ctx)
{
    (void)value;
    return thrum_wait(ctx);
}

thrum_outcome answer_wait_failed(const thrum_failure *why, void *ctx)
{
    (void)why;
    return thrum_wait(ctx);
}

thrum_failure *chain_failure(thrum_context *context, const char *text)
{
    return thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, "%s",
                             text);
}

static void world_schedule(thrum_cooperator *cooperator, void *ctx)
{
    struct world *self = ctx;

    (void)cooperator;
    self->scheduled++;
}

void world_start(struct world *self, thrum_ns slice)
{
    thrum_cooperator_config config = {
        .schedule = world_schedule, .ctx = self, .slice = slice};

    memset(self, 0, sizeof *self);
    self->context = support_context();
    if (self->context != NULL)
        self->clock = thrum_test_clock_new(self->context);
    if (self->clock == NULL)
        return;
    config.clock = thrum_test_clock_clock(self->clock);
    self->cooperator = thrum_cooperator_new(self->context, &config);
}

void world_end(struct world *self)
{
    thrum_cooperator_free(self->cooperator);
    thrum_test_clock_free(self->clock);
    support_context_end(self->context);
}

typedef struct small_run {
    void (*run)(void);
    thrum_context **context; /* NULL: it makes its own */
} small_run;

static void *run_on_thread(void *ctx)
{
    small_run *self = ctx;

    if (self->context != NULL)
        *self->context = support_context();
    self->run();
    if (self->context != NULL)
        support_context_end(*self->context);
    return NULL;
}

void on_small_stack_with(thrum_context **context, void (*run)(void),
                         size_t size)
{
    small_run what = {run, context};
    pthread_attr_t attributes;
    pthread_t thread;

#if defined(__SANITIZE_ADDRESS__)
    size *= 16;
#endif
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, size), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run_on_thread, &what),
                     0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

void on_small_stack(void (*run)(void), size_t size)
{
    on_small_stack_with(NULL, run, size);
}
