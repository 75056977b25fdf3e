/* SPDX-License-Identifier: MIT */
/*
 * The text of a message as it comes after 354 (RFC 5321 section 4.5.2): finds
 * its end, and takes the dots away that the sender put before its lines. Only
 * CR LF "." CR LF is the end; no other mixture of CR, LF and dots is, since a
 * server that guesses here lets messages be smuggled in (CVE-2023-51764).
 */
#ifndef THRUM_CLI_SINK_BODY_H
#define THRUM_CLI_SINK_BODY_H

#include <stddef.h>

typedef enum sink_body_state {
    SINK_BODY_LINE,   /* at the start of a line, as after DATA */
    SINK_BODY_TEXT,   /* within a line */
    SINK_BODY_CR,     /* after a CR */
    SINK_BODY_DOT,    /* after a dot at the start of a line: not passed on */
    SINK_BODY_DOT_CR, /* after that and a CR: not passed on yet */
    SINK_BODY_END     /* all of it has come */
} sink_body_state;

/* Gets a piece of the text. `data` is borrowed for the call. */
typedef void sink_body_fn(const char *data, size_t size, void *ctx);

/* Takes the next bytes and passes the text in them on. Returns how many of the
 * bytes were used: all, unless the end is among them. */
size_t sink_body_receive(sink_body_state *state, const char *data, size_t size,
                         sink_body_fn *piece, void *ctx);

#endif
