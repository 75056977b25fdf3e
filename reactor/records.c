/* SPDX-License-Identifier: MIT */
/*
 * A look-up begins in the turn after it was asked for, and ends in its
 * Deferred.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/deferred.h>

#include "reactor/host.h"
#include "reactor/lookup.h"
#include "reactor/order.h"
#include "reactor/resolver.h"

/* What a failure shows of a name. */
enum { RECORDS_SHOWN = 150 };

struct thrum_records {
    thrum_context *context;
    thrum__answer *answer; /* whose texts these are; NULL: they stand behind */
    thrum_ns ttl;
    size_t count;
    thrum_record records[];
};

typedef struct search {
    thrum__link link; /* first: in reactor->searches */
    thrum_reactor *reactor;
    thrum_deferred *deferred;
    thrum__soon start;
    thrum_call *timer;
    thrum__lookup *lookup; /* of addresses */
    thrum__asker asker;    /* of all else */
    thrum_record_type type;
    char ascii[THRUM_HOST_ROOM];
    char name[];
} search;

static const char *records_type_name(thrum_record_type type)
{
    switch (type) {
    case THRUM_RECORD_MX:
        return "MX";
    case THRUM_RECORD_TXT:
        return "TXT";
    case THRUM_RECORD_SRV:
        return "SRV";
    default:
        return "address";
    }
}

static int records_dns_type(thrum_record_type type)
{
    switch (type) {
    case THRUM_RECORD_MX:
        return THRUM__DNS_MX;
    case THRUM_RECORD_TXT:
        return THRUM__DNS_TXT;
    default:
        return THRUM__DNS_SRV;
    }
}

/* ---- Records ---- */

static thrum_records *records_new(thrum_context *context, size_t count,
                                  size_t room)
{
    thrum_records *self = thrum_context_allocate(
        context, sizeof *self + count * sizeof self->records[0] + room);

    if (self != NULL)
        *self = (thrum_records){.context = thrum_context_ref(context),
                                .count = count};
    return self;
}

static thrum_records *records_of_answer(thrum_context *context,
                                        thrum__answer *answer,
                                        thrum_record_type type)
{
    thrum_records *self = records_new(context, answer->count, 0);

    if (self == NULL)
        return NULL;
    memcpy(self->records, answer->records,
           answer->count * sizeof answer->records[0]);
    self->answer = thrum__answer_ref(answer);
    if (type != THRUM_RECORD_TXT)
        thrum__order_hosts(self->records, self->count, type, thrum__chance,
                           NULL);
    return self;
}

/* Without the brackets and the port. */
static void records_write_figures(const thrum__address *address, char *text)
{
    char whole[THRUM__ADDRESS_TEXT];
    bool v6 = address->any.sa_family == AF_INET6;
    const char *start = whole + v6;

    thrum__address_write(address, whole);
    snprintf(text, THRUM__ADDRESS_TEXT, "%.*s",
             (int)(strrchr(start, v6 ? ']' : ':') - start), start);
}

static thrum_records *records_of_addresses(thrum_context *context,
                                           const thrum__found *found)
{
    thrum_records *self =
        records_new(context, found->count, found->count * THRUM__ADDRESS_TEXT);
    char *text;

    if (self == NULL)
        return NULL;
    text = (char *)&self->records[found->count];
    for (size_t i = 0; i < found->count; i++, text += THRUM__ADDRESS_TEXT) {
        records_write_figures(&found->addresses[i], text);
        self->records[i] = (thrum_record){.text = text, .size = strlen(text)};
    }
    return self;
}

size_t thrum_records_count(const thrum_records *records)
{
    return records->count;
}

const thrum_record *thrum_records_at(const thrum_records *records, size_t index)
{
    return index < records->count ? &records->records[index] : NULL;
}

thrum_ns thrum_records_ttl(const thrum_records *records)
{
    return records->ttl;
}

void thrum_records_free(void *records)
{
    thrum_records *self = records;
    thrum_context *context;

    if (self == NULL)
        return;
    context = self->context;
    thrum__answer_unref(self->answer);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

/* ---- Looking them up ---- */

static void search_free(search *self)
{
    thrum__soon_stop(self->reactor, &self->start);
    thrum_clock_cancel(self->reactor->time, self->timer);
    thrum__lookup_cancel(self->lookup);
    thrum__asker_cancel(&self->asker);
    thrum__link_remove(&self->link);
    self->reactor->counts.connects--;
    thrum_context_release(self->reactor->context, self);
}

static void search_fail(search *self, thrum_failure *why)
{
    thrum_deferred *deferred = self->deferred;
    thrum__slow *slow = &self->reactor->slow;

    search_free(self);
    thrum__slow_fail(slow, deferred, why);
}

static thrum_failure *search_failure(const search *self,
                                     const thrum_domain *domain, int code,
                                     const char *words)
{
    return thrum_failure_new(self->reactor->context, domain, code,
                             "cannot look up the %s records of %.*s: %s",
                             records_type_name(self->type), RECORDS_SHOWN,
                             thrum__host_shown(self->name), words);
}

/* A service that is refused in so many words says so beneath. */
static void search_has_none(search *self, thrum__answer_kind kind,
                            const char *words)
{
    thrum_context *context = self->reactor->context;
    int code = kind == THRUM__ANSWER_FAILED ? THRUM_REACTOR_E_RESOLVE
                                            : THRUM_REACTOR_E_NO_RECORDS;
    thrum_failure *why;

    if (words == NULL) {
        search_fail(self, thrum_failure_no_memory());
        return;
    }
    why = search_failure(self, &thrum_domain_reactor, code, words);
    if (kind == THRUM__ANSWER_NOT_OFFERED)
        why = thrum_failure_because(
            why, thrum_failure_new(context, &thrum_domain_reactor,
                                   THRUM_REACTOR_E_NOT_OFFERED, NULL));
    search_fail(self, why);
}

static void search_end(search *self, thrum_records *records, thrum_ns left)
{
    thrum_deferred *deferred = self->deferred;
    thrum__slow *slow = &self->reactor->slow;

    if (records == NULL) {
        search_fail(self, thrum_failure_no_memory());
        return;
    }
    records->ttl = left;
    search_free(self);
    thrum__slow_fire(slow, deferred, records, thrum_records_free);
}

static void search_take(search *self, thrum__answer *answer, thrum_ns left)
{
    if (answer == NULL)
        search_fail(self, thrum_failure_no_memory());
    else if (answer->kind != THRUM__ANSWER_FOUND)
        search_has_none(self, answer->kind, answer->words);
    else
        search_end(
            self, records_of_answer(self->reactor->context, answer, self->type),
            left);
}

static void search_answered(thrum__answer *answer, thrum_ns left,
                            thrum__asker *asker)
{
    search_take(asker->ctx, answer, left);
}

static void search_found(const thrum__found *found, void *ctx)
{
    search *self = ctx;

    self->lookup = NULL;
    if (found->count == 0)
        search_has_none(self, found->kind, found->words);
    else
        search_end(self, records_of_addresses(self->reactor->context, found),
                   found->left);
}

/* An address in figures is its own record, and holds for good. */
static bool search_is_figures(search *self)
{
    thrum__address address;
    thrum__found found = {&address, 1, INT64_MAX, true, 0, NULL};

    if (self->type != THRUM_RECORD_ADDRESS ||
        thrum__address_read(&address, self->name, 0) != 0)
        return false;
    search_found(&found, self);
    return true;
}

static void search_ask(search *self)
{
    size_t size = strlen(self->ascii);
    int type = records_dns_type(self->type);
    thrum__answer *kept;
    thrum_ns left;

    if (self->ascii[size - 1] == '.')
        self->ascii[size - 1] = '\0';
    kept = thrum__resolver_kept(self->reactor, type, self->ascii, &left);
    if (kept != NULL) {
        search_take(self, kept, left);
        thrum__answer_unref(kept);
    } else if (thrum__resolver_ask(self->reactor, &self->asker, type,
                                   self->ascii) != 0) {
        search_fail(self, thrum_failure_no_memory());
    }
}

static void search_refuse(search *self, int status, const char *wrong)
{
    search_fail(self,
                status == THRUM_E_NOMEM
                    ? thrum_failure_no_memory()
                    : search_failure(self, &thrum_domain_base, status, wrong));
}

static void search_begin(void *ctx)
{
    search *self = ctx;
    const char *wrong;
    int status;

    if (search_is_figures(self))
        return;
    status = thrum_host_to_ascii(self->ascii, self->name, &wrong);
    if (status != 0) {
        search_refuse(self, status, wrong);
        return;
    }
    if (self->type != THRUM_RECORD_ADDRESS) {
        search_ask(self);
        return;
    }
    self->lookup = thrum__lookup_new(self->reactor, self->ascii, false,
                                     search_found, self);
    if (self->lookup == NULL)
        search_fail(self, thrum_failure_no_memory());
}

/* One family's addresses are better than none. */
static void search_on_time(void *ctx)
{
    search *self = ctx;

    self->timer = NULL;
    if (self->lookup != NULL && thrum__lookup_hurry(self->lookup))
        return;
    search_fail(self,
                search_failure(self, &thrum_domain_reactor,
                               THRUM_REACTOR_E_TIMEOUT, "the time is over"));
}

static thrum_cancelled search_cancelled(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    search_free(ctx);
    return THRUM_CANCELLED_STOPPED;
}

static search *search_new(thrum_reactor *reactor, thrum_record_type type,
                          const char *name, thrum_ns within)
{
    size_t size = strlen(name) + 1;
    search *self =
        thrum_context_allocate(reactor->context, sizeof *self + size);

    if (self == NULL)
        return NULL;
    *self = (search){.reactor = reactor, .type = type};
    memcpy(self->name, name, size);
    thrum__link_append(&reactor->searches, &self->link);
    reactor->counts.connects++;
    thrum__asker_init(&self->asker, search_answered, self);
    thrum__soon_init(&self->start, search_begin, self);
    thrum__soon_start(reactor, &self->start);
    self->timer = thrum_clock_call_later(reactor->time, within, search_on_time,
                                         self, NULL);
    self->deferred =
        thrum_deferred_new(reactor->context, "thrum_records_lookup");
    return self;
}

thrum_deferred *thrum_records_lookup(thrum_reactor *reactor,
                                     thrum_record_type type, const char *name,
                                     thrum_ns within)
{
    search *self = search_new(reactor, type, name, within);
    thrum_deferred *deferred;

    if (self == NULL)
        return NULL;
    deferred = self->deferred;
    if (deferred == NULL) {
        search_free(self);
        return NULL;
    }
    if (self->timer == NULL ||
        thrum_deferred_on_cancel(deferred, search_cancelled, self, NULL) != 0)
        search_fail(self, thrum_failure_no_memory());
    else if (reactor->ending)
        thrum__searches_end(reactor);
    return deferred;
}

void thrum__searches_end(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->searches)) {
        search *self = (search *)reactor->searches.next;

        search_fail(self, search_failure(self, &thrum_domain_reactor,
                                         THRUM_REACTOR_E_STOPPED,
                                         "the reactor was stopped"));
    }
}

size_t thrum__searches_dump(thrum_reactor *reactor)
{
    size_t lines = 0;

    for (const thrum__link *at = reactor->searches.next;
         at != &reactor->searches; at = at->next, lines++) {
        const search *self = (const search *)at;

        thrum__dump(reactor, "looking up the %s records of %.*s",
                    records_type_name(self->type), RECORDS_SHOWN,
                    thrum__host_shown(self->name));
    }
    return lines;
}
