/* SPDX-License-Identifier: MIT */
#include "tests/mail/wire.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mail/text.h"

/* An assertion that costs nothing while it holds: one of check's writes a line
 * to a file each time, and here is one for each byte. */
static inline void wire_must(bool holds, const char *what, size_t where)
{
    if (!holds)
        ck_abort_msg("%s, at %zu", what, where);
}

static wire_text wire_new(size_t size)
{
    wire_text text = {malloc(size + 1), 0};

    wire_must(text.data != NULL, "no memory", size);
    text.data[0] = '\0';
    return text;
}

static void wire_put(wire_text *text, char byte)
{
    text->data[text->size++] = byte;
    text->data[text->size] = '\0';
}

wire_text wire_receive(thrum_bytes sent)
{
    wire_text kept = wire_new(sent.size);
    size_t at = 0;

    while (at < sent.size) {
        size_t start = at;

        while (at < sent.size && sent.data[at] != '\r') {
            unsigned char byte = (unsigned char)sent.data[at++];

            wire_must(byte != '\n' && byte != '\0' && byte < 0x80,
                      "a byte that may not be there", at - 1);
        }
        wire_must(at + 1 < sent.size && sent.data[at + 1] == '\n',
                  "a line that does not end with CRLF", start);
        wire_must(at - start <= 998, "a line of more than 998", start);
        if (sent.data[start] == '.') {
            start++;
            wire_must(at > start, "a lone dot", start - 1);
        }
        at += 2;
        while (start < at)
            wire_put(&kept, sent.data[start++]);
    }
    return kept;
}

static int wire_hex(char digit)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

    wire_must(found != NULL, "a digit that is none", (unsigned char)digit);
    return (int)(found - digits);
}

static bool wire_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

wire_text wire_unquote(thrum_bytes text)
{
    wire_text plain = wire_new(text.size);
    size_t start = 0;

    for (size_t at = 0; at < text.size; at++) {
        const char *p = text.data + at;
        size_t left = text.size - at;

        if (*p == '\r') {
            wire_must(left > 1 && p[1] == '\n', "a CR alone", at);
            wire_must(at - start <= 76, "a long line", start);
            wire_must(at == start || !wire_is_blank(p[-1]), "a blank", at);
            wire_put(&plain, '\r');
            wire_put(&plain, '\n');
            start = ++at + 1;
        } else if (*p == '=' && left > 2 && p[1] == '\r') {
            wire_must(at + 1 - start <= 76, "a long line", start);
            wire_must(p[2] == '\n', "a CR alone", at);
            at += 2;
            start = at + 1;
        } else if (*p == '=') {
            wire_must(left > 2, "half a byte", at);
            wire_put(&plain, (char)(wire_hex(p[1]) * 16 + wire_hex(p[2])));
            at += 2;
        } else {
            wire_must(*p == '\t' || (*p >= ' ' && *p <= '~'), "a byte", at);
            wire_put(&plain, *p);
        }
    }
    wire_must(start == text.size, "a last line without an end", start);
    return plain;
}

static int wire_base64(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    wire_must(digit == '+' || digit == '/', "a digit", (unsigned char)digit);
    return digit == '+' ? 62 : 63;
}

static void wire_decode_b(thrum_bytes word, wire_text *to)
{
    wire_must(word.size % 4 == 0, "half a group", word.size);
    for (size_t i = 0; i < word.size; i += 4) {
        const char *four = word.data + i;
        int group = wire_base64(four[0]) << 18 | wire_base64(four[1]) << 12;

        wire_put(to, (char)(group >> 16));
        if (four[2] == '=') {
            wire_must(four[3] == '=' && i + 4 == word.size, "padding", i);
            break;
        }
        group |= wire_base64(four[2]) << 6;
        wire_put(to, (char)(group >> 8));
        if (four[3] == '=') {
            wire_must(i + 4 == word.size, "padding", i);
            break;
        }
        wire_put(to, (char)(group | wire_base64(four[3])));
    }
}

static void wire_decode_q(thrum_bytes word, wire_text *to)
{
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] == '=') {
            wire_must(i + 2 < word.size, "half a byte", i);
            wire_put(to, (char)(wire_hex(word.data[i + 1]) * 16 +
                                wire_hex(word.data[i + 2])));
            i += 2;
        } else {
            wire_must(word.data[i] != '?', "a question mark", i);
            wire_put(to, word.data[i] == '_' ? ' ' : word.data[i]);
        }
    }
}

/* The size of the encoded word at the start, or 0. */
static size_t wire_word(thrum_bytes text, wire_text *to)
{
    size_t before = to->size;
    const char *end;
    thrum_bytes inner;

    if (text.size < 12 || memcmp(text.data, "=?UTF-8?", 8) != 0)
        return 0;
    end = memmem(text.data + 10, text.size - 10, "?=", 2);
    wire_must(end != NULL && end + 2 - text.data <= 75, "a long word", 0);
    inner = (thrum_bytes){text.data + 10, (size_t)(end - text.data - 10)};
    wire_must(inner.size > 0 && memchr(inner.data, ' ', inner.size) == NULL,
              "an encoded word", inner.size);
    if (text.data[8] == 'B')
        wire_decode_b(inner, to);
    else
        wire_decode_q(inner, to);
    wire_must(thrum__text_is_utf8(
                  (thrum_bytes){to->data + before, to->size - before}),
              "a split character", before);
    return inner.size + 12;
}

/* A line passes 76 only when there is nowhere to fold it. */
static void wire_end_line(size_t column, unsigned words)
{
    wire_must(column <= 76 || words < 2, "a line that could be folded", column);
    wire_must(column <= 998, "a line of more than 998", column);
}

static wire_text wire_unfold(thrum_bytes value, size_t column)
{
    wire_text flat = wire_new(value.size);
    unsigned words = 0;
    char before = ' ';

    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];

        if (byte == '\r') {
            wire_must(i + 2 < value.size && value.data[i + 1] == '\n' &&
                          value.data[i + 2] == ' ',
                      "a line break that is no fold", i);
            wire_end_line(column, words);
            column = words = 0;
            i++;
            continue;
        }
        wire_must(byte >= ' ' && byte <= '~', "a byte", i);
        words += byte != ' ' && before == ' ';
        before = byte;
        column++;
        wire_put(&flat, byte);
    }
    wire_end_line(column, words);
    return flat;
}

wire_text wire_header(thrum_bytes value, size_t column)
{
    wire_text flat = wire_unfold(value, column), read = wire_new(flat.size);
    size_t blanks = 0, at = 0;
    bool after_word = false;

    while (at < flat.size && flat.data[at] == ' ') /* after the colon */
        at++;
    for (size_t start = at; at < flat.size;) {
        thrum_bytes rest = {flat.data + at, flat.size - at};
        size_t before = read.size;
        size_t size = at == start || blanks > 0 ? wire_word(rest, &read) : 0;

        if (size > 0) {
            /* Blanks between two encoded words are none of the text. */
            if (after_word && blanks > 0) {
                memmove(read.data + before - blanks, read.data + before,
                        read.size - before);
                read.size -= blanks;
            }
            at += size;
            wire_must(at == flat.size || flat.data[at] == ' ', "no blank", at);
            after_word = true;
            blanks = 0;
        } else if (flat.data[at] == ' ') {
            wire_put(&read, flat.data[at++]);
            blanks++;
        } else {
            wire_put(&read, flat.data[at++]);
            after_word = false;
            blanks = 0;
        }
    }
    read.data[read.size] = '\0';
    free(flat.data);
    return read;
}

wire_text wire_normalise(thrum_bytes text)
{
    wire_text plain = wire_new(text.size);

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\r') {
            wire_put(&plain, '\n');
            i += i + 1 < text.size && text.data[i + 1] == '\n';
        } else {
            wire_put(&plain, text.data[i]);
        }
    }
    return plain;
}

void wire_assert_same(thrum_bytes got, thrum_bytes expected, const char *what)
{
    if (got.size != expected.size ||
        (got.size > 0 && memcmp(got.data, expected.data, got.size) != 0))
        ck_abort_msg("%s: <%.*s> instead of <%.*s>", what, (int)got.size,
                     got.data, (int)expected.size, expected.data);
}

thrum_bytes wire_find(thrum_bytes message, const char *name)
{
    const char *end = message.data + message.size, *line = message.data;
    size_t size = strlen(name);

    while (line < end && *line != '\r') {
        const char *next = line;

        do {
            next = memmem(next, (size_t)(end - next), "\r\n", 2);
            wire_must(next != NULL, "a header without an end", 0);
            next += 2;
        } while (next < end && *next == ' ');
        if (memcmp(line, name, size) == 0 && line[size] == ':')
            return (thrum_bytes){line + size + 2,
                                 (size_t)(next - line) - size - 4};
        line = next;
    }
    return (thrum_bytes){NULL, 0};
}

thrum_bytes wire_body(thrum_bytes message)
{
    const char *end = memmem(message.data, message.size, "\r\n\r\n", 4);

    wire_must(end != NULL, "a message without a body", 0);
    end += 4;
    return (thrum_bytes){end, (size_t)(message.data + message.size - end)};
}

wire_text wire_read(thrum_bytes sent)
{
    wire_text kept = wire_receive(sent), plain, read;
    thrum_bytes whole = {kept.data, kept.size}, body = wire_body(whole);

    if (wire_find(whole, "Content-Transfer-Encoding").size == 4) {
        read = wire_normalise(body);
    } else {
        plain = wire_unquote(body);
        read = wire_normalise((thrum_bytes){plain.data, plain.size});
        free(plain.data);
    }
    free(kept.data);
    return read;
}
