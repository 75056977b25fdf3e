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
typedef struct session_limit {
    size_t at; /* in thrum_smtp_limits */
    thrum_ns usual;
} session_limit;

#define LIMIT(member, usual)                                                   \
    {                                                                          \
        offsetof(thrum_smtp_limits, member), usual                             \
    }

static const session_limit session_limits[] = {
    [THRUM_SMTP_STAGE_CONNECT] = LIMIT(connect, 30 * THRUM_S),
    [THRUM_SMTP_STAGE_GREETING] = LIMIT(greeting, MINUTES(5)),
    [THRUM_SMTP_STAGE_EHLO] = LIMIT(hello, MINUTES(5)),
    [THRUM_SMTP_STAGE_HELO] = LIMIT(hello, MINUTES(5)),
    [THRUM_SMTP_STAGE_MAIL] = LIMIT(mail, MINUTES(5)),
    [THRUM_SMTP_STAGE_RCPT] = LIMIT(rcpt, MINUTES(5)),
    [THRUM_SMTP_STAGE_DATA] = LIMIT(data, MINUTES(2)),
    [THRUM_SMTP_STAGE_BODY] = LIMIT(end, MINUTES(10)),
    [THRUM_SMTP_STAGE_RSET] = LIMIT(rset, 20 * THRUM_S),
    [THRUM_SMTP_STAGE_QUIT] = LIMIT(quit, 5 * THRUM_S),
    [THRUM_SMTP_STAGE_STARTTLS] = LIMIT(tls, MINUTES(1)),
    [THRUM_SMTP_STAGE_TLS] = LIMIT(tls, MINUTES(1)),
    [THRUM_SMTP_STAGE_AUTH] = LIMIT(auth, MINUTES(1)),
};

static const session_limit session_block = LIMIT(block, MINUTES(3));

static thrum_ns session_limit_of(const thrum_smtp_limits *limits,
                                 const session_limit *limit)
{
    thrum_ns within;

    memcpy(&within, (const char *)limits + limit->at, sizeof within);
    return within;
}

static void session_limits_fill(thrum_smtp_limits *limits)
{
    size_t count = sizeof session_limits / sizeof *session_limits;

    for (size_t i = 0; i <= count; i++) {
        const session_limit *limit =
            i < count ? &session_limits[i] : &session_block;

        if (session_limit_of(limits, limit) == 0)
            memcpy((char *)limits + limit->at, &limit->usual,
                   sizeof limit->usual);
    }
}

static unsigned session_window(const thrum_smtp_session_config *config)
{
    if (config->window == 0)
        return SESSION_WINDOW;
    return config->window < SESSION_WINDOW_MOST ? config->window
                                                : SESSION_WINDOW_MOST;
}

/* A power of two, with room for the window and QUIT. */
static unsigned session_places(unsigned window)
{
    unsigned places = 16;

    while (places < SESSION_EACH * window + 1)
        places *= 2;
    return places;
}

thrum_smtp_session *
thrum_smtp_session_new(thrum_context *context,
                       const thrum_smtp_session_config *config, thrum_ns now)
{
    const char *helo = config->helo != NULL ? config->helo : "localhost";
    const char *peer = config->peer != NULL ? config->peer : "server";
    const char *host = config->host != NULL ? config->host : "";
    size_t helo_size = strlen(helo) + 1, peer_size = strlen(peer) + 1;
    size_t host_size = strlen(host) + 1;
    unsigned places = session_places(session_window(config));
    size_t ring = places * sizeof(session_command);
    thrum_smtp_session *session = thrum_context_allocate(
        context, sizeof *session + ring + helo_size + peer_size + host_size);
    char *names;

    if (session == NULL)
        return NULL;
    memset(session, 0, offsetof(thrum_smtp_session, reader));
    thrum__reply_reader_init(&session->reader);
    session->ring = (session_command *)(session + 1);
    session->mask = places - 1;
    names = (char *)(session->ring + places);
    session->context = thrum_context_ref(context);
    session->helo = memcpy(names, helo, helo_size);
    session->peer = memcpy(names + helo_size, peer, peer_size);
    session->host = memcpy(names + helo_size + peer_size, host, host_size);
    session->port = config->port;
    session->state = THRUM_SMTP_SESSION_OPENING;
    session->most = config->mode;
    session->most_window = session_window(config);
    session->limits = config->limits;
    session_limits_fill(&session->limits);
    session->since = now;
    session_push(session, THRUM_SMTP_STAGE_GREETING, NULL);
    session->sending = session->end;
    session->awaited = 1;
    thrum__session_open(session, config);
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
    thrum_smtp_account_unref(session->account);
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

thrum_smtp_mode thrum_smtp_session_mode(const thrum_smtp_session *session)
{
    return session->mode;
}

/* The best of what the server offers, and no further than was asked for. */
static thrum_smtp_mode session_choose(const thrum_smtp_session *session)
{
    unsigned offered = session->offers.extensions;
    thrum_smtp_mode best =
        (offered & THRUM_SMTP_PIPELINING) == 0 ? THRUM_SMTP_MODE_LOCKSTEP
        : (offered & THRUM_SMTP_CHUNKING) == 0 ? THRUM_SMTP_MODE_ACROSS
                                               : THRUM_SMTP_MODE_CHUNKED;

    if (session->most != THRUM_SMTP_MODE_BEST && session->most < best)
        best = session->most;
    return session->held && best == THRUM_SMTP_MODE_ACROSS
               ? THRUM_SMTP_MODE_PIPELINED
               : best;
}

static void session_set_room(thrum_smtp_session *session)
{
    unsigned left = SESSION_RESETS - session->resets;

    session->room =
        session->resets == 0 || session->window < left ? session->window : left;
}

/* While the server takes one message's body, the next one's envelope is under
 * way; and no more than that without BDAT. */
static void session_set_mode(thrum_smtp_session *session)
{
    static const unsigned windows[] = {[THRUM_SMTP_MODE_LOCKSTEP] = 1,
                                       [THRUM_SMTP_MODE_PIPELINED] = 1,
                                       [THRUM_SMTP_MODE_ACROSS] = 2};

    session->mode = session_choose(session);
    if (session->mode != THRUM_SMTP_MODE_CHUNKED)
        session->window = windows[session->mode];
    else
        session->window = session->held ? 1 : session->most_window;
    session_set_room(session);
}

void thrum__session_ready(thrum_smtp_session *session)
{
    session_set_mode(session);
    if (session->state == THRUM_SMTP_SESSION_OPENING)
        session->state = THRUM_SMTP_SESSION_READY;
}

void thrum__session_hold(thrum_smtp_session *session, bool held)
{
    session->held = held;
    if (session->mode != THRUM_SMTP_MODE_BEST)
        session_set_mode(session);
}

void thrum__session_was_reset(thrum_smtp_session *session)
{
    unsigned flight = session->window < SESSION_RESETS / 2 ? session->window
                                                           : SESSION_RESETS / 2;

    session->resets += session->reset && session->resets < SESSION_RESETS - 1;
    session->reset = true;
    session_set_room(session);
    if (session->resets + flight >= SESSION_RESETS)
        thrum_smtp_session_quit(session);
}

size_t thrum_smtp_session_wants(const thrum_smtp_session *session)
{
    return session_wants(session);
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
    const session_transaction *first = session->begun.first;
    const session_limit *limit = &session_block;
    unsigned at = session->answering & session->mask;
    thrum_ns within;

    if (session->awaited > 0)
        limit = &session_limits[session->ring[at].stage];
    else if (first == NULL || first->progress != SESSION_BODY)
        return INT64_MAX;
    within = session_limit_of(&session->limits, limit);
    return within < INT64_MAX - session->since ? session->since + within
                                               : INT64_MAX;
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

static void session_end_first(thrum_smtp_session *session)
{
    session_queue *queue =
        session->begun.first != NULL ? &session->begun : &session->waiting;
    session_transaction *first = thrum__session_queue_take(queue);
    thrum_failure *verdict = first->verdict;

    if (verdict == NULL)
        verdict =
            thrum__session_cut(session, first->progress, session->failure);
    thrum__session_transaction_tell(session, first, verdict);
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
    thrum__session_login_end(session);
    while (session->begun.first != NULL || session->waiting.first != NULL)
        session_end_first(session);
}
