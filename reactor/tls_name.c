/* SPDX-License-Identifier: MIT */
/*
 * Names as a certificate has them (RFC 9525, section 6). A host is brought into
 * one form here, which is announced (SNI) and compared alike: so no name is
 * verified that was not asked for.
 */
#include <arpa/inet.h>
#include <string.h>

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

static bool name_is_plain_byte(char byte)
{
    byte = name_lower(byte);
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_';
}

/* Labels of 1 to 63 bytes. */
static bool name_is_plain(const char *text, size_t size)
{
    size_t label = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' ? label == 0 : !name_is_plain_byte(text[i]))
            return false;
        label = text[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

/* Outside ASCII: IDNA2008, with all that is a dot to people (RFC 5895). What is
 * within is judged before: the mapping drops some of it. */
static int name_map(const char *host, gnutls_datum_t *mapped)
{
    for (const char *at = host; *at != '\0'; at++)
        if ((unsigned char)*at < 0x80 && *at != '.' && !name_is_plain_byte(*at))
            return THRUM_E_INVALID;
    if (gnutls_idna_map(host, (unsigned)strlen(host), mapped, 0) != 0)
        return THRUM_E_INVALID;
    return 0;
}

int thrum__tls_name_read(thrum__tls_name *name, const char *host)
{
    gnutls_datum_t mapped = {NULL, 0};
    int error = THRUM_E_INVALID;
    size_t size;

    memset(name, 0, sizeof *name);
    if (strlen(host) >= THRUM__TLS_NAME)
        return THRUM_E_INVALID;
    if (name_read_address(name, host)) {
        memcpy(name->text, host, strlen(host));
        return 0;
    }
    if (name_map(host, &mapped) != 0)
        return THRUM_E_INVALID;
    size = mapped.size;
    if (size > 0 && mapped.data[size - 1] == '.')
        size--;
    if (size < THRUM__TLS_NAME &&
        name_is_plain((const char *)mapped.data, size)) {
        for (size_t i = 0; i < size; i++)
            name->text[i] = name_lower((char)mapped.data[i]);
        error = 0;
    }
    gnutls_free(mapped.data);
    return error;
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
