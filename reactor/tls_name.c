/* SPDX-License-Identifier: MIT */
/*
 * Names as a certificate has them (RFC 9525, section 6). A host is brought into
 * one form here, which is announced (SNI) and compared alike: so no name is
 * verified that was not asked for.
 */
#include <arpa/inet.h>
#include <string.h>

#include "reactor/host.h"
#include "reactor/tls.h"

static char name_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* An address in figures, IPv6 also in brackets. */
static bool name_read_address(thrum__tls_name *name, const char *host)
{
    char text[THRUM__TLS_NAME];
    size_t size = strlen(host);

    if (inet_pton(AF_INET, host, name->address) == 1) {
        name->address_size = 4;
        return true;
    }
    if (size > 2 && size < sizeof text && host[0] == '[' &&
        host[size - 1] == ']') {
        memcpy(text, host + 1, size - 2);
        text[size - 2] = '\0';
        host = text;
    }
    if (inet_pton(AF_INET6, host, name->address) != 1)
        return false;
    name->address_size = 16;
    return true;
}

int thrum__tls_name_read(thrum__tls_name *name, const char *host,
                         const char **wrong)
{
    size_t size = strlen(host);
    int error;

    memset(name, 0, sizeof *name);
    if (size < THRUM__TLS_NAME && name_read_address(name, host)) {
        memcpy(name->text, host, size);
        return 0;
    }
    error = thrum_host_to_ascii(name->text, host, wrong);
    if (error != 0)
        return error;
    size = strlen(name->text);
    if (name->text[size - 1] == '.')
        name->text[size - 1] = '\0';
    return 0;
}

static bool name_equal(const char *lower, const char *dns, size_t size)
{
    if (strlen(lower) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (lower[i] != name_lower(dns[i]))
            return false;
    return true;
}

/* "*" is the whole first label, and stands above two more: "*.test" would be
 * everybody's. */
bool thrum__tls_name_matches(const thrum__tls_name *name, const char *dns,
                             size_t size)
{
    const char *rest = strchr(name->text, '.');

    if (name->address_size > 0 || name->text[0] == '\0')
        return false;
    if (size < 2 || dns[0] != '*' || dns[1] != '.')
        return name_equal(name->text, dns, size);
    return rest != NULL && memchr(dns + 2, '.', size - 2) != NULL &&
           name_equal(rest, dns + 1, size - 1);
}
