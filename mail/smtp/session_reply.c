/* SPDX-License-Identifier: MIT */
/*
 * What the server's replies do: one function a command. A reply that none of
 * them expects ends the session; nothing is guessed.
 */
#include <string.h>

#include "mail/smtp/session_internal.h"

enum {
    REPLY_START_INPUT = 354,
    REPLY_SERVICE_ENDS = 421,
    REPLY_TOO_MANY = 452,
    REPLY_TOO_MUCH = 552
};

/* The session ends, and the message that this was about fails by it, unless it
 * was sent to its end: then nobody knows. Ownership: why taken. */
static void reply_breaks(thrum_smtp_session *session,
                         session_transaction *transaction, thrum_failure *why)
{
    if (transaction != NULL && transaction->progress != SESSION_DOT)
        thrum__session_transaction_judge(transaction, thrum_failure_ref(why));
    thrum__session_end(session, why);
}

void thrum__session_surprised(thrum_smtp_session *session,
                              thrum_smtp_stage stage,
                              session_transaction *transaction,
                              const thrum__reply *reply)
{
    reply_breaks(session, transaction,
                 thrum__session_surprise(session, stage, reply));
}

/* The first message ends by its verdict. */
static void reply_sentence(thrum_smtp_session *session)
{
    thrum__session_transaction_end(session, session->begun.first->verdict);
}

/* A transaction that could not be dropped would get the next message's
 * recipients added to its own. */
void thrum__session_reply_rset(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    if (!session_reply_is_positive(reply)) {
        thrum__session_surprised(session, THRUM_SMTP_STAGE_RSET, transaction,
                                 reply);
        return;
    }
    session->dirty = false;
    thrum__session_was_reset(session);
    if (transaction != NULL)
        reply_sentence(session);
}

void thrum__session_reply_mail(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_MAIL;

    if (session_reply_is_negative(reply)) {
        thrum__session_transaction_judge(
            transaction, thrum__session_refusal(session, stage, reply));
    } else if (!session_reply_is_positive(reply)) {
        thrum__session_surprised(session, stage, transaction, reply);
    }
}

/* All recipients were refused: by the first refusal that may pass, or else by
 * the first. */
static thrum_failure *reply_all_refused(const thrum_receipt *receipt)
{
    const thrum_failure *first = NULL;

    for (size_t i = 0; i < thrum_receipt_recipients(receipt); i++) {
        const thrum_failure *why = thrum_receipt_refusal(receipt, i);

        if (thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_LATER))
            return thrum_failure_ref(why);
        if (first == NULL)
            first = why;
    }
    return thrum_failure_ref(first);
}

/* RFC 5321 section 4.5.3.1.10; 552 is what RFC 821 called it. A server may say
 * 452 and 552 of a full disk or mailbox too, and then says so in an enhanced
 * code. */
bool thrum__session_is_too_many(thrum_smtp_stage stage,
                                const thrum__reply *reply)
{
    char enhanced[THRUM__REPLY_ENHANCED];

    if (stage != THRUM_SMTP_STAGE_RCPT)
        return false;
    if (thrum__reply_enhanced(reply, enhanced) > 0)
        return strcmp(enhanced + 1, ".5.3") == 0;
    return reply->code == REPLY_TOO_MANY || reply->code == REPLY_TOO_MUCH;
}

static void reply_rcpt_refused(thrum_smtp_session *session,
                               session_transaction *transaction, size_t index,
                               const thrum__reply *reply)
{
    bool late = thrum__session_is_too_many(THRUM_SMTP_STAGE_RCPT, reply);

    thrum__receipt_refuse(
        transaction->receipt, index,
        thrum__session_refusal(session, THRUM_SMTP_STAGE_RCPT, reply));
    transaction->marks[index] = late ? THRUM__MARK_LATE : THRUM__MARK_REFUSED;
    transaction->open += late;
}

static void reply_rcpt_taken(session_transaction *transaction, size_t index)
{
    transaction->marks[index] = THRUM__MARK_TAKEN;
    transaction->taken++;
    if (transaction->done > 0)
        thrum__receipt_refuse(transaction->receipt, index, NULL);
}

void thrum__session_reply_rcpt(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    bool positive = session_reply_is_positive(reply);
    size_t index;

    if (!positive && !session_reply_is_negative(reply)) {
        thrum__session_surprised(session, THRUM_SMTP_STAGE_RCPT, transaction,
                                 reply);
        return;
    }
    if (transaction->message == NULL) {
        transaction->taken += positive;
        return;
    }
    index =
        session_marked(transaction, transaction->hearing, THRUM__MARK_ASKED);
    transaction->hearing = index + 1;
    if (positive)
        reply_rcpt_taken(transaction, index);
    else
        reply_rcpt_refused(session, transaction, index, reply);
    if (transaction->awaited == 0 && transaction->left == 0 &&
        transaction->taken == 0)
        thrum__session_transaction_judge(
            transaction, reply_all_refused(transaction->receipt));
}

/* The server waits for a message that has failed already. When it has taken
 * nobody for it, it gets an empty one (RFC 2920 section 3.1). When it has, that
 * would be delivered: nothing but the end of the connection says that there is
 * no message. */
static void reply_go_on(thrum_smtp_session *session,
                        session_transaction *transaction,
                        const thrum__reply *reply)
{
    if (transaction->verdict == NULL || transaction->taken == 0) {
        session_push(session, THRUM_SMTP_STAGE_BODY, transaction);
        session->dirty = transaction->verdict != NULL;
    } else if (transaction->message == NULL) {
        thrum__session_end(session, NULL);
    } else {
        thrum__session_surprised(session, THRUM_SMTP_STAGE_DATA, transaction,
                                 reply);
    }
}

void thrum__session_reply_data(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_DATA;

    if (reply->code == REPLY_START_INPUT) {
        reply_go_on(session, transaction, reply);
    } else if (session_reply_is_negative(reply)) {
        thrum__session_transaction_judge(
            transaction, thrum__session_refusal(session, stage, reply));
        session->dirty = true;
        reply_sentence(session);
    } else {
        thrum__session_surprised(session, stage, transaction, reply);
    }
}

void thrum__session_reply_body(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_BODY;

    if (transaction->chunked) {
        thrum__session_reply_chunk(session, transaction, reply);
    } else if (!session_reply_is_positive(reply) &&
               !session_reply_is_negative(reply)) {
        thrum__session_surprised(session, stage, transaction, reply);
    } else if (transaction->verdict != NULL) {
        reply_sentence(session); /* whatever it says of nothing */
    } else if (session_reply_is_positive(reply)) {
        thrum__receipt_accept(transaction->receipt, reply);
        thrum__session_transaction_end(session, NULL);
    } else {
        thrum__session_transaction_judge(
            transaction, thrum__session_refusal(session, stage, reply));
        reply_sentence(session);
    }
}

void thrum__session_reply_quit(thrum_smtp_session *session,
                               session_transaction *transaction,
                               const thrum__reply *reply)
{
    (void)transaction;
    (void)reply;
    thrum__session_end(session, NULL);
}

static session_reply_fn *const reply_functions[] = {
    [THRUM_SMTP_STAGE_GREETING] = thrum__session_reply_greeting,
    [THRUM_SMTP_STAGE_EHLO] = thrum__session_reply_ehlo,
    [THRUM_SMTP_STAGE_HELO] = thrum__session_reply_helo,
    [THRUM_SMTP_STAGE_STARTTLS] = thrum__session_reply_starttls,
    [THRUM_SMTP_STAGE_AUTH] = thrum__session_reply_auth,
    [THRUM_SMTP_STAGE_RSET] = thrum__session_reply_rset,
    [THRUM_SMTP_STAGE_MAIL] = thrum__session_reply_mail,
    [THRUM_SMTP_STAGE_RCPT] = thrum__session_reply_rcpt,
    [THRUM_SMTP_STAGE_DATA] = thrum__session_reply_data,
    [THRUM_SMTP_STAGE_BODY] = thrum__session_reply_body,
    [THRUM_SMTP_STAGE_QUIT] = thrum__session_reply_quit,
};

/* 421: the server leaves, whatever it was asked (RFC 5321 section 3.8). Since
 * it answers in order (RFC 2920 section 3.2), it has not looked at what is
 * behind: messages that were sent there to their end are not in doubt. */
static void reply_leaves(thrum_smtp_session *session, session_command command,
                         const thrum__reply *reply)
{
    session_transaction *asked = command.transaction;

    for (session_transaction *at = session->begun.first; at != NULL;
         at = at->next)
        if (at != asked)
            at->progress = SESSION_ENVELOPE;
    if (asked != NULL)
        thrum__session_transaction_judge(
            asked, thrum__session_refusal(session, command.stage, reply));
    thrum__session_end(session, session->leaving
                                    ? NULL
                                    : thrum__session_no_service(
                                          session, command.stage, reply));
}

/* No reply is awaited. A refusal in the middle of a body is the message's; the
 * server will not read to its end. */
static void reply_unasked(thrum_smtp_session *session,
                          const thrum__reply *reply)
{
    session_transaction *first = session->begun.first;

    if (first != NULL && first->progress == SESSION_BODY) {
        if (session_reply_is_negative(reply))
            reply_breaks(
                session, first,
                thrum__session_refusal(session, THRUM_SMTP_STAGE_BODY, reply));
        else
            thrum__session_surprised(session, THRUM_SMTP_STAGE_BODY, first,
                                     reply);
    } else if (reply->code == REPLY_SERVICE_ENDS) {
        thrum__session_end(session, thrum__session_no_service(
                                        session, THRUM_SMTP_STAGE_MAIL, reply));
    } else {
        thrum__session_end(session, thrum__session_unasked(
                                        session, THRUM_SMTP_STAGE_MAIL, reply));
    }
}

/* Whether this is the last reply to a command, which for those that are several
 * is so only when all of them were sent. */
static inline bool reply_is_last(const thrum_smtp_session *session,
                                 session_command command)
{
    bool sent = session->answering != session->sending;

    if (command.stage == THRUM_SMTP_STAGE_RCPT)
        return --command.transaction->awaited == 0 && sent;
    if (command.stage == THRUM_SMTP_STAGE_BODY && command.transaction->chunked)
        return --command.transaction->chunks == 0 && sent;
    return true;
}

static void reply_take(thrum_smtp_session *session, const thrum__reply *reply,
                       thrum_ns now)
{
    session_command command = *session_answered(session);

    if (session->awaited == 0) {
        reply_unasked(session, reply);
        return;
    }
    if (reply->code == REPLY_SERVICE_ENDS) {
        reply_leaves(session, command, reply);
        return;
    }
    session->awaited--;
    session->since = now;
    if (reply_is_last(session, command))
        session->answering++;
    reply_functions[command.stage](session, command.transaction, reply);
}

static void reply_is_not_smtp(thrum_smtp_session *session)
{
    session_command command = *session_answered(session);
    bool asked = session->awaited > 0;

    reply_breaks(session, asked ? command.transaction : NULL,
                 thrum__session_not_smtp(
                     session, asked ? command.stage : THRUM_SMTP_STAGE_MAIL,
                     session->reader.wrong));
}

void thrum_smtp_session_receive(thrum_smtp_session *session, const char *data,
                                size_t size, thrum_ns now)
{
    thrum_bytes in = {data, size};
    thrum__reply reply;

    while (in.size > 0 && session->state != THRUM_SMTP_SESSION_ENDED &&
           session->state != THRUM_SMTP_SESSION_STARTTLS) {
        int got = thrum__reply_read(&session->reader, &in, &reply);

        session->replies += got == 1;
        if (got == 1)
            reply_take(session, &reply, now);
        else if (got < 0)
            reply_is_not_smtp(session);
    }
    if (session->state == THRUM_SMTP_SESSION_STARTTLS)
        session->unread += in.size;
}
