/* SPDX-License-Identifier: MIT */
/*
 * Addresses are read twice for each recipient of a list of millions, so the
 * ordinary case, a dot-atom and a domain name of at most 64 bytes in all, goes
 * through a table of states: three instructions a byte, and no branches that
 * could be guessed wrong. All else is read again, with words for what is wrong,
 * and written as it goes into the envelope: without quotes that it does not
 * need, its domain in A-labels. Two ways to write one address so become the
 * same bytes, and what is as long as it may be is known.
 *
 * The grammar is that of RFC 5321 section 4.1.2 with RFC 6531 section 3.3,
 * without what RFC 5322 adds for headers: no comments, no folding, no obsolete
 * forms.
 */
#include <arpa/inet.h>

#include <thrum/host.h>

#include "mail/address.h"
#include "mail/text.h"

enum { ADDRESS_ATEXT = 1, ADDRESS_QTEXT = 2, ADDRESS_LDH = 4 };
enum { ADDRESS_LOCAL = 64, ADDRESS_LABEL = 63, ADDRESS_ALL = 254 };

/* A domain outside US-ASCII, as it is written: of 253 octets of A-labels none
 * stands for more than that many in UTF-8. */
enum { ADDRESS_DOMAIN = 1024 };

const char thrum__address_no_memory[] = "out of memory";

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

/* Whether a character past US-ASCII stands there that may: UTF-8, and none of
 * the controls U+0080 to U+009F. 0, or its size. */
static size_t address_utf8(const char *at, const char *end)
{
    size_t size = thrum__text_character((thrum_bytes){at, (size_t)(end - at)});

    return size == 2 && (unsigned char)at[0] == 0xc2 &&
                   (unsigned char)at[1] < 0xa0
               ? 0
               : size;
}

/* The first byte that is neither of the class nor of a character past US-ASCII
 * (RFC 6531 section 3.3). */
static const char *address_span_utf8(const char *at, const char *end,
                                     unsigned class)
{
    size_t size = 1;

    while (size > 0) {
        at = address_span(at, end, class);
        size =
            at < end && (unsigned char)*at >= 0x80 ? address_utf8(at, end) : 0;
        at += size;
    }
    return at;
}

/* What is wrong with a byte that should have been something else. */
static const char *address_byte(const char *at, const char *end,
                                const char *otherwise)
{
    unsigned char value = (unsigned char)*at;

    if (value < 0x20 || value == 0x7f)
        return "it has a control character";
    if (value < 0x80)
        return value == ' ' ? "it has a blank" : otherwise;
    if (thrum__text_character((thrum_bytes){at, (size_t)(end - at)}) == 0)
        return "it has bytes that are not UTF-8";
    return address_utf8(at, end) == 0 ? "it has a control character"
                                      : otherwise;
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
        at, end, "it has a character that only may stand there in quotes");
}

/* Dot-string (RFC 5321 section 4.1.2). */
static const char *address_dots(const char **at, const char *end)
{
    const char *p = *at;

    for (;;) {
        const char *atom = p;

        p = address_span_utf8(p, end, ADDRESS_ATEXT);
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
        p = address_span_utf8(p, end, ADDRESS_QTEXT);
        if (p == end)
            return "its quotes are not closed";
        if (*p == '"')
            break;
        if (*p == '\\' && ++p == end)
            return "its quotes are not closed";
        if (*p < ' ' || *p > '~')
            return address_byte(
                p, end, "a backslash stands before what it cannot quote");
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
    return address_byte(at, end,
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

/* ---- As it goes into the envelope ---- */

static const char *address_put(thrum__addr *addr, const char *from, size_t size)
{
    if (size > ADDRESS_ALL - addr->text.size)
        return "it is longer than 254 octets";
    memcpy(addr->room + addr->text.size, from, size);
    addr->text.size += size;
    return NULL;
}

/* Whether it is a Dot-string, so that it needs no quotes. */
static bool address_is_dots(const char *at, const char *end)
{
    for (;;) {
        const char *atom = at;

        at = address_span_utf8(at, end, ADDRESS_ATEXT);
        if (at == atom || at == end)
            return at > atom;
        if (*at++ != '.')
            return false;
    }
}

/* A local part that was quoted, with no more quotes and backslashes than it
 * needs (RFC 5321 section 4.1.2). */
static const char *address_put_quoted(thrum__addr *addr, const char *at,
                                      const char *end)
{
    char plain[ADDRESS_LOCAL];
    size_t size = 0;
    const char *wrong;

    for (; at < end; at++) {
        if (*at == '\\')
            at++;
        if (size == sizeof plain)
            return "it has more than 64 octets before its \"@\"";
        plain[size++] = *at;
    }
    if (address_is_dots(plain, plain + size))
        return address_put(addr, plain, size);
    wrong = address_put(addr, "\"", 1);
    for (size_t i = 0; i < size && wrong == NULL; i++) {
        if (plain[i] == '"' || plain[i] == '\\')
            address_put(addr, "\\", 1);
        wrong = address_put(addr, plain + i, 1);
    }
    return wrong != NULL ? wrong : address_put(addr, "\"", 1);
}

static const char *address_put_local(thrum__addr *addr, const char *at,
                                     const char *end)
{
    const char *wrong = *at == '"' ? address_put_quoted(addr, at + 1, end - 1)
                                   : address_put(addr, at, (size_t)(end - at));

    if (wrong != NULL || addr->text.size > ADDRESS_LOCAL)
        return "it has more than 64 octets before its \"@\"";
    addr->is_utf8 = (thrum__text_scan(addr->text) & THRUM__TEXT_HIGH) != 0;
    return address_put(addr, "@", 1);
}

/* A domain outside US-ASCII. What stands before the full stops of other scripts
 * is a label only after the mapping, so all else is judged behind it. */
static const char *address_put_international(thrum__addr *addr, const char *at,
                                             const char *end)
{
    char name[ADDRESS_DOMAIN], ascii[THRUM_HOST_ROOM];
    size_t size = (size_t)(end - at);
    const char *wrong;
    int status;

    for (const char *p = at; p < end; p++)
        if (*p == '@' || ((unsigned char)*p <= ' ') || *p == 0x7f)
            return address_label_byte(p, end);
    if (size >= sizeof name)
        return "its domain is too long";
    memcpy(name, at, size);
    name[size] = '\0';
    status = thrum_host_to_ascii(ascii, name, &wrong);
    if (status == THRUM_E_NOMEM)
        return thrum__address_no_memory;
    if (status != 0)
        return "its domain is no internationalized name (IDNA2008)";
    size = strlen(ascii);
    wrong = address_domain(ascii, ascii + size);
    return wrong != NULL ? wrong : address_put(addr, ascii, size);
}

static const char *address_put_domain(thrum__addr *addr, const char *at,
                                      const char *end)
{
    const char *wrong;

    if (at < end && *at == '[')
        wrong = address_literal(at, end);
    else if ((thrum__text_scan((thrum_bytes){at, (size_t)(end - at)}) &
              THRUM__TEXT_HIGH) != 0)
        return address_put_international(addr, at, end);
    else
        wrong = address_domain(at, end);
    return wrong != NULL ? wrong : address_put(addr, at, (size_t)(end - at));
}

__attribute__((noinline)) static const char *address_read(thrum_bytes text,
                                                          thrum__addr *addr)
{
    const char *at = text.data, *end = text.data + text.size, *wrong;

    addr->text = text;
    addr->is_utf8 = false;
    if (text.size == 0)
        return "it is empty";
    wrong = *at == '"' ? address_quotes(&at, end) : address_dots(&at, end);
    if (wrong != NULL)
        return wrong;
    addr->text = (thrum_bytes){addr->room, 0};
    wrong = address_put_local(addr, text.data, at);
    if (wrong == NULL)
        wrong = address_put_domain(addr, at + 1, end);
    if (wrong == NULL)
        addr->room[addr->text.size] = '\0';
    else
        addr->text = text;
    return wrong;
}

const char *thrum__addr_read(thrum_bytes text, thrum__addr *addr)
{
    /* So short, no part of it can be too long. */
    if (text.size > ADDRESS_LOCAL ||
        !address_is_ordinary((const unsigned char *)text.data, text.size))
        return address_read(text, addr);
    addr->text = text;
    addr->is_utf8 = false;
    return NULL;
}

thrum_failure *thrum__address_wrong(thrum_context *context, const char *part,
                                    const char *wrong)
{
    if (wrong == thrum__address_no_memory)
        return thrum_failure_no_memory();
    return thrum_failure_new(context, &thrum_domain_mail, THRUM_MAIL_E_ADDRESS,
                             "%s: %s", part, wrong);
}

const char *thrum_address_check(const char *text, size_t size)
{
    thrum__addr addr;

    return thrum__addr_read((thrum_bytes){text, size}, &addr);
}
