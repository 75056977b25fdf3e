/* SPDX-License-Identifier: MIT */
/*
 * The short form of fuzzing, for `make check`: every file of the corpus, and a
 * fixed number of inputs made from them, the same in every run.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { SEEDS = 64, LONGEST = 4096, ROUNDS = 20000 };

typedef struct seed {
    uint8_t data[LONGEST];
    size_t size;
} seed;

static seed seeds[SEEDS];
static size_t seed_count;
static uint64_t state = 0x9E3779B97F4A7C15u;

/* xorshift64*: the same numbers everywhere. */
static size_t driver_below(size_t bound)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (size_t)((state * 0x2545F4914F6CDD1Du) >> 33) % bound;
}

static void driver_load(const char *folder, const char *name)
{
    char *path = NULL;
    FILE *file;

    fuzz_assert(asprintf(&path, "%s/%s", folder, name) > 0);
    file = fopen(path, "rb");
    free(path);
    if (file == NULL)
        return;
    fuzz_assert(seed_count < SEEDS);
    seeds[seed_count].size = fread(seeds[seed_count].data, 1, LONGEST, file);
    seed_count++;
    fclose(file);
}

static int driver_order(const void *left, const void *right)
{
    const seed *a = left, *b = right;

    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->data, b->data, a->size);
}

/* The order in which a folder is read is not the same everywhere; that of the
 * seeds is. */
static void driver_load_all(const char *folder)
{
    DIR *all = opendir(folder);
    struct dirent *entry;

    fuzz_assert(all != NULL);
    while ((entry = readdir(all)) != NULL)
        if (entry->d_name[0] != '.')
            driver_load(folder, entry->d_name);
    closedir(all);
    fuzz_assert(seed_count > 0);
    qsort(seeds, seed_count, sizeof seeds[0], driver_order);
}

static void driver_change_byte(seed *input)
{
    if (input->size > 0)
        input->data[driver_below(input->size)] = (uint8_t)driver_below(256);
}

static void driver_insert(seed *input)
{
    static const char *const words[] = {"\r\n", "\n", "\"", ",", "{{",  "}}",
                                        "@",    ".",  "<",  ">", "250 "};
    const char *word = words[driver_below(sizeof words / sizeof words[0])];
    size_t length = strlen(word), at = driver_below(input->size + 1);

    if (input->size + length > LONGEST)
        return;
    memmove(input->data + at + length, input->data + at, input->size - at);
    memcpy(input->data + at, word, length);
    input->size += length;
}

static void driver_cut(seed *input)
{
    size_t at = driver_below(input->size + 1);
    size_t length = driver_below(input->size - at + 1);

    memmove(input->data + at, input->data + at + length,
            input->size - at - length);
    input->size -= length;
}

/* The front of one and the back of another. */
static void driver_splice(seed *input)
{
    const seed *other = &seeds[driver_below(seed_count)];
    size_t keep = driver_below(input->size + 1);
    size_t from = driver_below(other->size + 1);
    size_t length = other->size - from;

    if (length > LONGEST - keep)
        length = LONGEST - keep;
    memcpy(input->data + keep, other->data + from, length);
    input->size = keep + length;
}

static void driver_run(const seed *input)
{
    /* A copy of just its size, so that reading past it is seen. */
    uint8_t *copy = malloc(input->size + (input->size == 0));

    fuzz_assert(copy != NULL);
    memcpy(copy, input->data, input->size);
    LLVMFuzzerTestOneInput(copy, input->size);
    free(copy);
}

static void driver_round(void)
{
    static void (*const changes[])(seed *) = {driver_change_byte, driver_insert,
                                              driver_cut, driver_splice};
    static seed input;

    input = seeds[driver_below(seed_count)];
    for (size_t i = driver_below(4) + 1; i > 0; i--)
        changes[driver_below(sizeof changes / sizeof changes[0])](&input);
    driver_run(&input);
}

int main(int argc, char **argv)
{
    const char *top = getenv("top_srcdir");
    const char *name = strrchr(argv[0], '/');
    char *folder = NULL;

    /* tests/fuzz/fuzz_NAME reads tests/fuzz/corpus/NAME. */
    name = strstr(name != NULL ? name : argv[0], "fuzz_");
    fuzz_assert(name != NULL);
    fuzz_assert(asprintf(&folder, "%s/tests/fuzz/corpus/%s",
                         top != NULL ? top : ".", name + 5) > 0);
    driver_load_all(argc > 1 ? argv[1] : folder);
    for (size_t i = 0; i < seed_count; i++)
        driver_run(&seeds[i]);
    for (size_t i = 0; i < ROUNDS; i++)
        driver_round();
    free(folder);
    printf("100%%: Checks: 1, Failures: 0, Errors: 0\n");
    return EXIT_SUCCESS;
}
