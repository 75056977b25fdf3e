/* SPDX-License-Identifier: MIT */
/* A byte says which allocation fails; the rest is a mailbox. */
#include <stdlib.h>
#include <string.h>

#include <thrum/address.h>

#include "tests/fuzz/fuzz.h"

static bool is_printable_ascii(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < 32 || text[i] > 126)
            return false;
    return true;
}

static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 32 || *text == 127)
            return true;
    return false;
}

/* What may stand in an envelope cannot end its command. */
static void address_is_safe(const char *text, size_t size)
{
    const char *at = memrchr(text, '@', size);

    fuzz_assert(is_printable_ascii(text, size));
    fuzz_assert(at != NULL && at > text && at + 1 < text + size);
    fuzz_assert(size <= 254);
    fuzz_assert(text[0] == '"' || memchr(text, ' ', size) == NULL);
    fuzz_assert(text[0] == '"' || memchr(text, '>', size) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    thrum_context *context = fuzz_context(fuzz_byte(&input));
    size_t length;
    char *text = fuzz_string(&input, &length);
    thrum_failure *why = NULL;
    thrum_address *address;

    if (thrum_address_check(text, length) == NULL)
        address_is_safe(text, length);
    address = thrum_address_parse(context, text, &why);
    fuzz_assert((address == NULL) == (why != NULL));
    if (address != NULL) {
        const char *addr = thrum_address_addr(address);

        fuzz_assert(thrum_address_check(addr, strlen(addr)) == NULL);
        address_is_safe(addr, strlen(addr));
        fuzz_assert(!has_controls(thrum_address_name(address)));
    }
    thrum_address_free(address);
    thrum_failure_unref(why);
    free(text);
    fuzz_context_end(context);
    return 0;
}
