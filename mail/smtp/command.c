/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mail/smtp/command.h"
#include "mail/text.h"

enum { COMMAND_BEFORE = 12, COMMAND_AFTER = 4 };

/* What stands around the argument of a command. Both are copied as blocks of a
 * fixed size, which takes one or two instructions and no call. */
typedef struct command_form {
    char before[COMMAND_BEFORE];
    char after[COMMAND_AFTER];
    size_t before_size;
    size_t after_size;
} command_form;

#define COMMAND_FORM(before, after)                                            \
    {                                                                          \
        before, after "\r\n", sizeof(before) - 1, sizeof(after "\r\n") - 1     \
    }

static const command_form command_forms[] = {
    [THRUM_SMTP_STAGE_EHLO] = COMMAND_FORM("EHLO ", ""),
    [THRUM_SMTP_STAGE_HELO] = COMMAND_FORM("HELO ", ""),
    [THRUM_SMTP_STAGE_MAIL] = COMMAND_FORM("MAIL FROM:<", ">"),
    [THRUM_SMTP_STAGE_RCPT] = COMMAND_FORM("RCPT TO:<", ">"),
    [THRUM_SMTP_STAGE_DATA] = COMMAND_FORM("DATA", ""),
    [THRUM_SMTP_STAGE_BODY] = COMMAND_FORM(".", ""),
    [THRUM_SMTP_STAGE_RSET] = COMMAND_FORM("RSET", ""),
    [THRUM_SMTP_STAGE_QUIT] = COMMAND_FORM("QUIT", ""),
    [THRUM_SMTP_STAGE_STARTTLS] = COMMAND_FORM("STARTTLS", ""),
};

/* ---- Arguments ---- */

enum { COMMAND_WIDE = 16 };

/* Bytes that are looked at together; compilers make of it what the machine
 * has. */
typedef signed char command_wide __attribute__((vector_size(COMMAND_WIDE)));

static inline command_wide command_each(signed char byte)
{
    command_wide wide = {byte, byte, byte, byte, byte, byte, byte, byte,
                         byte, byte, byte, byte, byte, byte, byte, byte};

    return wide;
}

/* Not 0 for the bytes that have to be looked at: any but those of an address as
 * it usually is. That is, controls, blanks, "!", quotes, angle brackets,
 * backslashes, DEL, and what is past US-ASCII and so negative. */
static inline command_wide command_odd(const char *sixteen_bytes)
{
    command_wide wide;

    memcpy(&wide, sixteen_bytes, sizeof wide);
    return (command_wide)(wide < command_each('"' + 1)) |
           (command_wide)(wide == command_each('\\')) |
           (command_wide)((wide | command_each('<' ^ '>')) ==
                          command_each('>')) |
           (command_wide)(wide == command_each(0x7f));
}

static inline bool command_is_none(command_wide wide)
{
    uint64_t halves[2];

    memcpy(halves, &wide, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

static bool command_is_plain(thrum_bytes argument)
{
    char few[COMMAND_WIDE];
    command_wide odd = command_each(0);
    size_t at = 0;

    if (argument.size < COMMAND_WIDE) {
        memset(few, 'a', sizeof few);
        memcpy(few, argument.data, argument.size);
        odd = command_odd(few);
    } else {
        for (; at < argument.size - COMMAND_WIDE; at += COMMAND_WIDE)
            odd |= command_odd(argument.data + at);
        odd |= command_odd(argument.data + argument.size - COMMAND_WIDE);
    }
    return command_is_none(odd);
}

static bool command_needs_quotes(char byte)
{
    return byte == ' ' || byte == '"' || byte == '<' || byte == '>' ||
           byte == '\\';
}

/* Whether all is printable, blanks and brackets stand within quotes, and the
 * quotes are closed (RFC 5321 section 4.1.2). */
static bool command_is_quoted(thrum_bytes argument)
{
    bool inside = false, escaped = false;

    for (size_t i = 0; i < argument.size; i++) {
        char byte = argument.data[i];

        if (byte < ' ' || byte > '~')
            return false;
        if (escaped)
            escaped = false;
        else if (byte == '"')
            inside = !inside;
        else if (!inside && command_needs_quotes(byte))
            return false;
        else
            escaped = byte == '\\';
    }
    return !inside && !escaped;
}

bool thrum__command_allows(thrum_bytes argument)
{
    return command_is_plain(argument) || command_is_quoted(argument);
}

/* ---- Writing ---- */

/* Room for `size` bytes, without a call when it is there. */
static inline char *command_room(thrum_buffer *out, size_t size)
{
    if (size <= out->room && size <= out->cap - out->size)
        return out->data + out->size;
    return thrum_buffer_reserve(out, size);
}

/* Not inline: the usual command should not pay for its registers. */
static __attribute__((__noinline__)) int
command_write_any(thrum_buffer *out, const command_form *form,
                  thrum_bytes argument)
{
    size_t room = COMMAND_BEFORE + argument.size + COMMAND_AFTER;
    size_t size = form->before_size + argument.size + form->after_size;
    char *line;

    if (size > THRUM__COMMAND_LINE ||
        (argument.size > 0 && !thrum__command_allows(argument)))
        return THRUM_E_INVALID;
    line = command_room(out, room);
    if (line == NULL)
        return room > out->cap - out->size ? THRUM_E_FULL : THRUM_E_NOMEM;
    memcpy(line, form->before, COMMAND_BEFORE);
    line = thrum__text_copy(line + form->before_size, argument.data,
                            argument.size);
    memcpy(line, form->after, COMMAND_AFTER);
    thrum_buffer_commit(out, size);
    return 0;
}

/* Copies an argument as addresses usually are, plain and of 8 to 32 bytes: its
 * start and its end, which overlap, are looked at and copied in registers.
 * Returns false, having written at most its bytes, when it is another one. */
static inline bool command_copy_usual(char *to, thrum_bytes argument)
{
    const char *from = argument.data;
    size_t size = argument.size;
    char start[COMMAND_WIDE], end[COMMAND_WIDE];

    if (size < 8 || size > 2 * COMMAND_WIDE)
        return false;
    if (size < COMMAND_WIDE) {
        memcpy(start, from, 8);
        memcpy(start + 8, from + size - 8, 8);
        memcpy(to, start, 8);
        memcpy(to + size - 8, start + 8, 8);
        return command_is_none(command_odd(start));
    }
    memcpy(start, from, sizeof start);
    memcpy(end, from + size - sizeof end, sizeof end);
    memcpy(to, start, sizeof start);
    memcpy(to + size - sizeof end, end, sizeof end);
    return command_is_none(command_odd(start) | command_odd(end));
}

int thrum__command_write(thrum_buffer *out, thrum_smtp_stage stage,
                         thrum_bytes argument)
{
    const command_form *form = &command_forms[stage];
    size_t room = COMMAND_BEFORE + argument.size + COMMAND_AFTER;
    char *line;

    if (room > out->room || room > out->cap - out->size)
        return command_write_any(out, form, argument);
    line = out->data + out->size;
    memcpy(line, form->before, COMMAND_BEFORE);
    line += form->before_size;
    if (argument.size > 0 && !command_copy_usual(line, argument))
        return command_write_any(out, form, argument);
    memcpy(line + argument.size, form->after, COMMAND_AFTER);
    thrum_buffer_commit(out,
                        form->before_size + argument.size + form->after_size);
    return 0;
}

/* ---- Parameters ---- */

enum {
    COMMAND_DIGITS = 20, /* of a size_t */
    COMMAND_ORIGINAL = 500
};

/* A line that is written; past `limit` nothing is, and then it is not `good`.
 */
typedef struct command_line {
    char *at;
    const char *limit;
    bool good;
} command_line;

static void line_put(command_line *line, const char *bytes, size_t size)
{
    line->good = line->good && size <= (size_t)(line->limit - line->at);
    if (!line->good || size == 0)
        return;
    memcpy(line->at, bytes, size);
    line->at += size;
}

static void line_put_words(command_line *line, const char *words)
{
    line_put(line, words, strlen(words));
}

/* Writes a number; returns the byte behind it. */
static char *command_number(char *at, uint64_t number)
{
    char *end = at + 1;

    for (uint64_t rest = number; rest >= 10; rest /= 10)
        end++;
    at = end;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return end;
}

static void line_put_size(command_line *line, uint64_t size)
{
    char number[COMMAND_DIGITS];

    line_put(line, " SIZE=", 6);
    line_put(line, number, (size_t)(command_number(number, size) - number));
}

/* RFC 3461 section 4: what would end the parameter, and what is not printable,
 * is "+" and two digits. */
static void line_put_xtext(command_line *line, thrum_bytes text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.size; i++) {
        unsigned byte = (unsigned char)text.data[i];
        const char escaped[] = {'+', digits[byte >> 4], digits[byte & 15]};

        if (byte > ' ' && byte <= '~' && byte != '+' && byte != '=')
            line_put(line, &text.data[i], 1);
        else
            line_put(line, escaped, sizeof escaped);
    }
}

/* The character of so many bytes at the text's start, which are UTF-8. */
static uint32_t command_character(const char *at, size_t size)
{
    uint32_t character = (unsigned char)at[0];

    if (size > 1)
        character &= 0x7fu >> size;
    for (size_t i = 1; i < size; i++)
        character = character << 6 | ((unsigned char)at[i] & 0x3f);
    return character;
}

/* RFC 6533 section 3, utf-8-addr-xtext: the same with "\x{20AC}". */
static void line_put_unicode(command_line *line, thrum_bytes text)
{
    char escaped[16];

    while (text.size > 0) {
        bool high = (unsigned char)*text.data >= 0x80;
        size_t size = high ? thrum__text_character(text) : 1;
        uint32_t character = command_character(text.data, size);

        if (character > ' ' && character <= '~' && character != '+' &&
            character != '=' && character != '\\') {
            line_put(line, text.data, 1);
        } else {
            snprintf(escaped, sizeof escaped, "\\x{%02" PRIX32 "}", character);
            line_put_words(line, escaped);
        }
        text.data += size;
        text.size -= size;
    }
}

static void line_put_original(command_line *line, thrum_bytes address)
{
    command_line before = *line;
    const char *start;

    line_put_words(line, " ORCPT=");
    start = line->at;
    if (thrum__text_is_plain(address) ||
        (thrum__text_scan(address) & THRUM__TEXT_HIGH) == 0) {
        line_put_words(line, "rfc822;");
        line_put_xtext(line, address);
    } else {
        line_put_words(line, "utf-8;");
        line_put_unicode(line, address);
    }
    if (!line->good || line->at - start > COMMAND_ORIGINAL)
        *line = before;
}

static void line_put_notify(command_line *line, unsigned notify)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {{THRUM_DSN_NEVER, "NEVER"},
                 {THRUM_DSN_SUCCESS, "SUCCESS"},
                 {THRUM_DSN_FAILURE, "FAILURE"},
                 {THRUM_DSN_DELAY, "DELAY"}};
    const char *between = " NOTIFY=";

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((notify & words[i].flag) != 0) {
            line_put_words(line, between);
            line_put_words(line, words[i].word);
            between = ",";
        }
}

static void line_put_mail(command_line *line,
                          const thrum__command_extras *extras)
{
    if (extras->size > 0)
        line_put_size(line, extras->size);
    if (extras->is_8bit)
        line_put_words(line, " BODY=8BITMIME");
    if (extras->is_utf8)
        line_put_words(line, " SMTPUTF8");
    if (extras->what != THRUM_DSN_RETURN_DEFAULT)
        line_put_words(line, extras->what == THRUM_DSN_RETURN_FULL
                                 ? " RET=FULL"
                                 : " RET=HDRS");
    if (extras->envelope_id.size > 0) {
        line_put_words(line, " ENVID=");
        line_put_xtext(line, extras->envelope_id);
    }
}

static void line_put_rcpt(command_line *line,
                          const thrum__command_extras *extras)
{
    line_put_notify(line, extras->notify);
    if (extras->original.size > 0)
        line_put_original(line, extras->original);
}

/* An address of UTF-8, as one without. */
static bool command_allows_utf8(thrum_bytes argument)
{
    char plain[THRUM__COMMAND_LINE];

    if (argument.size > sizeof plain || thrum__text_line(argument) != NULL)
        return false;
    for (size_t i = 0; i < argument.size; i++)
        plain[i] =
            (unsigned char)argument.data[i] < 0x80 ? argument.data[i] : 'x';
    return thrum__command_allows((thrum_bytes){plain, argument.size});
}

int thrum__command_write_with(thrum_buffer *out, thrum_smtp_stage stage,
                              thrum_bytes argument,
                              const thrum__command_extras *extras)
{
    const command_form *form = &command_forms[stage];
    bool is_mail = stage == THRUM_SMTP_STAGE_MAIL;
    size_t most = is_mail ? THRUM__COMMAND_MAIL : THRUM__COMMAND_RCPT;
    char *start = command_room(out, most);
    command_line line = {start, start, true};

    if (start == NULL)
        return most > out->cap - out->size ? THRUM_E_FULL : THRUM_E_NOMEM;
    line.limit = start + most - 2;
    if (form->before_size + argument.size + form->after_size >
            THRUM__COMMAND_LINE ||
        (argument.size > 0 && !thrum__command_allows(argument) &&
         !(extras->is_utf8 && command_allows_utf8(argument))))
        return THRUM_E_INVALID;
    line_put(&line, form->before, form->before_size);
    line_put(&line, argument.data, argument.size);
    line_put(&line, ">", 1);
    if (is_mail)
        line_put_mail(&line, extras);
    else
        line_put_rcpt(&line, extras);
    if (!line.good)
        return THRUM_E_INVALID;
    memcpy(line.at, "\r\n", 2);
    thrum_buffer_commit(out, (size_t)(line.at + 2 - start));
    return 0;
}

/* ---- BDAT ---- */

static char *command_words(char *at, const char *words, size_t size)
{
    memcpy(at, words, size);
    return at + size;
}

size_t thrum__command_chunk(char line[THRUM__COMMAND_CHUNK], size_t size,
                            bool last)
{
    char *at = command_number(command_words(line, "BDAT ", 5), size);

    at =
        last ? command_words(at, " LAST\r\n", 7) : command_words(at, "\r\n", 2);
    return (size_t)(at - line);
}
