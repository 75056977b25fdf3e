/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

static thrum_outcome found(void *probe, void *ctx)
{
    const thrum_probe_facts *facts = thrum_probe_get_facts(probe);

    (void)ctx;
    if (facts->why != NULL)
        printf("no: %s\n", thrum_failure_text(facts->why));
    else
        printf("yes, %s, %s TLS\n",
               thrum_smtp_mode_name(facts->mode),
               facts->secured ? "within" : "without");
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *via)
{
    thrum_mailer_config config = {.via = via};
    thrum_deferred *probed = thrum_probe_start(reactor, &config);

    thrum_deferred_add(probed, found, NULL, NULL, NULL);
    return probed;
}

int main(void)
{
    return thrum_react(run, "smtp://127.0.0.1:1");
}
