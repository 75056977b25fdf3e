/* SPDX-License-Identifier: MIT */
#include "tests/deferred/items.h"

#include <string.h>

static thrum_deferred *items_open(items *self)
{
    thrum_deferred *d = thrum_deferred_new(self->world.context, "item");
    char *name = self->names[self->opened];

    name[0] = (char)('0' + self->opened);
    self->open[self->opened++] = d;
    thrum_deferred_add(d, trace_value, NULL, name, NULL);
    return d;
}

static void items_fail(items *self, int index)
{
    thrum_deferred_fail(self->open[index],
                        chain_failure(self->world.context, self->names[index]));
}

static thrum_outcome items_more(items *self, char word)
{
    thrum_deferred *d;

    if (word == 'c' || word == 'C')
        thrum_deferred_cancel(self->each);
    if (word == 'F' || word == 'B')
        items_fail(self, self->opened - 1);
    if (word == 'B')
        return thrum_fail(chain_failure(self->world.context, "step"));
    if (word == 'C')
        return thrum_keep();
    if (word == 'n')
        return thrum_wait(NULL);
    d = items_open(self);
    if (word == '+')
        thrum_deferred_fire(d, NULL, NULL);
    if (word == '!')
        items_fail(self, self->opened - 1);
    return thrum_wait(d);
}

static thrum_outcome items_step(void *it)
{
    items *self = it;
    char word = *self->words++;

    if (word == 'k')
        return thrum_keep();
    if (word == 'v')
        return thrum_value("v", trace_release);
    if (word == 'f')
        return thrum_fail(chain_failure(self->world.context, "step"));
    if (word == 'm')
        return thrum_fail(NULL);
    if (word == 'd' || word == '\0')
        return thrum_done();
    return items_more(self, word);
}

void items_release(void *it)
{
    (void)it;
    trace_note("~it ");
}

void items_start(items *self, each_fn *each, const char *words, size_t open)
{
    memset(self, 0, sizeof *self);
    world_start(&self->world, 0);
    self->words = words;
    self->each =
        each(self->world.cooperator, items_step, self, items_release, open);
}

void items_end(items *self)
{
    world_end(&self->world);
}

void items_run(items *self)
{
    while (self->world.cooperator != NULL &&
           thrum_cooperator_tick(self->world.cooperator))
        ;
}

static void items_word(items *self, const char *word)
{
    int index = word[0] - '0';

    if (*word == '|')
        trace_note("| ");
    else if (*word == 'C' || *word == '-')
        thrum_deferred_cancel(self->each);
    else if (*word == 'X') {
        thrum_cooperator_free(self->world.cooperator);
        self->world.cooperator = NULL;
    } else if (word[1] == '=')
        thrum_deferred_fire(self->open[index], NULL, NULL);
    else if (word[1] == '#')
        thrum_deferred_fire(self->open[index], self->names[index],
                            trace_release);
    else if (word[1] == '!')
        items_fail(self, index);
    else
        thrum_deferred_abandon(self->open[index]);
}

void items_check(const items_case *it, each_fn *each, thrum_callback_fn *result)
{
    items self;
    const char *trace;
    unsigned unhandled;

    items_start(&self, each, it->steps, it->open);
    thrum_deferred_add(self.each, result, trace_failure, "each", NULL);
    if (it->words[0] != '-')
        items_run(&self);
    for (const char *word = it->words; word != NULL && *word != '\0';
         word = strchr(word, ' ')) {
        word += *word == ' ';
        items_word(&self, word);
        items_run(&self);
    }
    thrum_deferred_finish(self.each);
    trace = trace_take();
    unhandled = support_unhandled();
    ck_assert_msg(strcmp(trace, it->trace) == 0, "%s: \"%s\", not \"%s\"",
                  it->name, trace, it->trace);
    ck_assert_msg(self.opened == it->opened, "%s: opened %d", it->name,
                  self.opened);
    ck_assert_msg(unhandled == it->unhandled, "%s: %u unhandled", it->name,
                  unhandled);
    items_end(&self);
}
