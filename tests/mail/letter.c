/* SPDX-License-Identifier: MIT */
#include "tests/mail/letter.h"

#include <stdlib.h>
#include <string.h>

#include "mail/message_struct.h"
#include "mail/text.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

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
    if (with->dsn != NULL)
        thrum_message_set_dsn(message, with->dsn);
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

static int letter_write_form(thrum_message *message, thrum__message_form form,
                             thrum_buffer *out, size_t slice)
{
    thrum__message_cursor cursor = {0, {0, 0}};
    int more;

    do
        more =
            thrum__message_data(message, &cursor, form, out, out->size + slice);
    while (more == 1);
    return more;
}

int letter_write(thrum_message *message, thrum_buffer *out, size_t slice)
{
    return letter_write_form(message, THRUM__MESSAGE_DOTTED, out, slice);
}

int letter_write_binary(thrum_message *message, thrum_buffer *out, size_t slice)
{
    return letter_write_form(message, THRUM__MESSAGE_BINARY, out, slice);
}

void letter_assert_binary(thrum_message *message, thrum_bytes sent, size_t step)
{
    wire_text kept = wire_receive(sent);
    thrum_buffer out;

    thrum_buffer_init(&out, message->context, SIZE_MAX);
    for (size_t slice = SIZE_MAX / 2; slice > 0;) {
        if (letter_write_binary(message, &out, slice) != 0)
            ck_abort_msg("not written in slices of %zu", slice);
        wire_assert_same((thrum_bytes){out.data, out.size},
                         (thrum_bytes){kept.data, kept.size}, "binary");
        slice = slice > sent.size ? sent.size
                                  : slice - (slice > step ? step : slice);
        thrum_buffer_clear(&out);
    }
    if (thrum__message_size(message, UINT64_MAX) < kept.size)
        ck_abort_msg("its size is said to be less than it is");
    if (thrum__message_size(message, 0) != kept.size)
        ck_abort_msg("%zu octets are counted as %zu", kept.size,
                     (size_t)thrum__message_size(message, 0));
    thrum_buffer_fini(&out);
    free(kept.data);
}
