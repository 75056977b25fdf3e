/* SPDX-License-Identifier: MIT */
/*
 * An account as the mechanisms see it.
 */
#ifndef THRUM_MAIL_SMTP_ACCOUNT_H
#define THRUM_MAIL_SMTP_ACCOUNT_H

#include <thrum/smtp_account.h>

#include "mail/smtp/scram_key.h"

/* The password, prepared, or the token. Ownership: borrowed. */
thrum_secret *thrum__account_secret(const thrum_smtp_account *account);

/* The keys of `password`, which may be one that the account does not have any
 * more: those that somebody made, or makes, or new ones, which are kept for the
 * next. Ownership: new. Errors: NULL, no memory. */
thrum__scram_key *thrum__account_key(thrum_smtp_account *account,
                                     thrum_secret *password,
                                     const thrum__scram_salting *salting);

#endif
