/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails, one which texts there are; then, each
 * ended by 0xFF: subject, text, HTML, to, and the values of the columns "name"
 * and "city". Whatever the values, the letter has as many headers as with plain
 * ones, and a value that is refused is never written.
 */
#include <stdlib.h>
#include <string.h>

#include <thrum/template.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/letter.h"

enum { PARTS = 6 };

static size_t count_headers(const char *data, size_t size)
{
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    size_t count = 0;

    fuzz_assert(end != NULL);
    for (const char *at = data; at < end; at++)
        count += at[0] == '\n' && at[1] != ' ' && at[1] != '\t';
    return count;
}

/* Returns how many headers it has; 0 when it cannot be written. */
static size_t template_write(thrum_context *context, thrum_message *letter,
                             size_t enough)
{
    thrum_buffer out;
    size_t headers = 0;

    thrum_buffer_init(&out, context, SIZE_MAX);
    if (fuzz_letter(letter, &out, enough) == 0)
        headers = count_headers(out.data, out.size);
    thrum_buffer_fini(&out);
    return headers;
}

static void template_fill(thrum_context *context, thrum_template *letter,
                          thrum_bytes to, const thrum_bytes *values,
                          size_t enough)
{
    static const thrum_bytes plain[2] = {{"x", 1}, {"y", 1}};
    thrum_failure *wrong = thrum_template_check(letter, to, values);
    thrum_message *filled = thrum_template_fill(letter, to, values);
    thrum_message *same =
        thrum_template_fill(letter, (thrum_bytes){"a@b.c", 5}, plain);
    size_t got = template_write(context, filled, enough);
    size_t expected = template_write(context, same, enough);

    fuzz_assert(wrong == NULL || got == 0 ||
                thrum_failure_is(wrong, &thrum_domain_base, THRUM_E_NOMEM));
    fuzz_assert(got == 0 || expected == 0 || got == expected);
    thrum_failure_unref(wrong);
    thrum_message_free(filled);
    thrum_message_free(same);
}

static thrum_template *template_make(thrum_context *context, char *const *part,
                                     const size_t *length, unsigned has)
{
    static const char *const columns[] = {"name", "city"};
    thrum_message *prototype = thrum_message_new(context);
    thrum_failure *why = NULL;
    thrum_template *letter;

    thrum_message_set_from(prototype, "News <news@example.org>");
    thrum_message_set_subject(prototype, part[0]);
    if ((has & 1) != 0)
        thrum_message_set_text(prototype, part[1], length[1]);
    if ((has & 2) != 0)
        thrum_message_set_html(prototype, part[2], length[2]);
    if ((has & 4) != 0)
        thrum_message_add_header(prototype, "X-City", "in {{city}}");
    letter = thrum_template_new(context, prototype, columns, 2, &why);
    fuzz_assert((letter == NULL) == (why != NULL));
    thrum_failure_unref(why);
    thrum_message_free(prototype);
    return letter;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    unsigned fail_at = fuzz_byte(&input), has = fuzz_byte(&input);
    thrum_context *context = fuzz_context(fail_at);
    thrum_template *letter;
    char *part[PARTS];
    size_t length[PARTS];

    for (int i = 0; i < PARTS; i++)
        part[i] = fuzz_string(&input, &length[i]);
    letter = template_make(context, part, length, has);
    if (letter != NULL) {
        thrum_bytes values[] = {{part[4], length[4]}, {part[5], length[5]}};

        template_fill(context, letter, (thrum_bytes){part[3], length[3]},
                      values, has + 1);
    }
    thrum_template_unref(letter);
    for (int i = 0; i < PARTS; i++)
        free(part[i]);
    fuzz_context_end(context);
    return 0;
}
