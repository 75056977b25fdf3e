/* SPDX-License-Identifier: MIT */
/* A byte says which allocation fails; the rest is an endpoint. What is read
 * as one says so again when it is written, and a fault stands within it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reactor/endpoint.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_is_clean(const char *text)
{
    for (; *text != '\0'; text++)
        fuzz_assert((unsigned char)*text >= 32 && *text != 127);
}

static void fuzz_read_again(const thrum__endpoint *endpoint)
{
    static const char *const kinds[] = {"tcp", "tls", "unix"};
    thrum__endpoint again;
    char *text = NULL;
    bool v6 = strchr(endpoint->host, ':') != NULL;
    size_t at;

    fuzz_is_clean(endpoint->host);
    if (endpoint->path != NULL)
        fuzz_assert(asprintf(&text, "unix:%s", endpoint->path) > 0);
    else
        fuzz_assert(asprintf(&text, "%s:%s%s%s:%u", kinds[endpoint->kind],
                             v6 ? "[" : "", endpoint->host, v6 ? "]" : "",
                             (unsigned)endpoint->port) > 0);
    fuzz_assert(thrum__endpoint_read(&again, text, &at) == NULL);
    fuzz_assert(again.kind == endpoint->kind && again.port == endpoint->port);
    fuzz_assert(strcmp(again.host, endpoint->host) == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    thrum_context *context = fuzz_context(fuzz_byte(&input));
    char *text = fuzz_string(&input, NULL);
    thrum__endpoint endpoint;
    thrum_failure *why = NULL;
    size_t at;
    const char *wrong = thrum__endpoint_read(&endpoint, text, &at);

    if (wrong == NULL) {
        fuzz_read_again(&endpoint);
    } else {
        fuzz_assert(at <= strlen(text));
        why = thrum__endpoint_failure(context, text, at, wrong);
        fuzz_is_clean(thrum_failure_text(why));
    }
    thrum_failure_unref(why);
    free(text);
    fuzz_context_end(context);
    return 0;
}
