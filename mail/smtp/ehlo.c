/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "mail/smtp/ehlo.h"

/* A word that a server says, in capitals, and the bit it stands for. */
typedef struct ehlo_word {
    const char *name;
    unsigned bit;
} ehlo_word;

static const ehlo_word ehlo_extensions[] = {
    {"PIPELINING", THRUM_SMTP_PIPELINING},
    {"CHUNKING", THRUM_SMTP_CHUNKING},
    {"SIZE", THRUM_SMTP_SIZE},
    {"8BITMIME", THRUM_SMTP_8BITMIME},
    {"SMTPUTF8", THRUM_SMTP_SMTPUTF8},
    {"DSN", THRUM_SMTP_DSN},
    {"ENHANCEDSTATUSCODES", THRUM_SMTP_ENHANCEDSTATUSCODES},
    {"STARTTLS", THRUM_SMTP_STARTTLS},
    {"AUTH", THRUM_SMTP_AUTH},
    {NULL, 0},
};

static const ehlo_word ehlo_mechanisms[] = {
    {"PLAIN", THRUM_SMTP_PLAIN},
    {"LOGIN", THRUM_SMTP_LOGIN},
    {"CRAM-MD5", THRUM_SMTP_CRAM_MD5},
    {"SCRAM-SHA-1", THRUM_SMTP_SCRAM_SHA_1},
    {"SCRAM-SHA-256", THRUM_SMTP_SCRAM_SHA_256},
    {"XOAUTH2", THRUM_SMTP_XOAUTH2},
    {"OAUTHBEARER", THRUM_SMTP_OAUTHBEARER},
    {NULL, 0},
};

static bool ehlo_is(thrum_bytes word, const char *name)
{
    if (word.size != strlen(name))
        return false;
    for (size_t i = 0; i < word.size; i++) {
        char byte = word.data[i];

        if (byte >= 'a' && byte <= 'z')
            byte = (char)(byte - 'a' + 'A');
        if (byte != name[i])
            return false;
    }
    return true;
}

static unsigned ehlo_find(thrum_bytes word, const ehlo_word *table)
{
    while (table->name != NULL && !ehlo_is(word, table->name))
        table++;
    return table->bit;
}

/* Takes the next word of `line`, up to a blank or `stop`; empty at the end. */
static thrum_bytes ehlo_next(thrum_bytes *line, char stop)
{
    thrum_bytes word;

    while (line->size > 0 && (*line->data == ' ' || *line->data == '\t')) {
        line->data++;
        line->size--;
    }
    word = (thrum_bytes){line->data, 0};
    while (line->size > 0 && *line->data != ' ' && *line->data != '\t' &&
           *line->data != stop) {
        line->data++;
        line->size--;
        word.size++;
    }
    return word;
}

/* The number that `word` is; 0 when it is none, or past what there can be. */
static uint64_t ehlo_number(thrum_bytes word)
{
    uint64_t number = 0;

    for (size_t i = 0; i < word.size; i++) {
        unsigned digit = (unsigned char)word.data[i] - (unsigned)'0';

        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return 0;
        number = 10 * number + digit;
    }
    return number;
}

/* "SIZE 0", and SIZE with nothing that is a number, name no limit (RFC 1870
 * section 4). */
static void ehlo_size(thrum_bytes rest, thrum_smtp_offers *offers)
{
    uint64_t size = ehlo_number(ehlo_next(&rest, ' '));

    if (size > 0 && (offers->size == 0 || size < offers->size))
        offers->size = size;
}

/* "AUTH=PLAIN LOGIN" is how servers had it before RFC 2554, and some say both,
 * or only this. */
static void ehlo_line(thrum_bytes line, thrum_smtp_offers *offers)
{
    thrum_bytes keyword = ehlo_next(&line, '=');
    unsigned bit = ehlo_find(keyword, ehlo_extensions);
    bool old = line.size > 0 && *line.data == '=';

    if (bit == 0 || (old && bit != THRUM_SMTP_AUTH))
        return;
    offers->extensions |= bit;
    if (bit == THRUM_SMTP_SIZE)
        ehlo_size(line, offers);
    if (bit != THRUM_SMTP_AUTH)
        return;
    if (old) {
        line.data++;
        line.size--;
    }
    while ((keyword = ehlo_next(&line, ' ')).size > 0)
        offers->mechanisms |= ehlo_find(keyword, ehlo_mechanisms);
}

void thrum__ehlo_read(const thrum__reply *reply, thrum_smtp_offers *offers)
{
    thrum_bytes rest = reply->text;
    bool cut = rest.size >= THRUM__REPLY_TEXT;
    const char *end = memchr(rest.data, '\n', rest.size);

    *offers = (thrum_smtp_offers){.hello = 1};
    while (end != NULL) {
        rest.size -= (size_t)(end + 1 - rest.data);
        rest.data = end + 1;
        end = memchr(rest.data, '\n', rest.size);
        if (end != NULL)
            ehlo_line((thrum_bytes){rest.data, (size_t)(end - rest.data)},
                      offers);
        else if (!cut)
            ehlo_line(rest, offers);
    }
}
