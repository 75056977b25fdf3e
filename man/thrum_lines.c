/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/thrum.h>

typedef struct session {
    thrum_lines *lines;
    size_t body; /* bytes that are still to come */
} session;

static void take_body(session *self, const char **data,
                      size_t *size)
{
    for (; self->body > 0 && *size > 0; self->body--) {
        printf(**data == '\n' ? "\\n" : "%c", **data);
        ++*data;
        --*size;
    }
    if (self->body == 0)
        printf("\n");
}

static void take(session *self, const char *data)
{
    size_t size = strlen(data);
    thrum_bytes line;

    for (;;) {
        if (self->body > 0)
            take_body(self, &data, &size);
        if (self->body > 0 ||
            thrum_lines_next(self->lines, &data, &size, &line) <= 0)
            return;
        printf("line: %.*s\n", (int)line.size, line.data);
        if (line.size == 5 && memcmp(line.data, "PUT ", 4) == 0) {
            self->body = (size_t)(line.data[4] - '0');
            printf("body: ");
        }
    }
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    session here = {thrum_lines_new(context, 80), 0};

    if (here.lines == NULL)
        return 1;
    take(&here, "PU");
    take(&here, "T 4\r\na\nb");
    take(&here, "\nQUIT\r\n");
    thrum_lines_free(here.lines);
    thrum_context_unref(context);
    return 0;
}
