/* SPDX-License-Identifier: MIT */
/*
 * SCRAM: the dialogues of the RFCs, all that a server may do wrong, and the
 * keys. The names begin with the hazards that they show.
 */
#include <stdio.h>
#include <string.h>

#include "mail/smtp/base64.h"
#include "tests/smtp/login.h"
#include "tests/support/support.h"

#define BYTES(text) text, sizeof(text) - 1

/* RFC 5802 section 5, and RFC 7677 section 3. */
typedef struct vector {
    unsigned mechanism;
    const char *nonce;
    const char *first;
    const char *challenge;
    const char *final;
    const char *signature;
} vector;

static const vector vectors[] = {
    {THRUM_SMTP_SCRAM_SHA_1, "fyko+d2lbbFgONRv9qkxdawL",
     "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
     "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {THRUM_SMTP_SCRAM_SHA_256, "rOprNGfwEbeRWgbNEkqO",
     "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

/* As far as the server's first message. */
static bool scram_open(login *self, const vector *with)
{
    if (!login_open(self, "user", "pencil", with->mechanism))
        return false;
    thrum__scram_set_nonce(self->sasl, with->nonce);
    if (login_step(self, "", 0) != THRUM__SASL_RESPOND)
        return false;
    login_expect(self, with->first, strlen(with->first));
    return true;
}

START_TEST(A3_the_dialogues_of_the_rfcs)
{
    const vector *with = &vectors[_i];
    login self;

    ck_assert(scram_open(&self, with));
    ck_assert_int_eq(
        login_step(&self, with->challenge, strlen(with->challenge)),
        THRUM__SASL_RESPOND);
    ck_assert_uint_ge(self.thoughts, 3); /* 4,096 iterations, in slices */
    login_expect(&self, with->final, strlen(with->final));
    ck_assert(!thrum__sasl_may_succeed(self.sasl));
    login_close(&self);

    ck_assert(scram_open(&self, with));
    login_step(&self, with->challenge, strlen(with->challenge));
    ck_assert_int_eq(
        login_step(&self, with->signature, strlen(with->signature)),
        THRUM__SASL_RESPOND);
    login_expect(&self, "", 0);
    ck_assert(thrum__sasl_may_succeed(self.sasl));
    ck_assert_int_eq(login_step(&self, "", 0), THRUM__SASL_CANCEL);
    ck_assert(!thrum__sasl_may_succeed(self.sasl));
    login_close(&self);
}
END_TEST

#define NONCE "r=rOprNGfwEbeRWgbNEkqO"
#define SALT ",s=W22ZaJ0SNY7soEsUEjb6gQ=="

static const struct {
    const char *name;
    const char *challenge;
    const char *wrong; /* NULL: nothing */
} firsts[] = {
    {"A3: the nonce is not ours", "r=aOprNGfwEbeRWgbNEkqO123" SALT ",i=4096",
     "the nonce is not ours and more"},
    {"A3: the nonce is shorter than ours", "r=rOpr" SALT ",i=4096",
     "the nonce is not ours and more"},
    {"A3: the server has added nothing", NONCE SALT ",i=4096",
     "the nonce is not ours and more"},
    {"A3: the nonce has a blank", NONCE " 1" SALT ",i=4096",
     "the nonce is not ours and more"},
    {"A3: the nonce has a control", NONCE "\x7f" SALT ",i=4096",
     "the nonce is not ours and more"},
    {"A3: no nonce", "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "the challenge has no nonce"},
    {"A3: nothing", "", "the challenge has no nonce"},
    {"A3: one byte", "r", "the challenge has no nonce"},
    {"A3: no salt", NONCE "1,i=4096", "there is no salt"},
    {"A3: an empty salt", NONCE "1,s=,i=4096", "there is no salt"},
    {"A3: a salt that is not base64", NONCE "1,s=W22Z!,i=4096",
     "the salt is not base64"},
    {"A3: no iterations", NONCE "1" SALT, "the challenge has no iterations"},
    {"A3: iterations that are none",
     NONCE "1" SALT ",i=", "it asks for too few iterations"},
    {"A3: iterations below 0", NONCE "1" SALT ",i=-4096",
     "it asks for too few iterations"},
    {"A3: iterations with a zero before them", NONCE "1" SALT ",i=04096",
     "it asks for too few iterations"},
    {"A3: iterations and more", NONCE "1" SALT ",i=4096x",
     "it asks for too few iterations"},
    {"A3: one iteration too few", NONCE "1" SALT ",i=4095",
     "it asks for too few iterations"},
    {"A3: just enough iterations", NONCE "1" SALT ",i=4096", NULL},
    {"A3: one iteration too many", NONCE "1" SALT ",i=600001",
     "it asks for too many iterations"},
    {"A3: iterations past any number",
     NONCE "1" SALT ",i=99999999999999999999999999999999999999",
     "it asks for too many iterations"},
    {"A3: a number that would come round to 4096",
     NONCE "1" SALT ",i=4294971392", "it asks for too many iterations"},
    {"A3: a mandatory extension first", "m=x," NONCE "1" SALT ",i=4096",
     "it wants an extension that is not known"},
    {"A3: a mandatory extension last", NONCE "1" SALT ",i=4096,m=x",
     "it wants an extension that is not known"},
    {"A3: what is no extension", NONCE "1" SALT ",i=4096,xy",
     "it wants an extension that is not known"},
    {"A3: an extension that may be ignored", NONCE "1" SALT ",i=4096,x=y",
     NULL},
    {"A3: the order is fixed", NONCE "1,i=4096" SALT, "there is no salt"},
    {"A3: a refusal", "e=unknown-user", "the challenge has no nonce"},
};

START_TEST(A3_what_the_server_says_first_is_checked)
{
    const char *challenge = firsts[_i].challenge;
    thrum__sasl_step step;
    login self;

    ck_assert(scram_open(&self, &vectors[1]));
    step = login_step(&self, challenge, strlen(challenge));
    ck_assert_msg((step == THRUM__SASL_RESPOND) == (firsts[_i].wrong == NULL),
                  "%s", firsts[_i].name);
    if (firsts[_i].wrong != NULL)
        ck_assert_str_eq(thrum__sasl_wrong(self.sasl), firsts[_i].wrong);
    ck_assert(!thrum__sasl_may_succeed(self.sasl));
    login_close(&self);
}
END_TEST

static const struct {
    const char *name;
    const char *challenge;
    bool answered; /* with an empty response: the server is to say more */
} finals[] = {
    {"A3: a signature of somebody else",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", false},
    {"A3: one bit of it",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=", false},
    {"A3: the beginning of it", "v=6rriTRBi23WpRR/wtup+mMhUZUk=", false},
    {"A3: nothing of it", "v=", false},
    {"A3: zeros", "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
    {"A3: what is not base64", "v=*", false},
    {"A3: nothing at all", "", false},
    {"A3: something else", "x=y", false},
    {"A3: our own proof",
     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", false},
    {"A3: a refusal", "e=invalid-proof", true},
};

START_TEST(A3_without_the_servers_signature_nothing_is_believed)
{
    const char *challenge = finals[_i].challenge;
    const vector *with = &vectors[1];
    login self;

    ck_assert(scram_open(&self, with));
    login_step(&self, with->challenge, strlen(with->challenge));
    ck_assert_msg((login_step(&self, challenge, strlen(challenge)) ==
                   THRUM__SASL_RESPOND) == finals[_i].answered,
                  "%s", finals[_i].name);
    ck_assert(!thrum__sasl_may_succeed(self.sasl));
    ck_assert_str_ne(thrum__sasl_wrong(self.sasl), "");
    login_close(&self);
}
END_TEST

START_TEST(A3_the_longest_salt_is_one_and_one_byte_more_is_none)
{
    char salt[THRUM__SCRAM_SALT + 1], challenge[600];
    login self;

    memset(salt, 7, sizeof salt);
    for (size_t size = sizeof salt - 1; size <= sizeof salt; size++) {
        size_t at = (size_t)snprintf(challenge, sizeof challenge, NONCE "1,s=");

        ck_assert(scram_open(&self, &vectors[1]));
        thrum__base64_encode(challenge + at, (thrum_bytes){salt, size});
        at += thrum__base64_size(size);
        snprintf(challenge + at, sizeof challenge - at, ",i=4096");
        ck_assert_int_eq(login_step(&self, challenge, strlen(challenge)),
                         size < sizeof salt ? THRUM__SASL_RESPOND
                                            : THRUM__SASL_CANCEL);
        login_close(&self);
    }
}
END_TEST

/* The longest nonce that a server may send has room in all messages. */
START_TEST(A3_a_nonce_as_long_as_a_challenge_may_be)
{
    static char challenge[THRUM__SASL_CHALLENGE];
    const char *end = SALT ",i=4096";
    size_t from = strlen(NONCE), to = sizeof challenge - strlen(end);
    login self;

    memset(challenge, 'n', sizeof challenge);
    memcpy(challenge, NONCE, from);
    memcpy(challenge + to, end, strlen(end));
    ck_assert(scram_open(&self, &vectors[1]));
    ck_assert_int_eq(login_step(&self, challenge, sizeof challenge),
                     THRUM__SASL_RESPOND);
    ck_assert_mem_eq(self.response.data, "c=biws,", 7);
    ck_assert_mem_eq(self.response.data + 7, challenge, to);
    ck_assert_uint_eq(self.response.size, 7 + to + strlen(",p=") + 44);
    login_close(&self);
}
END_TEST

START_TEST(A3_each_login_has_a_nonce_of_its_own)
{
    char nonce[THRUM__SCRAM_NONCE + 1];
    login self;

    ck_assert(login_open(&self, "u", "p", THRUM_SMTP_SCRAM_SHA_256));
    memcpy(nonce, self.sasl->scram.nonce, sizeof nonce);
    ck_assert_uint_eq(strlen(nonce), THRUM__SCRAM_NONCE);
    login_close(&self);
    ck_assert(login_open(&self, "u", "p", THRUM_SMTP_SCRAM_SHA_256));
    ck_assert_str_ne(nonce, self.sasl->scram.nonce);
    login_close(&self);
}
END_TEST

START_TEST(A4_the_header_says_that_nothing_is_bound)
{
    login self;

    ck_assert(login_open(&self, "a,b=c", "p", THRUM_SMTP_SCRAM_SHA_1));
    thrum__scram_set_nonce(self.sasl, "x");
    login_step(&self, "", 0);
    login_expect(&self, BYTES("n,,n=a=2Cb=3Dc,r=x"));
    login_close(&self);
}
END_TEST

/* ---- What the account keeps ---- */

/* One more login of the same account, as far as the proof. */
static unsigned thoughts_of(login *self, const char *challenge)
{
    thrum__sasl_free(self->sasl);
    self->sasl = thrum__sasl_new(self->context, self->account,
                                 vectors[1].mechanism, NULL, 0);
    ck_assert_ptr_nonnull(self->sasl);
    thrum__scram_set_nonce(self->sasl, vectors[1].nonce);
    self->thoughts = 0;
    login_step(self, "", 0);
    ck_assert_int_eq(login_step(self, challenge, strlen(challenge)),
                     THRUM__SASL_RESPOND);
    return self->thoughts;
}

START_TEST(a_key_is_made_once)
{
    const vector *with = &vectors[1];
    login self;

    ck_assert(scram_open(&self, with));
    ck_assert_uint_gt(thoughts_of(&self, with->challenge), 0);
    ck_assert_uint_eq(thoughts_of(&self, with->challenge), 0);
    login_expect(&self, with->final, strlen(with->final));
    ck_assert_uint_gt(thoughts_of(&self, NONCE "1,s=AAAA,i=4096"), 0);
    ck_assert_uint_gt(thoughts_of(&self, NONCE "1,s=AAAA,i=4097"), 0);
    ck_assert_uint_gt(thoughts_of(&self, NONCE "1,s=AAAAAAAA,i=4097"), 0);
    ck_assert_uint_eq(thoughts_of(&self, with->challenge), 0);
    ck_assert_uint_gt(thoughts_of(&self, NONCE "1,s=BBBB,i=4096"), 0);
    ck_assert_uint_gt(thoughts_of(&self, with->challenge), 0); /* it was full */
    login_close(&self);
}
END_TEST

START_TEST(two_logins_at_a_time_share_the_work)
{
    const vector *with = &vectors[1];
    thrum_bytes challenge = {with->challenge, strlen(with->challenge)};
    thrum_bytes response;
    thrum__sasl *other;
    login self;

    ck_assert(scram_open(&self, with));
    other = thrum__sasl_new(self.context, self.account, with->mechanism, "", 0);
    thrum__scram_set_nonce(other, with->nonce);
    thrum__sasl_step_on(other, (thrum_bytes){"", 0}, &response);
    for (int slice = 0; slice < 5; slice++) {
        thrum__sasl *each = slice % 2 == 0 ? self.sasl : other;

        ck_assert_int_eq(thrum__sasl_step_on(each, challenge, &response),
                         slice < 3 ? THRUM__SASL_THINK : THRUM__SASL_RESPOND);
    }
    thrum__sasl_free(other);
    login_close(&self);
}
END_TEST

START_TEST(a_new_secret_is_for_logins_that_have_not_begun)
{
    const vector *with = &vectors[1];
    thrum_secret *other;
    login self;

    ck_assert(scram_open(&self, with));
    other = thrum_secret_new(self.context, "eraser", 6, NULL);
    ck_assert_int_eq(thrum_smtp_account_set_secret(self.account, other), 0);
    thrum_secret_unref(other);
    login_step(&self, with->challenge, strlen(with->challenge));
    login_expect(&self, with->final, strlen(with->final));
    ck_assert_uint_gt(thoughts_of(&self, with->challenge), 0);
    ck_assert(self.response.size != strlen(with->final) ||
              memcmp(self.response.data, with->final, self.response.size) != 0);
    ck_assert_uint_eq(thoughts_of(&self, with->challenge), 0);
    login_close(&self);
}
END_TEST

/* ---- Want of memory ---- */

static void scram_scenario(void)
{
    const vector *with = &vectors[1];
    login self;

    if (login_open(&self, "user", "pencil", with->mechanism)) {
        thrum__scram_set_nonce(self.sasl, with->nonce);
        if (login_step(&self, "", 0) == THRUM__SASL_RESPOND)
            login_step(&self, with->challenge, strlen(with->challenge));
    }
    login_close(&self);
}

START_TEST(without_memory_a_login_ends_and_nothing_is_lost)
{
    support_every_allocation(scram_scenario);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("scram");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, A3_the_dialogues_of_the_rfcs, 0, COUNT(vectors));
    tcase_add_loop_test(all, A3_what_the_server_says_first_is_checked, 0,
                        COUNT(firsts));
    tcase_add_loop_test(all,
                        A3_without_the_servers_signature_nothing_is_believed, 0,
                        COUNT(finals));
    tcase_add_test(all, A3_the_longest_salt_is_one_and_one_byte_more_is_none);
    tcase_add_test(all, A3_a_nonce_as_long_as_a_challenge_may_be);
    tcase_add_test(all, A3_each_login_has_a_nonce_of_its_own);
    tcase_add_test(all, A4_the_header_says_that_nothing_is_bound);
    tcase_add_test(all, a_key_is_made_once);
    tcase_add_test(all, two_logins_at_a_time_share_the_work);
    tcase_add_test(all, a_new_secret_is_for_logins_that_have_not_begun);
    tcase_add_test(all, without_memory_a_login_ends_and_nothing_is_lost);
    return support_main("scram", &all, 1);
}
