/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/id.h"
#include "mail/text.h"
#include "tests/support/support.h"

START_TEST(an_id_counts_in_decimal_and_bears_its_senders_domain)
{
    thrum_bytes sender = thrum__text_of("news@example.org");
    char *room = malloc(thrum__id_room(sender)), first[33] = "";
    thrum__id id;

    ck_assert_int_eq(thrum__id_make(&id, room, sender), 0);
    memcpy(first, id.text, 32);
    ck_assert_uint_eq(strspn(id.text + 1, "0123456789abcdef"), 32);
    for (unsigned i = 0; i < 11000; i++) {
        char expected[40];

        snprintf(expected, sizeof expected, ".%u@example.org>", i);
        if (strcmp(id.text + 33, expected) != 0 ||
            memcmp(id.text, first, 32) != 0 || strlen(id.text) != id.size)
            ck_abort_msg("%s after %u", id.text, i);
        snprintf(expected, sizeof expected, "%.*s", (int)(id.end - id.digit),
                 id.text + id.digit);
        if ((unsigned)strtoul(expected, NULL, 10) != i)
            ck_abort_msg("%s is not %u", expected, i);
        thrum__id_next(&id);
    }
    free(room);
}
END_TEST

/* The room is for any number that 64 bits can count. */
START_TEST(an_id_has_room_for_twenty_digits)
{
    thrum_bytes sender = thrum__text_of("a@b");
    char *room = malloc(thrum__id_room(sender));
    thrum__id id;

    ck_assert_int_eq(thrum__id_make(&id, room, sender), 0);
    for (int i = 0; i < 19; i++) {
        memset(id.text + id.digit, '9', id.end - id.digit);
        thrum__id_next(&id);
    }
    ck_assert_str_eq(id.text + 33, ".10000000000000000000@b>");
    ck_assert_uint_eq(id.size + 1, thrum__id_room(sender));
    free(room);
}
END_TEST

START_TEST(an_id_without_a_sender_has_a_domain_still)
{
    thrum_bytes senders[] = {thrum__text_of(""), thrum__text_of("nobody"),
                             thrum__text_of("\"a@b\"@[192.0.2.1]")};
    const char *ends[] = {".0@localhost>", ".0@localhost>", ".0@[192.0.2.1]>"};

    for (size_t i = 0; i < 3; i++) {
        char *room = malloc(thrum__id_room(senders[i]));
        thrum__id id;

        ck_assert_int_eq(thrum__id_make(&id, room, senders[i]), 0);
        ck_assert_str_eq(id.text + 33, ends[i]);
        free(room);
    }
}
END_TEST

int main(void)
{
    TCase *id = tcase_create("id");

    tcase_add_test(id, an_id_counts_in_decimal_and_bears_its_senders_domain);
    tcase_add_test(id, an_id_has_room_for_twenty_digits);
    tcase_add_test(id, an_id_without_a_sender_has_a_domain_still);
    return support_main("id", &id, 1);
}
