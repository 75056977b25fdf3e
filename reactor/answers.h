/* SPDX-License-Identifier: MIT */
/*
 * Answers that still hold, by type and name: at most 1,024, of which the one
 * that was used the longest time ago makes room. Times are passed in.
 */
#ifndef THRUM_REACTOR_ANSWERS_H
#define THRUM_REACTOR_ANSWERS_H

#include "reactor/answer.h"

enum { THRUM__ANSWERS_MOST = 1024 };

typedef struct thrum__answers thrum__answers;

/* Ownership: new. Errors: NULL, no memory. */
thrum__answers *thrum__answers_new(thrum_context *context);

/* NULL is nothing. */
void thrum__answers_free(thrum__answers *answers);

/* The answer that is kept, and how much longer it holds. Ownership: new, one
 * more holder. Returns NULL: there is none. */
thrum__answer *thrum__answers_get(thrum__answers *answers, int type,
                                  const char *name, thrum_ns now,
                                  thrum_ns *left);

/* How long an answer holds: as it says, at most an hour; a minute when there
 * are no records; 0: it is not to be kept. */
thrum_ns thrum__answers_time(const thrum__answer *answer);

/* Keeps an answer for as long as it holds, in place of any before. Those larger
 * than 16 KiB are not kept, nor is any without memory for it. */
void thrum__answers_put(thrum__answers *answers, int type, const char *name,
                        thrum__answer *answer, thrum_ns now);

/* How many are kept. */
size_t thrum__answers_count(const thrum__answers *answers);

#endif
