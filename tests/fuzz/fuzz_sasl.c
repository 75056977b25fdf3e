/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails, one which mechanism logs in; the rest is
 * what the server says: challenges, each up to a byte 0xFF. Whatever they are:
 * no mechanism says more often than it has to, and none but SCRAM thinks; SCRAM
 * thinks only of as many iterations as the bounds allow, and, since no server
 * here knows the password, is never done.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/smtp/sasl_internal.h"
#include "tests/fuzz/fuzz.h"

enum { MECHANISMS = 7, SAYS = 3 };

/* The longest that it is let think: a login that would really think for half a
 * second is left there, as one that was cancelled. */
enum { PATIENCE = 4 };

static const char nonce[] = "rOprNGfwEbeRWgbNEkqO";

static thrum__sasl *begin(thrum_context *context, thrum_smtp_account **account,
                          unsigned mechanism)
{
    thrum_secret *secret = thrum_secret_new(context, "pencil", 6, NULL);
    thrum__sasl *sasl = NULL;

    *account = NULL;
    if (secret != NULL)
        *account =
            thrum_smtp_account_new(context, "user", secret, mechanism, NULL);
    if (*account != NULL)
        sasl = thrum__sasl_new(context, *account, mechanism, "mx", 465);
    if (sasl != NULL)
        thrum__scram_set_nonce(sasl, nonce);
    thrum_secret_unref(secret);
    return sasl;
}

static bool is_scram(unsigned mechanism)
{
    return (mechanism & (THRUM_SMTP_SCRAM_SHA_1 | THRUM_SMTP_SCRAM_SHA_256)) !=
           0;
}

/* What it thinks about, as it is read elsewhere. */
static void check_iterations(thrum_bytes challenge)
{
    const char *number = strstr(challenge.data, ",i=");
    unsigned long long iterations;

    fuzz_assert(number != NULL);
    iterations = strtoull(number + 3, NULL, 10);
    fuzz_assert(iterations >= 4096 && iterations <= 600000);
}

/* One challenge. Returns whether the dialogue goes on. */
static bool hear(thrum__sasl *sasl, unsigned mechanism, thrum_bytes challenge,
                 unsigned *said)
{
    thrum_bytes response = {NULL, 0};
    unsigned thoughts = 0;
    thrum__sasl_step step;

    do {
        step = thrum__sasl_step_on(sasl, challenge, &response);
        thoughts += step == THRUM__SASL_THINK;
    } while (step == THRUM__SASL_THINK && thoughts < PATIENCE);
    fuzz_assert(thoughts == 0 || is_scram(mechanism));
    if (thoughts > 0)
        check_iterations(challenge);
    if (step == THRUM__SASL_CANCEL) {
        fuzz_assert(thrum__sasl_wrong(sasl)[0] != '\0');
        fuzz_assert(!thrum__sasl_may_succeed(sasl));
    }
    if (step != THRUM__SASL_RESPOND)
        return false;
    fuzz_assert(++*said <= SAYS);
    fuzz_assert(response.size <= sasl->most);
    fuzz_assert(!is_scram(mechanism) || !sasl->believes);
    fuzz_assert(sasl->scram.key == NULL || is_scram(mechanism));
    return true;
}

static void talk(thrum__sasl *sasl, unsigned mechanism, fuzz_input input)
{
    unsigned said = 0;
    bool goes_on = true;

    fuzz_assert(!sasl->believes);
    if (thrum__sasl_speaks_first(sasl))
        goes_on = hear(sasl, mechanism, (thrum_bytes){"", 0}, &said);
    while (goes_on && input.size > 0) {
        size_t size;
        char *challenge = fuzz_string(&input, &size);

        goes_on = hear(sasl, mechanism, (thrum_bytes){challenge, size}, &said);
        free(challenge);
    }
    if (is_scram(mechanism))
        fuzz_assert(!thrum__sasl_may_succeed(sasl));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    unsigned fail_at = fuzz_byte(&input);
    unsigned mechanism = 1u << fuzz_byte(&input) % MECHANISMS;
    thrum_context *context = fuzz_context(fail_at);
    thrum_smtp_account *account;
    thrum__sasl *sasl = begin(context, &account, mechanism);

    if (sasl != NULL)
        talk(sasl, mechanism, input);
    thrum__sasl_free(sasl);
    thrum_smtp_account_unref(account);
    fuzz_context_end(context);
    return 0;
}
