/* SPDX-License-Identifier: MIT */
/*
 * Mail addresses (RFC 5321 section 4.1.2, RFC 5322 section 3.4, RFC 6531
 * section 3.3).
 */
#ifndef THRUM_ADDRESS_H
#define THRUM_ADDRESS_H

#include <thrum/failure.h>

THRUM_BEGIN

/* The codes of the floor mail. */
#define THRUM_MAIL_ERRORS(X)                                                   \
    X(ADDRESS, -301, "not a mail address")                                     \
    X(HEADER, -302, "not a header that may be sent")                           \
    X(TEXT, -303, "not a text that may be sent")                               \
    X(TEMPLATE, -304, "the template is not well formed")                       \
    X(UNKNOWN_NAME, -305, "a name that the template does not know")            \
    X(EMPTY, -306, "a variable is empty")                                      \
    X(INCOMPLETE, -307, "the message lacks something")                         \
    X(URL, -308, "not a URL that a mailer understands")                        \
    X(CLOSED, -309, "the mailer is closed")                                    \
    X(TOO_LONG, -310, "too long")                                              \
    X(SECRET, -311, "not a secret that may be used")

#define THRUM_MAIL_ERRORS_ENUM(name, code, text) THRUM_MAIL_E_##name = (code),
enum thrum_mail_error {
    THRUM_MAIL_ERRORS(THRUM_MAIL_ERRORS_ENUM) THRUM_MAIL_E_END = -399
};
#undef THRUM_MAIL_ERRORS_ENUM

/* The domain of THRUM_MAIL_ERRORS. */
extern THRUM_API const thrum_domain thrum_domain_mail;

/* Whether `text` is an address that may stand in an envelope: a dot-atom or a
 * quoted string, "@", a domain or an address literal; at most 64 octets, 255,
 * and 254 in all, without quotes that it does not need. A domain outside
 * US-ASCII is IDNA2008's and counts as its A-labels; a local part outside
 * US-ASCII is UTF-8, which only servers take that offer SMTPUTF8. Controls have
 * no place in it, neither those of US-ASCII nor U+0080 to U+009F, in quotes or
 * out of them.
 * Returns NULL when it is, else what is wrong with it, in words.
 * Ownership: borrowed, static. */
THRUM_API const char *thrum_address_check(const char *text, size_t size);

/* A mailbox: an address and the name beside it. */
typedef struct thrum_address thrum_address;

/* Reads "Name <address>", "\"Na, me\" <address>", "<address>" or "address". The
 * name is UTF-8 and holds no control characters.
 * Ownership: new; *why new, only on error (`why` may be NULL).
 * Errors: NULL; *why says what is wrong: THRUM_MAIL_E_ADDRESS, or no memory. */
THRUM_API thrum_address *thrum_address_parse(thrum_context *context,
                                             const char *text,
                                             thrum_failure **why);

/* Frees it. NULL is nothing. */
THRUM_API void thrum_address_free(thrum_address *address);

/* The address alone, as it stands in an envelope: "news@example.org", the
 * domain in A-labels, quotes only where it needs them. Two that are the same
 * person differ in nothing but the case of a domain in US-ASCII.
 * Ownership: borrowed. */
THRUM_API const char *thrum_address_addr(const thrum_address *address);

/* The name in UTF-8, "" without one. Ownership: borrowed. */
THRUM_API const char *thrum_address_name(const thrum_address *address);

THRUM_END

#endif
