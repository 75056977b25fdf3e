/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "mail/secret_internal.h"
#include "mail/smtp/base64.h"
#include "mail/smtp/sasl_internal.h"

/* ---- Saying ---- */

void thrum__sasl_say(thrum__sasl *sasl, const void *data, size_t size)
{
    if (size > sasl->most - sasl->size)
        size = sasl->most - sasl->size;
    memcpy(thrum__secret_fill(sasl->room) + sasl->size, data, size);
    sasl->size += size;
}

thrum_bytes thrum__sasl_said(const thrum__sasl *sasl)
{
    return (thrum_bytes){thrum__secret_fill(sasl->room), sasl->size};
}

void thrum__sasl_say_text(thrum__sasl *sasl, const char *text)
{
    thrum__sasl_say(sasl, text, strlen(text));
}

void thrum__sasl_say_name(thrum__sasl *sasl, const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == ',')
            thrum__sasl_say(sasl, "=2C", 3);
        else if (*name == '=')
            thrum__sasl_say(sasl, "=3D", 3);
        else
            thrum__sasl_say(sasl, name, 1);
    }
}

static void sasl_say_user(thrum__sasl *sasl)
{
    thrum__sasl_say_text(sasl, thrum_smtp_account_user(sasl->account));
}

static void sasl_say_secret(thrum__sasl *sasl)
{
    thrum_bytes secret = thrum_secret_bytes(sasl->secret);

    thrum__sasl_say(sasl, secret.data, secret.size);
}

thrum__sasl_step thrum__sasl_cancel(thrum__sasl *sasl, const char *wrong)
{
    sasl->wrong = wrong;
    sasl->believes = false;
    return THRUM__SASL_CANCEL;
}

static thrum__sasl_step sasl_has_said_all(thrum__sasl *sasl)
{
    return thrum__sasl_cancel(sasl, "it asks for more than there is to say");
}

/* ---- The mechanisms ---- */

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static thrum__sasl_step sasl_plain(thrum__sasl *sasl, thrum_bytes challenge)
{
    (void)challenge;
    if (sasl->said > 0)
        return sasl_has_said_all(sasl);
    thrum__sasl_say(sasl, "", 1);
    sasl_say_user(sasl);
    thrum__sasl_say(sasl, "", 1);
    sasl_say_secret(sasl);
    sasl->believes = true;
    return THRUM__SASL_RESPOND;
}

/* draft-murchison-sasl-login: what the challenges say ("Username:", "User
 * Name", ...) differs from server to server, and does not matter. */
static thrum__sasl_step sasl_login(thrum__sasl *sasl, thrum_bytes challenge)
{
    (void)challenge;
    if (sasl->said > 1)
        return sasl_has_said_all(sasl);
    if (sasl->said == 0)
        sasl_say_user(sasl);
    else
        sasl_say_secret(sasl);
    sasl->believes = sasl->said == 1;
    return THRUM__SASL_RESPOND;
}

/* RFC 2195: the user and, in hexadecimal, the HMAC of the challenge. */
static thrum__sasl_step sasl_cram(thrum__sasl *sasl, thrum_bytes challenge)
{
    static const char digits[] = "0123456789abcdef";
    thrum_bytes secret = thrum_secret_bytes(sasl->secret);
    unsigned char digest[16];

    if (sasl->said > 0)
        return sasl_has_said_all(sasl);
    if (challenge.size == 0)
        return thrum__sasl_cancel(sasl, "the challenge is empty");
    if (gnutls_hmac_fast(GNUTLS_MAC_MD5, secret.data, secret.size,
                         challenge.data, challenge.size, digest) != 0)
        return thrum__sasl_cancel(sasl, "MD5 is not to be had here");
    sasl_say_user(sasl);
    thrum__sasl_say(sasl, " ", 1);
    for (size_t i = 0; i < sizeof digest; i++) {
        thrum__sasl_say(sasl, &digits[digest[i] >> 4], 1);
        thrum__sasl_say(sasl, &digits[digest[i] & 15], 1);
    }
    sasl->believes = true;
    return THRUM__SASL_RESPOND;
}

/* A second challenge is a failure, told in JSON: the answer to it makes the
 * server say so in a reply. */
static thrum__sasl_step sasl_was_refused(thrum__sasl *sasl, const char *answer)
{
    if (sasl->said > 1)
        return sasl_has_said_all(sasl);
    sasl->believes = false;
    thrum__sasl_say_text(sasl, answer);
    return THRUM__SASL_RESPOND;
}

/* developers.google.com/gmail/imap/xoauth2-protocol */
static thrum__sasl_step sasl_xoauth2(thrum__sasl *sasl, thrum_bytes challenge)
{
    (void)challenge;
    if (sasl->said > 0)
        return sasl_was_refused(sasl, "");
    thrum__sasl_say_text(sasl, "user=");
    sasl_say_user(sasl);
    thrum__sasl_say_text(sasl, "\1auth=Bearer ");
    sasl_say_secret(sasl);
    thrum__sasl_say_text(sasl, "\1\1");
    sasl->believes = true;
    return THRUM__SASL_RESPOND;
}

/* RFC 7628 section 3.1. */
static thrum__sasl_step sasl_oauth(thrum__sasl *sasl, thrum_bytes challenge)
{
    char port[8];

    (void)challenge;
    if (sasl->said > 0)
        return sasl_was_refused(sasl, "\1");
    thrum__sasl_say_text(sasl, "n,a=");
    thrum__sasl_say_name(sasl, thrum_smtp_account_user(sasl->account));
    thrum__sasl_say_text(sasl, ",\1");
    if (sasl->host[0] != '\0') {
        thrum__sasl_say_text(sasl, "host=");
        thrum__sasl_say_text(sasl, sasl->host);
        thrum__sasl_say_text(sasl, "\1");
    }
    if (sasl->port != 0) {
        snprintf(port, sizeof port, "%u", (unsigned)sasl->port);
        thrum__sasl_say_text(sasl, "port=");
        thrum__sasl_say_text(sasl, port);
        thrum__sasl_say_text(sasl, "\1");
    }
    thrum__sasl_say_text(sasl, "auth=Bearer ");
    sasl_say_secret(sasl);
    thrum__sasl_say_text(sasl, "\1\1");
    sasl->believes = true;
    return THRUM__SASL_RESPOND;
}

static const thrum__sasl_way sasl_ways[] = {
    {THRUM_SMTP_PLAIN, true, sasl_plain},
    {THRUM_SMTP_LOGIN, false, sasl_login},
    {THRUM_SMTP_CRAM_MD5, false, sasl_cram},
    {THRUM_SMTP_SCRAM_SHA_1, true, thrum__scram_step},
    {THRUM_SMTP_SCRAM_SHA_256, true, thrum__scram_step},
    {THRUM_SMTP_XOAUTH2, true, sasl_xoauth2},
    {THRUM_SMTP_OAUTHBEARER, true, sasl_oauth},
};

/* ---- The login ---- */

static const thrum__sasl_way *sasl_find(unsigned mechanism)
{
    const thrum__sasl_way *way = sasl_ways;

    while (way->mechanism != mechanism)
        way++;
    return way;
}

static void sasl_set_nonce(thrum__sasl *sasl)
{
    char random[THRUM__SCRAM_NONCE / 4 * 3], nonce[THRUM__SCRAM_NONCE + 1];

    if (gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random) != 0)
        sasl->wrong = "there are no random bytes to be had";
    thrum__base64_encode(nonce, (thrum_bytes){random, sizeof random});
    nonce[THRUM__SCRAM_NONCE] = '\0';
    thrum__scram_set_nonce(sasl, nonce);
}

thrum__sasl *thrum__sasl_new(thrum_context *context,
                             thrum_smtp_account *account, unsigned mechanism,
                             const char *host, uint16_t port)
{
    size_t size = host != NULL ? strlen(host) : 0;
    thrum__sasl *sasl =
        thrum_context_allocate(context, sizeof *sasl + size + 1);
    thrum_secret *secret = thrum__account_secret(account);

    if (sasl == NULL)
        return NULL;
    *sasl = (thrum__sasl){
        .mechanism = mechanism, .way = sasl_find(mechanism), .port = port};
    memcpy(sasl->host, host != NULL ? host : "", size + 1);
    sasl->most = thrum_secret_bytes(secret).size +
                 3 * strlen(thrum_smtp_account_user(account)) + size +
                 THRUM__SASL_CHALLENGE + 128;
    sasl->room = thrum__secret_room(context, sasl->most);
    if (sasl->room == NULL) {
        thrum_context_release(context, sasl);
        return NULL;
    }
    sasl->context = thrum_context_ref(context);
    sasl->account = thrum_smtp_account_ref(account);
    sasl->secret = thrum_secret_ref(secret);
    if (sasl->way->step == thrum__scram_step)
        sasl_set_nonce(sasl);
    return sasl;
}

void thrum__sasl_free(thrum__sasl *sasl)
{
    thrum_context *context;

    if (sasl == NULL)
        return;
    thrum__scram_fini(sasl);
    thrum_secret_unref(sasl->room);
    thrum_secret_unref(sasl->secret);
    thrum_smtp_account_unref(sasl->account);
    context = sasl->context;
    thrum_context_release(context, sasl);
    thrum_context_unref(context);
}

bool thrum__sasl_speaks_first(const thrum__sasl *sasl)
{
    return sasl->way->speaks_first;
}

thrum__sasl_step thrum__sasl_step_on(thrum__sasl *sasl, thrum_bytes challenge,
                                     thrum_bytes *response)
{
    thrum__sasl_step step;

    sasl->size = 0;
    if (sasl->wrong != NULL)
        return THRUM__SASL_CANCEL;
    if (challenge.size > THRUM__SASL_CHALLENGE)
        return thrum__sasl_cancel(sasl, "the challenge is too long");
    step = sasl->way->step(sasl, challenge);
    sasl->said += step == THRUM__SASL_RESPOND;
    *response = thrum__sasl_said(sasl);
    return step;
}

bool thrum__sasl_may_succeed(thrum__sasl *sasl)
{
    if (sasl->believes)
        return true;
    if (sasl->wrong == NULL)
        sasl->wrong = sasl->way->step == thrum__scram_step
                          ? "it did not prove that it knows the password"
                          : "it says that a login is done that is not";
    return false;
}

const char *thrum__sasl_wrong(const thrum__sasl *sasl)
{
    return sasl->wrong != NULL ? sasl->wrong : "";
}
