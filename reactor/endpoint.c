/* SPDX-License-Identifier: MIT */
#include "reactor/endpoint.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What is not shown whole. */
enum { ENDPOINT_SHOWN = 200 };

static bool endpoint_is_control(char octet)
{
    return (unsigned char)octet < 0x20 || octet == 0x7f;
}

/* A name may have octets outside ASCII; whoever looks it up judges them. */
static bool endpoint_is_of_host(char octet)
{
    return (unsigned char)octet >= 0x80 || (octet >= '0' && octet <= '9') ||
           (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
           octet == '-' || octet == '.' || octet == '_';
}

static const char *endpoint_set_host(thrum__endpoint *endpoint,
                                     const char *host, size_t size)
{
    if (size == 0)
        return "a host was expected";
    if (size >= sizeof endpoint->host)
        return "the host is too long";
    memcpy(endpoint->host, host, size);
    endpoint->host[size] = '\0';
    return NULL;
}

/* "[::1]" or "[fe80::1%eth0]"; whether there is such an interface is not asked.
 */
static const char *endpoint_read_v6(thrum__endpoint *endpoint, const char *text,
                                    size_t *at)
{
    char figures[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;
    size_t start = ++*at;
    size_t scope = start + strcspn(text + start, "%]");
    size_t end = start + strcspn(text + start, "]");

    if (text[end] != ']') {
        *at = end;
        return "\"]\" was expected";
    }
    if (scope - start < sizeof figures)
        memcpy(figures, text + start, scope - start);
    if (inet_pton(AF_INET6, figures, &address) != 1)
        return "an IPv6 address was expected";
    *at = scope + 1;
    if (text[scope] == '%' && end == scope + 1)
        return "an interface was expected";
    for (; *at < end; ++*at)
        if (!endpoint_is_of_host(text[*at]))
            return "no interface has this in its name";
    *at = end + 1;
    return endpoint_set_host(endpoint, text + start, end - start);
}

static const char *endpoint_read_host(thrum__endpoint *endpoint,
                                      const char *text, size_t *at)
{
    size_t start = *at;
    const char *wrong;

    if (text[start] == '[')
        return endpoint_read_v6(endpoint, text, at);
    while (endpoint_is_of_host(text[*at]))
        ++*at;
    if (text[*at] != ':' && text[*at] != '\0')
        return "no host has this in its name";
    wrong = endpoint_set_host(endpoint, text + start, *at - start);
    if (wrong != NULL)
        *at = start;
    return wrong;
}

static const char *endpoint_read_port(thrum__endpoint *endpoint,
                                      const char *text, size_t *at)
{
    unsigned long port = 0;
    size_t start = *at;

    const char *second = strchr(text + start, ':');

    if (second != NULL) {
        *at = (size_t)(second - text);
        return "a second \":\"; an IPv6 address stands in brackets";
    }
    for (; text[*at] >= '0' && text[*at] <= '9' && *at - start < 6; ++*at)
        port = port * 10 + (unsigned)(text[*at] - '0');
    if (*at == start || (text[*at] != '\0' && *at - start < 6))
        return "a port was expected, in figures";
    if (port > UINT16_MAX || *at - start > 5) {
        *at = start;
        return "no port is above 65535";
    }
    endpoint->port = (uint16_t)port;
    endpoint->port_at = start;
    return NULL;
}

static const char *endpoint_read_inet(thrum__endpoint *endpoint,
                                      const char *text, size_t *at)
{
    const char *wrong = endpoint_read_host(endpoint, text, at);

    if (wrong != NULL)
        return wrong;
    if (text[*at] != ':')
        return "\":\" and a port were expected";
    ++*at;
    return endpoint_read_port(endpoint, text, at);
}

static const char *endpoint_read_unix(thrum__endpoint *endpoint,
                                      const char *text, size_t *at)
{
    struct sockaddr_un address;
    const char *path = text + *at;
    size_t size = strlen(path);

    if (path[0] != '/' && path[0] != '@')
        return "a path from \"/\" on, or \"@\" and a name, was expected";
    if (size == 1) {
        ++*at;
        return "a name was expected";
    }
    for (size_t i = 0; i < size; i++)
        if (endpoint_is_control(path[i])) {
            *at += i;
            return "a control character";
        }
    if (thrum__endpoint_unix(&address, path) == 0)
        return "the path is too long for a socket (107 octets)";
    endpoint->path = path;
    return NULL;
}

const char *thrum__endpoint_read(thrum__endpoint *endpoint, const char *text,
                                 size_t *at)
{
    static const struct {
        const char *name;
        thrum__endpoint_kind kind;
        const char *(*read)(thrum__endpoint *endpoint, const char *text,
                            size_t *at);
    } kinds[] = {
        {"tcp:", THRUM__ENDPOINT_TCP, endpoint_read_inet},
        {"tls:", THRUM__ENDPOINT_TLS, endpoint_read_inet},
        {"unix:", THRUM__ENDPOINT_UNIX, endpoint_read_unix},
    };

    *endpoint = (thrum__endpoint){0};
    *at = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size = strlen(kinds[i].name);

        if (strncmp(text, kinds[i].name, size) != 0)
            continue;
        endpoint->kind = kinds[i].kind;
        *at = size;
        return kinds[i].read(endpoint, text, at);
    }
    return "\"tcp:\", \"tls:\" or \"unix:\" was expected";
}

static bool endpoint_may_be_told(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++)
        if (endpoint_is_control(text[i]))
            return false;
    return strncmp(text, "unix:", 5) == 0 || strchr(text, '@') == NULL;
}

thrum_failure *thrum__endpoint_failure(thrum_context *context, const char *text,
                                       size_t at, const char *wrong)
{
    char shown[ENDPOINT_SHOWN + 4] = "";

    if (endpoint_may_be_told(text))
        snprintf(shown, sizeof shown, " %.*s", ENDPOINT_SHOWN, text);
    return thrum_failure_new(context, &thrum_domain_base, THRUM_E_INVALID,
                             "the endpoint%s, column %zu: %s", shown, at + 1,
                             wrong);
}

thrum_failure *thrum__endpoint_parse(thrum_context *context,
                                     thrum__endpoint *endpoint,
                                     const char *text)
{
    size_t at;
    const char *wrong = thrum__endpoint_read(endpoint, text, &at);

    return wrong == NULL ? NULL
                         : thrum__endpoint_failure(context, text, at, wrong);
}

/* An abstract name begins with a NUL and is as long as the size says. */
socklen_t thrum__endpoint_unix(struct sockaddr_un *address, const char *path)
{
    size_t size = strlen(path);
    bool abstract = path[0] == '@';

    memset(address, 0, sizeof *address);
    if ((!abstract && path[0] != '/') || size < 2 ||
        size >= sizeof address->sun_path)
        return 0;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, size);
    if (abstract)
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size +
                       !abstract);
}
