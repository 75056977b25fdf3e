/* SPDX-License-Identifier: MIT */
/* A byte says which allocation fails, one the type; the rest is an answer of
 * the DNS. Whatever it is, hosts are names, addresses are addresses, and what
 * is found is the same the second time. */
#include <stdlib.h>
#include <string.h>

#include "reactor/address.h"
#include "reactor/answer.h"
#include "reactor/host.h"
#include "tests/fuzz/fuzz.h"

static const int types[] = {THRUM__DNS_A, THRUM__DNS_AAAA, THRUM__DNS_MX,
                            THRUM__DNS_TXT, THRUM__DNS_SRV};

static void fuzz_record(const thrum_record *record, int type)
{
    char ascii[THRUM_HOST_ROOM];
    const char *wrong;
    thrum__address address;

    fuzz_assert(record->text[record->size] == '\0');
    if (type == THRUM__DNS_TXT)
        return;
    fuzz_assert(strlen(record->text) == record->size);
    if (type == THRUM__DNS_A || type == THRUM__DNS_AAAA) {
        fuzz_assert(thrum__address_read(&address, record->text, 0) == 0);
        return;
    }
    for (const char *at = record->text; *at != '\0'; at++)
        fuzz_assert((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
                    *at == '-' || *at == '_' || *at == '.');
    if (thrum_host_to_ascii(ascii, record->text, &wrong) == 0)
        fuzz_assert(strcmp(ascii, record->text) == 0);
}

static void fuzz_same(const thrum__answer *one, const thrum__answer *other)
{
    fuzz_assert(one->kind == other->kind && one->count == other->count);
    for (size_t i = 0; i < one->count; i++)
        fuzz_assert(one->records[i].size == other->records[i].size &&
                    memcmp(one->records[i].text, other->records[i].text,
                           one->records[i].size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    thrum_context *context = fuzz_context(fuzz_byte(&input) % 4);
    int type = types[fuzz_byte(&input) % (sizeof types / sizeof *types)];
    uint8_t *exact = malloc(input.size > 0 ? input.size : 1);
    thrum__answer *one, *other;

    fuzz_assert(exact != NULL);
    if (input.size > 0)
        memcpy(exact, input.data, input.size);
    one = thrum__answer_parse(context, exact, input.size, "a.test", type);
    other = thrum__answer_parse(context, exact, input.size, "a.test", type);
    if (one != NULL) {
        fuzz_assert((one->kind == THRUM__ANSWER_FOUND) == (one->count > 0));
        fuzz_assert((one->kind == THRUM__ANSWER_FOUND) == (one->words == NULL));
        fuzz_assert(one->count <= 512 && one->ttl <= INT32_MAX);
        for (size_t i = 0; i < one->count; i++)
            fuzz_record(&one->records[i], type);
    }
    if (one != NULL && other != NULL)
        fuzz_same(one, other);
    thrum__answer_unref(one);
    thrum__answer_unref(other);
    free(exact);
    fuzz_context_end(context);
    return 0;
}
