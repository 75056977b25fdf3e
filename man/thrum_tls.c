/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome print(void *stream, void *ctx)
{
    const thrum_tls_facts *facts = thrum_stream_tls_facts(stream);

    (void)ctx;
    printf("%s, %s\n", facts->version, facts->cipher);
    printf("%s, by %s\n", facts->peer, facts->issuer);
    return thrum_done(); /* the stream ends with its value */
}

static thrum_deferred *run(thrum_reactor *reactor, void *host)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_tls_config config = {.alpn = NULL}; /* all defaults */
    thrum_failure *why = NULL;
    thrum_tls *tls = thrum_tls_new(context, &config, &why);
    thrum_deferred *connected;

    if (tls == NULL)
        return thrum_deferred_failed(context, why);
    connected =
        thrum_connect_tls(reactor, host, 443, tls, 10 * THRUM_S);
    thrum_tls_unref(tls); /* the stream holds it as well */
    thrum_deferred_add(connected, print, NULL, NULL, NULL);
    return connected;
}

int main(void)
{
    return thrum_react(run, "debian.org");
}
