/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/address.h>

#include "mail/smtp/url.h"

enum { URL_LITERAL = 64, URL_PORT_OF_TLS = 465 };

/* What is left to be read, and where to say what is wrong with it. */
typedef struct url_reader {
    thrum_context *context;
    const char *rest;
} url_reader;

static thrum_failure *url_wrong(const url_reader *reader, const char *what)
{
    return thrum_failure_new(reader->context, &thrum_domain_mail,
                             THRUM_MAIL_E_URL, "%s", what);
}

static bool url_is_alphanumeric(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

static bool url_is_one_of(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

static bool url_is_made_of(const char *text, size_t size, const char *others)
{
    for (size_t i = 0; i < size; i++)
        if (!url_is_alphanumeric(text[i]) && !url_is_one_of(text[i], others))
            return false;
    return size > 0;
}

static bool url_skip_scheme(url_reader *reader, const char *scheme)
{
    size_t size = strlen(scheme);

    if (strncasecmp(reader->rest, scheme, size) != 0)
        return false;
    reader->rest += size;
    return true;
}

static thrum_failure *url_read_scheme(url_reader *reader)
{
    if (url_skip_scheme(reader, "smtp://"))
        return NULL;
    if (url_skip_scheme(reader, "smtps:"))
        return url_wrong(reader, "smtps: is SMTP within TLS, which this "
                                 "version does not have; smtp: is without");
    if (url_skip_scheme(reader, "smtp:"))
        return url_wrong(reader, "smtp: has to be followed by //host");
    if (strstr(reader->rest, "://") != NULL)
        return url_wrong(reader, "the URL's scheme is not one that is known; "
                                 "smtp: is");
    return url_wrong(reader,
                     "not a URL of a server; one looks like smtp://host:25");
}

/* What stands before "@" may be a password; so it is not shown. */
static thrum_failure *url_read_user(url_reader *reader)
{
    size_t size = strcspn(reader->rest, "/?#");

    if (memchr(reader->rest, '@', size) == NULL)
        return NULL;
    return url_wrong(reader, "the URL has a user name, but this version cannot "
                             "log in");
}

static thrum_failure *url_take_host(url_reader *reader, thrum__smtp_url *url,
                                    const char *host, size_t size,
                                    const char *others)
{
    if (size == 0)
        return url_wrong(reader, "the URL names no host");
    if (size >= sizeof url->host)
        return url_wrong(reader, "the URL's host is too long");
    if (!url_is_made_of(host, size, others))
        return url_wrong(reader, "the URL's host is neither a name nor an "
                                 "address");
    memcpy(url->host, host, size);
    url->host[size] = '\0';
    return NULL;
}

/* "[::1]", "127.0.0.1", "mail.example.org". */
static thrum_failure *url_read_host(url_reader *reader, thrum__smtp_url *url)
{
    const char *host = reader->rest;
    size_t size = strcspn(host, ":/?#");

    if (*host == '[') {
        const char *end = strchr(++host, ']');

        if (end == NULL)
            return url_wrong(reader, "the URL's address has no \"]\"");
        reader->rest = end + 1;
        return url_take_host(reader, url, host, (size_t)(end - host), ":.%");
    }
    reader->rest += size;
    return url_take_host(reader, url, host, size, ".-_");
}

static thrum_failure *url_read_port(url_reader *reader, thrum__smtp_url *url)
{
    unsigned long port = 0;
    size_t digits;

    url->port = THRUM__URL_PORT;
    if (*reader->rest != ':')
        return NULL;
    reader->rest++;
    digits = strspn(reader->rest, "0123456789");
    for (size_t i = 0; i < digits && port <= UINT16_MAX; i++)
        port = port * 10 + (unsigned long)(reader->rest[i] - '0');
    reader->rest += digits;
    if (port == 0 || port > UINT16_MAX || url_is_alphanumeric(*reader->rest) ||
        *reader->rest == '-')
        return url_wrong(reader, "the URL's port is not a number from 1 to "
                                 "65535");
    if (port == URL_PORT_OF_TLS)
        return url_wrong(reader, "port 465 is for TLS from the first byte "
                                 "(smtps:), which this version does not have; "
                                 "smtp: uses 25 or 587");
    url->port = (uint16_t)port;
    return NULL;
}

static thrum_failure *url_read_end(url_reader *reader)
{
    if (*reader->rest == '\0')
        return NULL;
    return url_wrong(reader, "the URL goes on behind host and port; "
                             "nothing may follow them");
}

thrum_failure *thrum__smtp_url_read(thrum_context *context, const char *text,
                                    thrum__smtp_url *url)
{
    url_reader reader = {context, text};
    thrum_failure *why;

    if (text == NULL || *text == '\0')
        return url_wrong(&reader, "no server is named; a URL looks like "
                                  "smtp://host:25");
    why = url_read_scheme(&reader);
    if (why == NULL)
        why = url_read_user(&reader);
    if (why == NULL)
        why = url_read_host(&reader, url);
    if (why == NULL)
        why = url_read_port(&reader, url);
    if (why == NULL)
        why = url_read_end(&reader);
    return why;
}

bool thrum__smtp_is_helo(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size >= THRUM__URL_HOST)
        return false;
    if (name[0] == '[')
        return size > 2 && size < URL_LITERAL && name[size - 1] == ']' &&
               url_is_made_of(name + 1, size - 2, ".:");
    return url_is_made_of(name, size, ".-") && url_is_alphanumeric(name[0]) &&
           url_is_alphanumeric(name[size - 1]) && strstr(name, "..") == NULL;
}
