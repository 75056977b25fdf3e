/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/letter.h"

#include <string.h>

#include "mail/message_internal.h"
#include "mail/text.h"
#include "tests/fuzz/fuzz.h"

enum { LINE_MOST = 998 };

/* Lines of US-ASCII; of UTF-8 where the message says so. */
static void letter_lines_are_sound(const char *data, size_t size, bool is_utf8)
{
    size_t start = 0;

    fuzz_assert(!is_utf8 || thrum__text_is_utf8((thrum_bytes){data, size}));

    fuzz_assert(size > 2 && memcmp(data + size - 2, "\r\n", 2) == 0);
    fuzz_assert(memmem(data, size, "\r\n\r\n", 4) != NULL);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            fuzz_assert(i > 0 && data[i - 1] == '\r');
            fuzz_assert(i - 1 - start <= LINE_MOST);
            start = i + 1;
        } else if (data[i] == '\r') {
            fuzz_assert(i + 1 < size && data[i + 1] == '\n');
        } else {
            fuzz_assert(data[i] == '\t' || (data[i] >= 32 && data[i] < 127) ||
                        (is_utf8 && data[i] < 0));
        }
    }
}

/* `wire` is `plain` with the dots of RFC 5321 section 4.5.2. */
static void letter_is_stuffed(const thrum_buffer *plain,
                              const thrum_buffer *wire)
{
    size_t at = 0;

    for (size_t i = 0; i < plain->size; i++) {
        bool first = i == 0 || plain->data[i - 1] == '\n';

        if (first && plain->data[i] == '.') {
            fuzz_assert(at < wire->size && wire->data[at] == '.');
            at++;
        }
        fuzz_assert(at < wire->size && wire->data[at] == plain->data[i]);
        at++;
    }
    fuzz_assert(at == wire->size);
}

/* In slices; a slice that failed for want of memory is asked for again. */
static void letter_send(thrum_message *message, thrum_buffer *wire,
                        size_t enough)
{
    thrum__message_cursor cursor = {0};
    int answer, failures = 0;

    do {
        answer = thrum__message_data(message, &cursor, THRUM__MESSAGE_DOTTED,
                                     wire, wire->size + enough);
        if (answer == THRUM_E_NOMEM)
            fuzz_assert(++failures < 2);
        else
            fuzz_assert(answer == 0 || answer == 1);
    } while (answer != 0);
}

int fuzz_letter(thrum_message *message, thrum_buffer *out, size_t enough)
{
    thrum_buffer wire;
    int error = thrum_message_write(message, out);

    if (error != 0) {
        fuzz_assert(out->size == 0);
        return error;
    }
    letter_lines_are_sound(
        out->data, out->size,
        (thrum__message_needs(message) & THRUM__NEEDS_8BIT) != 0);
    fuzz_assert(thrum__message_size(message, UINT64_MAX) >= out->size);
    fuzz_assert(thrum__message_size(message, 0) == out->size);
    thrum_buffer_init(&wire, out->context, SIZE_MAX);
    letter_send(message, &wire, enough);
    letter_is_stuffed(out, &wire);
    thrum_buffer_fini(&wire);
    return 0;
}
