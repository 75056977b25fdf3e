/* SPDX-License-Identifier: MIT */
/*
 * Sessions that go on: with whom, for how long, and what is believed of whom
 * they began with.
 */
#include <stdio.h>
#include <string.h>

#include "tests/reactor/tls_link.h"

static const char *const priorities[] = {NULL,
                                         "NORMAL:-VERS-TLS1.3:%PROFILE_MEDIUM"};

static void say(tls_end *self, const char *text)
{
    ck_assert_int_eq(thrum_stream_write(self->stream, text, strlen(text)), 0);
}

static void open_for_client(tls_link *link, const char *name,
                            const char *priority)
{
    char ca[TLS_PATH], own[TLS_PATH];
    thrum_tls_config client = {.trust_file = tls_path("ca", ca),
                               .priority = priority};
    thrum_tls_config server = client;

    server.verify_clients = 1;
    if (name != NULL)
        client.certificate_file = tls_path(name, own);
    ck_assert(link_start(link));
    link->trusting = thrum_tls_new(link->context, &client, NULL);
    link->shown = tls_showing(link->context, "good", &server);
    ck_assert(link_open(link, TLS_OVER_UNIX));
    link_secure(link);
    link_run(link);
}

/* One connection more; `host` is whom the client looks for. */
static bool resumes(tls_link *link, const char *host, const char *peer)
{
    const thrum_tls_facts *facts;
    bool resumed;

    ck_assert(link_open(link, TLS_OVER_UNIX));
    if (peer != NULL)
        link->client.stream->peer = peer;
    link_start_server(link);
    link_start_client(link, host);
    link_run(link);
    ck_assert_uint_eq(link->client.secured + link->server.secured, 2);
    facts = thrum_stream_tls_facts(link->client.stream);
    resumed = facts->resumed != 0;
    ck_assert_int_eq(facts->verified, 1);
    ck_assert_str_eq(facts->peer, "CN=thrum test many");
    ck_assert_int_eq(thrum_stream_tls_facts(link->server.stream)->resumed,
                     resumed);
    say(&link->server, "hello");
    link_run(link);
    ck_assert_uint_eq(link->client.size, 5);
    link_drop(link);
    return resumed;
}

static void tickets_start(tls_link *link, const thrum_tls_config *more)
{
    ck_assert(link_start(link));
    link->trusting = tls_trusting(link->context, more);
    link->shown = tls_showing(link->context, "many", more);
}

START_TEST(t18_a_session_goes_on_with_the_same_host_and_port_alone)
{
    thrum_tls_config config = {.priority = priorities[_i]};
    tls_link link;

    tickets_start(&link, &config);
    ck_assert(!resumes(&link, "a.test", "192.0.2.1:465"));
    ck_assert(resumes(&link, "a.test", "192.0.2.1:465"));
    ck_assert(resumes(&link, "A.test.", "192.0.2.7:465"));
    ck_assert(!resumes(&link, "a.test", "192.0.2.1:587"));
    ck_assert(!resumes(&link, "b.test", "192.0.2.1:465"));
    ck_assert(resumes(&link, "b.test", "[2001:db8::1]:465"));
    ck_assert(!resumes(&link, "b.test", "unix:/a:465"));
    link_end(&link);
}
END_TEST

START_TEST(t18_no_session_goes_on_under_another_trust)
{
    thrum_tls_config config = {.priority = priorities[_i]};
    tls_link link;

    tickets_start(&link, &config);
    ck_assert(!resumes(&link, "a.test", NULL));
    thrum_tls_unref(link.trusting);
    link.trusting = tls_trusting(link.context, &config);
    ck_assert(!resumes(&link, "a.test", NULL));
    ck_assert(resumes(&link, "a.test", NULL));
    thrum_tls_unref(link.shown); /* another key of tickets */
    link.shown = tls_showing(link.context, "many", &config);
    ck_assert(!resumes(&link, "a.test", NULL));
    link_end(&link);
}
END_TEST

START_TEST(t18_no_tickets_are_no_sessions_that_go_on)
{
    thrum_tls_config config = {.priority = priorities[_i], .no_tickets = 1};
    tls_link link;

    tickets_start(&link, &config);
    ck_assert(!resumes(&link, "a.test", NULL));
    ck_assert(!resumes(&link, "a.test", NULL));
    ck_assert_uint_eq(link.trusting->ticket_count, 0);
    link_end(&link);
}
END_TEST

START_TEST(t18_whom_nobody_verified_is_not_verified_when_it_goes_on)
{
    thrum_tls_config config = {.priority = priorities[_i], .trust_anyone = 1};
    tls_link link;

    ck_assert(link_start(&link));
    link.trusting = tls_trusting(link.context, &config);
    link.shown = tls_showing(link.context, "expired", &config);
    for (int i = 0; i < 3; i++) {
        const thrum_tls_facts *facts;

        ck_assert(link_open(&link, TLS_OVER_UNIX));
        link_secure(&link);
        link_run(&link);
        facts = thrum_stream_tls_facts(link.client.stream);
        ck_assert_int_eq(facts->resumed, i > 0);
        ck_assert_int_eq(facts->verified, 0);
        ck_assert_ptr_nonnull(strstr(facts->unverified, "has expired"));
        say(&link.server, "hello");
        link_run(&link);
        link_drop(&link);
    }
    link_end(&link);
}
END_TEST

START_TEST(t18_a_client_that_goes_on_is_verified_again)
{
    tls_link link;

    open_for_client(&link, "client", priorities[_i]);
    for (int i = 0; i < 2; i++) {
        const thrum_tls_facts *facts =
            thrum_stream_tls_facts(link.server.stream);

        ck_assert_int_eq(facts->resumed, i);
        ck_assert_int_eq(facts->verified, 1);
        ck_assert_str_eq(facts->peer, "CN=a client");
        say(&link.server, "hello");
        link_run(&link);
        link_drop(&link);
        if (i == 1)
            break;
        ck_assert(link_open(&link, TLS_OVER_UNIX));
        link_secure(&link);
        link_run(&link);
    }
    link_end(&link);
}
END_TEST

/* Trust that was taken away meanwhile shows whether it was asked again: it is
 * when something that the peer showed has expired, or the time is not known. */
static const struct {
    const char *shown;
    thrum_ns first, second; /* wall time of both handshakes */
    bool believed;
} beliefs[] = {
    {"many", 1, 2, true},
    {"many", 1, 4733510399 * THRUM_S, true}, /* the last second of 2119 */
    {"many", 1, 4733510400 * THRUM_S, false},
    {"chain", 1, 4733510399 * THRUM_S, true},
    {"chain", 1, 4733510400 * THRUM_S, false},
    {"many", 1, 0, false},
};

START_TEST(t18_a_session_is_believed_until_what_was_shown_expires)
{
    gnutls_x509_trust_list_t nobody; /* the credentials take it */
    const thrum_tls_facts *facts;
    tls_link link;

    ck_assert(link_start(&link));
    link.trusting = tls_trusting(link.context, NULL);
    link.shown = tls_showing(link.context, beliefs[_i].shown, NULL);
    for (int i = 0; i < 2; i++) {
        ck_assert(link_open(&link, TLS_OVER_UNIX));
        thrum_test_clock_set_wall(link.clock, i == 0 ? beliefs[_i].first
                                                     : beliefs[_i].second);
        link_secure(&link);
        link_run(&link);
        if (i == 1 && !beliefs[_i].believed)
            break;
        facts = thrum_stream_tls_facts(link.client.stream);
        ck_assert_int_eq(facts->resumed, i);
        ck_assert_int_eq(facts->verified, 1);
        ck_assert_int_eq(facts->not_after, 4733510400 * THRUM_S);
        say(&link.server, "hello");
        link_run(&link);
        link_drop(&link);
        gnutls_x509_trust_list_init(&nobody, 0);
        gnutls_certificate_set_trust_list(link.trusting->credentials, nobody,
                                          0);
    }
    if (!beliefs[_i].believed) {
        ck_assert_uint_eq(link.client.refused, 1);
        ck_assert_ptr_nonnull(strstr(link.client.text, "nobody trusted"));
    }
    link_end(&link);
}
END_TEST

START_TEST(t18_the_oldest_session_makes_room)
{
    thrum_context *context = support_context();
    thrum_tls *tls = tls_trusting(context, NULL);
    gnutls_datum_t ticket = {NULL, 0};
    thrum_ns until = 0;
    char key[32];

    for (int i = 0; i < 2 * THRUM__TLS_TICKETS; i++) {
        ticket.data = gnutls_malloc(10);
        ticket.size = 10;
        snprintf(key, sizeof key, "%d.test:25", i);
        thrum__tls_tickets_put(tls, key, ticket, i);
    }
    ck_assert_uint_eq(tls->ticket_count, THRUM__TLS_TICKETS);
    ck_assert(!thrum__tls_tickets_take(tls, "0.test:25", &ticket, &until));
    ck_assert(thrum__tls_tickets_take(tls, key, &ticket, &until));
    ck_assert_int_eq(until, 2 * THRUM__TLS_TICKETS - 1);
    thrum__tls_wipe(&ticket);
    ck_assert(!thrum__tls_tickets_take(tls, key, &ticket, &until));
    thrum_tls_unref(tls);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *tickets = tcase_create("sessions that go on");

    loop_watchdog();
    tls_need_certificates();
    tcase_add_loop_test(
        tickets, t18_a_session_goes_on_with_the_same_host_and_port_alone, 0, 2);
    tcase_add_loop_test(tickets, t18_no_session_goes_on_under_another_trust, 0,
                        2);
    tcase_add_loop_test(tickets, t18_no_tickets_are_no_sessions_that_go_on, 0,
                        2);
    tcase_add_loop_test(
        tickets, t18_whom_nobody_verified_is_not_verified_when_it_goes_on, 0,
        2);
    tcase_add_loop_test(tickets, t18_a_client_that_goes_on_is_verified_again, 0,
                        2);
    tcase_add_loop_test(tickets,
                        t18_a_session_is_believed_until_what_was_shown_expires,
                        0, sizeof beliefs / sizeof *beliefs);
    tcase_add_test(tickets, t18_the_oldest_session_makes_room);
    return support_main("TLS tickets", &tickets, 1);
}
