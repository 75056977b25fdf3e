/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reactor/endpoint.h"
#include "tests/support/support.h"

#define TCP THRUM__ENDPOINT_TCP
#define TLS THRUM__ENDPOINT_TLS

/* 107 octets: as long as a path may be; with a 7 it is one too long. */
#define TEN "0123456789"
#define PATH_TAIL TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345"

static const struct {
    const char *text;
    thrum__endpoint_kind kind;
    const char *host;
    unsigned port;
    const char *path;
} good[] = {
    {"tcp:mail.example:25", TCP, "mail.example", 25, NULL},
    {"tls:mail.example:993", TLS, "mail.example", 993, NULL},
    {"tcp:192.0.2.1:1", TCP, "192.0.2.1", 1, NULL},
    {"tcp:0.0.0.0:0", TCP, "0.0.0.0", 0, NULL},
    {"tcp:h:65535", TCP, "h", 65535, NULL},
    {"tcp:h:00025", TCP, "h", 25, NULL},
    {"tcp:Under_Score.example.:25", TCP, "Under_Score.example.", 25, NULL},
    {"tcp:b\xc3\xbc"
     "cher.example:25",
     TCP,
     "b\xc3\xbc"
     "cher.example",
     25, NULL},
    {"tcp:[::1]:25", TCP, "::1", 25, NULL},
    {"tls:[::]:0", TLS, "::", 0, NULL},
    {"tcp:[2001:db8::1]:25", TCP, "2001:db8::1", 25, NULL},
    {"tcp:[::ffff:192.0.2.1]:25", TCP, "::ffff:192.0.2.1", 25, NULL},
    {"tcp:[fe80::1%eth0]:25", TCP, "fe80::1%eth0", 25, NULL},
    {"unix:/run/it", THRUM__ENDPOINT_UNIX, "", 0, "/run/it"},
    {"unix:/a b:c@d", THRUM__ENDPOINT_UNIX, "", 0, "/a b:c@d"},
    {"unix:@name", THRUM__ENDPOINT_UNIX, "", 0, "@name"},
    {"unix:/" PATH_TAIL, THRUM__ENDPOINT_UNIX, "", 0, "/" PATH_TAIL},
    {"unix:@" PATH_TAIL, THRUM__ENDPOINT_UNIX, "", 0, "@" PATH_TAIL},
};

START_TEST(an_endpoint_is_read)
{
    thrum__endpoint endpoint;
    size_t at;

    ck_assert_ptr_null(thrum__endpoint_read(&endpoint, good[_i].text, &at));
    ck_assert_int_eq(endpoint.kind, good[_i].kind);
    ck_assert_str_eq(endpoint.host, good[_i].host);
    ck_assert_uint_eq(endpoint.port, good[_i].port);
    if (good[_i].path == NULL) {
        ck_assert_ptr_null(endpoint.path);
        ck_assert_int_eq(good[_i].text[endpoint.port_at - 1], ':');
        ck_assert_uint_eq(strtoul(good[_i].text + endpoint.port_at, NULL, 10),
                          good[_i].port);
    } else {
        ck_assert_str_eq(endpoint.path, good[_i].path);
    }
}
END_TEST

static const struct {
    const char *text;
    size_t column;
    const char *wrong;
} bad[] = {
    {"", 1, "\"tcp:\", \"tls:\" or"},
    {"tcp", 1, "\"tcp:\", \"tls:\" or"},
    {"TCP:h:25", 1, "\"tcp:\", \"tls:\" or"},
    {" tcp:h:25", 1, "\"tcp:\", \"tls:\" or"},
    {"smtp://h:25", 1, "\"tcp:\", \"tls:\" or"},
    {"mail.example:25", 1, "\"tcp:\", \"tls:\" or"},
    {"tcp:", 5, "a host was expected"},
    {"tcp::25", 5, "a host was expected"},
    {"tcp:h", 6, "\":\" and a port"},
    {"tcp:h:", 7, "a port was expected"},
    {"tcp:h:smtp", 7, "a port was expected"},
    {"tcp:h:-1", 7, "a port was expected"},
    {"tcp:h:+1", 7, "a port was expected"},
    {"tcp:h: 1", 7, "a port was expected"},
    {"tcp:h:25 ", 9, "a port was expected"},
    {"tcp:h:25/", 9, "a port was expected"},
    {"tcp:h:65536", 7, "above 65535"},
    {"tcp:h:99999", 7, "above 65535"},
    {"tcp:h:100000", 7, "above 65535"},
    {"tcp:h:000025", 7, "above 65535"},
    {"tcp:h:18446744073709551641", 7, "above 65535"},
    {"tcp:h h:25", 6, "no host has this"},
    {"tcp://h:25", 5, "no host has this"},
    {"tcp:h/x:25", 6, "no host has this"},
    {"tcp:h\n:25", 6, "no host has this"},
    {"tcp:a%eth0:25", 6, "no host has this"},
    {"tcp:me@h:25", 7, "no host has this"},
    {"tcp:::1:25", 5, "a host was expected"},
    {"tcp:2001:db8::1:25", 13, "IPv6 address stands in brackets"},
    {"tcp:1:2:25", 8, "IPv6 address stands in brackets"},
    {"tcp:h:25:26", 9, "IPv6 address stands in brackets"},
    {"tcp:[::1", 9, "\"]\" was expected"},
    {"tcp:[", 6, "\"]\" was expected"},
    {"tcp:[]:25", 6, "an IPv6 address was expected"},
    {"tcp:[192.0.2.1]:25", 6, "an IPv6 address was expected"},
    {"tcp:[mail.example]:25", 6, "an IPv6 address was expected"},
    {"tcp:[::1%]:25", 10, "an interface was expected"},
    {"tcp:[%eth0]:25", 6, "an IPv6 address was expected"},
    {"tcp:[fe80::1%a b]:25", 15, "no interface has this"},
    {"tcp:[::1]25", 10, "\":\" and a port"},
    {"tcp:[::1]", 10, "\":\" and a port"},
    {"unix:", 6, "a path from"},
    {"unix:relative", 6, "a path from"},
    {"unix:./relative", 6, "a path from"},
    {"unix:/", 7, "a name was expected"},
    {"unix:@", 7, "a name was expected"},
    {"unix:/run/\n", 11, "a control character"},
    {"unix:/7" PATH_TAIL, 6, "too long"},
    {"unix:@7" PATH_TAIL, 6, "too long"},
};

START_TEST(what_is_no_endpoint_is_told_with_its_place)
{
    thrum__endpoint endpoint;
    size_t at;
    const char *wrong = thrum__endpoint_read(&endpoint, bad[_i].text, &at);

    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(at + 1 == bad[_i].column &&
                      strstr(wrong, bad[_i].wrong) != NULL,
                  "%s: column %zu: %s", bad[_i].text, at + 1, wrong);
}
END_TEST

/* Whatever is cut off or put in, the fault stands within the text. */
START_TEST(a_fault_stands_within_the_text)
{
    char text[200];
    thrum__endpoint endpoint;
    size_t at, size = strlen(good[_i].text);

    for (size_t cut = 0; cut <= size; cut++) {
        snprintf(text, sizeof text, "%.*s", (int)cut, good[_i].text);
        if (thrum__endpoint_read(&endpoint, text, &at) != NULL)
            ck_assert_uint_le(at, cut);
        for (int octet = 1; octet < 256; octet++) {
            snprintf(text, sizeof text, "%s", good[_i].text);
            text[cut] = (char)octet;
            text[size] = '\0';
            if (thrum__endpoint_read(&endpoint, text, &at) != NULL)
                ck_assert_uint_le(at, size);
        }
    }
}
END_TEST

START_TEST(a_host_has_a_longest_length)
{
    char text[THRUM__ENDPOINT_HOST + 20];
    thrum__endpoint endpoint;
    size_t at;

    for (int size = THRUM__ENDPOINT_HOST - 2; size < THRUM__ENDPOINT_HOST + 1;
         size++) {
        memset(text, 'a', sizeof text);
        memcpy(text, "tcp:", 4);
        memcpy(text + 4 + size, ":25", 4);
        ck_assert_int_eq(thrum__endpoint_read(&endpoint, text, &at) == NULL,
                         size < THRUM__ENDPOINT_HOST);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *told;
} failures[] = {
    {"tcp:h", "the endpoint tcp:h, column 6: \":\" and a port were expected"},
    {"tcp:me:secret@h:25", "the endpoint, column 16: a second"},
    {"tcp:h\033[2J", "the endpoint, column 6: no host has this in its name"},
    {"unix:@", "the endpoint unix:@, column 7: a name was expected"},
};

START_TEST(a_failure_tells_the_endpoint_when_it_may_be_told)
{
    thrum_context *context = support_context();
    thrum__endpoint endpoint;
    thrum_failure *why =
        thrum__endpoint_parse(context, &endpoint, failures[_i].text);

    ck_assert(thrum_failure_is(why, &thrum_domain_base, THRUM_E_INVALID));
    ck_assert_msg(strncmp(thrum_failure_text(why), failures[_i].told,
                          strlen(failures[_i].told)) == 0,
                  "%s", thrum_failure_text(why));
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

START_TEST(a_long_endpoint_is_cut_in_its_failure)
{
    thrum_context *context = support_context();
    thrum__endpoint endpoint;
    char text[2000];
    thrum_failure *why;

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    why = thrum__endpoint_parse(context, &endpoint, text);
    ck_assert_uint_lt(strlen(thrum_failure_text(why)), 300);
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

static void scenario(void)
{
    thrum_context *context = support_context();
    thrum__endpoint endpoint;

    if (context != NULL)
        thrum_failure_unref(thrum__endpoint_parse(context, &endpoint, "tcp:h"));
    support_context_end(context);
}

START_TEST(a_failure_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

static const struct {
    const char *path;
    size_t octets; /* of sun_path; 0: none */
} paths[] = {
    {"/a", 3},
    {"@a", 2},
    {"", 0},
    {"@", 0},
    {"a", 0},
    {"/", 0},
    {"/run/it", 8},
    {"/" PATH_TAIL, 108},
    {"@" PATH_TAIL, 107},
    {"/7" PATH_TAIL, 0},
    {"@7" PATH_TAIL, 0},
};

START_TEST(a_path_becomes_a_socket_address)
{
    struct sockaddr_un address;
    size_t head = offsetof(struct sockaddr_un, sun_path);
    socklen_t size = thrum__endpoint_unix(&address, paths[_i].path);

    if (paths[_i].octets == 0) {
        ck_assert_uint_eq(size, 0);
        return;
    }
    ck_assert_uint_eq(size, head + paths[_i].octets);
    ck_assert_int_eq(address.sun_family, AF_UNIX);
    ck_assert_int_eq(address.sun_path[0], paths[_i].path[0] == '@' ? 0 : '/');
    ck_assert_int_eq(
        memcmp(address.sun_path + 1, paths[_i].path + 1, paths[_i].octets - 1),
        0);
}
END_TEST

int main(void)
{
    TCase *reads = tcase_create("endpoints");
    TCase *const cases[] = {reads};
    int goods = sizeof good / sizeof *good;

    tcase_add_loop_test(reads, an_endpoint_is_read, 0, goods);
    tcase_add_loop_test(reads, what_is_no_endpoint_is_told_with_its_place, 0,
                        sizeof bad / sizeof *bad);
    tcase_add_loop_test(reads, a_fault_stands_within_the_text, 0, goods);
    tcase_add_test(reads, a_host_has_a_longest_length);
    tcase_add_loop_test(reads, a_failure_tells_the_endpoint_when_it_may_be_told,
                        0, sizeof failures / sizeof *failures);
    tcase_add_test(reads, a_long_endpoint_is_cut_in_its_failure);
    tcase_add_test(reads, a_failure_survives_every_failing_allocation);
    tcase_add_loop_test(reads, a_path_becomes_a_socket_address, 0,
                        sizeof paths / sizeof *paths);
    return support_main("endpoint", cases, sizeof cases / sizeof *cases);
}
