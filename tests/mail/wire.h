/* SPDX-License-Identifier: MIT */
/*
 * The other side of the wire, written from the RFCs and not from the encoders:
 * what a server and a reader make of the bytes. Each fails the test when the
 * bytes are not as they have to be.
 */
#ifndef THRUM_TESTS_MAIL_WIRE_H
#define THRUM_TESTS_MAIL_WIRE_H

#include <stddef.h>

#include <thrum/api.h>

/* Text in memory of malloc's, with a NUL after its size. */
typedef struct wire_text {
    char *data;
    size_t size;
} wire_text;

/* What a server keeps of what was sent after 354: dots unstuffed (RFC 5321
 * section 4.5.2). Every line ends with CRLF, is of 7 bits and at most 998
 * octets, and none is a lone dot; no other CR or LF is there. */
wire_text wire_receive(thrum_bytes sent);

/* A text in quoted-printable (RFC 2045 section 6.7): lines of at most 76, no
 * blank at the end of one. */
wire_text wire_unquote(thrum_bytes text);

/* The value of a header as it is read: unfolded, encoded words decoded (RFC
 * 2047), each of them whole UTF-8 and at most 75 long. `value` begins after the
 * colon and its blank; `column` is how long name, colon and blank are. */
wire_text wire_header(thrum_bytes value, size_t column);

/* A text whose line ends are made LF: of CRLF, CR and LF. */
wire_text wire_normalise(thrum_bytes text);

/* Asserts that these are the same, and shows them when not. */
void wire_assert_same(thrum_bytes got, thrum_bytes expected, const char *what);

/* The value of a header in a message, folds and all, without its last CRLF;
 * NULL data when there is none. Borrowed. */
thrum_bytes wire_find(thrum_bytes message, const char *name);

/* What comes after the first blank line. Borrowed. */
thrum_bytes wire_body(thrum_bytes message);

/* The text that a reader finds in a message of one part, as it was sent; its
 * line ends are LF. */
wire_text wire_read(thrum_bytes sent);

#endif
