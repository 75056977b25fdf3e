/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/mail.h>

static void print_header(const char *message, const char *name)
{
    const char *line = strstr(message, name);

    if (line != NULL)
        printf("%.*s\n", (int)strcspn(line, "\r"), line);
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_message *letter = thrum_message_new(context);
    thrum_buffer out;

    if (letter == NULL)
        return 1;
    thrum_message_set_from(letter, "News <news@example.org>");
    thrum_message_add_to(letter, "ann@example.org");
    thrum_message_set_subject(letter, "Saturday");
    thrum_message_set_text(letter, "At eight.\n", 10);

    thrum_buffer_init(&out, context, 65536);
    if (thrum_message_write(letter, &out) == 0 &&
        thrum_buffer_append(&out, "", 1) == 0) {
        print_header(out.data, "From: ");
        print_header(out.data, "To: ");
        print_header(out.data, "Subject: ");
    }
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    thrum_context_unref(context);
    return 0;
}
