/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cli/sink_command.h"
#include "cli/sink_path.h"

typedef struct command {
    const char *name;
    sink_command_fn *serve;
    sink_event event; /* for its faults */
} command;

enum { ERRORS_MAX = 100 }; /* then it is no client, but noise */

/* ---- Replies ---- */

void sink_reply(sink_session *session, const char *reply)
{
    if (thrum_buffer_append(&session->replies, reply, strlen(reply)) != 0)
        session->stage = SINK_STAGE_ENDED;
}

void sink_hang_up(sink_session *session, const char *reply)
{
    sink_reply(session, reply);
    session->stage = SINK_STAGE_ENDED;
}

void sink_refuse(sink_session *session, const char *reply)
{
    if (++session->errors > ERRORS_MAX)
        sink_hang_up(session, "421 4.7.0 Too many errors\r\n");
    else
        sink_reply(session, reply);
}

/* ---- Faults ---- */

/* Without memory nothing is answered too early. */
void sink_fault_begin(sink_session *session, sink_event event)
{
    sink_hold hold;

    session->fault = sink_faults_next(session->config->faults, event);
    if (session->fault.delay == 0)
        return;
    hold.after = session->replies.size - session->held;
    hold.wait = session->fault.delay;
    if (thrum_buffer_append(&session->holds, &hold, sizeof hold) != 0) {
        session->stage = SINK_STAGE_ENDED;
        session->fault.drop = true;
    }
    session->held = session->replies.size;
}

bool sink_fault_answers(sink_session *session)
{
    unsigned code = session->fault.code;

    if (session->fault.drop) {
        session->stage = SINK_STAGE_ENDED;
        return true;
    }
    if (code == 0)
        return false;
    if (code == 421 ||
        thrum_buffer_format(&session->replies, "%u %u.0.0 Injected\r\n", code,
                            code / 100) != 0)
        sink_hang_up(session, "421 4.0.0 Injected\r\n");
    return true;
}

/* ---- The transaction ---- */

void sink_forget(sink_session *session)
{
    sink_envelope_clear(&session->envelope);
    if (session->stage > SINK_STAGE_READY)
        session->stage = SINK_STAGE_READY;
}

static bool command_has_argument(sink_session *session, thrum_bytes argument,
                                 bool wanted)
{
    if ((argument.size > 0) == wanted)
        return true;
    sink_refuse(session, "501 5.5.4 Syntax error in the argument\r\n");
    return false;
}

/* ---- Greetings ---- */

bool sink_session_offers_tls(const sink_session *session)
{
    return session->config->tls && !session->secure;
}

sink_offers sink_session_offers(const sink_session *session)
{
    return (sink_offers){
        .extended = session->extended,
        .size = session->config->size > 0,
        .auth = session->config->account != NULL,
    };
}

static void serve_hello(sink_session *session, thrum_bytes argument)
{
    if (!command_has_argument(session, argument, true))
        return;
    sink_forget(session);
    session->stage = SINK_STAGE_READY;
    session->extended = false;
    sink_reply(session, "250 localhost\r\n");
}

static void hello_size(sink_session *session)
{
    if (thrum_buffer_format(&session->replies, "250-SIZE %" PRIu64 "\r\n",
                            session->config->size) != 0)
        session->stage = SINK_STAGE_ENDED;
}

/* In the clear a password is not asked for, where there could be TLS. */
static void hello_auth(sink_session *session)
{
    sink_reply(session, "250-AUTH");
    sink_reply(session, sink_mechanism_names);
    sink_reply(session, "\r\n");
}

static void serve_extended_hello(sink_session *session, thrum_bytes argument)
{
    const sink_session_config *config = session->config;

    if (!command_has_argument(session, argument, true))
        return;
    sink_forget(session);
    session->stage = SINK_STAGE_READY;
    session->extended = true;
    sink_reply(session, config->pipelining
                            ? "250-localhost\r\n250-PIPELINING\r\n"
                            : "250-localhost\r\n");
    if (config->size > 0)
        hello_size(session);
    if (sink_session_offers_tls(session))
        sink_reply(session, "250-STARTTLS\r\n");
    if (config->account != NULL && !sink_session_offers_tls(session))
        hello_auth(session);
    if (config->chunking)
        sink_reply(session, "250-CHUNKING\r\n");
    sink_reply(session, "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
                        "250 ENHANCEDSTATUSCODES\r\n");
}

/* The 220 is said when it is known that nothing stands behind the command. */
static void serve_starttls(sink_session *session, thrum_bytes argument)
{
    if (!session->config->tls)
        sink_refuse(session, "502 5.5.1 Command is not offered\r\n");
    else if (!command_has_argument(session, argument, false))
        return;
    else if (session->secure)
        sink_refuse(session, "503 5.5.1 There is TLS already\r\n");
    else if (!session->extended)
        sink_refuse(session, "503 5.5.1 EHLO comes first\r\n");
    else
        session->stage = SINK_STAGE_HANDSHAKE;
}

/* ---- The others ---- */

static void serve_rset(sink_session *session, thrum_bytes argument)
{
    if (!command_has_argument(session, argument, false))
        return;
    sink_forget(session);
    sink_reply(session, "250 2.0.0 Ok\r\n");
}

static void serve_noop(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    sink_reply(session, "250 2.0.0 Ok\r\n");
}

static void serve_vrfy(sink_session *session, thrum_bytes argument)
{
    if (command_has_argument(session, argument, true))
        sink_reply(session, "252 2.5.0 Send it and see\r\n");
}

static void serve_quit(sink_session *session, thrum_bytes argument)
{
    if (command_has_argument(session, argument, false))
        sink_hang_up(session, "221 2.0.0 Bye\r\n");
}

static void serve_other(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    sink_refuse(session, "502 5.5.1 Command is not offered\r\n");
}

static void serve_unknown(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    sink_refuse(session, "500 5.5.2 Unknown command\r\n");
}

/* The octets of BDAT come before its answer, so it sees to faults itself. */
static const command *command_find(thrum_bytes verb)
{
    static const command commands[] = {
        {"MAIL", sink_serve_mail, SINK_AT_MAIL},
        {"RCPT", sink_serve_rcpt, SINK_AT_RCPT},
        {"BDAT", sink_serve_bdat, SINK_AT_NOTHING},
        {"DATA", sink_serve_data, SINK_AT_DATA},
        {"RSET", serve_rset, SINK_AT_RSET},
        {"NOOP", serve_noop, SINK_AT_NOOP},
        {"QUIT", serve_quit, SINK_AT_QUIT},
        {"HELO", serve_hello, SINK_AT_HELO},
        {"EHLO", serve_extended_hello, SINK_AT_EHLO},
        {"AUTH", sink_serve_auth, SINK_AT_AUTH},
        {"STARTTLS", serve_starttls, SINK_AT_STARTTLS},
        {"VRFY", serve_vrfy, SINK_AT_NOTHING},
        {"EXPN", serve_other, SINK_AT_NOTHING},
        {"HELP", serve_other, SINK_AT_NOTHING},
        {"ETRN", serve_other, SINK_AT_NOTHING},
    };
    static const command unknown = {"", serve_unknown, SINK_AT_NOTHING};

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t size = strlen(commands[i].name);

        if (sink_path_is_word(verb, commands[i].name, size))
            return &commands[i];
    }
    return &unknown;
}

/* Whether one of eight bytes is below a blank: its uppermost bit then comes of
 * the subtraction. (Others may seem so beside it, which are looked at again.)
 */
static bool command_has_control(const char *data)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;

    memcpy(&word, data, sizeof word);
    return ((word - ones * ' ') & ~word & ones * 0x80) != 0;
}

static bool command_is_clean(thrum_bytes line)
{
    size_t i = 0;

    while (line.size - i >= 8 && !command_has_control(line.data + i))
        i += 8;
    for (; i < line.size; i++)
        if ((unsigned char)line.data[i] < ' ' && line.data[i] != '\t')
            return false;
    return true;
}

/* Behind a greeting that is a refusal only QUIT is served (RFC 5321, 3.1). */
static void command_run(sink_session *session, const command *found,
                        thrum_bytes argument)
{
    if (session->barred && found->event != SINK_AT_QUIT) {
        sink_refuse(session, "503 5.5.1 There is no service here\r\n");
        return;
    }
    if (session->config->faults != NULL) {
        sink_fault_begin(session, found->event);
        if (sink_fault_answers(session))
            return;
    }
    found->serve(session, argument);
}

void sink_command_serve(sink_session *session, thrum_bytes line)
{
    thrum_bytes verb = line, argument = {line.data + line.size, 0};
    const char *space;

    session->config->totals->commands++;
    if (!command_is_clean(line)) {
        sink_refuse(session, "500 5.5.2 Control characters\r\n");
        return;
    }
    /* RFC 5321 section 4.1.1: blanks before the CR LF are to be borne. */
    while (line.size > 0 && line.data[line.size - 1] == ' ')
        line.size--;
    verb.size = line.size;
    space = memchr(line.data, ' ', line.size);
    if (space != NULL) {
        verb.size = (size_t)(space - line.data);
        argument.data = space + 1;
        argument.size = line.size - verb.size - 1;
    }
    command_run(session, command_find(verb), argument);
}
