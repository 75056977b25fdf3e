/* SPDX-License-Identifier: MIT */
/* What holds for every message that can be sent, however it was made. */
#ifndef THRUM_TESTS_FUZZ_LETTER_H
#define THRUM_TESTS_FUZZ_LETTER_H

#include <thrum/message.h>

/* Writes the message, and stops the program unless: its lines end with CRLF,
 * are printable ASCII and at most 998 long (RFC 5322 section 2.1.1); it has a
 * header and a body; what goes over SMTP in slices of `enough` is the same with
 * a dot before each line that begins with one. Returns 0 with the message in
 * `out`, or why it cannot be written; then `out` is empty. */
int fuzz_letter(thrum_message *message, thrum_buffer *out, size_t enough);

#endif
