/* SPDX-License-Identifier: MIT */
/*
 * Any number of recipients from an iterator, while a second iterator counts:
 * the two take turns on one loop, and neither waits for the other.
 *
 *     printf 'ann@example.org\nbob@example.org\n' |
 *         THRUM_VIA=smtp://127.0.0.1:2525 ./coiterate_mail
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/mail.h>

typedef struct campaign {
    thrum_context *context;
    thrum_mailer *mailer;
    int accepted, refused;
} campaign;

static thrum_outcome accepted(void *receipt, void *it)
{
    (void)receipt;
    ((campaign *)it)->accepted++;
    return thrum_done();
}

static thrum_outcome refused(const thrum_failure *why, void *it)
{
    fprintf(stderr, "%s\n", thrum_failure_text(why));
    ((campaign *)it)->refused++;
    return thrum_done();
}

static thrum_outcome next_recipient(void *it)
{
    campaign *self = it;
    char line[256];
    thrum_message *letter;
    thrum_deferred *sent;

    if (fgets(line, sizeof line, stdin) == NULL)
        return thrum_done();
    line[strcspn(line, "\n")] = '\0';
    printf("mail to %s\n", line);
    letter = thrum_message_new(self->context);
    thrum_message_set_from(letter, "News <news@example.org>");
    thrum_message_add_to(letter, line);
    thrum_message_set_subject(letter, "Hello");
    thrum_message_set_text(letter, "Hello!\n", 7);
    sent = thrum_mailer_send(self->mailer, letter);
    thrum_deferred_add(sent, accepted, refused, self, NULL);
    return thrum_wait(sent);
}

static thrum_outcome count(void *counted)
{
    int *so_far = counted;

    printf("count %d\n", ++*so_far);
    return *so_far < 3 ? thrum_keep() : thrum_done();
}

static void campaign_end(void *it)
{
    campaign *self = it;

    printf("%d accepted, %d refused\n", self->accepted, self->refused);
    thrum_mailer_free(self->mailer);
}

static thrum_deferred *run(thrum_reactor *reactor, void *via)
{
    static campaign self;
    static int counted;
    thrum_cooperator *turns = thrum_reactor_cooperator(reactor);
    thrum_deferred *both[2];

    self.context = thrum_reactor_context(reactor);
    self.mailer = thrum_mailer_open(reactor, via);
    both[0] = thrum_each(turns, next_recipient, &self, campaign_end, 100);
    both[1] = thrum_coiterate(turns, count, &counted, NULL);
    return thrum_deferred_list(self.context, both, 2, 0);
}

int main(void)
{
    return thrum_react(run, getenv("THRUM_VIA"));
}
