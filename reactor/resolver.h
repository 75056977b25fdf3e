/* SPDX-License-Identifier: MIT */
/*
 * Questions to the DNS, by c-ares on the loop. Those who ask the same at the
 * same time share one query; answers that hold are kept (answers.h).
 */
#ifndef THRUM_REACTOR_RESOLVER_H
#define THRUM_REACTOR_RESOLVER_H

#include "reactor/answers.h"
#include "reactor/loop.h"

typedef struct thrum__asker thrum__asker;

/* An answer has come, and holds for `left`; the asker is over. NULL: there was
 * no memory for it. Ownership: borrowed. */
typedef void thrum__answered_fn(thrum__answer *answer, thrum_ns left,
                                thrum__asker *asker);

/* Stands in the object of who asks. */
struct thrum__asker {
    thrum__link link; /* first: among those who ask the same */
    thrum__resolver *resolver;
    thrum__answered_fn *fn;
    void *ctx;
};

/* The answer that is kept. Ownership: new. Returns NULL: there is none, or it
 * holds no longer. */
thrum__answer *thrum__resolver_kept(thrum_reactor *reactor, int type,
                                    const char *name, thrum_ns *left);

/* Asks for the records of a type (answer.h) of `name`, which
 * thrum_host_to_ascii wrote, without a dot at its end. Sets link, resolver.
 * Calls back: never before this returns. Errors: THRUM_E_NOMEM. */
int thrum__resolver_ask(thrum_reactor *reactor, thrum__asker *asker, int type,
                        const char *name);

/* Makes an asker that does not ask. */
void thrum__asker_init(thrum__asker *asker, thrum__answered_fn *fn, void *ctx);

/* Nobody waits for it any more. Legal when it does not ask. */
void thrum__asker_cancel(thrum__asker *asker);

#endif
