/* SPDX-License-Identifier: MIT */
/*
 * Giving a message up. Its owner has it back at once; what the server knows of
 * it stays in the ring, without a message, until the server has forgotten it:
 * by RSET in the place of what was not sent yet (session_send.c), by an empty
 * message when DATA was sent and nobody taken, or by the end of the connection,
 * which is all that SMTP has for half a message (RFC 5321 section 4.1.1.4).
 */
#include "mail/smtp/session_internal.h"

/* Takes a message out of those that were not begun. NULL: it is not there. */
static session_transaction *cancel_waiting(session_queue *queue,
                                           const thrum_message *message)
{
    session_transaction **at = &queue->first, *before = NULL, *found;

    while (*at != NULL && (*at)->message != message) {
        before = *at;
        at = &before->next;
    }
    found = *at;
    if (found == NULL)
        return NULL;
    *at = found->next;
    if (queue->last == found)
        queue->last = before;
    queue->size--;
    return found;
}

static session_transaction *cancel_begun(const session_queue *queue,
                                         const thrum_message *message)
{
    session_transaction *at = queue->first;

    while (at != NULL && at->message != message)
        at = at->next;
    return at;
}

/* What has been decided already stays so. */
static thrum_failure *cancel_why(const thrum_smtp_session *session,
                                 const session_transaction *transaction)
{
    if (transaction->verdict != NULL)
        return thrum_failure_ref(transaction->verdict);
    if (transaction->progress == SESSION_DOT)
        return thrum__session_cut(session, SESSION_DOT, NULL);
    return thrum__session_cancelled(session);
}

/* Whether the server waits for the message, or for the rest of it (354), and
 * has somebody to give it to: even an empty one would be delivered. */
static bool cancel_leaves_half(const thrum_smtp_session *session,
                               const session_transaction *transaction)
{
    const session_command *next =
        &session->ring[session->sending & session->mask];

    if (transaction->chunked)
        return false;
    if (transaction->progress == SESSION_BODY)
        return true;
    return session->sending != session->end && transaction->taken > 0 &&
           next->stage == THRUM_SMTP_STAGE_BODY &&
           next->transaction == transaction;
}

static void cancel_in_ring(thrum_smtp_session *session,
                           session_transaction *transaction)
{
    bool half = cancel_leaves_half(session, transaction);
    thrum_failure *why = cancel_why(session, transaction);
    session_transaction told = *transaction;

    thrum__session_transaction_judge(transaction, thrum_failure_ref(why));
    transaction->message = NULL;
    transaction->receipt = NULL;
    transaction->marks = NULL;
    thrum__session_transaction_report(&told, why);
    if (half)
        thrum__session_end(session, NULL);
}

int thrum_smtp_session_cancel(thrum_smtp_session *session,
                              const thrum_message *message)
{
    session_transaction *found;

    if (message == NULL)
        return 0;
    found = cancel_begun(&session->begun, message);
    if (found != NULL) {
        cancel_in_ring(session, found);
        return 1;
    }
    found = cancel_waiting(&session->waiting, message);
    if (found == NULL)
        return 0;
    thrum__session_transaction_tell(session, found,
                                    thrum__session_cancelled(session));
    return 1;
}
