/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned countdown;

static bool fuzz_is_to_fail(void)
{
    return countdown != 0 && --countdown == 0;
}

static void *fuzz_allocate(size_t size, void *state)
{
    (void)state;
    return fuzz_is_to_fail() ? NULL : malloc(size);
}

static void *fuzz_resize(void *block, size_t size, void *state)
{
    (void)state;
    return fuzz_is_to_fail() ? NULL : realloc(block, size);
}

static void fuzz_release(void *block, void *state)
{
    (void)state;
    free(block);
}

void fuzz_assert_at(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

thrum_context *fuzz_context(unsigned fail_at)
{
    static const thrum_allocator allocator = {fuzz_allocate, fuzz_resize,
                                              fuzz_release, NULL};
    thrum_context_config config = {.allocator = &allocator};
    thrum_context *context;

    countdown = 0;
    context = thrum_context_new(&config);
    fuzz_assert(context != NULL);
    countdown = fail_at;
    return context;
}

void fuzz_context_end(thrum_context *context)
{
    countdown = 0;
    fuzz_assert(thrum_context_blocks(context) == 0);
    thrum_context_unref(context);
}

unsigned fuzz_byte(fuzz_input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

char *fuzz_string(fuzz_input *input, size_t *size)
{
    const uint8_t *end =
        input->size == 0 ? NULL : memchr(input->data, 0xFF, input->size);
    size_t length = end == NULL ? input->size : (size_t)(end - input->data);
    char *copy = malloc(length + 1);

    fuzz_assert(copy != NULL);
    if (length > 0)
        memcpy(copy, input->data, length);
    copy[length] = '\0';
    if (size != NULL)
        *size = length;
    input->data += length + (end != NULL);
    input->size -= length + (end != NULL);
    return copy;
}
