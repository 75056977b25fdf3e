/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/thrum.h>

static void received(thrum_buffer *in, const char *data)
{
    char *end;

    if (thrum_buffer_append(in, data, strlen(data)) != 0)
        return; /* past the cap, or no memory */
    while (in->size > 0 &&
           (end = memchr(in->data, '\n', in->size)) != NULL) {
        int length = (int)(end - in->data);
        printf("line: %.*s\n", length, in->data);
        thrum_buffer_consume(in, (size_t)length + 1);
    }
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_buffer in;

    if (context == NULL)
        return 1;
    thrum_buffer_init(&in, context, 512);
    received(&in, "220 re");
    received(&in, "ady\n250 ok\n221");
    printf("%zu bytes wait for the rest of their line\n", in.size);
    thrum_buffer_fini(&in);
    thrum_context_unref(context);
    return 0;
}
