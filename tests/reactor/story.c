/* SPDX-License-Identifier: MIT */
#include "tests/reactor/story.h"

#include <string.h>

static char story[64];
static unsigned released;

void story_tell(char letter)
{
    size_t size = strlen(story);

    ck_assert_uint_lt(size, sizeof story - 1);
    story[size] = letter;
}

bool story_has(char letter)
{
    return strchr(story, letter) != NULL;
}

void story_forget(void)
{
    memset(story, 0, sizeof story);
}

void story_expect(const char *wanted)
{
    ck_assert_str_eq(story, wanted);
    story_forget();
}

void story_expect_released(unsigned wanted)
{
    ck_assert_uint_eq(released, wanted);
    released = 0;
}

static void release(void *ctx)
{
    (void)ctx;
    released++;
}

thrum_failure *story_failure(thrum_reactor *reactor)
{
    return thrum_failure_new(thrum_reactor_context(reactor), &thrum_domain_base,
                             THRUM_E_FULL, "stuck");
}

static thrum_outcome act_out(void *ctx)
{
    act *self = ctx;

    story_tell(self->letter);
    if (self->stops)
        thrum_reactor_stop(self->reactor);
    if (self->on != NULL)
        return thrum_wait(self->on);
    if (self->fails)
        return thrum_fail(story_failure(self->reactor));
    return thrum_done();
}

thrum_trigger *story_on(thrum_trigger_phase phase, act *what)
{
    return thrum_trigger_new(what->reactor, phase, act_out, what, release);
}

void story_stop(void *reactor)
{
    story_tell('!');
    thrum_reactor_stop(reactor);
}

void story_fire(void *deferred)
{
    story_tell('f');
    thrum_deferred_fire(deferred, NULL, NULL);
}

void story_later(thrum_reactor *reactor, thrum_call_fn *fn, void *ctx)
{
    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, fn, ctx, NULL);
}

static void never(void *ctx)
{
    (void)ctx;
    ck_abort_msg("this call must not be made");
}

void story_hold(thrum_reactor *reactor)
{
    thrum_clock_call_later(thrum_reactor_clock(reactor), 3600 * THRUM_S, never,
                           NULL, NULL);
}

void story_run_until_stopped(thrum_reactor *reactor)
{
    story_hold(reactor);
    story_later(reactor, story_stop, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
}

thrum_deferred *story_pending(thrum_reactor *reactor)
{
    return thrum_deferred_new(thrum_reactor_context(reactor), "closing");
}

static thrum_outcome stopped(void *value, void *again)
{
    ck_assert_ptr_null(value);
    story_tell('w');
    if (again != NULL)
        thrum_reactor_stop(again);
    return thrum_done();
}

static thrum_outcome not_stopped(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    ck_assert_int_eq(thrum_failure_code(why), THRUM_REACTOR_E_STOPPED);
    story_tell('n');
    return thrum_done();
}

thrum_deferred *story_when_stopped(thrum_reactor *reactor, void *again)
{
    thrum_deferred *deferred = thrum_reactor_when_stopped(reactor);

    thrum_deferred_add(deferred, stopped, not_stopped, again, NULL);
    return deferred;
}
