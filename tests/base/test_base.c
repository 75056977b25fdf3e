/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/buffer.h>
#include <thrum/version.h>

#include "base/pool.h"
#include "tests/support/support.h"

START_TEST(a_buffer_takes_bytes_at_its_end_and_gives_them_from_its_front)
{
    thrum_context *context = support_context();
    thrum_buffer buffer;

    thrum_buffer_init(&buffer, context, 1000);
    ck_assert_int_eq(thrum_buffer_append(&buffer, "hello ", 6), 0);
    ck_assert_int_eq(thrum_buffer_format(&buffer, "%s %d", "world", 42), 0);
    ck_assert_mem_eq(buffer.data, "hello world 42", 14);
    thrum_buffer_append(&buffer, "?!", 2);
    thrum_buffer_trim(&buffer, 2);
    thrum_buffer_consume(&buffer, 6);
    ck_assert_uint_eq(buffer.size, 8);
    ck_assert_mem_eq(buffer.data, "world 42", 8);
    thrum_buffer_fini(&buffer);
    support_context_end(context);
}
END_TEST

START_TEST(a_buffer_refuses_what_passes_its_cap_and_keeps_what_it_has)
{
    thrum_context *context = support_context();
    thrum_buffer buffer;

    thrum_buffer_init(&buffer, context, 10);
    ck_assert_int_eq(thrum_buffer_append(&buffer, "0123456789", 10), 0);
    ck_assert_int_eq(thrum_buffer_append(&buffer, "x", 1), THRUM_E_FULL);
    ck_assert_int_eq(thrum_buffer_format(&buffer, "%d", 1), THRUM_E_FULL);
    ck_assert_ptr_null(thrum_buffer_reserve(&buffer, SIZE_MAX));
    ck_assert_uint_eq(buffer.size, 10);
    thrum_buffer_consume(&buffer, 4);
    ck_assert_int_eq(thrum_buffer_format(&buffer, "%s", "abcd"), 0);
    ck_assert_mem_eq(buffer.data, "456789abcd", 10);
    thrum_buffer_fini(&buffer);
    support_context_end(context);
}
END_TEST

START_TEST(a_buffer_filled_and_drained_at_one_pace_does_not_grow)
{
    thrum_context *context = support_context();
    thrum_buffer buffer;

    thrum_buffer_init(&buffer, context, SIZE_MAX);
    for (int i = 0; i < 10000; i++) {
        ck_assert_int_eq(thrum_buffer_append(&buffer, "0123456789", 10), 0);
        if (i > 3)
            thrum_buffer_consume(&buffer, 10);
    }
    ck_assert_uint_le(buffer.size + buffer.room, 512);
    thrum_buffer_fini(&buffer);
    support_context_end(context);
}
END_TEST

static void scenario_buffer(void)
{
    thrum_context *context = support_context();
    thrum_buffer buffer;

    if (context == NULL)
        return;
    thrum_buffer_init(&buffer, context, SIZE_MAX);
    for (int i = 0; i < 100; i++) {
        size_t before = buffer.size;

        if (thrum_buffer_format(&buffer, "line %d, ", i) != 0)
            ck_assert_uint_eq(buffer.size, before);
    }
    thrum_buffer_fini(&buffer);
    support_context_end(context);
}

START_TEST(a_buffer_survives_every_failing_allocation)
{
    support_every_allocation(scenario_buffer);
}
END_TEST

START_TEST(a_failure_bears_domain_code_text_cause_and_detail)
{
    thrum_context *context = support_context();
    thrum_failure *cause =
        thrum_failure_new(context, &thrum_domain_system, 2, NULL);
    thrum_failure *failure = thrum_failure_new(
        context, &thrum_domain_base, THRUM_E_FULL, "%s is full", "the cup");

    thrum_failure_because(failure, cause);
    thrum_failure_explain(failure, strdup("detail"), free);
    ck_assert_str_eq(thrum_failure_text(failure), "the cup is full");
    ck_assert(thrum_failure_is(failure, &thrum_domain_base, THRUM_E_FULL));
    ck_assert(!thrum_failure_is(NULL, &thrum_domain_base, THRUM_E_FULL));
    ck_assert_str_eq(thrum_failure_text(thrum_failure_cause(failure)),
                     "No such file or directory");
    ck_assert_str_eq(thrum_failure_detail(failure, &thrum_domain_base),
                     "detail");
    ck_assert_ptr_null(thrum_failure_detail(failure, &thrum_domain_system));
    support_context_end(context);
    thrum_failure_unref(failure); /* outlives its context */
}
END_TEST

START_TEST(a_detail_in_the_failures_own_memory_outlives_the_context)
{
    thrum_context *context = support_context();
    thrum_failure *failure =
        thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, NULL);
    char *room = thrum_failure_explain_room(failure, 7);

    memcpy(room, "detail", 7);
    ck_assert_ptr_null(thrum_failure_explain_room(failure, 7));
    ck_assert_ptr_null(
        thrum_failure_explain_room(thrum_failure_no_memory(), 1));
    support_context_end(context);
    ck_assert_str_eq(thrum_failure_detail(failure, &thrum_domain_base),
                     "detail");
    thrum_failure_unref(failure);
}
END_TEST

START_TEST(a_failure_without_memory_is_the_static_one)
{
    thrum_context *context = support_context();
    thrum_failure *failure;

    support_fail_at(1);
    failure =
        thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, NULL);
    ck_assert(thrum_failure_is(failure, &thrum_domain_base, THRUM_E_NOMEM));
    thrum_failure_because(failure, thrum_failure_no_memory());
    thrum_failure_explain(failure, strdup("released at once"), free);
    ck_assert_ptr_null(thrum_failure_cause(failure));
    for (int i = 0; i < 3; i++)
        thrum_failure_unref(failure);
    support_context_end(context);
}
END_TEST

START_TEST(a_long_chain_of_causes_is_freed_by_a_loop)
{
    thrum_context *context = support_context();
    thrum_failure *failure = NULL;

    for (int i = 0; i < 1000000; i++) {
        thrum_failure *next =
            thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, NULL);

        failure = failure == NULL ? next : thrum_failure_because(next, failure);
    }
    thrum_failure_unref(failure);
    support_context_end(context);
}
END_TEST

START_TEST(a_context_counts_its_blocks)
{
    thrum_context *context = support_context();
    char *copy = thrum_context_copy(context, "abcdef", 3);
    void *empty = thrum_context_allocate(context, 0);

    ck_assert_str_eq(copy, "abc");
    ck_assert_ptr_nonnull(empty);
    ck_assert_uint_eq(thrum_context_blocks(context), 2);
    thrum_context_release(context, copy);
    thrum_context_release(context, empty);
    thrum_context_release(context, NULL);
    support_context_end(context);
}
END_TEST

/* malloc's own blocks, not the counting ones of the tests. */
START_TEST(a_block_that_was_given_back_serves_whoever_asks_next)
{
    thrum_context *context = thrum_context_new(NULL);
    char *blocks[100];

    for (size_t size = 0; size < 600; size++) {
        for (int i = 0; i < 100; i++) {
            blocks[i] = thrum_context_allocate(context, size);
            memset(blocks[i], i, size);
        }
        for (int i = 0; i < 100; i++) {
            if (size > 0)
                ck_assert_int_eq(blocks[i][size - 1], i);
            thrum_context_release(context, blocks[i]);
        }
    }
    ck_assert_uint_eq(thrum_context_blocks(context), 0);
    thrum_context_unref(context);
}
END_TEST

START_TEST(a_block_given_back_grows_like_any_other)
{
    thrum_context *context = thrum_context_new(NULL);
    char *block = thrum_context_allocate(context, 100);

    thrum_context_release(context, block);
    block = thrum_context_copy(context, "abcdef", 6);
    block = thrum_context_resize(context, block, 5000);
    ck_assert_str_eq(block, "abcdef");
    thrum_context_release(context, block);
    thrum_context_unref(context);
}
END_TEST

START_TEST(a_block_keeps_its_bytes_through_every_change_of_size)
{
    static const size_t sizes[] = {0,   1,   16,  17,   500, 496,  497,
                                   600, 512, 513, 9000, 40,  5000, 7};
    thrum_context *context = thrum_context_new(NULL);
    char *block = NULL;
    size_t kept = 0;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        block = thrum_context_resize(context, block, sizes[i]);
        ck_assert_uint_eq((uintptr_t)block % 16, 0);
        for (size_t at = 0; at < kept && at < sizes[i]; at++)
            ck_assert_int_eq(block[at], (char)at);
        for (size_t at = 0; at < sizes[i]; at++)
            block[at] = (char)at;
        kept = sizes[i];
    }
    ck_assert_uint_eq(thrum_context_blocks(context), 1);
    thrum_context_release(context, block);
    thrum_context_unref(context);
}
END_TEST

START_TEST(a_size_past_all_memory_is_refused_and_the_block_stays)
{
    thrum_context *context = thrum_context_new(NULL);
    char *small = thrum_context_copy(context, "small", 5);
    char *large = thrum_context_allocate(context, 1000);
    volatile size_t most = SIZE_MAX; /* compilers know better than to try */

    memcpy(large, "large", 6);
    for (size_t less = 0; less < 40; less++) {
        ck_assert_ptr_null(thrum_context_allocate(context, most - less));
        ck_assert_ptr_null(thrum_context_resize(context, small, most - less));
        ck_assert_ptr_null(thrum_context_resize(context, large, most - less));
    }
    ck_assert_str_eq(small, "small");
    ck_assert_str_eq(large, "large");
    thrum_context_release(context, small);
    thrum_context_release(context, large);
    thrum_context_unref(context);
}
END_TEST

static void on_log(thrum_log_level level, const char *line, void *ctx)
{
    ck_assert_int_eq(level, THRUM_LOG_WARNING);
    *(size_t *)ctx += strlen(line);
}

START_TEST(a_line_to_the_log_is_cut_at_its_cap)
{
    size_t logged = 0;
    thrum_context_config config = {.log = on_log, .ctx = &logged};
    thrum_context *context = thrum_context_new(&config);

    thrum_context_log(context, THRUM_LOG_WARNING, "%05000d", 1);
    ck_assert_uint_eq(logged, 999);
    thrum_context_unref(context);
    context = thrum_context_new(NULL);
    thrum_context_log(context, THRUM_LOG_WARNING, "to nobody");
    thrum_context_unref(context);
}
END_TEST

START_TEST(the_version_has_three_numbers)
{
    int major, minor, patch;

    ck_assert_int_eq(
        sscanf(thrum_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("buffer"), tcase_create("failure"),
                      tcase_create("context")};

    tcase_add_test(
        cases[0],
        a_buffer_takes_bytes_at_its_end_and_gives_them_from_its_front);
    tcase_add_test(cases[0],
                   a_buffer_refuses_what_passes_its_cap_and_keeps_what_it_has);
    tcase_add_test(cases[0],
                   a_buffer_filled_and_drained_at_one_pace_does_not_grow);
    tcase_add_test(cases[0], a_buffer_survives_every_failing_allocation);
    tcase_add_test(cases[1], a_failure_bears_domain_code_text_cause_and_detail);
    tcase_add_test(cases[1],
                   a_detail_in_the_failures_own_memory_outlives_the_context);
    tcase_add_test(cases[1], a_failure_without_memory_is_the_static_one);
    tcase_add_test(cases[1], a_long_chain_of_causes_is_freed_by_a_loop);
    tcase_add_test(cases[2], a_context_counts_its_blocks);
    tcase_add_test(cases[2],
                   a_block_that_was_given_back_serves_whoever_asks_next);
    tcase_add_test(cases[2], a_block_given_back_grows_like_any_other);
    tcase_add_test(cases[2],
                   a_block_keeps_its_bytes_through_every_change_of_size);
    if (THRUM__POOL_ON) /* AddressSanitizer would rather end the program */
        tcase_add_test(cases[2],
                       a_size_past_all_memory_is_refused_and_the_block_stays);
    tcase_add_test(cases[2], a_line_to_the_log_is_cut_at_its_cap);
    tcase_add_test(cases[2], the_version_has_three_numbers);
    return support_main("base", cases, 3);
}
