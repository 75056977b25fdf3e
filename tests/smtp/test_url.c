/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <thrum/address.h>

#include "mail/smtp/url.h"
#include "tests/support/support.h"

static const struct {
    const char *text;
    const char *host;
    unsigned port;
} good[] = {
    {"smtp://mail.example.org", "mail.example.org", 25},
    {"smtp://mail.example.org:587", "mail.example.org", 587},
    {"smtp://127.0.0.1:2525", "127.0.0.1", 2525},
    {"smtp://localhost:1", "localhost", 1},
    {"smtp://localhost:65535", "localhost", 65535},
    {"smtp://localhost:0025", "localhost", 25},
    {"SMTP://Mail.Example.ORG", "Mail.Example.ORG", 25},
    {"smtp://[::1]", "::1", 25},
    {"smtp://[2001:db8::1]:587", "2001:db8::1", 587},
    {"smtp://[fe80::1%eth0]:587", "fe80::1%eth0", 587},
    {"smtp://under_score.example", "under_score.example", 25},
};

START_TEST(a_url_names_a_host_and_a_port)
{
    thrum_context *context = support_context();
    thrum__smtp_url url;

    ck_assert_ptr_null(thrum__smtp_url_read(context, good[_i].text, &url));
    ck_assert_str_eq(url.host, good[_i].host);
    ck_assert_uint_eq(url.port, good[_i].port);
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
    {"smtps://mail.example.org", "TLS"},
    {"SMTPS://mail.example.org:465", "TLS"},
    {"smtps:mail.example.org", "TLS"},
    {"smtp://mail.example.org:465", "port 465 is for TLS"},
    {"smtp://user@mail.example.org", "user name"},
    {"smtp://user:secret@mail.example.org", "user name"},
    {"smtp://user:s3cret@[::1]:25", "user name"},
    {"smtp://", "no host"},
    {"smtp://:25", "no host"},
    {"smtp://[]:25", "no host"},
    {"smtp:///path", "no host"},
    {"smtp://[::1", "\"]\""},
    {"smtp://ma il.example.org", "neither a name nor an address"},
    {"smtp://mail\r\nRSET", "neither a name nor an address"},
    {"smtp://m\xc3\xa4il.example", "neither a name nor an address"},
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

    tcase_add_loop_test(all, a_url_names_a_host_and_a_port, 0, COUNT(good));
    tcase_add_loop_test(all,
                        a_url_that_cannot_be_served_is_refused_in_clear_words,
                        0, COUNT(bad));
    tcase_add_test(all, a_host_that_is_too_long_is_refused);
    tcase_add_loop_test(all, a_name_for_EHLO_is_a_domain_or_an_address_literal,
                        0, COUNT(names));
    return support_main("url", &all, 1);
}
