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
    return thrum_done();
}

static thrum_deferred *look_up(thrum_reactor *reactor,
                               thrum_record_type type,
                               const char *name)
{
    thrum_deferred *records =
        thrum_records_lookup(reactor, type, name, 5 * THRUM_S);

    thrum_deferred_add(records, print, complain, NULL, NULL);
    return records;
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    (void)arg;
    thrum_deferred_finish(
        look_up(reactor, THRUM_RECORD_MX, "two..dots"));
    return look_up(reactor, THRUM_RECORD_ADDRESS, "192.0.2.7");
}

int main(void)
{
    return thrum_react(run, NULL);
}
