/* SPDX-License-Identifier: MIT */
/*
 * The text of a message, after DATA or by BDAT (RFC 3030). Octets of a BDAT are
 * counted and passed on in the blocks in which they came; those of one that is
 * refused are discarded, and it is answered after them. A refused BDAT spoils
 * its message: what follows, to the last one, is discarded, too.
 */
#include "cli/sink_command.h"
#include "cli/sink_path.h"

#define TEXT_NOT_KEPT "452 4.3.1 The message was not kept\r\n"
#define TEXT_NO_ROOM "452 4.3.1 No room for a message\r\n"
#define TEXT_TOO_LARGE "552 5.3.4 The message is too large\r\n"
#define TEXT_NO_SENDER "503 5.5.1 MAIL comes first\r\n"
#define TEXT_NOBODY "554 5.5.1 No valid recipients\r\n"

static int text_begin(sink_session *session)
{
    session->bytes = 0;
    session->verdict = NULL;
    return session->config->events->begin(session, session->ctx);
}

/* Of a text that is too large as much is passed on as may be. */
static void text_add(sink_session *session, const char *data, size_t size)
{
    const sink_session_events *events = session->config->events;
    uint64_t most = session->config->size;
    bool large = most > 0 && size > most - session->bytes;

    if (session->verdict != NULL)
        return;
    if (large)
        size = (size_t)(most - session->bytes);
    session->bytes += size;
    if (size > 0 && events->text(session, data, size, session->ctx) != 0)
        session->verdict = TEXT_NOT_KEPT;
    else if (large)
        session->verdict = TEXT_TOO_LARGE;
}

/* The text is whole: takes the message, or says why not. To be told of the last
 * one may well close the sink, and that one is taken still. So is one whose
 * answer is dropped: to take it, and not to say so, is the fault. */
static void text_end(sink_session *session)
{
    sink_totals *totals = session->config->totals;
    size_t count = session->envelope.count;

    if (session->closing) {
        sink_hang_up(session, "421 4.3.2 The sink is closing\r\n");
        return;
    }
    sink_fault_begin(session, SINK_AT_DOT);
    if (session->fault.code != 0 && !session->fault.drop) {
        sink_forget(session);
        sink_fault_answers(session);
        return;
    }
    if (session->verdict == NULL &&
        session->config->events->end(session, session->ctx) != 0)
        session->verdict = TEXT_NOT_KEPT;
    sink_forget(session);
    if (session->verdict == NULL) {
        totals->messages++;
        totals->recipients += count;
        totals->bytes += session->bytes;
    }
    if (!sink_fault_answers(session))
        sink_reply(session, session->verdict != NULL ? session->verdict
                                                     : "250 2.0.0 Ok\r\n");
}

/* ---- DATA ---- */

void sink_serve_data(sink_session *session, thrum_bytes argument)
{
    if (argument.size > 0) {
        sink_refuse(session, "501 5.5.4 Syntax error in the argument\r\n");
    } else if (session->stage < SINK_STAGE_MAIL) {
        sink_reply(session, TEXT_NO_SENDER);
    } else if (session->stage == SINK_STAGE_MAIL) {
        sink_reply(session, TEXT_NOBODY);
    } else if (session->stage != SINK_STAGE_RCPT) {
        sink_refuse(session, "503 5.5.1 The text has begun by BDAT\r\n");
    } else if (text_begin(session) != 0) {
        sink_forget(session);
        sink_reply(session, TEXT_NO_ROOM);
    } else {
        session->stage = SINK_STAGE_TEXT;
        session->text = SINK_BODY_LINE;
        sink_reply(session, "354 End with a dot alone on its line\r\n");
    }
}

static void text_piece(const char *data, size_t size, void *ctx)
{
    text_add(ctx, data, size);
}

size_t sink_text_receive(sink_session *session, const char *data, size_t size)
{
    size_t used =
        sink_body_receive(&session->text, data, size, text_piece, session);

    if (session->text == SINK_BODY_END)
        text_end(session);
    return used;
}

/* ---- BDAT ---- */

/* "N" or "N LAST"; at most 2^63 octets, as nobody sends. */
static bool bdat_read(thrum_bytes argument, uint64_t *size, bool *last)
{
    size_t i = 0;

    *size = 0;
    while (i < argument.size && argument.data[i] >= '0' &&
           argument.data[i] <= '9' && i < 19)
        *size = *size * 10 + (uint64_t)(argument.data[i++] - '0');
    if (i == 0)
        return false;
    argument.data += i;
    argument.size -= i;
    *last = argument.size > 0;
    return !*last || sink_path_is_word(argument, " LAST", 5);
}

/* Why this BDAT is refused before its octets were seen; NULL: it is not. */
static const char *bdat_wrong(sink_session *session)
{
    if (!session->extended)
        return "503 5.5.1 EHLO comes first\r\n";
    switch (session->stage) {
    case SINK_STAGE_MAIL:
        return TEXT_NOBODY;
    case SINK_STAGE_RCPT:
        session->envelope.chunked = true;
        return text_begin(session) != 0 ? TEXT_NO_ROOM : NULL;
    case SINK_STAGE_CHUNKS:
        return NULL;
    case SINK_STAGE_LOST:
        return "503 5.5.1 An earlier BDAT was refused\r\n";
    default:
        return TEXT_NO_SENDER;
    }
}

/* A BDAT was refused: the last one ends the transaction, any other spoils the
 * message, if there is one. */
static void bdat_spoil(sink_session *session)
{
    if (session->stage == SINK_STAGE_ENDED)
        return;
    if (session->last)
        sink_forget(session);
    else if (session->stage > SINK_STAGE_READY)
        session->stage = SINK_STAGE_LOST;
}

/* All octets have come. */
static void bdat_end(sink_session *session)
{
    session->stage = session->after;
    sink_fault_begin(session, SINK_AT_BDAT);
    if (sink_fault_answers(session)) {
        bdat_spoil(session);
        return;
    }
    if (session->last && session->stage == SINK_STAGE_CHUNKS) {
        text_end(session);
        return;
    }
    if (session->verdict == NULL) {
        sink_reply(session, "250 2.0.0 Ok\r\n");
        return;
    }
    sink_reply(session, session->verdict);
    bdat_spoil(session);
}

/* After a count that cannot be read, octets cannot be told from commands. */
void sink_serve_bdat(sink_session *session, thrum_bytes argument)
{
    const char *wrong;

    if (!session->config->chunking) {
        sink_refuse(session, "502 5.5.1 Command is not offered\r\n");
        return;
    }
    if (!bdat_read(argument, &session->chunk, &session->last)) {
        sink_hang_up(session, "501 5.5.4 Syntax: BDAT octets [LAST]\r\n");
        return;
    }
    wrong = bdat_wrong(session);
    session->after = session->stage;
    if (wrong != NULL)
        session->verdict = wrong;
    else
        session->after = SINK_STAGE_CHUNKS;
    session->stage = SINK_STAGE_CHUNK;
    if (session->chunk == 0)
        bdat_end(session);
}

size_t sink_chunk_receive(sink_session *session, const char *data, size_t size)
{
    size_t used = size < session->chunk ? size : (size_t)session->chunk;

    text_add(session, data, used);
    session->chunk -= used;
    if (session->chunk == 0)
        bdat_end(session);
    return used;
}
