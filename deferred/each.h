/* SPDX-License-Identifier: MIT */
/*
 * What thrum_each, thrum_each_count and thrum_each_collect have in common, and
 * in what they differ.
 */
#ifndef THRUM_DEFERRED_EACH_H
#define THRUM_DEFERRED_EACH_H

#include <stdbool.h>

#include <thrum/cooperator.h>

/* How an item ended; taken. */
typedef struct thrum__ending {
    void *what; /* its value or, if it failed, a reference to the failure */
    thrum_free_fn *free; /* of the value */
    bool failed;
} thrum__ending;

/* All but the name may be NULL. */
typedef struct thrum__each_policy {
    const char *operation;
    /* Makes what the Deferred fires with. NULL: no memory. */
    void *(*start)(thrum_context *context);
    /* Makes a place in it for one more item; answers where it is now. NULL: no
     * memory, and the result is as it was. */
    void *(*open)(void *result);
    /* Notes how an item ended; if there is no such function, its value is
     * released, and its failure ends the iterator. */
    void (*close)(void *result, size_t index, thrum__ending how);
    thrum_free_fn *free; /* of the result */
} thrum__each_policy;

typedef struct thrum__iterator {
    thrum_step_fn *step;
    void *it;
    thrum_free_fn *free;
} thrum__iterator;

/* As thrum_each; the policy is static. */
thrum_deferred *thrum__each(thrum_cooperator *cooperator,
                            const thrum__each_policy *policy,
                            thrum__iterator iterator, size_t open);

#endif
