/* SPDX-License-Identifier: MIT */
/*
 * What can be read only once (standard input, a pipe) is copied to a file that
 * can be read again: one without a name, that its owner alone may read, in
 * TMPDIR or else /var/tmp. (/tmp is memory on many machines, and a list may be
 * larger than that.)
 */
#ifndef THRUM_CLI_SPOOL_H
#define THRUM_CLI_SPOOL_H

#include <stddef.h>

/* Copies all of `from` and answers a descriptor of the copy, or the negative
 * exit status with what is wrong in `wrong`. SIGINT and SIGTERM end it with
 * their status. */
int cli_spool(int from, char *wrong, size_t room);

#endif
