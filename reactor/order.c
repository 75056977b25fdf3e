/* SPDX-License-Identifier: MIT */
#include "reactor/order.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

uint32_t thrum__chance(uint32_t most, void *ctx)
{
    uint64_t drawn;

    (void)ctx;
    if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != sizeof drawn)
        return 0;
    return (uint32_t)(drawn % ((uint64_t)most + 1));
}

/* ---- Hosts ---- */

static void order_swap(thrum_record *records, size_t one, size_t other)
{
    thrum_record kept = records[one];

    records[one] = records[other];
    records[other] = kept;
}

/* By priority; what is alike keeps its order. There are at most 512. */
static void order_by_priority(thrum_record *records, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t at = i;
             at > 0 && records[at - 1].priority > records[at].priority; at--)
            order_swap(records, at - 1, at);
}

static void order_by_chance(thrum_record *records, size_t count,
                            thrum__chance_fn *chance, void *ctx)
{
    for (size_t left = count; left > 1; left--)
        order_swap(records, left - 1, chance((uint32_t)left - 1, ctx));
}

/* Those without a weight stand first, so that they have a chance at all: they
 * are drawn when the number is 0. */
static void order_weightless_first(thrum_record *records, size_t count)
{
    size_t put = 0;

    for (size_t i = 0; i < count; i++)
        if (records[i].weight == 0)
            order_swap(records, i, put++);
}

static void order_by_weight(thrum_record *records, size_t count,
                            thrum__chance_fn *chance, void *ctx)
{
    for (; count > 1; records++, count--) {
        uint32_t sum = 0, drawn;
        size_t at = 0;

        order_weightless_first(records, count);
        for (size_t i = 0; i < count; i++)
            sum += records[i].weight;
        drawn = chance(sum, ctx);
        for (sum = records[0].weight; sum < drawn; sum += records[at].weight)
            at++;
        order_swap(records, 0, at);
    }
}

void thrum__order_hosts(thrum_record *records, size_t count,
                        thrum_record_type type, thrum__chance_fn *chance,
                        void *ctx)
{
    size_t end;

    order_by_priority(records, count);
    for (size_t start = 0; start < count; start = end) {
        for (end = start + 1; end < count; end++)
            if (records[end].priority != records[start].priority)
                break;
        order_by_chance(records + start, end - start, chance, ctx);
        if (type == THRUM_RECORD_SRV)
            order_by_weight(records + start, end - start, chance, ctx);
    }
}

/* ---- Addresses ---- */

void thrum__route_find(thrum__route *route)
{
    socklen_t size = sizeof route->source;
    int fd = socket(route->address.any.sa_family,
                    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memset(&route->source, 0, sizeof route->source);
    if (fd < 0) {
        route->usable = errno != EAFNOSUPPORT;
        route->source = route->address;
        return;
    }
    route->usable = connect(fd, &route->address.any,
                            thrum__address_size(&route->address)) == 0 &&
                    getsockname(fd, &route->source.any, &size) == 0;
    close(fd);
}

/* An IPv4 address is ranked as the IPv6 one that stands for it. */
static void order_widen(unsigned char wide[16], const thrum__address *address)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (address->any.sa_family == AF_INET6) {
        memcpy(wide, &address->v6.sin6_addr, 16);
        return;
    }
    memcpy(wide, mapped, sizeof mapped);
    memcpy(wide + 12, &address->v4.sin_addr, 4);
}

/* How many leading bits are the same. */
static unsigned order_common(const unsigned char one[16],
                             const unsigned char other[16])
{
    for (unsigned i = 0; i < 128; i++)
        if ((one[i / 8] ^ other[i / 8]) >> (7 - i % 8) & 1)
            return i;
    return 128;
}

typedef struct order_policy {
    unsigned char prefix[16];
    unsigned bits;
    int precedence, label;
} order_policy;

/* RFC 6724, section 2.1: the longest prefix that fits. */
static const order_policy *order_policy_of(const unsigned char wide[16])
{
    static const order_policy table[] = {
        {{[15] = 1}, 128, 50, 0},  {{[10] = 0xff, [11] = 0xff}, 96, 35, 4},
        {{0}, 96, 1, 3},           {{0x20, 0x01}, 32, 5, 5},
        {{0x20, 0x02}, 16, 30, 2}, {{0x3f, 0xfe}, 16, 1, 12},
        {{0xfe, 0xc0}, 10, 1, 11}, {{0xfc}, 7, 3, 13},
        {{0}, 0, 40, 1},
    };
    const order_policy *policy = table;

    while (order_common(policy->prefix, wide) < policy->bits)
        policy++;
    return policy;
}

enum { SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };

static int order_scope(const unsigned char wide[16])
{
    static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char loopback[16] = {[15] = 1};

    if (order_common(mapped, wide) >= 96)
        return wide[12] == 127 || (wide[12] == 169 && wide[13] == 254)
                   ? SCOPE_LINK
                   : SCOPE_GLOBAL;
    if (wide[0] == 0xff)
        return wide[1] & 0x0f;
    if (memcmp(wide, loopback, 16) == 0 ||
        (wide[0] == 0xfe && (wide[1] & 0xc0) == 0x80))
        return SCOPE_LINK;
    return wide[0] == 0xfe && (wide[1] & 0xc0) == 0xc0 ? SCOPE_SITE
                                                       : SCOPE_GLOBAL;
}

/* What the rules ask of a route; of each, more is better. */
enum { ORDER_RULES = 6 };

static void order_rank(const thrum__route *route, int rank[ORDER_RULES])
{
    unsigned char address[16], source[16];
    const order_policy *policy;
    unsigned common;

    order_widen(address, &route->address);
    order_widen(source, &route->source);
    policy = order_policy_of(address);
    common = order_common(address, source);
    rank[0] = route->usable;
    rank[1] = route->usable && order_scope(address) == order_scope(source);
    rank[2] = route->usable && policy->label == order_policy_of(source)->label;
    rank[3] = policy->precedence;
    rank[4] = -order_scope(address);
    /* Rule 9 is for IPv6 alone: IPv4's prefixes say nothing of nearness. */
    rank[5] = route->address.any.sa_family == AF_INET6 && route->usable
                  ? (int)common
                  : 0;
}

static bool order_is_better(const thrum__route *one, const thrum__route *other)
{
    int first[ORDER_RULES], second[ORDER_RULES];
    int rules = one->address.any.sa_family == other->address.any.sa_family
                    ? ORDER_RULES
                    : ORDER_RULES - 1;

    order_rank(one, first);
    order_rank(other, second);
    for (int i = 0; i < rules; i++)
        if (first[i] != second[i])
            return first[i] > second[i];
    return false;
}

void thrum__order_routes(thrum__route *routes, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t at = i;
             at > 0 && order_is_better(&routes[at], &routes[at - 1]); at--) {
            thrum__route kept = routes[at];

            routes[at] = routes[at - 1];
            routes[at - 1] = kept;
        }
}
