/* SPDX-License-Identifier: MIT */
/*
 * Who logs in to a server (RFC 4954): a user, a password or a token, and the
 * mechanisms that may be used. Many sessions share one account, and what its
 * password costs to be made a key of (SCRAM) is paid once.
 *
 * Of the mechanisms that are both allowed and offered the strongest is taken:
 * with a password SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN, and CRAM-MD5 only
 * where it is asked for; with a token OAUTHBEARER, XOAUTH2. A server that
 * offers none of them is not sent any mail, and nothing weaker is tried when
 * one was refused. Nothing of all this is sent outside of TLS.
 */
#ifndef THRUM_SMTP_ACCOUNT_H
#define THRUM_SMTP_ACCOUNT_H

#include <thrum/secret.h>
#include <thrum/smtp.h>

THRUM_BEGIN

typedef struct thrum_smtp_account thrum_smtp_account;

/* Makes an account. `mechanisms` (of thrum_smtp_mechanism) are those that may
 * be used; 0: all that go with a password, but CRAM-MD5. With XOAUTH2 or
 * OAUTHBEARER, and nothing else, `secret` is a token. The user is UTF-8 and
 * prepared as RFC 8265 (OpaqueString, which took the place of SASLprep) has it,
 * and so is a password.
 * Ownership: new; a reference to `secret` is taken; *why new, only on error
 * (`why` may be NULL).
 * Errors: NULL; *why says so: no memory; THRUM_E_INVALID for mechanisms that do
 * not go together; THRUM_MAIL_E_SECRET for a user or password that cannot be
 * prepared. */
THRUM_API thrum_smtp_account *thrum_smtp_account_new(thrum_context *context,
                                                     const char *user,
                                                     thrum_secret *secret,
                                                     unsigned mechanisms,
                                                     thrum_failure **why);

/* Another secret from now on, for logins that have not begun: a token that was
 * renewed. Ownership: a reference is taken. Errors: THRUM_E_NOMEM,
 * THRUM_MAIL_E_SECRET, and it has not changed. */
THRUM_API int thrum_smtp_account_set_secret(thrum_smtp_account *account,
                                            thrum_secret *secret);

/* The mechanism that it would use with a server that offers `offered`, of
 * thrum_smtp_mechanism; 0: none. */
THRUM_API unsigned thrum_smtp_account_choose(const thrum_smtp_account *account,
                                             unsigned offered);

/* The user's name. Ownership: borrowed. */
THRUM_API const char *
thrum_smtp_account_user(const thrum_smtp_account *account);

/* One more holder. Ownership: returns `account`. */
THRUM_API thrum_smtp_account *
thrum_smtp_account_ref(thrum_smtp_account *account);

/* One holder less. Takes a void pointer, to serve as a release function. NULL
 * is nothing. */
THRUM_API void thrum_smtp_account_unref(void *account);

THRUM_END

#endif
