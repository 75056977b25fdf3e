/* SPDX-License-Identifier: MIT */
/*
 * What a server said of a message: the receipt of one that it took, or the
 * failure of one that it did not.
 */
#ifndef THRUM_RECEIPT_H
#define THRUM_RECEIPT_H

#include <thrum/failure.h>

THRUM_BEGIN

/* How a message that was not accepted ended. */
#define THRUM_SMTP_ERRORS(X)                                                   \
    X(REFUSED, -401, "refused for good")                                       \
    X(LATER, -402, "refused, try later")                                       \
    X(PROTOCOL, -403, "the server does not keep to SMTP")                      \
    X(UNSENT, -404, "the connection ended before the message was sent")        \
    X(DOUBT, -405, "sent to its end and not answered")                         \
    X(UNREACHABLE, -406, "no server was reached")                              \
    X(SERVICE, -407, "the server gives no service")                            \
    X(ACCOUNT, -408, "the account was refused")                                \
    X(SECURITY, -409, "TLS is required, and not to be had")                    \
    X(OURS, -410, "the server says that we do not keep to SMTP")               \
    X(CANCELLED, -411, "given up before it was sent")

#define THRUM_SMTP_ERRORS_ENUM(name, code, text) THRUM_SMTP_E_##name = (code),
enum thrum_smtp_error {
    THRUM_SMTP_ERRORS(THRUM_SMTP_ERRORS_ENUM) THRUM_SMTP_E_END = -499
};
#undef THRUM_SMTP_ERRORS_ENUM

/* The domain of THRUM_SMTP_ERRORS. Its detail is a thrum_smtp_detail. */
extern THRUM_API const thrum_domain thrum_domain_smtp;

/* Where in the dialogue something was said (RFC 5321 section 4.1.4). */
typedef enum thrum_smtp_stage {
    THRUM_SMTP_STAGE_CONNECT,
    THRUM_SMTP_STAGE_GREETING,
    THRUM_SMTP_STAGE_EHLO,
    THRUM_SMTP_STAGE_HELO,
    THRUM_SMTP_STAGE_MAIL,
    THRUM_SMTP_STAGE_RCPT,
    THRUM_SMTP_STAGE_DATA,
    THRUM_SMTP_STAGE_BODY,
    THRUM_SMTP_STAGE_RSET,
    THRUM_SMTP_STAGE_QUIT,
    THRUM_SMTP_STAGE_STARTTLS,
    THRUM_SMTP_STAGE_TLS, /* the handshake */
    THRUM_SMTP_STAGE_AUTH
} thrum_smtp_stage;

/* The stage's name in messages, "RCPT". Ownership: borrowed, static. */
THRUM_API const char *thrum_smtp_stage_name(thrum_smtp_stage stage);

/* What a failure means for what is done next, from stage, code and enhanced
 * code (RFC 3463, 5248, 7504, 7505). */
typedef enum thrum_smtp_verdict {
    THRUM_SMTP_VERDICT_LATER,     /* try again, each time after a longer rest */
    THRUM_SMTP_VERDICT_BUSY,      /* greylisted, or too much at a time: rest for
                                     5 to 10 minutes first, then go slower */
    THRUM_SMTP_VERDICT_MAILBOX,   /* full: try later; it may stay so for days */
    THRUM_SMTP_VERDICT_RECIPIENT, /* the address takes no mail, ever */
    THRUM_SMTP_VERDICT_MESSAGE,   /* refused for good for what it is or whom it
                                     is from; the recipient is not at fault */
    THRUM_SMTP_VERDICT_ACCOUNT,   /* the account or the route: send no more */
    THRUM_SMTP_VERDICT_OURS,      /* our own fault, as by OURS: send no more */
    THRUM_SMTP_VERDICT_DOUBT      /* it may have been delivered: ask somebody */
} thrum_smtp_verdict;

/* The verdict in a word: "later", "busy", "mailbox", "recipient", "message",
 * "account", "ours", "doubt". Ownership: borrowed, static. */
THRUM_API const char *thrum_smtp_verdict_name(thrum_smtp_verdict verdict);

/* The verdict on a reply of the server. `enhanced` may be "". */
THRUM_API thrum_smtp_verdict thrum_smtp_verdict_of(thrum_smtp_stage stage,
                                                   int code,
                                                   const char *enhanced);

/* The detail of a failure of thrum_domain_smtp. */
typedef struct thrum_smtp_detail {
    thrum_smtp_stage stage;
    int code;             /* the reply's code, 0 without a reply */
    const char *enhanced; /* "5.1.1" (RFC 3463); "" when there is none */
    const char *text;     /* the server's words, printable; "" without */
    const char *peer;     /* "127.0.0.1:25" */
    thrum_smtp_verdict verdict;
} thrum_smtp_detail;

/* The detail of a failure, or NULL when it is not of thrum_domain_smtp.
 * Ownership: borrowed. */
THRUM_API const thrum_smtp_detail *
thrum_failure_smtp(const thrum_failure *failure);

typedef struct thrum_receipt thrum_receipt;

/* Frees it. Takes a void pointer, to serve as a value's release function. NULL
 * is nothing. */
THRUM_API void thrum_receipt_free(void *receipt);

/* The message's Message-ID, with the angle brackets. Ownership: borrowed. */
THRUM_API const char *thrum_receipt_message_id(const thrum_receipt *receipt);

/* The code of the server's answer to the end of the message. */
THRUM_API int thrum_receipt_code(const thrum_receipt *receipt);

/* The server's words in that answer, printable; often its queue's name for the
 * message. Ownership: borrowed. */
THRUM_API const char *thrum_receipt_reply(const thrum_receipt *receipt);

/* Of how many recipients it speaks: all of the message's, in their order. */
THRUM_API size_t thrum_receipt_recipients(const thrum_receipt *receipt);

/* Why the server refused a recipient while it took others; NULL when that one
 * was accepted. Ownership: borrowed. */
THRUM_API const thrum_failure *
thrum_receipt_refusal(const thrum_receipt *receipt, size_t index);

THRUM_END

#endif
