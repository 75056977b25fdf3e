/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target takes any bytes and stops the program when something that must
 * always hold does not. The same file is linked twice: with libFuzzer by
 * `make fuzz`, and with driver.c by `make check`.
 */
#ifndef THRUM_TESTS_FUZZ_H
#define THRUM_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <thrum/context.h>

/* The target: 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the program with the place when `holds` is false. */
#define fuzz_assert(holds) fuzz_assert_at((holds), #holds, __FILE__, __LINE__)
void fuzz_assert_at(bool holds, const char *what, const char *file, int line);

/* A context of which the nth allocation fails; 0: none. */
thrum_context *fuzz_context(unsigned fail_at);

/* Ends it; every block must have been given back. */
void fuzz_context_end(thrum_context *context);

/* Input that is taken apart from the front. */
typedef struct fuzz_input {
    const uint8_t *data;
    size_t size;
} fuzz_input;

/* The next byte, 0 at the end. */
unsigned fuzz_byte(fuzz_input *input);

/* What stands before the next 0xFF or the end, as a NUL-terminated copy of
 * malloc's, its length in *size (which may be NULL). Ownership: new. */
char *fuzz_string(fuzz_input *input, size_t *size);

#endif
