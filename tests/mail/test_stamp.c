/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mail/stamp.h"
#include "tests/support/support.h"

enum { DAY = 86400 };

static const struct {
    int64_t seconds;
    const char *date;
} date_cases[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 +0000"},
    {1, "Thu, 01 Jan 1970 00:00:01 +0000"},
    {59, "Thu, 01 Jan 1970 00:00:59 +0000"},
    {DAY - 1, "Thu, 01 Jan 1970 23:59:59 +0000"},
    {DAY, "Fri, 02 Jan 1970 00:00:00 +0000"},
    {-1, "Wed, 31 Dec 1969 23:59:59 +0000"},
    {-DAY, "Wed, 31 Dec 1969 00:00:00 +0000"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 +0000"},
    {951868800, "Wed, 01 Mar 2000 00:00:00 +0000"},
    {1000000000, "Sun, 09 Sep 2001 01:46:40 +0000"},
    {1234567890, "Fri, 13 Feb 2009 23:31:30 +0000"},
    {2147483647, "Tue, 19 Jan 2038 03:14:07 +0000"},
    {2147483648, "Tue, 19 Jan 2038 03:14:08 +0000"},
    {4102444800, "Fri, 01 Jan 2100 00:00:00 +0000"},
    {253402300799, "Fri, 31 Dec 9999 23:59:59 +0000"},
};

START_TEST(a_date_is_what_rfc_5322_says)
{
    char date[THRUM__DATE_SIZE + 1] = "";

    thrum__stamp_date(date, date_cases[_i].seconds);
    ck_assert_str_eq(date, date_cases[_i].date);
}
END_TEST

static int days_of(int month, int year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month] + (month == 1 && leap);
}

/* The calendar walked day by day; 1970 began on a Thursday. */
START_TEST(every_day_of_six_centuries_has_its_date)
{
    static const char *const names[] = {"Thu", "Fri", "Sat", "Sun",
                                        "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    int64_t day = 0;

    for (int year = 1970; year < 2570; year++)
        for (int month = 0; month < 12; month++)
            for (int i = 1; i <= days_of(month, year); i++, day++) {
                char date[THRUM__DATE_SIZE + 1] = "", expected[40];

                snprintf(expected, sizeof expected,
                         "%s, %02d %s %d 12:34:56 +0000", names[day % 7], i,
                         months[month], year);
                thrum__stamp_date(date, day * DAY + 45296);
                ck_assert_str_eq(date, expected);
            }
}
END_TEST

START_TEST(random_bytes_are_hexadecimal_and_never_the_same)
{
    char first[THRUM__RANDOM_SIZE + 1] = "",
                                    second[THRUM__RANDOM_SIZE + 1] = "";

    ck_assert_int_eq(thrum__stamp_random(first), 0);
    ck_assert_int_eq(thrum__stamp_random(second), 0);
    ck_assert_str_ne(first, second);
    ck_assert_uint_eq(strspn(first, "0123456789abcdef"), THRUM__RANDOM_SIZE);
}
END_TEST

int main(void)
{
    TCase *stamp = tcase_create("stamp");

    tcase_add_loop_test(stamp, a_date_is_what_rfc_5322_says, 0,
                        sizeof date_cases / sizeof date_cases[0]);
    tcase_add_test(stamp, every_day_of_six_centuries_has_its_date);
    tcase_add_test(stamp, random_bytes_are_hexadecimal_and_never_the_same);
    return support_main("stamp", &stamp, 1);
}
