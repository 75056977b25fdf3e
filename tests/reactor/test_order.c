/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "reactor/order.h"
#include "tests/support/support.h"

/* ---- Hosts ---- */

/* Chance as a list of numbers; then 0. */
typedef struct fate {
    const uint32_t *numbers;
    size_t left;
} fate;

static uint32_t draw(uint32_t most, void *ctx)
{
    fate *self = ctx;
    uint32_t number = 0;

    if (self->left > 0) {
        number = *self->numbers++;
        self->left--;
    }
    return number > most ? most : number;
}

static void write_hosts(const thrum_record *records, size_t count, char *text)
{
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), 80 - strlen(text), "%s", records[i].text);
}

START_TEST(hosts_stand_in_the_order_of_their_priorities)
{
    thrum_record records[] = {{"d", 1, 400, 0, 0},
                              {"a", 1, 0, 0, 0},
                              {"e", 1, 65535, 0, 0},
                              {"c", 1, 30, 0, 0},
                              {"b", 1, 7, 0, 0}};
    char text[80];

    for (int i = 0; i < 100; i++) {
        thrum__order_hosts(records, 5, THRUM_RECORD_MX, thrum__chance, NULL);
        write_hosts(records, 5, text);
        ck_assert_str_eq(text, "abcde");
    }
}
END_TEST

START_TEST(among_equals_each_comes_first_at_times)
{
    unsigned first[4] = {0};

    for (int i = 0; i < 400; i++) {
        thrum_record records[] = {{"0", 1, 5, 0, 0},
                                  {"1", 1, 5, 0, 0},
                                  {"2", 1, 5, 0, 0},
                                  {"3", 1, 5, 0, 0},
                                  {"9", 1, 6, 0, 0}};

        thrum__order_hosts(records, 5, THRUM_RECORD_MX, thrum__chance, NULL);
        ck_assert_str_eq(records[4].text, "9");
        first[records[0].text[0] - '0']++;
    }
    for (int i = 0; i < 4; i++)
        ck_assert_uint_gt(first[i], 0);
}
END_TEST

/* The first two numbers of each shuffle the three; 2 and 1 leave them. */
static const struct {
    uint32_t numbers[5];
    const char *order;
} weights[] = {
    {{2, 1, 0, 0}, "zab"}, /* at 0 the one without weight */
    {{2, 1, 1, 0}, "azb"}, /* 1..10: a */
    {{2, 1, 10, 1}, "abz"},  {{2, 1, 11, 0}, "bza"}, /* 11..30: b */
    {{2, 1, 30, 10}, "baz"},
};

START_TEST(services_are_drawn_by_their_weights)
{
    thrum_record records[] = {
        {"z", 1, 1, 0, 0}, {"a", 1, 1, 10, 0}, {"b", 1, 1, 20, 0}};
    fate chance = {weights[_i].numbers, 5};
    char text[80];

    thrum__order_hosts(records, 3, THRUM_RECORD_SRV, draw, &chance);
    write_hosts(records, 3, text);
    ck_assert_str_eq(text, weights[_i].order);
}
END_TEST

START_TEST(weights_share_out_the_first_place)
{
    unsigned heavy = 0;

    for (int i = 0; i < 2000; i++) {
        thrum_record records[] = {{"light", 5, 1, 10, 0},
                                  {"heavy", 5, 1, 90, 0}};

        thrum__order_hosts(records, 2, THRUM_RECORD_SRV, thrum__chance, NULL);
        heavy += records[0].weight == 90;
    }
    /* 1,800 are to be expected, and 13 is one standard deviation. */
    ck_assert_uint_gt(heavy, 1650);
    ck_assert_uint_lt(heavy, 1950);
}
END_TEST

START_TEST(the_largest_weights_do_not_overflow)
{
    static thrum_record records[512];
    uint32_t most = UINT32_MAX;
    fate chance = {&most, 0};

    for (size_t i = 0; i < 512; i++)
        records[i] = (thrum_record){"x", 1, 1, 65535, 0};
    thrum__order_hosts(records, 512, THRUM_RECORD_SRV, draw, &chance);
    thrum__order_hosts(records, 0, THRUM_RECORD_SRV, draw, &chance);
    thrum__order_hosts(records, 1, THRUM_RECORD_SRV, draw, &chance);
    ck_assert_str_eq(records[511].text, "x");
}
END_TEST

/* ---- Addresses ---- */

typedef struct way {
    const char *address;
    const char *source; /* NULL: unusable */
} way;

/* RFC 6724, section 10.2, and what its rules are for. The best stands first. */
static const struct {
    const char *rule;
    way ways[3];
} sorted[] = {
    {"1: usable", {{"192.0.2.1", "192.0.2.9"}, {"2001:db8::1", NULL}}},
    {"1: usable", {{"2001:db8::1", "2001:db8::9"}, {"192.0.2.1", NULL}}},
    {"2: scope", {{"192.0.2.1", "192.0.2.9"}, {"2001:db8::1", "fe80::9"}}},
    {"2: scope",
     {{"2001:db8::1", "2001:db8::9"}, {"198.51.100.1", "169.254.9.9"}}},
    {"5: label", {{"192.0.2.1", "192.0.2.9"}, {"2002::1", "2001:db8::9"}}},
    {"6: precedence",
     {{"2001:db8::1", "2001:db8::9"}, {"192.0.2.1", "192.0.2.9"}}},
    {"6: precedence", {{"::1", "::1"}, {"127.0.0.1", "127.0.0.1"}}},
    {"6: precedence", {{"192.0.2.1", "192.0.2.9"}, {"fd00::1", "fd00::9"}}},
    {"6: precedence", {{"2001:db8::1", "2001:db8::9"}, {"2002::1", "2002::9"}}},
    {"6: precedence", {{"192.0.2.1", "192.0.2.9"}, {"2001::1", "2001::9"}}},
    {"8: smaller scope",
     {{"fe80::1", "fe80::9"}, {"2001:db8::1", "2001:db8::9"}}},
    {"9: prefix",
     {{"2001:db8:1::1", "2001:db8:1::9"},
      {"2001:db8:3ff::1", "2001:db8:1::9"}}},
    {"10: as they came",
     {{"192.0.2.200", "10.0.0.1"}, {"10.0.0.2", "10.0.0.1"}}},
    {"three",
     {{"2001:db8::1", "2001:db8::9"},
      {"192.0.2.1", "192.0.2.9"},
      {"2001:db8::2", NULL}}},
};

static void read_way(thrum__route *route, const way *from)
{
    memset(route, 0, sizeof *route);
    ck_assert_int_eq(thrum__address_read(&route->address, from->address, 0), 0);
    route->usable = from->source != NULL;
    if (route->usable)
        ck_assert_int_eq(thrum__address_read(&route->source, from->source, 0),
                         0);
}

START_TEST(addresses_are_sorted_by_rule)
{
    size_t count = sorted[_i].ways[2].address == NULL ? 2 : 3;
    bool stays = strncmp(sorted[_i].rule, "10", 2) == 0;
    thrum__route routes[3], expected[3];

    for (size_t shift = 0; shift < (stays ? 1 : count); shift++) {
        for (size_t i = 0; i < count; i++) {
            read_way(&expected[i], &sorted[_i].ways[i]);
            read_way(&routes[(i + shift) % count], &sorted[_i].ways[i]);
        }
        thrum__order_routes(routes, count);
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(memcmp(&routes[i].address, &expected[i].address,
                                 sizeof routes[i].address) == 0,
                          "rule %s, shifted by %zu, place %zu", sorted[_i].rule,
                          shift, i);
    }
}
END_TEST

START_TEST(the_system_knows_the_way_to_itself)
{
    thrum__route route;

    read_way(&route, &(way){"127.0.0.1", NULL});
    route.address.v4.sin_port = 0;
    thrum__route_find(&route);
    ck_assert(route.usable);
    ck_assert_uint_eq(route.source.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}
END_TEST

int main(void)
{
    TCase *hosts = tcase_create("hosts");
    TCase *addresses = tcase_create("addresses");
    TCase *const all[] = {hosts, addresses};

    tcase_add_test(hosts, hosts_stand_in_the_order_of_their_priorities);
    tcase_add_test(hosts, among_equals_each_comes_first_at_times);
    tcase_add_loop_test(hosts, services_are_drawn_by_their_weights, 0,
                        sizeof weights / sizeof *weights);
    tcase_add_test(hosts, weights_share_out_the_first_place);
    tcase_add_test(hosts, the_largest_weights_do_not_overflow);
    tcase_add_loop_test(addresses, addresses_are_sorted_by_rule, 0,
                        sizeof sorted / sizeof *sorted);
    tcase_add_test(addresses, the_system_knows_the_way_to_itself);
    return support_main("order", all, sizeof all / sizeof *all);
}
