/* SPDX-License-Identifier: MIT */
/*
 * How receipts and the failures of the domain smtp are made.
 */
#ifndef THRUM_MAIL_RECEIPT_INTERNAL_H
#define THRUM_MAIL_RECEIPT_INTERNAL_H

#include <thrum/receipt.h>

#include "mail/smtp/reply.h"

enum { THRUM__RECEIPT_REPLY = 200 }; /* kept of the server's words, with NUL */

/* Makes a receipt before there is anything to write on it, so that a message
 * that was accepted is never lost for want of memory.
 * Ownership: new; the Message-ID is copied. Errors: NULL, no memory. */
thrum_receipt *thrum__receipt_new(thrum_context *context,
                                  thrum_bytes message_id, size_t recipients);

/* How far a recipient is, while its message is on its way. */
typedef enum thrum__mark {
    THRUM__MARK_OPEN,  /* is to be asked for */
    THRUM__MARK_ASKED, /* RCPT was sent */
    THRUM__MARK_TAKEN, /* by this transaction */
    THRUM__MARK_LATE,  /* this transaction takes no more of them */
    THRUM__MARK_DONE,  /* has the message */
    THRUM__MARK_REFUSED
} thrum__mark;

/* A thrum__mark for each recipient, OPEN at first. Ownership: borrowed. */
unsigned char *thrum__receipt_marks(thrum_receipt *receipt);

/* Recipient `index` was refused; NULL: it was not. Ownership: why taken. */
void thrum__receipt_refuse(thrum_receipt *receipt, size_t index,
                           thrum_failure *why);

/* The server's answer, copied as it came: its words are made fit to be shown
 * when somebody asks for them, which a campaign does not. */
void thrum__receipt_accept(thrum_receipt *receipt, const thrum__reply *reply);

/* Makes a failure of the domain smtp; the detail is copied. Its verdict counts
 * only where the server has not said what gives one.
 * Ownership: new. Errors: never NULL; as thrum_failure_new. */
thrum_failure *thrum__smtp_failure(thrum_context *context, int code,
                                   const thrum_smtp_detail *detail,
                                   const char *text);

#endif
