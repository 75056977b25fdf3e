/* SPDX-License-Identifier: MIT */
/*
 * Logging in, where a table does not do: TLS before it, tokens that are too
 * long for a line, and SCRAM with a server that knows the password.
 */
#include <stdio.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "mail/smtp/base64.h"
#include "tests/smtp/script.h"
#include "tests/smtp/talk.h"
#include "tests/support/support.h"

#define SECRET "tanstaaftanstaaf"

static void expect_failure(const talk *self, int code, const char *text)
{
    const thrum_failure *why = thrum_smtp_session_failure(self->session);

    ck_assert_ptr_nonnull(why);
    ck_assert_int_eq(thrum_failure_code(why), code);
    ck_assert_str_eq(thrum_failure_text(why), text);
}

/* ---- TLS ---- */

START_TEST(A1_no_account_is_told_without_tls)
{
    thrum_smtp_tls tls =
        _i == 0 ? THRUM_SMTP_TLS_NONE : THRUM_SMTP_TLS_OPPORTUNISTIC;
    const thrum_failure *why;
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, tls));
    ck_assert_int_eq(thrum_smtp_session_get_state(self.session),
                     THRUM_SMTP_SESSION_ENDED);
    why = thrum_smtp_session_failure(self.session);
    ck_assert_int_eq(thrum_failure_code(why), THRUM_SMTP_E_SECURITY);
    ck_assert_str_eq(thrum_failure_text(why),
                     "mx:465 is not told the account: that needs TLS");
    talk_tell(&self, "220 mx|", 100);
    talk_expect(&self, "", "A1");
    talk_close(&self);
}
END_TEST

START_TEST(A1_what_is_offered_in_the_clear_is_not_taken_up)
{
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_DEFAULT));
    talk_tell(&self, "220 mx|", 100);
    talk_expect(&self, "EHLO me|", "A1");
    talk_tell(&self, "250-mx|250-AUTH PLAIN|250 STARTTLS|", 100);
    talk_expect(&self, "STARTTLS|", "A1");
    ck_assert_uint_eq(thrum_smtp_session_mechanism(self.session), 0);
    talk_tell(&self, "220 go|", 100);
    thrum_smtp_session_secured(self.session, 0);
    talk_answer(&self);
    talk_expect(&self, "EHLO me|", "A1");
    talk_tell(&self, "250-mx|250 AUTH LOGIN|", 100);
    talk_expect(&self, "AUTH LOGIN|", "A1");
    ck_assert_uint_eq(thrum_smtp_session_mechanism(self.session),
                      THRUM_SMTP_LOGIN);
    talk_close(&self);
}
END_TEST

static const struct {
    const char *name;
    const char *server; /* the answer to EHLO, in the clear */
    int failure;
} strippers[] = {
    {"T3: AUTH is offered and STARTTLS is not", "250-mx|250 AUTH PLAIN|",
     THRUM_SMTP_E_SECURITY},
    {"T4: EHLO is refused", "502 what?|", THRUM_SMTP_E_SECURITY},
};

START_TEST(T3_whoever_takes_tls_away_gets_no_account)
{
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_DEFAULT));
    talk_tell(&self, "220 mx|", 100);
    talk_expect(&self, "EHLO me|", strippers[_i].name);
    talk_tell(&self, strippers[_i].server, 100);
    talk_expect(&self, "", strippers[_i].name);
    ck_assert_int_eq(
        thrum_failure_code(thrum_smtp_session_failure(self.session)),
        strippers[_i].failure);
    talk_close(&self);
}
END_TEST

START_TEST(T4_helo_has_no_login)
{
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_IMPLICIT));
    talk_tell(&self, "220 mx|", 100);
    talk_expect(&self, "EHLO me|", "T4");
    talk_tell(&self, "502 what?|", 100);
    talk_expect(&self, "", "T4");
    ck_assert_int_eq(
        thrum_failure_code(thrum_smtp_session_failure(self.session)),
        THRUM_SMTP_E_ACCOUNT);
    talk_close(&self);
}
END_TEST

/* ---- Once ---- */

static void ignore(thrum_message *message, thrum_receipt *receipt,
                   thrum_failure *why, void *ctx)
{
    (void)ctx;
    thrum_message_free(message);
    thrum_receipt_free(receipt);
    thrum_failure_unref(why);
}

/* A connection belongs to the one who logged in, whatever the account's secret
 * is by then, and however often it is used. */
START_TEST(A10_a_session_logs_in_once)
{
    thrum_secret *other;
    talk self;

    ck_assert(
        talk_open(&self, SECRET, THRUM_SMTP_LOGIN, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "LOGIN");
    talk_tell(&self, "334 VXNl|", 100);
    talk_tell(&self, "334 VXNl|", 100);
    talk_tell(&self, "235 ok|", 100);
    thrum_buffer_clear(&self.out);
    other = thrum_secret_new(self.context, "other", 5, NULL);
    thrum_smtp_account_set_secret(self.account, other);
    thrum_secret_unref(other);
    thrum_smtp_session_secured(self.session, 0);
    talk_answer(&self);
    talk_expect(&self, "", "A10");
    for (int number = 1; number <= 2; number++) {
        ck_assert_int_eq(
            thrum_smtp_session_send(
                self.session, script_letter(self.context, 1, 1), ignore, NULL),
            0);
        talk_answer(&self);
        talk_expect(&self, "MAIL FROM:<e1@x>|", "A10");
        talk_tell(&self, "250 ok|250 ok|354 go on|250 ok|", 1);
        thrum_buffer_clear(&self.out);
    }
    ck_assert_int_eq(thrum_smtp_session_get_state(self.session),
                     THRUM_SMTP_SESSION_READY);
    talk_close(&self);
}
END_TEST

/* ---- Long tokens ---- */

static const struct {
    size_t size; /* of the token */
    bool first;  /* it goes with AUTH */
} tokens[] = {{1, true}, {349, true}, {350, false}, {16384, false}};

/* "user=tim^Aauth=Bearer TOKEN^A^A" is the token and 23 bytes; 511 is "AUTH
 * XOAUTH2 ", 496 digits of 372 bytes, and CRLF. */
START_TEST(A6_what_is_too_long_for_its_line_waits_to_be_asked_for)
{
    static char token[16385], message[16500], line[24000];
    size_t size = tokens[_i].size, base64;
    talk self;

    memset(token, 't', size);
    token[size] = '\0';
    size = (size_t)snprintf(message, sizeof message,
                            "user=tim\1auth=Bearer %s\1\1", token);
    thrum__base64_encode(line, (thrum_bytes){message, size});
    base64 = thrum__base64_size(size);
    memcpy(line + base64, "|", 2);
    ck_assert(
        talk_open(&self, token, THRUM_SMTP_XOAUTH2, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "XOAUTH2");
    if (!tokens[_i].first) {
        talk_expect(&self, "AUTH XOAUTH2|", "A6");
        talk_tell(&self, "334 |", 100);
    } else {
        ck_assert_uint_le(self.out.size, 512);
        ck_assert_mem_eq(self.out.data, "AUTH XOAUTH2 ", 13);
        thrum_buffer_consume(&self.out, 13);
    }
    talk_expect(&self, line, "A6");
    talk_tell(&self, "235 ok|", 100);
    ck_assert_int_eq(thrum_smtp_session_get_state(self.session),
                     THRUM_SMTP_SESSION_READY);
    talk_close(&self);
}
END_TEST

/* ---- SCRAM, with a server that knows the password ---- */

static const unsigned char salt[] = "0123456789abcdef";

typedef struct scram_server {
    char first[200]; /* client-first-message-bare */
    char all[600];   /* the AuthMessage */
    unsigned char salted[32];
    char said[400]; /* its reply */
} scram_server;

/* The rest of the line that the client sent behind `before`, decoded. */
static void scram_hear(talk *self, const char *before, char *to, size_t room)
{
    size_t from = strlen(before), size;

    ck_assert_uint_gt(self->out.size, from + 2);
    ck_assert_mem_eq(self->out.data, before, from);
    ck_assert_uint_lt((self->out.size - from) / 4 * 3, room);
    ck_assert(thrum__base64_decode(
        to, &size,
        (thrum_bytes){self->out.data + from, self->out.size - from - 2}));
    to[size] = '\0';
    thrum_buffer_clear(&self->out);
}

static void scram_challenge(scram_server *server, const char *text)
{
    size_t size = strlen(text);

    memcpy(server->said, "334 ", 4);
    thrum__base64_encode(server->said + 4, (thrum_bytes){text, size});
    memcpy(server->said + 4 + thrum__base64_size(size), "|", 2);
}

static void scram_hmac(const void *key, const char *text, unsigned char *to)
{
    ck_assert_int_eq(
        gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, 32, text, strlen(text), to),
        0);
}

/* Asks for a proof; the key is made by the library, in one go. */
static void scram_ask(talk *self, scram_server *server, unsigned iterations)
{
    gnutls_datum_t password = {(unsigned char *)SECRET, strlen(SECRET)};
    gnutls_datum_t salted = {(unsigned char *)salt, sizeof salt - 1};
    char text[300], base64[32] = "";

    scram_hear(self, "AUTH SCRAM-SHA-256 ", server->first,
               sizeof server->first);
    ck_assert_mem_eq(server->first, "n,,n=tim,r=", 11);
    thrum__base64_encode(base64,
                         (thrum_bytes){(const char *)salt, sizeof salt - 1});
    snprintf(text, sizeof text, "r=%sserver,s=%s,i=%u", server->first + 11,
             base64, iterations);
    snprintf(server->all, sizeof server->all, "%s,%s", server->first + 3, text);
    ck_assert_int_eq(gnutls_pbkdf2(GNUTLS_MAC_SHA256, &password, &salted,
                                   iterations, server->salted, 32),
                     0);
    scram_challenge(server, text);
    talk_tell(self, server->said, 1000);
}

/* Checks the proof, and signs: RFC 5802, section 3. */
static void scram_sign(talk *self, scram_server *server)
{
    unsigned char key[32], stored[32], signature[32];
    char final[300], *proof, text[64] = "v=";
    size_t size;

    scram_hear(self, "", final, sizeof final);
    proof = strstr(final, ",p=");
    ck_assert_ptr_nonnull(proof);
    *proof = '\0';
    size = strlen(server->all);
    snprintf(server->all + size, sizeof server->all - size, ",%s", final);
    scram_hmac(server->salted, "Client Key", key);
    gnutls_hash_fast(GNUTLS_DIG_SHA256, key, 32, stored);
    scram_hmac(stored, server->all, signature);
    for (int i = 0; i < 32; i++)
        signature[i] ^= key[i];
    thrum__base64_encode(text + 2, (thrum_bytes){(char *)signature, 32});
    ck_assert_str_eq(proof + 3, text + 2);
    scram_hmac(server->salted, "Server Key", key);
    scram_hmac(key, server->all, signature);
    thrum__base64_encode(text + 2, (thrum_bytes){(char *)signature, 32});
    scram_challenge(server, text);
}

START_TEST(A3_scram_comes_first_and_proves_both_ways)
{
    scram_server server;
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256");
    scram_ask(&self, &server, 20000);
    ck_assert_int_ge(self.thoughts, 10);
    ck_assert_int_eq(thrum_smtp_session_deadline(self.session), 60 * THRUM_S);
    scram_sign(&self, &server);
    talk_tell(&self, server.said, 1000);
    talk_expect(&self, "|", "A3");
    talk_tell(&self, "235 ok|", 1000);
    ck_assert_int_eq(thrum_smtp_session_get_state(self.session),
                     THRUM_SMTP_SESSION_READY);
    talk_close(&self);
}
END_TEST

/* Not as a challenge, as RFC 4954 has it, but with its 235. */
START_TEST(A3_a_signature_in_235_is_none)
{
    scram_server server;
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "SCRAM-SHA-256");
    scram_ask(&self, &server, 4096);
    scram_sign(&self, &server);
    memcpy(server.said, "235", 3);
    talk_tell(&self, server.said, 1000);
    expect_failure(&self, THRUM_SMTP_E_PROTOCOL,
                   "mx:465 does not keep to SMTP at AUTH: it did not "
                   "prove that it knows the password");
    talk_close(&self);
}
END_TEST

START_TEST(A3_too_many_iterations_are_not_begun)
{
    scram_server server;
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "SCRAM-SHA-256");
    scram_ask(&self, &server, 600001);
    ck_assert_int_eq(self.thoughts, 0);
    talk_expect(&self, "*|", "A3");
    talk_tell(&self, "501 no|", 1000);
    expect_failure(&self, THRUM_SMTP_E_PROTOCOL,
                   "mx:465 does not keep to SMTP at AUTH: it "
                   "asks for too many iterations");
    talk_close(&self);
}
END_TEST

START_TEST(A3_a_server_that_does_not_know_the_password_is_left)
{
    scram_server server;
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "SCRAM-SHA-256 PLAIN");
    scram_ask(&self, &server, 4096);
    thrum_buffer_clear(&self.out);
    scram_challenge(&server, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    talk_tell(&self, server.said, 1000);
    talk_expect(&self, "*|", "A3");
    talk_tell(&self, "501 no|", 1000);
    ck_assert_int_eq(
        thrum_failure_code(thrum_smtp_session_failure(self.session)),
        THRUM_SMTP_E_PROTOCOL);
    talk_close(&self);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("login_scram");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, A1_no_account_is_told_without_tls, 0, 2);
    tcase_add_test(all, A1_what_is_offered_in_the_clear_is_not_taken_up);
    tcase_add_loop_test(all, T3_whoever_takes_tls_away_gets_no_account, 0,
                        COUNT(strippers));
    tcase_add_test(all, T4_helo_has_no_login);
    tcase_add_test(all, A10_a_session_logs_in_once);
    tcase_add_loop_test(all,
                        A6_what_is_too_long_for_its_line_waits_to_be_asked_for,
                        0, COUNT(tokens));
    tcase_add_test(all, A3_scram_comes_first_and_proves_both_ways);
    tcase_add_test(all, A3_a_signature_in_235_is_none);
    tcase_add_test(all, A3_too_many_iterations_are_not_begun);
    tcase_add_test(all, A3_a_server_that_does_not_know_the_password_is_left);
    return support_main("login_scram", &all, 1);
}
