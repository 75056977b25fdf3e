/* SPDX-License-Identifier: MIT */
/*
 * Three recipients, and one final action when all of them are done.
 *
 *     THRUM_VIA=smtp://127.0.0.1:2525 ./deferred_list_mail
 */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/mail.h>

static const char *const friends[] = {"ann@example.org", "bob@example.org",
                                      "not an address"};

static thrum_message *letter_to(thrum_reactor *reactor, const char *address)
{
    static const char text[] = "Hello,\n\nthe party is on Saturday.\n";
    thrum_message *letter = thrum_message_new(thrum_reactor_context(reactor));

    thrum_message_set_from(letter, "Eve <eve@example.org>");
    thrum_message_add_to(letter, address);
    thrum_message_set_subject(letter, "Saturday");
    thrum_message_set_text(letter, text, sizeof text - 1);
    return letter;
}

static thrum_outcome all_done(void *results, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < thrum_results_count(results); i++) {
        const thrum_failure *why = thrum_results_failure(results, i);

        printf("%s: %s\n", friends[i],
               why == NULL ? "accepted" : thrum_failure_text(why));
    }
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *via)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_mailer *mailer = thrum_mailer_open(reactor, via);
    thrum_deferred *sent[3], *all;

    for (size_t i = 0; i < 3; i++)
        sent[i] = thrum_mailer_send(mailer, letter_to(reactor, friends[i]));
    all = thrum_deferred_list(context, sent, 3, THRUM_LIST_CONSUME_ERRORS);
    thrum_deferred_add(all, all_done, NULL, mailer, thrum_mailer_free);
    return all;
}

int main(void)
{
    return thrum_react(run, getenv("THRUM_VIA"));
}
