/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/reactor/reach.h"

/* ---- It connects ---- */

static const struct {
    const char *host, *listen;
    bool asks; /* the name server is asked */
} reached[] = {
    {"127.0.0.1", "127.0.0.1", false},
    {"::1", "::1", false},
    {"localhost", "127.0.0.1", false},
    {"one.test", "127.0.0.1", true},
    {"six.test", "::1", true},
    {"two.test", "127.0.0.1", true},
    {"two.test", "127.0.0.2", true},
    {"both.test", "127.0.0.1", true},
    {"both.test", "::1", true},
    {"alias.test", "127.0.0.1", true},
    {"noise.test", "127.0.0.1", true},
    {"ONE.Test.", "127.0.0.1", true},
    {"b\xc3\xbc"
     "cher.test",
     "127.0.0.1", true},
    {"six-lost.test", "127.0.0.1", true},
    {"four-lost.test", "::1", true},
    {"any.localhost", "127.0.0.1", false},
};

START_TEST(a_host_is_reached_by_name_or_by_address)
{
    world self;

    world_open(&self);
    world_listen(&self, reached[_i].listen);
    world_reach(&self, reached[_i].host, 60 * THRUM_S);
    ck_assert_uint_eq(self.connected, 1);
    ck_assert_str_eq(self.peer, thrum_listener_name(self.listener));
    ck_assert_int_eq(self.names.asked > 0, reached[_i].asks);
    world_close(&self);
}
END_TEST

enum { AT_ONCE = 20 };

START_TEST(many_names_are_looked_up_at_once)
{
    static const char *const hosts[] = {"one.test", "none.test", "two.test",
                                        "broken.test"};
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    for (int i = 0; i < AT_ONCE; i++)
        thrum_deferred_finish(world_attempt(&self, hosts[i % 4], 60 * THRUM_S));
    RUN_UNTIL(self.reactor, self.connected + self.failed == AT_ONCE);
    ck_assert_uint_eq(self.connected, AT_ONCE / 2);
    world_close(&self);
}
END_TEST

START_TEST(a_connection_that_nobody_takes_is_closed)
{
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    world_reach(&self, "127.0.0.1", 60 * THRUM_S);
    thrum_listener_free(self.listener);
    self.listener = NULL;
    thrum_reactor_run(self.reactor); /* until nothing keeps it alive */
    world_close(&self);
}
END_TEST

/* ---- It does not ---- */

static const struct {
    const char *host;
    const char *text;
    bool for_good; /* the failure beneath says that there is none */
} unresolved[] = {
    {"none.test", "cannot look up none.test:25: ", true},
    {"empty.test", "cannot look up empty.test:25: ", true},
    {"broken.test", "cannot look up broken.test:25: ", false},
    {"refused.test", "cannot look up refused.test:25: ", false},
    {"ring.test", "cannot look up ring.test:25: ", false},
    {"cut.test", "cannot look up cut.test:25: malformed", false},
    {"no-such-host.invalid", "cannot look up no-such-host.invalid:25: ", true},
};

START_TEST(a_name_without_an_address_is_a_failure_to_resolve)
{
    const thrum_failure *why;
    world self;

    world_open(&self);
    self.port = 25;
    world_reach(&self, unresolved[_i].host, 60 * THRUM_S);
    world_expect_failure(&self, THRUM_REACTOR_E_RESOLVE, unresolved[_i].text);
    why = thrum_failure_cause(self.why);
    ck_assert_int_eq(why != NULL, unresolved[_i].for_good);
    ck_assert(why == NULL || thrum_failure_is(why, &thrum_domain_reactor,
                                              THRUM_REACTOR_E_NO_RECORDS));
    world_close(&self);
}
END_TEST

static const struct {
    const char *host;
    const char *text;
} refused[] = {
    {"", "cannot look up :25: a name has at least one label"},
    {".", "cannot look up .:25: a name has at least one label"},
    {"white space", "cannot look up white space:25: no name has such"},
    {"two..dots", "cannot look up two..dots:25: a label is empty"},
    {"::1%nowhere", "cannot look up ::1%nowhere:25: no name has such"},
    {"192.0.2.300", "cannot look up 192.0.2.300:25: neither an address"},
    {"a\nb", "cannot look up (control characters):25: no name has"},
    {"\xff.test", "cannot look up \xff.test:25: no internationalized name"},
};

START_TEST(what_is_no_name_is_refused_without_asking)
{
    world self;

    world_open(&self);
    self.port = 25;
    world_reach(&self, refused[_i].host, 60 * THRUM_S);
    ck_assert(thrum_failure_is(self.why, &thrum_domain_base, THRUM_E_INVALID));
    ck_assert_msg(strncmp(thrum_failure_text(self.why), refused[_i].text,
                          strlen(refused[_i].text)) == 0,
                  "%s", thrum_failure_text(self.why));
    ck_assert_uint_eq(self.names.asked, 0);
    world_close(&self);
}
END_TEST

START_TEST(a_very_long_name_is_cut_in_the_failure)
{
    char host[2000];
    world self;

    memset(host, 'a', sizeof host);
    host[sizeof host - 1] = '\0';
    world_open(&self);
    world_reach(&self, host, 60 * THRUM_S);
    ck_assert(thrum_failure_is(self.why, &thrum_domain_base, THRUM_E_INVALID));
    ck_assert_uint_lt(strlen(thrum_failure_text(self.why)), 400);
    world_close(&self);
}
END_TEST

START_TEST(a_name_server_that_is_no_address_is_a_failure_to_resolve)
{
    world self;

    memset(&self, 0, sizeof self);
    ck_assert(world_make(&self, "not an address"));
    world_reach(&self, "one.test", 60 * THRUM_S);
    world_expect_failure(&self, THRUM_REACTOR_E_RESOLVE,
                         "cannot look up one.test");
    thrum_reactor_free(self.reactor);
    thrum_failure_unref(self.why);
    support_context_end(self.context);
}
END_TEST

START_TEST(a_refusal_is_a_failure_with_the_systems_words_beneath)
{
    char text[80];
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    thrum_listener_free(self.listener); /* now nobody is there */
    self.listener = NULL;
    world_reach(&self, "127.0.0.1", 60 * THRUM_S);
    snprintf(text, sizeof text, "cannot connect to 127.0.0.1:%u",
             (unsigned)self.port);
    world_expect_failure(&self, THRUM_REACTOR_E_CONNECT, text);
    ck_assert(thrum_failure_is(thrum_failure_cause(self.why),
                               &thrum_domain_system, ECONNREFUSED));
    world_reach(&self, "two.test", 60 * THRUM_S);
    snprintf(text, sizeof text, "cannot connect to two.test:%u at 127.0.0.",
             (unsigned)self.port);
    world_expect_failure(&self, THRUM_REACTOR_E_CONNECT, text);
    world_close(&self);
}
END_TEST

static void forbid_descriptors(struct rlimit *limit)
{
    struct rlimit none;

    getrlimit(RLIMIT_NOFILE, limit);
    none = *limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
}

START_TEST(without_descriptors_it_fails_and_says_so)
{
    struct rlimit limit;
    world self;

    world_open(&self);
    self.port = 25;
    forbid_descriptors(&limit);
    world_reach(&self, "127.0.0.1", 60 * THRUM_S);
    setrlimit(RLIMIT_NOFILE, &limit);
    world_expect_failure(&self, THRUM_REACTOR_E_CONNECT, "127.0.0.1:25");
    ck_assert(thrum_failure_is(thrum_failure_cause(self.why),
                               &thrum_domain_system, EMFILE));
    world_close(&self);
}
END_TEST

START_TEST(without_descriptors_no_name_is_looked_up_and_later_it_is)
{
    struct rlimit limit;
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    forbid_descriptors(&limit);
    world_reach(&self, "one.test", 60 * THRUM_S);
    setrlimit(RLIMIT_NOFILE, &limit);
    world_expect_failure(&self, THRUM_REACTOR_E_RESOLVE,
                         "cannot look up one.test:");
    world_reach(&self, "one.test", 60 * THRUM_S);
    ck_assert_uint_eq(self.connected, 1);
    world_close(&self);
}
END_TEST

/* ---- Time ---- */

START_TEST(the_time_ends_a_look_up_that_is_not_answered)
{
    world self;

    world_open(&self);
    self.port = 25;
    world_reach(&self, "silent.test", 5 * THRUM_MS);
    world_expect_failure(&self, THRUM_REACTOR_E_TIMEOUT,
                         "looking up silent.test:25");
    world_reach(&self, "silent.test", 0);
    world_expect_failure(&self, THRUM_REACTOR_E_TIMEOUT,
                         "looking up silent.test:25");
    ck_assert_uint_eq(self.failed, 2);
    world_close(&self);
}
END_TEST

START_TEST(the_time_ends_an_attempt_that_is_not_answered)
{
    deaf host;
    world self;

    world_open(&self);
    deaf_open(&host, "127.0.0.1", &self.port);
    world_reach(&self, "127.0.0.1", 5 * THRUM_MS);
    world_expect_failure(&self, THRUM_REACTOR_E_TIMEOUT,
                         "connecting to 127.0.0.1:");
    deaf_close(&host);
    world_close(&self);
}
END_TEST

START_TEST(an_address_that_does_not_answer_leaves_time_for_the_next)
{
    static const char *const hosts[][2] = {{"127.0.0.1", "127.0.0.2"},
                                           {"127.0.0.2", "127.0.0.1"}};
    deaf host;
    world self;

    world_open(&self);
    world_listen(&self, hosts[_i][0]);
    deaf_open(&host, hosts[_i][1], &self.port);
    world_reach(&self, "two.test", THRUM_S);
    ck_assert_uint_eq(self.connected, 1);
    ck_assert_str_eq(self.peer, thrum_listener_name(self.listener));
    deaf_close(&host);
    world_close(&self);
}
END_TEST

START_TEST(time_without_end_does_not_overflow)
{
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    world_reach(&self, "one.test", INT64_MAX);
    ck_assert_uint_eq(self.connected, 1);
    world_close(&self);
}
END_TEST

static TCase *failing(void)
{
    TCase *fails = tcase_create("it does not connect");

    tcase_add_loop_test(fails,
                        a_name_without_an_address_is_a_failure_to_resolve, 0,
                        sizeof unresolved / sizeof *unresolved);
    tcase_add_loop_test(fails, what_is_no_name_is_refused_without_asking, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(fails, a_very_long_name_is_cut_in_the_failure);
    tcase_add_test(fails,
                   a_name_server_that_is_no_address_is_a_failure_to_resolve);
    tcase_add_test(fails,
                   a_refusal_is_a_failure_with_the_systems_words_beneath);
    tcase_add_test(fails, without_descriptors_it_fails_and_says_so);
    tcase_add_test(fails,
                   without_descriptors_no_name_is_looked_up_and_later_it_is);
    tcase_add_test(fails, the_time_ends_a_look_up_that_is_not_answered);
    tcase_add_test(fails, the_time_ends_an_attempt_that_is_not_answered);
    tcase_add_loop_test(
        fails, an_address_that_does_not_answer_leaves_time_for_the_next, 0, 2);
    return fails;
}

int main(void)
{
    TCase *connects = tcase_create("it connects");
    TCase *const cases[] = {connects, failing()};

    loop_watchdog();
    tcase_add_loop_test(connects, a_host_is_reached_by_name_or_by_address, 0,
                        sizeof reached / sizeof *reached);
    tcase_add_test(connects, many_names_are_looked_up_at_once);
    tcase_add_test(connects, a_connection_that_nobody_takes_is_closed);
    tcase_add_test(connects, time_without_end_does_not_overflow);
    return support_main("connect", cases, sizeof cases / sizeof *cases);
}
