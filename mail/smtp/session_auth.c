/* SPDX-License-Identifier: MIT */
/*
 * AUTH (RFC 4954): the commands, and the challenges without their base64. What
 * is said is the mechanism's (sasl.h). Nothing of it is in the failures that
 * come of it, also when the server repeats it.
 */
#include <string.h>

#include "mail/smtp/account.h"
#include "mail/smtp/base64.h"
#include "mail/smtp/command.h"
#include "mail/smtp/sasl.h"
#include "mail/smtp/session_internal.h"

enum {
    AUTH_CHALLENGE = 334,
    AUTH_DONE = 235,
    AUTH_ROOM = THRUM__REPLY_LINE / 4 * 3
};

/* A login under way. */
struct session_login {
    thrum__sasl *sasl;
    bool began;       /* AUTH was sent */
    bool held;        /* `response` was too long for its line, and waits */
    const char *gone; /* why "*" is sent; NULL: it is not */
    thrum_bytes response;
    size_t size; /* of the challenge */
    char challenge[AUTH_ROOM];
};

/* ---- Begun, and ended ---- */

void thrum__session_login_end(thrum_smtp_session *session)
{
    session_login *login = session->login;

    if (login == NULL)
        return;
    session->login = NULL;
    thrum__sasl_free(login->sasl);
    explicit_bzero(login, sizeof *login);
    thrum_context_release(session->context, login);
}

static session_login *auth_new(thrum_smtp_session *session)
{
    session_login *login =
        thrum_context_allocate(session->context, sizeof *login);

    if (login == NULL)
        return NULL;
    memset(login, 0, offsetof(session_login, challenge));
    login->sasl =
        thrum__sasl_new(session->context, session->account, session->mechanism,
                        session->host, session->port);
    if (login->sasl != NULL)
        return login;
    thrum_context_release(session->context, login);
    return NULL;
}

void thrum__session_log_in(thrum_smtp_session *session)
{
    session->mechanism =
        thrum_smtp_account_choose(session->account, session->offers.mechanisms);
    if (session->mechanism == 0) {
        thrum__session_end(session, thrum__session_no_mechanism(session));
        return;
    }
    session->login = auth_new(session);
    if (session->login == NULL)
        thrum__session_end(session, thrum_failure_no_memory());
    else
        session_push(session, THRUM_SMTP_STAGE_AUTH, NULL);
}

/* ---- What is sent ---- */

/* Base64 is written where it is sent from: there is no copy to be wiped. */
static int auth_write(thrum_smtp_session *session, thrum_buffer *out,
                      const char *before, thrum_bytes response, thrum_ns now)
{
    size_t size = strlen(before), base64 = thrum__base64_size(response.size);
    char *line = thrum_buffer_reserve(out, size + base64 + 2);

    if (line == NULL)
        return size + base64 + 2 > out->cap - out->size ? THRUM_E_FULL
                                                        : THRUM_E_NOMEM;
    memcpy(line, before, size);
    thrum__base64_encode(line + size, response);
    memcpy(line + size + base64, "\r\n", 2);
    thrum_buffer_commit(out, size + base64 + 2);
    if (session->awaited++ == 0)
        session->since = now;
    return 0;
}

/* The first line has the initial response only when there is room for it (RFC
 * 4954 section 4); otherwise the server asks for it. */
static int auth_begin(thrum_smtp_session *session, thrum_buffer *out,
                      thrum_ns now)
{
    session_login *login = session->login;
    char before[40] = "AUTH ";
    thrum_smtp_mechanism mechanism = (thrum_smtp_mechanism)session->mechanism;
    const char *name = thrum_smtp_mechanism_name(mechanism);
    size_t size = strlen(name);

    memcpy(before + 5, name, size + 1);
    login->began = true;
    login->held = login->response.size > 0 &&
                  5 + size + 1 + thrum__base64_size(login->response.size) + 2 >
                      THRUM__COMMAND_LINE;
    if (login->response.size == 0 || login->held)
        return auth_write(session, out, before, (thrum_bytes){NULL, 0}, now);
    memcpy(before + 5 + size, " ", 2);
    return auth_write(session, out, before, login->response, now);
}

int thrum__session_send_auth(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    session_login *login = session->login;
    thrum_bytes challenge = {login->challenge, login->size};
    bool silent = !login->began && !thrum__sasl_speaks_first(login->sasl);
    thrum__sasl_step step = THRUM__SASL_RESPOND;

    (void)transaction;
    (void)enough;
    if (!silent && !login->held && login->gone == NULL)
        step = thrum__sasl_step_on(login->sasl, challenge, &login->response);
    login->held = false;
    if (step == THRUM__SASL_THINK)
        return 1;
    if (step == THRUM__SASL_NOMEM)
        return THRUM_E_NOMEM;
    if (step == THRUM__SASL_CANCEL)
        login->gone = thrum__sasl_wrong(login->sasl);
    if (login->gone != NULL)
        return auth_write(session, out, "*", (thrum_bytes){NULL, 0}, now);
    return login->began ? auth_write(session, out, "", login->response, now)
                        : auth_begin(session, out, now);
}

/* ---- What the replies do ---- */

static void auth_challenged(thrum_smtp_session *session,
                            const thrum__reply *reply)
{
    session_login *login = session->login;

    if (reply->text.size > THRUM__REPLY_LINE ||
        !thrum__base64_decode(login->challenge, &login->size, reply->text))
        login->gone = "a challenge is not base64";
    session_push(session, THRUM_SMTP_STAGE_AUTH, NULL);
}

/* The server says that the login is done. */
static void auth_done(thrum_smtp_session *session)
{
    thrum__sasl *sasl = session->login->sasl;

    if (thrum__sasl_may_succeed(sasl)) {
        thrum__session_login_end(session);
        thrum__session_ready(session);
    } else {
        thrum__session_end(
            session, thrum__session_not_smtp(session, THRUM_SMTP_STAGE_AUTH,
                                             thrum__sasl_wrong(sasl)));
    }
}

void thrum__session_reply_auth(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    session_login *login = session->login;
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_AUTH;

    if (login->gone != NULL && session_reply_is_negative(reply))
        thrum__session_end(
            session, thrum__session_not_smtp(session, stage, login->gone));
    else if (login->gone == NULL && reply->code == AUTH_CHALLENGE)
        auth_challenged(session, reply);
    else if (login->gone == NULL && reply->code == AUTH_DONE)
        auth_done(session);
    else if (session_reply_is_negative(reply))
        thrum__session_end(session, thrum__session_no_account(session, reply));
    else
        thrum__session_surprised(session, stage, transaction, reply);
}

/* ---- What is not shown ---- */

static bool auth_has(thrum_bytes text, const char *part, size_t size)
{
    return size > 0 && memmem(text.data, text.size, part, size) != NULL;
}

/* Within the base64 of more than the secret, its own begins at one of three
 * places; the digits that its neighbours share are left out. */
static bool auth_has_base64(thrum_bytes text, thrum_bytes secret, size_t before)
{
    char part[64] = {0}, base64[4 * sizeof part / 3 + 4];
    size_t size = secret.size, from = before == 0 ? 0 : before + 1;
    size_t whole;
    bool has;

    if (size > 32)
        size = 32; /* of a long one, a part says as much */
    memcpy(part + before, secret.data, size);
    thrum__base64_encode(base64, (thrum_bytes){part, before + size});
    whole = (before + size) * 8 / 6;
    has = whole > from && auth_has(text, base64 + from, whole - from);
    explicit_bzero(part, sizeof part);
    explicit_bzero(base64, sizeof base64);
    return has;
}

/* What was said last in a login that is refused. A proof of SCRAM, or a digest
 * of CRAM-MD5, is what passwords can be tried on, offline; it ends the
 * response. The base64 is that of whole groups, which needs no neighbours. */
static bool auth_has_response(const session_login *login, thrum_bytes text)
{
    enum { TAIL = 24 };
    char base64[TAIL / 3 * 4 + 1];
    thrum_bytes part;
    bool has;

    if (login == NULL || login->response.size < TAIL)
        return false;
    part.size = TAIL;
    part.data = login->response.data + login->response.size - TAIL;
    if (auth_has(text, part.data, part.size))
        return true;
    part.data -= login->response.size % 3;
    thrum__base64_encode(base64, part);
    has = auth_has(text, base64, TAIL / 3 * 4);
    explicit_bzero(base64, sizeof base64);
    return has;
}

bool thrum__session_repeats_secret(const thrum_smtp_session *session,
                                   thrum_bytes text)
{
    thrum_bytes secret;

    if (session->account == NULL)
        return false;
    secret = thrum_secret_bytes(thrum__account_secret(session->account));
    return auth_has(text, secret.data, secret.size) ||
           auth_has_base64(text, secret, 0) ||
           auth_has_base64(text, secret, 1) ||
           auth_has_base64(text, secret, 2) ||
           auth_has_response(session->login, text);
}
