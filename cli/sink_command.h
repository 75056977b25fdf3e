/* SPDX-License-Identifier: MIT */
/*
 * The inside of a session: what its files share. The commands stand in
 * sink_command.c, but MAIL and RCPT in sink_mail.c, DATA and BDAT in
 * sink_text.c, and AUTH in sink_auth.c.
 */
#ifndef THRUM_CLI_SINK_COMMAND_H
#define THRUM_CLI_SINK_COMMAND_H

#include "cli/sink_session.h"

/* Adds a reply, CR LF included. Without memory the session ends. */
void sink_reply(sink_session *session, const char *reply);

/* Replies, and ends the session. */
void sink_hang_up(sink_session *session, const char *reply);

/* Replies to what the client did wrong; too much of that ends the session. */
void sink_refuse(sink_session *session, const char *reply);

/* Counts a command, and asks for what is to happen to it: its `fault`. Its
 * reply waits, if it is to. */
void sink_fault_begin(sink_session *session, sink_event event);

/* Whether the command is not to be served: it was answered by its fault, or the
 * session has ended. */
bool sink_fault_answers(sink_session *session);

/* Ends the transaction. */
void sink_forget(sink_session *session);

/* What may be asked for in this session. */
sink_offers sink_session_offers(const sink_session *session);

/* Whether it could have TLS, and has none yet. */
bool sink_session_offers_tls(const sink_session *session);

/* Serves a line, without its CR LF. */
void sink_command_serve(sink_session *session, thrum_bytes line);

/* A command, without its verb and the blank behind it. */
typedef void sink_command_fn(sink_session *session, thrum_bytes argument);

sink_command_fn sink_serve_mail;
sink_command_fn sink_serve_rcpt;
sink_command_fn sink_serve_data;
sink_command_fn sink_serve_bdat;
sink_command_fn sink_serve_auth;

enum {
    /* RFC 4954 section 4: of a line within AUTH, with its CR LF, and 4.5.3.1.4
     * of RFC 5321: of the command itself. */
    SINK_AUTH_LINE_MAX = 12288,
    SINK_AUTH_COMMAND_MAX = 512
};

/* Takes the answer to a challenge. */
void sink_auth_serve(sink_session *session, thrum_bytes line);

/* Forgets an exchange that goes on, if there is one. */
void sink_auth_end(sink_session *session);

/* Take octets of the text, after DATA and after BDAT. Return how many. */
size_t sink_text_receive(sink_session *session, const char *data, size_t size);
size_t sink_chunk_receive(sink_session *session, const char *data, size_t size);

#endif
