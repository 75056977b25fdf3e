/* SPDX-License-Identifier: MIT */
/*
 * What the files of the session share. The connection's side is the session,
 * the message's side is a transaction, and a command stands between the two.
 *
 * Commands wait in a ring with three marks, answering <= sending <= end: those
 * before `sending` were sent, those before `answering` have their replies. Only
 * what may follow at once is ever put in the ring, so nothing can be sent past
 * DATA, EHLO or QUIT before their replies (RFC 2920 section 3.1): the body is
 * put there by the 354 to DATA, and the next message's envelope by the body
 * that stands before it. With BDAT (RFC 3030) there is no DATA, and so whole
 * messages stand behind each other, as many as the window has room for.
 *
 * Messages that the ring knows of are `begun`, in the order of their commands,
 * in which their replies come too; the others are `waiting`.
 */
#ifndef THRUM_MAIL_SMTP_SESSION_INTERNAL_H
#define THRUM_MAIL_SMTP_SESSION_INTERNAL_H

#include <stdbool.h>

#include <thrum/smtp_session.h>

#include "mail/message_internal.h"
#include "mail/receipt_internal.h"
#include "mail/smtp/reply.h"

/* How much of a message the connection has. */
typedef enum session_progress {
    SESSION_ENVELOPE, /* no byte of its body */
    SESSION_BODY,     /* a part of it */
    SESSION_DOT       /* all of it, with the dot or LAST that ends it */
} session_progress;

/* A message on its way. One that its owner gave up is no longer here, but the
 * server has still to be told: then `message` and `receipt` are NULL. */
typedef struct session_transaction {
    struct session_transaction *next;
    thrum_message *message;
    thrum_receipt *receipt;
    thrum_smtp_sent_fn *sent;
    void *ctx;
    thrum_failure *verdict; /* what it has failed by already; NULL: nothing */
    thrum__message_cursor cursor;
    unsigned char *marks; /* of the receipt: a thrum__mark a recipient */
    size_t left;          /* recipients that this transaction is to ask for */
    size_t asking;        /* none of them stands before this one */
    size_t awaited;       /* RCPTs without their answers */
    size_t hearing;       /* none of them stands before this one */
    size_t taken;         /* recipients, by this transaction */
    size_t open;          /* recipients for this transaction or the next */
    size_t done;          /* recipients that have the message */
    unsigned chunks;      /* BDATs without their answers */
    uint64_t size;        /* in octets, about; 0: not asked for */
    bool is_8bit;         /* BODY=8BITMIME */
    bool is_utf8;         /* SMTPUTF8 */
    session_progress progress;
    bool chunked;  /* goes by BDAT */
    bool returned; /* it waits for a further transaction */
} session_transaction;

typedef struct session_queue {
    session_transaction *first;
    session_transaction *last;
    size_t size;
} session_queue;

/* A login on its way. */
typedef struct session_login session_login;

/* One command; RCPT stands for those of all recipients, BODY for all BDATs. */
typedef struct session_command {
    thrum_smtp_stage stage;
    session_transaction *transaction; /* NULL: the connection's own */
} session_command;

enum {
    SESSION_WINDOW = 4,         /* messages, where nothing else is said */
    SESSION_WINDOW_MOST = 1024, /* a ring of at most 8,192 places */
    SESSION_RESETS = 10,        /* see thrum__session_was_reset */
    SESSION_EACH = 5            /* RSET, MAIL, RCPT, BODY, and RSET again */
};

struct thrum_smtp_session {
    thrum_context *context;
    thrum_smtp_session_state state;
    thrum_smtp_mode most; /* no mode past it */
    bool held;            /* nothing may follow on a message yet */
    thrum_smtp_mode mode; /* in use; BEST: not known yet */
    unsigned window;      /* messages in flight; 0: not known yet */
    unsigned most_window;
    unsigned room; /* the window, or less when the server refused so many */
    thrum_smtp_tls tls;
    bool secured; /* within TLS */
    thrum_smtp_offers offers;
    thrum_smtp_account *account;
    unsigned mechanism;
    session_login *login; /* NULL: none is under way */
    size_t unread; /* bytes in the clear behind the consent to STARTTLS */
    thrum_smtp_limits limits;
    bool dirty;      /* the server may still hold a transaction: RSET first */
    bool reset;      /* by RSET, since the server last took a message */
    unsigned resets; /* those RSETs that were not the first since then */
    bool quitting;   /* QUIT is to be said */
    bool leaving;    /* QUIT stands in the ring */

    session_command *ring;
    unsigned mask; /* places in the ring, less 1 */
    unsigned answering;
    unsigned sending;
    unsigned end;
    size_t awaited; /* replies */
    size_t head;    /* bytes of the last BDAT's command */
    thrum_ns since; /* when the reply awaited first began to be awaited */

    session_queue begun;
    session_queue waiting;
    session_transaction *spare; /* blocks to be used again */

    thrum_failure *failure;
    const char *helo;
    const char *peer;
    const char *host;
    uint16_t port;
    char *greeting;
    int greeting_code;
    uint64_t replies; /* in all */
    thrum__reply_reader reader;
};

/* Appends a command to `out`. Returns 0 when that was all of it, 1 when it is
 * to be called again for the rest, or an error. */
typedef int session_perform_fn(thrum_smtp_session *session,
                               session_transaction *transaction,
                               thrum_buffer *out, size_t enough, thrum_ns now);

/* What a reply to the command does. */
typedef void session_reply_fn(thrum_smtp_session *session,
                              session_transaction *transaction,
                              const thrum__reply *reply);

static inline bool session_reply_is_positive(const thrum__reply *reply)
{
    return reply->code < 300;
}

static inline bool session_reply_is_negative(const thrum__reply *reply)
{
    return reply->code >= 400;
}

/* Each command waits for its reply. */
static inline bool session_is_lockstep(const thrum_smtp_session *session)
{
    return session->mode <= THRUM_SMTP_MODE_LOCKSTEP;
}

/* thrum_smtp_session_wants, and the state, without a call: the client asks for
 * them several times an event. */
static inline size_t session_wants(const thrum_smtp_session *session)
{
    size_t unfinished = session->begun.size + session->waiting.size;

    if (session->state != THRUM_SMTP_SESSION_READY ||
        unfinished >= session->room)
        return 0;
    return session->room - unfinished;
}

static inline bool session_is_ready(const thrum_smtp_session *session)
{
    return session->state == THRUM_SMTP_SESSION_READY;
}

/* ---- session.c: the queue of commands, and the end ---- */

/* The command whose reply comes next, and the one put in last. */
static inline session_command *session_answered(thrum_smtp_session *session)
{
    return &session->ring[session->answering & session->mask];
}

static inline session_command *session_last(thrum_smtp_session *session)
{
    return &session->ring[(session->end - 1) & session->mask];
}

/* Puts a command at the end of the ring. */
static inline void session_push(thrum_smtp_session *session,
                                thrum_smtp_stage stage,
                                session_transaction *transaction)
{
    session->ring[session->end++ & session->mask] =
        (session_command){stage, transaction};
}

/* The opening is over: the mode is chosen from what the server offers. */
void thrum__session_ready(thrum_smtp_session *session);

/* Nothing follows on a message before its answer, or as far as the mode lets it
 * again: from the next message on that is begun. */
void thrum__session_hold(thrum_smtp_session *session, bool held);

/* The server has answered RSET. Exim allows one for each message that it takes,
 * and ten more a connection (smtp_accept_max_nonmail); at the next it closes,
 * and what is in flight ends in doubt. So a session that sends nearly so many,
 * because its messages were refused, leaves by itself: what is in flight then
 * needs no more than are left. */
void thrum__session_was_reset(thrum_smtp_session *session);

/* Ends the session, and all messages with it: each by its verdict, or by how
 * far it came. Ownership: why taken; NULL: nobody's fault. */
void thrum__session_end(thrum_smtp_session *session, thrum_failure *why);

/* ---- session_send.c: what is sent ---- */

session_perform_fn thrum__session_send_rset, thrum__session_send_data,
    thrum__session_send_body, thrum__session_send_quit;

/* Writes a command; its reply is awaited from now on. Errors: those of the
 * buffer; THRUM_E_INVALID, the argument cannot stand in a command. */
int thrum__session_send(thrum_smtp_session *session, thrum_smtp_stage stage,
                        thrum_bytes argument, thrum_buffer *out, thrum_ns now);

/* A transaction that has failed, or was given up, before all of its commands
 * were sent: the one that was to be sent now and those behind it are dropped,
 * and the server forgets the transaction by RSET, whose reply ends it. `heard`:
 * no reply is awaited to the command that was to be sent. */
int thrum__session_send_give_up(thrum_smtp_session *session,
                                session_transaction *transaction, bool heard,
                                thrum_buffer *out, thrum_ns now);

/* ---- session_envelope.c: MAIL and RCPT ---- */

session_perform_fn thrum__session_send_mail, thrum__session_send_rcpt;

/* Looks at what the message needs, before anything of it is sent. Returns NULL,
 * or why the server could not take it. Ownership: new. */
thrum_failure *thrum__session_envelope_check(const thrum_smtp_session *session,
                                             session_transaction *transaction);

/* ---- session_chunk.c: BDAT ---- */

session_perform_fn thrum__session_send_chunk;
session_reply_fn thrum__session_reply_chunk;

/* ---- session_reply.c: what replies do ---- */

session_reply_fn thrum__session_reply_rset, thrum__session_reply_mail,
    thrum__session_reply_rcpt, thrum__session_reply_data,
    thrum__session_reply_body, thrum__session_reply_quit;

/* The server takes no more recipients in this transaction, and wants them in
 * another one. */
bool thrum__session_is_too_many(thrum_smtp_stage stage,
                                const thrum__reply *reply);

/* The server's reply is none that the command may have: the session ends, and
 * with it the message that this was about, unless it was sent to its end. */
void thrum__session_surprised(thrum_smtp_session *session,
                              thrum_smtp_stage stage,
                              session_transaction *transaction,
                              const thrum__reply *reply);

/* ---- session_opening.c: from the greeting until it is ready ---- */

/* What the config says of TLS and of who logs in. May end the session. */
void thrum__session_open(thrum_smtp_session *session,
                         const thrum_smtp_session_config *config);

session_perform_fn thrum__session_send_ehlo, thrum__session_send_helo,
    thrum__session_send_starttls;
session_reply_fn thrum__session_reply_greeting, thrum__session_reply_ehlo,
    thrum__session_reply_helo, thrum__session_reply_starttls;

/* ---- session_auth.c: who logs in ---- */

/* Begins to log in. */
void thrum__session_log_in(thrum_smtp_session *session);

/* What is left of a login is wiped. */
void thrum__session_login_end(thrum_smtp_session *session);

session_perform_fn thrum__session_send_auth;
session_reply_fn thrum__session_reply_auth;

/* Whether the text has the account's secret in it, or the base64 of it. */
bool thrum__session_repeats_secret(const thrum_smtp_session *session,
                                   thrum_bytes text);

/* ---- session_transaction.c: messages ---- */

/* Puts a message at the end of the queue; as thrum_smtp_session_send. */
int thrum__session_transaction_add(thrum_smtp_session *session,
                                   thrum_message *message,
                                   thrum_smtp_sent_fn *sent, void *ctx);

/* Begins the first that waits: there is one. */
session_transaction *
thrum__session_transaction_begin(thrum_smtp_session *session);

/* Takes the first out of a queue that has one. */
session_transaction *thrum__session_queue_take(session_queue *queue);

/* The first message that was begun ends: accepted, or by `why`; or it waits
 * again, when there is more of it to be done. Ownership: why taken. */
void thrum__session_transaction_end(thrum_smtp_session *session,
                                    thrum_failure *why);

/* Tells how a message ended, from a copy of its transaction. Ownership: why
 * taken. */
void thrum__session_transaction_report(session_transaction *ended,
                                       thrum_failure *why);

/* A message that stands in no queue ends. Ownership: why taken. */
void thrum__session_transaction_tell(thrum_smtp_session *session,
                                     session_transaction *transaction,
                                     thrum_failure *why);

/* The recipient that is asked for next, or answered next. */
static inline size_t session_marked(const session_transaction *transaction,
                                    size_t from, thrum__mark mark)
{
    while (transaction->marks[from] != mark)
        from++;
    return from;
}

/* Decides that the message fails, unless that was decided before.
 * Ownership: why taken. */
void thrum__session_transaction_judge(session_transaction *transaction,
                                      thrum_failure *why);

/* ---- session_failure.c: the words ---- */

/* "PEER refused RCPT: 550 5.1.1 no such user": REFUSED or LATER. */
thrum_failure *thrum__session_refusal(const thrum_smtp_session *session,
                                      thrum_smtp_stage stage,
                                      const thrum__reply *reply);

/* "PEER gives no service: 421 4.3.2 shutting down". */
thrum_failure *thrum__session_no_service(const thrum_smtp_session *session,
                                         thrum_smtp_stage stage,
                                         const thrum__reply *reply);

/* "PEER does not keep to SMTP: a line is too long". */
thrum_failure *thrum__session_not_smtp(const thrum_smtp_session *session,
                                       thrum_smtp_stage stage,
                                       const char *what);

/* "PEER does not keep to SMTP: it answered DATA with 250 ok". */
thrum_failure *thrum__session_surprise(const thrum_smtp_session *session,
                                       thrum_smtp_stage stage,
                                       const thrum__reply *reply);

/* "PEER does not keep to SMTP: it said without being asked: 250 ok". */
thrum_failure *thrum__session_unasked(const thrum_smtp_session *session,
                                      thrum_smtp_stage stage,
                                      const thrum__reply *reply);

/* "PEER did not answer RCPT in time". */
thrum_failure *thrum__session_silence(const thrum_smtp_session *session,
                                      thrum_smtp_stage stage);

/* "PEER took the message after it had refused a part of it": DOUBT. */
thrum_failure *thrum__session_contradiction(const thrum_smtp_session *session);

/* "PEER does not offer SMTPUTF8, which the message needs": REFUSED. */
thrum_failure *thrum__session_lacks(const thrum_smtp_session *session,
                                    const char *extension);

/* "PEER takes at most 10 octets, and the message has 11": REFUSED. */
thrum_failure *thrum__session_too_large(const thrum_smtp_session *session,
                                        uint64_t size);

/* "given up before it was sent to PEER". */
thrum_failure *thrum__session_cancelled(const thrum_smtp_session *session);

/* "PEER `what`": SECURITY; with ": 454 4.7.0 not now" behind it where `reply`
 * is one and not NULL. */
thrum_failure *thrum__session_insecure(const thrum_smtp_session *session,
                                       thrum_smtp_stage stage, const char *what,
                                       const thrum__reply *reply);

/* "PEER refused the account: 535 5.7.8 no": ACCOUNT, or LATER for 4yz. */
thrum_failure *thrum__session_no_account(const thrum_smtp_session *session,
                                         const thrum__reply *reply);

/* "PEER offers no way to log in that the account may use, only LOGIN":
 * ACCOUNT. */
thrum_failure *thrum__session_no_mechanism(const thrum_smtp_session *session);

/* How a message fails whose connection ended: UNSENT, LATER or DOUBT, by how
 * far it came. `why` is its cause. Ownership: why borrowed, may be NULL. */
thrum_failure *thrum__session_cut(const thrum_smtp_session *session,
                                  session_progress progress,
                                  const thrum_failure *why);

#endif
