/* SPDX-License-Identifier: MIT */
/*
 * A byte says how it is sent, and whether all bytes of the text stand for ones
 * that are hard on somebody (dots, CR, LF); then, each ended by 0xFF: what
 * stands before a slot, its value, and what stands after it. The rest are the
 * sizes of the slices. A decoder written from RFC 5321 (dots) and RFC 2045
 * (quoted-printable) must find the same text, line ends apart, in a message
 * that has it as it is and in one made from a template; the end of the data is
 * where it should be and nowhere else; and for BDAT it is the same message
 * without the dots that stuff it.
 */
#include <stdlib.h>
#include <string.h>

#include <thrum/template.h>

#include "mail/message_internal.h"
#include "tests/fuzz/fuzz.h"

enum { PARTS = 3 };

/* Some slices for the headers, and the rest for the body. */
enum { CUTS = 48 };

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

/* The sizes of slices: a byte for each, and the same for all when there are no
 * more. */
typedef struct slices {
    fuzz_input sizes;
    size_t otherwise;
} slices;

static int text_send(thrum_message *message, thrum__message_form form,
                     slices cut, thrum_buffer *out)
{
    thrum__message_cursor cursor = {0, {0, 0}};
    int more;

    do {
        size_t size =
            cut.sizes.size > 0 ? fuzz_byte(&cut.sizes) + 1 : cut.otherwise;

        more =
            thrum__message_data(message, &cursor, form, out, out->size + size);
    } while (more == 1);
    return more;
}

/* With the dot that ends it, it ends there alone. */
static void text_ends_once(thrum_buffer *sent)
{
    const char *end;

    fuzz_assert(thrum_buffer_append(sent, ".\r\n", 3) == 0);
    end = memmem(sent->data, sent->size, "\r\n.\r\n", 5);
    fuzz_assert(end == sent->data + sent->size - 5);
    sent->size -= 3;
}

/* What a server keeps of what came after 354 is what BDAT would bring. */
static void text_is_kept(const thrum_buffer *dotted, const thrum_buffer *binary)
{
    size_t at = 0;

    for (size_t i = 0; i < dotted->size; i++, at++) {
        bool first = i == 0 || dotted->data[i - 1] == '\n';

        if (first && dotted->data[i] == '.')
            i++;
        fuzz_assert(at < binary->size && binary->data[at] == dotted->data[i]);
    }
    fuzz_assert(at == binary->size);
}

static void text_check(thrum_message *message, const text *expected,
                       thrum_context *context, slices cut)
{
    thrum_buffer out, binary;
    text read;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_buffer_init(&binary, context, SIZE_MAX);
    if (text_send(message, THRUM__MESSAGE_DOTTED, cut, &out) == 0) {
        read = text_read(&out);
        fuzz_assert(read.size == expected->size);
        fuzz_assert(memcmp(read.data, expected->data, read.size) == 0);
        free(read.data);
        text_ends_once(&out);
        fuzz_assert(text_send(message, THRUM__MESSAGE_BINARY, cut, &binary) ==
                    0);
        text_is_kept(&out, &binary);
        fuzz_assert(thrum__message_size(message, UINT64_MAX) >= binary.size);
        fuzz_assert(thrum__message_size(message, 0) == binary.size);
    }
    thrum_buffer_fini(&out);
    thrum_buffer_fini(&binary);
}

static void text_ordinary(thrum_context *context, const char *data, size_t size,
                          slices cut)
{
    thrum_message *message = thrum_message_new(context);
    text expected = text_new(size);

    thrum_message_set_from(message, "e@example.org");
    thrum_message_add_to(message, "a@example.org");
    thrum_message_set_text(message, data, size);
    text_normalise(&expected, data, size);
    text_check(message, &expected, context, cut);
    free(expected.data);
    thrum_message_free(message);
}

/* Braces of the literal parts would be slots of their own. */
static void text_template(thrum_context *context, char *const *part,
                          const size_t *size, slices cut)
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
    text_check(message, &expected, context, cut);
    thrum_message_free(message);
    thrum_template_unref(letter);
    thrum_message_free(prototype);
    free(whole.data);
    free(expected.data);
}

static void text_harden(char *data, size_t size)
{
    static const char hard[] = {'.', '\r', '\n', 'a', ' ', '=', '\t', '-'};

    for (size_t i = 0; i < size; i++)
        data[i] = hard[(unsigned char)data[i] % sizeof hard];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    unsigned how = fuzz_byte(&input);
    slices cut = {.otherwise = how * 64 + 65};
    thrum_context *context = fuzz_context(0);
    char *part[PARTS];
    size_t length[PARTS];

    for (int i = 0; i < PARTS; i++) {
        part[i] = fuzz_string(&input, &length[i]);
        if (how % 2 == 1)
            text_harden(part[i], length[i]);
    }
    cut.sizes = input;
    if (cut.sizes.size > CUTS)
        cut.sizes.size = CUTS;
    for (int i = 0; i < PARTS; i++)
        text_ordinary(context, part[i], length[i], cut);
    text_template(context, part, length, cut);
    for (int i = 0; i < PARTS; i++)
        free(part[i]);
    fuzz_context_end(context);
    return 0;
}
