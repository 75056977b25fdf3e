/* SPDX-License-Identifier: MIT */
/*
 * A transaction is one message with all that is known of its fate. They stand
 * in the order in which they were given, and end in it, but for those that need
 * another transaction of the server. Their blocks are used again: a session
 * never has many more than its window.
 */
#include "mail/smtp/session_internal.h"

/* ---- Blocks and queues ---- */

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

static void queue_add(session_queue *queue, session_transaction *transaction)
{
    transaction->next = NULL;
    if (queue->last != NULL)
        queue->last->next = transaction;
    else
        queue->first = transaction;
    queue->last = transaction;
    queue->size++;
}

session_transaction *thrum__session_queue_take(session_queue *queue)
{
    session_transaction *first = queue->first;

    queue->first = first->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->size--;
    return first;
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
    /* Each member has its line: one that lacked some would be cleared before it
     * is filled, which takes as long again. */
    *transaction = (session_transaction){
        .next = NULL,
        .message = message,
        .receipt = receipt,
        .sent = sent,
        .ctx = ctx,
        .verdict = NULL,
        .cursor = {0, {0, 0}},
        .marks = thrum__receipt_marks(receipt),
        .left = recipients,
        .asking = 0,
        .awaited = 0,
        .hearing = 0,
        .taken = 0,
        .open = recipients,
        .done = 0,
        .chunks = 0,
        .size = 0,
        .is_8bit = false,
        .is_utf8 = false,
        .progress = SESSION_ENVELOPE,
        .chunked = false,
        .returned = false,
    };
    queue_add(&session->waiting, transaction);
    return 0;
}

session_transaction *
thrum__session_transaction_begin(thrum_smtp_session *session)
{
    session_transaction *transaction =
        thrum__session_queue_take(&session->waiting);

    transaction->returned = false;
    queue_add(&session->begun, transaction);
    return transaction;
}

/* ---- The end ---- */

void thrum__session_transaction_judge(session_transaction *transaction,
                                      thrum_failure *why)
{
    if (transaction->verdict == NULL)
        transaction->verdict = why;
    else
        thrum_failure_unref(why);
}

/* Whether nothing is known yet of what becomes of a recipient. */
static bool transaction_is_open(const session_transaction *transaction,
                                size_t index)
{
    switch (transaction->marks[index]) {
    case THRUM__MARK_ASKED:
    case THRUM__MARK_TAKEN:
        return true;
    case THRUM__MARK_OPEN:
        return thrum_receipt_refusal(transaction->receipt, index) == NULL;
    default:
        return false;
    }
}

/* Those who have the message already make it accepted: what came in the way of
 * the others is told of each of them. Ownership: why taken. */
static void transaction_divide(session_transaction *transaction,
                               thrum_failure *why)
{
    size_t recipients = thrum_receipt_recipients(transaction->receipt);

    for (size_t i = 0; i < recipients; i++)
        if (transaction_is_open(transaction, i))
            thrum__receipt_refuse(transaction->receipt, i,
                                  thrum_failure_ref(why));
    thrum_failure_unref(why);
}

/* Not inline: the usual end should not pay for its registers. */
static __attribute__((__noinline__)) thrum_failure *
transaction_fail(session_transaction *ended, thrum_failure *why)
{
    if (ended->message == NULL) {
        thrum_failure_unref(why);
    } else if (ended->done > 0) {
        transaction_divide(ended, why);
        why = NULL;
    } else {
        thrum_receipt_free(ended->receipt);
        ended->receipt = NULL;
    }
    return why;
}

void thrum__session_transaction_report(session_transaction *ended,
                                       thrum_failure *why)
{
    if (why != NULL)
        why = transaction_fail(ended, why);
    if (ended->message != NULL)
        ended->sent(ended->message, ended->receipt, why, ended->ctx);
}

void thrum__session_transaction_tell(thrum_smtp_session *session,
                                     session_transaction *transaction,
                                     thrum_failure *why)
{
    thrum__session_transaction_report(transaction, why);
    transaction_spare(session, transaction);
}

/* The message's next transaction asks for those recipients that this one did
 * not reach: no more of them than the server has just taken. */
static void transaction_reopen(session_transaction *transaction)
{
    size_t recipients = thrum_receipt_recipients(transaction->receipt);
    size_t most = transaction->taken > 0 ? transaction->taken : recipients;

    transaction->open = 0;
    for (size_t i = 0; i < recipients; i++) {
        unsigned char *mark = &transaction->marks[i];

        if (*mark == THRUM__MARK_TAKEN) {
            *mark = THRUM__MARK_DONE;
            transaction->done++;
        } else if (*mark < THRUM__MARK_TAKEN || *mark == THRUM__MARK_LATE) {
            *mark = THRUM__MARK_OPEN;
            transaction->open++;
        }
    }
    transaction->left = transaction->open < most ? transaction->open : most;
    transaction->asking = transaction->hearing = transaction->taken = 0;
    transaction->cursor = (thrum__message_cursor){.segment = 0};
    transaction->progress = SESSION_ENVELOPE;
    transaction->chunked = false;
}

/* It waits again: before those that were not begun yet, and behind others of
 * its kind. */
static void transaction_return(thrum_smtp_session *session,
                               session_transaction *transaction)
{
    session_queue *queue = &session->waiting;
    session_transaction **at = &queue->first;

    transaction_reopen(transaction);
    transaction->returned = true;
    while (*at != NULL && (*at)->returned)
        at = &(*at)->next;
    transaction->next = *at;
    *at = transaction;
    if (transaction->next == NULL)
        queue->last = transaction;
    queue->size++;
}

void thrum__session_transaction_end(thrum_smtp_session *session,
                                    thrum_failure *why)
{
    session_transaction *first = thrum__session_queue_take(&session->begun);

    session->reset = session->reset && why != NULL;
    if (first->message != NULL && why == NULL && first->open > 0) {
        transaction_return(session, first);
    } else {
        thrum__session_transaction_tell(session, first, why);
    }
}
