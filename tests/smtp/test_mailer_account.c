/* SPDX-License-Identifier: MIT */
/*
 * The mailer and who logs in: within TLS alone, on each connection, and what
 * becomes of all that wait when the account is refused.
 */
#include <stdio.h>
#include <string.h>

#include "tests/smtp/post.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

static post box;

static const peer_config plain = {.certificate = "ip", .auth = "AUTH PLAIN"};

/* A mailer of ann's; the URL is the peer's with "ann@" in it. False without
 * memory. */
static bool mail_for(thrum_mailer_config mailer, const char *user)
{
    const char *scheme = box.peer.config.implicit ? "smtps" : "smtp";
    thrum_secret *secret = thrum_secret_new(box.context, "hunter2", 7, NULL);
    char via[PEER_URL * 2];

    snprintf(via, sizeof via, "%s://%s@%s", scheme, user,
             strstr(box.peer.url, "127"));
    mailer.via = via;
    mailer.secret = secret;
    mailer.trust = box.trust;
    box.mailer = secret != NULL ? thrum_mailer_new(box.reactor, &mailer) : NULL;
    thrum_secret_unref(secret);
    return box.mailer != NULL;
}

static bool open_for(const peer_config *config, thrum_mailer_config mailer,
                     const char *user)
{
    bool opened = post_open_still(&box, config, &mailer);

    if (!opened)
        return false;
    thrum_mailer_free(box.mailer);
    return mail_for(mailer, user);
}

static void expect_words(const char *words)
{
    ck_assert_msg(strstr(box.text, words) != NULL, "%s", box.text);
    ck_assert_ptr_null(strstr(box.text, "hunter2"));
    ck_assert_ptr_null(strstr(box.text, "ann"));
    ck_assert_ptr_null(strstr(box.text, "AGFubgBodW50ZXIy"));
    ck_assert_uint_eq(box.peer.exposed, 0);
}

START_TEST(A1_A10_each_connection_logs_in_within_tls)
{
    peer_config config = plain;

    config.implicit = _i == 1;
    ck_assert(
        open_for(&config, (thrum_mailer_config){.connections = 2}, "ann"));
    post_send(&box, 10);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.served, 2);
    ck_assert_uint_eq(box.peer.logins, 2);
    ck_assert_uint_eq(box.peer.secured, 2);
    ck_assert_uint_eq(box.peer.exposed, 0);
    ck_assert_str_eq(box.peer.auth, "AUTH PLAIN AGFubgBodW50ZXIy");
    ck_assert_int_eq(box.closed, 1);
    post_expect(&box, post_all('A', 10));
}
END_TEST

/* Though one that is kept has nothing to do, and goes to the same server. */
START_TEST(A10_a_connection_of_one_account_serves_no_other)
{
    const thrum_mailer_config one = {.connections = 1};
    thrum_mailer *anns;

    ck_assert(open_for(&plain, one, "ann"));
    anns = box.mailer;
    box.expected = 1; /* not to be closed yet */
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_str_eq(box.peer.auth, "AUTH PLAIN AGFubgBodW50ZXIy");
    ck_assert_uint_eq(box.peer.open, 1);
    ck_assert(mail_for(one, "bob"));
    box.expected--;
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_str_eq(box.peer.auth, "AUTH PLAIN AGJvYgBodW50ZXIy");
    ck_assert_uint_eq(box.peer.most, 2);
    ck_assert_uint_eq(box.peer.served, 2);
    ck_assert_uint_eq(box.peer.logins, 2);
    thrum_mailer_free(anns);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.quits, 2);
    post_expect(&box, "AA");
}
END_TEST

START_TEST(A3_a_key_is_made_between_other_things)
{
    peer_config config = {.certificate = "ip",
                          .auth = "AUTH SCRAM-SHA-256",
                          .scram = true,
                          .verdict = "535 5.7.8 no"};

    ck_assert(
        open_for(&config, (thrum_mailer_config){.connections = 1}, "ann"));
    post_send(&box, 2);
    for (int i = 0; i < 100000 && box.ended < 2; i++)
        post_settle(&box);
    ck_assert_uint_eq(box.peer.logins, 1);
    ck_assert_uint_eq(box.peer.thoughts, 1);
    expect_words("refused the account: 535 5.7.8 no");
    post_expect(&box, "WW");
}
END_TEST

/* ---- It is refused ---- */

static const struct {
    const char *row;
    peer_config peer;
    const char *user;
    const char *words;
    char fate;
} refused[] = {
    {"A8 535",
     {.certificate = "ip",
      .auth = "AUTH PLAIN",
      .verdict = "535 5.7.8 bad credentials"},
     "ann",
     "refused the account: 535 5.7.8 bad credentials",
     'W'},
    {"A8 534",
     {.certificate = "ip",
      .auth = "AUTH PLAIN",
      .verdict = "534 5.7.9 log in by the web"},
     "ann",
     "534 5.7.9 log in by the web",
     'W'},
    {"A8 538",
     {.certificate = "ip", .auth = "AUTH PLAIN", .verdict = "538 5.7.11 no"},
     "ann",
     "538 5.7.11 no",
     'W'},
    {"A8 454",
     {.certificate = "ip",
      .auth = "AUTH PLAIN",
      .verdict = "454 4.7.0 not now"},
     "ann",
     "refused AUTH: 454 4.7.0 not now",
     'L'},
    {"A8 432",
     {.certificate = "ip",
      .auth = "AUTH PLAIN",
      .verdict = "432 4.7.12 a new password is due"},
     "ann",
     "432 4.7.12",
     'L'},
    {"A2 nothing that may be used is offered",
     {.certificate = "ip", .auth = "AUTH CRAM-MD5"},
     "ann",
     "offers no way to log in that the account may use, only CRAM-MD5",
     'W'},
    {"A2 not what was asked for",
     {.certificate = "ip", .auth = "AUTH PLAIN LOGIN"},
     "ann;AUTH=SCRAM-SHA-256",
     "offers no way to log in",
     'W'},
    {"A2 no AUTH at all",
     {.certificate = "ip"},
     "ann",
     "offers no way to log in",
     'W'},
    {"A1 no TLS",
     {.certificate = "ip", .auth = "AUTH PLAIN", .hides_starttls = true},
     "ann",
     "does not offer STARTTLS, and TLS is required",
     'T'},
    {"A1 TLS with somebody else",
     {.certificate = "self-signed", .auth = "AUTH PLAIN"},
     "ann",
     "within TLS",
     'T'},
    {"A8 530 to MAIL",
     {.certificate = "ip",
      .auth = "AUTH PLAIN",
      .mail_answer = "530 5.7.0 log in first"},
     "ann",
     "530 5.7.0 log in first",
     'W'},
};

START_TEST(all_that_wait_fail_and_the_route_rests_when_it_was_the_account)
{
    size_t served;
    char fates[8];

    ck_assert(open_for(&refused[_i].peer,
                       (thrum_mailer_config){.connections = 1},
                       refused[_i].user));
    box.expected = 1; /* not to be closed yet */
    post_send(&box, 5);
    post_settle(&box);
    ck_assert_int_eq(box.ended, 5);
    expect_words(refused[_i].words);
    ck_assert_str_eq(box.fates, post_all(refused[_i].fate, 5));
    served = box.peer.served;
    ck_assert_uint_eq(served, 1);
    ck_assert_uint_eq(box.peer.open, 0);
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.served,
                      refused[_i].fate == 'W' ? served : served + 1);
    post_pass(&box, 60 * THRUM_S);
    box.expected--;
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_uint_gt(box.peer.served, served);
    ck_assert_int_eq(peer_taken(&box.peer), 0);
    memcpy(fates, post_all(refused[_i].fate, 7), sizeof fates);
    post_expect(&box, fates);
}
END_TEST

/* A password that was changed meanwhile: who is in goes, and says QUIT. */
START_TEST(A8_an_account_refused_once_ends_the_connections_that_have_it)
{
    ck_assert(open_for(&plain, (thrum_mailer_config){.connections = 2}, "ann"));
    box.expected = 1; /* not to be closed */
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_str_eq(box.fates, "A");
    box.peer.config.verdict = "535 5.7.8 not any more";
    post_send(&box, 300);
    post_settle(&box);
    ck_assert_int_eq(box.ended, 301);
    ck_assert_uint_eq(box.peer.logins, 2);
    ck_assert_ptr_nonnull(strchr(box.fates, 'W'));
    for (int number = 1; number <= 301; number++)
        ck_assert_int_eq(box.fates[number - 1],
                         box.peer.taken[number] == 1 ? 'A' : 'W');
    ck_assert_uint_eq(box.peer.quits, 1);
    ck_assert_uint_eq(box.peer.open, 0);
    post_free(&box);
}
END_TEST

/* ---- Before anything is sent ---- */

static const struct {
    const char *via;
    bool secret;
    thrum_smtp_tls tls;
    const char *words;
} senseless[] = {
    {"smtp://ann@127.0.0.1:1", false, 0, "no password for it"},
    {"smtp://127.0.0.1:1", true, 0, "no user in the URL"},
    {"smtp://ann@127.0.0.1:1", true, THRUM_SMTP_TLS_NONE,
     "only sent within TLS"},
    {"smtp://ann@127.0.0.1:1", true, THRUM_SMTP_TLS_OPPORTUNISTIC,
     "only sent within TLS"},
    {"smtp://127.0.0.1:1", false, THRUM_SMTP_TLS_IMPLICIT, "smtps:"},
    {"smtps://127.0.0.1:1", false, THRUM_SMTP_TLS_NONE, "smtps: is TLS"},
    {"smtps://127.0.0.1:1", false, THRUM_SMTP_TLS_OPPORTUNISTIC,
     "smtps: is TLS"},
    {"smtp://a%00b@127.0.0.1:1", true, 0, "%XX"},
    {"smtp://ann:hunter2@127.0.0.1:1", false, 0, "belongs in the environment"},
};

START_TEST(what_makes_no_sense_is_said_at_once_and_nothing_is_sent)
{
    static const peer_config kind;
    thrum_mailer_config mailer = {.via = senseless[_i].via,
                                  .tls = senseless[_i].tls};
    thrum_context *context = support_context();
    const thrum_failure *why;

    if (senseless[_i].secret)
        mailer.secret = thrum_secret_new(context, "hunter2", 7, NULL);
    ck_assert(post_open(&box, &kind, &mailer));
    thrum_secret_unref(mailer.secret);
    why = thrum_mailer_failure(box.mailer);
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(thrum_failure_text(why), senseless[_i].words) != NULL,
                  "%s", thrum_failure_text(why));
    ck_assert_ptr_null(strstr(thrum_failure_text(why), "hunter2"));
    ck_assert_ptr_null(strstr(thrum_failure_text(why), "ann"));
    post_send(&box, 2);
    post_run(&box);
    ck_assert_uint_eq(thrum_mailer_get_stats(box.mailer).connections, 0);
    post_expect(&box, "??");
    support_context_end(context);
}
END_TEST

/* ---- Memory ---- */

static void scenario_login(void)
{
    if (open_for(&plain, (thrum_mailer_config){.connections = 1}, "ann")) {
        post_send(&box, 2);
        if (box.ended >= box.expected)
            post_stop_peer(&box);
        for (int i = 0; i < 3; i++)
            post_pass(&box, 400 * THRUM_S);
    }
    for (int i = 0; i < box.sent; i++) {
        ck_assert_int_ne(box.fates[i], '.');
        ck_assert_int_le(box.peer.taken[i + 1], 1);
        if (box.fates[i] == 'A')
            ck_assert_int_eq(box.peer.taken[i + 1], 1);
    }
    ck_assert_uint_eq(box.peer.exposed, 0);
    post_free(&box);
    support_unhandled();
}

START_TEST(a_login_within_tls_survives_every_failing_allocation)
{
    support_every_allocation(scenario_login);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("account"), *memory = tcase_create("memory");
    TCase *cases[] = {all, memory};

    tcase_add_loop_test(all, A1_A10_each_connection_logs_in_within_tls, 0, 2);
    tcase_add_test(all, A10_a_connection_of_one_account_serves_no_other);
    tcase_add_test(all, A3_a_key_is_made_between_other_things);
    tcase_add_loop_test(
        all, all_that_wait_fail_and_the_route_rests_when_it_was_the_account, 0,
        COUNT(refused));
    tcase_add_test(
        all, A8_an_account_refused_once_ends_the_connections_that_have_it);
    tcase_add_loop_test(all,
                        what_makes_no_sense_is_said_at_once_and_nothing_is_sent,
                        0, COUNT(senseless));
    tcase_set_timeout(memory, 120);
    tcase_add_test(memory,
                   a_login_within_tls_survives_every_failing_allocation);
    peer_need_certificates();
    return support_main("mailer's account", cases, 2);
}
