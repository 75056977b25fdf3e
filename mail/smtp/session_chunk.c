/* SPDX-License-Identifier: MIT */
/*
 * BDAT (RFC 3030). Its command says how long the chunk is, which is known when
 * the chunk is written: so that is written first, behind room for a command as
 * long as the last one, and moved when this one is not. All chunks of a
 * message, and the messages behind it, are sent without waiting for a reply.
 *
 * What that costs when a message is refused: its octets, and those of the
 * messages behind it, are on their way, and the server reads and drops those of
 * the one that it refused (RFC 3030 section 2). LAST ends the transaction,
 * however it is answered, but there are servers that hold one that they refused
 * until RSET: they answer the next MAIL by 503, and deliver its message in the
 * name of the one before. So RSET goes before each message that is sent behind
 * another one, whose end is not known yet.
 */
#include <string.h>

#include "mail/smtp/command.h"
#include "mail/smtp/session_internal.h"

/* Most messages go in one chunk; the others take no more memory than this. */
enum { CHUNK_BYTES = 32 * 1024 };

/* Makes room for `size` bytes part of `out`. */
static int chunk_room(thrum_buffer *out, size_t size)
{
    if (size > out->cap - out->size)
        return THRUM_E_FULL;
    if (thrum_buffer_reserve(out, size) == NULL)
        return THRUM_E_NOMEM;
    thrum_buffer_commit(out, size);
    return 0;
}

/* Puts the command before the `size` bytes at the end of `out`. */
static int chunk_head(thrum_smtp_session *session, thrum_buffer *out,
                      size_t size, bool last)
{
    char line[THRUM__COMMAND_CHUNK];
    size_t head = thrum__command_chunk(line, size, last), room = session->head;
    int error = head > room ? chunk_room(out, head - room) : 0;
    char *start;

    if (error != 0)
        return error;
    if (head < room)
        thrum_buffer_trim(out, room - head);
    start = out->data + out->size - size - head;
    if (head != room)
        memmove(start + head, start + room, size);
    memcpy(start, line, head);
    session->head = head;
    return 0;
}

int thrum__session_send_chunk(thrum_smtp_session *session,
                              session_transaction *transaction,
                              thrum_buffer *out, size_t enough, thrum_ns now)
{
    size_t start;
    int more, error;

    (void)enough;
    if (transaction->verdict != NULL)
        return thrum__session_send_give_up(session, transaction,
                                           transaction->chunks == 0, out, now);
    error = chunk_room(out, session->head);
    if (error != 0)
        return error;
    start = out->size;
    more = thrum__message_data(transaction->message, &transaction->cursor,
                               THRUM__MESSAGE_BINARY, out, start + CHUNK_BYTES);
    if (more < 0)
        return more;
    error = chunk_head(session, out, out->size - start, more == 0);
    if (error != 0)
        return error;
    transaction->progress = more == 0 ? SESSION_DOT : SESSION_BODY;
    transaction->chunks++;
    if (session->awaited++ == 0)
        session->since = now;
    return more;
}

/* The server has taken a message of which it had refused a part: nobody knows
 * what it makes of that. */
static void chunk_contradicted(thrum_smtp_session *session,
                               session_transaction *transaction)
{
    thrum_failure *why = thrum__session_contradiction(session);

    thrum_failure_because(why, transaction->verdict);
    transaction->verdict = why;
    thrum__session_end(session,
                       thrum__session_not_smtp(session, THRUM_SMTP_STAGE_BODY,
                                               "it took what it had refused"));
}

/* The answer to LAST. */
static void chunk_ended(thrum_smtp_session *session,
                        session_transaction *transaction,
                        const thrum__reply *reply)
{
    bool positive = session_reply_is_positive(reply);

    if (transaction->verdict == NULL) {
        thrum__receipt_accept(transaction->receipt, reply);
        thrum__session_transaction_end(session, NULL);
    } else if (positive && transaction->taken > 0 &&
               transaction->message != NULL) {
        chunk_contradicted(session, transaction);
    } else {
        session->dirty = session->dirty || !positive;
        thrum__session_transaction_end(session, transaction->verdict);
    }
}

void thrum__session_reply_chunk(thrum_smtp_session *session,
                                session_transaction *transaction,
                                const thrum__reply *reply)
{
    thrum_smtp_stage stage = THRUM_SMTP_STAGE_BODY;

    if (session_reply_is_negative(reply)) {
        thrum__session_transaction_judge(
            transaction, thrum__session_refusal(session, stage, reply));
    } else if (!session_reply_is_positive(reply)) {
        thrum__session_surprised(session, stage, transaction, reply);
        return;
    }
    if (transaction->chunks == 0 && transaction->progress == SESSION_DOT)
        chunk_ended(session, transaction, reply);
}
