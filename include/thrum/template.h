/* SPDX-License-Identifier: MIT */
/*
 * A message for many: a message whose subject, headers, envelope sender and
 * texts hold slots, {{name}}, compiled once. What is the same for all is
 * encoded, and dot-stuffed, once; a recipient costs only what differs.
 *
 * A slot's value is escaped by the part it stands in: & < > " ' in HTML; as it
 * is in the text; as encoded words, where it has to be, in a header. "{{" that
 * shall stay is written "{{{{". Slots may stand in texts, subject, added
 * headers, reply-to, the envelope's sender, the ENVID of thrum_message_set_dsn
 * and the name of the sender, not in its address, which the Message-ID is made
 * of.
 */
#ifndef THRUM_TEMPLATE_H
#define THRUM_TEMPLATE_H

#include <thrum/message.h>

THRUM_BEGIN

typedef struct thrum_template thrum_template;

/* Compiles a message that has no recipients yet. `columns` are the names that
 * slots may bear, in the order in which the values will come.
 * Ownership: new; prototype and columns are borrowed; *why new, only on error
 * (`why` may be NULL).
 * Errors: NULL; *why names part and line: the prototype's own failure,
 * THRUM_MAIL_E_TEMPLATE, THRUM_MAIL_E_UNKNOWN_NAME,
 * THRUM_MAIL_E_INCOMPLETE, or no memory. */
THRUM_API thrum_template *thrum_template_new(thrum_context *context,
                                             const thrum_message *prototype,
                                             const char *const *columns,
                                             size_t count, thrum_failure **why);

/* One more holder. Ownership: returns `letter`. */
THRUM_API thrum_template *thrum_template_ref(thrum_template *letter);

/* One holder less; messages made from it hold it too. NULL is nothing. */
THRUM_API void thrum_template_unref(thrum_template *letter);

/* Whether a message could be made for these: `to` is an address, no variable
 * that is used is empty, all are UTF-8 without NUL, no control character would
 * get into a header or the envelope, what slots make of an address is one, and
 * none of them grows too long.
 * Returns NULL, or what is wrong.
 * Ownership: new. Errors: THRUM_MAIL_E_ADDRESS, THRUM_MAIL_E_EMPTY,
 * THRUM_MAIL_E_TEXT, THRUM_MAIL_E_HEADER, THRUM_MAIL_E_TOO_LONG, or no memory.
 */
THRUM_API thrum_failure *thrum_template_check(thrum_template *letter,
                                              thrum_bytes to,
                                              const thrum_bytes *values);

/* A message for one recipient. `values` holds one value for each column; those
 * that are used are copied. What thrum_template_check would say is the
 * message's failure.
 * Ownership: new. Errors: NULL, no memory. */
THRUM_API thrum_message *thrum_template_fill(thrum_template *letter,
                                             thrum_bytes to,
                                             const thrum_bytes *values);

THRUM_END

#endif
