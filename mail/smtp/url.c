/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/address.h>
#include <thrum/host.h>

#include "mail/smtp/url.h"

enum {
    URL_LITERAL = 64,
    URL_PORT_OF_MAIL = 25,
    URL_PORT_OF_TLS = 465,
    URL_PORT_OF_SUBMISSION = 587
};

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

static thrum_failure *url_read_scheme(url_reader *reader, thrum__smtp_url *url)
{
    url->tls = url_skip_scheme(reader, "smtps://");
    if (url->tls || url_skip_scheme(reader, "smtp://"))
        return NULL;
    if (url_skip_scheme(reader, "smtp:") || url_skip_scheme(reader, "smtps:"))
        return url_wrong(reader, "smtp: or smtps: has to be followed by "
                                 "//host");
    if (strstr(reader->rest, "://") != NULL)
        return url_wrong(reader, "the URL's scheme is not one that is known; "
                                 "smtp: and smtps: are");
    return url_wrong(reader,
                     "not a URL of a server; one looks like smtp://host:25");
}

/* ---- The user. No word of it is repeated: it may be a password. ---- */

static int url_hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The octet at `text`, decoded; 0: it may not stand there. */
static char url_octet(const char *text, size_t left, size_t *used)
{
    int high, low;

    *used = 1;
    if (*text != '%')
        return *text > ' ' && *text < 0x7F ? *text : '\0';
    if (left < 3)
        return '\0';
    *used = 3;
    high = url_hex(text[1]);
    low = url_hex(text[2]);
    if (high < 0 || low < 0 || high * 16 + low < ' ' || high * 16 + low == 0x7F)
        return '\0';
    return (char)(high * 16 + low);
}

static thrum_failure *url_take_user(url_reader *reader, thrum__smtp_url *url,
                                    const char *user, size_t size)
{
    size_t used, length = 0;

    for (size_t i = 0; i < size; i += used) {
        char octet = url_octet(user + i, size - i, &used);

        if (octet == '\0')
            return url_wrong(reader, "the URL's user has an octet that is to "
                                     "be written as %XX, or is not allowed");
        if (length == sizeof url->user - 1)
            return url_wrong(reader, "the URL's user is too long");
        url->user[length++] = octet;
    }
    if (length == 0)
        return url_wrong(reader, "the URL has an \"@\" and no user before it");
    return NULL;
}

/* ";AUTH=PLAIN", as RFC 5092 writes it; ";AUTH=*" is any. */
static thrum_failure *url_take_mechanism(url_reader *reader,
                                         thrum__smtp_url *url, const char *text,
                                         size_t size)
{
    static const char key[] = ";AUTH=";
    size_t skip = sizeof key - 1;

    if (size == 0)
        return NULL;
    if (size <= skip || strncasecmp(text, key, skip) != 0)
        return url_wrong(reader, "only AUTH= may follow the URL's user and "
                                 "\";\"");
    text += skip;
    size -= skip;
    if (size == 1 && *text == '*')
        return NULL;
    for (unsigned one = 1; one <= THRUM_SMTP_OAUTHBEARER; one <<= 1) {
        const char *name = thrum_smtp_mechanism_name(one);

        if (strlen(name) == size && strncasecmp(name, text, size) == 0)
            url->mechanism = one;
    }
    if (url->mechanism == 0)
        return url_wrong(reader, "the URL asks for a way to log in (AUTH=) "
                                 "that is not known");
    return NULL;
}

static thrum_failure *url_read_user(url_reader *reader, thrum__smtp_url *url)
{
    const char *user = reader->rest;
    size_t size = strcspn(user, "/?#"), name;
    const char *at = memchr(user, '@', size);
    thrum_failure *why;

    if (at == NULL)
        return NULL;
    size = (size_t)(at - user);
    if (memchr(user, ':', size) != NULL)
        return url_wrong(reader, "a password in a URL is seen by others: it "
                                 "belongs in the environment "
                                 "(THRUM_SMTP_PASSWORD) or in a file");
    reader->rest = at + 1;
    if (memchr(at + 1, '@', strcspn(at + 1, "/?#")) != NULL)
        return url_wrong(reader, "an \"@\" in the URL's user is to be written "
                                 "as %40");
    name = strcspn(user, ";@");
    why = url_take_user(reader, url, user, name);
    if (why == NULL)
        why = url_take_mechanism(reader, url, user + name, size - name);
    return why;
}

/* ---- The host ---- */

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

/* A name outside ASCII becomes A-labels here, so that DNS, TLS and whoever logs
 * in have the same one. */
static thrum_failure *url_take_name(url_reader *reader, thrum__smtp_url *url,
                                    const char *host, size_t size)
{
    char name[THRUM__URL_HOST], ascii[THRUM_HOST_ROOM];
    const char *wrong;
    bool foreign = false;

    for (size_t i = 0; i < size; i++)
        foreign = foreign || (unsigned char)host[i] >= 0x80;
    if (!foreign)
        return url_take_host(reader, url, host, size, ".-_");
    if (size >= sizeof name)
        return url_wrong(reader, "the URL's host is too long");
    memcpy(name, host, size);
    name[size] = '\0';
    switch (thrum_host_to_ascii(ascii, name, &wrong)) {
    case 0:
        return url_take_host(reader, url, ascii, strlen(ascii), ".-_");
    case THRUM_E_NOMEM:
        return thrum_failure_no_memory();
    default:
        return url_wrong(reader, "the URL's host is neither a name nor an "
                                 "address");
    }
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
    return url_take_name(reader, url, host, size);
}

static thrum_failure *url_read_port(url_reader *reader, thrum__smtp_url *url)
{
    unsigned long port = 0;
    size_t digits;

    url->port = url->tls               ? URL_PORT_OF_TLS
                : url->user[0] != '\0' ? URL_PORT_OF_SUBMISSION
                                       : URL_PORT_OF_MAIL;
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
    if (port == URL_PORT_OF_TLS && !url->tls)
        return url_wrong(reader, "port 465 is for TLS from the first byte on: "
                                 "write smtps:; smtp: uses 25 or 587");
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
    memset(url, 0, sizeof *url);
    why = url_read_scheme(&reader, url);
    if (why == NULL)
        why = url_read_user(&reader, url);
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
