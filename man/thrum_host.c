/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

int main(void)
{
    static const char *const names[] = {
        "Bücher.example", "BÜCHER。example", "two..dots.example"};
    char ascii[THRUM_HOST_ROOM];
    const char *wrong;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (thrum_host_to_ascii(ascii, names[i], &wrong) == 0)
            printf("%s is %s\n", names[i], ascii);
        else
            printf("%s: %s\n", names[i], wrong);
    return 0;
}
