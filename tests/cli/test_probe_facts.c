/* SPDX-License-Identifier: MIT */
/* What is printed of what a probe found, for a person and as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/probe.h"
#include "tests/support/support.h"

static const thrum_tls_facts trusted = {.version = "TLS1.3",
                                        .cipher = "TLS_AES_256_GCM_SHA384",
                                        .peer = "CN=mail.test",
                                        .issuer = "CN=an authority",
                                        .not_before = 1577836800 * THRUM_S,
                                        .not_after = 4733510400 * THRUM_S,
                                        .sha256 = {0xab, 0x01},
                                        .verified = 1};

static const thrum_probe_facts nobody = {.peer = "", .greeting = ""};

static char *text_of(const thrum_probe_facts *facts)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    probe_text(facts, out);
    fclose(out);
    return text;
}

static char *json_of(const thrum_probe_facts *facts)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_int_eq(probe_json(facts, out), 0);
    fclose(out);
    return text;
}

static void assert_both(const thrum_probe_facts *facts, const char *as_text,
                        const char *as_json)
{
    char *text = text_of(facts), *json = json_of(facts);

    ck_assert_str_eq(text, as_text);
    ck_assert_str_eq(json, as_json);
    free(text);
    free(json);
}

START_TEST(a_server_in_the_clear)
{
    thrum_probe_facts facts = {
        .peer = "192.0.2.1:25",
        .greeting = "mail.test ESMTP",
        .greeting_code = 220,
        .asked = 1,
        .plain = {.hello = 1,
                  .extensions = THRUM_SMTP_SIZE | THRUM_SMTP_PIPELINING |
                                THRUM_SMTP_AUTH | THRUM_SMTP_CHUNKING,
                  .mechanisms = THRUM_SMTP_PLAIN | THRUM_SMTP_SCRAM_SHA_256,
                  .size = UINT64_C(10240000)},
        .mode = THRUM_SMTP_MODE_CHUNKED,
        .window = 8,
    };

    assert_both(
        &facts,
        "server         192.0.2.1:25\n"
        "greeting       220 mail.test ESMTP\n"
        "before TLS     PIPELINING, CHUNKING, SIZE 10240000, AUTH "
        "SCRAM-SHA-256 PLAIN\n"
        "mail           would be sent: chunked, 8 messages in flight\n",
        "{\"sends\":true,\"server\":\"192.0.2.1:25\",\"greeting\":{\"code\":"
        "220,\"text\":\"mail.test ESMTP\"},\"before_tls\":{\"hello\":\"EHLO\","
        "\"extensions\":[\"PIPELINING\",\"CHUNKING\",\"SIZE\",\"AUTH\"],"
        "\"size\":10240000,\"mechanisms\":[\"SCRAM-SHA-256\",\"PLAIN\"]},"
        "\"tls\":null,\"within_tls\":null,\"login\":null,\"mode\":\"chunked\","
        "\"window\":8,\"failure\":null}\n");
}
END_TEST

START_TEST(a_login_within_tls)
{
    thrum_probe_facts facts = {
        .peer = "192.0.2.1:465",
        .greeting = "",
        .greeting_code = 220,
        .secured = 1,
        .within = {.hello = 1},
        .tls = &trusted,
        .mechanism = THRUM_SMTP_LOGIN,
        .logged_in = 1,
        .mode = THRUM_SMTP_MODE_LOCKSTEP,
    };

    assert_both(
        &facts,
        "server         192.0.2.1:465\n"
        "greeting       220 \n"
        "TLS            TLS1.3, TLS_AES_256_GCM_SHA384\n"
        "  subject      CN=mail.test\n"
        "  issuer       CN=an authority\n"
        "  valid        2020-01-01 to 2120-01-01\n"
        "  sha256       ab01000000000000000000000000000000000000000000000000"
        "000000000000\n"
        "  trusted      yes\n"
        "within TLS     nothing\n"
        "login          LOGIN: accepted\n"
        "mail           would be sent: lockstep\n",
        "{\"sends\":true,\"server\":\"192.0.2.1:465\",\"greeting\":{\"code\":"
        "220,\"text\":\"\"},\"before_tls\":null,\"tls\":{\"version\":\"TLS1.3\""
        ",\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"certificate\":{\"subject\":"
        "\"CN=mail.test\",\"issuer\":\"CN=an authority\",\"not_before\":"
        "\"2020-01-01T00:00:00Z\",\"not_after\":\"2120-01-01T00:00:00Z\","
        "\"sha256\":\"ab0100000000000000000000000000000000000000000000000000"
        "0000000000\"},\"trusted\":true,\"untrusted\":null},\"within_tls\":{"
        "\"hello\":\"EHLO\",\"extensions\":[],\"size\":null,\"mechanisms\":[]},"
        "\"login\":{\"mechanism\":\"LOGIN\",\"accepted\":true},\"mode\":"
        "\"lockstep\",\"window\":null,\"failure\":null}\n");
}
END_TEST

/* As far as a handshake came that was given up for the certificate. */
START_TEST(a_certificate_that_was_not_trusted)
{
    thrum_tls_facts tls = trusted;
    thrum_probe_facts facts = nobody;
    char *text, *json;

    facts.tls = &tls;
    tls.cipher = NULL;
    tls.verified = 0;
    tls.unverified = "it has expired";
    text = text_of(&facts);
    ck_assert_ptr_nonnull(strstr(text, "TLS            TLS1.3\n"));
    ck_assert_ptr_nonnull(strstr(text, "  trusted      no: it has expired\n"));
    free(text);
    json = json_of(&facts);
    ck_assert_ptr_nonnull(strstr(json, "\"cipher\":null,"));
    ck_assert_ptr_nonnull(
        strstr(json, "\"trusted\":false,\"untrusted\":\"it has expired\"}"));
    free(json);
}
END_TEST

START_TEST(a_server_without_a_certificate)
{
    thrum_tls_facts tls = {.version = "TLS1.3",
                           .cipher = "TLS_AES_256_GCM_SHA384",
                           .unverified = "it showed none"};
    thrum_probe_facts facts = nobody;
    char *text, *json;

    facts.tls = &tls;
    text = text_of(&facts);
    ck_assert_ptr_null(strstr(text, "subject"));
    free(text);
    json = json_of(&facts);
    ck_assert_ptr_nonnull(strstr(json, "\"certificate\":null,"));
    free(json);
}
END_TEST

START_TEST(a_server_that_knows_helo_alone)
{
    thrum_probe_facts facts = nobody;
    char *text;

    facts.asked = 1;
    facts.mode = THRUM_SMTP_MODE_LOCKSTEP;
    text = text_of(&facts);
    ck_assert_ptr_nonnull(
        strstr(text, "before TLS     nothing: it knows HELO alone\n"));
    free(text);
    text = json_of(&facts);
    ck_assert_ptr_nonnull(strstr(text, "{\"hello\":\"HELO\","));
    free(text);
}
END_TEST

/* A failure with a reply whose words are hostile; the detail is the caller's.
 */
static thrum_failure *refusal(thrum_context *context, thrum_smtp_detail *detail)
{
    thrum_failure *why = thrum_failure_new(
        context, &thrum_domain_smtp, THRUM_SMTP_E_ACCOUNT, "AUTH refused");

    *detail = (thrum_smtp_detail){.stage = THRUM_SMTP_STAGE_AUTH,
                                  .code = 535,
                                  .enhanced = "5.7.8",
                                  .text = "go \x1b[2J away \xff",
                                  .peer = "192.0.2.1:465",
                                  .verdict = THRUM_SMTP_VERDICT_ACCOUNT};
    return thrum_failure_because(
        thrum_failure_explain(why, detail, NULL),
        thrum_failure_new(context, &thrum_domain_system, 2, NULL));
}

START_TEST(a_refusal_is_told_with_the_server_s_words)
{
    thrum_context *context = support_context();
    thrum_probe_facts facts = nobody;
    thrum_smtp_detail detail;
    thrum_failure *why = refusal(context, &detail);

    facts.why = why;
    assert_both(
        &facts,
        "mail           would not be sent: AUTH refused: No such file or "
        "directory\n",
        "{\"sends\":false,\"server\":null,\"greeting\":null,\"before_tls\":"
        "null,\"tls\":null,\"within_tls\":null,\"login\":null,\"mode\":null,"
        "\"window\":null,\"failure\":{\"text\":\"AUTH refused: No such file or "
        "directory\",\"stage\":\"AUTH\",\"verdict\":\"account\",\"reply\":{"
        "\"code\":535,\"enhanced\":\"5.7.8\",\"text\":\"go \\\\x1b[2J away "
        "\\\\xff\"}}}\n");
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

START_TEST(a_failure_before_any_reply_has_none)
{
    thrum_context *context = support_context();
    thrum_probe_facts facts = nobody;
    thrum_failure *why = thrum_failure_new(context, &thrum_domain_base,
                                           THRUM_E_FULL, "it is full");
    char *json;

    facts.why = why;
    json = json_of(&facts);
    ck_assert_ptr_nonnull(
        strstr(json, "\"failure\":{\"text\":\"it is full\",\"stage\":null,"
                     "\"verdict\":null,\"reply\":null}}\n"));
    free(json);
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

START_TEST(nothing_a_server_says_reaches_the_terminal_raw)
{
    static const char *const hostile[] = {"\x1b]0;you\x07",
                                          "a\r\nb\tc",
                                          "\x7f\x01",
                                          "\xc2\x9b"
                                          "31m",
                                          "\xff\xfe",
                                          "\""};

    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        thrum_tls_facts tls = trusted;
        thrum_probe_facts facts = {.peer = hostile[i],
                                   .greeting = hostile[i],
                                   .greeting_code = 220,
                                   .tls = &tls};
        char *text, *json;
        json_t *read;

        tls.peer = tls.issuer = tls.unverified = hostile[i];
        tls.verified = 0;
        text = text_of(&facts);
        for (const char *at = text; *at != '\0'; at++)
            ck_assert(*at == '\n' || (unsigned char)*at >= ' ');
        ck_assert_ptr_null(strchr(text, '\x7f'));
        ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
        ck_assert_ptr_null(strchr(text, '\xff'));
        free(text);
        json = json_of(&facts);
        read = json_loads(json, 0, NULL);
        ck_assert_ptr_nonnull(read);
        for (const char *at = json; at[1] != '\0'; at++)
            ck_assert((unsigned char)*at >= ' ');
        json_decref(read);
        free(json);
    }
}
END_TEST

START_TEST(words_without_end_are_cut)
{
    char *greeting = calloc(1, 100001), *text, *json;
    thrum_probe_facts facts = {
        .peer = "", .greeting = greeting, .greeting_code = 220};

    memset(greeting, 'x', 100000);
    text = text_of(&facts);
    json = json_of(&facts);
    ck_assert_uint_lt(strlen(text), 3000);
    ck_assert_uint_lt(strlen(json), 6000);
    free(text);
    free(json);
    free(greeting);
}
END_TEST

START_TEST(a_full_disk_is_noticed)
{
    FILE *full = fopen("/dev/full", "w");

    setvbuf(full, NULL, _IONBF, 0);
    ck_assert_int_eq(probe_json(&nobody, full), -1);
    fclose(full);
}
END_TEST

int main(void)
{
    TCase *facts = tcase_create("facts");

    tcase_add_test(facts, a_server_in_the_clear);
    tcase_add_test(facts, a_login_within_tls);
    tcase_add_test(facts, a_certificate_that_was_not_trusted);
    tcase_add_test(facts, a_server_without_a_certificate);
    tcase_add_test(facts, a_server_that_knows_helo_alone);
    tcase_add_test(facts, a_refusal_is_told_with_the_server_s_words);
    tcase_add_test(facts, a_failure_before_any_reply_has_none);
    tcase_add_test(facts, nothing_a_server_says_reaches_the_terminal_raw);
    tcase_add_test(facts, words_without_end_are_cut);
    tcase_add_test(facts, a_full_disk_is_noticed);
    return support_main("probe_facts", &facts, 1);
}
