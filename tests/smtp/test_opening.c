/* SPDX-License-Identifier: MIT */
/*
 * From the greeting until the first message: what is offered, HELO, and TLS.
 * The names begin with the hazards that they show.
 */
#include <stdio.h>
#include <string.h>

#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define GREETING "220 mx ESMTP|"
#define CLEAR "250-mx|250-STARTTLS|250 PIPELINING|"
#define WITHIN "250-mx|250 PIPELINING|"
#define TAKEN "250 2.1.0 ok|250 2.1.5 ok|354 go on|"

/* A message waits, the server offers STARTTLS, and it is asked for. */
#define ASK                                                                    \
    {.add = 1, .server = GREETING, .client = "EHLO"},                          \
    {                                                                          \
        .server = CLEAR, .client = "STARTTLS"                                  \
    }

static const script secured[] = {
    {.name = "T2: the state begins anew behind STARTTLS",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK,
               {.server = "220 2.0.0 go ahead|", .client = ""},
               {.secured = true, .server = "", .client = "EHLO"},
               {.server = WITHIN, .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 ."},
               {.server = "250 A|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 A; "},
    {.name = "T2: what was offered in the clear is not offered within",
     .steps = {ASK,
               {.server = "220 go|", .client = ""},
               {.secured = true, .server = "", .client = "EHLO"},
               {.server = "250 mx|", .client = "MAIL1"}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 UNSENT; "},
    {.name = "T2: STARTTLS offered again within TLS is not taken up",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK,
               {.server = "220 go|", .client = ""},
               {.secured = true, .server = "", .client = "EHLO"},
               {.server = CLEAR, .client = "MAIL1 RCPT1 DATA"}},
     .results = "1 UNSENT; "},
    {.name = "T5: implicit TLS is within it from the start on",
     .tls = THRUM_SMTP_TLS_IMPLICIT,
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = CLEAR, .client = "MAIL1 RCPT1 DATA"}},
     .results = "1 UNSENT; "},
    {.name = "without TLS an offer is not taken up",
     .tls = THRUM_SMTP_TLS_NONE,
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = CLEAR, .client = "MAIL1 RCPT1 DATA"}},
     .results = "1 UNSENT; "},
    {.name = "opportunistic: what is not offered is not asked for",
     .tls = THRUM_SMTP_TLS_OPPORTUNISTIC,
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = WITHIN, .client = "MAIL1 RCPT1 DATA"}},
     .results = "1 UNSENT; "},
    {.name = "opportunistic: 454 to STARTTLS goes on in the clear",
     .tls = THRUM_SMTP_TLS_OPPORTUNISTIC,
     .steps = {ASK,
               {.server = "454 4.7.0 not now|", .client = "MAIL1 RCPT1 DATA"}},
     .results = "1 UNSENT; "},
    {.name = "opportunistic: so does 502",
     .steps = {ASK, {.server = "502 what?|", .client = "MAIL1 RCPT1 DATA"}},
     .results = "1 UNSENT; "},
    {.name = "R5: a 220 of several lines is consent as well",
     .steps = {ASK,
               {.server = "220-go|220\n", .client = ""},
               {.secured = true, .server = "", .client = "EHLO"}},
     .results = "1 UNSENT; "},
    {.name = "T4: within TLS a server without EHLO may be greeted with HELO",
     .tls = THRUM_SMTP_TLS_IMPLICIT,
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = "502 what?|", .client = "HELO"},
               {.server = "250 mx|", .client = "MAIL1"}},
     .results = "1 UNSENT; "},
    {.name = "QUIT needs no TLS",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {{.quit = true, .server = GREETING, .client = "EHLO"},
               {.server = CLEAR, .client = "QUIT"},
               {.server = "221 bye|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .results = ""},
    {.name = "QUIT during the handshake: what waits is sent first, in TLS",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK,
               {.server = "220 go|", .client = ""},
               {.quit = true, .server = "", .client = ""},
               {.secured = true, .server = "", .client = "EHLO"},
               {.server = WITHIN, .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 ."},
               {.server = "250 A|", .client = "QUIT"}},
     .state = THRUM_SMTP_SESSION_CLOSING,
     .results = "1 accepted 250 A; "},
    {.name = "a message may come during the handshake",
     .steps = {{.server = GREETING, .client = "EHLO"},
               {.server = CLEAR, .client = "STARTTLS"},
               {.server = "220 go|", .client = ""},
               {.add = 1, .server = "", .client = ""},
               {.secured = true, .server = "", .client = "EHLO"},
               {.server = WITHIN, .client = "MAIL1 RCPT1 DATA"}},
     .results = "1 UNSENT; "},
};

/* Nothing of a message may be sent, whatever the server says. */
static const script refused[] = {
    {.name = "T1: what came in the clear behind the consent ends it",
     .steps = {ASK,
               {.server = "220 go|250 mx|", .client = ""},
               {.secured = true, .server = "", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T1: half a line of it",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK,
               {.server = "220 go|2", .client = ""},
               {.secured = true, .server = "", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T1: what came later, before the handshake",
     .steps = {ASK,
               {.server = "220 go|", .client = ""},
               {.server = "\n", .client = ""},
               {.secured = true, .server = "", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T3: STARTTLS is not offered",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = WITHIN, .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T3: STARTTLS in the first line is no offer",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = "250-STARTTLS|250 DSN|", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T3: STARTTLS is put off",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK, {.server = "454 4.7.0 later|", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T3: STARTTLS is refused",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK, {.server = "502 5.5.1 what?|", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T3: STARTTLS is answered with 354",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK, {.server = "354 go on|", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T3: STARTTLS is answered with 250",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK, {.server = "250 ok|", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "T3: STARTTLS is answered with garbage",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {ASK, {.server = "go ahead|", .client = ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "T3: opportunistic: 354 is neither consent nor refusal",
     .steps = {ASK, {.server = "354 go on|", .client = ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "T3: opportunistic: nor is 250",
     .steps = {ASK, {.server = "250 ok|", .client = ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "R11: 421 to STARTTLS is no refusal of TLS alone",
     .steps = {ASK, {.server = "421 bye|", .client = ""}},
     .failure = THRUM_SMTP_E_SERVICE},
    {.name = "T4: EHLO is refused: HELO has no STARTTLS",
     .tls = THRUM_SMTP_TLS_REQUIRED,
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = "502 what?|", .client = ""}},
     .failure = THRUM_SMTP_E_SECURITY},
    {.name = "R13: EHLO is put off",
     .steps = {{.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = "451 later|", .client = ""}},
     .failure = THRUM_SMTP_E_SERVICE},
};

START_TEST(a_dialogue_comes_to_its_messages)
{
    script_run_every_way(&secured[_i]);
}
END_TEST

START_TEST(T3_a_dialogue_ends_before_any_message)
{
    script table = refused[_i];

    table.state = THRUM_SMTP_SESSION_ENDED;
    table.results = "1 UNSENT; ";
    script_run_every_way(&table);
}
END_TEST

static script_run run;
static const script required = {.name = "required",
                                .tls = THRUM_SMTP_TLS_REQUIRED};

static const struct {
    const char *server;
    const char *text;
} words[] = {
    {GREETING WITHIN, "mx:25 does not offer STARTTLS, and TLS is required"},
    {GREETING CLEAR "454 4.7.0 TLS not\x1b available|",
     "mx:25 refused STARTTLS, and TLS is required: 454 4.7.0 TLS not? "
     "available"},
    {GREETING CLEAR "500|", "mx:25 refused STARTTLS, and TLS is required: 500"},
    {GREETING "502 5.5.2 what?|",
     "mx:25 refused EHLO, and TLS is required: 502 5.5.2 what?"},
};

START_TEST(T3_the_failure_says_why)
{
    const thrum_failure *why;
    const thrum_smtp_detail *detail;

    script_open(&run, &required, 0, words[_i].server);
    why = thrum_smtp_session_failure(run.session);
    ck_assert_str_eq(thrum_failure_text(why), words[_i].text);
    detail = thrum_failure_smtp(why);
    ck_assert_str_eq(detail->peer, "mx:25");
    ck_assert_int_eq(detail->code, _i == 0   ? 0
                                   : _i == 1 ? 454
                                   : _i == 2 ? 500
                                             : 502);
    script_close(&run, "");
}
END_TEST

START_TEST(T1_bytes_in_the_clear_are_counted)
{
    script_open(&run, &required, 0, GREETING CLEAR);
    ck_assert_uint_eq(thrum_smtp_session_unread(run.session), 0);
    script_say(&run, "220 go\r\n250", 11);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_STARTTLS);
    ck_assert_uint_eq(thrum_smtp_session_unread(run.session), 3);
    script_say(&run, " x", 2);
    ck_assert_uint_eq(thrum_smtp_session_unread(run.session), 5);
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), INT64_MAX);
    thrum_smtp_session_secured(run.session, run.now);
    ck_assert_str_eq(
        thrum_failure_text(thrum_smtp_session_failure(run.session)),
        "mx:25 went on in the clear behind its consent to STARTTLS");
    script_close(&run, "");
}
END_TEST

START_TEST(T1_consent_that_was_not_asked_for_is_none)
{
    static const char early[] = "250-mx\r\n250 STARTTLS\r\n220 go\r\n";

    script_open(&run, &required, 0, GREETING);
    script_say(&run, early, sizeof early - 1);
    ck_assert_int_eq(
        thrum_failure_code(thrum_smtp_session_failure(run.session)),
        THRUM_SMTP_E_PROTOCOL);
    script_close(&run, "");
}
END_TEST

START_TEST(T2_offers_are_those_of_the_last_answer)
{
    const thrum_smtp_offers *offers;

    script_open(&run, &required, 0, GREETING);
    offers = thrum_smtp_session_offers(run.session);
    ck_assert_uint_eq(offers->extensions, 0);
    ck_assert_int_eq(offers->hello, 0);
    script_tell(&run, "250-mx|250-STARTTLS|250-SIZE 9|250 AUTH PLAIN|");
    ck_assert_uint_eq(offers->extensions,
                      THRUM_SMTP_STARTTLS | THRUM_SMTP_SIZE | THRUM_SMTP_AUTH);
    ck_assert_uint_eq(offers->size, 9);
    ck_assert_uint_eq(offers->mechanisms, THRUM_SMTP_PLAIN);
    script_tell(&run, "220 go|");
    ck_assert_uint_eq(offers->size, 9);
    script_prepare(&run, &(script_step){.secured = true});
    ck_assert_uint_eq(offers->extensions, 0);
    ck_assert_uint_eq(offers->mechanisms, 0);
    ck_assert_uint_eq(offers->size, 0);
    script_tell(&run, "250-mx|250 DSN|");
    ck_assert_uint_eq(offers->extensions, THRUM_SMTP_DSN);
    ck_assert_int_eq(offers->hello, 1);
    script_close(&run, "");
}
END_TEST

START_TEST(a_connection_is_secured_only_when_it_is_asked_for)
{
    script_open(&run, &required, 0, GREETING);
    thrum_buffer_clear(&run.sent);
    thrum_smtp_session_secured(run.session, run.now);
    script_tell(&run, CLEAR);
    script_expect(&run, "STARTTLS", "after a call too early");
    script_close(&run, "");
}
END_TEST

START_TEST(a_greeting_is_kept_as_it_may_be_shown)
{
    static const script plain = {.name = "plain"};

    script_open(&run, &plain, 0, "");
    ck_assert_str_eq(thrum_smtp_session_greeting(run.session), "");
    script_tell(&run, "220-mx\x1b[1m ESMTP|220 ready|");
    ck_assert_str_eq(thrum_smtp_session_greeting(run.session),
                     "mx?[1m ESMTP ready");
    script_close(&run, "");
    script_open(&run, &plain, 0, "554 5.7.1 go away|");
    ck_assert_str_eq(thrum_smtp_session_greeting(run.session), "go away");
    script_close(&run, "");
}
END_TEST

static void opening_scenario(void)
{
    const script_step add = {.add = 1}, secure = {.secured = true};

    if (script_begin(&run, &required)) {
        script_prepare(&run, &add);
        script_tell(&run, GREETING CLEAR "220 go|");
        script_prepare(&run, &secure);
        script_tell(&run, "451 later|");
    }
    script_finish(&run);
}

START_TEST(without_memory_an_opening_ends_and_nothing_is_lost)
{
    support_every_allocation(opening_scenario);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("opening");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, a_dialogue_comes_to_its_messages, 0,
                        COUNT(secured));
    tcase_add_loop_test(all, T3_a_dialogue_ends_before_any_message, 0,
                        COUNT(refused));
    tcase_add_loop_test(all, T3_the_failure_says_why, 0, COUNT(words));
    tcase_add_test(all, T1_bytes_in_the_clear_are_counted);
    tcase_add_test(all, T1_consent_that_was_not_asked_for_is_none);
    tcase_add_test(all, T2_offers_are_those_of_the_last_answer);
    tcase_add_test(all, a_connection_is_secured_only_when_it_is_asked_for);
    tcase_add_test(all, a_greeting_is_kept_as_it_may_be_shown);
    tcase_add_test(all, without_memory_an_opening_ends_and_nothing_is_lost);
    return support_main("opening", &all, 1);
}
