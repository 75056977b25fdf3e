/* SPDX-License-Identifier: MIT */
/*
 * A server's answer to EHLO (RFC 5321 section 4.1.1.1), read for what this
 * client can make use of.
 */
#ifndef THRUM_MAIL_SMTP_EHLO_H
#define THRUM_MAIL_SMTP_EHLO_H

#include <thrum/smtp.h>

#include "mail/smtp/reply.h"

/* Fills `offers` from a positive answer to EHLO. Keywords are read in any case;
 * what is offered twice is offered once, with the smaller of two sizes. The
 * first line greets and offers nothing, and of an answer that is longer than
 * what is kept of it, the line that was cut is none. */
void thrum__ehlo_read(const thrum__reply *reply, thrum_smtp_offers *offers);

#endif
