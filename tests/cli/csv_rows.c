/* SPDX-License-Identifier: MIT */
/*
 * Writes the rows of a CSV file from standard input, one JSON array a line, as
 * the list's reader sees them; csv_python_test compares them. The argument is
 * how many bytes it is given at a time.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/csv.h"

enum { ROWS_MOST = 1 << 20 };

static void rows_write(const cli_csv *csv)
{
    json_t *row = json_array();

    for (size_t i = 0; i < csv->count; i++)
        json_array_append_new(
            row, json_stringn(csv->fields[i].data, csv->fields[i].size));
    json_dumpf(row, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(row);
}

int main(int argc, char **argv)
{
    size_t block = argc > 1 ? strtoul(argv[1], NULL, 10) : ROWS_MOST;
    char *data = malloc(ROWS_MOST);
    cli_csv *csv = calloc(1, sizeof *csv);
    size_t begin = 0, end = 0, size = fread(data, 1, ROWS_MOST, stdin);
    cli_csv_answer answer = CLI_CSV_MORE;

    cli_csv_init(csv);
    while (answer == CLI_CSV_ROW || answer == CLI_CSV_MORE) {
        if (answer == CLI_CSV_MORE)
            end = size - end < block ? size : end + block;
        answer = cli_csv_next(csv, data + begin, end - begin, end == size);
        if (answer == CLI_CSV_ROW)
            rows_write(csv);
        begin += csv->used;
    }
    if (answer == CLI_CSV_WRONG)
        fprintf(stderr, "%llu:%zu: %s\n", (unsigned long long)csv->wrong_line,
                csv->wrong_column, csv->wrong);
    free(csv);
    free(data);
    return answer == CLI_CSV_END ? 0 : 1;
}
