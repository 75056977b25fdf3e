/* SPDX-License-Identifier: MIT */
/*
 * Failures are counted atomically and take their memory from the allocator
 * past the context, because they are what may cross threads. The failure "out
 * of memory" is static: counting it is skipped, freeing it never comes.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

enum { FAILURE_TEXT = 1000 };

struct thrum_failure {
    const thrum_allocator *allocator; /* NULL: static */
    const thrum_domain *domain;
    thrum_failure *cause;
    void *detail;
    thrum_free_fn *free;
    bool room; /* detail is memory of the failure's own */
    int code;
    atomic_uint refs;
    const char *text;
    char own[]; /* what text points to, unless the words are static */
};

static const char *base_describe(int code)
{
    switch (code) {
#define BASE_DESCRIBE(name, value, words)                                      \
    case value:                                                                \
        return words;
        THRUM_ERRORS(BASE_DESCRIBE)
#undef BASE_DESCRIBE
    default:
        return NULL;
    }
}

static const char *system_describe(int code)
{
    return strerrordesc_np(code);
}

const thrum_domain thrum_domain_base = {"thrum", base_describe};
const thrum_domain thrum_domain_system = {"system", system_describe};

static thrum_failure failure_no_memory = {
    .domain = &thrum_domain_base,
    .code = THRUM_E_NOMEM,
    .text = "out of memory",
};

const char *thrum__describe(const thrum_domain *domain, int code)
{
    const char *words = domain->describe(code);

    return words != NULL ? words : "unknown error";
}

static thrum_failure *failure_make(thrum_context *context,
                                   const thrum_domain *domain, int code,
                                   const char *text, size_t size)
{
    const thrum_allocator *allocator = context->allocator;
    thrum_failure *failure =
        allocator->allocate(sizeof *failure + size, allocator->state);

    if (failure == NULL)
        return thrum_failure_no_memory();
    failure->allocator = allocator;
    failure->domain = domain;
    failure->cause = NULL;
    failure->detail = NULL;
    failure->free = NULL;
    failure->room = false;
    failure->code = code;
    atomic_init(&failure->refs, 1);
    failure->text = text;
    if (size > 0) {
        memcpy(failure->own, text, size);
        failure->text = failure->own;
    }
    return failure;
}

thrum_failure *thrum_failure_new(thrum_context *context,
                                 const thrum_domain *domain, int code,
                                 const char *format, ...)
{
    char text[FAILURE_TEXT];
    va_list arguments;

    if (format == NULL)
        return failure_make(context, domain, code,
                            thrum__describe(domain, code), 0);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return failure_make(context, domain, code, text, strlen(text) + 1);
}

thrum_failure *thrum_failure_no_memory(void)
{
    return &failure_no_memory;
}

thrum_failure *thrum_failure_because(thrum_failure *failure,
                                     thrum_failure *cause)
{
    if (failure->allocator != NULL && failure->cause == NULL)
        failure->cause = cause;
    else
        thrum_failure_unref(cause);
    return failure;
}

thrum_failure *thrum_failure_explain(thrum_failure *failure, void *detail,
                                     thrum_free_fn *free)
{
    if (failure->allocator == NULL || failure->detail != NULL) {
        thrum__free(detail, free);
        return failure;
    }
    failure->detail = detail;
    failure->free = free;
    return failure;
}

static void failure_detail_free(thrum_failure *failure)
{
    if (failure->room)
        failure->allocator->release(failure->detail, failure->allocator->state);
    else
        thrum__free(failure->detail, failure->free);
}

void *thrum_failure_explain_room(thrum_failure *failure, size_t size)
{
    if (failure->allocator == NULL || failure->detail != NULL)
        return NULL;
    failure->detail =
        failure->allocator->allocate(size, failure->allocator->state);
    failure->room = failure->detail != NULL;
    return failure->detail;
}

thrum_failure *thrum_failure_ref(const thrum_failure *failure)
{
    thrum_failure *shared = (thrum_failure *)failure;

    if (shared->allocator != NULL)
        atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

/* Causes are freed by a loop: a chain of them may be as long as a retry. */
void thrum_failure_unref(thrum_failure *failure)
{
    while (failure != NULL && failure->allocator != NULL &&
           atomic_fetch_sub_explicit(&failure->refs, 1, memory_order_acq_rel) ==
               1) {
        thrum_failure *cause = failure->cause;

        failure_detail_free(failure);
        failure->allocator->release(failure, failure->allocator->state);
        failure = cause;
    }
}

int thrum_failure_is(const thrum_failure *failure, const thrum_domain *domain,
                     int code)
{
    return failure != NULL && failure->domain == domain &&
           failure->code == code;
}

const thrum_domain *thrum_failure_domain(const thrum_failure *failure)
{
    return failure->domain;
}

int thrum_failure_code(const thrum_failure *failure)
{
    return failure->code;
}

const char *thrum_failure_text(const thrum_failure *failure)
{
    return failure->text;
}

const thrum_failure *thrum_failure_cause(const thrum_failure *failure)
{
    return failure->cause;
}

void *thrum_failure_detail(const thrum_failure *failure,
                           const thrum_domain *domain)
{
    return failure->domain == domain ? failure->detail : NULL;
}
