/* SPDX-License-Identifier: MIT */
/*
 * Texts as they go over the wire: quoted-printable, or as they are. Each
 * encoder goes on where it stopped, so that a long text is written in slices,
 * and writes no line that begins with a lone dot.
 */
#ifndef THRUM_MAIL_ENCODE_H
#define THRUM_MAIL_ENCODE_H

#include <stdbool.h>

#include <thrum/api.h>

/* The longest line of an encoded text, without its CRLF (RFC 2045 section
 * 6.7, rule 5). */
enum { THRUM__LINE = 76 };

/* The least room an encoder needs to get on. */
enum { THRUM__ENCODE_LEAST = 9 };

/* Where an encoder stands. All 0: at the start, at the start of a line. */
typedef struct thrum__place {
    size_t offset; /* in the text */
    size_t column; /* in the line that is being written */
} thrum__place;

/* Room for a writer. */
typedef struct thrum__room {
    char *at;
    size_t size;
} thrum__room;

/* Writes the text in quoted-printable (RFC 2045 section 6.7), from `place` on,
 * to `room`, which has at least ENCODE_LEAST bytes; returns how many it wrote.
 * A line break is LF, CRLF, or CR alone. A dot at a line's start becomes =2E,
 * so there is nothing to stuff. With `escape`, what has a meaning in HTML is
 * written as a character reference. An unfinished last line stays so: place
 * says its column, and soft_break ends it. */
size_t thrum__quoted_encode(thrum_bytes text, thrum__place *place,
                            thrum__room room, bool escape);

/* How many bytes quoted_encode and a soft break can write at most for so many
 * of a text. */
size_t thrum__quoted_bound(size_t size, bool escape);

/* How many bytes this text, which may be long, takes at most with a soft break
 * behind it; never too few, and near enough for most. A look at each word. */
size_t thrum__quoted_most(thrum_bytes text);

/* Whether the text can go as it is (7bit): printable US-ASCII and tabs, short
 * lines, all of them ended, none by a blank that could get lost. */
bool thrum__plain_is(thrum_bytes text);

/* Writes such a text, with its dots stuffed (RFC 5321 section 4.5.2) when it is
 * to be `dotted`; as quoted_encode. */
size_t thrum__plain_encode(thrum_bytes text, thrum__place *place,
                           thrum__room room, bool dotted);

/* How many lines of such a text begin with a dot. */
size_t thrum__plain_dots(thrum_bytes text);

/* Writes what was dotted without the dots that stuff it; as quoted_encode, but
 * any room will do. */
size_t thrum__dots_unstuff(thrum_bytes dotted, thrum__place *place,
                           thrum__room room);

#endif
