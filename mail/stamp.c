/* SPDX-License-Identifier: MIT */
/*
 * The date is worked out here, because gmtime shares its result between
 * threads and strftime speaks the language of the locale.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "mail/stamp.h"

enum { DAY = 24 * 60 * 60 };

/* The coarse clock is right to a few milliseconds, costs the least, and only
 * seconds are asked for. */
int64_t thrum__stamp_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec;
}

/* Years are counted from March, so that the day that leap years add is their
 * last: "chrono-Compatible Low-Level Date Algorithms", Howard Hinnant. */
static void stamp_civil(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468; /* since 1 March of the year 0 */
    int64_t era = shifted / 146097;  /* of 400 years */
    int of_era = (int)(shifted - era * 146097);
    int years =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * years + years / 4 - years / 100);
    int from_march = (5 * of_year + 2) / 153;

    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int)(era * 400) + years + (*month <= 2);
}

/* `digits` digits of a number, the last ones. */
static char *stamp_digits(char *to, int number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + digits;
}

void thrum__stamp_date(char to[THRUM__DATE_SIZE], int64_t seconds)
{
    static const char weekdays[] = "Thu, Fri, Sat, Sun, Mon, Tue, Wed, ";
    static const char months[] =
        " Jan  Feb  Mar  Apr  May  Jun  Jul  Aug  Sep  Oct  Nov  Dec ";
    int64_t days = (seconds >= 0 ? seconds : seconds - (DAY - 1)) / DAY;
    int rest = (int)(seconds - days * DAY);
    int year, month, day;

    stamp_civil(days, &year, &month, &day);
    memcpy(to, weekdays + 5 * ((days % 7 + 7) % 7), 5);
    to = stamp_digits(to + 5, day, 2);
    memcpy(to, months + 5 * (month - 1), 5);
    to = stamp_digits(to + 5, year, 4);
    *to = ' ';
    to = stamp_digits(to + 1, rest / 3600, 2);
    *to = ':';
    to = stamp_digits(to + 1, rest / 60 % 60, 2);
    *to = ':';
    to = stamp_digits(to + 1, rest % 60, 2);
    memcpy(to, " +0000", 6);
}

int thrum__stamp_random(char to[THRUM__RANDOM_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[THRUM__RANDOM_SIZE / 2];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return errno != 0 ? errno : EIO;
    for (size_t i = 0; i < sizeof bytes; i++) {
        to[2 * i] = digits[bytes[i] >> 4];
        to[2 * i + 1] = digits[bytes[i] & 15];
    }
    return 0;
}
