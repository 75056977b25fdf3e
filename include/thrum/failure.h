/* SPDX-License-Identifier: MIT */
/*
 * A failure: why something did not work. It bears a domain and a code for the
 * program, a text for the person, the cause beneath it, and a detail that only
 * its domain knows. Shared and unchanging once it is handed on, so it may cross
 * threads.
 *
 * Functions that can only fail in a few plain ways return an int: 0, or a code
 * of their floor's domain. All codes are negative, and no two domains of thrum
 * share one.
 */
#ifndef THRUM_FAILURE_H
#define THRUM_FAILURE_H

#include <stdarg.h>

#include <thrum/context.h>

THRUM_BEGIN

/* A family of codes. `describe` gives the plain words of a code, or NULL when
 * it is not one of the family. */
typedef struct thrum_domain {
    const char *name;
    const char *(*describe)(int code);
} thrum_domain;

/* The codes of the floor base. */
#define THRUM_ERRORS(X)                                                        \
    X(NOMEM, -1, "out of memory")                                              \
    X(INVALID, -2, "invalid argument")                                         \
    X(FULL, -3, "a cap was reached")                                           \
    X(CLOSED, -4, "already closed")

#define THRUM_ERRORS_ENUM(name, code, text) THRUM_E_##name = (code),
enum thrum_error { THRUM_ERRORS(THRUM_ERRORS_ENUM) THRUM_E_END = -99 };
#undef THRUM_ERRORS_ENUM

/* The domain of THRUM_ERRORS. */
extern THRUM_API const thrum_domain thrum_domain_base;

/* The domain whose codes are the operating system's errno. */
extern THRUM_API const thrum_domain thrum_domain_system;

/* Makes a failure. A NULL format gives the plain words of the code.
 * A text longer than 1,000 bytes is cut.
 * Ownership: new. Errors: never NULL; without memory it is the one static
 * failure THRUM_E_NOMEM. */
THRUM_API thrum_failure *thrum_failure_new(thrum_context *context,
                                           const thrum_domain *domain, int code,
                                           const char *format, ...)
    THRUM_PRINTF(4, 5);

/* The failure "out of memory": static, so it can always be had.
 * Ownership: new (a reference like any other). */
THRUM_API thrum_failure *thrum_failure_no_memory(void);

/* Puts `cause` beneath `failure`. Only before the failure is shared.
 * Ownership: both taken; returns `failure`. */
THRUM_API thrum_failure *thrum_failure_because(thrum_failure *failure,
                                               thrum_failure *cause);

/* Gives `failure` the detail that its domain knows how to read. Only before
 * the failure is shared, and once.
 * Ownership: detail taken; returns `failure`. */
THRUM_API thrum_failure *thrum_failure_explain(thrum_failure *failure,
                                               void *detail,
                                               thrum_free_fn *free);

/* thrum_failure_explain for a detail of `size` plain bytes, which the caller
 * fills in: its memory is the failure's own, so it may end in another thread,
 * and after the context. Ownership: borrowed. Errors: NULL, no memory (or no
 * failure but that), or there is a detail. */
THRUM_API void *thrum_failure_explain_room(thrum_failure *failure, size_t size);

/* One more holder; in any thread. Ownership: returns `failure`. */
THRUM_API thrum_failure *thrum_failure_ref(const thrum_failure *failure);

/* One holder less; the last one frees it, in any thread. NULL is nothing. */
THRUM_API void thrum_failure_unref(thrum_failure *failure);

/* Whether it is this domain's and has this code. NULL is none: 0. */
THRUM_API int thrum_failure_is(const thrum_failure *failure,
                               const thrum_domain *domain, int code);

/* Its domain. Ownership: borrowed, static. */
THRUM_API const thrum_domain *
thrum_failure_domain(const thrum_failure *failure);

/* Its code within the domain. */
THRUM_API int thrum_failure_code(const thrum_failure *failure);

/* Its words for a person. Ownership: borrowed. */
THRUM_API const char *thrum_failure_text(const thrum_failure *failure);

/* What lies beneath it, or NULL. Ownership: borrowed. */
THRUM_API const thrum_failure *
thrum_failure_cause(const thrum_failure *failure);

/* The detail, if the failure is of `domain` and has one; else NULL.
 * Ownership: borrowed. */
THRUM_API void *thrum_failure_detail(const thrum_failure *failure,
                                     const thrum_domain *domain);

THRUM_END

#endif
