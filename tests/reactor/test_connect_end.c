/* SPDX-License-Identifier: MIT */
/* Attempts that are ended: cancelled, with the reactor, for want of memory. */
#include <string.h>

#include "tests/reactor/reach.h"

/* ---- Cancelled, or ended with the reactor, at each stage ---- */

static void stop_there(void *reactor)
{
    thrum_reactor_stop(reactor);
}

static const struct {
    const char *host;
    bool deaf;   /* it does not answer */
    bool begins; /* the loop runs before the end */
} stages[] = {
    {"127.0.0.1", false, false},  {"one.test", false, false},
    {"silent.test", false, true}, {"127.0.0.1", true, true},
    {"one.test", true, true},
};

typedef struct staged {
    world world;
    deaf deaf;
    thrum_deferred *connecting;
} staged;

static void staged_open(staged *self, int stage)
{
    world *here = &self->world;

    world_open(here);
    if (stages[stage].deaf)
        deaf_open(&self->deaf, "127.0.0.1", &here->port);
    else
        world_listen(here, "127.0.0.1");
    self->connecting = world_attempt(here, stages[stage].host, 60 * THRUM_S);
    if (!stages[stage].begins)
        return;
    here->names.on_asked = stop_there;
    here->names.ctx = here->reactor;
    thrum_clock_call_later(thrum_reactor_clock(here->reactor), 20 * THRUM_MS,
                           stop_there, here->reactor, NULL);
    thrum_reactor_run(here->reactor);
}

static void staged_close(staged *self, int stage)
{
    if (stages[stage].deaf)
        deaf_close(&self->deaf);
}

START_TEST(an_attempt_can_be_cancelled_at_each_stage)
{
    staged self;

    staged_open(&self, _i);
    thrum_deferred_cancel(self.connecting);
    ck_assert_uint_eq(self.world.failed, 1);
    ck_assert(thrum_failure_is(self.world.why, &thrum_domain_deferred,
                               THRUM_DEFERRED_E_CANCELLED));
    thrum_deferred_finish(self.connecting);
    thrum_listener_free(self.world.listener);
    self.world.listener = NULL;
    thrum_reactor_run(self.world.reactor); /* what is left ends by itself */
    ck_assert_uint_eq(self.world.connected, 0);
    staged_close(&self, _i);
    world_close(&self.world);
}
END_TEST

START_TEST(an_attempt_fails_when_the_reactor_ends_at_each_stage)
{
    staged self;
    world *here = &self.world;

    staged_open(&self, _i);
    thrum_deferred_finish(self.connecting);
    thrum_reactor_free(here->reactor);
    ck_assert_uint_eq(here->failed, 1);
    world_expect_failure(here, THRUM_REACTOR_E_STOPPED, stages[_i].host);
    here->reactor = NULL;
    staged_close(&self, _i);
    world_close(here);
}
END_TEST

static thrum_outcome try_again(const thrum_failure *why, void *ctx)
{
    world *self = ctx;
    thrum_deferred *again =
        thrum_connect_tcp(self->reactor, "one.test", 25, THRUM_S);

    (void)why;
    thrum_deferred_add(again, NULL, world_failed, self, NULL);
    return thrum_wait(again);
}

START_TEST(an_attempt_that_begins_while_the_reactor_ends_fails_too)
{
    world self;
    thrum_deferred *connecting;

    world_open(&self);
    connecting = thrum_connect_tcp(self.reactor, "one.test", 25, THRUM_S);
    thrum_deferred_add(connecting, NULL, try_again, &self, NULL);
    thrum_deferred_finish(connecting);
    thrum_reactor_free(self.reactor);
    self.reactor = NULL;
    ck_assert_uint_eq(self.failed, 1);
    world_expect_failure(&self, THRUM_REACTOR_E_STOPPED, "one.test:25");
    world_close(&self);
}
END_TEST

static thrum_outcome cancel_the_other(const thrum_failure *why, void *other)
{
    (void)why;
    thrum_deferred_cancel(other);
    return thrum_done();
}

START_TEST(the_end_of_one_look_up_may_cancel_the_only_other)
{
    world self;
    thrum_deferred *one, *other;

    world_open(&self);
    other = world_attempt(&self, "silent.test", 60 * THRUM_S);
    one = thrum_connect_tcp(self.reactor, "none.test", 25, 60 * THRUM_S);
    thrum_deferred_add(one, NULL, cancel_the_other, other, NULL);
    thrum_deferred_finish(one);
    thrum_reactor_run(self.reactor);
    ck_assert_uint_eq(self.failed, 1);
    thrum_deferred_finish(other);
    thrum_reactor_run(self.reactor);
    world_close(&self);
}
END_TEST

/* ---- Memory ---- */

static names scenario_names;
static struct ev_loop *scenario_loop;
static const char *scenario_host;

static void scenario(void)
{
    world self = {.loop = scenario_loop};

    if (world_make(&self, scenario_names.address)) {
        self.port = 1; /* nobody is there */
        thrum_deferred_finish(world_attempt(&self, scenario_host, THRUM_S));
        thrum_reactor_run(self.reactor);
        ck_assert_uint_eq(self.connected, 0);
    }
    thrum_reactor_free(self.reactor);
    thrum_failure_unref(self.why);
    support_context_end(self.context);
    support_unhandled();
}

static const char *const unmade[] = {"127.0.0.1", "two.test", "none.test",
                                     "both.test", "two..dots"};

START_TEST(an_attempt_survives_every_failing_allocation)
{
    scenario_loop = ev_loop_new(EVFLAG_AUTO);
    names_start(&scenario_names, scenario_loop);
    scenario_host = unmade[_i];
    support_every_allocation(scenario);
    names_stop(&scenario_names);
    ev_loop_destroy(scenario_loop);
}
END_TEST

int main(void)
{
    TCase *stops = tcase_create("it is stopped");
    TCase *const cases[] = {stops};
    int count = sizeof stages / sizeof *stages;

    loop_watchdog();
    tcase_add_loop_test(stops, an_attempt_can_be_cancelled_at_each_stage, 0,
                        count);
    tcase_add_loop_test(
        stops, an_attempt_fails_when_the_reactor_ends_at_each_stage, 0, count);
    tcase_add_test(stops,
                   an_attempt_that_begins_while_the_reactor_ends_fails_too);
    tcase_add_test(stops, the_end_of_one_look_up_may_cancel_the_only_other);
    tcase_add_loop_test(stops, an_attempt_survives_every_failing_allocation, 0,
                        sizeof unmade / sizeof *unmade);
    return support_main("connect_end", cases, sizeof cases / sizeof *cases);
}
