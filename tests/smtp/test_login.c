/* SPDX-License-Identifier: MIT */
/*
 * Logging in, as a dialogue: what the server says, and the bytes that it gets.
 * The names begin with the hazards that they show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "mail/smtp/base64.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define SECRET "tanstaaftanstaaf"
#define SECRET_64 "dGFuc3RhYWZ0YW5zdGFhZg=="
#define PLAIN_64 "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
#define OAUTH_64                                                               \
    "bixhPXRpbSwBaG9zdD1teC5leGFtcGxlAXBvcnQ9NDY1AWF1dGg9QmVhcmVyIHRhbnN0YWFm" \
    "dGFuc3RhYWYBAQ=="
#define XOAUTH_64 "dXNlcj10aW0BYXV0aD1CZWFyZXIgdGFuc3RhYWZ0YW5zdGFhZgEB"
#define JSON_64 "eyJzdGF0dXMiOiI0MDEifQ=="

enum { STEPS = 8, ROOM = 1 << 16 };

/* What the server says, and what it is then sent; "|" stands for CRLF. */
typedef struct step {
    const char *server;
    const char *client;
} step;

typedef struct dialogue {
    const char *name;
    const char *offers;  /* behind AUTH; NULL: there is no AUTH */
    unsigned mechanisms; /* that the account may use */
    step steps[STEPS];   /* from the answer to EHLO on */
    int failure;         /* the session's code; 0: it is ready */
    const char *text;    /* of the failure; NULL: not looked at */
} dialogue;

typedef struct talk {
    thrum_context *context;
    thrum_smtp_account *account;
    thrum_smtp_session *session;
    thrum_buffer out;
    int thoughts;
} talk;

static bool talk_open(talk *self, const char *secret, unsigned mechanisms,
                      thrum_smtp_tls tls)
{
    thrum_smtp_session_config config = {.helo = "me",
                                        .peer = "mx:465",
                                        .host = "mx.example",
                                        .port = 465,
                                        .tls = tls};
    thrum_secret *bytes;

    *self = (talk){.context = support_context()};
    if (self->context == NULL)
        return false;
    thrum_buffer_init(&self->out, self->context, ROOM);
    bytes = thrum_secret_new(self->context, secret, strlen(secret), NULL);
    if (bytes != NULL)
        self->account = thrum_smtp_account_new(self->context, "tim", bytes,
                                               mechanisms, NULL);
    thrum_secret_unref(bytes);
    if (self->account == NULL)
        return false;
    config.account = self->account;
    self->session = thrum_smtp_session_new(self->context, &config, 0);
    return self->session != NULL;
}

static void talk_close(talk *self)
{
    thrum_smtp_session_free(self->session);
    thrum_smtp_account_unref(self->account);
    if (self->context == NULL)
        return;
    thrum_buffer_fini(&self->out);
    support_context_end(self->context);
}

static void talk_answer(talk *self)
{
    size_t before;
    int more;

    do {
        before = self->out.size;
        more =
            thrum_smtp_session_produce(self->session, &self->out, SIZE_MAX, 0);
        self->thoughts += more == 1 && self->out.size == before;
    } while (more == 1);
}

/* In a block of just its size, so that a sanitizer sees reading past it. */
static void talk_hear(talk *self, const char *bytes, size_t size)
{
    char *copy = malloc(size + (size == 0));

    memcpy(copy, bytes, size);
    thrum_smtp_session_receive(self->session, copy, size, 0);
    free(copy);
    talk_answer(self);
}

/* Says a line or more, in pieces of `piece` bytes. */
static void talk_tell(talk *self, const char *server, size_t piece)
{
    size_t size;
    const char *bytes = script_bytes(server, &size);

    for (size_t at = 0; at < size; at += piece)
        talk_hear(self, bytes + at, size - at < piece ? size - at : piece);
}

static void talk_expect(talk *self, const char *client, const char *name)
{
    size_t size;
    const char *bytes = script_bytes(client, &size);

    ck_assert_msg(self->out.size == size &&
                      memcmp(self->out.data, bytes, size) == 0,
                  "%s: sent \"%.*s\" instead of \"%s\"", name,
                  (int)self->out.size, self->out.data, client);
    thrum_buffer_clear(&self->out);
}

/* As far as the answer to EHLO. */
static void talk_greet(talk *self, const char *offers)
{
    char answer[200] = "250 mx|";

    talk_tell(self, "220 mx|", 100);
    talk_expect(self, "EHLO me|", "EHLO");
    if (offers != NULL)
        snprintf(answer, sizeof answer, "250-mx|250 AUTH %s|", offers);
    talk_tell(self, answer, 200);
}

static void talk_is_at_its_end(const talk *self, const dialogue *table)
{
    const thrum_failure *why = thrum_smtp_session_failure(self->session);
    const char *text = why != NULL ? thrum_failure_text(why) : "";

    ck_assert_msg((why != NULL ? thrum_failure_code(why) : 0) == table->failure,
                  "%s: %s", table->name, text);
    ck_assert_int_eq(thrum_smtp_session_get_state(self->session),
                     why != NULL ? THRUM_SMTP_SESSION_ENDED
                                 : THRUM_SMTP_SESSION_READY);
    if (table->text != NULL)
        ck_assert_str_eq(text, table->text);
    ck_assert_ptr_null(strstr(text, SECRET));
    ck_assert_ptr_null(strstr(text, "dGFuc3RhYWZ0YW5zdGFhZ"));
}

static void talk_run(const dialogue *table, size_t piece)
{
    talk self;

    ck_assert(
        talk_open(&self, SECRET, table->mechanisms, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, table->offers);
    for (int i = 0; i < STEPS && table->steps[i].client != NULL; i++) {
        if (table->steps[i].server != NULL)
            talk_tell(&self, table->steps[i].server, piece);
        talk_expect(&self, table->steps[i].client, table->name);
    }
    talk_is_at_its_end(&self, table);
    talk_close(&self);
}

static const dialogue dialogues[] = {
    {.name = "PLAIN",
     .offers = "LOGIN PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"235 2.7.0 ok|", ""}}},
    {.name = "LOGIN",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNlcm5hbWU6|", "dGlt|"},
               {"334 UGFzc3dvcmQ6|", SECRET_64 "|"},
               {"235 ok|", ""}}},
    {.name = "CRAM-MD5, when it is asked for",
     .offers = "CRAM-MD5",
     .mechanisms = THRUM_SMTP_CRAM_MD5,
     .steps = {{NULL, "AUTH CRAM-MD5|"},
               {"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+|",
                "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw|"},
               {"235 ok|", ""}}},
    {.name = "XOAUTH2",
     .offers = "PLAIN XOAUTH2",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, "AUTH XOAUTH2 " XOAUTH_64 "|"}, {"235 ok|", ""}}},
    {.name = "OAUTHBEARER is taken before XOAUTH2",
     .offers = "XOAUTH2 OAUTHBEARER PLAIN",
     .mechanisms = THRUM_SMTP_XOAUTH2 | THRUM_SMTP_OAUTHBEARER,
     .steps = {{NULL, "AUTH OAUTHBEARER " OAUTH_64 "|"}, {"235 ok|", ""}}},
    {.name = "A1: nothing is sent when EHLO is refused",
     .offers = NULL,
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 offers no way to log in that the account may use"},
    {.name = "A2: what is offered may not be used",
     .offers = "LOGIN CRAM-MD5",
     .mechanisms = THRUM_SMTP_PLAIN,
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 offers no way to log in that the account may use, only "
             "LOGIN CRAM-MD5"},
    {.name = "A2: CRAM-MD5 is not taken by itself",
     .offers = "CRAM-MD5",
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A2: a token is not used as a password",
     .offers = "PLAIN LOGIN SCRAM-SHA-256",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A2: a password is not used as a token",
     .offers = "XOAUTH2 OAUTHBEARER",
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A2: nothing weaker is tried when one was refused",
     .offers = "PLAIN LOGIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"504 5.5.4 what?|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 504 5.5.4 what?"},
    {.name = "A5: a failure of XOAUTH2 is answered, and then told",
     .offers = "XOAUTH2",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, "AUTH XOAUTH2 " XOAUTH_64 "|"},
               {"334 " JSON_64 "|", "|"},
               {"535 5.7.8 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8 no"},
    {.name = "A5: a failure of OAUTHBEARER, too",
     .offers = "OAUTHBEARER",
     .mechanisms = THRUM_SMTP_OAUTHBEARER,
     .steps = {{NULL, "AUTH OAUTHBEARER " OAUTH_64 "|"},
               {"334 " JSON_64 "|", "AQ==|"},
               {"535 5.7.8 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A5: no 235 follows on a failure",
     .offers = "XOAUTH2",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, "AUTH XOAUTH2 " XOAUTH_64 "|"},
               {"334 " JSON_64 "|", "|"},
               {"235 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text = "mx:465 does not keep to SMTP at AUTH: it says that a login is "
             "done that is not"},
    {.name = "A7: a challenge that is not base64",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 Username:|", "*|"},
               {"501 5.7.0 cancelled|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text = "mx:465 does not keep to SMTP at AUTH: a challenge is not base64"},
    {.name = "A7: bits in its padding",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNlcm5hbWV=|", "*|"},
               {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: a NUL in it",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"334 VXNl~m5h|", "*|"}, {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: of several lines",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334-VXNl|334 VXNl|", "*|"},
               {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: what was cancelled is not done",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"334 !|", "*|"}, {"235 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: nor does it go on",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"334 !|", "*|"}, {"334 VXNl|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: more challenges than there is to say",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"334 |", "*|"},
               {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text =
         "mx:465 does not keep to SMTP at AUTH: it asks for more than there "
         "is to say"},
    {.name = "R9: 235 before anything was said",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"235 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "R9: 250 is not 235",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"250 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "R9: 354 is not 334",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"354 VXNl|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "R11: 421",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"421 bye|", ""}},
     .failure = THRUM_SMTP_E_SERVICE},
    {.name = "A8: 432 may pass",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"432 4.7.12 change it|", ""}},
     .failure = THRUM_SMTP_E_LATER,
     .text = "mx:465 refused AUTH: 432 4.7.12 change it"},
    {.name = "A8: so may 454",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"454 4.7.0 busy|", ""}},
     .failure = THRUM_SMTP_E_LATER},
    {.name = "A8: 530",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"530 5.7.0 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A8: 534",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"534 5.7.9 weak|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A8: 535",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNl|", "dGlt|"},
               {"535 5.7.8 who?|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8 who?"},
    {.name = "A8: 538",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"538 5.7.11 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "a server that repeats the secret has its words left out",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"535 5.7.8 not " SECRET "!|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8"},
    {.name = "so has one that repeats its base64",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"535-5.7.8 bad:|535 5.7.8 " PLAIN_64 "|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8"},
    {.name = "and one that asks what it meant",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNlcm5hbWU6|", "dGlt|"},
               {"334 UGFzc3dvcmQ6|", SECRET_64 "|"},
               {"500 unknown command " SECRET_64 "|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 500"},
    {.name = "also in a reply that nobody understands",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"250 hello " SECRET "|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text = "mx:465 does not keep to SMTP: it answered AUTH with 250"},
};

START_TEST(a_login_in_every_way)
{
    for (size_t piece = 1; piece < 80; piece++)
        talk_run(&dialogues[_i], piece);
}
END_TEST

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
    talk_is_at_its_end(
        &self,
        &(dialogue){.failure = THRUM_SMTP_E_PROTOCOL,
                    .text = "mx:465 does not keep to SMTP at AUTH: it did not "
                            "prove that it knows the password"});
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
    talk_is_at_its_end(
        &self, &(dialogue){.failure = THRUM_SMTP_E_PROTOCOL,
                           .text = "mx:465 does not keep to SMTP at AUTH: it "
                                   "asks for too many iterations"});
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

/* ---- What it means ---- */

static const struct {
    const char *reply;
    thrum_smtp_verdict verdict;
} verdicts[] = {
    {"432 4.7.12 no|", THRUM_SMTP_VERDICT_LATER},
    {"454 4.7.0 no|", THRUM_SMTP_VERDICT_LATER},
    {"530 5.7.0 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"534 5.7.9 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"535 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"535 5.7.8 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"538 5.7.11 no|", THRUM_SMTP_VERDICT_ACCOUNT},
};

START_TEST(A8_a_refusal_is_the_accounts_and_nobody_elses)
{
    const thrum_smtp_detail *detail;
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "PLAIN");
    talk_tell(&self, verdicts[_i].reply, 1000);
    detail = thrum_failure_smtp(thrum_smtp_session_failure(self.session));
    ck_assert_int_eq(detail->stage, THRUM_SMTP_STAGE_AUTH);
    ck_assert_int_eq(detail->verdict, verdicts[_i].verdict);
    talk_close(&self);
}
END_TEST

/* ---- Want of memory ---- */

static void login_scenario(void)
{
    talk self;

    if (talk_open(&self, SECRET, THRUM_SMTP_LOGIN, THRUM_SMTP_TLS_IMPLICIT)) {
        talk_tell(&self, "220 mx|250-mx|250 AUTH LOGIN|", 7);
        talk_tell(&self, "334 VXNl|", 100);
        talk_tell(&self, "334 VXNl|", 100);
        talk_tell(&self, "235 ok|", 100);
    }
    talk_close(&self);
}

START_TEST(without_memory_a_login_ends_and_nothing_is_lost)
{
    support_every_allocation(login_scenario);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("login");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, a_login_in_every_way, 0, COUNT(dialogues));
    tcase_add_loop_test(all, A1_no_account_is_told_without_tls, 0, 2);
    tcase_add_test(all, A1_what_is_offered_in_the_clear_is_not_taken_up);
    tcase_add_loop_test(all, T3_whoever_takes_tls_away_gets_no_account, 0,
                        COUNT(strippers));
    tcase_add_test(all, T4_helo_has_no_login);
    tcase_add_loop_test(all,
                        A6_what_is_too_long_for_its_line_waits_to_be_asked_for,
                        0, COUNT(tokens));
    tcase_add_test(all, A3_scram_comes_first_and_proves_both_ways);
    tcase_add_test(all, A3_a_signature_in_235_is_none);
    tcase_add_test(all, A3_too_many_iterations_are_not_begun);
    tcase_add_test(all, A3_a_server_that_does_not_know_the_password_is_left);
    tcase_add_loop_test(all, A8_a_refusal_is_the_accounts_and_nobody_elses, 0,
                        COUNT(verdicts));
    tcase_add_test(all, without_memory_a_login_ends_and_nothing_is_lost);
    return support_main("login", &all, 1);
}
