/* SPDX-License-Identifier: MIT */
/* The mechanisms of AUTH, with the examples of their documents. */
#include <string.h>

#include "cli/sink_sasl.h"
#include "tests/support/support.h"

enum { TURNS_MOST = 4 };

/* What a client says, and what it gets for it. */
typedef struct turn {
    const char *said; /* NULL in the first: it waits to be asked */
    size_t size;
    sink_sasl_answer answer;
    const char *challenge; /* of GO_ON */
} turn;

typedef struct exchange {
    const char *name;
    const char *mechanism;
    const char *user, *password, *salt, *nonce;
    turn turns[TURNS_MOST]; /* ended by one of size 0 with answer 0 */
    unsigned count;
} exchange;

#define SAYS(text) text, sizeof text - 1
#define WAITS NULL, 0
#define TIM "tim", "tanstaaf", "", "n"

static const exchange exchanges[] = {
    /* RFC 5802 section 5 */
    {"S1",
     "SCRAM-SHA-1",
     "user",
     "pencil",
     "\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76",
     "3rfcNHYJY1ZVvWVs7j",
     {{SAYS("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"), SINK_SASL_GO_ON,
       "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
       "s=QSXCR+Q6sek8bf92,i=4096"},
      {SAYS("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
            "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="),
       SINK_SASL_GO_ON, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
      {SAYS(""), SINK_SASL_GOOD, NULL}},
     3},
    /* RFC 7677 section 3 */
    {"S256",
     "SCRAM-SHA-256",
     "user",
     "pencil",
     "\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81",
     "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     {{SAYS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), SINK_SASL_GO_ON,
       "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
       "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"},
      {SAYS("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
       SINK_SASL_GO_ON, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
      {SAYS(""), SINK_SASL_GOOD, NULL}},
     3},
    {"a proof that is not",
     "SCRAM-SHA-1",
     "user",
     "pencil",
     "s",
     "x",
     {{SAYS("n,,n=user,r=a"), SINK_SASL_GO_ON, "r=ax,s=cw==,i=4096"},
      {SAYS("c=biws,r=ax,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), SINK_SASL_BAD,
       NULL}},
     2},
    {"another nonce",
     "SCRAM-SHA-1",
     "user",
     "pencil",
     "s",
     "x",
     {{SAYS("n,,n=user,r=a"), SINK_SASL_GO_ON, "r=ax,s=cw==,i=4096"},
      {SAYS("c=biws,r=ay,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), SINK_SASL_WRONG,
       NULL}},
     2},
    {"another header",
     "SCRAM-SHA-1",
     "user",
     "pencil",
     "s",
     "x",
     {{SAYS("y,,n=user,r=a"), SINK_SASL_GO_ON, "r=ax,s=cw==,i=4096"},
      {SAYS("c=biws,r=ax,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), SINK_SASL_WRONG,
       NULL}},
     2},
    {"a proof that is too short",
     "SCRAM-SHA-1",
     "user",
     "pencil",
     "s",
     "x",
     {{SAYS("n,,n=user,r=a"), SINK_SASL_GO_ON, "r=ax,s=cw==,i=4096"},
      {SAYS("c=biws,r=ax,p=AAAA"), SINK_SASL_WRONG, NULL}},
     2},
    {"no proof",
     "SCRAM-SHA-1",
     "user",
     "pencil",
     "s",
     "x",
     {{SAYS("n,,n=user,r=a"), SINK_SASL_GO_ON, "r=ax,s=cw==,i=4096"},
      {SAYS("c=biws,r=ax"), SINK_SASL_WRONG, NULL}},
     2},
    {"an unknown user is challenged all the same",
     "SCRAM-SHA-1",
     "user",
     "pencil",
     "s",
     "x",
     {{SAYS("n,,n=other,r=a"), SINK_SASL_GO_ON, "r=ax,s=cw==,i=4096"},
      {SAYS("c=biws,r=ax,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), SINK_SASL_BAD,
       NULL}},
     2},
    {"extensions are ignored",
     "SCRAM-SHA-1",
     "a,b=c",
     "pencil",
     "s",
     "x",
     {{SAYS("n,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=a,z=1"), SINK_SASL_GO_ON,
       "r=ax,s=cw==,i=4096"}},
     1},
    {"channel binding",
     "SCRAM-SHA-1",
     "u",
     "p",
     "s",
     "x",
     {{SAYS("p=tls-unique,,n=u,r=a"), SINK_SASL_WRONG, NULL}},
     1},
    {"a mandatory extension",
     "SCRAM-SHA-1",
     "u",
     "p",
     "s",
     "x",
     {{SAYS("n,,m=1,n=u,r=a"), SINK_SASL_WRONG, NULL}},
     1},
    {"no nonce",
     "SCRAM-SHA-1",
     "u",
     "p",
     "s",
     "x",
     {{SAYS("n,,n=u,r="), SINK_SASL_WRONG, NULL}},
     1},
    {"no user",
     "SCRAM-SHA-1",
     "u",
     "p",
     "s",
     "x",
     {{SAYS("n,,n=,r=a"), SINK_SASL_WRONG, NULL}},
     1},
    {"nothing",
     "SCRAM-SHA-1",
     "u",
     "p",
     "s",
     "x",
     {{SAYS(""), SINK_SASL_WRONG, NULL}},
     1},

    /* RFC 4616 section 4 */
    {"PLAIN",
     "PLAIN",
     TIM,
     {{SAYS("\0tim\0tanstaaf"), SINK_SASL_GOOD, NULL}},
     1},
    {"PLAIN for oneself",
     "plain",
     TIM,
     {{SAYS("tim\0tim\0tanstaaf"), SINK_SASL_GOOD, NULL}},
     1},
    {"PLAIN for another",
     "PLAIN",
     TIM,
     {{SAYS("Ursel\0tim\0tanstaaf"), SINK_SASL_BAD, NULL}},
     1},
    {"PLAIN that waits",
     "PLAIN",
     TIM,
     {{WAITS, SINK_SASL_GO_ON, ""},
      {SAYS("\0tim\0tanstaaf"), SINK_SASL_GOOD, NULL}},
     2},
    {"PLAIN, wrong password",
     "PLAIN",
     TIM,
     {{SAYS("\0tim\0tanstaag"), SINK_SASL_BAD, NULL}},
     1},
    {"PLAIN, a longer password",
     "PLAIN",
     TIM,
     {{SAYS("\0tim\0tanstaaftanstaaf"), SINK_SASL_BAD, NULL}},
     1},
    {"PLAIN, wrong user",
     "PLAIN",
     TIM,
     {{SAYS("\0tom\0tanstaaf"), SINK_SASL_BAD, NULL}},
     1},
    {"PLAIN, no password",
     "PLAIN",
     TIM,
     {{SAYS("\0tim\0"), SINK_SASL_WRONG, NULL}},
     1},
    {"PLAIN, a NUL too few",
     "PLAIN",
     TIM,
     {{SAYS("tim\0tanstaaf"), SINK_SASL_WRONG, NULL}},
     1},
    {"PLAIN, a NUL too many",
     "PLAIN",
     TIM,
     {{SAYS("\0tim\0tanstaaf\0"), SINK_SASL_WRONG, NULL}},
     1},
    {"PLAIN, nothing", "PLAIN", TIM, {{SAYS(""), SINK_SASL_WRONG, NULL}}, 1},

    {"LOGIN",
     "LOGIN",
     TIM,
     {{WAITS, SINK_SASL_GO_ON, "Username:"},
      {SAYS("tim"), SINK_SASL_GO_ON, "Password:"},
      {SAYS("tanstaaf"), SINK_SASL_GOOD, NULL}},
     3},
    {"LOGIN with the user at once",
     "LOGIN",
     TIM,
     {{SAYS("tim"), SINK_SASL_GO_ON, "Password:"},
      {SAYS("tanstaaf"), SINK_SASL_GOOD, NULL}},
     2},
    {"LOGIN, wrong user",
     "LOGIN",
     TIM,
     {{SAYS("tom"), SINK_SASL_GO_ON, "Password:"},
      {SAYS("tanstaaf"), SINK_SASL_BAD, NULL}},
     2},
    {"LOGIN, wrong password",
     "LOGIN",
     TIM,
     {{SAYS("tim"), SINK_SASL_GO_ON, "Password:"},
      {SAYS(""), SINK_SASL_BAD, NULL}},
     2},

    /* RFC 2195 section 2 */
    {"CRAM",
     "CRAM-MD5",
     "tim",
     "tanstaaftanstaaf",
     "",
     "1896.697170952@postoffice.reston.mci.net",
     {{WAITS, SINK_SASL_GO_ON, "<1896.697170952@postoffice.reston.mci.net>"},
      {SAYS("tim b913a602c7eda7a495b4e6e7334d3890"), SINK_SASL_GOOD, NULL}},
     2},
    {"CRAM, wrong digest",
     "CRAM-MD5",
     TIM,
     {{WAITS, SINK_SASL_GO_ON, "<n>"},
      {SAYS("tim b913a602c7eda7a495b4e6e7334d3890"), SINK_SASL_BAD, NULL}},
     2},
    {"CRAM, no digest",
     "CRAM-MD5",
     TIM,
     {{WAITS, SINK_SASL_GO_ON, "<n>"}, {SAYS("tim"), SINK_SASL_WRONG, NULL}},
     2},
    {"CRAM, nothing",
     "CRAM-MD5",
     TIM,
     {{WAITS, SINK_SASL_GO_ON, "<n>"}, {SAYS(""), SINK_SASL_WRONG, NULL}},
     2},

    {"XOAUTH2",
     "XOAUTH2",
     TIM,
     {{SAYS("user=tim\1auth=Bearer tanstaaf\1\1"), SINK_SASL_GOOD, NULL}},
     1},
    {"A5 XOAUTH2 refused",
     "XOAUTH2",
     TIM,
     {{SAYS("user=tim\1auth=Bearer old\1\1"), SINK_SASL_GO_ON,
       "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"mail\"}"},
      {SAYS(""), SINK_SASL_BAD, NULL}},
     2},
    {"A5 XOAUTH2 refused, and answered with more",
     "XOAUTH2",
     TIM,
     {{SAYS("user=tom\1auth=Bearer tanstaaf\1\1"), SINK_SASL_GO_ON,
       "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"mail\"}"},
      {SAYS("\1"), SINK_SASL_WRONG, NULL}},
     2},
    {"XOAUTH2, one ^A",
     "XOAUTH2",
     TIM,
     {{SAYS("user=tim\1auth=Bearer tanstaaf\1"), SINK_SASL_WRONG, NULL}},
     1},
    {"XOAUTH2, three",
     "XOAUTH2",
     TIM,
     {{SAYS("user=tim\1auth=Bearer tanstaaf\1\1\1"), SINK_SASL_WRONG, NULL}},
     1},
    {"XOAUTH2, no Bearer",
     "XOAUTH2",
     TIM,
     {{SAYS("user=tim\1auth=tanstaaf\1\1"), SINK_SASL_WRONG, NULL}},
     1},

    /* RFC 7628 section 4.1 */
    {"OAUTHBEARER",
     "OAUTHBEARER",
     "user@example.com",
     "vF9dft4qmTc2Nvb3RlckBh",
     "",
     "n",
     {{SAYS("n,a=user@example.com,\1host=server.example.com\1port=143\1"
            "auth=Bearer vF9dft4qmTc2Nvb3RlckBh\1\1"),
       SINK_SASL_GOOD, NULL}},
     1},
    {"OAUTHBEARER without a user",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,,\1auth=Bearer tanstaaf\1\1"), SINK_SASL_GOOD, NULL}},
     1},
    {"A5 OAUTHBEARER refused",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,a=tim,\1auth=Bearer old\1\1"), SINK_SASL_GO_ON,
       "{\"status\":\"invalid_token\",\"scope\":\"mail\"}"},
      {SAYS("\1"), SINK_SASL_BAD, NULL}},
     2},
    {"A5 OAUTHBEARER refused, and answered with nothing",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,a=tom,\1auth=Bearer tanstaaf\1\1"), SINK_SASL_GO_ON,
       "{\"status\":\"invalid_token\",\"scope\":\"mail\"}"},
      {SAYS(""), SINK_SASL_WRONG, NULL}},
     2},
    {"OAUTHBEARER, no token",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,,\1host=x\1\1"), SINK_SASL_WRONG, NULL}},
     1},
    {"OAUTHBEARER, two tokens",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,,\1auth=Bearer tanstaaf\1auth=Bearer tanstaaf\1\1"),
       SINK_SASL_WRONG, NULL}},
     1},
    {"OAUTHBEARER, no end",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,,\1auth=Bearer tanstaaf\1"), SINK_SASL_WRONG, NULL}},
     1},
    {"OAUTHBEARER, no end behind an empty value",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,,\1auth=Bearer tanstaaf\1host=\1"), SINK_SASL_WRONG, NULL}},
     1},
    {"OAUTHBEARER, more behind it",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,,\1auth=Bearer tanstaaf\1\1x"), SINK_SASL_WRONG, NULL}},
     1},
    {"OAUTHBEARER, a pair that is none",
     "OAUTHBEARER",
     TIM,
     {{SAYS("n,,\1auth=Bearer tanstaaf\1x\1\1"), SINK_SASL_WRONG, NULL}},
     1},
    {"OAUTHBEARER, channel binding",
     "OAUTHBEARER",
     TIM,
     {{SAYS("p=x,,\1auth=Bearer tanstaaf\1\1"), SINK_SASL_WRONG, NULL}},
     1},
    {"OAUTHBEARER, no header",
     "OAUTHBEARER",
     TIM,
     {{SAYS("auth=Bearer tanstaaf\1\1"), SINK_SASL_WRONG, NULL}},
     1},
};

static thrum_bytes bytes(const char *text)
{
    return (thrum_bytes){text, strlen(text)};
}

static void turn_check(const exchange *one, unsigned number, sink_sasl *sasl)
{
    const turn *now = &one->turns[number];
    thrum_bytes said = {now->said, now->size};
    sink_sasl_answer answer =
        now->said == NULL ? sink_sasl_begin(sasl) : sink_sasl_take(sasl, said);

    ck_assert_msg(answer == now->answer, "%s, turn %u: %d", one->name, number,
                  (int)answer);
    if (answer == SINK_SASL_GO_ON)
        ck_assert_msg(sasl->challenge.size == strlen(now->challenge) &&
                          (sasl->challenge.size == 0 ||
                           memcmp(sasl->challenge.data, now->challenge,
                                  sasl->challenge.size) == 0),
                      "%s: \"%.*s\"", one->name, (int)sasl->challenge.size,
                      sasl->challenge.data);
}

START_TEST(an_exchange_goes_as_its_document_says)
{
    const exchange *one = &exchanges[_i];
    thrum_context *context = support_context();
    const sink_mechanism *mechanism =
        sink_mechanism_find(bytes(one->mechanism));
    sink_account account = {0};
    sink_sasl sasl;

    ck_assert_ptr_nonnull(mechanism);
    sink_account_set(&account, bytes(one->user), bytes(one->password),
                     bytes(one->salt));
    sink_sasl_init(&sasl, context, &account, mechanism, one->nonce);
    for (unsigned i = 0; i < one->count; i++)
        turn_check(one, i, &sasl);
    sink_sasl_fini(&sasl);
    support_context_end(context);
}
END_TEST

START_TEST(a_mechanism_has_a_name)
{
    static const char *const unknown[] = {"", "PLAI", "PLAINX",
                                          "SCRAM-SHA-256-PLUS", "GSSAPI"};

    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        ck_assert_ptr_null(sink_mechanism_find(bytes(unknown[i])));
    ck_assert_str_eq(sink_mechanism_find(bytes("scram-sha-1"))->name,
                     "SCRAM-SHA-1");
}
END_TEST

START_TEST(every_mechanism_is_among_the_names)
{
    const char *at = sink_mechanism_names;
    int count = 0;

    while (*at == ' ') {
        size_t size = strcspn(at + 1, " ");

        ck_assert_ptr_nonnull(sink_mechanism_find((thrum_bytes){at + 1, size}));
        at += size + 1;
        count++;
    }
    ck_assert_int_eq(count, 7);
}
END_TEST

/* Whatever fails, nobody is let in who was not to be. */
static void scenario_scram(void)
{
    const exchange *one = &exchanges[1];
    thrum_context *context = support_context();
    const sink_mechanism *mechanism =
        sink_mechanism_find(bytes(one->mechanism));
    sink_sasl_answer answer = SINK_SASL_GO_ON;
    sink_account account = {0};
    sink_sasl sasl;

    if (context == NULL)
        return;
    sink_account_set(&account, bytes(one->user), bytes(one->password),
                     bytes(one->salt));
    sink_sasl_init(&sasl, context, &account, mechanism, one->nonce);
    for (unsigned i = 0; i < one->count && answer == SINK_SASL_GO_ON; i++)
        answer = sink_sasl_take(
            &sasl, (thrum_bytes){one->turns[i].said, one->turns[i].size});
    if (answer != SINK_SASL_GOOD) {
        ck_assert_int_eq(answer, SINK_SASL_NOMEM);
        ck_assert(support_failed());
    }
    sink_sasl_fini(&sasl);
    support_context_end(context);
}

START_TEST(scram_bears_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_scram);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("sasl");

    tcase_set_timeout(one, 0);
    tcase_add_loop_test(one, an_exchange_goes_as_its_document_says, 0,
                        sizeof exchanges / sizeof *exchanges);
    tcase_add_test(one, a_mechanism_has_a_name);
    tcase_add_test(one, every_mechanism_is_among_the_names);
    tcase_add_test(one, scram_bears_the_failure_of_every_allocation);
    return support_main("sink sasl", &one, 1);
}
