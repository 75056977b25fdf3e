/* SPDX-License-Identifier: MIT */
/*
 *   look_up SERVER TYPE NAME MILLISECONDS
 *
 * Prints the records, a line each, and their time in seconds last; or the code
 * of the failure, that of the one beneath (0: none), and its words. TYPE is
 * address, MX, TXT or SRV; "connect" connects to the endpoint NAME.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/thrum.h>

static thrum_outcome print_records(void *value, void *type)
{
    const thrum_records *records = value;
    const thrum_record *record;

    for (size_t i = 0; (record = thrum_records_at(records, i)) != NULL; i++) {
        if (strcmp(type, "MX") == 0)
            printf("%u ", record->priority);
        if (strcmp(type, "SRV") == 0)
            printf("%u %u %u ", record->priority, record->weight, record->port);
        printf("%s\n", record->text);
    }
    printf("ttl %lld\n", (long long)(thrum_records_ttl(records) / THRUM_S));
    return thrum_done();
}

static thrum_outcome print_stream(void *stream, void *type)
{
    (void)type;
    printf("connected to %s\n", thrum_stream_peer(stream));
    return thrum_done();
}

static thrum_outcome print_failure(const thrum_failure *why, void *type)
{
    const thrum_failure *beneath = thrum_failure_cause(why);

    (void)type;
    printf("%d %d %s\n", thrum_failure_code(why),
           beneath == NULL ? 0 : thrum_failure_code(beneath),
           thrum_failure_text(why));
    return thrum_done();
}

static thrum_record_type type_of(const char *word)
{
    static const char *const words[] = {"address", "MX", "TXT", "SRV"};
    int type = 3;

    while (type > 0 && strcmp(words[type], word) != 0)
        type--;
    return (thrum_record_type)type;
}

int main(int count, char **words)
{
    thrum_reactor_config config = {.nameservers = count > 1 ? words[1] : NULL};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    thrum_deferred *asked;
    thrum_ns within;

    if (count != 5 || reactor == NULL)
        return 2;
    within = strtol(words[4], NULL, 10) * THRUM_MS;
    if (strcmp(words[2], "connect") == 0)
        asked = thrum_connect(reactor, words[3], NULL, within);
    else
        asked =
            thrum_records_lookup(reactor, type_of(words[2]), words[3], within);
    thrum_deferred_add(
        asked, strcmp(words[2], "connect") == 0 ? print_stream : print_records,
        print_failure, words[2], NULL);
    thrum_deferred_finish(asked);
    thrum_reactor_run(reactor);
    thrum_reactor_free(reactor);
    return 0;
}
