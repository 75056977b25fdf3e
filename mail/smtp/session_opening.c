/* SPDX-License-Identifier: MIT */
/*
 * From the greeting until the session is ready for messages: EHLO, STARTTLS,
 * and EHLO again. What the server said in the clear is forgotten when the
 * connection is secured; what it says in between is never read.
 */
#include <string.h>

#include "mail/smtp/ehlo.h"
#include "mail/smtp/session_internal.h"

enum { OPENING_TLS_GO_AHEAD = 220 };

static void opening_insecure(thrum_smtp_session *session,
                             thrum_smtp_stage stage, const char *what,
                             const thrum__reply *reply)
{
    thrum__session_end(session,
                       thrum__session_insecure(session, stage, what, reply));
}

/* ---- What is sent ---- */

static int send_hello(thrum_smtp_session *session, thrum_smtp_stage stage,
                      thrum_buffer *out, thrum_ns now)
{
    thrum_bytes helo = {session->helo, strlen(session->helo)};

    return thrum__session_send(session, stage, helo, out, now);
}

int thrum__session_send_ehlo(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    (void)transaction;
    (void)enough;
    return send_hello(session, THRUM_SMTP_STAGE_EHLO, out, now);
}

int thrum__session_send_helo(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    (void)transaction;
    (void)enough;
    return send_hello(session, THRUM_SMTP_STAGE_HELO, out, now);
}

int thrum__session_send_starttls(thrum_smtp_session *session,
                                 session_transaction *transaction,
                                 thrum_buffer *out, size_t enough, thrum_ns now)
{
    (void)transaction;
    (void)enough;
    return thrum__session_send(session, THRUM_SMTP_STAGE_STARTTLS,
                               (thrum_bytes){NULL, 0}, out, now);
}

/* ---- What comes next ---- */

/* Whether there is anything yet to be done for which TLS or an account would be
 * needed: not when all that is left is to say QUIT. */
static bool opening_is_over(const thrum_smtp_session *session)
{
    return session->state == THRUM_SMTP_SESSION_CLOSING &&
           session->waiting.first == NULL;
}

/* Nothing more is to be done for TLS. */
static void opening_go_on(thrum_smtp_session *session)
{
    if (session->account != NULL && !opening_is_over(session))
        thrum__session_log_in(session);
    else
        thrum__session_ready(session);
}

/* The server has said what it offers. Within TLS a STARTTLS that it offers
 * again is not looked at. */
static void opening_secure(thrum_smtp_session *session)
{
    bool offered = (session->offers.extensions & THRUM_SMTP_STARTTLS) != 0;

    if (opening_is_over(session) || session->secured ||
        session->tls == THRUM_SMTP_TLS_NONE)
        opening_go_on(session);
    else if (offered)
        session_push(session, THRUM_SMTP_STAGE_STARTTLS, NULL);
    else if (session->tls == THRUM_SMTP_TLS_OPPORTUNISTIC)
        opening_go_on(session);
    else
        opening_insecure(session, THRUM_SMTP_STAGE_STARTTLS,
                         "does not offer STARTTLS, and TLS is required", NULL);
}

/* ---- What the replies do ---- */

static bool opening_greet(thrum_smtp_session *session,
                          const thrum__reply *reply)
{
    char words[THRUM__REPLY_WORDS];
    size_t size = thrum__reply_words(reply, words, sizeof words);

    session->greeting_code = reply->code;
    session->greeting = thrum_context_copy(session->context, words, size);
    if (session->greeting == NULL)
        thrum__session_end(session, thrum_failure_no_memory());
    return session->greeting != NULL;
}

void thrum__session_reply_greeting(thrum_smtp_session *session,
                                   session_transaction *transaction,
                                   const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_GREETING;

    if (!opening_greet(session, reply))
        return;
    if (session_reply_is_positive(reply))
        session_push(session, THRUM_SMTP_STAGE_EHLO, NULL);
    else if (session_reply_is_negative(reply))
        thrum__session_end(session,
                           thrum__session_no_service(session, stage, reply));
    else
        thrum__session_surprised(session, stage, transaction, reply);
}

/* A server that knows no EHLO is greeted as in 1982 (RFC 5321 section
 * 4.1.1.1), unless something is needed that HELO does not have: an answer to
 * EHLO that somebody on the way has changed must not take TLS away. */
static void opening_fall_back(thrum_smtp_session *session,
                              const thrum__reply *reply)
{
    if (!session->secured && session->tls == THRUM_SMTP_TLS_REQUIRED)
        opening_insecure(session, THRUM_SMTP_STAGE_EHLO,
                         "refused EHLO, and TLS is required", reply);
    else if (session->account != NULL)
        thrum__session_end(session, thrum__session_no_mechanism(session));
    else
        session_push(session, THRUM_SMTP_STAGE_HELO, NULL);
}

void thrum__session_reply_ehlo(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_EHLO;

    if (session_reply_is_positive(reply)) {
        thrum__ehlo_read(reply, &session->offers);
        opening_secure(session);
    } else if (reply->code >= 500) {
        opening_fall_back(session, reply);
    } else if (session_reply_is_negative(reply)) {
        thrum__session_end(session,
                           thrum__session_no_service(session, stage, reply));
    } else {
        thrum__session_surprised(session, stage, transaction, reply);
    }
}

void thrum__session_reply_helo(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_HELO;

    if (session_reply_is_positive(reply))
        thrum__session_ready(session);
    else if (session_reply_is_negative(reply))
        thrum__session_end(session,
                           thrum__session_no_service(session, stage, reply));
    else
        thrum__session_surprised(session, stage, transaction, reply);
}

/* Only 220 is consent (RFC 3207 section 4). Where TLS is required anything else
 * is a reason to stop; where it is not, a refusal is none, and what is neither
 * is no SMTP. */
void thrum__session_reply_starttls(thrum_smtp_session *session,
                                   session_transaction *transaction,
                                   const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_STARTTLS;

    if (reply->code == OPENING_TLS_GO_AHEAD)
        session->state = THRUM_SMTP_SESSION_STARTTLS;
    else if (session->tls == THRUM_SMTP_TLS_REQUIRED)
        opening_insecure(session, stage,
                         "refused STARTTLS, and TLS is required", reply);
    else if (session_reply_is_negative(reply))
        thrum__session_ready(session);
    else
        thrum__session_surprised(session, stage, transaction, reply);
}

/* ---- From outside ---- */

/* A secret is not given to whoever can listen, or can claim to be the server
 * (RFC 4954 section 4; RFC 8314 section 5). */
void thrum__session_open(thrum_smtp_session *session,
                         const thrum_smtp_session_config *config)
{
    bool account = config->account != NULL;

    session->tls = config->tls != THRUM_SMTP_TLS_DEFAULT ? config->tls
                   : account ? THRUM_SMTP_TLS_REQUIRED
                             : THRUM_SMTP_TLS_OPPORTUNISTIC;
    session->secured = session->tls == THRUM_SMTP_TLS_IMPLICIT;
    if (!account)
        return;
    session->account = thrum_smtp_account_ref(config->account);
    if (session->tls != THRUM_SMTP_TLS_REQUIRED &&
        session->tls != THRUM_SMTP_TLS_IMPLICIT)
        opening_insecure(session, THRUM_SMTP_STAGE_AUTH,
                         "is not told the account: that needs TLS", NULL);
}

/* Nothing that the server said in the clear is remembered (RFC 3207 section
 * 4.2). */
void thrum_smtp_session_secured(thrum_smtp_session *session, thrum_ns now)
{
    if (session->state != THRUM_SMTP_SESSION_STARTTLS)
        return;
    if (session->unread > 0) {
        opening_insecure(session, THRUM_SMTP_STAGE_STARTTLS,
                         "went on in the clear behind its consent to STARTTLS",
                         NULL);
        return;
    }
    session->secured = true;
    session->offers = (thrum_smtp_offers){.extensions = 0};
    session->since = now;
    session->state = session->quitting ? THRUM_SMTP_SESSION_CLOSING
                                       : THRUM_SMTP_SESSION_OPENING;
    session_push(session, THRUM_SMTP_STAGE_EHLO, NULL);
}

size_t thrum_smtp_session_unread(const thrum_smtp_session *session)
{
    return session->unread;
}

const thrum_smtp_offers *
thrum_smtp_session_offers(const thrum_smtp_session *session)
{
    return &session->offers;
}

const char *thrum_smtp_session_greeting(const thrum_smtp_session *session)
{
    return session->greeting != NULL ? session->greeting : "";
}

unsigned thrum_smtp_session_mechanism(const thrum_smtp_session *session)
{
    return session->mechanism;
}
