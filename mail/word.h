/* SPDX-License-Identifier: MIT */
/*
 * Encoded words (RFC 2047).
 */
#ifndef THRUM_MAIL_WORD_H
#define THRUM_MAIL_WORD_H

#include "mail/header.h"

/* With less room than this in its line, an encoded word is better begun on the
 * next one: it holds at least one character, whichever. */
enum { THRUM__WORD_LEAST = 24 };

/* Writes a text, which is UTF-8, as encoded words: as many as it takes, with a
 * fold between each two, no character split between them. All of it is encoded,
 * its blanks too. */
void thrum__word_write(thrum__line *line, thrum_bytes text);

#endif
