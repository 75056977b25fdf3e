/* SPDX-License-Identifier: MIT */
/*
 * The mailer and TLS: what it asks for, what it takes, and what it does when it
 * does not get it. The peer is in the same loop, and shows certificates of
 * tests/tls.
 */
#include <stdio.h>
#include <string.h>

#include "tests/reactor/names.h"
#include "tests/smtp/post.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

static post box;

static void open_to(const peer_config *config, thrum_smtp_tls tls)
{
    thrum_mailer_config mailer = {.connections = 2, .tls = tls};

    ck_assert(post_open(&box, config, &mailer));
}

static void send_all(int letters)
{
    post_send(&box, letters);
    post_run(&box);
}

static void expect_counts(size_t served, size_t secured)
{
    thrum_mailer_stats stats = thrum_mailer_get_stats(box.mailer);

    ck_assert_uint_eq(box.peer.served, served);
    ck_assert_uint_eq(box.peer.secured, secured);
    ck_assert_uint_eq(stats.connections, served);
    ck_assert_uint_eq(stats.secured, secured);
}

/* What the last failure said, and what lay beneath it. */
static void expect_words(const char *text, const char *cause)
{
    ck_assert_msg(strstr(box.text, text) != NULL, "%s", box.text);
    ck_assert_msg(strstr(box.cause, cause) != NULL, "%s", box.cause);
}

/* ---- It is had ---- */

static const struct {
    bool implicit;
    thrum_smtp_tls tls;
    const char *certificate;
} had[] = {
    {false, THRUM_SMTP_TLS_REQUIRED, "ip"},
    {false, THRUM_SMTP_TLS_OPPORTUNISTIC, "ip"},
    {false, THRUM_SMTP_TLS_DEFAULT, "ip"},
    {true, THRUM_SMTP_TLS_DEFAULT, "ip"},
    {true, THRUM_SMTP_TLS_IMPLICIT, "ip"},
    {true, THRUM_SMTP_TLS_REQUIRED, "ip"},
    /* Nobody is verified who is taken as he comes. */
    {false, THRUM_SMTP_TLS_OPPORTUNISTIC, "good"},
    {false, THRUM_SMTP_TLS_DEFAULT, "self-signed"},
    {false, THRUM_SMTP_TLS_OPPORTUNISTIC, "expired"},
};

/* "T5": from the first byte on, without a word in the clear. */
START_TEST(T5_T6_letters_go_within_tls)
{
    peer_config config = {.certificate = had[_i].certificate,
                          .implicit = had[_i].implicit};

    open_to(&config, had[_i].tls);
    send_all(10);
    expect_counts(2, 2);
    ck_assert_uint_eq(box.peer.exposed, 0);
    ck_assert_uint_eq(box.peer.early, 0);
    post_expect(&box, post_all('A', 10));
}
END_TEST

/* A server that knows protocols beside SMTP is not asked for one. */
START_TEST(T13_no_protocol_is_named)
{
    static const char *const alpn[] = {"http/1.1", "imap", NULL};

    open_to(&(peer_config){.certificate = "ip", .alpn = alpn},
            THRUM_SMTP_TLS_REQUIRED);
    send_all(2);
    expect_counts(1, 1);
    post_expect(&box, "AA");
}
END_TEST

START_TEST(without_tls_none_is_asked_for)
{
    open_to(&(peer_config){.certificate = "ip"}, THRUM_SMTP_TLS_NONE);
    send_all(3);
    expect_counts(2, 0);
    post_expect(&box, "AAA");
}
END_TEST

START_TEST(T18_the_next_connection_of_a_mailer_goes_on_with_its_session)
{
    open_to(&(peer_config){.certificate = "ip", .drop_after = 2},
            THRUM_SMTP_TLS_REQUIRED);
    send_all(12);
    ck_assert_uint_ge(box.peer.secured, 6);
    ck_assert_uint_ge(box.peer.resumed, 1);
    post_expect(&box, post_all('A', 12));
}
END_TEST

static void trust_at_first(post *self, int number)
{
    thrum_mailer_config strict = {.via = self->peer.url,
                                  .tls = THRUM_SMTP_TLS_REQUIRED,
                                  .trust = self->trust};

    if (number != 1)
        return;
    thrum_mailer_free(self->mailer);
    self->mailer = thrum_mailer_new(self->reactor, &strict);
    post_send(self, 1);
}

/* Of a session that began without trust nothing was verified. */
START_TEST(T18_a_session_does_not_go_on_under_other_trust)
{
    open_to(&(peer_config){.certificate = "ip"}, THRUM_SMTP_TLS_OPPORTUNISTIC);
    box.on_end = trust_at_first;
    send_all(1);
    ck_assert_uint_eq(box.peer.secured, 2);
    ck_assert_uint_eq(box.peer.resumed, 0);
    post_expect(&box, "AA");
}
END_TEST

/* ---- It is not had ---- */

/* None of these is sent a byte of mail, whoever asks for TLS. */
static const struct {
    const char *row;
    peer_config peer;
    const char *text, *cause;
} refused[] = {
    {"T3 it is not offered",
     {.certificate = "ip", .hides_starttls = true},
     "does not offer STARTTLS, and TLS is required",
     ""},
    {"T3 454",
     {.certificate = "ip", .starttls = "454 4.7.0 not now"},
     "454 4.7.0 not now",
     ""},
    {"T3 502",
     {.certificate = "ip", .starttls = "502 5.5.1 never heard of"},
     "502 5.5.1 never heard of",
     ""},
    {"T3 354",
     {.certificate = "ip", .starttls = "354 go ahead"},
     "354 go ahead",
     ""},
    {"T3 garbage",
     {.certificate = "ip", .starttls = "ready to start TLS"},
     "was not reached",
     "does not keep to SMTP"},
    {"T4 EHLO is refused",
     {.certificate = "ip", .no_ehlo = true},
     "refused EHLO, and TLS is required",
     ""},
    {"T1 a reply behind the consent",
     {.certificate = "ip", .starttls = "220 go\r\n250 ok"},
     "within TLS",
     "bytes came before it began"},
    {"T5 a greeting in the clear",
     {.certificate = "ip", .implicit = true, .greets_in_the_clear = true},
     "within TLS",
     "no TLS"},
    {"T6 the wrong name",
     {.certificate = "good", .implicit = true},
     "within TLS",
     "its certificate is for \"mail.test\""},
    {"T6 expired", {.certificate = "expired"}, "within TLS", "has expired"},
    {"T6 not valid yet",
     {.certificate = "future"},
     "within TLS",
     "not valid yet"},
    {"T6 who signed it is unknown",
     {.certificate = "unknown-ca"},
     "within TLS",
     "nobody trusted issued its certificate"},
    {"T6 signed by itself",
     {.certificate = "self-signed", .implicit = true},
     "within TLS",
     "signed by nobody but itself"},
    {"T6 for another purpose",
     {.certificate = "client-only"},
     "within TLS",
     "another purpose"},
    {"T7 a common name alone",
     {.certificate = "cn-address"},
     "within TLS",
     "does not have this address"},
    {"T11 an address as a DNS name",
     {.certificate = "ip-as-name"},
     "within TLS",
     ""},
};

START_TEST(required_and_not_to_be_had_all_fail_and_nothing_is_sent)
{
    open_to(&refused[_i].peer, refused[_i].peer.implicit
                                   ? THRUM_SMTP_TLS_DEFAULT
                                   : THRUM_SMTP_TLS_REQUIRED);
    send_all(5);
    expect_words(refused[_i].text, refused[_i].cause);
    ck_assert_uint_eq(box.peer.exposed, 0);
    ck_assert_int_eq(peer_taken(&box.peer), 0);
    post_expect(&box, strstr(refused[_i].text, "reached") != NULL ? "NNNNN"
                                                                  : "TTTTT");
}
END_TEST

/* The name in the URL is looked up, announced and verified, in one form. */
static const struct {
    const char *row;
    const char *certificate;
    const char *host;
    bool implicit;
    const char *words; /* NULL: it is who it should be */
} named[] = {
    {"T6", "good", "mail.test", true, NULL},
    {"T6", "good", "MAIL.test", false, NULL},
    {"T6", "chain", "mail.test", true, NULL},
    {"T6", "good", "other.test", true, "its certificate is for \"mail.test\""},
    {"T7", "cn-only", "mail.test", true, "has no DNS name"},
    {"T8", "wildcard", "mail.test", true, "its certificate is for"},
    {"T8", "wildcard-top", "mail.test", true, "its certificate is for"},
    {"T8", "wildcard-all", "mail.test", false, "its certificate is for"},
    {"T9", "nul", "mail.test", true, "certificate"},
    {"T10", "idn",
     "b\xc3\xbc"
     "cher.test",
     true, NULL},
    {"T10", "idn",
     "b\xc3\xbc"
     "cher\xe3\x80\x82test",
     false, NULL},
    {"T10", "good",
     "b\xc3\xbc"
     "cher.test",
     true, "its certificate is for"},
};

START_TEST(T6_to_T10_the_host_of_the_URL_is_whom_the_certificate_is_for)
{
    peer_config config = {.certificate = named[_i].certificate,
                          .implicit = named[_i].implicit};
    thrum_mailer_config mailer = {.tls = THRUM_SMTP_TLS_REQUIRED};
    struct ev_loop *loop = ev_loop_new(0);
    char via[PEER_URL * 2];
    names server;

    names_start(&server, loop);
    ck_assert(post_open_among(
        &box,
        &(thrum_reactor_config){.loop = loop, .nameservers = server.address},
        &config, &mailer));
    snprintf(via, sizeof via, "%s://%s%s", config.implicit ? "smtps" : "smtp",
             named[_i].host, strrchr(box.peer.url, ':'));
    mailer.via = via;
    mailer.trust = box.trust;
    thrum_mailer_free(box.mailer);
    box.mailer = thrum_mailer_new(box.reactor, &mailer);
    ck_assert_ptr_null(thrum_mailer_failure(box.mailer));
    post_send(&box, 2);
    while (box.closed == 0)
        thrum_reactor_turn(box.reactor);
    if (named[_i].words != NULL)
        expect_words("within TLS", named[_i].words);
    names_stop(&server);
    post_expect(&box, named[_i].words != NULL ? "TT" : "AA");
    ev_loop_destroy(loop);
}
END_TEST

/* Who takes TLS as it comes does without where it does not work, from the next
 * connection on, and no letter has to know. */
static const peer_config lesser[] = {
    {.certificate = "ip", .hides_starttls = true},
    {.certificate = "ip", .starttls = "454 4.7.0 not now"},
    {.certificate = "ip", .no_ehlo = true},
    {.certificate = "ip", .breaks_tls = true},
    {.certificate = "ip", .starttls = "220 go\r\n250 ok"},
};

START_TEST(T20_opportunistic_tls_that_does_not_work_is_done_without)
{
    open_to(&lesser[_i], THRUM_SMTP_TLS_OPPORTUNISTIC);
    send_all(10);
    ck_assert_uint_eq(box.peer.most, 2);
    ck_assert_uint_le(box.peer.served, 4);
    ck_assert_uint_eq(thrum_mailer_get_stats(box.mailer).secured, 0);
    post_expect(&box, post_all('A', 10));
}
END_TEST

/* ---- It ends in the middle of it ---- */

static void free_at_hello(const char *line, void *ctx)
{
    post *self = ctx;

    if (strcmp(line, "(hello)") != 0 || self->mailer == NULL)
        return;
    thrum_mailer_free(self->mailer);
    self->mailer = NULL;
    post_stop_peer(self);
}

START_TEST(a_mailer_that_is_freed_in_a_handshake_ends_what_waits)
{
    peer_config config = {
        .certificate = "ip", .implicit = _i == 1, .stalls_at = "(hello)"};

    open_to(&config, THRUM_SMTP_TLS_REQUIRED);
    box.peer.on_line = free_at_hello;
    box.peer.ctx = &box;
    box.expected = -3;
    send_all(3);
    post_expect(&box, "CCC");
}
END_TEST

START_TEST(a_reactor_that_ends_in_a_handshake_leaves_no_letter_without_its_end)
{
    peer_config config = {
        .certificate = "ip", .implicit = _i == 1, .stalls_at = "(hello)"};

    open_to(&config, THRUM_SMTP_TLS_REQUIRED);
    box.expected = -3;
    post_send(&box, 3);
    while (box.peer.open == 0)
        thrum_reactor_turn(box.reactor);
    for (int i = 0; i < 10; i++)
        thrum_reactor_turn(box.reactor);
    thrum_mailer_free(box.mailer);
    box.mailer = NULL;
    post_free(&box);
    ck_assert_str_eq(box.fates, "CCC");
}
END_TEST

/* ---- Memory ---- */

static const struct {
    peer_config peer;
    thrum_smtp_tls tls;
} scarce[] = {
    {{.certificate = "ip"}, THRUM_SMTP_TLS_REQUIRED},
    {{.certificate = "ip"}, THRUM_SMTP_TLS_OPPORTUNISTIC},
    {{.certificate = "ip", .implicit = true}, THRUM_SMTP_TLS_DEFAULT},
    {{.certificate = "ip", .breaks_tls = true}, THRUM_SMTP_TLS_OPPORTUNISTIC},
    {{.certificate = "expired"}, THRUM_SMTP_TLS_REQUIRED},
};

static int way;

static void scenario_tls(void)
{
    thrum_mailer_config mailer = {.connections = 1, .tls = scarce[way].tls};

    if (post_open_still(&box, &scarce[way].peer, &mailer)) {
        post_send(&box, 2);
        for (int i = 0; i < 3; i++)
            post_pass(&box, 400 * THRUM_S);
    }
    for (int i = 0; i < box.sent; i++) {
        ck_assert_int_ne(box.fates[i], '.');
        ck_assert_int_le(box.peer.taken[i + 1], 1);
        if (box.fates[i] == 'A')
            ck_assert_int_eq(box.peer.taken[i + 1], 1);
    }
    if (scarce[way].tls != THRUM_SMTP_TLS_OPPORTUNISTIC)
        ck_assert_uint_eq(box.peer.exposed, 0);
    post_free(&box);
    support_unhandled();
}

START_TEST(tls_survives_every_failing_allocation)
{
    way = _i;
    support_every_allocation(scenario_tls);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

static TCase *case_of_had(void)
{
    TCase *all = tcase_create("TLS that is had");

    tcase_add_loop_test(all, T5_T6_letters_go_within_tls, 0, COUNT(had));
    tcase_add_test(all, T13_no_protocol_is_named);
    tcase_add_test(all, without_tls_none_is_asked_for);
    tcase_add_test(
        all, T18_the_next_connection_of_a_mailer_goes_on_with_its_session);
    tcase_add_test(all, T18_a_session_does_not_go_on_under_other_trust);
    return all;
}

static TCase *case_of_not_had(void)
{
    TCase *all = tcase_create("TLS that is not had");

    tcase_add_loop_test(all,
                        required_and_not_to_be_had_all_fail_and_nothing_is_sent,
                        0, COUNT(refused));
    tcase_add_loop_test(
        all, T6_to_T10_the_host_of_the_URL_is_whom_the_certificate_is_for, 0,
        COUNT(named));
    tcase_add_loop_test(
        all, T20_opportunistic_tls_that_does_not_work_is_done_without, 0,
        COUNT(lesser));
    return all;
}

int main(void)
{
    TCase *memory = tcase_create("memory"), *end = tcase_create("the end");
    TCase *cases[] = {case_of_had(), case_of_not_had(), end, memory};

    tcase_add_loop_test(
        end, a_mailer_that_is_freed_in_a_handshake_ends_what_waits, 0, 2);
    tcase_add_loop_test(
        end,
        a_reactor_that_ends_in_a_handshake_leaves_no_letter_without_its_end, 0,
        2);
    tcase_set_timeout(memory, 120);
    tcase_add_loop_test(memory, tls_survives_every_failing_allocation, 0,
                        COUNT(scarce));
    peer_need_certificates();
    return support_main("mailer and TLS", cases, 4);
}
