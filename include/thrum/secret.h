/* SPDX-License-Identifier: MIT */
/*
 * A secret: a password or a token, kept in memory that is not swapped out where
 * the system allows it, never in a core dump, and wiped when the last holder
 * goes. No function prints it, and no failure holds any of it.
 */
#ifndef THRUM_SECRET_H
#define THRUM_SECRET_H

#include <thrum/reactor.h>

THRUM_BEGIN

typedef struct thrum_secret thrum_secret;

/* The longest there is, in bytes: a token may take some thousands. */
#define THRUM_SECRET_MAX 16384

/* Makes a secret of `size` bytes, at least 1. The caller wipes its own.
 * Ownership: new; the bytes are copied; *why new, only on error (`why` may be
 * NULL). Errors: NULL; *why says so: no memory, THRUM_MAIL_E_SECRET (empty, too
 * long, a NUL or a line's end within). */
THRUM_API thrum_secret *thrum_secret_new(thrum_context *context,
                                         const char *bytes, size_t size,
                                         thrum_failure **why);

/* The value of an environment variable. Ownership and errors: as new;
 * THRUM_MAIL_E_SECRET also when it is not set. */
THRUM_API thrum_secret *thrum_secret_from_variable(thrum_context *context,
                                                   const char *name,
                                                   thrum_failure **why);

/* What stands in a file, without the line end behind it. The file is a plain
 * one, is the user's own or root's, and nobody else may read or write it
 * (mode 0600 or 0400).
 * Ownership and errors: as new; THRUM_MAIL_E_SECRET, names the file, with the
 * errno beneath when it could not be read, or EPERM for its mode. */
THRUM_API thrum_secret *thrum_secret_from_file(thrum_context *context,
                                               const char *path,
                                               thrum_failure **why);

/* What a command prints, without the line end behind it: it is given to
 * /bin/sh, with the program's standard error and environment, less the
 * variables that begin with THRUM_, and with nothing to read. It runs beside
 * the loop, and a thread waits for it. Fires with a thrum_secret; fails with
 * THRUM_MAIL_E_SECRET: it could not be started, ended otherwise than with 0
 * (the text says how), took longer than `within`, or printed what cannot be a
 * secret. Cancelling, the end of the time, and a reactor that stops end it and
 * all that it has started with SIGKILL.
 * Ownership: new. Calls back: never before this returns. Errors: NULL, no
 * memory. */
THRUM_API thrum_deferred *thrum_secret_from_command(thrum_reactor *reactor,
                                                    const char *command,
                                                    thrum_ns within);

/* The secret itself, ended by a NUL that does not count. Whoever copies it
 * wipes the copy. Ownership: borrowed. */
THRUM_API thrum_bytes thrum_secret_bytes(const thrum_secret *secret);

/* One more holder. Ownership: returns `secret`. */
THRUM_API thrum_secret *thrum_secret_ref(thrum_secret *secret);

/* One holder less; the last one wipes it. Takes a void pointer, to serve as a
 * value's release function. NULL is nothing. */
THRUM_API void thrum_secret_unref(void *secret);

THRUM_END

#endif
