/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome print(void *value, void *ctx)
{
    const thrum_records *records = value;
    const thrum_record *host;

    (void)ctx;
    for (size_t i = 0;
         (host = thrum_records_at(records, i)) != NULL; i++)
        printf("%u %s\n", host->priority, host->text);
    return thrum_done();
}

static thrum_outcome complain(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    printf("%s\n", thrum_failure_text(why));
    if (thrum_failure_is(why, &thrum_domain_reactor,
                         THRUM_REACTOR_E_NO_RECORDS))
        return thrum_done();
    return thrum_keep();
}

static thrum_deferred *run(thrum_reactor *reactor, void *domain)
{
    thrum_deferred *records = thrum_records_lookup(
        reactor, THRUM_RECORD_MX, domain, 5 * THRUM_S);

    thrum_deferred_add(records, print, complain, NULL, NULL);
    return records;
}

int main(int count, char **words)
{
    return thrum_react(run, count > 1 ? words[1] : "debian.org");
}
