/* SPDX-License-Identifier: MIT */
/*
 * What is read out of a server's answer to EHLO. The answer goes through the
 * reader of replies first, whole and one byte at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/smtp/ehlo.h"
#include "tests/support/support.h"

#define ALL                                                                    \
    (THRUM_SMTP_PIPELINING | THRUM_SMTP_CHUNKING | THRUM_SMTP_SIZE |           \
     THRUM_SMTP_8BITMIME | THRUM_SMTP_SMTPUTF8 | THRUM_SMTP_DSN |              \
     THRUM_SMTP_ENHANCEDSTATUSCODES | THRUM_SMTP_STARTTLS | THRUM_SMTP_AUTH)

#define EVERY                                                                  \
    (THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN | THRUM_SMTP_CRAM_MD5 |               \
     THRUM_SMTP_SCRAM_SHA_1 | THRUM_SMTP_SCRAM_SHA_256 | THRUM_SMTP_XOAUTH2 |  \
     THRUM_SMTP_OAUTHBEARER)

static const struct {
    const char *answer; /* "|" stands for CRLF */
    unsigned extensions;
    unsigned mechanisms;
    uint64_t size;
} answers[] = {
    {"250 mx|", 0, 0, 0},
    {"250|", 0, 0, 0},
    {"250-mx|250-PIPELINING|250-CHUNKING|250-SIZE 100|250-8BITMIME|"
     "250-SMTPUTF8|250-DSN|250-ENHANCEDSTATUSCODES|250-STARTTLS|"
     "250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 "
     "OAUTHBEARER|",
     ALL, EVERY, 100},
    {"250-mx|250-pipelining|250-Chunking|250-sIZE 7|250-8bitMIME|"
     "250-smtputf8|250-dsn|250-EnhancedStatusCodes|250-StartTLS|"
     "250 Auth plain Login cram-md5 scram-sha-1 Scram-Sha-256 xoauth2 "
     "OauthBearer|",
     ALL, EVERY, 7},
    /* The first line greets: what stands there is no offer. */
    {"250 PIPELINING|", 0, 0, 0},
    {"250-STARTTLS|250 DSN|", THRUM_SMTP_DSN, 0, 0},
    {"250-mx|250 mx PIPELINING|", 0, 0, 0},
    /* A keyword is a whole word. */
    {"250-mx|250-PIPELININGS|250-XSTARTTLS|250-SIZES 5|250 DS|", 0, 0, 0},
    {"250-mx|250-8BITMIME-X|250 X-DSN|", 0, 0, 0},
    {"250-mx|250-STARTTLS REQUIRED|250 PIPELINING |",
     THRUM_SMTP_STARTTLS | THRUM_SMTP_PIPELINING, 0, 0},
    {"250-mx|250-|250- DSN|250|", THRUM_SMTP_DSN, 0, 0},
    {"250-mx|250 DSN=1|", 0, 0, 0},
    {"250-mx|250 D~SN|", 0, 0, 0},
};

static const struct {
    const char *name;
    const char *line;
    uint64_t size;
} sizes[] = {
    {"D9: a number is the limit", "SIZE 35882577", 35882577},
    {"D9: 0 is none", "SIZE 0", 0},
    {"D9: nothing is none", "SIZE", 0},
    {"D9: nothing but a blank is none", "SIZE ", 0},
    {"D9: garbage is none", "SIZE big", 0},
    {"D9: so is half of it", "SIZE 12x", 0},
    {"D9: and what is below 0", "SIZE -5", 0},
    {"D9: the largest there is", "SIZE 18446744073709551615", UINT64_MAX},
    {"D9: past that is none", "SIZE 18446744073709551616", 0},
    {"D9: far past that is none", "SIZE 99999999999999999999999999", 0},
    {"D9: zeros before it", "SIZE 000100", 100},
    {"D9: what follows is not looked at", "SIZE 100 200", 100},
    {"D9: of two the smaller", "SIZE 100|250-SIZE 90|250 SIZE 95", 90},
    {"D9: none beside one", "SIZE 0|250-SIZE 90|250 SIZE x", 90},
};

static const struct {
    const char *lines;
    unsigned mechanisms;
} logins[] = {
    {"AUTH PLAIN LOGIN", THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN},
    {"AUTH=PLAIN LOGIN", THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN},
    {"auth=login", THRUM_SMTP_LOGIN},
    {"AUTH=LOGIN|250 AUTH PLAIN", THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN},
    {"AUTH PLAIN|250-AUTH=PLAIN|250 AUTH PLAIN PLAIN", THRUM_SMTP_PLAIN},
    {"AUTH  PLAIN\tLOGIN ", THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN},
    {"AUTH", 0},
    {"AUTH=", 0},
    {"AUTH GSSAPI NTLM DIGEST-MD5 EXTERNAL ANONYMOUS", 0},
    {"AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512", 0},
    {"AUTH PLAINS XPLAIN PLA LOGI", 0},
    {"AUTH ,PLAIN,LOGIN", 0},
};

static thrum_smtp_offers offers_of(const char *answer, size_t piece)
{
    static thrum__reply_reader reader;
    thrum_smtp_offers offers = {.size = 17, .mechanisms = 1, .extensions = 1};
    thrum__reply reply;
    int got = 0;

    thrum__reply_reader_init(&reader);
    for (; *answer != '\0' && got == 0; answer++) {
        const char *bytes = *answer == '|'   ? "\r\n"
                            : *answer == '~' ? ""
                                             : NULL;
        thrum_bytes in = {bytes != NULL ? bytes : answer,
                          *answer == '|' ? 2 : 1};

        while (in.size > 0 && got == 0) {
            thrum_bytes part = {in.data, in.size < piece ? in.size : piece};

            in.data += part.size;
            in.size -= part.size;
            got = thrum__reply_read(&reader, &part, &reply);
        }
    }
    ck_assert_int_eq(got, 1);
    thrum__ehlo_read(&reply, &offers);
    return offers;
}

START_TEST(an_answer_to_ehlo_says_what_is_offered)
{
    for (size_t piece = 1; piece <= 2; piece++) {
        thrum_smtp_offers offers = offers_of(answers[_i].answer, piece);

        ck_assert_uint_eq(offers.extensions, answers[_i].extensions);
        ck_assert_uint_eq(offers.mechanisms, answers[_i].mechanisms);
        ck_assert_uint_eq(offers.size, answers[_i].size);
        ck_assert_int_eq(offers.hello, 1);
    }
}
END_TEST

START_TEST(D9_a_size_that_is_none_is_no_limit)
{
    thrum_smtp_offers offers;
    char answer[200];

    snprintf(answer, sizeof answer, "250-mx|250%c%s|",
             strchr(sizes[_i].line, '|') != NULL ? '-' : ' ', sizes[_i].line);
    offers = offers_of(answer, 2);
    ck_assert_msg(offers.size == sizes[_i].size, "%s: %ju", sizes[_i].name,
                  (uintmax_t)offers.size);
    ck_assert_uint_eq(offers.extensions, THRUM_SMTP_SIZE);
}
END_TEST

START_TEST(mechanisms_are_read_in_both_spellings)
{
    thrum_smtp_offers offers;
    char answer[200];

    snprintf(answer, sizeof answer, "250-mx|250%c%s|",
             strchr(logins[_i].lines, '|') != NULL ? '-' : ' ',
             logins[_i].lines);
    offers = offers_of(answer, 2);
    ck_assert_uint_eq(offers.mechanisms, logins[_i].mechanisms);
    ck_assert_uint_eq(offers.extensions, THRUM_SMTP_AUTH);
}
END_TEST

/* "SIZE 1000000" cut in its number would refuse what the server takes. */
START_TEST(D9_a_line_that_was_cut_offers_nothing)
{
    static const char line[] = "\nSIZE 1000000";
    static char text[THRUM__REPLY_TEXT];
    thrum__reply reply = {250, {text, sizeof text}};
    thrum_smtp_offers offers;

    for (size_t left = 1; left < sizeof line; left++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "mx\nDSN\n", 7);
        memcpy(text + sizeof text - left, line, left);
        thrum__ehlo_read(&reply, &offers);
        ck_assert_uint_eq(offers.extensions, THRUM_SMTP_DSN);
        ck_assert_uint_eq(offers.size, 0);
    }
    reply.text.size--;
    thrum__ehlo_read(&reply, &offers);
    ck_assert_uint_eq(offers.size, 100000);
}
END_TEST

START_TEST(modes_and_mechanisms_have_names)
{
    ck_assert_str_eq(thrum_smtp_mode_name(THRUM_SMTP_MODE_BEST), "");
    ck_assert_str_eq(thrum_smtp_mode_name(THRUM_SMTP_MODE_LOCKSTEP),
                     "lockstep");
    ck_assert_str_eq(thrum_smtp_mode_name(THRUM_SMTP_MODE_PIPELINED),
                     "pipelined");
    ck_assert_str_eq(thrum_smtp_mode_name(THRUM_SMTP_MODE_ACROSS),
                     "across messages");
    ck_assert_str_eq(thrum_smtp_mode_name(THRUM_SMTP_MODE_CHUNKED), "chunked");
    ck_assert_str_eq(thrum_smtp_mode_name((thrum_smtp_mode)5), "");
    ck_assert_str_eq(thrum_smtp_mode_name((thrum_smtp_mode)-1), "");
    ck_assert_str_eq(thrum_smtp_mechanism_name((thrum_smtp_mechanism)0), "");
    ck_assert_str_eq(thrum_smtp_mechanism_name((thrum_smtp_mechanism)3), "");
}
END_TEST

/* The name is what EHLO offers it by. */
START_TEST(a_mechanism_is_called_what_servers_call_it)
{
    thrum_smtp_mechanism mechanism = (thrum_smtp_mechanism)(1 << _i);
    char answer[100];

    snprintf(answer, sizeof answer, "250-mx|250 AUTH %s|",
             thrum_smtp_mechanism_name(mechanism));
    ck_assert_uint_eq(offers_of(answer, 2).mechanisms, mechanism);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("ehlo");

    tcase_add_loop_test(all, an_answer_to_ehlo_says_what_is_offered, 0,
                        COUNT(answers));
    tcase_add_loop_test(all, D9_a_size_that_is_none_is_no_limit, 0,
                        COUNT(sizes));
    tcase_add_loop_test(all, mechanisms_are_read_in_both_spellings, 0,
                        COUNT(logins));
    tcase_add_test(all, D9_a_line_that_was_cut_offers_nothing);
    tcase_add_test(all, modes_and_mechanisms_have_names);
    tcase_add_loop_test(all, a_mechanism_is_called_what_servers_call_it, 0, 7);
    return support_main("ehlo", &all, 1);
}
