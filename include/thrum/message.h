/* SPDX-License-Identifier: MIT */
/*
 * A message: who it is from, whom it is for, its headers and its texts. Text is
 * UTF-8 with LF or CRLF at the ends of its lines; with both a text and HTML
 * they become alternatives (RFC 2046 section 5.1.4). Message-ID, Date and the
 * MIME headers are added; an encoding is chosen so that 7 bits suffice. Only an
 * address whose local part is UTF-8 makes headers of 8 bits (RFC 6532), and
 * then needs a server that offers SMTPUTF8.
 *
 * What is wrong with a message is kept in it: every setter returns a code, but
 * need not be tested, since thrum_mailer_send fails with what was wrong first.
 * Every setter may also give THRUM_E_NOMEM, THRUM_MAIL_E_TOO_LONG (a value of a
 * header or the envelope past 8,192 octets) and THRUM_E_INVALID (a message made
 * from a template stays as it is). NULL for a message reads as "out of memory",
 * NULL for a string as an empty one.
 *
 * "{{" is a slot's beginning in a template, and plain text in a message that is
 * sent: what it stands in is judged when it is known which of the two it is.
 */
#ifndef THRUM_MESSAGE_H
#define THRUM_MESSAGE_H

#include <thrum/address.h>
#include <thrum/buffer.h>

THRUM_BEGIN

typedef struct thrum_message thrum_message;

/* Makes an empty message. Ownership: new. Errors: NULL, no memory (also for a
 * NULL context). */
THRUM_API thrum_message *thrum_message_new(thrum_context *context);

/* Frees it. NULL is nothing. */
THRUM_API void thrum_message_free(thrum_message *message);

/* Who it is from: "News <news@example.org>". The address is also the envelope's
 * sender, unless that is set too. Errors: THRUM_MAIL_E_ADDRESS. */
THRUM_API int thrum_message_set_from(thrum_message *message,
                                     const char *mailbox);

/* Where bounces go: the envelope's sender (RFC 5321 section 4.1.1.2), a bare
 * address, or "" for none. In a template it may hold slots:
 * "bounces+{{id}}@example.org". Errors: THRUM_MAIL_E_ADDRESS. */
THRUM_API int thrum_message_set_envelope_from(thrum_message *message,
                                              const char *address);

/* What the senders of bounces and confirmations are asked for (RFC 3461); it is
 * left out where the server does not offer DSN. */
typedef enum thrum_dsn_notify {
    THRUM_DSN_NEVER = 1 << 0, /* alone */
    THRUM_DSN_SUCCESS = 1 << 1,
    THRUM_DSN_FAILURE = 1 << 2,
    THRUM_DSN_DELAY = 1 << 3
} thrum_dsn_notify;

typedef enum thrum_dsn_return {
    THRUM_DSN_RETURN_DEFAULT,
    THRUM_DSN_RETURN_FULL,   /* the whole message */
    THRUM_DSN_RETURN_HEADERS /* its headers */
} thrum_dsn_return;

typedef struct thrum_dsn {
    unsigned notify;       /* of thrum_dsn_notify; 0: as the server does */
    thrum_dsn_return what; /* RET */
    /* ENVID, printable US-ASCII, at most 100 octets as xtext; NULL: none. In a
     * template it may hold slots. */
    const char *envelope_id;
    int original; /* ORCPT: each recipient as it stands in the envelope */
} thrum_dsn;

/* Ownership: copied; NULL takes it back.
 * Errors: THRUM_E_INVALID, NEVER beside others; THRUM_MAIL_E_HEADER. */
THRUM_API int thrum_message_set_dsn(thrum_message *message,
                                    const thrum_dsn *dsn);

/* Where answers go. Errors: THRUM_MAIL_E_ADDRESS. */
THRUM_API int thrum_message_set_reply_to(thrum_message *message,
                                         const char *mailbox);

/* One more recipient, in the header To and in the envelope.
 * Errors: THRUM_MAIL_E_ADDRESS. */
THRUM_API int thrum_message_add_to(thrum_message *message, const char *mailbox);

/* The subject, one line. Errors: THRUM_MAIL_E_HEADER. */
THRUM_API int thrum_message_set_subject(thrum_message *message,
                                        const char *subject);

/* One more header. The name is ftext (RFC 5322 section 3.6.8), at most 60
 * characters of it, does not begin with a dot, and is none of those that the
 * message writes itself; the value is one line of UTF-8.
 * Errors: THRUM_MAIL_E_HEADER. */
THRUM_API int thrum_message_add_header(thrum_message *message, const char *name,
                                       const char *value);

/* The text. Ownership: copied. Errors: THRUM_MAIL_E_TEXT: a NUL, or not UTF-8.
 */
THRUM_API int thrum_message_set_text(thrum_message *message, const char *text,
                                     size_t size);

/* The HTML beside it, or alone. Ownership: copied. Errors: as set_text. */
THRUM_API int thrum_message_set_html(thrum_message *message, const char *html,
                                     size_t size);

/* What was wrong first, or NULL. Ownership: borrowed. */
THRUM_API const thrum_failure *
thrum_message_failure(const thrum_message *message);

/* Its Message-ID, with the angle brackets: the same as long as it lives, so set
 * the sender first, whose domain it bears. "" without memory.
 * Ownership: borrowed. */
THRUM_API const char *thrum_message_id(thrum_message *message);

/* How many recipients it has. */
THRUM_API size_t thrum_message_recipients(const thrum_message *message);

/* The address of recipient `index`, as thrum_address_addr would give it; NULL
 * past the last. Ownership: borrowed. */
THRUM_API const char *thrum_message_recipient(const thrum_message *message,
                                              size_t index);

/* The envelope's sender, "" for none. Ownership: borrowed. */
THRUM_API const char *thrum_message_sender(thrum_message *message);

/* Writes the whole message as it would be read from a file: headers, a blank
 * line, body; CRLF line ends, no dot-stuffing.
 * Errors: the code of thrum_message_failure, THRUM_MAIL_E_INCOMPLETE (no from,
 * no recipient, neither text nor HTML), or those of the buffer; then the buffer
 * is as it was. */
THRUM_API int thrum_message_write(thrum_message *message, thrum_buffer *out);

THRUM_END

#endif
