/* SPDX-License-Identifier: MIT */
/*
 * The arguments of MAIL and RCPT (RFC 5321 section 4.1.2), read without the
 * library's own view of an address: what sends is not to judge what arrives.
 */
#ifndef THRUM_CLI_SINK_PATH_H
#define THRUM_CLI_SINK_PATH_H

#include <stdbool.h>

#include <thrum/api.h>

/* Of a path with its brackets (RFC 5321 section 4.5.3.1.3). */
enum { SINK_PATH_MAX = 256 };

/* Whether `text` is `word` (`size` bytes, upper case), in any case. */
bool sink_path_is_word(thrum_bytes text, const char *word, size_t size);

/* Reads `keyword` ("FROM:"), a path in brackets, and a blank or the end.
 * `path` is what stands between the brackets, `rest` what follows the blank.
 * Bytes beyond ASCII are let pass. */
bool sink_path_read(thrum_bytes argument, const char *keyword,
                    thrum_bytes *path, thrum_bytes *rest);

/* Whether MAIL may have it: an address, or nothing. */
bool sink_path_is_sender(thrum_bytes path);

/* Whether RCPT may have it: an address, or "postmaster". */
bool sink_path_is_recipient(thrum_bytes path);

/* Whether there is nothing but ASCII in it; else MAIL has to ask for SMTPUTF8
 * (RFC 6531). */
bool sink_path_is_ascii(thrum_bytes path);

/* Whether it is UTF-8 (RFC 3629). */
bool sink_path_is_utf8(thrum_bytes path);

#endif
