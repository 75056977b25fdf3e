/* SPDX-License-Identifier: MIT */
/*
 * A server's answer to EHLO, beginning with "250". What is read of it is what a
 * plain search finds: no extension without its keyword at the start of a line,
 * no mechanism without AUTH, no limit without SIZE and a number; and what the
 * first line says is no offer.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/smtp/ehlo.h"
#include "tests/fuzz/fuzz.h"

static const struct {
    const char *keyword;
    unsigned bit;
} extensions[] = {
    {"PIPELINING", THRUM_SMTP_PIPELINING},
    {"CHUNKING", THRUM_SMTP_CHUNKING},
    {"SIZE", THRUM_SMTP_SIZE},
    {"8BITMIME", THRUM_SMTP_8BITMIME},
    {"SMTPUTF8", THRUM_SMTP_SMTPUTF8},
    {"DSN", THRUM_SMTP_DSN},
    {"ENHANCEDSTATUSCODES", THRUM_SMTP_ENHANCEDSTATUSCODES},
    {"STARTTLS", THRUM_SMTP_STARTTLS},
    {"AUTH", THRUM_SMTP_AUTH},
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Whether a line begins with the keyword and ends it as a word. */
static bool line_offers(thrum_bytes line, const char *keyword)
{
    size_t size = strlen(keyword);

    while (line.size > 0 && is_blank(*line.data)) {
        line.data++;
        line.size--;
    }
    return line.size >= size && strncasecmp(line.data, keyword, size) == 0 &&
           (line.size == size || is_blank(line.data[size]) ||
            (line.data[size] == '=' && strcmp(keyword, "AUTH") == 0));
}

/* The keywords of all lines but the first, and of the last when it was cut. */
static unsigned search(thrum_bytes text)
{
    bool cut = text.size >= THRUM__REPLY_TEXT, first = true;
    unsigned found = 0;

    while (text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        thrum_bytes line = {text.data, size};

        for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
            if (!first && (end != NULL || !cut) &&
                line_offers(line, extensions[i].keyword))
                found |= extensions[i].bit;
        first = false;
        size += end != NULL;
        text.data += size;
        text.size -= size;
    }
    return found;
}

static void check(const thrum__reply *reply)
{
    thrum_smtp_offers offers = {.extensions = ~0u, .size = 1};

    thrum__ehlo_read(reply, &offers);
    fuzz_assert(offers.hello == 1);
    fuzz_assert(offers.extensions == search(reply->text));
    fuzz_assert(offers.mechanisms == 0 ||
                (offers.extensions & THRUM_SMTP_AUTH) != 0);
    fuzz_assert(offers.mechanisms < 2 * THRUM_SMTP_OAUTHBEARER);
    fuzz_assert(offers.size == 0 || (offers.extensions & THRUM_SMTP_SIZE) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static thrum__reply_reader reader;
    char *copy = malloc(size + 1);
    thrum_bytes in = {copy, size};
    thrum__reply reply;
    int got = 1;

    fuzz_assert(copy != NULL);
    memcpy(copy, data, size);
    thrum__reply_reader_init(&reader);
    while (got == 1) {
        got = thrum__reply_read(&reader, &in, &reply);
        if (got == 1)
            check(&reply);
    }
    free(copy);
    return 0;
}
