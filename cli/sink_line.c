/* SPDX-License-Identifier: MIT */
/*
 * A line is kept in memory until it is LINE_KEPT long; what is longer goes to a
 * temporary file of its own, and from there to the dump when the message is
 * whole: nobody who stalls in the middle of a long message holds up the others.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/sink_line.h"

enum {
    LINE_KEPT = 256 * 1024, /* in memory, for each connection */
    ESCAPE_SIZE = 6,        /* \u00ff */
    ESCAPE_AT_A_TIME = 8192
};

void sink_line_init(sink_line *line, thrum_context *context)
{
    thrum_buffer_init(&line->text, context, LINE_KEPT * 2);
    line->spilled = NULL;
}

void sink_line_fini(sink_line *line)
{
    thrum_buffer_fini(&line->text);
    if (line->spilled != NULL)
        fclose(line->spilled);
    line->spilled = NULL;
}

/* Moves what is in memory to the line's temporary file. */
static int line_spill(sink_line *line)
{
    size_t written;
    int error;

    if (line->spilled == NULL)
        line->spilled = tmpfile();
    if (line->spilled == NULL)
        return errno;
    error = sink_write_all(fileno(line->spilled), line->text.data,
                           line->text.size, &written);
    thrum_buffer_clear(&line->text);
    return error;
}

static int line_append(sink_line *line, const char *text, size_t size)
{
    return thrum_buffer_append(&line->text, text, size) == 0 ? 0 : ENOMEM;
}

/* One byte as the code point of the same number (latin-1), in JSON (RFC 8259
 * section 7). Returns the end of what was written. */
static char *line_escape(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *names = "\"\"\\\\\nn\rr\tt";

    *to++ = '\\';
    for (const char *name = names; *name != '\0'; name += 2)
        if ((unsigned char)name[0] == byte) {
            *to++ = name[1];
            return to;
        }
    memcpy(to, "u00", 3);
    to[3] = digits[byte >> 4];
    to[4] = digits[byte & 15];
    return to + 5;
}

/* How many of the bytes need no escape. */
static size_t line_plain(const char *data, size_t size)
{
    static const bool plain[256] = {
        [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};
    size_t i = 0;

    while (i < size && plain[(unsigned char)data[i]])
        i++;
    return i;
}

static int line_append_escaped(sink_line *line, const char *data, size_t size)
{
    char *room = thrum_buffer_reserve(&line->text, size * ESCAPE_SIZE);
    const char *end = data + size;
    char *to = room;

    if (room == NULL)
        return ENOMEM;
    while (data < end) {
        size_t plain = line_plain(data, (size_t)(end - data));

        memcpy(to, data, plain);
        to += plain;
        data += plain;
        if (data < end)
            to = line_escape(to, (unsigned char)*data++);
    }
    thrum_buffer_commit(&line->text, (size_t)(to - room));
    return 0;
}

int sink_line_add(sink_line *line, const char *data, size_t size)
{
    int error = 0;

    while (size > 0 && error == 0) {
        size_t now = size < ESCAPE_AT_A_TIME ? size : ESCAPE_AT_A_TIME;

        error = line_append_escaped(line, data, now);
        if (error == 0 && line->text.size >= LINE_KEPT)
            error = line_spill(line);
        data += now;
        size -= now;
    }
    return error;
}

/* ---- What stands around the text ---- */

/* `before`, the text as JSON, and a quote. */
static int line_append_string(sink_line *line, const char *before,
                              thrum_bytes text)
{
    int error = line_append(line, before, strlen(before));

    if (error == 0)
        error = sink_line_add(line, text.data, text.size);
    return error == 0 ? line_append(line, "\"", 1) : error;
}

/* The same; nothing is null. `before` ends with a colon. */
static int line_append_optional(sink_line *line, const char *before,
                                thrum_bytes text)
{
    int error = line_append(line, before, strlen(before));

    if (error != 0)
        return error;
    return text.size == 0 ? line_append(line, "null", 4)
                          : line_append_string(line, "\"", text);
}

static int line_append_recipients(sink_line *line,
                                  const sink_envelope *envelope)
{
    sink_recipient one;
    size_t at = 0;
    int error = 0;

    while (error == 0 && sink_envelope_next(envelope, &at, &one))
        error = line_append_string(
            line, envelope->recipients.data == one.address.data ? "\"" : ",\"",
            one.address);
    return error;
}

static thrum_bytes line_word(const char *text)
{
    return (thrum_bytes){text, text != NULL ? strlen(text) : 0};
}

/* Whether anything of RFC 3461 was asked for. */
static bool line_has_notices(const sink_envelope *envelope)
{
    bool asked = envelope->returns != NULL || envelope->id.size > 0;
    sink_recipient one;

    for (size_t at = 0; !asked && sink_envelope_next(envelope, &at, &one);)
        asked = one.notify.size > 0 || one.origin.size > 0;
    return asked;
}

static int line_append_notices(sink_line *line, const sink_envelope *envelope)
{
    static const char rcpt[] = ",\"rcpt\":[";
    thrum_bytes id = {envelope->id.data, envelope->id.size};
    sink_recipient one;
    size_t at = 0;
    int error = line_append_optional(
        line, ",\"dsn\":{\"ret\":", line_word(envelope->returns));

    if (error == 0)
        error = line_append_optional(line, ",\"envid\":", id);
    if (error == 0)
        error = line_append(line, rcpt, sizeof rcpt - 1);
    while (error == 0 && sink_envelope_next(envelope, &at, &one)) {
        bool first = envelope->recipients.data == one.address.data;

        error = line_append_optional(
            line, first ? "{\"notify\":" : ",{\"notify\":", one.notify);
        if (error == 0)
            error = line_append_optional(line, ",\"orcpt\":", one.origin);
        if (error == 0)
            error = line_append(line, "}", 1);
    }
    return error == 0 ? line_append(line, "]}", 2) : error;
}

static int line_append_peer(sink_line *line, const sink_peer *peer)
{
    static const char no_tls[] = "\",\"tls\":null";
    static const char no_auth[] = ",\"auth\":null";
    int error;

    if (peer->version == NULL)
        error = line_append(line, no_tls, sizeof no_tls - 1);
    else
        error = line_append_string(line, "\",\"tls\":{\"version\":\"",
                                   line_word(peer->version));
    if (error == 0 && peer->version != NULL)
        error =
            line_append_string(line, ",\"cipher\":\"", line_word(peer->cipher));
    if (error == 0 && peer->version != NULL)
        error = line_append(line, "}", 1);
    if (error != 0 || peer->mechanism == NULL)
        return error != 0 ? error
                          : line_append(line, no_auth, sizeof no_auth - 1);
    error = line_append_string(line, ",\"auth\":{\"mechanism\":\"",
                               line_word(peer->mechanism));
    if (error == 0)
        error = line_append_string(line, ",\"user\":\"", peer->user);
    return error == 0 ? line_append(line, "}", 1) : error;
}

static int line_append_flag(sink_line *line, const char *before, bool flag)
{
    int error = line_append(line, before, strlen(before));

    if (error != 0)
        return error;
    return flag ? line_append(line, "true", 4) : line_append(line, "false", 5);
}

static int line_append_size(sink_line *line, const sink_envelope *envelope)
{
    static const char none[] = ",\"size\":null";

    if (!envelope->sized)
        return line_append(line, none, sizeof none - 1);
    return thrum_buffer_format(&line->text, ",\"size\":%" PRIu64,
                               envelope->size) == 0
               ? 0
               : ENOMEM;
}

int sink_line_begin(sink_line *line, const sink_envelope *envelope)
{
    thrum_bytes sender = {envelope->sender.data, envelope->sender.size};
    int error;

    thrum_buffer_clear(&line->text);
    if (line->spilled != NULL)
        fclose(line->spilled);
    line->spilled = NULL;
    error = line_append_string(line, "{\"from\":\"", sender);
    if (error == 0)
        error = line_append(line, ",\"to\":[", 7);
    if (error == 0)
        error = line_append_recipients(line, envelope);
    if (error == 0)
        error = line_append(line, "],\"body\":\"", 10);
    return error;
}

int sink_line_end(sink_line *line, const sink_envelope *envelope,
                  const sink_peer *peer, sink_dump *dump)
{
    static const char no_notices[] = ",\"dsn\":null";
    thrum_bytes text;
    int error = line_append_peer(line, peer);

    if (error == 0)
        error = line_append_flag(line, ",\"chunked\":", envelope->chunked);
    if (error == 0)
        error = line_append_flag(line, ",\"8bitmime\":", envelope->eight_bit);
    if (error == 0)
        error = line_append_flag(line, ",\"smtputf8\":", envelope->utf8);
    if (error == 0)
        error = line_append_size(line, envelope);
    if (error == 0)
        error = line_has_notices(envelope)
                    ? line_append_notices(line, envelope)
                    : line_append(line, no_notices, sizeof no_notices - 1);
    if (error == 0)
        error = line_append(line, "}\n", 2);
    if (error != 0)
        return error;
    text = (thrum_bytes){line->text.data, line->text.size};
    return line->spilled != NULL
               ? sink_dump_add_file(dump, fileno(line->spilled), text)
               : sink_dump_add(dump, text);
}
