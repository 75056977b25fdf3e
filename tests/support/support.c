/* SPDX-License-Identifier: MIT */
#include "tests/support/support.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long blocks;
static atomic_ulong countdown; /* 0: nothing is to fail */
static atomic_bool reached;

static struct {
    unsigned count;
    char text[1024];
    const char *operation;
    int line;
} unhandled;

static bool is_to_fail(void)
{
    if (countdown == 0 || --countdown != 0)
        return false;
    reached = true;
    return true;
}

static void *support_allocate(size_t size, void *state)
{
    void *block = is_to_fail() ? NULL : malloc(size);

    (void)state;
    if (block != NULL)
        blocks++;
    return block;
}

static void *support_resize(void *block, size_t size, void *state)
{
    void *moved;

    (void)state;
    if (is_to_fail())
        return NULL;
    moved = realloc(block, size);
    if (moved != NULL && block == NULL)
        blocks++;
    return moved;
}

static void support_release(void *block, void *state)
{
    (void)state;
    if (block != NULL)
        blocks--;
    free(block);
}

const thrum_allocator *support_allocator(void)
{
    static const thrum_allocator allocator = {support_allocate, support_resize,
                                              support_release, NULL};

    return &allocator;
}

static void support_on_unhandled(const thrum_failure *why,
                                 const char *operation, const char *file,
                                 int line, void *ctx)
{
    (void)file;
    (void)ctx;
    unhandled.count++;
    snprintf(unhandled.text, sizeof unhandled.text, "%s",
             thrum_failure_text(why));
    unhandled.operation = operation;
    unhandled.line = line;
}

thrum_context *support_context(void)
{
    thrum_context_config config = {
        .allocator = support_allocator(),
        .unhandled = support_on_unhandled,
    };

    return thrum_context_new(&config);
}

void support_context_end(thrum_context *context)
{
    if (context == NULL)
        return;
    ck_assert_uint_eq(thrum_context_blocks(context), 0);
    thrum_context_unref(context);
}

void support_fail_at(unsigned long n)
{
    countdown = n;
    reached = false;
}

bool support_failed(void)
{
    return reached;
}

long support_blocks(void)
{
    return blocks;
}

unsigned support_unhandled(void)
{
    unsigned count = unhandled.count;

    unhandled.count = 0;
    return count;
}

const char *support_unhandled_text(void)
{
    return unhandled.text;
}

const char *support_unhandled_operation(void)
{
    return unhandled.operation;
}

int support_unhandled_line(void)
{
    return unhandled.line;
}

void support_every_allocation(void (*scenario)(void))
{
    unsigned long n = 0;

    do {
        long before = blocks;

        support_fail_at(++n);
        scenario();
        ck_assert_msg(blocks == before, "%ld blocks lost, allocation %lu",
                      blocks - before, n);
    } while (support_failed());
    support_fail_at(0);
    ck_assert_uint_gt(n, 1);
}

int support_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

int support_main(const char *name, TCase *const *cases, size_t count)
{
    int descriptors = support_descriptors();
    long before = blocks;
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    for (size_t i = 0; i < count; i++)
        suite_add_tcase(suite, cases[i]);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (failed == 0 && support_descriptors() != descriptors) {
        fprintf(stderr, "%s: descriptors %d, were %d\n", name,
                support_descriptors(), descriptors);
        failed++;
    }
    if (failed == 0 && blocks != before) {
        fprintf(stderr, "%s: %ld blocks are left\n", name, blocks - before);
        failed++;
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
