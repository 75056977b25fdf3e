/* SPDX-License-Identifier: MIT */
/*
 * From the greeting until the session is ready for messages.
 */
#include <string.h>

#include "mail/smtp/session_internal.h"

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

/* ---- What the replies do ---- */

void thrum__session_reply_greeting(thrum_smtp_session *session,
                                   session_transaction *transaction,
                                   const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_GREETING;

    if (session_reply_is_positive(reply))
        session_push(session, THRUM_SMTP_STAGE_EHLO, NULL);
    else if (session_reply_is_negative(reply))
        thrum__session_end(session,
                           thrum__session_no_service(session, stage, reply));
    else
        thrum__session_surprised(session, stage, transaction, reply);
}

static void reply_open(thrum_smtp_session *session, bool pipelining)
{
    session->mode = !pipelining ? THRUM_SMTP_MODE_LOCKSTEP
                    : session->most == THRUM_SMTP_MODE_LOCKSTEP
                        ? THRUM_SMTP_MODE_LOCKSTEP
                        : THRUM_SMTP_MODE_ACROSS;
    if (session->state == THRUM_SMTP_SESSION_OPENING)
        session->state = THRUM_SMTP_SESSION_READY;
}

/* A server that knows no EHLO is greeted as in 1982 (RFC 5321 section
 * 4.1.1.1). */
void thrum__session_reply_ehlo(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_EHLO;

    if (session_reply_is_positive(reply))
        reply_open(session, thrum__reply_offers(reply, "PIPELINING"));
    else if (reply->code >= 500)
        session_push(session, THRUM_SMTP_STAGE_HELO, NULL);
    else if (session_reply_is_negative(reply))
        thrum__session_end(session,
                           thrum__session_no_service(session, stage, reply));
    else
        thrum__session_surprised(session, stage, transaction, reply);
}

void thrum__session_reply_helo(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_HELO;

    if (session_reply_is_positive(reply))
        reply_open(session, false);
    else if (session_reply_is_negative(reply))
        thrum__session_end(session,
                           thrum__session_no_service(session, stage, reply));
    else
        thrum__session_surprised(session, stage, transaction, reply);
}
