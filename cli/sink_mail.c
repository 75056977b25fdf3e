/* SPDX-License-Identifier: MIT */
/* MAIL and RCPT. */
#include "cli/sink_command.h"
#include "cli/sink_path.h"

/* No memory for what a command brought: the transaction goes, with a 4xx. */
static void mail_give_up(sink_session *session)
{
    sink_forget(session);
    sink_reply(session, "452 4.3.1 Out of memory\r\n");
}

/* Refuses what is neither ASCII nor announced by SMTPUTF8 (RFC 6531). */
static bool mail_may_name(sink_session *session, thrum_bytes path, bool utf8)
{
    if (sink_path_is_ascii(path))
        return true;
    if (!utf8)
        sink_refuse(session,
                    "553 5.6.7 Non-ASCII address without SMTPUTF8\r\n");
    else if (!sink_path_is_utf8(path))
        sink_refuse(session, "501 5.1.3 An address that is not UTF-8\r\n");
    else
        return true;
    return false;
}

/* What is wrong with the parameters has been said, unless it answers true. */
static bool mail_may_wish(sink_session *session, sink_parameters found)
{
    if (found == SINK_PARAMETERS_UNKNOWN)
        sink_refuse(session, "555 5.5.4 Parameter is not offered\r\n");
    else if (found == SINK_PARAMETERS_WRONG)
        sink_refuse(session, "501 5.5.4 Syntax error in a parameter\r\n");
    return found == SINK_PARAMETERS_GOOD;
}

/* Whether MAIL may come now. */
static bool mail_is_due(sink_session *session)
{
    if (session->closing)
        sink_hang_up(session, "421 4.3.2 The sink is closing\r\n");
    else if (session->stage == SINK_STAGE_FRESH)
        sink_refuse(session, "503 5.5.1 EHLO or HELO comes first\r\n");
    else if (session->stage != SINK_STAGE_READY)
        sink_refuse(session, "503 5.5.1 There is a sender already\r\n");
    else if (session->config->account != NULL && session->mechanism == NULL)
        sink_reply(session, "530 5.7.0 Authentication required\r\n");
    else
        return true;
    return false;
}

/* A refusal for its size is no error of the client's. */
static void mail_begin(sink_session *session, thrum_bytes path,
                       const sink_mail_wishes *wishes)
{
    uint64_t most = session->config->size;

    if (!mail_may_name(session, path, wishes->utf8))
        return;
    if (most > 0 && wishes->size > most) {
        sink_reply(session, "552 5.3.4 The message is too large\r\n");
    } else if (sink_envelope_begin(&session->envelope, path, wishes) != 0) {
        mail_give_up(session);
    } else {
        session->stage = SINK_STAGE_MAIL;
        sink_reply(session, "250 2.1.0 Ok\r\n");
    }
}

void sink_serve_mail(sink_session *session, thrum_bytes argument)
{
    sink_offers offers = sink_session_offers(session);
    sink_mail_wishes wishes;
    thrum_bytes path, rest;

    if (!mail_is_due(session))
        return;
    if (!sink_path_read(argument, "FROM:", &path, &rest) ||
        !sink_path_is_sender(path))
        sink_refuse(session, "501 5.1.7 Syntax: MAIL FROM:<address>\r\n");
    else if (mail_may_wish(session,
                           sink_parameters_mail(rest, &offers, &wishes)))
        mail_begin(session, path, &wishes);
}

static void rcpt_add(sink_session *session, thrum_bytes path,
                     const sink_rcpt_wishes *wishes)
{
    if (!mail_may_name(session, path, session->envelope.utf8))
        return;
    if (session->envelope.count == SINK_RECIPIENTS_MAX) {
        sink_reply(session, "452 4.5.3 Too many recipients\r\n");
    } else if (sink_envelope_add(&session->envelope, path, wishes) != 0) {
        mail_give_up(session);
    } else {
        session->stage = SINK_STAGE_RCPT;
        sink_reply(session, "250 2.1.5 Ok\r\n");
    }
}

/* That there is no sender may be due to a MAIL that was refused in the same
 * group (RFC 2920), and is not held against the client. */
void sink_serve_rcpt(sink_session *session, thrum_bytes argument)
{
    sink_offers offers = sink_session_offers(session);
    sink_rcpt_wishes wishes;
    thrum_bytes path, rest;

    if (session->stage < SINK_STAGE_MAIL)
        sink_reply(session, "503 5.5.1 MAIL comes first\r\n");
    else if (session->stage > SINK_STAGE_RCPT)
        sink_refuse(session, "503 5.5.1 The text has begun\r\n");
    else if (!sink_path_read(argument, "TO:", &path, &rest) ||
             !sink_path_is_recipient(path))
        sink_refuse(session, "501 5.1.3 Syntax: RCPT TO:<address>\r\n");
    else if (mail_may_wish(session, sink_parameters_rcpt(rest, &offers,
                                                         session->envelope.utf8,
                                                         &wishes)))
        rcpt_add(session, path, &wishes);
}
