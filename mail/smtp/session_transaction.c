/* SPDX-License-Identifier: MIT */
/*
 * A transaction is one message with all that is known of its fate. They stand
 * in the order in which they were given, and end in it. Their blocks are used
 * again: a session never has more than two or three.
 */
#include "mail/receipt_internal.h"
#include "mail/smtp/session_internal.h"

static session_transaction *transaction_block(thrum_smtp_session *session)
{
    session_transaction *block = session->spare;

    if (block == NULL)
        return thrum_context_allocate(session->context, sizeof *block);
    session->spare = block->next;
    return block;
}

static void transaction_spare(thrum_smtp_session *session,
                              session_transaction *block)
{
    block->next = session->spare;
    session->spare = block;
}

int thrum__session_transaction_add(thrum_smtp_session *session,
                                   thrum_message *message,
                                   thrum_smtp_sent_fn *sent, void *ctx)
{
    size_t recipients = thrum_message_recipients(message);
    thrum_receipt *receipt = thrum__receipt_new(
        session->context, thrum__message_id_bytes(message), recipients);
    session_transaction *transaction =
        receipt != NULL ? transaction_block(session) : NULL;

    if (transaction == NULL) {
        thrum_receipt_free(receipt);
        return THRUM_E_NOMEM;
    }
    *transaction = (session_transaction){
        .message = message,
        .receipt = receipt,
        .sent = sent,
        .ctx = ctx,
        .recipients = recipients,
    };
    if (session->last != NULL)
        session->last->next = transaction;
    else
        session->first = transaction;
    session->last = transaction;
    if (session->waiting == NULL)
        session->waiting = transaction;
    session->unfinished++;
    return 0;
}

void thrum__session_transaction_judge(session_transaction *transaction,
                                      thrum_failure *why)
{
    if (transaction->verdict == NULL)
        transaction->verdict = why;
    else
        thrum_failure_unref(why);
}

void thrum__session_transaction_end(thrum_smtp_session *session,
                                    thrum_failure *why)
{
    session_transaction *transaction = session->first;
    session_transaction ended = *transaction;

    session->first = ended.next;
    if (session->first == NULL)
        session->last = NULL;
    if (session->waiting == transaction)
        session->waiting = ended.next;
    session->unfinished--;
    transaction_spare(session, transaction);
    if (why != NULL) {
        thrum_receipt_free(ended.receipt);
        ended.receipt = NULL;
    }
    ended.sent(ended.message, ended.receipt, why, ended.ctx);
}
