/* SPDX-License-Identifier: MIT */
/*
 * The words of a script that fails. Bytes are told from a little before the
 * place where they differ, as C writes them.
 */
#include <stdio.h>
#include <string.h>

#include "reactor/test_peer.h"

enum {
    WORDS_BEFORE = 8, /* bytes told before the place where they differ */
    WORDS_MOST = 32,  /* bytes told in all */
    WORDS_ROOM = 4 * WORDS_MOST + 16
};

/* Writes one byte as C does, "\r" or "\x1b"; answers how much was written. */
static size_t words_byte(char *to, char byte)
{
    static const char plain[] = "\r\n\t\\\"", letters[] = "rnt\\\"";
    const char *at = byte != '\0' ? strchr(plain, byte) : NULL;

    if (at != NULL) {
        to[0] = '\\';
        to[1] = letters[at - plain];
        return 2;
    }
    if (byte >= ' ' && byte < 127) {
        to[0] = byte;
        return 1;
    }
    return (size_t)snprintf(to, 5, "\\x%02x", (unsigned)(unsigned char)byte);
}

/* Writes the bytes from `from` on, in quotes; "..." stands for what is not
 * told. */
static const char *words_bytes(char text[WORDS_ROOM], thrum_bytes bytes,
                               size_t from)
{
    size_t end =
        bytes.size - from > WORDS_MOST ? from + WORDS_MOST : bytes.size;
    size_t at = 0;

    at += (size_t)snprintf(text, 8, "%s\"", from > 0 ? "..." : "");
    for (size_t i = from; i < end; i++)
        at += words_byte(text + at, bytes.data[i]);
    snprintf(text + at, 8, "\"%s", end < bytes.size ? "..." : "");
    return text;
}

/* From where the bytes are told: a little before the first that differs. */
static size_t words_from(thrum_bytes expected, thrum_bytes came)
{
    size_t most = expected.size < came.size ? expected.size : came.size;
    size_t at = 0;

    while (at < most && expected.data[at] == came.data[at])
        at++;
    return at > WORDS_BEFORE ? at - WORDS_BEFORE : 0;
}

/* Of bytes that did not have a text in them, the last ones are told. */
static size_t words_from_end(thrum_bytes came)
{
    return came.size > WORDS_MOST ? came.size - WORDS_MOST : 0;
}

thrum_failure *thrum__test_peer_failure(thrum_context *context, unsigned number,
                                        thrum__step_kind kind,
                                        thrum_bytes expected, thrum__came came)
{
    char one[WORDS_ROOM] = "the end", other[WORDS_ROOM] = "";
    const char *up_to = kind == STEP_UNTIL ? "bytes up to " : "";
    const char *the_end = "";
    size_t from = 0;

    if (kind == STEP_EXPECT)
        from = words_from(expected, came.bytes);
    if (kind != STEP_END)
        words_bytes(one, expected, from);
    if (kind == STEP_UNTIL)
        from = words_from_end(came.bytes);
    if (came.bytes.size > 0)
        words_bytes(other, came.bytes, from);
    if (came.ended)
        the_end = came.bytes.size > 0 ? ", then the end," : "the end";
    return thrum_failure_new(context, &thrum_domain_reactor,
                             THRUM_REACTOR_E_SCRIPT,
                             "step %u: expected %s%s, but %s%s came", number,
                             up_to, one, other, the_end);
}
