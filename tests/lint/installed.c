/* SPDX-License-Identifier: MIT */
/*
 * A program of somebody else: it knows what pkg-config says and the installed
 * headers, nothing more. It prints the version, waits on the loop for a timer,
 * and writes a message.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/mail.h>

static void ring(void *deferred)
{
    thrum_deferred_fire(deferred, NULL, NULL);
}

static thrum_outcome rung(void *nothing, void *reactor)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_message *letter = thrum_message_new(context);
    thrum_buffer out;
    int error;

    (void)nothing;
    thrum_buffer_init(&out, context, 65536);
    thrum_message_set_from(letter, "Eve <eve@example.org>");
    thrum_message_add_to(letter, "ann@example.org");
    thrum_message_set_subject(letter, "Saturday");
    thrum_message_set_text(letter, "At eight!\n", 10);
    error = thrum_message_write(letter, &out);
    fwrite(out.data, 1, out.size, stdout);
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    return error == 0 ? thrum_done() : thrum_fail(NULL);
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_deferred *bell = thrum_deferred_new(context, "bell");

    (void)arg;
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, ring, bell,
                           NULL);
    thrum_deferred_add(bell, rung, NULL, reactor, NULL);
    return bell;
}

int main(void)
{
    printf("%s\n", thrum_version());
    return thrum_react(run, NULL);
}
