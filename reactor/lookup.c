/* SPDX-License-Identifier: MIT */
/*
 * The names that stand for a host (it may be short) are asked for one after the
 * other, each for both families, until one has addresses: never the IPv4
 * addresses of one name and the IPv6 ones of another.
 */
#include "reactor/lookup.h"

#include <string.h>

#include "reactor/local.h"
#include "reactor/order.h"
#include "reactor/resolver.h"

/* More are left out: each costs a socket while the system is asked for its
 * source, and nobody waits until as many have failed. */
enum { LOOKUP_MOST = 64 };
/* RFC 8305, section 3: how long IPv4 waits for IPv6. */
#define LOOKUP_PATIENCE (50 * THRUM_MS)

/* IPv6 is asked for first (RFC 8305, section 3). */
enum { FAMILY_V6, FAMILY_V4, FAMILIES };

typedef struct family {
    thrum__asker asker;
    thrum__answer *answer;
    thrum_ns left;
    bool told;
} family;

struct thrum__lookup {
    thrum_reactor *reactor;
    thrum__looked_up_fn *fn;
    void *ctx;
    thrum__soon start;
    thrum_call *patience;
    family families[FAMILIES];
    thrum__local *local;
    size_t at; /* the name that is asked for */
    thrum__answer_kind kind;
    const char *words; /* why none of the names before it will do */
    bool eager, told;
    char name[THRUM_HOST_ROOM];
};

static void lookup_ask(thrum__lookup *self);

static void lookup_clear(thrum__lookup *self)
{
    for (int i = 0; i < FAMILIES; i++) {
        thrum__asker_cancel(&self->families[i].asker);
        thrum__answer_unref(self->families[i].answer);
        self->families[i].answer = NULL;
    }
    thrum_clock_cancel(self->reactor->time, self->patience);
    self->patience = NULL;
}

void thrum__lookup_cancel(thrum__lookup *lookup)
{
    thrum_context *context;

    if (lookup == NULL)
        return;
    context = lookup->reactor->context;
    thrum__soon_stop(lookup->reactor, &lookup->start);
    lookup_clear(lookup);
    thrum_context_release(context, lookup->local);
    thrum_context_release(context, lookup);
}

/* Tells, and if that was the last, ends; who is told may cancel. */
static void lookup_tell(thrum__lookup *self, const thrum__found *found)
{
    thrum__looked_up_fn *fn = self->fn;
    void *ctx = self->ctx;

    self->told = true;
    if (found->last)
        thrum__lookup_cancel(self);
    fn(found, ctx);
}

static void lookup_tell_none(thrum__lookup *self, thrum__answer_kind kind,
                             const char *words)
{
    thrum__found found = {.last = true, .kind = kind, .words = words};

    lookup_tell(self, &found);
}

static void lookup_tell_sorted(thrum__lookup *self, thrum__route *routes,
                               thrum__found found)
{
    thrum__address sorted[LOOKUP_MOST];

    if (found.count > 1) {
        for (size_t i = 0; i < found.count; i++)
            thrum__route_find(&routes[i]);
        thrum__order_routes(routes, found.count);
    }
    for (size_t i = 0; i < found.count; i++)
        sorted[i] = routes[i].address;
    found.addresses = sorted;
    lookup_tell(self, &found);
}

static void lookup_add(const family *from, thrum__route *routes,
                       thrum__found *found)
{
    for (size_t i = 0; i < from->answer->count && found->count < LOOKUP_MOST;
         i++) {
        const char *figures = from->answer->records[i].text;

        if (thrum__address_read(&routes[found->count].address, figures, 0) == 0)
            found->count++;
    }
    if (from->left < found->left)
        found->left = from->left;
}

static bool family_has_news(const family *self)
{
    return !self->told && self->answer != NULL &&
           self->answer->kind == THRUM__ANSWER_FOUND;
}

/* Tells what has come and was not told. */
static void lookup_tell_news(thrum__lookup *self, bool last)
{
    thrum__route routes[LOOKUP_MOST];
    thrum__found found = {.left = INT64_MAX, .last = last};

    thrum_clock_cancel(self->reactor->time, self->patience);
    self->patience = NULL;
    for (int i = 0; i < FAMILIES; i++) {
        family *from = &self->families[i];

        if (!family_has_news(from))
            continue;
        lookup_add(from, routes, &found);
        from->told = true;
    }
    lookup_tell_sorted(self, routes, found);
}

bool thrum__lookup_hurry(thrum__lookup *lookup)
{
    if (!family_has_news(&lookup->families[FAMILY_V4]) &&
        !family_has_news(&lookup->families[FAMILY_V6]))
        return false;
    lookup_tell_news(lookup, true);
    return true;
}

/* Of why there is nothing, what may be otherwise the next time counts most, and
 * that there is such a name more than that there is not. */
static void lookup_note(thrum__lookup *self, const thrum__answer *answer)
{
    if (answer->kind == THRUM__ANSWER_FOUND)
        return;
    if (self->words != NULL && answer->kind != THRUM__ANSWER_FAILED &&
        self->kind != THRUM__ANSWER_NO_NAME)
        return;
    self->kind = answer->kind;
    self->words = answer->words;
}

/* Both have come, without news of either. */
static void lookup_has_none(thrum__lookup *self)
{
    if (self->told) {
        thrum__found found = {.last = true};

        lookup_tell(self, &found);
        return;
    }
    for (int i = 0; i < FAMILIES; i++)
        lookup_note(self, self->families[i].answer);
    lookup_clear(self);
    if (++self->at < self->local->count)
        lookup_ask(self);
    else
        lookup_tell_none(self, self->kind, self->words);
}

static void lookup_on_patience(void *ctx)
{
    thrum__lookup *self = ctx;

    self->patience = NULL;
    lookup_tell_news(self, false);
}

static void lookup_consider(thrum__lookup *self)
{
    family *v4 = &self->families[FAMILY_V4];
    family *v6 = &self->families[FAMILY_V6];
    bool news = family_has_news(v4) || family_has_news(v6);

    if (v4->answer != NULL && v6->answer != NULL) {
        if (news)
            lookup_tell_news(self, true);
        else
            lookup_has_none(self);
    } else if (self->eager && family_has_news(v6)) {
        lookup_tell_news(self, false);
    } else if (self->eager && news) {
        self->patience =
            thrum_clock_call_later(self->reactor->time, LOOKUP_PATIENCE,
                                   lookup_on_patience, self, NULL);
        if (self->patience == NULL)
            lookup_tell_news(self, false);
    }
}

static void lookup_answered(thrum__answer *answer, thrum_ns left,
                            thrum__asker *asker)
{
    family *to = (family *)asker; /* its first */
    thrum__lookup *self = asker->ctx;

    if (answer == NULL) {
        lookup_tell_none(self, THRUM__ANSWER_FAILED, NULL);
        return;
    }
    to->answer = thrum__answer_ref(answer);
    to->left = left;
    lookup_consider(self);
}

/* Returns false: there is no memory. */
static bool lookup_ask_family(thrum__lookup *self, int i)
{
    static const int types[FAMILIES] = {THRUM__DNS_AAAA, THRUM__DNS_A};
    const char *name = self->local->names[self->at];
    family *asked = &self->families[i];

    asked->answer =
        thrum__resolver_kept(self->reactor, types[i], name, &asked->left);
    return asked->answer != NULL ||
           thrum__resolver_ask(self->reactor, &asked->asker, types[i], name) ==
               0;
}

static void lookup_ask(thrum__lookup *self)
{
    for (int i = 0; i < FAMILIES; i++)
        if (!lookup_ask_family(self, i)) {
            lookup_tell_none(self, THRUM__ANSWER_FAILED, NULL);
            return;
        }
    lookup_consider(self);
}

static void lookup_tell_local(thrum__lookup *self)
{
    thrum__route routes[THRUM__LOCAL_ADDRESSES];
    thrum__found found = {.count = self->local->found, .last = true};

    for (size_t i = 0; i < found.count; i++)
        routes[i].address = self->local->addresses[i];
    lookup_tell_sorted(self, routes, found);
}

static void lookup_begin(void *ctx)
{
    thrum__lookup *self = ctx;

    if (thrum__local_find(self->local, self->name) != 0)
        lookup_tell_none(self, THRUM__ANSWER_FAILED, NULL);
    else if (self->local->found > 0)
        lookup_tell_local(self);
    else
        lookup_ask(self);
}

thrum__lookup *thrum__lookup_new(thrum_reactor *reactor, const char *name,
                                 bool eager, thrum__looked_up_fn *fn, void *ctx)
{
    thrum_context *context = reactor->context;
    thrum__lookup *self = thrum_context_allocate(context, sizeof *self);
    thrum__local *local = thrum_context_allocate(context, sizeof *local);

    if (self == NULL || local == NULL) {
        thrum_context_release(context, self);
        thrum_context_release(context, local);
        return NULL;
    }
    *self = (thrum__lookup){.reactor = reactor,
                            .fn = fn,
                            .ctx = ctx,
                            .local = local,
                            .eager = eager};
    strncpy(self->name, name, sizeof self->name - 1);
    for (int i = 0; i < FAMILIES; i++)
        thrum__asker_init(&self->families[i].asker, lookup_answered, self);
    thrum__soon_init(&self->start, lookup_begin, self);
    thrum__soon_start(reactor, &self->start);
    return self;
}
