/* SPDX-License-Identifier: MIT */
#include "tests/reactor/names.h"

#include <stddef.h>

enum { SERVFAIL = 2, REFUSED = 5 };

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

const names_record names_records[] = {
    {.name = "one.test", NAMES_A, "127.0.0.1"},
    {.name = "two.test", NAMES_A, "127.0.0.2"},
    {.name = "two.test", NAMES_A, "127.0.0.1"},
    {.name = "six.test", NAMES_AAAA, "::1"},
    {.name = "both.test", NAMES_A, "127.0.0.1"},
    {.name = "both.test", NAMES_AAAA, "::1"},
    {.name = "six-lost.test", NAMES_A, "127.0.0.1"},
    {.name = "four-lost.test", NAMES_AAAA, "::1"},
    {.name = "late-six.test", NAMES_A, "127.0.0.1"},
    {.name = "late-six.test", NAMES_A, "127.0.0.2"},
    {.name = "late-six.test", NAMES_AAAA, "::1"},
    {.name = "late-four.test", NAMES_A, "127.0.0.1"},
    {.name = "late-four.test", NAMES_AAAA, "::1"},
    {.name = "late-none.test", NAMES_A, "127.0.0.1"},
    {.name = "families.test", NAMES_A, "127.0.0.1"},
    {.name = "families.test", NAMES_A, "127.0.0.2"},
    {.name = "families.test", NAMES_A, "127.0.0.3"},
    {.name = "families.test", NAMES_AAAA, "::1"},
    {.name = "families.test", NAMES_AAAA, "2001:db8::2"},
    {.name = "three.test", NAMES_A, "127.0.0.1"},
    {.name = "three.test", NAMES_A, "127.0.0.2"},
    {.name = "three.test", NAMES_A, "127.0.0.3"},
    {.name = "xn--bcher-kva.test", NAMES_A, "127.0.0.1"},
    {.name = "zero.test", NAMES_A, "127.0.0.1", .ttl = NAMES_TTL_0},
    {.name = "huge.test", NAMES_A, "127.0.0.1", .ttl = 0x7fffffff},
    {.name = "negative.test", NAMES_A, "127.0.0.1", .ttl = 0x80000001},
    {.name = "short.test", NAMES_A, "127.0.0.1", .ttl = 5},
    {.name = "noise.test", NAMES_A, "127.0.0.1"},
    {.name = "broken-data.test", NAMES_A, "127.0.0.1"},
    {.name = "cut.test", NAMES_A, "127.0.0.1"},

    {.name = "alias.test", NAMES_CNAME, "second.test", .ttl = 7},
    {.name = "second.test", NAMES_CNAME, "one.test"},
    {.name = "ring.test", NAMES_CNAME, "rang.test"},
    {.name = "rang.test", NAMES_CNAME, "ring.test"},
    {.name = "self.test", NAMES_CNAME, "self.test"},
    {.name = "dangling.test", NAMES_CNAME, "nowhere.test"},

    {.name = "mail.test", NAMES_A, "127.0.0.1"},
    {.name = "other.test", NAMES_A, "127.0.0.1"},

    {.name = "mx.test", NAMES_MX, "last.test", .priority = 30},
    {.name = "mx.test", NAMES_MX, "first.test", .priority = 10},
    {.name = "mx.test", NAMES_MX, "Second.TEST", .priority = 20},
    {.name = "null.test", NAMES_MX, ""},
    {.name = "null-and-one.test", NAMES_MX, ""},
    {.name = "null-and-one.test", NAMES_MX, "one.test", .priority = 10},
    {.name = "odd.test", NAMES_MX, "a b.test", .priority = 10},
    {.name = "odd-and-one.test", NAMES_MX, "a b.test", .priority = 1},
    {.name = "odd-and-one.test", NAMES_MX, "one.test", .priority = 10},

    {.name = "text.test", NAMES_TXT, "v=spf1 |-all"},
    {.name = "text.test", NAMES_TXT, ""},
    {.name = "long.test",
     NAMES_TXT,
     FIFTY FIFTY FIFTY FIFTY "|" FIFTY FIFTY FIFTY FIFTY
                             "|" FIFTY FIFTY FIFTY FIFTY},

    {.name = "_it._tcp.test", NAMES_SRV, "spare.test", 20, 0, 5223},
    {.name = "_it._tcp.test", NAMES_SRV, "big.test", 10, 60, 5222},
    {.name = "_it._tcp.test", NAMES_SRV, "small.test", 10, 0, 5221},
    {.name = "_off._tcp.test", NAMES_SRV, ""},
    {.name = NULL},
};

const names_special names_specials[] = {
    {"empty.test", 0, 0},
    {"broken.test", SERVFAIL, 0},
    {"refused.test", REFUSED, 0},
    {"silent.test", 0, NAMES_SILENT},
    {"six-lost.test", 0, NAMES_SILENT_V6},
    {"four-lost.test", 0, NAMES_SILENT_V4},
    {"late-six.test", 0, NAMES_HELD_V6},
    {"late-four.test", 0, NAMES_HELD_V4},
    {"late-none.test", 0, NAMES_HELD_V6},
    {"noise.test", 0, NAMES_NOISE},
    {"rubbish.test", 0, NAMES_RUBBISH},
    {"broken-data.test", 0, NAMES_BROKEN_DATA},
    {"cut.test", 0, NAMES_CUT},
    {"many.test", 0, NAMES_MANY},
    {NULL, 0, 0},
};
