/* SPDX-License-Identifier: MIT */
/*
 * A byte says how it is sent; then, each ended by 0xFF: what stands before a
 * slot, its value, and what stands after it. A decoder written from RFC 5321
 * (dots) and RFC 2045 (quoted-printable) must find the same text, line ends
 * apart, in a message that has it as it is and in one made from a template.
 */
#include <stdlib.h>
#include <string.h>

#include <thrum/template.h>

#include "mail/message_internal.h"
#include "tests/fuzz/fuzz.h"

enum { PARTS = 3 };

/* Bytes that grow; large enough for all that is put into it. */
typedef struct text {
    char *data;
    size_t size;
} text;

static text text_new(size_t room)
{
    text made = {malloc(room + 1), 0};

    fuzz_assert(made.data != NULL);
    return made;
}

static void text_put(text *to, char byte)
{
    to->data[to->size++] = byte;
}

/* The line ends that are read are LF. */
static void text_normalise(text *to, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\r' && i + 1 < size && data[i + 1] == '\n')
            continue;
        text_put(to, data[i] == '\r' ? '\n' : data[i]);
    }
}

static int hex(char digit)
{
    fuzz_assert((digit >= '0' && digit <= '9') ||
                (digit >= 'A' && digit <= 'F'));
    return digit <= '9' ? digit - '0' : digit - 'A' + 10;
}

/* One line without its CRLF; a soft break joins it to the next one. */
static void text_unquote(text *to, const char *line, size_t size)
{
    bool is_soft = size > 0 && line[size - 1] == '=';

    fuzz_assert(size <= 76);
    fuzz_assert(size == 0 || (line[size - 1] != ' ' && line[size - 1] != '\t'));
    for (size_t i = 0; i < size - is_soft; i++) {
        if (line[i] != '=') {
            text_put(to, line[i]);
        } else {
            fuzz_assert(i + 2 < size);
            text_put(to, (char)(hex(line[i + 1]) * 16 + hex(line[i + 2])));
            i += 2;
        }
    }
    if (!is_soft)
        text_put(to, '\n');
}

/* What a reader finds in what was sent after 354. */
static text text_read(const thrum_buffer *sent)
{
    static const char quoted[] = "Content-Transfer-Encoding: quoted-printable";
    const char *at = sent->data, *end = sent->data + sent->size;
    text read = text_new(sent->size), plain = text_new(sent->size);
    bool in_body = false, is_quoted = false;

    while (at < end) {
        const char *next = memmem(at, (size_t)(end - at), "\r\n", 2);
        size_t size = (size_t)(next - at);

        fuzz_assert(next != NULL);
        fuzz_assert(size != 1 || at[0] != '.');
        is_quoted |= !in_body && size == sizeof quoted - 1 &&
                     memcmp(at, quoted, size) == 0;
        if (in_body && size > 0 && at[0] == '.') {
            fuzz_assert(!is_quoted);
            at++;
            size--;
        }
        for (size_t i = 0; i < size; i++)
            fuzz_assert(at[i] == '\t' || (at[i] >= ' ' && at[i] <= '~'));
        if (in_body && is_quoted)
            text_unquote(&read, at, size);
        for (size_t i = 0; in_body && !is_quoted && i <= size; i++)
            text_put(&read, i < size ? at[i] : '\n');
        in_body |= size == 0;
        at = next + 2;
    }
    /* What a text had as =0D and =0A would be line ends as well. */
    text_normalise(&plain, read.data, read.size);
    free(read.data);
    return plain;
}

static void text_check(thrum_message *message, const text *expected,
                       thrum_context *context, size_t slice)
{
    thrum__message_cursor cursor = {0, {0, 0}};
    thrum_buffer out;
    text read;
    int more;

    thrum_buffer_init(&out, context, SIZE_MAX);
    do
        more = thrum__message_data(message, &cursor, THRUM__MESSAGE_DOTTED,
                                   &out, out.size + slice);
    while (more == 1);
    if (more == 0) {
        read = text_read(&out);
        fuzz_assert(read.size == expected->size);
        fuzz_assert(memcmp(read.data, expected->data, read.size) == 0);
        free(read.data);
    }
    thrum_buffer_fini(&out);
}

static void text_ordinary(thrum_context *context, const char *data, size_t size,
                          size_t slice)
{
    thrum_message *message = thrum_message_new(context);
    text expected = text_new(size);

    thrum_message_set_from(message, "e@example.org");
    thrum_message_add_to(message, "a@example.org");
    thrum_message_set_text(message, data, size);
    text_normalise(&expected, data, size);
    text_check(message, &expected, context, slice);
    free(expected.data);
    thrum_message_free(message);
}

/* Braces of the literal parts would be slots of their own. */
static void text_template(thrum_context *context, char *const *part,
                          const size_t *size, size_t slice)
{
    static const char *const columns[] = {"v"};
    thrum_message *prototype = thrum_message_new(context), *message;
    text whole = text_new(size[0] + size[2] + 5);
    text expected = text_new(size[0] + size[1] + size[2]);
    thrum_bytes value = {part[1], size[1]};
    thrum_template *letter;

    for (int i = 0; i < PARTS; i++) {
        for (size_t k = 0; i != 1 && k < size[i]; k++)
            if (part[i][k] == '{')
                part[i][k] = '(';
        for (size_t k = 0; k < (i == 1 ? 5 : size[i]); k++)
            text_put(&whole, i == 1 ? "{{v}}"[k] : part[i][k]);
        text_normalise(&expected, part[i], size[i]);
    }
    thrum_message_set_from(prototype, "e@example.org");
    thrum_message_set_text(prototype, whole.data, whole.size);
    letter = thrum_template_new(context, prototype, columns, 1, NULL);
    message = thrum_template_fill(letter, (thrum_bytes){"a@b", 3}, &value);
    text_check(message, &expected, context, slice);
    thrum_message_free(message);
    thrum_template_unref(letter);
    thrum_message_free(prototype);
    free(whole.data);
    free(expected.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    size_t slice = fuzz_byte(&input) * 64 + 1, length[PARTS];
    thrum_context *context = fuzz_context(0);
    char *part[PARTS];

    for (int i = 0; i < PARTS; i++)
        part[i] = fuzz_string(&input, &length[i]);
    for (int i = 0; i < PARTS; i++)
        text_ordinary(context, part[i], length[i], slice);
    text_template(context, part, length, slice);
    for (int i = 0; i < PARTS; i++)
        free(part[i]);
    fuzz_context_end(context);
    return 0;
}
