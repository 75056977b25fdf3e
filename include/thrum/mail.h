/* SPDX-License-Identifier: MIT */
/* All of libthrum-mail, and libthrum beneath it. */
#ifndef THRUM_MAIL_H
#define THRUM_MAIL_H

#include <thrum/address.h>
#include <thrum/mailer.h>
#include <thrum/message.h>
#include <thrum/probe.h>
#include <thrum/receipt.h>
#include <thrum/secret.h>
#include <thrum/smtp.h>
#include <thrum/smtp_account.h>
#include <thrum/smtp_session.h>
#include <thrum/template.h>
#include <thrum/thrum.h>

#endif
