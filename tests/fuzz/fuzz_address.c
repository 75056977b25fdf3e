/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails; the rest is a mailbox. What passes for an
 * address can end no command, and the form in which it goes into the envelope
 * is its own.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/address.h"
#include "mail/text.h"
#include "tests/fuzz/fuzz.h"

/* UTF-8 without controls, of the 7 or of the 8 bits. */
static bool has_no_controls(thrum_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte < 0x20 || byte == 0x7f ||
            (byte == 0xc2 && (unsigned char)text.data[i + 1] < 0xa0))
            return false;
    }
    return thrum__text_is_utf8(text);
}

static bool is_ascii(thrum_bytes text)
{
    return (thrum__text_scan(text) & THRUM__TEXT_HIGH) == 0;
}

/* What may stand in an envelope cannot end its command. */
static void address_is_safe(thrum_bytes addr, bool is_utf8)
{
    const char *at = memrchr(addr.data, '@', addr.size);
    size_t local = (size_t)(at - addr.data);

    fuzz_assert(has_no_controls(addr));
    fuzz_assert(at != NULL && local > 0 && local + 1 < addr.size);
    fuzz_assert(addr.size <= 254 && local <= 64);
    fuzz_assert(is_ascii(addr) == !is_utf8);
    fuzz_assert(is_ascii((thrum_bytes){at, addr.size - local}));
    fuzz_assert(addr.data[0] == '"' ||
                memchr(addr.data, ' ', addr.size) == NULL);
    fuzz_assert(addr.data[0] == '"' ||
                memchr(addr.data, '>', addr.size) == NULL);
}

/* Reading what was read changes nothing. */
static void address_is_stable(thrum_bytes addr, bool is_utf8)
{
    thrum__addr again;

    fuzz_assert(thrum__addr_read(addr, &again) == NULL);
    fuzz_assert(again.text.size == addr.size && again.is_utf8 == is_utf8);
    fuzz_assert(memcmp(again.text.data, addr.data, addr.size) == 0);
}

static void address_read(thrum_bytes text)
{
    thrum__addr addr;
    const char *wrong = thrum__addr_read(text, &addr);

    fuzz_assert((wrong == NULL) ==
                (thrum_address_check(text.data, text.size) == NULL));
    if (wrong != NULL)
        return;
    address_is_safe(addr.text, addr.is_utf8);
    address_is_stable(addr.text, addr.is_utf8);
    if (addr.text.data == addr.room)
        fuzz_assert(strlen(addr.room) == addr.text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    thrum_context *context = fuzz_context(fuzz_byte(&input));
    size_t length;
    char *text = fuzz_string(&input, &length);
    thrum_failure *why = NULL;
    thrum_address *address;

    address_read((thrum_bytes){text, length});
    address = thrum_address_parse(context, text, &why);
    fuzz_assert((address == NULL) == (why != NULL));
    if (address != NULL) {
        thrum_bytes addr = thrum__text_of(thrum_address_addr(address));

        address_is_safe(addr, !is_ascii(addr));
        address_is_stable(addr, !is_ascii(addr));
        fuzz_assert(thrum__text_line(
                        thrum__text_of(thrum_address_name(address))) == NULL);
    }
    thrum_address_free(address);
    thrum_failure_unref(why);
    free(text);
    fuzz_context_end(context);
    return 0;
}
