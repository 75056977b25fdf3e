/* SPDX-License-Identifier: MIT */
/*
 * Only the beginning of a line whose end has not come is kept, and that
 * together with the CR that may turn out to belong to the end: so it may be one
 * byte longer than the cap. What is too long is known as soon as it is there,
 * whatever the pieces; nobody can have more than the cap kept.
 */
#include <string.h>

#include <thrum/buffer.h>
#include <thrum/lines.h>

#include "base/base.h"

struct thrum_lines {
    thrum_context *context;
    thrum_buffer kept;
    size_t cap;
    bool told; /* what is kept is the line that was told last */
    bool over; /* a line was too long */
};

thrum_lines *thrum_lines_new(thrum_context *context, size_t cap)
{
    thrum_lines *lines = thrum_context_allocate(context, sizeof *lines);

    if (lines == NULL)
        return NULL;
    *lines = (thrum_lines){.context = thrum_context_ref(context), .cap = cap};
    thrum_buffer_init(&lines->kept, context, cap < SIZE_MAX ? cap + 1 : cap);
    return lines;
}

/* Whether `size` more bytes, not empty, may stand behind what is kept. */
static bool lines_allow(const thrum_lines *lines, const char *data, size_t size)
{
    size_t kept = lines->kept.size;
    size_t more = data[size - 1] == '\r'; /* it may belong to the end */

    return kept <= lines->cap + more && size <= lines->cap + more - kept;
}

static thrum_bytes lines_without_return(const char *data, size_t size)
{
    thrum_bytes line = {data, size};

    if (size > 0 && data[size - 1] == '\r')
        line.size--;
    return line;
}

int thrum_lines_next(thrum_lines *lines, const char **data, size_t *size,
                     thrum_bytes *line)
{
    const char *from = *data, *end;
    size_t length, used;
    int error;

    if (lines->told)
        thrum_buffer_clear(&lines->kept);
    lines->told = false;
    if (lines->over)
        return THRUM_E_FULL;
    if (*size == 0)
        return 0;
    end = memchr(from, '\n', *size);
    length = end != NULL ? (size_t)(end - from) : *size;
    used = length + (end != NULL);
    if (length > 0 && !lines_allow(lines, from, length)) {
        lines->over = true;
        return THRUM_E_FULL;
    }
    if (end == NULL || lines->kept.size > 0) {
        error = thrum_buffer_append(&lines->kept, from, length);
        if (error != 0)
            return error;
        from = lines->kept.data;
        length = lines->kept.size;
        lines->told = end != NULL;
    }
    *data += used;
    *size -= used;
    if (end != NULL)
        *line = lines_without_return(from, length);
    return end != NULL;
}

size_t thrum_lines_kept(const thrum_lines *lines)
{
    return lines->told ? 0 : lines->kept.size;
}

void thrum_lines_free(void *what)
{
    thrum_lines *lines = what;
    thrum_context *context;

    if (lines == NULL)
        return;
    context = lines->context;
    thrum_buffer_fini(&lines->kept);
    thrum_context_release(context, lines);
    thrum_context_unref(context);
}
