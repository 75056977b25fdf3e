/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <thrum/address.h>

#include "mail/smtp/url.h"
#include "tests/support/support.h"

static const struct {
    const char *text;
    const char *host;
    unsigned port;
    bool tls;
    const char *user;
    unsigned mechanism;
} good[] = {
    {"smtp://mail.example.org", "mail.example.org", 25, false, "", 0},
    {"smtp://mail.example.org:587", "mail.example.org", 587, false, "", 0},
    {"smtp://127.0.0.1:2525", "127.0.0.1", 2525, false, "", 0},
    {"smtp://localhost:1", "localhost", 1, false, "", 0},
    {"smtp://localhost:65535", "localhost", 65535, false, "", 0},
    {"smtp://localhost:0025", "localhost", 25, false, "", 0},
    {"SMTP://Mail.Example.ORG", "Mail.Example.ORG", 25, false, "", 0},
    {"smtp://[::1]", "::1", 25, false, "", 0},
    {"smtp://[2001:db8::1]:587", "2001:db8::1", 587, false, "", 0},
    {"smtp://[fe80::1%eth0]:587", "fe80::1%eth0", 587, false, "", 0},
    {"smtp://under_score.example", "under_score.example", 25, false, "", 0},
    {"smtps://mail.example.org", "mail.example.org", 465, true, "", 0},
    {"SMTPS://mail.example.org:465", "mail.example.org", 465, true, "", 0},
    {"smtps://mail.example.org:4650", "mail.example.org", 4650, true, "", 0},
    {"smtps://[::1]", "::1", 465, true, "", 0},
    /* T10 */
    {"smtp://b\xc3\xbc"
     "cher.test",
     "xn--bcher-kva.test", 25, false, "", 0},
    {"smtps://ann@B\xc3\x9c"
     "CHER.test:1",
     "xn--bcher-kva.test", 1, true, "ann", 0},
    {"smtp://ann@relay.example", "relay.example", 587, false, "ann", 0},
    {"smtp://ann@relay.example:25", "relay.example", 25, false, "ann", 0},
    {"smtps://ann@relay.example", "relay.example", 465, true, "ann", 0},
    {"smtp://ann%40example.org@relay.example", "relay.example", 587, false,
     "ann@example.org", 0},
    {"smtp://a%3ab%3b%2F%25@[::1]:2525", "::1", 2525, false, "a:b;/%", 0},
    {"smtp://m%C3%a4x@relay.example", "relay.example", 587, false, "m\xc3\xa4x",
     0},
    {"smtp://a!b+c=d$e&f'g(h)*i,j~k_l-m.n@h", "h", 587, false,
     "a!b+c=d$e&f'g(h)*i,j~k_l-m.n", 0},
    {"smtp://ann;AUTH=*@h", "h", 587, false, "ann", 0},
    {"smtp://ann;AUTH=PLAIN@h", "h", 587, false, "ann", THRUM_SMTP_PLAIN},
    {"smtp://ann;auth=login@h", "h", 587, false, "ann", THRUM_SMTP_LOGIN},
    {"smtp://ann;AUTH=cram-md5@h", "h", 587, false, "ann", THRUM_SMTP_CRAM_MD5},
    {"smtp://ann;AUTH=SCRAM-SHA-1@h", "h", 587, false, "ann",
     THRUM_SMTP_SCRAM_SHA_1},
    {"smtps://ann;AUTH=SCRAM-SHA-256@h", "h", 465, true, "ann",
     THRUM_SMTP_SCRAM_SHA_256},
    {"smtp://ann;AUTH=XOAUTH2@h:25", "h", 25, false, "ann", THRUM_SMTP_XOAUTH2},
    {"smtp://ann;AUTH=OAUTHBEARER@h", "h", 587, false, "ann",
     THRUM_SMTP_OAUTHBEARER},
};

START_TEST(a_url_names_a_host_and_a_port_and_who_logs_in)
{
    thrum_context *context = support_context();
    thrum__smtp_url url;

    ck_assert_ptr_null(thrum__smtp_url_read(context, good[_i].text, &url));
    ck_assert_str_eq(url.host, good[_i].host);
    ck_assert_uint_eq(url.port, good[_i].port);
    ck_assert(url.tls == good[_i].tls);
    ck_assert_str_eq(url.user, good[_i].user);
    ck_assert_uint_eq(url.mechanism, good[_i].mechanism);
    support_context_end(context);
}
END_TEST

/* A word that the explanation must have. */
static const struct {
    const char *text;
    const char *word;
} bad[] = {
    {NULL, "no server is named"},
    {"", "no server is named"},
    {"mail.example.org", "smtp://host:25"},
    {"mail.example.org:25", "smtp://host:25"},
    {"smtp", "smtp://host:25"},
    {"smtp:mail.example.org", "followed by //host"},
    {"smtp:/mail.example.org", "followed by //host"},
    {"http://mail.example.org", "scheme"},
    {"imap://mail.example.org", "scheme"},
    {"smtps:mail.example.org", "followed by //host"},
    {"smtp://mail.example.org:465", "write smtps:"},
    {"smtp://ann@mail.example.org:465", "write smtps:"},
    {"smtp://user:secret@mail.example.org", "THRUM_SMTP_PASSWORD"},
    {"smtp://user:s3cret@[::1]:25", "belongs in the environment"},
    {"smtps://user:secret@mail.example.org", "in a file"},
    {"smtp://user:@mail.example.org", "belongs in the environment"},
    {"smtp://:secret@mail.example.org", "belongs in the environment"},
    {"smtp://user:sec@ret@mail.example.org", "belongs in the environment"},
    {"smtp://user;AUTH=PLAIN:secret@h", "belongs in the environment"},
    {"smtp://user@secret@mail.example.org", "%40"},
    {"smtp://@mail.example.org", "no user before it"},
    {"smtp://;AUTH=PLAIN@mail.example.org", "no user before it"},
    {"smtp://us er@mail.example.org", "%XX"},
    {"smtp://us\tcret@mail.example.org", "%XX"},
    {"smtp://us\xc3\xa4r@mail.example.org", "%XX"},
    {"smtp://us\x7f@mail.example.org", "%XX"},
    {"smtp://us%@mail.example.org", "%XX"},
    {"smtp://us%4@mail.example.org", "%XX"},
    {"smtp://us%4g@mail.example.org", "%XX"},
    {"smtp://us%g4@mail.example.org", "%XX"},
    {"smtp://us%00cret@mail.example.org", "%XX"},
    {"smtp://us%0d%0acret@mail.example.org", "%XX"},
    {"smtp://us%7f@mail.example.org", "%XX"},
    {"smtp://ann;@h", "only AUTH="},
    {"smtp://ann;AUTH@h", "only AUTH="},
    {"smtp://ann;AUTH=@h", "only AUTH="},
    {"smtp://ann;LOGIN=PLAIN@h", "only AUTH="},
    {"smtp://ann;AUTH=DIGEST-MD5@h", "not known"},
    {"smtp://ann;AUTH=**@h", "not known"},
    {"smtp://ann;AUTH=PLAI@h", "not known"},
    {"smtp://ann;AUTH=PLAIN;x@h", "not known"},
    {"smtp://", "no host"},
    {"smtp://:25", "no host"},
    {"smtp://[]:25", "no host"},
    {"smtp:///path", "no host"},
    {"smtp://[::1", "\"]\""},
    {"smtp://ma il.example.org", "neither a name nor an address"},
    {"smtp://mail\r\nRSET", "neither a name nor an address"},
    {"smtp://m\xc3il.example", "neither a name nor an address"},
    {"smtp://m\xc3\xa4 il.example", "neither a name nor an address"},
    {"smtp://\xe2\x98\xba.example", "neither a name nor an address"},
    {"smtp://[::1 ]", "neither a name nor an address"},
    {"smtp://::1", "no host"},
    {"smtp://host:", "port"},
    {"smtp://host:0", "port"},
    {"smtp://host:65536", "port"},
    {"smtp://host:99999999999999999999999", "port"},
    {"smtp://host:25x", "port"},
    {"smtp://host:-1", "port"},
    {"smtp://host:smtp", "port"},
    {"smtp://host/", "nothing may follow"},
    {"smtp://host:25/path", "nothing may follow"},
    {"smtp://host?tls=no", "nothing may follow"},
    {"smtp://host:25#x", "nothing may follow"},
    {"smtp://host:25:26", "nothing may follow"},
    {"smtp://[::1]25", "nothing may follow"},
};

START_TEST(a_url_that_cannot_be_served_is_refused_in_clear_words)
{
    thrum_context *context = support_context();
    thrum__smtp_url url;
    thrum_failure *why = thrum__smtp_url_read(context, bad[_i].text, &url);

    ck_assert_ptr_nonnull(why);
    ck_assert(thrum_failure_is(why, &thrum_domain_mail, THRUM_MAIL_E_URL));
    ck_assert_msg(strstr(thrum_failure_text(why), bad[_i].word) != NULL, "%s",
                  thrum_failure_text(why));
    ck_assert_ptr_null(strstr(thrum_failure_text(why), "cret"));
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

START_TEST(a_host_that_is_too_long_is_refused)
{
    thrum_context *context = support_context();
    char text[sizeof "smtp://" + THRUM__URL_HOST];
    thrum__smtp_url url;
    thrum_failure *why;

    memset(text, 'x', sizeof text);
    memcpy(text, "smtp://", 7);
    text[sizeof text - 1] = '\0';
    why = thrum__smtp_url_read(context, text, &url);
    ck_assert_ptr_nonnull(strstr(thrum_failure_text(why), "too long"));
    thrum_failure_unref(why);
    text[sizeof text - 2] = '\0';
    ck_assert_ptr_null(thrum__smtp_url_read(context, text, &url));
    support_context_end(context);
}
END_TEST

START_TEST(a_user_that_is_too_long_is_refused)
{
    thrum_context *context = support_context();
    char text[sizeof "smtp://@h" + THRUM__URL_USER] = "smtp://";
    thrum__smtp_url url;
    thrum_failure *why;

    memset(text + 7, 'x', THRUM__URL_USER);
    memcpy(text + 7 + THRUM__URL_USER, "@h", 3);
    why = thrum__smtp_url_read(context, text, &url);
    ck_assert_ptr_nonnull(strstr(thrum_failure_text(why), "too long"));
    thrum_failure_unref(why);
    memcpy(text + 7 + THRUM__URL_USER - 1, "@h", 3);
    ck_assert_ptr_null(thrum__smtp_url_read(context, text, &url));
    ck_assert_uint_eq(strlen(url.user), THRUM__URL_USER - 1);
    support_context_end(context);
}
END_TEST

static const struct {
    const char *name;
    bool good;
} names[] = {
    {"mail.example.org", true},
    {"localhost", true},
    {"a", true},
    {"[127.0.0.1]", true},
    {"[IPv6:::1]", true},
    {"mail-1.example.org", true},
    {"", false},
    {".", false},
    {"mail..example", false},
    {".mail", false},
    {"mail.", false},
    {"-mail", false},
    {"mail_1", false},
    {"mail 1", false},
    {"mail\r\nRSET", false},
    {"m\xc3\xa4il", false},
    {"[]", false},
    {"[127.0.0.1", false},
    {"127.0.0.1]", false},
    {"[127.0.0.1]]", false},
    {"[127.0.0.1 ]", false},
};

START_TEST(a_name_for_EHLO_is_a_domain_or_an_address_literal)
{
    ck_assert(thrum__smtp_is_helo(names[_i].name) == names[_i].good);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("url");

    tcase_add_loop_test(all, a_url_names_a_host_and_a_port_and_who_logs_in, 0,
                        COUNT(good));
    tcase_add_loop_test(all,
                        a_url_that_cannot_be_served_is_refused_in_clear_words,
                        0, COUNT(bad));
    tcase_add_test(all, a_host_that_is_too_long_is_refused);
    tcase_add_test(all, a_user_that_is_too_long_is_refused);
    tcase_add_loop_test(all, a_name_for_EHLO_is_a_domain_or_an_address_literal,
                        0, COUNT(names));
    return support_main("url", &all, 1);
}
