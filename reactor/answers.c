/* SPDX-License-Identifier: MIT */
#include "reactor/answers.h"

#include <string.h>

#include "reactor/link.h"

/* With the longest answers it comes to 16 MiB. */
enum { ANSWERS_LARGEST = 16 * 1024, ANSWERS_BUCKETS = 256 };
enum { ANSWERS_LONGEST_S = 3600, ANSWERS_NONE_S = 60 };

typedef struct kept_answer {
    thrum__link link; /* first: in the order of use, the latest last */
    struct kept_answer *next;
    thrum__answer *answer;
    thrum_ns until;
    unsigned bucket;
    int type;
    char name[];
} kept_answer;

struct thrum__answers {
    thrum_context *context;
    thrum__link used;
    size_t count;
    kept_answer *buckets[ANSWERS_BUCKETS];
};

thrum__answers *thrum__answers_new(thrum_context *context)
{
    thrum__answers *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL)
        return NULL;
    memset(self, 0, sizeof *self);
    self->context = context;
    thrum__link_init(&self->used);
    return self;
}

/* FNV-1a. Whoever makes all names meet in one bucket has the search look at
 * 1,024 of them: that is bearable. */
static unsigned answers_bucket(int type, const char *name)
{
    uint32_t hash = 2166136261u ^ (uint32_t)type;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return (hash ^ hash >> 16) % ANSWERS_BUCKETS;
}

static void answers_remove(thrum__answers *self, kept_answer *kept)
{
    kept_answer **at = &self->buckets[kept->bucket];

    while (*at != kept)
        at = &(*at)->next;
    *at = kept->next;
    thrum__link_remove(&kept->link);
    self->count--;
    thrum__answer_unref(kept->answer);
    thrum_context_release(self->context, kept);
}

static void answers_remove_oldest(thrum__answers *self)
{
    answers_remove(self, (kept_answer *)self->used.next);
}

void thrum__answers_free(thrum__answers *answers)
{
    if (answers == NULL)
        return;
    while (answers->count > 0)
        answers_remove_oldest(answers);
    thrum_context_release(answers->context, answers);
}

static kept_answer *answers_find(const thrum__answers *self, unsigned bucket,
                                 int type, const char *name)
{
    kept_answer *kept = self->buckets[bucket];

    while (kept != NULL &&
           (kept->type != type || strcmp(kept->name, name) != 0))
        kept = kept->next;
    return kept;
}

thrum__answer *thrum__answers_get(thrum__answers *answers, int type,
                                  const char *name, thrum_ns now,
                                  thrum_ns *left)
{
    kept_answer *kept =
        answers_find(answers, answers_bucket(type, name), type, name);

    if (kept == NULL)
        return NULL;
    if (kept->until <= now) {
        answers_remove(answers, kept);
        return NULL;
    }
    thrum__link_remove(&kept->link);
    thrum__link_append(&answers->used, &kept->link);
    *left = kept->until - now;
    return thrum__answer_ref(kept->answer);
}

thrum_ns thrum__answers_time(const thrum__answer *answer)
{
    switch (answer->kind) {
    case THRUM__ANSWER_FOUND:
    case THRUM__ANSWER_NOT_OFFERED:
        return (answer->ttl < ANSWERS_LONGEST_S ? (thrum_ns)answer->ttl
                                                : ANSWERS_LONGEST_S) *
               THRUM_S;
    case THRUM__ANSWER_NO_NAME:
    case THRUM__ANSWER_NO_RECORDS:
        return ANSWERS_NONE_S * THRUM_S;
    default:
        return 0;
    }
}

void thrum__answers_put(thrum__answers *answers, int type, const char *name,
                        thrum__answer *answer, thrum_ns now)
{
    unsigned bucket = answers_bucket(type, name);
    kept_answer *kept = answers_find(answers, bucket, type, name);
    thrum_ns time = thrum__answers_time(answer);
    size_t size = strlen(name) + 1;

    if (kept != NULL)
        answers_remove(answers, kept);
    if (time == 0 || answer->size > ANSWERS_LARGEST)
        return;
    kept = thrum_context_allocate(answers->context, sizeof *kept + size);
    if (kept == NULL)
        return;
    if (answers->count == THRUM__ANSWERS_MOST)
        answers_remove_oldest(answers);
    *kept = (kept_answer){.next = answers->buckets[bucket],
                          .answer = thrum__answer_ref(answer),
                          .until = now + time,
                          .bucket = bucket,
                          .type = type};
    memcpy(kept->name, name, size);
    answers->buckets[bucket] = kept;
    thrum__link_append(&answers->used, &kept->link);
    answers->count++;
}

size_t thrum__answers_count(const thrum__answers *answers)
{
    return answers->count;
}
