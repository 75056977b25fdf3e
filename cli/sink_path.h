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
 * `path` is what stands between the brackets, `rest` what follows the blank. */
bool sink_path_read(thrum_bytes argument, const char *keyword,
                    thrum_bytes *path, thrum_bytes *rest);

/* Whether MAIL may have it: an address, or nothing. */
bool sink_path_is_sender(thrum_bytes path);

/* Whether RCPT may have it: an address, or "postmaster". */
bool sink_path_is_recipient(thrum_bytes path);

/* Whether all parameters of MAIL were offered: none after HELO, else
 * BODY=7BIT or BODY=8BITMIME (RFC 6152), once. */
bool sink_path_mail_parameters(thrum_bytes rest, bool extended);

#endif
