/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails, one which texts there are and the size of
 * the slices in which it is sent; then, each
 * ended by 0xFF: from, to, subject, a header's name, its value, text, HTML.
 */
#include <stdlib.h>
#include <string.h>

#include <thrum/message.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/letter.h"

enum { PARTS = 7 };

/* Each header starts with a name that was asked for, or goes on with a blank:
 * nothing was injected. */
static void message_header_is_ours(const char *data, size_t size,
                                   const char *own)
{
    static const char *const names[] = {
        "From",         "To",
        "Subject",      "Date",
        "Message-ID",   "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding",
        "Reply-To"};
    const char *end = memmem(data, size, "\r\n\r\n", 4);

    fuzz_assert(end != NULL);
    for (const char *line = data; line <= end;) {
        const char *next =
            memmem(line, size - (size_t)(line - data), "\r\n", 2);
        const char *colon = memchr(line, ':', (size_t)(next - line));
        bool known = line[0] == ' ' || line[0] == '\t';
        size_t length = colon == NULL ? 0 : (size_t)(colon - line);

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            known |= colon != NULL && length == strlen(names[i]) &&
                     memcmp(line, names[i], length) == 0;
        known |= colon != NULL && length > 0 && length == strlen(own) &&
                 memcmp(line, own, length) == 0;
        fuzz_assert(known);
        line = next + 2;
    }
}

static void message_compose(thrum_context *context, char *const *part,
                            const size_t *length, unsigned has)
{
    thrum_message *message = thrum_message_new(context);
    thrum_buffer out;

    thrum_message_set_from(message, part[0]);
    thrum_message_add_to(message, part[1]);
    thrum_message_set_subject(message, part[2]);
    if ((has & 1) != 0)
        thrum_message_add_header(message, part[3], part[4]);
    if ((has & 2) != 0)
        thrum_message_set_text(message, part[5], length[5]);
    if ((has & 4) != 0)
        thrum_message_set_html(message, part[6], length[6]);
    thrum_buffer_init(&out, context, SIZE_MAX);
    if (fuzz_letter(message, &out, has + 1) == 0)
        message_header_is_ours(out.data, out.size,
                               (has & 1) != 0 ? part[3] : "");
    thrum_buffer_fini(&out);
    thrum_message_free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    unsigned fail_at = fuzz_byte(&input), has = fuzz_byte(&input);
    thrum_context *context = fuzz_context(fail_at);
    char *part[PARTS];
    size_t length[PARTS];

    for (int i = 0; i < PARTS; i++)
        part[i] = fuzz_string(&input, &length[i]);
    message_compose(context, part, length, has);
    for (int i = 0; i < PARTS; i++)
        free(part[i]);
    fuzz_context_end(context);
    return 0;
}
