/* SPDX-License-Identifier: MIT */
/*
 * Only what stands after a line end can matter, so memchr runs from LF to LF.
 * Single steps are taken after a dot was found, and where the bytes came in
 * pieces that ended around one.
 */
#include <string.h>

#include "cli/sink_body.h"

/* What is being read, and from where on it was not passed on yet. */
typedef struct body_cursor {
    const char *at;
    const char *end;
    const char *kept;
    sink_body_fn *piece;
    void *ctx;
} body_cursor;

static void body_pass(body_cursor *cursor, const char *until)
{
    if (until > cursor->kept)
        cursor->piece(cursor->kept, (size_t)(until - cursor->kept),
                      cursor->ctx);
    cursor->kept = until;
}

/* The state after the bytes from `from` on, the first of which follows TEXT. */
static sink_body_state body_tail(const char *from, const char *end)
{
    if (end[-1] == '\r')
        return SINK_BODY_CR;
    if (end[-1] == '\n' && end - from >= 2 && end[-2] == '\r')
        return SINK_BODY_LINE;
    return SINK_BODY_TEXT;
}

/* Goes on to the first dot that starts a line, or to the end of the bytes. */
static sink_body_state body_text(body_cursor *cursor)
{
    const char *from = cursor->at, *end = cursor->end, *lf = from;

    while ((lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
        if (++lf == end)
            break;
        if (*lf != '.' || lf - from < 2 || lf[-2] != '\r')
            continue;
        body_pass(cursor, lf);
        cursor->at = cursor->kept = lf + 1;
        return SINK_BODY_DOT;
    }
    cursor->at = end;
    return body_tail(from, end);
}

static sink_body_state body_line(body_cursor *cursor)
{
    char byte = *cursor->at;

    if (byte == '.')
        body_pass(cursor, cursor->at);
    cursor->at++;
    if (byte != '.')
        return byte == '\r' ? SINK_BODY_CR : SINK_BODY_TEXT;
    cursor->kept = cursor->at;
    return SINK_BODY_DOT;
}

static sink_body_state body_cr(body_cursor *cursor)
{
    char byte = *cursor->at++;

    if (byte == '\n')
        return SINK_BODY_LINE;
    return byte == '\r' ? SINK_BODY_CR : SINK_BODY_TEXT;
}

/* The CR that was held back was text after all; it may have come earlier. */
static sink_body_state body_dot_cr(body_cursor *cursor)
{
    if (*cursor->at == '\n') {
        cursor->kept = ++cursor->at;
        return SINK_BODY_END;
    }
    if (cursor->kept == cursor->at)
        cursor->piece("\r", 1, cursor->ctx);
    return SINK_BODY_CR;
}

static sink_body_state body_dot(body_cursor *cursor)
{
    return *cursor->at++ == '\r' ? SINK_BODY_DOT_CR : SINK_BODY_TEXT;
}

size_t sink_body_receive(sink_body_state *state, const char *data, size_t size,
                         sink_body_fn *piece, void *ctx)
{
    typedef sink_body_state step_fn(body_cursor * cursor);
    static step_fn *const steps[] = {
        [SINK_BODY_LINE] = body_line,     [SINK_BODY_TEXT] = body_text,
        [SINK_BODY_CR] = body_cr,         [SINK_BODY_DOT] = body_dot,
        [SINK_BODY_DOT_CR] = body_dot_cr,
    };
    body_cursor cursor = {data, data + size, data, piece, ctx};

    while (*state != SINK_BODY_END && cursor.at < cursor.end)
        *state = steps[*state](&cursor);
    if (*state != SINK_BODY_DOT_CR)
        body_pass(&cursor, cursor.at);
    return (size_t)(cursor.at - data);
}
