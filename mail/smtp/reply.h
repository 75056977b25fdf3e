/* SPDX-License-Identifier: MIT */
/*
 * The replies of an SMTP server (RFC 5321 section 4.2), read from whatever
 * pieces they come in.
 *
 * The reader believes nothing: a line that is too long, a code that is none,
 * codes that differ within one reply, a reply without end are all the end of
 * the dialogue, and it says which. A bare LF ends a line as CRLF does; a bare
 * CR ends nothing.
 */
#ifndef THRUM_MAIL_SMTP_REPLY_H
#define THRUM_MAIL_SMTP_REPLY_H

#include <stdbool.h>
#include <string.h>

#include <thrum/api.h>

enum {
    THRUM__REPLY_LINE = 4096,   /* RFC 5321 grants 512; servers take more */
    THRUM__REPLY_LINES = 128,   /* of one reply */
    THRUM__REPLY_BYTES = 65536, /* of one reply */
    THRUM__REPLY_TEXT = 4096,   /* is kept of a reply of several lines */
    THRUM__REPLY_WORDS = 512,   /* is kept for people, with the NUL */
    THRUM__REPLY_ENHANCED = 12  /* "5.123.123" and the NUL, and to spare */
};

typedef struct thrum__reply {
    int code;
    thrum_bytes text; /* without the codes; lines joined by LF; as it came */
} thrum__reply;

typedef struct thrum__reply_reader {
    int code;          /* of the lines so far */
    unsigned lines;    /* of the reply so far */
    size_t bytes;      /* of the reply so far */
    size_t partial;    /* bytes of a line whose end did not come yet */
    size_t kept;       /* bytes of text, of a reply of several lines */
    const char *wrong; /* why it is not SMTP */
    char line[THRUM__REPLY_LINE];
    char text[THRUM__REPLY_TEXT];
} thrum__reply_reader;

void thrum__reply_reader_init(thrum__reply_reader *reader);

/* Whether bytes came of a reply that has not come to its end. */
static inline bool
thrum__reply_reader_is_amid(const thrum__reply_reader *reader)
{
    return reader->partial > 0 || reader->lines > 0;
}

/* thrum__reply_read without its short way. */
int thrum__reply_read_any(thrum__reply_reader *reader, thrum_bytes *in,
                          thrum__reply *reply);

/* The code that three bytes are, or 0: 2yz to 5yz are all there are (RFC 5321
 * section 4.2.1). Nearly all are 250. */
static inline int thrum__reply_code(const char *line)
{
    unsigned first, second, third;

    if (memcmp(line, "250", 3) == 0)
        return 250;
    first = (unsigned)line[0] - '2';
    second = (unsigned)line[1] - '0';
    third = (unsigned)line[2] - '0';
    if (first > '5' - '2' || second > 9 || third > 9)
        return 0;
    return 200 + (int)(100 * first + 10 * second + third);
}

/* Reads `in`, at most to the end of one reply, and moves it behind what was
 * read. Returns 1 with a reply, whose text is borrowed until the next read; 0
 * when all was read and the reply has not ended; -1 when this is not SMTP:
 * reader->wrong says why, and there is nothing more to be read.
 *
 * The usual reply, one whole line "250 text" CRLF, is read here, within its
 * caller: there are three or four to a message. */
static inline int thrum__reply_read(thrum__reply_reader *reader,
                                    thrum_bytes *in, thrum__reply *reply)
{
    const char *line = in->data, *end = NULL;
    size_t size = 0;

    if (in->size > 0 && reader->wrong == NULL &&
        !thrum__reply_reader_is_amid(reader))
        end = memchr(line, '\n', in->size);
    if (end != NULL)
        size = (size_t)(end - line);
    if (size < 5 || size > THRUM__REPLY_LINE || line[3] != ' ' ||
        line[size - 1] != '\r' || (reply->code = thrum__reply_code(line)) == 0)
        return thrum__reply_read_any(reader, in, reply);
    in->data = end + 1;
    in->size -= size + 1;
    reply->text = (thrum_bytes){line + 4, size - 5};
    return 1;
}

/* The enhanced status code at the start of the reply (RFC 2034), if it is well
 * formed and of the class of the reply's code; "" otherwise. Returns its
 * length. */
size_t thrum__reply_enhanced(const thrum__reply *reply,
                             char enhanced[THRUM__REPLY_ENHANCED]);

/* The reply's words as they may be shown: without codes, in one line, each byte
 * that is not printable US-ASCII as "?", cut to `room`. Returns their length,
 * without the NUL. */
size_t thrum__reply_words(const thrum__reply *reply, char *words, size_t room);

#endif
