/* SPDX-License-Identifier: MIT */
/*
 * A value is looked at word by word. From the first word that cannot stay as it
 * is to the last one, all becomes encoded words; the words before and after
 * stay readable. Lines are folded before the blanks between words, which
 * unfolding leaves as they were (RFC 5322 section 2.2.3).
 */
#include <stdbool.h>

#include "mail/encode.h"
#include "mail/header.h"
#include "mail/text.h"
#include "mail/word.h"

/* A word longer than this cannot stay: with its header's name it could pass the
 * 998 characters of RFC 5322 section 2.1.1. So many blanks in a row cannot
 * either: there would be no room for a word after them. */
enum { HEADER_WORD = 900, HEADER_BLANKS = 40 };

static bool header_is_own(thrum_bytes name)
{
    static const char *const own[] = {
        "from",       "to",       "cc",     "bcc",         "subject", "date",
        "message-id", "reply-to", "sender", "return-path", "received"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (thrum__text_is_word(name, own[i]))
            return true;
    return thrum__text_is_word(name, "mime-version") ||
           (name.size >= 8 &&
            thrum__text_is_word((thrum_bytes){name.data, 8}, "content-"));
}

const char *thrum__header_name(thrum_bytes name)
{
    if (name.size == 0)
        return "its name is empty";
    if (name.size > THRUM__HEADER_NAME_MOST)
        return "its name has more than 60 characters";
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == ':')
            return "its name has a character that may not stand there";
    if (name.data[0] == '.')
        return "its name begins with a dot";
    return header_is_own(name) ? "the message writes this one itself" : NULL;
}

void thrum__line_write(thrum__line *line, const char *data, size_t size)
{
    memcpy(line->at, data, size);
    line->at += size;
    line->column += size;
}

void thrum__line_fold(thrum__line *line)
{
    memcpy(line->at, "\r\n ", 3);
    line->at += 3;
    line->column = 1;
}

/* A word and the blanks before it: [blanks, start, end). */
typedef struct header_word {
    size_t blanks;
    size_t start;
    size_t end;
} header_word;

/* The next word after `word`; false when only blanks, or nothing, are left. */
static bool header_next(thrum_bytes value, header_word *word)
{
    size_t at = word->end;

    word->blanks = at;
    while (at < value.size && value.data[at] == ' ')
        at++;
    word->start = at;
    while (at < value.size && value.data[at] != ' ')
        at++;
    word->end = at;
    return word->start < word->end;
}

static bool header_word_stays(thrum_bytes value, const header_word *word)
{
    thrum_bytes text = {value.data + word->start, word->end - word->start};
    unsigned found = thrum__text_scan(text);

    if (text.size > HEADER_WORD || (found & THRUM__TEXT_HIGH) != 0)
        return false;
    return (found & THRUM__TEXT_EQUALS) == 0 ||
           memmem(text.data, text.size, "=?", 2) == NULL;
}

/* What has to be encoded: [*from, *to), empty when all can stay. Blanks at the
 * ends of the value would be lost, so they are encoded with their word. */
static void header_range(thrum_bytes value, size_t *from, size_t *to)
{
    header_word word = {0, 0, 0};
    size_t before = 0; /* where the word before this one begins */

    *from = value.size;
    *to = 0;
    while (header_next(value, &word)) {
        size_t blanks = word.start - word.blanks;
        bool blank_first = word.blanks == 0 && blanks > 0;
        size_t begin = word.start;

        if (blank_first || blanks > HEADER_BLANKS)
            begin = before;
        if (begin != word.start || !header_word_stays(value, &word)) {
            *from = begin < *from ? begin : *from;
            *to = word.end;
        }
        before = word.start;
    }
    if (word.blanks < value.size) {
        *from = before < *from ? before : *from;
        *to = value.size;
    }
}

/* Writes words as they are, each with the blanks before it. */
static void header_stay(thrum__line *line, thrum_bytes value, bool first)
{
    header_word word = {0, 0, 0};

    while (header_next(value, &word)) {
        size_t size = word.end - word.blanks;

        if (line->column + size > THRUM__LINE && !first) {
            memcpy(line->at, "\r\n", 2);
            line->at += 2;
            line->column = 0;
        }
        thrum__line_write(line, value.data + word.blanks, size);
        first = false;
    }
}

/* Writes the blanks before an encoded word, on a new line when the word would
 * have little room on this one. */
static void header_blanks(thrum__line *line, thrum_bytes blanks)
{
    if (blanks.size > 0 &&
        line->column + blanks.size + THRUM__WORD_LEAST > THRUM__LINE) {
        memcpy(line->at, "\r\n", 2);
        line->at += 2;
        line->column = 0;
    }
    thrum__line_write(line, blanks.data, blanks.size);
}

void thrum__header_text(thrum__line *line, thrum_bytes value)
{
    size_t from, to, blanks;

    header_range(value, &from, &to);
    if (from >= to) {
        header_stay(line, value, true);
        return;
    }
    for (blanks = from; blanks > 0 && value.data[blanks - 1] == ' ';)
        blanks--;
    header_stay(line, (thrum_bytes){value.data, blanks}, true);
    header_blanks(line, (thrum_bytes){value.data + blanks, from - blanks});
    thrum__word_write(line, (thrum_bytes){value.data + from, to - from});
    header_stay(line, (thrum_bytes){value.data + to, value.size - to}, false);
}

/* Atoms with one blank between each two (RFC 5322 section 3.2.5). */
static bool header_is_atoms(thrum_bytes name)
{
    char before = ' ';

    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];

        if (byte == ' ' ? before == ' '
                        : strchr("()<>[]:;@\\,.\"", byte) != NULL)
            return false;
        before = byte;
    }
    return before != ' ';
}

/* A quoted-string (RFC 5322 section 3.2.4). */
static void header_quotes(thrum__line *line, thrum_bytes name)
{
    thrum__line_write(line, "\"", 1);
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"' || name.data[i] == '\\')
            thrum__line_write(line, "\\", 1);
        thrum__line_write(line, name.data + i, 1);
    }
    thrum__line_write(line, "\"", 1);
}

/* A name stays readable when it is short and US-ASCII; in quotes, when it has
 * something in it that means something in a mailbox. */
static void header_phrase(thrum__line *line, thrum_bytes name)
{
    header_word whole = {0, 0, name.size};
    size_t size = name.size + 2;

    for (size_t i = 0; i < name.size; i++)
        size += name.data[i] == '"' || name.data[i] == '\\';
    if (line->column + size > THRUM__LINE || !header_word_stays(name, &whole))
        thrum__word_write(line, name);
    else if (header_is_atoms(name))
        thrum__line_write(line, name.data, name.size);
    else
        header_quotes(line, name);
}

void thrum__header_mailbox(thrum__line *line, thrum_bytes name,
                           thrum_bytes addr)
{
    if (name.size == 0) {
        thrum__line_write(line, addr.data, addr.size);
        return;
    }
    header_phrase(line, name);
    if (line->column + addr.size + 3 > THRUM__LINE)
        thrum__line_fold(line);
    else
        thrum__line_write(line, " ", 1);
    thrum__line_write(line, "<", 1);
    thrum__line_write(line, addr.data, addr.size);
    thrum__line_write(line, ">", 1);
}

size_t thrum__header_bound(size_t size)
{
    return 3 * size + 256;
}
