/* SPDX-License-Identifier: MIT */
/*
 * What a probe finds out: of a peer in the same loop, with TLS and without, and
 * of certificates that are not to be trusted.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/probe.h>

#include "tests/smtp/peer.h"
#include "tests/support/support.h"

static struct {
    thrum_context *context;
    thrum_reactor *reactor;
    thrum_tls *trust;
    peer peer;
    thrum_probe *probe;
    int ended;
    char why[1000], cause[1000];
} all;

static thrum_outcome probed(void *probe, void *nothing)
{
    (void)nothing;
    all.probe = probe;
    all.ended++;
    peer_stop(&all.peer);
    return thrum_taken();
}

static thrum_outcome not_probed(const thrum_failure *why, void *nothing)
{
    (void)nothing;
    snprintf(all.why, sizeof all.why, "%s", thrum_failure_text(why));
    all.ended++;
    peer_stop(&all.peer);
    return thrum_done();
}

static bool world_open(const peer_config *config)
{
    memset(&all, 0, sizeof all);
    all.context = support_context();
    if (all.context != NULL)
        all.reactor =
            thrum_reactor_new(&(thrum_reactor_config){.context = all.context});
    if (all.reactor == NULL || !peer_start(&all.peer, all.reactor, config))
        return false;
    all.trust = peer_trust(all.context);
    return all.trust != NULL;
}

/* As a mailer of "ann" with the password "hunter2", or of nobody. */
static thrum_deferred *world_probe(thrum_mailer_config config, const char *user)
{
    char via[PEER_URL * 2];
    thrum_deferred *deferred;

    snprintf(via, sizeof via, "%s://%s%s%s",
             all.peer.config.implicit ? "smtps" : "smtp", user,
             user[0] != '\0' ? "@" : "", strstr(all.peer.url, "127"));
    if (config.via == NULL)
        config.via = via;
    config.trust = all.trust;
    if (user[0] != '\0')
        config.secret = thrum_secret_new(all.context, "hunter2", 7, NULL);
    deferred = thrum_probe_start(all.reactor, &config);
    thrum_secret_unref(config.secret);
    ck_assert_int_eq(all.ended, 0);
    thrum_deferred_add(deferred, probed, not_probed, NULL, NULL);
    return deferred;
}

static void note(char *text, size_t size, const thrum_failure *why)
{
    snprintf(text, size, "%s", why != NULL ? thrum_failure_text(why) : "");
}

static const thrum_probe_facts *world_run(thrum_mailer_config config,
                                          const char *user)
{
    const thrum_probe_facts *facts;

    thrum_deferred_finish(world_probe(config, user));
    ck_assert_int_eq(thrum_reactor_run(all.reactor), 0);
    ck_assert_int_eq(all.ended, 1);
    ck_assert_ptr_nonnull(all.probe);
    facts = thrum_probe_get_facts(all.probe);
    note(all.why, sizeof all.why, facts->why);
    note(all.cause, sizeof all.cause,
         facts->why != NULL ? thrum_failure_cause(facts->why) : NULL);
    return facts;
}

static void world_end(void)
{
    thrum_probe_free(all.probe);
    peer_stop(&all.peer);
    thrum_tls_unref(all.trust);
    thrum_reactor_free(all.reactor);
    support_context_end(all.context);
}

static void expect_why(const char *words, const char *cause)
{
    ck_assert_msg(strstr(all.why, words) != NULL, "%s", all.why);
    ck_assert_msg(strstr(all.cause, cause) != NULL, "%s", all.cause);
}

/* ---- Servers that a mailer would use ---- */

START_TEST(a_plain_server_is_found_as_it_is)
{
    const thrum_probe_facts *facts;

    ck_assert(world_open(&(peer_config){.greeting = "220 peer \x1b[1m here"}));
    facts = world_run((thrum_mailer_config){.window = 7}, "");
    ck_assert_str_eq(facts->peer, strstr(all.peer.url, "127"));
    ck_assert_int_eq(facts->greeting_code, 220);
    ck_assert_ptr_nonnull(strstr(facts->greeting, "peer "));
    ck_assert_ptr_null(strchr(facts->greeting, 0x1b));
    ck_assert_int_eq(facts->asked, 1);
    ck_assert_int_eq(facts->plain.hello, 1);
    ck_assert_uint_eq(facts->plain.extensions, THRUM_SMTP_PIPELINING);
    ck_assert_int_eq(facts->secured, 0);
    ck_assert_ptr_null(facts->tls);
    ck_assert_int_eq(facts->logged_in, 0);
    ck_assert_int_eq(facts->mode, THRUM_SMTP_MODE_ACROSS);
    ck_assert_uint_eq(facts->window, 0);
    ck_assert_uint_eq(facts->mechanism, 0);
    ck_assert_ptr_null(facts->why);
    ck_assert_uint_eq(all.peer.quits, 1);
    world_end();
}
END_TEST

START_TEST(a_server_that_knows_HELO_alone_is_asked_and_offers_nothing)
{
    const thrum_probe_facts *facts;

    ck_assert(world_open(&(peer_config){.no_ehlo = true}));
    facts = world_run((thrum_mailer_config){.connections = 0}, "");
    ck_assert_int_eq(facts->asked, 1);
    ck_assert_int_eq(facts->plain.hello, 0);
    ck_assert_uint_eq(facts->plain.extensions, 0);
    ck_assert_int_eq(facts->mode, THRUM_SMTP_MODE_LOCKSTEP);
    ck_assert_ptr_null(facts->why);
    world_end();
}
END_TEST

/* And no more than a session has. */
static const unsigned windows[][2] = {{0, 4}, {7, 7}, {5000, 1024}};

START_TEST(with_chunking_the_window_is_told)
{
    const thrum_probe_facts *facts;

    ck_assert(world_open(&(peer_config){.chunking = true}));
    facts = world_run((thrum_mailer_config){.window = windows[_i][0]}, "");
    ck_assert_int_eq(facts->mode, THRUM_SMTP_MODE_CHUNKED);
    ck_assert_uint_eq(facts->window, windows[_i][1]);
    world_end();
}
END_TEST

START_TEST(within_tls_it_is_asked_again_and_logs_in)
{
    peer_config config = {
        .certificate = "ip", .auth = "AUTH LOGIN PLAIN", .implicit = _i == 1};
    const thrum_probe_facts *facts;

    ck_assert(world_open(&config));
    facts = world_run((thrum_mailer_config){.connections = 0}, "ann");
    ck_assert_int_eq(facts->asked, !config.implicit);
    ck_assert_uint_eq(
        facts->plain.extensions,
        config.implicit ? 0 : THRUM_SMTP_PIPELINING | THRUM_SMTP_STARTTLS);
    ck_assert_int_eq(facts->secured, 1);
    ck_assert_uint_eq(facts->within.extensions,
                      THRUM_SMTP_PIPELINING | THRUM_SMTP_AUTH);
    ck_assert_uint_eq(facts->within.mechanisms,
                      THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN);
    ck_assert_int_eq(facts->tls->verified, 1);
    ck_assert_str_eq(facts->tls->peer, "CN=thrum test ip");
    ck_assert_str_eq(facts->tls->issuer, "CN=thrum test ca");
    ck_assert_str_eq(facts->tls->version, "TLS1.3");
    ck_assert_uint_eq(facts->mechanism, THRUM_SMTP_PLAIN);
    ck_assert_int_eq(facts->logged_in, 1);
    ck_assert_ptr_null(facts->why);
    ck_assert_uint_eq(all.peer.exposed, 0);
    world_end();
}
END_TEST

START_TEST(opportunistic_tls_says_that_nobody_was_verified)
{
    const thrum_probe_facts *facts;

    ck_assert(world_open(&(peer_config){.certificate = "expired"}));
    facts = world_run((thrum_mailer_config){.connections = 0}, "");
    ck_assert_int_eq(facts->secured, 1);
    ck_assert_int_eq(facts->tls->verified, 0);
    ck_assert_ptr_nonnull(facts->tls->unverified);
    ck_assert_ptr_null(facts->why);
    world_end();
}
END_TEST

START_TEST(opportunistic_tls_that_breaks_is_done_without_as_a_mailer_does)
{
    const thrum_probe_facts *facts;

    ck_assert(
        world_open(&(peer_config){.certificate = "ip", .breaks_tls = true}));
    facts = world_run((thrum_mailer_config){.connections = 0}, "");
    ck_assert_uint_eq(all.peer.served, 2);
    ck_assert_int_eq(facts->secured, 0);
    ck_assert_int_eq(facts->asked, 1);
    ck_assert_int_eq(facts->mode, THRUM_SMTP_MODE_ACROSS);
    ck_assert_ptr_null(facts->why);
    world_end();
}
END_TEST

/* ---- Servers that it would not use ---- */

static const struct {
    const char *row;
    peer_config peer;
    const char *user;
    thrum_smtp_tls tls;
    const char *words, *cause;
    const char *unverified; /* "": no TLS */
    int asked, secured;
} useless[] = {
    {"T6 expired",
     {.certificate = "expired"},
     "",
     THRUM_SMTP_TLS_REQUIRED,
     "within TLS",
     "has expired",
     "has expired",
     1,
     0},
    {"T6 another name",
     {.certificate = "good", .implicit = true},
     "ann",
     0,
     "within TLS",
     "its certificate is for",
     "its certificate is for \"mail.test\"",
     0,
     0},
    {"T6 signed by itself",
     {.certificate = "self-signed"},
     "ann",
     0,
     "within TLS",
     "nobody but itself",
     "nobody but itself",
     1,
     0},
    {"T3 no STARTTLS",
     {.certificate = "ip", .hides_starttls = true},
     "",
     THRUM_SMTP_TLS_REQUIRED,
     "does not offer STARTTLS",
     "",
     "",
     1,
     0},
    {"A8 the account",
     {.certificate = "ip", .auth = "AUTH PLAIN", .verdict = "535 5.7.8 no"},
     "ann",
     0,
     "refused the account: 535 5.7.8 no",
     "",
     NULL,
     1,
     1},
    {"A2 no mechanism",
     {.certificate = "ip", .auth = "AUTH CRAM-MD5"},
     "ann",
     0,
     "offers no way to log in",
     "",
     NULL,
     1,
     1},
    {"R13 no service",
     {.greeting = "554 5.7.1 go away"},
     "",
     0,
     "gives no service: 554 5.7.1 go away",
     "",
     "",
     0,
     0},
    {"R4 no SMTP",
     {.greeting = "220-a\r\n221 b"},
     "",
     0,
     "was not reached",
     "does not keep to SMTP",
     "",
     0,
     0},
};

START_TEST(what_would_not_be_used_says_why_and_was_sent_no_secret)
{
    const thrum_probe_facts *facts;

    ck_assert(world_open(&useless[_i].peer));
    facts = world_run((thrum_mailer_config){.tls = useless[_i].tls},
                      useless[_i].user);
    expect_why(useless[_i].words, useless[_i].cause);
    ck_assert_int_eq(facts->asked, useless[_i].asked);
    ck_assert_int_eq(facts->secured, useless[_i].secured);
    ck_assert_int_eq(facts->logged_in, 0);
    ck_assert_uint_eq(all.peer.exposed, 0);
    ck_assert_ptr_null(strstr(all.why, "hunter2"));
    if (useless[_i].unverified == NULL) {
        ck_assert_int_eq(facts->tls->verified, 1);
        ck_assert_uint_ne(facts->within.mechanisms, 0);
    } else if (useless[_i].unverified[0] == '\0') {
        ck_assert_ptr_null(facts->tls);
    } else {
        ck_assert_uint_eq(all.peer.logins, 0);
        ck_assert_int_eq(facts->tls->verified, 0);
        ck_assert_ptr_nonnull(
            strstr(facts->tls->unverified, useless[_i].unverified));
    }
    world_end();
}
END_TEST

START_TEST(R13_the_code_of_a_greeting_is_told)
{
    const thrum_probe_facts *facts;

    ck_assert(world_open(&(peer_config){.greeting = "554 5.7.1 go away"}));
    facts = world_run((thrum_mailer_config){.connections = 0}, "");
    ck_assert_int_eq(facts->greeting_code, 554);
    ck_assert_str_eq(facts->greeting, "go away");
    world_end();
}
END_TEST

START_TEST(nobody_there_is_told_too)
{
    const thrum_probe_facts *facts;

    ck_assert(world_open(&(peer_config){.lockstep = false}));
    peer_stop(&all.peer);
    facts = world_run((thrum_mailer_config){.connections = 0}, "");
    ck_assert_str_eq(facts->peer, "");
    ck_assert_str_eq(facts->greeting, "");
    ck_assert_int_eq(facts->greeting_code, 0);
    ck_assert_int_eq(facts->asked, 0);
    ck_assert_int_eq(facts->mode, THRUM_SMTP_MODE_BEST);
    expect_why("was not reached", "cannot connect to");
    world_end();
}
END_TEST

START_TEST(a_config_that_makes_no_sense_is_told_in_the_next_turn)
{
    ck_assert(world_open(&(peer_config){.lockstep = false}));
    world_run((thrum_mailer_config){.via = "smtp://"}, "");
    expect_why("names no host", "");
    ck_assert_uint_eq(all.peer.served, 0);
    world_end();
}
END_TEST

/* ---- Given up ---- */

static thrum_deferred *probing;

static void cancel_at(const char *line, void *ctx)
{
    if (all.ended == 0 && strncmp(line, ctx, strlen(ctx)) == 0)
        thrum_deferred_cancel(probing);
}

static const struct {
    const char *at;
    peer_config peer;
} stages[] = {
    {"EHLO", {.lockstep = false}},
    {"STARTTLS", {.certificate = "ip"}},
    {"(hello)", {.certificate = "ip", .stalls_at = "(hello)"}},
    {"AUTH", {.certificate = "ip", .auth = "AUTH PLAIN"}},
    {"QUIT", {.lockstep = false}},
};

START_TEST(a_probe_is_given_up_at_any_time)
{
    ck_assert(world_open(&stages[_i].peer));
    all.peer.on_line = cancel_at;
    all.peer.ctx = (void *)stages[_i].at;
    probing = world_probe((thrum_mailer_config){.connections = 0},
                          stages[_i].peer.auth != NULL ? "ann" : "");
    ck_assert_int_eq(thrum_reactor_run(all.reactor), 0);
    ck_assert_int_eq(all.ended, 1);
    ck_assert_ptr_null(all.probe);
    ck_assert_str_eq(all.why, "cancelled");
    thrum_deferred_finish(probing);
    world_end();
}
END_TEST

START_TEST(a_probe_is_given_up_at_once)
{
    const char *via = _i == 0 ? "smtp://" : NULL;

    ck_assert(world_open(&(peer_config){.lockstep = false}));
    probing = world_probe((thrum_mailer_config){.via = via}, "");
    thrum_deferred_cancel(probing);
    ck_assert_int_eq(all.ended, 1);
    ck_assert_str_eq(all.why, "cancelled");
    ck_assert_int_eq(thrum_reactor_run(all.reactor), 0);
    ck_assert_uint_eq(all.peer.served, 0);
    thrum_deferred_finish(probing);
    world_end();
}
END_TEST

START_TEST(a_reactor_that_ends_ends_a_probe)
{
    const char *via = _i == 0 ? "smtp://" : NULL;

    ck_assert(world_open(&(peer_config){.mute = true}));
    thrum_deferred_finish(world_probe((thrum_mailer_config){.via = via}, ""));
    for (int i = 0; i < 4 * _i; i++)
        thrum_reactor_turn(all.reactor);
    peer_stop(&all.peer);
    thrum_reactor_free(all.reactor);
    all.reactor = NULL;
    ck_assert_int_eq(all.ended, 1);
    world_end();
}
END_TEST

/* ---- Memory ---- */

static void scenario_probe(void)
{
    static const peer_config config = {.certificate = "ip",
                                       .auth = "AUTH PLAIN"};

    if (world_open(&config)) {
        thrum_deferred *deferred =
            world_probe((thrum_mailer_config){.connections = 0}, "ann");

        if (deferred == NULL || all.ended > 0)
            peer_stop(&all.peer);
        thrum_deferred_finish(deferred);
        ck_assert_int_eq(thrum_reactor_run(all.reactor), 0);
    }
    world_end();
    support_unhandled();
}

START_TEST(a_probe_survives_every_failing_allocation)
{
    support_every_allocation(scenario_probe);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *found = tcase_create("found"), *memory = tcase_create("memory");
    TCase *cases[] = {found, memory};

    tcase_add_test(found, a_plain_server_is_found_as_it_is);
    tcase_add_test(found,
                   a_server_that_knows_HELO_alone_is_asked_and_offers_nothing);
    tcase_add_loop_test(found, with_chunking_the_window_is_told, 0, 3);
    tcase_add_loop_test(found, within_tls_it_is_asked_again_and_logs_in, 0, 2);
    tcase_add_test(found, opportunistic_tls_says_that_nobody_was_verified);
    tcase_add_test(
        found, opportunistic_tls_that_breaks_is_done_without_as_a_mailer_does);
    tcase_add_loop_test(found,
                        what_would_not_be_used_says_why_and_was_sent_no_secret,
                        0, COUNT(useless));
    tcase_add_test(found, R13_the_code_of_a_greeting_is_told);
    tcase_add_test(found, nobody_there_is_told_too);
    tcase_add_test(found,
                   a_config_that_makes_no_sense_is_told_in_the_next_turn);
    tcase_add_loop_test(found, a_probe_is_given_up_at_any_time, 0,
                        COUNT(stages));
    tcase_add_loop_test(found, a_probe_is_given_up_at_once, 0, 2);
    tcase_add_loop_test(found, a_reactor_that_ends_ends_a_probe, 0, 3);
    tcase_set_timeout(memory, 120);
    tcase_add_test(memory, a_probe_survives_every_failing_allocation);
    peer_need_certificates();
    return support_main("probe", cases, 2);
}
