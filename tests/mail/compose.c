/* SPDX-License-Identifier: MIT */
/*
 * Makes messages to order, for test_compose.py: reads fields, each a letter,
 * its length in decimal, ":" and so many bytes, and writes a message, or "!"
 * and what was wrong, in the same way. Fields are kept until they are used:
 *
 *   f from, e envelope from, r reply-to, t to, s subject, n and h a header's
 *   name and value, x text, m HTML: of a message that begins with the first;
 *   c a column, v its value;
 *   W writes the message as it is, T makes a template of it and writes the
 *   message for the address in the field and the values.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/template.h>

enum { MOST = 64 };

typedef struct field {
    int kind;
    char *data; /* with a NUL */
    size_t size;
} field;

typedef struct order {
    thrum_context *context;
    thrum_message *message;
    char *name; /* of the next header */
    char *columns[MOST];
    size_t column_count;
    field values[MOST];
    size_t value_count;
} order;

static bool read_field(field *into)
{
    int parts;

    into->kind = getchar();
    if (into->kind == EOF)
        return false;
    parts = scanf("%zu", &into->size);
    if (parts != 1 || getchar() != ':')
        exit(EXIT_FAILURE);
    into->data = malloc(into->size + 1);
    if (into->data == NULL ||
        fread(into->data, 1, into->size, stdin) != into->size)
        exit(EXIT_FAILURE);
    into->data[into->size] = '\0';
    return true;
}

static void answer(char kind, const char *data, size_t size)
{
    printf("%c%zu:", kind, size);
    fwrite(data, 1, size, stdout);
}

static void answer_message(order *self, thrum_message *message)
{
    const thrum_failure *why;
    thrum_buffer out;

    thrum_buffer_init(&out, self->context, SIZE_MAX);
    if (thrum_message_write(message, &out) == 0) {
        answer('M', out.data, out.size);
        answer('E', thrum_message_sender(message),
               strlen(thrum_message_sender(message)));
    } else {
        why = thrum_message_failure(message);
        answer('!', why != NULL ? thrum_failure_text(why) : "incomplete",
               why != NULL ? strlen(thrum_failure_text(why)) : 10);
    }
    thrum_buffer_fini(&out);
}

static void fill_template(order *self, const field *to)
{
    thrum_failure *why = NULL;
    thrum_template *letter = thrum_template_new(
        self->context, self->message, (const char *const *)self->columns,
        self->column_count, &why);
    thrum_bytes values[MOST];

    for (size_t i = 0; i < self->value_count; i++)
        values[i] = (thrum_bytes){self->values[i].data, self->values[i].size};
    if (letter == NULL) {
        answer('!', thrum_failure_text(why), strlen(thrum_failure_text(why)));
        thrum_failure_unref(why);
    } else {
        thrum_message *message = thrum_template_fill(
            letter, (thrum_bytes){to->data, to->size}, values);

        answer_message(self, message);
        thrum_message_free(message);
    }
    thrum_template_unref(letter);
}

static void start_again(order *self)
{
    thrum_message_free(self->message);
    for (size_t i = 0; i < self->column_count; i++)
        free(self->columns[i]);
    for (size_t i = 0; i < self->value_count; i++)
        free(self->values[i].data);
    self->message = thrum_message_new(self->context);
    self->column_count = self->value_count = 0;
}

static void keep(order *self, const field *one)
{
    if (self->column_count == MOST || self->value_count == MOST)
        exit(EXIT_FAILURE);
    if (one->kind == 'n')
        self->name = one->data;
    else if (one->kind == 'c')
        self->columns[self->column_count++] = one->data;
    else
        self->values[self->value_count++] = *one;
}

static void set_header(order *self, const field *one)
{
    switch (one->kind) {
    case 'f':
        thrum_message_set_from(self->message, one->data);
        break;
    case 'e':
        thrum_message_set_envelope_from(self->message, one->data);
        break;
    case 'r':
        thrum_message_set_reply_to(self->message, one->data);
        break;
    case 't':
        thrum_message_add_to(self->message, one->data);
        break;
    case 's':
        thrum_message_set_subject(self->message, one->data);
        break;
    default:
        thrum_message_add_header(self->message, self->name, one->data);
        free(self->name);
        self->name = NULL;
    }
}

static void obey(order *self, field *one)
{
    switch (one->kind) {
    case 'n':
    case 'c':
    case 'v':
        keep(self, one);
        return; /* and its bytes with it */
    case 'x':
        thrum_message_set_text(self->message, one->data, one->size);
        break;
    case 'm':
        thrum_message_set_html(self->message, one->data, one->size);
        break;
    case 'W':
        answer_message(self, self->message);
        start_again(self);
        break;
    case 'T':
        fill_template(self, one);
        start_again(self);
        break;
    default:
        set_header(self, one);
    }
    free(one->data);
}

int main(void)
{
    order self = {.context = thrum_context_new(NULL)};
    field one;

    if (self.context == NULL)
        return EXIT_FAILURE;
    start_again(&self);
    while (read_field(&one))
        obey(&self, &one);
    thrum_message_free(self.message);
    thrum_context_unref(self.context);
    return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
