/* SPDX-License-Identifier: MIT */
/*
 * The letter: what everybody gets, from the command line and the files that it
 * names. What is wrong with it is said, with the option or the file in front.
 */
#ifndef THRUM_CLI_LETTER_H
#define THRUM_CLI_LETTER_H

#include <thrum/template.h>

#include "cli/bulk_options.h"

/* A letter is held whole, so it has a cap. */
enum { CLI_LETTER_MOST = 8 * 1024 * 1024 };

/* Makes the message that the letter is compiled from.
 * Ownership: *letter new, only when CLI_EXIT_OK is answered. */
int cli_letter_read(const bulk_options *options, thrum_context *context,
                    thrum_message **letter);

/* Compiles it for a list with these columns.
 * Ownership: *compiled new, only when CLI_EXIT_OK is answered. */
int cli_letter_compile(thrum_context *context, const thrum_message *letter,
                       const char *const *columns, size_t count,
                       thrum_template **compiled);

#endif
