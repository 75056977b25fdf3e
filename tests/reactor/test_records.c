/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tests/reactor/asking.h"

/* ---- What there is ---- */

static const struct {
    int type;
    const char *name;
    const char *records;
    int ttl; /* seconds */
} there[] = {
    {ADDRESS, "one.test", "127.0.0.1;", 60},
    {ADDRESS, "One.TEST.", "127.0.0.1;", 60},
    {ADDRESS, "two.test", "127.0.0.2;127.0.0.1;", 60},
    {ADDRESS, "both.test", "::1;127.0.0.1;", 60},
    {ADDRESS, "six.test", "::1;", 60},
    {ADDRESS,
     "b\xc3\xbc"
     "cher.test",
     "127.0.0.1;", 60},
    {ADDRESS, "alias.test", "127.0.0.1;", 7},
    {ADDRESS, "noise.test", "127.0.0.1;", 60},
    {ADDRESS, "huge.test", "127.0.0.1;", 3600},
    {ADDRESS, "zero.test", "127.0.0.1;", 0},
    {ADDRESS, "negative.test", "127.0.0.1;", 0},
    {MX, "mx.test", "10 first.test;20 second.test;30 last.test;", 60},
    {MX, "null-and-one.test", "10 one.test;", 60},
    {MX, "odd-and-one.test", "10 one.test;", 60},
    {TXT, "text.test", "v=spf1 -all;;", 60},
    {SRV, "_it._tcp.test", NULL, 60},
};

START_TEST(records_are_found)
{
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, there[_i].type, there[_i].name);
    ck_assert_msg(got.fired == 1, "%s",
                  got.why == NULL ? "nothing" : thrum_failure_text(got.why));
    if (there[_i].records != NULL)
        ck_assert_str_eq(got.text, there[_i].records);
    ck_assert_int_eq(got.ttl, there[_i].ttl * THRUM_S);
    found_end(&got);
    world_close(&here);
}
END_TEST

START_TEST(services_stand_in_the_order_of_their_priorities)
{
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, SRV, "_it._tcp.test");
    ck_assert_uint_eq(got.count, 3);
    ck_assert_ptr_nonnull(strstr(got.text, "10 60 5222 big.test;"));
    ck_assert_ptr_nonnull(strstr(got.text, "10 0 5221 small.test;"));
    ck_assert_str_eq(strstr(got.text, "20 "), "20 0 5223 spare.test;");
    found_end(&got);
    world_close(&here);
}
END_TEST

START_TEST(an_address_in_figures_asks_nobody)
{
    static const char *const figures[] = {"192.0.2.1", "::1", "fe80::1%lo",
                                          "127.0.0.1"};
    char text[40];
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, ADDRESS, figures[_i]);
    snprintf(text, sizeof text, "%s;", figures[_i]);
    ck_assert_str_eq(got.text, text);
    ck_assert_uint_eq(here.names.asked, 0);
    found_end(&got);
    found_look_up(&here, &got, ADDRESS, "localhost");
    ck_assert_uint_gt(got.count, 0);
    ck_assert_uint_eq(here.names.asked, 0);
    found_end(&got);
    world_close(&here);
}
END_TEST

START_TEST(what_is_too_long_for_udp_comes_over_tcp)
{
    char expected[1500] = "";
    world here;
    found got;

    for (int i = 0; i < 40; i++)
        snprintf(expected + strlen(expected), 40, "%d mx%02d.many.test;", i, i);
    world_open_timed(&here);
    found_look_up(&here, &got, MX, "many.test");
    ck_assert_uint_eq(got.count, 40);
    ck_assert_str_eq(got.text, expected);
    ck_assert_uint_eq(here.names.asked_tcp, 1);
    found_end(&got);
    found_look_up(&here, &got, TXT, "long.test");
    ck_assert_uint_eq(strlen(got.text), 601);
    found_end(&got);
    world_close(&here);
}
END_TEST

/* ---- What there is not ---- */

static const struct {
    int type;
    const char *name;
    int code;
    const char *text;
} missing[] = {
    {MX, "none.test", THRUM_REACTOR_E_NO_RECORDS,
     "cannot look up the MX records of none.test: there is no such name"},
    {MX, "one.test", THRUM_REACTOR_E_NO_RECORDS,
     "cannot look up the MX records of one.test: it has no records of this"},
    {MX, "null.test", THRUM_REACTOR_E_NO_RECORDS,
     "cannot look up the MX records of null.test: it says that it has no such "
     "service"},
    {SRV, "_off._tcp.test", THRUM_REACTOR_E_NO_RECORDS,
     "cannot look up the SRV records of _off._tcp.test: it says that it has"},
    {TXT, "empty.test", THRUM_REACTOR_E_NO_RECORDS,
     "cannot look up the TXT records of empty.test: it has no records of this"},
    {ADDRESS, "none.test", THRUM_REACTOR_E_NO_RECORDS,
     "cannot look up the address records of none.test: there is no such name"},
    {ADDRESS, "empty.test", THRUM_REACTOR_E_NO_RECORDS,
     "cannot look up the address records of empty.test: it has no records"},
    {ADDRESS, "dangling.test", THRUM_REACTOR_E_NO_RECORDS, "there is no such"},
    {ADDRESS, "broken.test", THRUM_REACTOR_E_RESOLVE,
     "cannot look up the address records of broken.test: "},
    {TXT, "refused.test", THRUM_REACTOR_E_RESOLVE,
     "cannot look up the TXT records of refused.test: "},
    {ADDRESS, "ring.test", THRUM_REACTOR_E_RESOLVE, "too many aliases"},
    {ADDRESS, "self.test", THRUM_REACTOR_E_RESOLVE, "too many aliases"},
    {ADDRESS, "broken-data.test", THRUM_REACTOR_E_RESOLVE, "malformed answer"},
    {ADDRESS, "cut.test", THRUM_REACTOR_E_RESOLVE, "malformed answer"},
    {MX, "odd.test", THRUM_REACTOR_E_RESOLVE, "malformed answer"},
};

START_TEST(why_there_are_none_is_told)
{
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, missing[_i].type, missing[_i].name);
    ck_assert_uint_eq(got.failed, 1);
    ck_assert_msg(
        thrum_failure_is(got.why, &thrum_domain_reactor, missing[_i].code) &&
            strstr(thrum_failure_text(got.why), missing[_i].text) != NULL,
        "%d %s", thrum_failure_code(got.why), thrum_failure_text(got.why));
    found_end(&got);
    world_close(&here);
}
END_TEST

START_TEST(a_service_that_is_refused_says_so_beneath)
{
    static const struct {
        int type;
        const char *name;
        bool refused;
    } rows[] = {{MX, "null.test", true},
                {SRV, "_off._tcp.test", true},
                {MX, "one.test", false},
                {MX, "none.test", false}};
    const thrum_failure *cause;
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, rows[_i].type, rows[_i].name);
    cause = thrum_failure_cause(got.why);
    ck_assert_int_eq(cause != NULL, rows[_i].refused);
    ck_assert(cause == NULL || thrum_failure_is(cause, &thrum_domain_reactor,
                                                THRUM_REACTOR_E_NOT_OFFERED));
    found_end(&got);
    world_close(&here);
}
END_TEST

static const struct {
    const char *name;
    const char *text;
} refused[] = {
    {"", "records of : a name has at least one label"},
    {"a..b", "records of a..b: a label is empty"},
    {"a\nb", "records of (control characters): no name has such"},
    {"\xff.test", "no internationalized name"},
};

START_TEST(what_is_no_name_is_refused_without_asking)
{
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, MX, refused[_i].name);
    ck_assert_uint_eq(got.failed, 1);
    ck_assert(thrum_failure_is(got.why, &thrum_domain_base, THRUM_E_INVALID));
    ck_assert_ptr_nonnull(
        strstr(thrum_failure_text(got.why), refused[_i].text));
    ck_assert_uint_eq(here.names.asked, 0);
    found_end(&got);
    world_close(&here);
}
END_TEST

/* ---- Time ---- */

START_TEST(a_look_up_that_is_not_answered_ends_with_its_time)
{
    static const char *const asked_for[] = {"silent.test", "rubbish.test"};
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, TXT, asked_for[_i]);
    world_pass(&here, 30 * THRUM_S - 1);
    ck_assert_uint_eq(got.failed, 0);
    world_pass(&here, 1);
    ck_assert_uint_eq(got.failed, 1);
    ck_assert(thrum_failure_is(got.why, &thrum_domain_reactor,
                               THRUM_REACTOR_E_TIMEOUT));
    ck_assert_uint_eq(thrum_test_clock_pending(here.clock), 0);
    found_end(&got);
    world_close(&here);
}
END_TEST

START_TEST(one_family_is_better_than_none_when_the_time_is_over)
{
    static const char *const asked_for[] = {"six-lost.test", "four-lost.test"};
    static const char *const texts[] = {"127.0.0.1;", "::1;"};
    world here;
    found got;

    world_open_timed(&here);
    found_look_up(&here, &got, ADDRESS, asked_for[_i]);
    world_pass(&here, 30 * THRUM_S - 1);
    ck_assert_uint_eq(got.fired, 0);
    world_pass(&here, 1);
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_str_eq(got.text, texts[_i]);
    found_end(&got);
    world_close(&here);
}
END_TEST

/* ---- Its end ---- */

static const struct {
    int type;
    const char *name;
    bool begins;
} ends[] = {
    {MX, "mx.test", false},           {MX, "silent.test", true},
    {ADDRESS, "one.test", false},     {ADDRESS, "silent.test", true},
    {ADDRESS, "six-lost.test", true},
};

START_TEST(a_look_up_can_be_cancelled)
{
    int descriptors;
    world here;
    found got = {0};

    world_open_timed(&here);
    descriptors = support_descriptors();
    found_begin(&here, &got, ends[_i].type, ends[_i].name);
    if (ends[_i].begins)
        world_settle(&here);
    thrum_deferred_cancel(got.looking);
    ck_assert_uint_eq(got.failed, 1);
    ck_assert(thrum_failure_is(got.why, &thrum_domain_deferred,
                               THRUM_DEFERRED_E_CANCELLED));
    ck_assert_int_eq(support_descriptors(), descriptors);
    ck_assert_uint_eq(thrum_test_clock_pending(here.clock), 0);
    world_settle(&here);
    found_end(&got);
    world_close(&here);
}
END_TEST

START_TEST(a_look_up_ends_with_the_reactor)
{
    world here;
    found got = {0};

    world_open_timed(&here);
    found_begin(&here, &got, ends[_i].type, ends[_i].name);
    if (ends[_i].begins)
        world_settle(&here);
    thrum_reactor_free(here.reactor);
    here.reactor = NULL;
    ck_assert_uint_eq(got.failed, 1);
    ck_assert(thrum_failure_is(got.why, &thrum_domain_reactor,
                               THRUM_REACTOR_E_STOPPED));
    found_end(&got);
    world_close(&here);
}
END_TEST

static thrum_outcome keep_them(void *records, void *place)
{
    *(thrum_records **)place = records;
    return thrum_taken();
}

START_TEST(records_outlive_the_reactor)
{
    thrum_records *records = NULL;
    thrum_deferred *looking;
    world here;

    world_open_timed(&here);
    looking =
        thrum_records_lookup(here.reactor, THRUM_RECORD_MX, "mx.test", THRUM_S);
    thrum_deferred_add(looking, keep_them, NULL, &records, NULL);
    world_settle(&here);
    thrum_deferred_finish(looking);
    thrum_reactor_free(here.reactor);
    here.reactor = NULL;
    ck_assert_str_eq(thrum_records_at(records, 0)->text, "first.test");
    ck_assert_int_eq(thrum_records_ttl(records), 60 * THRUM_S);
    thrum_records_free(records);
    thrum_records_free(NULL);
    world_close(&here);
}
END_TEST

static world base;
static int scenario_row;

static void scenario(void)
{
    world here = {.loop = base.loop};
    found got = {0};

    here.context = support_context();
    if (here.context != NULL)
        here.clock = thrum_test_clock_new(here.context);
    if (here.clock != NULL && world_make(&here, base.names.address)) {
        for (int i = 0; i < 2; i++) {
            found_begin(&here, &got, there[scenario_row].type,
                        there[scenario_row].name);
            world_settle(&here);
            ck_assert(got.looking == NULL || got.fired + got.failed == 1);
            found_end(&got);
        }
    }
    thrum_reactor_free(here.reactor);
    thrum_test_clock_free(here.clock);
    support_context_end(here.context);
    support_unhandled();
}

START_TEST(a_look_up_survives_every_failing_allocation)
{
    static const int rows[] = {0, 3, 11, 14, 15};

    scenario_row = rows[_i];
    base.loop = ev_loop_new(EVFLAG_AUTO);
    names_start(&base.names, base.loop);
    support_every_allocation(scenario);
    names_stop(&base.names);
    ev_loop_destroy(base.loop);
}
END_TEST

static TCase *looks_up(void)
{
    TCase *finds = tcase_create("records");

    tcase_add_loop_test(finds, records_are_found, 0,
                        sizeof there / sizeof *there);
    tcase_add_test(finds, services_stand_in_the_order_of_their_priorities);
    tcase_add_loop_test(finds, an_address_in_figures_asks_nobody, 0, 4);
    tcase_add_test(finds, what_is_too_long_for_udp_comes_over_tcp);
    tcase_add_loop_test(finds, why_there_are_none_is_told, 0,
                        sizeof missing / sizeof *missing);
    tcase_add_loop_test(finds, a_service_that_is_refused_says_so_beneath, 0, 4);
    tcase_add_loop_test(finds, what_is_no_name_is_refused_without_asking, 0,
                        sizeof refused / sizeof *refused);
    return finds;
}

int main(void)
{
    TCase *stops = tcase_create("ends");
    TCase *const cases[] = {looks_up(), stops};
    int count = sizeof ends / sizeof *ends;

    loop_watchdog();
    tcase_add_loop_test(
        stops, a_look_up_that_is_not_answered_ends_with_its_time, 0, 2);
    tcase_add_loop_test(
        stops, one_family_is_better_than_none_when_the_time_is_over, 0, 2);
    tcase_add_loop_test(stops, a_look_up_can_be_cancelled, 0, count);
    tcase_add_loop_test(stops, a_look_up_ends_with_the_reactor, 0, count);
    tcase_add_test(stops, records_outlive_the_reactor);
    tcase_add_loop_test(stops, a_look_up_survives_every_failing_allocation, 0,
                        5);
    return support_main("records", cases, sizeof cases / sizeof *cases);
}
