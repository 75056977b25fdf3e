/* SPDX-License-Identifier: MIT */
/*
 * Four clients, each with a connection of its own, and the program leaves only
 * after all four have closed.
 *
 *     THRUM_VIA=smtp://127.0.0.1:2525 ./four_clients
 */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/mail.h>

static thrum_outcome sent(void *receipt, void *mailer)
{
    (void)receipt;
    printf("sent\n");
    return thrum_wait(thrum_mailer_close(mailer));
}

static thrum_outcome closed(void *nothing, void *ctx)
{
    (void)nothing;
    (void)ctx;
    printf("closed\n");
    return thrum_done();
}

static thrum_deferred *client(thrum_reactor *reactor, const char *via)
{
    thrum_mailer_config one = {.via = via, .connections = 1};
    thrum_mailer *mailer = thrum_mailer_new(reactor, &one);
    thrum_message *letter = thrum_message_new(thrum_reactor_context(reactor));
    thrum_deferred *result;

    thrum_message_set_from(letter, "Eve <eve@example.org>");
    thrum_message_add_to(letter, "Ann <ann@example.org>");
    thrum_message_set_subject(letter, "Saturday");
    thrum_message_set_html(letter, "<p>At eight!</p>\n", 17);
    result = thrum_mailer_send(mailer, letter);
    thrum_deferred_add(result, sent, NULL, mailer, NULL);
    thrum_deferred_add(result, closed, NULL, mailer, thrum_mailer_free);
    return result;
}

static thrum_outcome leave(void *results, void *ctx)
{
    (void)ctx;
    printf("all %zu closed\n", thrum_results_count(results));
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *via)
{
    thrum_deferred *clients[4], *all;

    for (size_t i = 0; i < 4; i++)
        clients[i] = client(reactor, via);
    all = thrum_deferred_list(thrum_reactor_context(reactor), clients, 4, 0);
    thrum_deferred_add(all, leave, NULL, NULL, NULL);
    return all;
}

int main(void)
{
    return thrum_react(run, getenv("THRUM_VIA"));
}
