/* SPDX-License-Identifier: MIT */
#include "tests/reactor/asking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_records(found *self, const thrum_records *records, int type)
{
    char *at = self->text;

    self->count = thrum_records_count(records);
    for (size_t i = 0; i < self->count; i++) {
        const thrum_record *record = thrum_records_at(records, i);
        size_t left = sizeof self->text - (size_t)(at - self->text);

        ck_assert_uint_eq(record->text[record->size], 0);
        if (type == MX)
            at += snprintf(at, left, "%u ", record->priority);
        if (type == SRV)
            at += snprintf(at, left, "%u %u %u ", record->priority,
                           record->weight, record->port);
        left = sizeof self->text - (size_t)(at - self->text);
        at += snprintf(at, left, "%s;", record->text);
        ck_assert(at < self->text + sizeof self->text);
    }
    ck_assert_ptr_null(thrum_records_at(records, self->count));
}

typedef struct asked {
    found *found;
    int type;
} asked;

static thrum_outcome came(void *records, void *ctx)
{
    asked *self = ctx;

    self->found->fired++;
    self->found->ttl = thrum_records_ttl(records);
    write_records(self->found, records, self->type);
    return thrum_keep();
}

static thrum_outcome did_not(const thrum_failure *why, void *ctx)
{
    found *self = ((asked *)ctx)->found;

    self->failed++;
    thrum_failure_unref(self->why);
    self->why = thrum_failure_ref(why);
    return thrum_done();
}

void found_begin(world *here, found *self, int type, const char *name)
{
    asked *ctx = malloc(sizeof *ctx);

    *ctx = (asked){self, type};
    self->looking = thrum_records_lookup(here->reactor, (thrum_record_type)type,
                                         name, 30 * THRUM_S);
    ck_assert_int_eq(
        thrum_deferred_add(self->looking, came, did_not, ctx, free) == 0,
        self->looking != NULL);
}

void found_end(found *self)
{
    thrum_deferred_finish(self->looking);
    thrum_failure_unref(self->why);
    *self = (found){0};
}

/* Looks up, until there is nothing more to do without time. */
void found_look_up(world *here, found *self, int type, const char *name)
{
    *self = (found){0};
    found_begin(here, self, type, name);
    ck_assert_uint_eq(self->fired + self->failed, 0);
    world_settle(here);
}
