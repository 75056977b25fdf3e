/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/sink_parameter.h"
#include "cli/sink_path.h"
#include "cli/utf8.h"

/* What the parameters of one command are read into. */
typedef struct parameter_reader {
    const sink_offers *offers;
    sink_mail_wishes *mail;
    sink_rcpt_wishes *rcpt;
    bool utf8;
    unsigned seen; /* a bit for each row of the table */
} parameter_reader;

/* Answers whether the value is right. */
typedef bool parameter_fn(parameter_reader *reader, thrum_bytes value);

typedef struct parameter_row {
    const char *name;
    bool value; /* it has one */
    parameter_fn *read;
} parameter_row;

/* ---- Words ---- */

static bool is_word(thrum_bytes text, const char *word)
{
    return sink_path_is_word(text, word, strlen(word));
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* The byte that "+HH" at `at` stands for; -1: it is none, or stands for what
 * RFC 3461 (4.2, 4.4) keeps out: all but printable ASCII and blanks. */
static int xtext_byte(const char *at, const char *end)
{
    int high, low, byte;

    if (end - at < 3)
        return -1;
    high = hex_digit(at[1]);
    low = hex_digit(at[2]);
    if (high < 0 || low < 0)
        return -1;
    byte = high * 16 + low;
    return (byte >= ' ' && byte <= '~') || byte == '\t' ? byte : -1;
}

static bool is_xtext(thrum_bytes text)
{
    const char *at = text.data, *end = at + text.size;

    for (; at < end; at++) {
        if (*at <= ' ' || *at > '~' || *at == '=')
            return false;
        if (*at != '+')
            continue;
        if (xtext_byte(at, end) < 0)
            return false;
        at += 2;
    }
    return text.size > 0;
}

/* RFC 6533 section 3: no "+HH" here; what is beyond ASCII stands for itself. */
static bool is_unitext(thrum_bytes text, bool utf8)
{
    for (size_t i = 0; i < text.size;) {
        char byte = text.data[i];
        int size = cli_utf8_length(text.data + i, text.size - i);

        if (size < 1 || (size > 1 && !utf8))
            return false;
        if (size == 1 &&
            (byte <= ' ' || byte > '~' || byte == '=' || byte == '+'))
            return false;
        i += (size_t)size;
    }
    return text.size > 0;
}

size_t sink_xtext_decode(thrum_bytes text, char *to)
{
    const char *end = text.data + text.size;
    char *from = to;

    for (const char *at = text.data; at < end; at++) {
        int byte = *at == '+' ? xtext_byte(at, end) : -1;

        *to++ = byte < 0 ? *at : (char)byte;
        if (byte >= 0)
            at += 2;
    }
    return (size_t)(to - from);
}

/* ---- MAIL ---- */

static bool read_size(parameter_reader *reader, thrum_bytes value)
{
    uint64_t size = 0;

    if (value.size > 20)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        unsigned digit = (unsigned)(value.data[i] - '0');

        if (digit > 9)
            return false;
        if (size > (UINT64_MAX - digit) / 10)
            size = UINT64_MAX;
        else
            size = size * 10 + digit;
    }
    reader->mail->size = size;
    reader->mail->sized = true;
    return true;
}

static bool read_body(parameter_reader *reader, thrum_bytes value)
{
    reader->mail->eight_bit = is_word(value, "8BITMIME");
    return reader->mail->eight_bit || is_word(value, "7BIT");
}

static bool read_utf8(parameter_reader *reader, thrum_bytes value)
{
    (void)value;
    reader->mail->utf8 = true;
    return true;
}

static bool read_returns(parameter_reader *reader, thrum_bytes value)
{
    reader->mail->returns = is_word(value, "FULL")   ? "FULL"
                            : is_word(value, "HDRS") ? "HDRS"
                                                     : NULL;
    return reader->mail->returns != NULL;
}

static bool read_id(parameter_reader *reader, thrum_bytes value)
{
    reader->mail->id = value;
    return value.size <= SINK_ENVID_MAX && is_xtext(value);
}

/* Who the client says has written it: checked, and not kept. */
static bool read_auth(parameter_reader *reader, thrum_bytes value)
{
    (void)reader;
    return is_word(value, "<>") || is_xtext(value);
}

/* ---- RCPT ---- */

/* NEVER alone, or some of the others, each once. */
static bool read_notify(parameter_reader *reader, thrum_bytes value)
{
    static const char *const words[] = {"SUCCESS", "FAILURE", "DELAY"};
    thrum_bytes rest = value;
    unsigned seen = 0;

    reader->rcpt->notify = value;
    if (is_word(value, "NEVER"))
        return true;
    while (rest.data != NULL) {
        const char *comma = memchr(rest.data, ',', rest.size);
        thrum_bytes one = rest;
        unsigned bit = 0;

        if (comma != NULL)
            one.size = (size_t)(comma - rest.data);
        for (unsigned i = 0; i < 3; i++)
            if (is_word(one, words[i]))
                bit = 1U << i;
        if (bit == 0 || (seen & bit) != 0)
            return false;
        seen |= bit;
        rest.data = comma != NULL ? comma + 1 : NULL;
        rest.size -= comma != NULL ? one.size + 1 : rest.size;
    }
    return true;
}

/* An atom: the type of an address. */
static bool is_atom(thrum_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~' ||
            strchr("()<>@,;:\\\".[]=+", text.data[i]) != NULL)
            return false;
    return text.size > 0;
}

static bool read_origin(parameter_reader *reader, thrum_bytes value)
{
    sink_rcpt_wishes *wishes = reader->rcpt;
    const char *semicolon = memchr(value.data, ';', value.size);

    if (semicolon == NULL || value.size > SINK_ORCPT_MAX)
        return false;
    wishes->type.data = value.data;
    wishes->type.size = (size_t)(semicolon - value.data);
    wishes->origin.data = semicolon + 1;
    wishes->origin.size = value.size - wishes->type.size - 1;
    if (is_word(wishes->type, "UTF-8"))
        return is_unitext(wishes->origin, reader->utf8);
    return is_atom(wishes->type) && is_xtext(wishes->origin);
}

/* ---- The list ---- */

static const parameter_row mail_rows[] = {
    {"SIZE", true, read_size},   {"BODY", true, read_body},
    {"AUTH", true, read_auth},   {"SMTPUTF8", false, read_utf8},
    {"RET", true, read_returns}, {"ENVID", true, read_id},
};

static const parameter_row rcpt_rows[] = {
    {"NOTIFY", true, read_notify},
    {"ORCPT", true, read_origin},
};

static bool parameter_is_offered(const parameter_reader *reader,
                                 const parameter_row *row)
{
    if (row->read == read_size)
        return reader->offers->size;
    if (row->read == read_auth)
        return reader->offers->auth;
    return reader->offers->extended;
}

/* The row of a keyword; `count`: it has none. */
static size_t parameter_find(const parameter_row *rows, size_t count,
                             thrum_bytes keyword)
{
    size_t i = 0;

    while (i < count && !is_word(keyword, rows[i].name))
        i++;
    return i;
}

static sink_parameters parameter_read(parameter_reader *reader,
                                      const parameter_row *rows, size_t count,
                                      thrum_bytes word)
{
    const char *equals = memchr(word.data, '=', word.size);
    thrum_bytes value = {word.data + word.size, 0};
    size_t row;

    if (equals != NULL) {
        value.data = equals + 1;
        value.size = (size_t)(word.data + word.size - value.data);
        word.size = (size_t)(equals - word.data);
    }
    row = parameter_find(rows, count, word);
    if (row == count || !parameter_is_offered(reader, &rows[row]))
        return word.size > 0 ? SINK_PARAMETERS_UNKNOWN : SINK_PARAMETERS_WRONG;
    if ((reader->seen & 1U << row) != 0 ||
        rows[row].value != (equals != NULL) ||
        (equals != NULL && value.size == 0) || !rows[row].read(reader, value))
        return SINK_PARAMETERS_WRONG;
    reader->seen |= 1U << row;
    return SINK_PARAMETERS_GOOD;
}

/* One blank between two of them. */
static sink_parameters parameters_read(parameter_reader *reader,
                                       const parameter_row *rows, size_t count,
                                       thrum_bytes rest)
{
    sink_parameters answer = SINK_PARAMETERS_GOOD;

    if (rest.size > 0 && !reader->offers->extended)
        return SINK_PARAMETERS_UNKNOWN;
    while (rest.data != NULL && answer == SINK_PARAMETERS_GOOD) {
        const char *blank = memchr(rest.data, ' ', rest.size);
        thrum_bytes word = rest;

        if (blank != NULL)
            word.size = (size_t)(blank - rest.data);
        answer = parameter_read(reader, rows, count, word);
        rest.data = blank != NULL ? blank + 1 : NULL;
        rest.size -= blank != NULL ? word.size + 1 : rest.size;
    }
    return answer;
}

sink_parameters sink_parameters_mail(thrum_bytes rest,
                                     const sink_offers *offers,
                                     sink_mail_wishes *wishes)
{
    parameter_reader reader = {.offers = offers, .mail = wishes};

    *wishes = (sink_mail_wishes){0};
    if (rest.size == 0)
        return SINK_PARAMETERS_GOOD;
    return parameters_read(&reader, mail_rows,
                           sizeof mail_rows / sizeof *mail_rows, rest);
}

sink_parameters sink_parameters_rcpt(thrum_bytes rest,
                                     const sink_offers *offers, bool utf8,
                                     sink_rcpt_wishes *wishes)
{
    parameter_reader reader = {.offers = offers, .rcpt = wishes, .utf8 = utf8};

    *wishes = (sink_rcpt_wishes){0};
    if (rest.size == 0)
        return SINK_PARAMETERS_GOOD;
    return parameters_read(&reader, rcpt_rows,
                           sizeof rcpt_rows / sizeof *rcpt_rows, rest);
}
