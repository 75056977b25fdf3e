/* SPDX-License-Identifier: MIT */
/*
 * The usual reply is one line that came whole: it is read where it lies (in
 * reply.h) and nothing is copied. Only a line that came in pieces is gathered
 * in `line`, and only a reply of several lines is gathered in `text`.
 */
#include <string.h>

#include "mail/smtp/reply.h"

void thrum__reply_reader_init(thrum__reply_reader *reader)
{
    reader->code = 0;
    reader->lines = 0;
    reader->bytes = 0;
    reader->partial = 0;
    reader->kept = 0;
    reader->wrong = NULL;
}

static int reply_wrong(thrum__reply_reader *reader, const char *wrong)
{
    reader->wrong = wrong;
    return -1;
}

static inline bool reply_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static void reply_keep(thrum__reply_reader *reader, thrum_bytes text)
{
    size_t room = sizeof reader->text - reader->kept;

    if (reader->lines > 0 && room > 0) {
        reader->text[reader->kept++] = '\n';
        room--;
    }
    if (text.size > room)
        text.size = room;
    memcpy(reader->text + reader->kept, text.data, text.size);
    reader->kept += text.size;
}

/* One more line of several. */
static int reply_gather(thrum__reply_reader *reader, int code, thrum_bytes text,
                        bool last, thrum__reply *reply)
{
    if (reader->lines > 0 && code != reader->code)
        return reply_wrong(reader, "the codes of one reply differ");
    if (reader->lines + 1 > THRUM__REPLY_LINES)
        return reply_wrong(reader, "a reply has too many lines");
    reply_keep(reader, text);
    reader->code = code;
    reader->lines++;
    if (!last)
        return 0;
    reply->code = code;
    reply->text = (thrum_bytes){reader->text, reader->kept};
    return 1;
}

/* One line, without its LF. */
static int reply_line(thrum__reply_reader *reader, const char *line,
                      size_t size, thrum__reply *reply)
{
    thrum_bytes text = {line + size, 0};
    bool last = true;
    int code;

    reader->bytes += size + 1;
    if (size > THRUM__REPLY_LINE)
        return reply_wrong(reader, "a line is too long");
    if (reader->bytes > THRUM__REPLY_BYTES)
        return reply_wrong(reader, "a reply is too long");
    if (size > 0 && line[size - 1] == '\r')
        size--;
    code = size >= 3 ? thrum__reply_code(line) : 0;
    if (code == 0)
        return reply_wrong(reader, "a line has no reply code");
    if (size > 3) {
        if (line[3] != ' ' && line[3] != '-')
            return reply_wrong(reader, "a line has no reply code");
        last = line[3] == ' ';
        text = (thrum_bytes){line + 4, size - 4};
    }
    if (reader->lines > 0 || !last)
        return reply_gather(reader, code, text, last, reply);
    reply->code = code;
    reply->text = text;
    return 1;
}

/* The start of a line whose end has not come, or the end of one whose start had
 * come before: it is gathered. */
static int reply_partial(thrum__reply_reader *reader, const char *data,
                         size_t size)
{
    if (size > sizeof reader->line - reader->partial)
        return reply_wrong(reader, "a line is too long");
    memcpy(reader->line + reader->partial, data, size);
    reader->partial += size;
    return 0;
}

/* Lines until there is a reply, or no more of them. */
static int reply_read_lines(thrum__reply_reader *reader, thrum_bytes *in,
                            thrum__reply *reply)
{
    int got = 0;

    while (got == 0 && in->size > 0) {
        const char *line = in->data;
        const char *end = memchr(line, '\n', in->size);
        size_t size = end != NULL ? (size_t)(end - line) : in->size;

        in->data += size + (end != NULL);
        in->size -= size + (end != NULL);
        if (end == NULL || reader->partial > 0) {
            if (reply_partial(reader, line, size) != 0)
                return -1;
            line = reader->line;
            size = reader->partial;
        }
        if (end == NULL)
            return 0;
        reader->partial = 0;
        got = reply_line(reader, line, size, reply);
    }
    return got;
}

int thrum__reply_read_any(thrum__reply_reader *reader, thrum_bytes *in,
                          thrum__reply *reply)
{
    int got;

    if (reader->wrong != NULL)
        return -1;
    if (in->size == 0)
        return 0;
    got = reply_read_lines(reader, in, reply);
    if (got == 1)
        thrum__reply_reader_init(reader);
    return got;
}

static size_t reply_number(thrum_bytes text, size_t at)
{
    size_t digits = 0;

    while (at + digits < text.size && reply_is_digit(text.data[at + digits]))
        digits++;
    return digits >= 1 && digits <= 3 ? digits : 0;
}

/* How long the enhanced code at the start of `text` is: "5.1.1", RFC 3463
 * section 2. */
static size_t reply_enhanced_size(thrum_bytes text, int code)
{
    size_t subject, detail, size;

    if (text.size < 5 || text.data[0] != (char)('0' + code / 100) ||
        text.data[0] == '3' || text.data[1] != '.')
        return 0;
    subject = reply_number(text, 2);
    if (subject == 0 || 2 + subject >= text.size ||
        text.data[2 + subject] != '.')
        return 0;
    detail = reply_number(text, 3 + subject);
    size = 3 + subject + detail;
    if (detail == 0 ||
        (size < text.size && text.data[size] != ' ' && text.data[size] != '\n'))
        return 0;
    return size;
}

size_t thrum__reply_enhanced(const thrum__reply *reply,
                             char enhanced[THRUM__REPLY_ENHANCED])
{
    size_t size = reply_enhanced_size(reply->text, reply->code);

    memcpy(enhanced, reply->text.data, size);
    enhanced[size] = '\0';
    return size;
}

/* Moves `text` past the enhanced code that each line of a reply may repeat. */
static thrum_bytes reply_past_enhanced(thrum_bytes text, int code)
{
    size_t size = reply_enhanced_size(text, code);

    if (size > 0 && size < text.size && text.data[size] == ' ')
        size++;
    return (thrum_bytes){text.data + size, text.size - size};
}

size_t thrum__reply_words(const thrum__reply *reply, char *words, size_t room)
{
    thrum_bytes text = reply_past_enhanced(reply->text, reply->code);
    size_t size = 0;

    while (text.size > 0 && size + 1 < room) {
        char byte = *text.data++;

        text.size--;
        if (byte == '\n') {
            words[size++] = ' ';
            text = reply_past_enhanced(text, reply->code);
        } else {
            words[size++] = byte >= ' ' && byte <= '~' ? byte : '?';
        }
    }
    words[size] = '\0';
    return size;
}
