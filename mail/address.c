/* SPDX-License-Identifier: MIT */
/*
 * Addresses are checked twice for each recipient of a list of millions, so the
 * ordinary case, a dot-atom and a domain name of at most 64 bytes in all, goes
 * through a table of states: three instructions a byte, and no branches that
 * could be guessed wrong. All else is read again, with words for what is wrong.
 *
 * The grammar is that of RFC 5321 section 4.1.2, without what RFC 5322 adds for
 * headers: no comments, no folding, no obsolete forms.
 */
#include <arpa/inet.h>

#include "mail/address.h"
#include "mail/text.h"

enum { ADDRESS_ATEXT = 1, ADDRESS_QTEXT = 2, ADDRESS_LDH = 4 };
enum { ADDRESS_LOCAL = 64, ADDRESS_LABEL = 63, ADDRESS_ALL = 254 };

static const unsigned char address_class[256] = {
    ['a' ... 'z'] = ADDRESS_ATEXT | ADDRESS_QTEXT | ADDRESS_LDH,
    ['A' ... 'Z'] = ADDRESS_ATEXT | ADDRESS_QTEXT | ADDRESS_LDH,
    ['0' ... '9'] = ADDRESS_ATEXT | ADDRESS_QTEXT | ADDRESS_LDH,
    ['-'] = ADDRESS_ATEXT | ADDRESS_QTEXT | ADDRESS_LDH,
    ['!'] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    ['#' ... '\''] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    ['*' ... '+'] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    ['/'] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    ['='] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    ['?'] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    ['^' ... '`'] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    ['{' ... '~'] = ADDRESS_ATEXT | ADDRESS_QTEXT,
    [' '] = ADDRESS_QTEXT,
    ['(' ... ')'] = ADDRESS_QTEXT,
    [','] = ADDRESS_QTEXT,
    ['.'] = ADDRESS_QTEXT,
    [':' ... '<'] = ADDRESS_QTEXT,
    ['>'] = ADDRESS_QTEXT,
    ['@'] = ADDRESS_QTEXT,
    ['['] = ADDRESS_QTEXT,
    [']'] = ADDRESS_QTEXT,
};

/* The states of the ordinary case, as offsets of their rows; 0: not one. */
enum {
    ADDRESS_BEFORE_ATOM = 1 << 8,
    ADDRESS_IN_ATOM = 2 << 8,
    ADDRESS_BEFORE_LABEL = 3 << 8,
    ADDRESS_IN_LABEL = 4 << 8,
    ADDRESS_AFTER_HYPHEN = 5 << 8
};

/* The entries of a row for letters and digits, and for all of atext. */
#define ADDRESS_ALNUM(row, to)                                                 \
    [(row) + 'a' ...(row) + 'z'] = (to), [(row) + 'A' ...(row) + 'Z'] = (to),  \
                            [(row) + '0' ...(row) + '9'] = (to)
#define ADDRESS_ATOM(row, to)                                                  \
    ADDRESS_ALNUM(row, to),                                                    \
        [(row) + '-'] = (to), [(row) + '!'] = (to),                            \
                 [(row) + '#' ...(row) + '\''] = (to),                         \
                 [(row) + '*' ...(row) + '+'] = (to), [(row) + '/'] = (to),    \
                 [(row) + '='] = (to), [(row) + '?'] = (to),                   \
                 [(row) + '^' ...(row) + '`'] = (to),                          \
                 [(row) + '{' ...(row) + '~'] = (to)

static const uint16_t address_next[6 << 8] = {
    ADDRESS_ATOM(ADDRESS_BEFORE_ATOM, ADDRESS_IN_ATOM),
    ADDRESS_ATOM(ADDRESS_IN_ATOM, ADDRESS_IN_ATOM),
    [ADDRESS_IN_ATOM + '.'] = ADDRESS_BEFORE_ATOM,
    [ADDRESS_IN_ATOM + '@'] = ADDRESS_BEFORE_LABEL,
    ADDRESS_ALNUM(ADDRESS_BEFORE_LABEL, ADDRESS_IN_LABEL),
    ADDRESS_ALNUM(ADDRESS_IN_LABEL, ADDRESS_IN_LABEL),
    [ADDRESS_IN_LABEL + '-'] = ADDRESS_AFTER_HYPHEN,
    [ADDRESS_IN_LABEL + '.'] = ADDRESS_BEFORE_LABEL,
    ADDRESS_ALNUM(ADDRESS_AFTER_HYPHEN, ADDRESS_IN_LABEL),
    [ADDRESS_AFTER_HYPHEN + '-'] = ADDRESS_AFTER_HYPHEN,
};

static bool address_is_ordinary(const unsigned char *at, size_t size)
{
    const unsigned char *end = at + size, *fours = at + size / 4 * 4;
    unsigned state = ADDRESS_BEFORE_ATOM;

    for (; at < fours; at += 4) {
        state = address_next[state + at[0]];
        state = address_next[state + at[1]];
        state = address_next[state + at[2]];
        state = address_next[state + at[3]];
    }
    while (at < end)
        state = address_next[state + *at++];
    return state == ADDRESS_IN_LABEL;
}

static const char *mail_describe(int code)
{
    switch (code) {
#define MAIL_DESCRIBE(name, value, words)                                      \
    case value:                                                                \
        return words;
        THRUM_MAIL_ERRORS(MAIL_DESCRIBE)
#undef MAIL_DESCRIBE
    default:
        return NULL;
    }
}

const thrum_domain thrum_domain_mail = {"mail", mail_describe};

/* The first byte that is not of the class. */
static inline const char *address_span(const char *at, const char *end,
                                       unsigned class)
{
    thrum_bytes text = {at, (size_t)(end - at)};

    return at + thrum__text_span(address_class, class, text);
}

/* What is wrong with a byte that should have been something else. */
static const char *address_byte(char byte, const char *otherwise)
{
    unsigned char value = (unsigned char)byte;

    if (value >= 0x80)
        return "it has a character outside US-ASCII, which needs IDNA or "
               "SMTPUTF8";
    if (value < 0x20 || value == 0x7f)
        return "it has a control character";
    return value == ' ' ? "it has a blank" : otherwise;
}

static const char *address_local_byte(const char *at, const char *end)
{
    if (at == end)
        return "it has no \"@\"";
    if (*at == '@')
        return "nothing, or a dot, stands right before its \"@\"";
    if (*at == '.')
        return "it begins with a dot, or two dots follow each other";
    return address_byte(
        *at, "it has a character that only may stand there in quotes");
}

/* Dot-string (RFC 5321 section 4.1.2). */
static const char *address_dots(const char **at, const char *end)
{
    const char *p = *at;

    for (;;) {
        const char *atom = p;

        p = address_span(p, end, ADDRESS_ATEXT);
        if (p == atom || p == end)
            return address_local_byte(p, end);
        if (*p != '.')
            break;
        p++;
    }
    *at = p;
    return *p == '@' ? NULL : address_local_byte(p, end);
}

/* Quoted-string (RFC 5321 section 4.1.2). */
static const char *address_quotes(const char **at, const char *end)
{
    const char *p = *at + 1;

    for (;;) {
        p = address_span(p, end, ADDRESS_QTEXT);
        if (p == end)
            return "its quotes are not closed";
        if (*p == '"')
            break;
        if (*p == '\\' && ++p == end)
            return "its quotes are not closed";
        if (*p < ' ' || *p > '~')
            return address_byte(*p, NULL);
        p++;
    }
    *at = p + 1;
    if (p + 1 == end)
        return "it has no \"@\"";
    return p[1] == '@' ? NULL : "something stands between quotes and \"@\"";
}

static const char *address_label_byte(const char *at, const char *end)
{
    if (at == end || *at == '.')
        return "its domain is empty, or has an empty label or a dot at its end";
    if (*at == '@')
        return "it has two \"@\"";
    return address_byte(*at,
                        "its domain has a character that may not stand there");
}

static const char *address_domain(const char *at, const char *end)
{
    for (;;) {
        const char *label = at;

        at = address_span(at, end, ADDRESS_LDH);
        if (at == label)
            return address_label_byte(at, end);
        if (*label == '-' || at[-1] == '-')
            return "a label of its domain begins or ends with a hyphen";
        if (at - label > ADDRESS_LABEL)
            return "a label of its domain is longer than 63 octets";
        if (at == end)
            return NULL;
        if (*at++ != '.')
            return address_label_byte(at - 1, end);
    }
}

/* Four numbers up to 255, of up to three digits (Snum). */
static bool address_is_ipv4(const char *at, const char *end)
{
    for (int numbers = 1;; numbers++) {
        int value = 0, digits = 0;

        for (; at < end && *at >= '0' && *at <= '9' && digits < 4; digits++)
            value = 10 * value + (*at++ - '0');
        if (digits < 1 || digits > 3 || value > 255)
            return false;
        if (at == end)
            return numbers == 4;
        if (*at++ != '.')
            return false;
    }
}

static bool address_is_ipv6(const char *at, const char *end)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t size = (size_t)(end - at);

    if (size >= sizeof text || memchr(at, '\0', size) != NULL)
        return false;
    memcpy(text, at, size);
    text[size] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* Whether it begins with "IPv6:", in whatever case. */
static bool address_is_tagged(const char *at, const char *end)
{
    return end - at >= 5 && thrum__text_is_word((thrum_bytes){at, 5}, "ipv6:");
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3). No other kind
 * of literal was ever registered. */
static const char *address_literal(const char *at, const char *end)
{
    if (end - at < 2 || end[-1] != ']')
        return "its address literal is not closed";
    at++;
    end--;
    if (address_is_tagged(at, end) ? address_is_ipv6(at + 5, end)
                                   : address_is_ipv4(at, end))
        return NULL;
    return "its address literal is neither an IPv4 nor an IPv6 address";
}

__attribute__((noinline)) static const char *address_read(const char *text,
                                                          size_t size)
{
    const char *at = text, *end = text + size, *wrong;

    if (size == 0)
        return "it is empty";
    wrong = *at == '"' ? address_quotes(&at, end) : address_dots(&at, end);
    if (wrong != NULL)
        return wrong;
    if (at - text > ADDRESS_LOCAL)
        return "it has more than 64 octets before its \"@\"";
    at++;
    wrong = at < end && *at == '[' ? address_literal(at, end)
                                   : address_domain(at, end);
    if (wrong == NULL && size > ADDRESS_ALL)
        return "it is longer than 254 octets";
    return wrong;
}

const char *thrum_address_check(const char *text, size_t size)
{
    /* So short, no part of it can be too long. */
    if (size <= ADDRESS_LOCAL &&
        address_is_ordinary((const unsigned char *)text, size))
        return NULL;
    return address_read(text, size);
}
