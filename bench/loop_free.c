/* SPDX-License-Identifier: MIT */
/*
 * Sends many letters with thrum_each and a mailer, and watches from within the
 * same reactor how punctual a 1 ms ticker stays.
 *
 *     loop_free VIA MESSAGES
 *
 * Prints one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/mail.h>
#include <thrum/thrum.h>

#include "bench/gaps.h"

enum { LETTER_LINES = 18, OPEN = 100 };

typedef struct campaign {
    thrum_reactor *reactor;
    const char *via;
    thrum_mailer *mailer;
    thrum_template *letter;
    uint64_t next, end, accepted, failed;
    gaps ticker;
} campaign;

static thrum_outcome accepted(void *receipt, void *it)
{
    (void)receipt;
    ((campaign *)it)->accepted++;
    return thrum_done();
}

static thrum_outcome failed(const thrum_failure *why, void *it)
{
    campaign *self = it;

    if (self->failed++ == 0)
        fprintf(stderr, "loop_free: %s\n", thrum_failure_text(why));
    return thrum_done();
}

static thrum_bytes print_number(char *room, size_t size, const char *format,
                                uint64_t number)
{
    int length = snprintf(room, size, format, (unsigned long long)number);

    return (thrum_bytes){room, (size_t)length};
}

static thrum_outcome next_letter(void *it)
{
    campaign *self = it;
    char address[64], name[64];
    thrum_bytes to, values[3];
    thrum_deferred *sent;

    if (self->next == self->end)
        return thrum_done();
    to = print_number(address, sizeof address, "person%llu@example.org",
                      self->next);
    values[0] = print_number(name, sizeof name, "Person %llu", self->next);
    values[1] = (thrum_bytes){"Utrecht", 7};
    values[2] = to;
    self->next++;
    sent = thrum_mailer_send(self->mailer,
                             thrum_template_fill(self->letter, to, values));
    thrum_deferred_add(sent, accepted, failed, self, NULL);
    return thrum_wait(sent);
}

/* 1.5 KiB with three slots. */
static thrum_template *make_letter(thrum_context *context)
{
    static const char *const columns[] = {"name", "city", "address"};
    static const char line[] =
        "The loom hums, and thread after thread goes through the reed today.\n";
    char text[sizeof line * (LETTER_LINES + 2)] =
        "Dear {{name}} in {{city}},\n\n";
    thrum_message *letter = thrum_message_new(context);
    thrum_failure *why = NULL;
    thrum_template *made;
    size_t size = strlen(text);

    for (int i = 0; i < LETTER_LINES; i++, size += sizeof line - 1)
        memcpy(text + size, line, sizeof line - 1);
    thrum_message_set_from(letter, "News <news@example.org>");
    thrum_message_set_subject(letter, "For {{address}}");
    thrum_message_set_text(letter, text, size);
    made = thrum_template_new(context, letter, columns, 3, &why);
    if (made == NULL)
        fprintf(stderr, "loop_free: %s\n", thrum_failure_text(why));
    thrum_failure_unref(why);
    thrum_message_free(letter);
    return made;
}

static thrum_outcome closed(void *nothing, void *it)
{
    campaign *self = it;

    (void)nothing;
    printf("{\"accepted\":%llu,\"failed\":%llu,",
           (unsigned long long)self->accepted,
           (unsigned long long)self->failed);
    gaps_stop(&self->ticker);
    printf("}\n");
    return thrum_done();
}

static thrum_outcome all_sent(void *nothing, void *it)
{
    (void)nothing;
    return thrum_wait(thrum_mailer_close(((campaign *)it)->mailer));
}

static void campaign_end(void *it)
{
    campaign *self = it;

    thrum_mailer_free(self->mailer);
    thrum_template_unref(self->letter);
}

static thrum_deferred *run(thrum_reactor *reactor, void *it)
{
    campaign *self = it;
    thrum_deferred *all;

    self->mailer = thrum_mailer_open(reactor, self->via);
    self->letter = make_letter(thrum_reactor_context(reactor));
    if (self->letter == NULL || gaps_start(&self->ticker, reactor) != 0)
        return NULL;
    all = thrum_each(thrum_reactor_cooperator(reactor), next_letter, self, NULL,
                     OPEN);
    thrum_deferred_add(all, all_sent, NULL, self, NULL);
    thrum_deferred_add(all, closed, NULL, self, campaign_end);
    return all;
}

int main(int argc, char **argv)
{
    static campaign self;

    if (argc != 3) {
        fprintf(stderr, "loop_free VIA MESSAGES\n");
        return 64;
    }
    self.via = argv[1];
    self.end = strtoull(argv[2], NULL, 10);
    return thrum_react(run, &self);
}
