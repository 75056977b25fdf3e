/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/mail.h>

static thrum_bytes bytes(const char *text)
{
    thrum_bytes found = {text, strlen(text)};
    return found;
}

static void fill(thrum_context *context, thrum_template *letter,
                 const char *to, const char *name)
{
    thrum_bytes values[] = {bytes(name)};
    thrum_message *message =
        thrum_template_fill(letter, bytes(to), values);
    const thrum_failure *why = thrum_message_failure(message);
    thrum_buffer out;

    thrum_buffer_init(&out, context, 65536);
    if (why != NULL)
        printf("%s: %s\n", to, thrum_failure_text(why));
    else if (thrum_message_write(message, &out) == 0 &&
             thrum_buffer_append(&out, "", 1) == 0)
        printf("%.18s\n", strstr(out.data, "Subject: "));
    thrum_buffer_fini(&out);
    thrum_message_free(message);
}

int main(void)
{
    static const char *const columns[] = {"name"};
    thrum_context *context = thrum_context_new(NULL);
    thrum_message *draft = thrum_message_new(context);
    thrum_failure *why = NULL;

    thrum_message_set_from(draft, "news@example.org");
    thrum_message_set_subject(draft, "Hello {{name}}");
    thrum_message_set_text(draft, "At eight.\n", 10);
    thrum_template *letter =
        thrum_template_new(context, draft, columns, 1, &why);
    if (letter == NULL)
        return 1;
    fill(context, letter, "ann@example.org", "Ann");
    fill(context, letter, "bob@example.org", "");
    thrum_template_unref(letter);
    thrum_message_free(draft);
    thrum_context_unref(context);
    return 0;
}
