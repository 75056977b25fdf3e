/* SPDX-License-Identifier: MIT */
/*
 * The session from outside: made, fed with messages, watched, ended. What is
 * sent stands in session_send.c, what the server's replies do in
 * session_reply.c.
 */
#include <string.h>

#include "mail/smtp/session_internal.h"

#define MINUTES(n) ((n)*60 * THRUM_S)

/* How long each reply may take: RFC 5321 section 4.5.3.2. The last reply of all
 * is not worth waiting for. */
static const thrum_ns session_limits[] = {
    [THRUM_SMTP_STAGE_GREETING] = MINUTES(5),
    [THRUM_SMTP_STAGE_EHLO] = MINUTES(5),
    [THRUM_SMTP_STAGE_HELO] = MINUTES(5),
    [THRUM_SMTP_STAGE_STARTTLS] = MINUTES(1),
    [THRUM_SMTP_STAGE_MAIL] = MINUTES(5),
    [THRUM_SMTP_STAGE_RCPT] = MINUTES(5),
    [THRUM_SMTP_STAGE_DATA] = MINUTES(2),
    [THRUM_SMTP_STAGE_BODY] = MINUTES(10),
    [THRUM_SMTP_STAGE_RSET] = 20 * THRUM_S,
    [THRUM_SMTP_STAGE_QUIT] = 5 * THRUM_S,
};

/* How long the connection may refuse to take more of a body: the same section,
 * 4.5.3.2.5. */
static const thrum_ns session_block_limit = MINUTES(3);

thrum_smtp_session *
thrum_smtp_session_new(thrum_context *context,
                       const thrum_smtp_session_config *config, thrum_ns now)
{
    const char *helo = config->helo != NULL ? config->helo : "localhost";
    const char *peer = config->peer != NULL ? config->peer : "server";
    size_t helo_size = strlen(helo) + 1, peer_size = strlen(peer) + 1;
    thrum_smtp_session *session = thrum_context_allocate(
        context, sizeof *session + helo_size + peer_size);
    char *names;

    if (session == NULL)
        return NULL;
    memset(session, 0, offsetof(thrum_smtp_session, reader));
    thrum__reply_reader_init(&session->reader);
    names = (char *)(session + 1);
    session->context = thrum_context_ref(context);
    session->helo = memcpy(names, helo, helo_size);
    session->peer = memcpy(names + helo_size, peer, peer_size);
    session->state = THRUM_SMTP_SESSION_OPENING;
    session->most = config->mode;
    session->window = config->window;
    thrum__session_open(session, config);
    session->limits = config->limits;
    session->since = now;
    session_push(session, THRUM_SMTP_STAGE_GREETING, NULL);
    session->sending = session->end;
    session->awaited = 1;
    return session;
}

void thrum_smtp_session_free(thrum_smtp_session *session)
{
    session_transaction *block;
    thrum_context *context;

    if (session == NULL)
        return;
    thrum__session_end(session, NULL);
    while ((block = session->spare) != NULL) {
        session->spare = block->next;
        thrum_context_release(session->context, block);
    }
    thrum_failure_unref(session->failure);
    thrum_context_release(session->context, session->greeting);
    context = session->context;
    thrum_context_release(context, session);
    thrum_context_unref(context);
}

thrum_smtp_session_state
thrum_smtp_session_get_state(const thrum_smtp_session *session)
{
    return session->state;
}

const thrum_failure *
thrum_smtp_session_failure(const thrum_smtp_session *session)
{
    return session->failure;
}

/* While the server takes one message's body, the next one's envelope is under
 * way: so two, and in lockstep one. */
size_t thrum_smtp_session_wants(const thrum_smtp_session *session)
{
    size_t useful = session_is_lockstep(session) ? 1 : 2;

    if (session->state != THRUM_SMTP_SESSION_READY ||
        session->unfinished >= useful)
        return 0;
    return useful - session->unfinished;
}

int thrum_smtp_session_send(thrum_smtp_session *session, thrum_message *message,
                            thrum_smtp_sent_fn *sent, void *ctx)
{
    if (message == NULL)
        return THRUM_E_NOMEM;
    if (session->quitting || session->state == THRUM_SMTP_SESSION_ENDED)
        return THRUM_E_CLOSED;
    if (thrum__message_ready(message) != NULL)
        return THRUM_E_INVALID;
    return thrum__session_transaction_add(session, message, sent, ctx);
}

thrum_ns thrum_smtp_session_deadline(const thrum_smtp_session *session)
{
    if (session->awaited > 0)
        return session->since +
               session_limits[session->ring[session->answering % SESSION_RING]
                                  .stage];
    if (session->first != NULL && session->first->progress == SESSION_BODY)
        return session->since + session_block_limit;
    return INT64_MAX;
}

void thrum_smtp_session_expire(thrum_smtp_session *session, thrum_ns now)
{
    session_command *command = session_answered(session);
    session_transaction *transaction;
    thrum_failure *why;

    if (session->state == THRUM_SMTP_SESSION_ENDED ||
        now < thrum_smtp_session_deadline(session))
        return;
    why = thrum__session_silence(session, command->stage);
    transaction = command->transaction;
    if (transaction != NULL && transaction->progress != SESSION_DOT)
        thrum__session_transaction_judge(transaction, thrum_failure_ref(why));
    thrum__session_end(session, session->leaving ? NULL : why);
    if (session->leaving)
        thrum_failure_unref(why);
}

void thrum_smtp_session_lost(thrum_smtp_session *session, thrum_failure *why)
{
    thrum__session_end(session, why);
}

void thrum_smtp_session_quit(thrum_smtp_session *session)
{
    session->quitting = true;
    if (session->state != THRUM_SMTP_SESSION_ENDED &&
        session->state != THRUM_SMTP_SESSION_STARTTLS)
        session->state = THRUM_SMTP_SESSION_CLOSING;
}

void thrum__session_end(thrum_smtp_session *session, thrum_failure *why)
{
    if (session->state == THRUM_SMTP_SESSION_ENDED) {
        thrum_failure_unref(why);
        return;
    }
    session->state = THRUM_SMTP_SESSION_ENDED;
    session->failure = why;
    session->sending = session->answering = session->end;
    session->awaited = 0;
    while (session->first != NULL) {
        session_transaction *first = session->first;
        thrum_failure *verdict = first->verdict;

        if (verdict == NULL)
            verdict = thrum__session_cut(session, first->progress, why);
        thrum__session_transaction_end(session, verdict);
    }
}
