/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/mail.h>

static thrum_outcome accepted(void *receipt, void *ctx)
{
    (void)ctx;
    printf("accepted: %s\n", thrum_receipt_reply(receipt));
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *via)
{
    thrum_mailer *mailer = thrum_mailer_open(reactor, via);
    thrum_message *letter =
        thrum_message_new(thrum_reactor_context(reactor));

    thrum_message_set_from(letter, "News <news@example.org>");
    thrum_message_add_to(letter, "ann@example.org");
    thrum_message_set_subject(letter, "Saturday");
    thrum_message_set_text(letter, "At eight.\n", 10);
    thrum_deferred *sent = thrum_mailer_send(mailer, letter);
    thrum_deferred_add(sent, accepted, NULL, NULL, NULL);
    thrum_deferred_add(sent, NULL, NULL, mailer, thrum_mailer_free);
    return sent;
}

int main(void)
{
    return thrum_react(run, getenv("THRUM_VIA"));
}
