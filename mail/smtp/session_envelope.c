/* SPDX-License-Identifier: MIT */
/*
 * The envelope: what a message needs of the server, looked at before anything
 * of it is sent, and MAIL and RCPT with the parameters that the server offers.
 */
#include "mail/smtp/command.h"
#include "mail/smtp/session_internal.h"

static bool envelope_offers(const thrum_smtp_session *session,
                            thrum_smtp_extension extension)
{
    return (session->offers.extensions & extension) != 0;
}

/* ---- Before it is sent ---- */

/* Addresses in UTF-8 are for servers that say SMTPUTF8 (RFC 6531 section 3.2):
 * no attempt is made with any other. A recipient's address stands in the header
 * too, for all recipients to see, and there is no way to send that header
 * without it: so the message is refused, not that recipient alone. */
thrum_failure *thrum__session_envelope_check(const thrum_smtp_session *session,
                                             session_transaction *transaction)
{
    thrum_message *message = transaction->message;
    unsigned needs = thrum__message_needs(message);
    uint64_t most = session->offers.size;
    bool utf8 = envelope_offers(session, THRUM_SMTP_SMTPUTF8);

    if (envelope_offers(session, THRUM_SMTP_SIZE))
        transaction->size =
            thrum__message_size(message, most > 0 ? most : UINT64_MAX);
    if ((needs & THRUM__NEEDS_SMTPUTF8) != 0 && !utf8)
        return thrum__session_lacks(session, "SMTPUTF8");
    if ((needs & THRUM__NEEDS_8BIT) != 0 && !utf8 &&
        !envelope_offers(session, THRUM_SMTP_8BITMIME))
        return thrum__session_lacks(session, "8BITMIME");
    if (most > 0 && transaction->size > most)
        return thrum__session_too_large(session, transaction->size);
    transaction->is_utf8 = (needs & THRUM__NEEDS_SMTPUTF8) != 0;
    transaction->is_8bit = (needs & THRUM__NEEDS_8BIT) != 0 &&
                           envelope_offers(session, THRUM_SMTP_8BITMIME);
    return NULL;
}

/* ---- As it is sent ---- */

static int envelope_sent(thrum_smtp_session *session, int error, thrum_ns now)
{
    if (error == 0 && session->awaited++ == 0)
        session->since = now;
    return error;
}

static const thrum__dsn *envelope_dsn(const thrum_smtp_session *session,
                                      const session_transaction *transaction)
{
    return envelope_offers(session, THRUM_SMTP_DSN)
               ? thrum__message_dsn(transaction->message)
               : NULL;
}

/* MAIL with parameters. Not inline: without them it should not pay for their
 * room. */
static __attribute__((__noinline__)) int
envelope_mail(thrum_smtp_session *session,
              const session_transaction *transaction, thrum_buffer *out,
              thrum_ns now)
{
    const thrum__dsn *dsn = envelope_dsn(session, transaction);
    thrum__command_extras extras = {.size = transaction->size,
                                    .is_8bit = transaction->is_8bit,
                                    .is_utf8 = transaction->is_utf8};

    if (dsn != NULL) {
        extras.what = dsn->what;
        extras.envelope_id = dsn->envelope_id;
    }
    return envelope_sent(session,
                         thrum__command_write_with(
                             out, THRUM_SMTP_STAGE_MAIL,
                             thrum__message_sender_bytes(transaction->message),
                             &extras),
                         now);
}

int thrum__session_send_mail(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    (void)enough;
    if (transaction->verdict != NULL)
        return thrum__session_send_give_up(session, transaction, true, out,
                                           now);
    if (transaction->size > 0 || transaction->is_8bit || transaction->is_utf8 ||
        envelope_dsn(session, transaction) != NULL)
        return envelope_mail(session, transaction, out, now);
    return thrum__session_send(
        session, THRUM_SMTP_STAGE_MAIL,
        thrum__message_sender_bytes(transaction->message), out, now);
}

/* RCPT with parameters; as MAIL. */
static __attribute__((__noinline__)) int
envelope_rcpt(thrum_smtp_session *session,
              const session_transaction *transaction, thrum_bytes recipient,
              thrum_buffer *out, thrum_ns now)
{
    const thrum__dsn *dsn = envelope_dsn(session, transaction);
    thrum__command_extras extras = {.is_utf8 = transaction->is_utf8};

    if (dsn != NULL) {
        extras.notify = dsn->notify;
        if (dsn->original)
            extras.original = recipient;
    }
    return envelope_sent(session,
                         thrum__command_write_with(out, THRUM_SMTP_STAGE_RCPT,
                                                   recipient, &extras),
                         now);
}

static int envelope_ask(thrum_smtp_session *session,
                        session_transaction *transaction, size_t index,
                        thrum_buffer *out, thrum_ns now)
{
    thrum_bytes recipient =
        thrum__message_recipient_bytes(transaction->message, index);

    if (transaction->is_utf8 || envelope_dsn(session, transaction) != NULL)
        return envelope_rcpt(session, transaction, recipient, out, now);
    return thrum__session_send(session, THRUM_SMTP_STAGE_RCPT, recipient, out,
                               now);
}

int thrum__session_send_rcpt(thrum_smtp_session *session,
                             session_transaction *transaction,
                             thrum_buffer *out, size_t enough, thrum_ns now)
{
    size_t index;
    int error;

    (void)enough;
    if (transaction->verdict != NULL)
        return thrum__session_send_give_up(session, transaction,
                                           transaction->awaited == 0, out, now);
    index = session_marked(transaction, transaction->asking, THRUM__MARK_OPEN);
    error = envelope_ask(session, transaction, index, out, now);
    if (error != 0)
        return error;
    transaction->marks[index] = THRUM__MARK_ASKED;
    transaction->asking = index + 1;
    transaction->open--;
    transaction->awaited++;
    return --transaction->left > 0;
}
