/* SPDX-License-Identifier: MIT */
/*
 * Whom a client takes for whom it looks for: every line of
 * tests/tls/matrix.txt against our own server's side; and names by themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reactor/tls_pair.h"

/* ---- The matrix ---- */

static unsigned tried;

/* The failure is the reactor's TLS, says who, where and why, and GnuTLS's words
 * lie beneath. The peer hears an alert. */
static void expect_refused(tls_pair *pair, const char *line, const char *words)
{
    const thrum_failure *why = pair->client->why;
    const char *text = why != NULL ? thrum_failure_text(why) : "verified";

    ck_assert_msg(why != NULL && strstr(text, words) != NULL, "%s: %s", line,
                  text);
    ck_assert(
        thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_TLS));
    ck_assert_ptr_nonnull(strstr(text, "127.0.0.1:25: no TLS with "));
    ck_assert_ptr_nonnull(thrum_failure_cause(why));
    ck_assert_ptr_eq(thrum_failure_domain(thrum_failure_cause(why)),
                     &thrum_domain_tls);
    ck_assert_ptr_nonnull(pair->server->why);
    ck_assert_ptr_nonnull(
        strstr(thrum_failure_text(pair->server->why), "the peer says: "));
}

/* Who trusts anyone goes on, and is told why it should not have. */
static void expect_told(tls_pair *pair, const char *line, const char *words)
{
    const thrum_tls_facts *facts = &pair->client->facts;

    ck_assert_msg(pair->client->open, "%s", line);
    ck_assert_int_eq(facts->verified, 0);
    ck_assert_msg(strstr(facts->unverified, words) != NULL, "%s: %s", line,
                  facts->unverified);
    tls_pair_say(pair, true, "to anyone");
}

static void try_line(thrum_context *context, const char *line,
                     const thrum_tls_config *how)
{
    char name[64], host[128], words[128];
    tls_pair pair = {.piece = 0};
    bool verified;

    ck_assert_msg(sscanf(line, "%63s | %127s | %127[^\n]", name, host, words) ==
                      3,
                  "%s", line);
    verified = strcmp(words, "verified") == 0;
    pair.trusting = tls_trusting(context, how);
    pair.shown = tls_showing(context, name, NULL);
    ck_assert(tls_pair_open(&pair, host));
    tls_pair_shake(&pair);
    if (!verified && !how->trust_anyone) {
        thrum__tls_session_handshake(pair.server);
        if (pair.server->open) /* TLS 1.3: it learns of it when it reads */
            thrum__tls_session_receive(pair.server, host, sizeof host);
        expect_refused(&pair, line, words);
    } else if (!verified) {
        expect_told(&pair, line, words);
    } else {
        ck_assert_msg(pair.client->open, "%s: %s", line,
                      thrum_failure_text(pair.client->why));
        ck_assert_int_eq(pair.client->facts.verified, 1);
        ck_assert_ptr_null(pair.client->facts.unverified);
    }
    tls_pair_end(&pair);
    tried++;
}

static void try_matrix(const thrum_tls_config *how)
{
    thrum_context *context = support_context();
    const char *top = getenv("top_srcdir");
    char path[TLS_PATH], line[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/tls/matrix.txt",
             top != NULL ? top : ".");
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    tried = 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (line[0] != '#' && line[0] != '\n')
            try_line(context, line, how);
    fclose(file);
    ck_assert_uint_gt(tried, 50);
    support_context_end(context);
}

static const char *const versions[] = {"NORMAL:%PROFILE_MEDIUM",
                                       "NORMAL:-VERS-TLS1.3:%PROFILE_MEDIUM"};

START_TEST(every_certificate_is_judged_as_the_matrix_says)
{
    thrum_tls_config config = {.priority = versions[_i]};

    try_matrix(&config);
}
END_TEST

START_TEST(who_trusts_anyone_is_told_why_it_should_not)
{
    thrum_tls_config config = {.trust_anyone = 1, .priority = versions[_i]};

    try_matrix(&config);
}
END_TEST

START_TEST(t6_what_is_pinned_in_the_trust_file_needs_no_issuer)
{
    thrum_context *context = support_context();
    char path[TLS_PATH];
    thrum_tls_config config = {.trust_file = tls_path("self-signed", path)};
    tls_pair pair = {.trusting = tls_trusting(context, &config),
                     .shown = tls_showing(context, "self-signed", NULL)};

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    ck_assert_int_eq(pair.client->facts.verified, 1);
    tls_pair_end(&pair);
    support_context_end(context);
}
END_TEST

/* ---- Names alone ---- */

static const struct {
    const char *host, *text; /* NULL: no name of a host */
    unsigned size;           /* of an address */
} hosts[] = {
    {"mail.test", "mail.test", 0},
    {"Mail.TEST.", "mail.test", 0},
    {"localhost", "localhost", 0},
    {"_dmarc.test", "_dmarc.test", 0},
    {"b\xC3\xBC"
     "cher.test",
     "xn--bcher-kva.test", 0},
    {"B\xC3\x9C"
     "CHER\xE3\x80\x82test",
     "xn--bcher-kva.test", 0},
    {"127.0.0.1", "127.0.0.1", 4},
    {"::1", "::1", 16},
    {"[2001:db8::1]", "[2001:db8::1]", 16},
    {"192.0.2.300", NULL, 0},
    {"", NULL, 0},
    {".", NULL, 0},
    {"a..test", NULL, 0},
    {".a.test", NULL, 0},
    {"*.test", NULL, 0},
    {"a b.test", NULL, 0},
    {"a.test\r\nX: y", NULL, 0},
    {"[::1", NULL, 0},
    {"[]", NULL, 0},
    {"user@mail.test", NULL, 0},
    {"\xFF\xFE.test", NULL, 0},
    {"a.test/", NULL, 0},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test",
     NULL, 0}, /* 64 octets */
};

START_TEST(t10_a_host_is_brought_into_one_form)
{
    const char *wrong;
    thrum__tls_name name;
    char big[THRUM__TLS_NAME + 1];

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        int error = thrum__tls_name_read(&name, hosts[i].host, &wrong);

        ck_assert_msg((error == 0) == (hosts[i].text != NULL), "%s",
                      hosts[i].host);
        if (error != 0)
            continue;
        ck_assert_str_eq(name.text, hosts[i].text);
        ck_assert_uint_eq(name.address_size, hosts[i].size);
    }
    memset(big, 'a', sizeof big);
    big[sizeof big - 1] = '\0';
    ck_assert_int_ne(thrum__tls_name_read(&name, big, &wrong), 0);
}
END_TEST

static const struct {
    const char *host, *dns;
    size_t size; /* of dns; 0: its length */
    bool match;
} matches[] = {
    {"mail.test", "mail.test", 0, true},
    {"mail.test", "MAIL.tEST", 0, true},
    {"mail.test", "mail.test.", 0, false},
    {"mail.test", "mail.test\0.evil", 15, false},
    {"mail.test", "mail.tes", 0, false},
    {"mail.test", "", 0, false},
    {"a.mail.test", "*.mail.test", 0, true},
    {"xn--a.mail.test", "*.mail.test", 0, true},
    {"mail.test", "*.mail.test", 0, false},
    {"a.b.mail.test", "*.mail.test", 0, false},
    {"mail.test", "*.test", 0, false},
    {"mail.test", "*", 0, false},
    {"mail.test", "*.", 0, false},
    {"a.mail.test", "**.mail.test", 0, false},
    {"a.mail.test", "*a.mail.test", 0, false},
    {"a.mail.test", "a*.mail.test", 0, false},
    {"a.b.test", "*.*.test", 0, false},
    {"a.b.test", "a.*.test", 0, false},
    {"a.mail.test", "*.mail.test\0", 12, false},
    {"localhost", "*", 0, false},
    {"127.0.0.1", "127.0.0.1", 0, false},
    {"127.0.0.1", "*.0.0.1", 0, false},
};

START_TEST(t8_a_wildcard_is_the_whole_left_most_label)
{
    for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++) {
        const char *wrong;
        size_t size = matches[i].size;
        thrum__tls_name name;

        ck_assert_int_eq(thrum__tls_name_read(&name, matches[i].host, &wrong),
                         0);
        if (size == 0)
            size = strlen(matches[i].dns);
        ck_assert_msg(thrum__tls_name_matches(&name, matches[i].dns, size) ==
                          matches[i].match,
                      "%s %s", matches[i].host, matches[i].dns);
    }
}
END_TEST

START_TEST(who_looks_for_nobody_finds_nobody)
{
    thrum__tls_name name = {.text = ""};

    ck_assert(!thrum__tls_name_matches(&name, "", 0));
    ck_assert(!thrum__tls_name_matches(&name, "*.", 2));
    ck_assert(!thrum__tls_name_matches(&name, "mail.test", 9));
}
END_TEST

START_TEST(a_host_that_is_no_name_begins_nothing)
{
    thrum_context *context = support_context();
    thrum_tls *tls = tls_trusting(context, NULL);
    thrum_failure *why = NULL;

    ck_assert_ptr_null(thrum__tls_session_new(tls, false, "a b", "h:1", &why));
    ck_assert_str_eq(thrum_failure_text(why),
                     "h:1: no TLS: the host: no name has such characters");
    thrum_failure_unref(why);
    thrum_tls_unref(tls);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *matrix = tcase_create("the matrix");
    TCase *names = tcase_create("names");
    TCase *const cases[] = {matrix, names};

    loop_watchdog();
    tls_need_certificates();
    tcase_add_loop_test(matrix, every_certificate_is_judged_as_the_matrix_says,
                        0, 2);
    tcase_add_loop_test(matrix, who_trusts_anyone_is_told_why_it_should_not, 0,
                        2);
    tcase_add_test(matrix, t6_what_is_pinned_in_the_trust_file_needs_no_issuer);
    tcase_add_test(names, t10_a_host_is_brought_into_one_form);
    tcase_add_test(names, t8_a_wildcard_is_the_whole_left_most_label);
    tcase_add_test(names, who_looks_for_nobody_finds_nobody);
    tcase_add_test(names, a_host_that_is_no_name_begins_nothing);
    return support_main("TLS names", cases, sizeof cases / sizeof *cases);
}
