/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <thrum/test_clock.h>

#include "cli/watch.h"
#include "tests/support/support.h"

static void look(void *ctx)
{
    ++*(int *)ctx;
}

START_TEST(it_looks_every_ten_milliseconds_until_it_is_stopped)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock = thrum_test_clock_new(context);
    cli_watch watch;
    int looks = 0;

    cli_watch_start(&watch, thrum_test_clock_clock(clock), look, &looks);
    thrum_test_clock_advance(clock, 95 * THRUM_MS);
    ck_assert_int_eq(looks, 9);
    cli_watch_stop(&watch);
    cli_watch_stop(&watch);
    thrum_test_clock_advance(clock, THRUM_S);
    ck_assert_int_eq(looks, 9);
    ck_assert_uint_eq(thrum_test_clock_pending(clock), 0);
    ck_assert_uint_gt(watch.rss_anon_max_kib, 0);
    thrum_test_clock_free(clock);
    support_context_end(context);
}
END_TEST

/* Ticks `count` times, each `late` after it is due: the clock's reading moves
 * it on, and the tick reads once. */
static void tick(thrum_test_clock *clock, int count, thrum_ns late)
{
    thrum_test_clock_set_pace(clock, 0);
    for (int i = 0; i < count; i++)
        thrum_test_clock_advance(clock, 10 * THRUM_MS + late);
}

START_TEST(all_but_one_tick_in_a_thousand_count_for_the_lag)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock = thrum_test_clock_new(context);
    cli_watch watch;
    int looks = 0;

    cli_watch_start(&watch, thrum_test_clock_clock(clock), look, &looks);
    ck_assert_double_eq(cli_watch_lag_p999_ms(&watch), 0);
    tick(clock, 999, 0);
    ck_assert_double_eq(cli_watch_lag_p999_ms(&watch), 0.001);
    memset(watch.late, 0, sizeof watch.late);
    watch.late[0] = 998;
    watch.late[12] = 2; /* 16 to 19 us */
    watch.ticks = 1000;
    ck_assert_double_eq(cli_watch_lag_p999_ms(&watch), 0.020);
    watch.late[0] = 999;
    watch.late[12] = 1;
    ck_assert_double_eq(cli_watch_lag_p999_ms(&watch), 0.001);
    cli_watch_stop(&watch);
    thrum_test_clock_free(clock);
    support_context_end(context);
}
END_TEST

/* A clock whose reading is ahead of its now, as it is after a long turn. */
typedef struct late_clock {
    thrum_clock clock;
    thrum_ns now, ahead;
    thrum_call_fn *fn;
    void *ctx;
} late_clock;

static thrum_ns late_now(thrum_clock *clock)
{
    return ((late_clock *)clock)->now;
}

static thrum_ns late_read(thrum_clock *clock)
{
    return ((late_clock *)clock)->now + ((late_clock *)clock)->ahead;
}

static thrum_call *late_call_later(thrum_clock *clock, thrum_ns after,
                                   thrum_call_fn *fn, void *ctx,
                                   thrum_free_fn *free, const char *place)
{
    late_clock *self = (late_clock *)clock;

    (void)free;
    (void)place;
    self->fn = fn;
    self->ctx = ctx;
    self->now += after;
    return (thrum_call *)self;
}

static void late_cancel(thrum_clock *clock, thrum_call *call)
{
    (void)clock;
    (void)call;
}

START_TEST(a_late_tick_is_counted_within_a_quarter_of_its_lateness)
{
    static const thrum_clock_ops ops = {.now = late_now,
                                        .read = late_read,
                                        .call_later = late_call_later,
                                        .cancel = late_cancel};
    static const thrum_ns lates[] = {0,    1,     3,      4,      7,     8,
                                     1000, 14000, 999999, 123456, 50000, 19};

    for (size_t i = 0; i < sizeof lates / sizeof *lates; i++) {
        late_clock clock = {.clock.ops = &ops, .ahead = lates[i] * THRUM_US};
        double us = (double)lates[i], found;
        cli_watch watch;
        int looks = 0;

        cli_watch_start(&watch, &clock.clock, look, &looks);
        clock.fn(clock.ctx);
        found = cli_watch_lag_p999_ms(&watch) * 1000;
        ck_assert_msg(found > us && found <= us * 1.25 + 1, "%f: %f", us,
                      found);
        cli_watch_stop(&watch);
    }
}
END_TEST

START_TEST(the_number_of_the_kernel_is_found)
{
    static const struct {
        const char *text;
        uint64_t kib;
    } cases[] = {
        {"Name:\tthrum\nVmRSS:\t 99 kB\nRssAnon:\t    1234 kB\nX:\n", 1234},
        {"Name:\tthrum\nRssAnon:\t7", 7},
        {"Name:\tRssAnon: 5\n", 0},
        {"Name:\tx\nRssAnon:", 0},
        {"", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(
            cli_watch_rss_anon(cases[i].text, strlen(cases[i].text)),
            cases[i].kib);
}
END_TEST

int main(void)
{
    TCase *watch = tcase_create("watch");

    tcase_add_test(watch, it_looks_every_ten_milliseconds_until_it_is_stopped);
    tcase_add_test(watch, all_but_one_tick_in_a_thousand_count_for_the_lag);
    tcase_add_test(watch,
                   a_late_tick_is_counted_within_a_quarter_of_its_lateness);
    tcase_add_test(watch, the_number_of_the_kernel_is_found);
    return support_main("watch", &watch, 1);
}
