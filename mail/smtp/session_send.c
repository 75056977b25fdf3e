/* SPDX-License-Identifier: MIT */
/*
 * What the session sends: one function a command, and the ring that says which
 * comes next.
 */
#include <string.h>

#include "mail/smtp/command.h"
#include "mail/smtp/session_internal.h"

int thrum__session_send(thrum_smtp_session *session, thrum_smtp_stage stage,
                        thrum_bytes argument, thrum_buffer *out, thrum_ns now)
{
    int error = thrum__command_write(out, stage, argument);

    if (error == 0 && session->awaited++ == 0)
        session->since = now;
    return error;
}

static int send_plain(thrum_smtp_session *session, thrum_smtp_stage stage,
                      thrum_buffer *out, thrum_ns now)
{
    return thrum__session_send(session, stage, (thrum_bytes){NULL, 0}, out,
                               now);
}

int thrum__session_send_rset(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    (void)transaction;
    (void)enough;
    return send_plain(session, THRUM_SMTP_STAGE_RSET, out, now);
}

int thrum__session_send_give_up(thrum_smtp_session *session,
                                session_transaction *transaction, bool heard,
                                thrum_buffer *out, thrum_ns now)
{
    session->end = session->sending + !heard;
    session_push(session, THRUM_SMTP_STAGE_RSET, transaction);
    return heard ? send_plain(session, THRUM_SMTP_STAGE_RSET, out, now) : 0;
}

int thrum__session_send_data(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    (void)enough;
    if (transaction->verdict != NULL)
        return thrum__session_send_give_up(session, transaction, true, out,
                                           now);
    return send_plain(session, THRUM_SMTP_STAGE_DATA, out, now);
}

/* A message that has failed already, whose DATA the server took nevertheless,
 * is ended by its dot at once (RFC 2920 section 3.1). */
int thrum__session_send_body(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    int more, error;

    if (transaction->chunked)
        return thrum__session_send_chunk(session, transaction, out, enough,
                                         now);
    if (transaction->verdict != NULL)
        return send_plain(session, THRUM_SMTP_STAGE_BODY, out, now);
    session->since = now;
    transaction->progress = SESSION_BODY;
    more = thrum__message_data(transaction->message, &transaction->cursor,
                               THRUM__MESSAGE_DOTTED, out, enough);
    if (more != 0)
        return more;
    error = send_plain(session, THRUM_SMTP_STAGE_BODY, out, now);
    if (error == 0)
        transaction->progress = SESSION_DOT;
    return error;
}

int thrum__session_send_quit(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    (void)transaction;
    (void)enough;
    return send_plain(session, THRUM_SMTP_STAGE_QUIT, out, now);
}

static session_perform_fn *const send_performs[] = {
    [THRUM_SMTP_STAGE_EHLO] = thrum__session_send_ehlo,
    [THRUM_SMTP_STAGE_HELO] = thrum__session_send_helo,
    [THRUM_SMTP_STAGE_STARTTLS] = thrum__session_send_starttls,
    [THRUM_SMTP_STAGE_AUTH] = thrum__session_send_auth,
    [THRUM_SMTP_STAGE_RSET] = thrum__session_send_rset,
    [THRUM_SMTP_STAGE_MAIL] = thrum__session_send_mail,
    [THRUM_SMTP_STAGE_RCPT] = thrum__session_send_rcpt,
    [THRUM_SMTP_STAGE_DATA] = thrum__session_send_data,
    [THRUM_SMTP_STAGE_BODY] = thrum__session_send_body,
    [THRUM_SMTP_STAGE_QUIT] = thrum__session_send_quit,
};

/* The next message's envelope, and with BDAT all of it. What a server may still
 * hold of a transaction that it refused is dropped first. Behind a message in
 * flight nobody knows that yet: Exim holds a transaction of which it refused
 * all recipients, and the BDAT, and would take the next message in its name. */
static void send_begin(thrum_smtp_session *session)
{
    session_transaction *transaction =
        thrum__session_transaction_begin(session);

    transaction->chunked = session->mode == THRUM_SMTP_MODE_CHUNKED;
    if (session_last(session)->stage != THRUM_SMTP_STAGE_RSET &&
        (session->dirty || (transaction->chunked && session->awaited > 0)))
        session_push(session, THRUM_SMTP_STAGE_RSET, NULL);
    session->dirty = false;
    session_push(session, THRUM_SMTP_STAGE_MAIL, transaction);
    session_push(session, THRUM_SMTP_STAGE_RCPT, transaction);
    session_push(session,
                 transaction->chunked ? THRUM_SMTP_STAGE_BODY
                                      : THRUM_SMTP_STAGE_DATA,
                 transaction);
}

/* A message that the server could not take ends before anything of it is sent.
 * Whether there is one left. */
static bool send_find(thrum_smtp_session *session)
{
    session_transaction *first;
    thrum_failure *why;

    while ((first = session->waiting.first) != NULL) {
        why = thrum__session_envelope_check(session, first);
        if (why == NULL)
            return true;
        thrum__session_queue_take(&session->waiting);
        thrum__session_transaction_tell(session, first, why);
    }
    return false;
}

/* Whether another message may be begun, all in the ring being sent. Behind what
 * still awaits its reply that is so only behind a body, or behind the RSET that
 * took its place. */
static bool send_may_begin(thrum_smtp_session *session)
{
    thrum_smtp_stage last = session_last(session)->stage;

    return session->waiting.first != NULL &&
           (session->awaited == 0 ||
            ((last == THRUM_SMTP_STAGE_BODY || last == THRUM_SMTP_STAGE_RSET) &&
             session->begun.size < session->room));
}

/* Whether a command may be sent now; one that is due is put in the ring. */
static bool send_is_due(thrum_smtp_session *session)
{
    bool awaits = session->awaited > 0;

    if (session->state == THRUM_SMTP_SESSION_ENDED ||
        session->state == THRUM_SMTP_SESSION_STARTTLS ||
        (session_is_lockstep(session) && awaits))
        return false;
    if (session->sending != session->end)
        return true;
    if (send_may_begin(session) && send_find(session)) {
        send_begin(session);
        return true;
    }
    if (session->state != THRUM_SMTP_SESSION_CLOSING || awaits ||
        session->waiting.first != NULL || session->leaving)
        return false;
    session->leaving = true;
    session_push(session, THRUM_SMTP_STAGE_QUIT, NULL);
    return true;
}

/* Bytes of a reply that nobody asked for are in the reader: whatever is sent
 * now would take them for its own answer. (During a body they are the start of
 * an early refusal.) */
static bool send_is_out_of_step(const thrum_smtp_session *session,
                                const session_transaction *transaction)
{
    return session->awaited == 0 &&
           thrum__reply_reader_is_amid(&session->reader) &&
           (transaction == NULL || transaction->progress == SESSION_ENVELOPE);
}

/* It could not be written: for want of memory, or because the message cannot be
 * sent. What the server has got is half a command or half a body. */
static void send_failed(thrum_smtp_session *session,
                        session_transaction *transaction, int error)
{
    const thrum_failure *unready =
        transaction != NULL && transaction->message != NULL
            ? thrum__message_ready(transaction->message)
            : NULL;
    thrum_failure *why =
        unready != NULL ? thrum_failure_ref(unready)
                        : thrum_failure_new(session->context,
                                            &thrum_domain_base, error, NULL);

    if (transaction != NULL)
        thrum__session_transaction_judge(transaction, thrum_failure_ref(why));
    thrum__session_end(session, why);
}

int thrum_smtp_session_produce(thrum_smtp_session *session, thrum_buffer *out,
                               size_t enough, thrum_ns now)
{
    bool due;

    while ((due = send_is_due(session)) && out->size < enough) {
        session_command command =
            session->ring[session->sending & session->mask];
        session_transaction *transaction = command.transaction;
        int more;

        if (send_is_out_of_step(session, transaction)) {
            thrum__session_end(session, thrum__session_not_smtp(
                                            session, command.stage,
                                            "it spoke without being asked"));
            return 0;
        }
        more = send_performs[command.stage](session, transaction, out, enough,
                                            now);
        if (more < 0) {
            send_failed(session, transaction, more);
            return more;
        }
        if (more == 0)
            session->sending++;
        else if (command.stage == THRUM_SMTP_STAGE_AUTH)
            return 1; /* a password is being made a key of */
    }
    return due;
}
