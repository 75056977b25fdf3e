/* SPDX-License-Identifier: MIT */
/*
 * What MAIL and RCPT say by what the server offers, and what is refused before
 * anything of it is sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mail/message_internal.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define PIPELINING "220 mx|250-mx|250-PIPELINING|"
#define ALL                                                                    \
    PIPELINING "250-SIZE 5000|250-8BITMIME|250-SMTPUTF8|250-DSN|250 HELP|"
#define AUML "\xc3\xa4"
#define EURO "\xe2\x82\xac"

enum { ENVELOPE_TO = 3, ENVELOPE_LARGE = 6000 };

static const thrum_dsn full = {.notify = THRUM_DSN_SUCCESS | THRUM_DSN_FAILURE |
                                         THRUM_DSN_DELAY,
                               .what = THRUM_DSN_RETURN_FULL,
                               .envelope_id = "a+b=c d",
                               .original = 1};
static const thrum_dsn never = {.notify = THRUM_DSN_NEVER,
                                .what = THRUM_DSN_RETURN_HEADERS};

/* What a message is, what the server offers, and what is sent: "|" stands for
 * CRLF, "#" for the message's size. */
static const struct {
    const char *name;
    const char *from; /* NULL: e@x */
    const char *to[ENVELOPE_TO];
    const thrum_dsn *dsn;
    int large;
    const char *server;
    const char *sent;
    const char *result; /* of the message, when the server then leaves */
} envelopes[] = {
    {.name = "nothing offered, nothing said",
     .to = {"r@x"},
     .dsn = &full,
     .server = PIPELINING "250 HELP|",
     .sent = "MAIL FROM:<e@x>|RCPT TO:<r@x>|DATA|",
     .result = "UNSENT: the connection to mx:25 ended before the message was "
               "sent"},
    {.name = "D9: the size is said, and nothing that is not needed",
     .to = {"r@x"},
     .server = ALL,
     .sent = "MAIL FROM:<e@x> SIZE=#|RCPT TO:<r@x>|DATA|"},
    {.name = "D9: no limit",
     .to = {"r@x"},
     .server = PIPELINING "250 SIZE|",
     .sent = "MAIL FROM:<e@x> SIZE=#|RCPT TO:<r@x>|DATA|"},
    {.name = "D9: 0 is no limit either",
     .to = {"r@x"},
     .server = PIPELINING "250 SIZE 0|",
     .sent = "MAIL FROM:<e@x> SIZE=#|RCPT TO:<r@x>|DATA|"},
    {.name = "D9: larger than the server takes: not sent",
     .to = {"r@x"},
     .large = 1,
     .server = ALL,
     .sent = "",
     .result = "REFUSED: mx:25 takes at most 5000 octets, and the message has "
               "#"},
    {.name = "DSN: all of it",
     .to = {"r@x", "s+t=u@x"},
     .dsn = &full,
     .server = PIPELINING "250 DSN|",
     .sent = "MAIL FROM:<e@x> RET=FULL ENVID=a+2Bb+3Dc+20d|"
             "RCPT TO:<r@x> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;r@x|"
             "RCPT TO:<s+t=u@x> NOTIFY=SUCCESS,FAILURE,DELAY "
             "ORCPT=rfc822;s+2Bt+3Du@x|DATA|"},
    {.name = "DSN: never, headers",
     .to = {"r@x"},
     .dsn = &never,
     .server = PIPELINING "250 DSN|",
     .sent = "MAIL FROM:<e@x> RET=HDRS|RCPT TO:<r@x> NOTIFY=NEVER|DATA|"},
    {.name = "I4: a recipient in UTF-8, and a server that takes it",
     .to = {AUML EURO "+@x"},
     .dsn = &full,
     .server = ALL,
     .sent = "MAIL FROM:<e@x> SIZE=# BODY=8BITMIME SMTPUTF8 RET=FULL "
             "ENVID=a+2Bb+3Dc+20d|RCPT TO:<" AUML EURO
             "+@x> NOTIFY=SUCCESS,FAILURE,DELAY "
             "ORCPT=utf-8;\\x{E4}\\x{20AC}\\x{2B}@x|DATA|"},
    {.name = "I4: a recipient in UTF-8, and a server that takes none",
     .to = {"r@x", AUML "@x"},
     .server = PIPELINING "250-SIZE 5000|250 DSN|",
     .sent = "",
     .result = "REFUSED: mx:25 does not offer SMTPUTF8, which the message "
               "needs"},
    {.name = "I4: a sender in UTF-8",
     .from = AUML "@x",
     .to = {"r@x"},
     .server = ALL,
     .sent = "MAIL FROM:<" AUML "@x> SIZE=# BODY=8BITMIME SMTPUTF8|"
             "RCPT TO:<r@x>|DATA|"},
    {.name = "I4: a sender in UTF-8, and a server that takes none",
     .from = AUML "@x",
     .to = {"r@x"},
     .server = PIPELINING "250 8BITMIME|",
     .sent = "",
     .result = "REFUSED: mx:25 does not offer SMTPUTF8, which the message "
               "needs"},
};

static void result_keep(thrum_message *message, thrum_receipt *receipt,
                        thrum_failure *why, void *ctx)
{
    char *kept = ctx;

    ck_assert_ptr_null(receipt);
    snprintf(kept, 200, "%s: %s",
             thrum_failure_code(why) == THRUM_SMTP_E_REFUSED  ? "REFUSED"
             : thrum_failure_code(why) == THRUM_SMTP_E_UNSENT ? "UNSENT"
                                                              : "?",
             thrum_failure_text(why));
    if (thrum_failure_code(why) == THRUM_SMTP_E_REFUSED)
        ck_assert_int_eq(thrum_failure_smtp(why)->verdict,
                         THRUM_SMTP_VERDICT_MESSAGE);
    thrum_message_free(message);
    thrum_failure_unref(why);
}

static thrum_message *envelope_letter(thrum_context *context, int index)
{
    static char text[ENVELOPE_LARGE];
    thrum_message *letter = thrum_message_new(context);
    size_t size = envelopes[index].large ? sizeof text : 5;

    memset(text, 'x', sizeof text);
    for (size_t i = 63; i < sizeof text; i += 64)
        text[i] = '\n';
    thrum_message_set_from(
        letter, envelopes[index].from != NULL ? envelopes[index].from : "e@x");
    for (int i = 0; i < ENVELOPE_TO && envelopes[index].to[i] != NULL; i++)
        ck_assert_int_eq(thrum_message_add_to(letter, envelopes[index].to[i]),
                         0);
    thrum_message_set_dsn(letter, envelopes[index].dsn);
    thrum_message_set_text(letter, text, size);
    ck_assert_ptr_null(thrum__message_ready(letter));
    return letter;
}

/* `pattern` with "|" and "#" filled in. Ownership: borrowed until the next
 * call. */
static const char *envelope_fill(const char *pattern, uint64_t number)
{
    static char text[1000];
    size_t size = 0;

    for (; *pattern != '\0'; pattern++)
        if (*pattern == '|')
            size += (size_t)snprintf(text + size, sizeof text - size, "\r\n");
        else if (*pattern == '#')
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     "%" PRIu64, number);
        else
            text[size++] = *pattern;
    text[size] = '\0';
    return text;
}

static script_run run;
static const script best = {.name = "envelope"};

static uint64_t envelope_size(thrum_message *letter)
{
    thrum__message_cursor cursor = {.segment = 0};
    thrum_buffer whole;
    uint64_t size;

    thrum_buffer_init(&whole, run.context, SIZE_MAX);
    ck_assert_int_eq(thrum__message_data(letter, &cursor, THRUM__MESSAGE_BINARY,
                                         &whole, SIZE_MAX),
                     0);
    size = whole.size;
    thrum_buffer_fini(&whole);
    return size;
}

START_TEST(an_envelope_says_what_the_server_understands)
{
    char result[200] = "";
    const char *expected;
    thrum_message *letter;
    uint64_t size;

    script_open(&run, &best, 0, envelopes[_i].server);
    thrum_buffer_clear(&run.sent);
    letter = envelope_letter(run.context, _i);
    size = envelope_size(letter);
    ck_assert_int_eq(
        thrum_smtp_session_send(run.session, letter, result_keep, result), 0);
    script_tell(&run, "");
    expected = envelope_fill(envelopes[_i].sent, size);
    ck_assert_msg(run.sent.size == strlen(expected) &&
                      (run.sent.size == 0 ||
                       memcmp(run.sent.data, expected, run.sent.size) == 0),
                  "%s: %.*s", envelopes[_i].name, (int)run.sent.size,
                  run.sent.size > 0 ? run.sent.data : "");
    script_close(&run, "");
    if (envelopes[_i].result != NULL)
        ck_assert_str_eq(result, envelope_fill(envelopes[_i].result, size));
}
END_TEST

static void scenario_of_refusals(void)
{
    if (script_begin(&run, &best)) {
        script_tell(&run, PIPELINING "250-SIZE 10|250 DSN|");
        script_prepare(&run, &(script_step){.add = 2});
    }
    script_finish(&run);
}

START_TEST(refusals_without_an_attempt_survive_every_failing_allocation)
{
    support_every_allocation(scenario_of_refusals);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("envelope");

    tcase_add_loop_test(all, an_envelope_says_what_the_server_understands, 0,
                        COUNT(envelopes));
    tcase_add_test(
        all, refusals_without_an_attempt_survive_every_failing_allocation);
    return support_main("session envelope", &all, 1);
}
