/* SPDX-License-Identifier: MIT */
/*
 * Secrets that are filled in place, so that there is no copy to be forgotten.
 */
#ifndef THRUM_MAIL_SECRET_INTERNAL_H
#define THRUM_MAIL_SECRET_INTERNAL_H

#include <thrum/secret.h>

/* What is read of a secret from elsewhere: with the line end behind it, and one
 * byte more, which shows that it is too long. */
enum { THRUM__SECRET_READ = THRUM_SECRET_MAX + 3 };

/* A secret with room for `size` bytes, all NUL.
 * Ownership: new. Errors: NULL, no memory. */
thrum_secret *thrum__secret_room(thrum_context *context, size_t size);

/* Its bytes, to be filled. Ownership: borrowed. */
char *thrum__secret_fill(thrum_secret *secret);

/* `size` bytes were read into its room: takes the line end off, if there is
 * one. Returns NULL when the rest can be a secret, else what is wrong with it,
 * in words that go behind what it is called.
 * Ownership: borrowed, static. */
const char *thrum__secret_settle(thrum_secret *secret, size_t size);

/* "NAME is empty": THRUM_MAIL_E_SECRET. May be called in any thread. */
thrum_failure *thrum__secret_failure(thrum_context *context, const char *name,
                                     const char *wrong);

#endif
