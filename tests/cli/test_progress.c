/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "tests/support/support.h"

/* Shows `ended` of 1,000,000 at each second of `seconds` and answers all that
 * was written. */
static char *show(size_t width, const uint64_t *ended, size_t seconds)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cli_progress progress;

    cli_progress_init(&progress, out, width, 0);
    for (size_t i = 0; i < seconds; i++) {
        cli_progress_counts counts = {1000000, ended[i], ended[i] / 100};

        cli_progress_show(&progress, (thrum_ns)(i + 1) * THRUM_S, &counts);
    }
    cli_progress_clear(&progress);
    fclose(out);
    return text;
}

START_TEST(a_terminal_gets_one_line_that_is_rewritten)
{
    static const uint64_t ended[] = {1000, 21000};
    char *text = show(80, ended, 2);

    ck_assert_str_eq(text, "\r1 000 of 1 000 000 sent, 0/s, 10 failed"
                           "\r21 000 of 1 000 000 sent, 20 000/s, 210 failed, "
                           "49 s left"
                           "\r                                               "
                           "          \r");
    free(text);
}
END_TEST

START_TEST(a_longer_line_is_covered_by_a_shorter_one)
{
    static const uint64_t ended[] = {10, 20, 1000000};
    char *text = show(80, ended, 3);

    ck_assert_ptr_nonnull(
        strstr(text, "10/s, 0 failed, 27 h 46 min left\r1 000 000 of"));
    free(text);
}
END_TEST

START_TEST(a_narrow_terminal_gets_no_more_than_it_can_rewrite)
{
    static const uint64_t ended[] = {123456};
    char *text = show(20, ended, 1);

    ck_assert_str_eq(text, "\r123 456 of 1 000 00\r                   \r");
    free(text);
}
END_TEST

START_TEST(without_a_terminal_a_plain_line_comes_every_five_seconds)
{
    static const uint64_t ended[] = {1, 2, 3, 4, 5000, 6, 7, 8, 9, 30000, 11};
    char *text = show(0, ended, 11);

    ck_assert_str_eq(text, "5 000 of 1 000 000 sent, 0/s, 50 failed\n"
                           "30 000 of 1 000 000 sent, 5 000/s, 300 failed, "
                           "3 min 15 s left\n");
    free(text);
}
END_TEST

START_TEST(the_rate_is_that_of_the_last_samples)
{
    uint64_t ended[40];
    char *text;

    for (uint64_t i = 0; i < 40; i++)
        ended[i] = i < 20 ? i * 1000 : 20000 + (i - 20) * 10;
    text = show(80, ended, 40);
    ck_assert_ptr_nonnull(strstr(text, "20 190 of 1 000 000 sent, 10/s"));
    free(text);
}
END_TEST

START_TEST(rows_that_are_checked_have_no_total_yet)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cli_progress progress;
    cli_progress_counts counts = {0, 12345, 0};

    cli_progress_init(&progress, out, 80, 0);
    cli_progress_show(&progress, THRUM_S, &counts);
    fclose(out);
    ck_assert_str_eq(text, "\rchecking: 12 345 rows");
    free(text);
}
END_TEST

START_TEST(without_a_file_nothing_is_shown)
{
    cli_progress progress;
    cli_progress_counts counts = {10, 5, 0};

    cli_progress_init(&progress, NULL, 0, 0);
    cli_progress_show(&progress, 100 * THRUM_S, &counts);
    cli_progress_clear(&progress);
    ck_assert_uint_eq(progress.samples, 0);
}
END_TEST

int main(void)
{
    TCase *progress = tcase_create("progress");

    tcase_add_test(progress, a_terminal_gets_one_line_that_is_rewritten);
    tcase_add_test(progress, a_longer_line_is_covered_by_a_shorter_one);
    tcase_add_test(progress,
                   a_narrow_terminal_gets_no_more_than_it_can_rewrite);
    tcase_add_test(progress,
                   without_a_terminal_a_plain_line_comes_every_five_seconds);
    tcase_add_test(progress, the_rate_is_that_of_the_last_samples);
    tcase_add_test(progress, rows_that_are_checked_have_no_total_yet);
    tcase_add_test(progress, without_a_file_nothing_is_shown);
    return support_main("progress", &progress, 1);
}
