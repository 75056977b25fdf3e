/* SPDX-License-Identifier: MIT */
/* A byte says which allocation fails, one is the cap, one the length of the
 * pieces; the rest is text. Read whole and in pieces it is the same lines. */
#include <stdlib.h>
#include <string.h>

#include <thrum/lines.h>

#include "tests/fuzz/fuzz.h"

typedef struct reading {
    uint64_t hash;
    int end;
} reading;

static void reading_add(reading *self, thrum_bytes line)
{
    for (size_t i = 0; i < line.size; i++)
        self->hash = (self->hash ^ (unsigned char)line.data[i]) * 0x100000001B3;
    self->hash = (self->hash ^ 256) * 0x100000001B3;
}

/* Without memory nothing was taken, so it is asked again. */
static int next(thrum_lines *lines, const char **data, size_t *size,
                thrum_bytes *line)
{
    int got = thrum_lines_next(lines, data, size, line);

    if (got == THRUM_E_NOMEM)
        got = thrum_lines_next(lines, data, size, line);
    return got;
}

static reading read_in_pieces(thrum_context *context, const char *text,
                              size_t size, size_t cap, size_t piece)
{
    thrum_lines *lines = thrum_lines_new(context, cap);
    reading self = {0, 0};
    thrum_bytes line;

    if (lines == NULL)
        lines = thrum_lines_new(context, cap);
    while (size > 0 && self.end == 0) {
        size_t left = size < piece ? size : piece;
        const char *data = text;

        text += left;
        size -= left;
        while ((self.end = next(lines, &data, &left, &line)) > 0) {
            fuzz_assert(line.size <= cap);
            reading_add(&self, line);
        }
        fuzz_assert(thrum_lines_kept(lines) <= cap + 1);
    }
    thrum_lines_free(lines);
    return self;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    thrum_context *context = fuzz_context(fuzz_byte(&input));
    size_t cap = fuzz_byte(&input), piece = fuzz_byte(&input) + 1u;
    char *copy = malloc(input.size + 1);
    reading whole, pieces;

    fuzz_assert(copy != NULL);
    memcpy(copy, input.data, input.size);
    whole = read_in_pieces(context, copy, input.size, cap, input.size + 1);
    pieces = read_in_pieces(context, copy, input.size, cap, piece);
    fuzz_assert(whole.hash == pieces.hash && whole.end == pieces.end);
    free(copy);
    fuzz_context_end(context);
    return 0;
}
