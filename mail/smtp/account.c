/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <gnutls/gnutls.h>

#include <thrum/address.h>

#include "mail/smtp/account.h"

enum {
    ACCOUNT_USER = 1024, /* the longest name; an address has 254 bytes */
    ACCOUNT_KEYS = 4     /* servers of one name may each have a salt */
};

/* In the order in which they are taken. */
static const unsigned account_passwords[] = {
    THRUM_SMTP_SCRAM_SHA_256, THRUM_SMTP_SCRAM_SHA_1, THRUM_SMTP_PLAIN,
    THRUM_SMTP_LOGIN, THRUM_SMTP_CRAM_MD5};
static const unsigned account_tokens[] = {THRUM_SMTP_OAUTHBEARER,
                                          THRUM_SMTP_XOAUTH2};

enum {
    ACCOUNT_USUAL = THRUM_SMTP_SCRAM_SHA_256 | THRUM_SMTP_SCRAM_SHA_1 |
                    THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN,
    ACCOUNT_PASSWORD = ACCOUNT_USUAL | THRUM_SMTP_CRAM_MD5,
    ACCOUNT_TOKEN = THRUM_SMTP_XOAUTH2 | THRUM_SMTP_OAUTHBEARER
};

struct thrum_smtp_account {
    thrum_context *context;
    size_t holders;
    unsigned mechanisms;
    thrum_secret *user; /* prepared as a password is; no secret */
    thrum_secret *secret;
    unsigned next; /* of the keys, to be replaced */
    thrum__scram_key *keys[ACCOUNT_KEYS];
};

/* ---- What is prepared ---- */

static bool account_is_within(thrum_bytes bytes, char least, char most)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] < least || bytes.data[i] > most)
            return false;
    return true;
}

static bool account_is_ascii(thrum_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if ((bytes.data[i] & 0x80) != 0)
            return false;
    return true;
}

/* RFC 8265, OpaqueString: the password in NFC, any blank as a space, and none
 * of what has no shape. Printable US-ASCII is its own form, and is not given
 * out of its pages. *code: why there is none. */
static thrum_secret *account_prepare(thrum_context *context, thrum_bytes bytes,
                                     int *code)
{
    gnutls_datum_t form = {NULL, 0};
    thrum_secret *secret = NULL;
    thrum_failure *why = NULL;
    int error;

    *code = THRUM_MAIL_E_SECRET;
    if (account_is_ascii(bytes)) {
        if (!account_is_within(bytes, ' ', '~'))
            return NULL;
        secret = thrum_secret_new(context, bytes.data, bytes.size, &why);
    } else {
        error = gnutls_utf8_password_normalize(
            (const unsigned char *)bytes.data, (unsigned)bytes.size, &form, 0);
        if (error == GNUTLS_E_MEMORY_ERROR)
            *code = THRUM_E_NOMEM;
        if (error != 0)
            return NULL;
        secret =
            thrum_secret_new(context, (const char *)form.data, form.size, &why);
        explicit_bzero(form.data, form.size);
        gnutls_free(form.data);
    }
    if (secret == NULL)
        *code = thrum_failure_code(why);
    thrum_failure_unref(why);
    return secret;
}

/* A password as it is prepared, or a token (RFC 6750 section 2.1: printable,
 * without blanks). */
static thrum_secret *account_take(thrum_context *context, unsigned mechanisms,
                                  thrum_secret *secret, int *code)
{
    thrum_bytes bytes = thrum_secret_bytes(secret);

    if ((mechanisms & ACCOUNT_PASSWORD) != 0)
        return account_is_ascii(bytes) && account_is_within(bytes, ' ', '~')
                   ? thrum_secret_ref(secret)
                   : account_prepare(context, bytes, code);
    *code = THRUM_MAIL_E_SECRET;
    return account_is_within(bytes, '!', '~') ? thrum_secret_ref(secret) : NULL;
}

/* ---- The account ---- */

static bool account_goes_together(unsigned mechanisms)
{
    return (mechanisms & ~(unsigned)(ACCOUNT_PASSWORD | ACCOUNT_TOKEN)) == 0 &&
           ((mechanisms & ACCOUNT_PASSWORD) == 0 ||
            (mechanisms & ACCOUNT_TOKEN) == 0);
}

static thrum_failure *account_failure(thrum_context *context, int code,
                                      const char *text)
{
    if (code == THRUM_E_NOMEM)
        return thrum_failure_no_memory();
    return thrum_failure_new(context,
                             code == THRUM_MAIL_E_SECRET ? &thrum_domain_mail
                                                         : &thrum_domain_base,
                             code, "%s", text);
}

/* Fills in the two texts; returns why it could not. */
static thrum_failure *account_fill(thrum_smtp_account *account,
                                   const char *user, thrum_secret *secret)
{
    thrum_bytes name = {user, strlen(user)};
    thrum_context *context = account->context;
    int code = THRUM_MAIL_E_SECRET;

    if (!account_goes_together(account->mechanisms))
        return account_failure(context, THRUM_E_INVALID,
                               "the mechanisms do not go together: some want a "
                               "password, some a token");
    if (name.size <= ACCOUNT_USER)
        account->user = account_prepare(context, name, &code);
    if (account->user == NULL)
        return account_failure(context, code,
                               "the user's name is empty, too long, or has "
                               "characters that no name has");
    account->secret = account_take(context, account->mechanisms, secret, &code);
    if (account->secret == NULL)
        return account_failure(context, code,
                               "the secret has characters that no password or "
                               "token has, or is not UTF-8");
    return NULL;
}

thrum_smtp_account *thrum_smtp_account_new(thrum_context *context,
                                           const char *user,
                                           thrum_secret *secret,
                                           unsigned mechanisms,
                                           thrum_failure **why)
{
    thrum_smtp_account *account =
        thrum_context_allocate(context, sizeof *account);
    thrum_failure *failure;

    if (account == NULL) {
        failure = thrum_failure_no_memory();
    } else {
        *account = (thrum_smtp_account){
            .context = thrum_context_ref(context),
            .holders = 1,
            .mechanisms = mechanisms != 0 ? mechanisms : ACCOUNT_USUAL};
        failure = account_fill(account, user, secret);
    }
    if (failure == NULL)
        return account;
    thrum_smtp_account_unref(account);
    if (why != NULL)
        *why = failure;
    else
        thrum_failure_unref(failure);
    return NULL;
}

int thrum_smtp_account_set_secret(thrum_smtp_account *account,
                                  thrum_secret *secret)
{
    int code = THRUM_E_NOMEM;
    thrum_secret *taken =
        account_take(account->context, account->mechanisms, secret, &code);

    if (taken == NULL)
        return code;
    thrum_secret_unref(account->secret);
    account->secret = taken;
    for (int i = 0; i < ACCOUNT_KEYS; i++) {
        thrum__scram_key_unref(account->keys[i]);
        account->keys[i] = NULL;
    }
    return 0;
}

static unsigned account_first(const unsigned *order, size_t count,
                              unsigned among)
{
    for (size_t i = 0; i < count; i++)
        if ((order[i] & among) != 0)
            return order[i];
    return 0;
}

unsigned thrum_smtp_account_choose(const thrum_smtp_account *account,
                                   unsigned offered)
{
    unsigned both = account->mechanisms & offered;
    unsigned found = account_first(
        account_passwords,
        sizeof account_passwords / sizeof account_passwords[0], both);

    return found != 0
               ? found
               : account_first(account_tokens,
                               sizeof account_tokens / sizeof account_tokens[0],
                               both);
}

const char *thrum_smtp_account_user(const thrum_smtp_account *account)
{
    return thrum_secret_bytes(account->user).data;
}

thrum_smtp_account *thrum_smtp_account_ref(thrum_smtp_account *account)
{
    account->holders++;
    return account;
}

void thrum_smtp_account_unref(void *account)
{
    thrum_smtp_account *self = account;
    thrum_context *context;

    if (self == NULL || --self->holders > 0)
        return;
    for (int i = 0; i < ACCOUNT_KEYS; i++)
        thrum__scram_key_unref(self->keys[i]);
    thrum_secret_unref(self->user);
    thrum_secret_unref(self->secret);
    context = self->context;
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

/* ---- For the mechanisms ---- */

thrum_secret *thrum__account_secret(const thrum_smtp_account *account)
{
    return account->secret;
}

thrum__scram_key *thrum__account_key(thrum_smtp_account *account,
                                     thrum_secret *password,
                                     const thrum__scram_salting *salting)
{
    thrum__scram_key *key;

    for (int i = 0; i < ACCOUNT_KEYS; i++)
        if (account->keys[i] != NULL &&
            thrum__scram_key_is(account->keys[i], password, salting))
            return thrum__scram_key_ref(account->keys[i]);
    key = thrum__scram_key_new(account->context, password, salting);
    if (key == NULL || password != account->secret)
        return key;
    thrum__scram_key_unref(account->keys[account->next]);
    account->keys[account->next] = thrum__scram_key_ref(key);
    account->next = (account->next + 1) % ACCOUNT_KEYS;
    return key;
}
