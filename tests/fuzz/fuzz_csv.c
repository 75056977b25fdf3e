/* SPDX-License-Identifier: MIT */
/*
 * A byte says in what pieces the rest, a CSV file, arrives. Read whole and in
 * pieces it is the same rows, and wrong at the same place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/csv.h"
#include "tests/fuzz/fuzz.h"

/* What was read, as one number that differs when anything does. */
typedef struct reading {
    uint64_t hash;
    uint64_t rows;
} reading;

static void reading_add(reading *self, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        self->hash = (self->hash ^ bytes[i]) * 0x100000001B3u;
    self->hash = (self->hash ^ size) * 0x100000001B3u;
}

static void reading_row(reading *self, const cli_csv *csv)
{
    fuzz_assert(csv->count > 0 && csv->count <= CLI_CSV_COLUMNS_MOST);
    self->rows++;
    reading_add(self, &csv->row_line, sizeof csv->row_line);
    for (size_t i = 0; i < csv->count; i++)
        reading_add(self, csv->fields[i].data, csv->fields[i].size);
}

static void reading_wrong(reading *self, const cli_csv *csv)
{
    reading_add(self, csv->wrong, strlen(csv->wrong));
    reading_add(self, &csv->wrong_line, sizeof csv->wrong_line);
    reading_add(self, &csv->wrong_column, sizeof csv->wrong_column);
}

/* Reads a copy of `data`, of which `step` bytes more come each time. */
static reading csv_read(const uint8_t *data, size_t size, size_t step)
{
    static cli_csv csv;
    reading self = {0, 0};
    char *copy = malloc(size + 1);
    size_t begin = 0, end = size < step ? size : step;
    cli_csv_answer answer;

    fuzz_assert(copy != NULL);
    memcpy(copy, data, size);
    cli_csv_init(&csv);
    do {
        answer = cli_csv_next(&csv, copy + begin, end - begin, end == size);
        fuzz_assert(csv.used <= end - begin);
        if (answer == CLI_CSV_ROW)
            reading_row(&self, &csv);
        fuzz_assert(answer != CLI_CSV_MORE || end < size);
        begin += csv.used;
        if (answer == CLI_CSV_MORE)
            end = size - end < step ? size : end + step;
    } while (answer == CLI_CSV_ROW || answer == CLI_CSV_MORE);
    if (answer == CLI_CSV_WRONG)
        reading_wrong(&self, &csv);
    free(copy);
    return self;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    size_t step = fuzz_byte(&input) % 32 + 1;
    reading whole = csv_read(input.data, input.size, input.size + 1);
    reading pieces = csv_read(input.data, input.size, step);

    fuzz_assert(whole.rows == pieces.rows);
    fuzz_assert(whole.hash == pieces.hash);
    return 0;
}
