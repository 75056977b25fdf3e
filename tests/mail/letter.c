/* SPDX-License-Identifier: MIT */
#include "tests/mail/letter.h"

#include <string.h>

#include "mail/message_internal.h"
#include "mail/text.h"

static const char *const columns[] = {"email", "name", "city", "id"};

thrum_message *letter_prototype(thrum_context *context,
                                const letter_parts *with)
{
    thrum_message *message = thrum_message_new(context);

    thrum_message_set_from(
        message, with->from != NULL ? with->from : "News <news@example.org>");
    if (with->reply_to != NULL)
        thrum_message_set_reply_to(message, with->reply_to);
    if (with->envelope_from != NULL)
        thrum_message_set_envelope_from(message, with->envelope_from);
    if (with->subject != NULL)
        thrum_message_set_subject(message, with->subject);
    if (with->header != NULL)
        thrum_message_add_header(message, "X-Key", with->header);
    if (with->text != NULL)
        thrum_message_set_text(message, with->text, strlen(with->text));
    if (with->html != NULL)
        thrum_message_set_html(message, with->html, strlen(with->html));
    return message;
}

thrum_template *letter_new(thrum_context *context, const letter_parts *with,
                           thrum_failure **why)
{
    thrum_message *prototype = letter_prototype(context, with);
    thrum_template *letter =
        thrum_template_new(context, prototype, columns, LETTER_COLUMNS, why);

    thrum_message_free(prototype);
    return letter;
}

thrum_message *letter_fill(thrum_template *letter, const char *name,
                           const char *city, const char *id)
{
    thrum_bytes values[LETTER_COLUMNS] = {
        thrum__text_of("ann@example.org"), thrum__text_of(name),
        thrum__text_of(city), thrum__text_of(id)};

    return thrum_template_fill(letter, values[0], values);
}

int letter_write(thrum_message *message, thrum_buffer *out, size_t slice)
{
    thrum__message_cursor cursor = {0, {0, 0}};
    int more;

    do
        more = thrum__message_data(message, &cursor, out, out->size + slice);
    while (more == 1);
    return more;
}
