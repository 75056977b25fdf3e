/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome secured(void *nothing, void *stream)
{
    const thrum_tls_facts *facts = thrum_stream_tls_facts(stream);

    (void)nothing;
    printf("%s with %s\n", facts->version, facts->peer);
    return thrum_done();
}

static thrum_outcome refused(const thrum_failure *why, void *stream)
{
    (void)stream;
    printf("%s\n", thrum_failure_text(why));
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    size_t unread = 14; /* "250 injected\r\n", behind the 220 */
    thrum_stream *ours, *theirs;
    thrum_deferred *starting;

    (void)arg;
    if (thrum_stream_pair(reactor, &ours, &theirs) != 0)
        return NULL;
    starting = thrum_stream_start_tls(ours, NULL, "mail.example",
                                      unread, 10 * THRUM_S);
    thrum_deferred_add(starting, secured, refused, ours,
                       thrum_stream_unref);
    thrum_stream_unref(theirs);
    return starting;
}

int main(void)
{
    return thrum_react(run, NULL);
}
