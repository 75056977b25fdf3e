/* SPDX-License-Identifier: MIT */
/*
 * A mailbox is an address and the name beside it (RFC 5322 section 3.4). It is
 * first taken apart and then checked, because a template's mailbox has slots in
 * it whose values come later.
 */
#include "mail/address.h"
#include "mail/text.h"

struct thrum_address {
    thrum_context *context;
    const char *addr;
    const char *name;
    char own[];
};

static thrum_bytes mailbox_trim(thrum_bytes text)
{
    while (text.size > 0 && text.data[0] == ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

/* The offset of the quote that closes the one at 0, or the text's size. */
static size_t mailbox_quotes(thrum_bytes text)
{
    size_t at = 1;

    while (at < text.size && text.data[at] != '"')
        at += text.data[at] == '\\' ? 2 : 1;
    return at < text.size ? at : text.size;
}

/* The characters that would mean something in a header (RFC 5322 section
 * 3.2.3). A dot in a name means nothing and is common. */
static const char *mailbox_phrase(thrum_bytes name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] != '\0' && strchr("()<>[]:;@\\,\"", name.data[i]))
            return "its name has one of ()<>[]:;@\\,\" and stands in no quotes";
    return NULL;
}

static const char *mailbox_angle(thrum_bytes text, thrum__mailbox *parts)
{
    if (text.size < 2 || text.data[text.size - 1] != '>')
        return "it has no \">\" at its end";
    parts->addr = (thrum_bytes){text.data + 1, text.size - 2};
    return NULL;
}

static thrum_bytes mailbox_after(thrum_bytes text, size_t at)
{
    return mailbox_trim((thrum_bytes){text.data + at, text.size - at});
}

static const char *mailbox_quoted(thrum_bytes text, thrum__mailbox *parts)
{
    size_t end = mailbox_quotes(text);
    thrum_bytes rest;

    if (end == text.size)
        return "its quotes are not closed";
    rest = mailbox_after(text, end + 1);
    if (rest.size == 0 || rest.data[0] != '<') {
        parts->addr = text; /* "a b"@example.org, or nothing at all */
        return NULL;
    }
    parts->name = (thrum_bytes){text.data + 1, end - 1};
    parts->quoted = 1;
    return mailbox_angle(rest, parts);
}

const char *thrum__mailbox_split(thrum_bytes text, thrum__mailbox *parts)
{
    const char *angle, *wrong;

    text = mailbox_trim(text);
    memset(parts, 0, sizeof *parts);
    parts->name.data = "";
    if (text.size > 0 && text.data[0] == '"')
        return mailbox_quoted(text, parts);
    angle = text.size > 0 ? memchr(text.data, '<', text.size) : NULL;
    if (angle == NULL) {
        parts->addr = text;
        return NULL;
    }
    parts->name =
        mailbox_trim((thrum_bytes){text.data, (size_t)(angle - text.data)});
    wrong = mailbox_phrase(parts->name);
    if (wrong != NULL)
        return wrong;
    return mailbox_angle(mailbox_after(text, (size_t)(angle - text.data)),
                         parts);
}

size_t thrum__mailbox_name(const thrum__mailbox *parts, char *to)
{
    size_t size = 0;

    for (size_t i = 0; i < parts->name.size; i++) {
        if (parts->quoted && parts->name.data[i] == '\\')
            i++;
        to[size++] = parts->name.data[i];
    }
    return size;
}

const char *thrum__mailbox_read(thrum_bytes text, thrum__mailbox *parts,
                                thrum__addr *addr)
{
    const char *wrong = thrum__text_line(text);

    if (wrong != NULL)
        return wrong;
    wrong = thrum__mailbox_split(text, parts);
    if (wrong != NULL)
        return wrong;
    return thrum__addr_read(parts->addr, addr);
}

thrum_address *thrum_address_parse(thrum_context *context, const char *text,
                                   thrum_failure **why)
{
    thrum__mailbox parts;
    thrum__addr addr;
    const char *wrong =
        thrum__mailbox_read(thrum__text_of(text), &parts, &addr);
    thrum_address *address = NULL;
    char *name;

    if (wrong == NULL) {
        size_t room = addr.text.size + parts.name.size + 2;

        address = thrum_context_allocate(context, sizeof *address + room);
    }
    if (address == NULL) {
        if (why != NULL)
            *why = thrum__address_wrong(
                context, "not a mail address",
                wrong != NULL ? wrong : thrum__address_no_memory);
        return NULL;
    }
    address->context = thrum_context_ref(context);
    memcpy(address->own, addr.text.data, addr.text.size);
    address->own[addr.text.size] = '\0';
    name = address->own + addr.text.size + 1;
    name[thrum__mailbox_name(&parts, name)] = '\0';
    address->addr = address->own;
    address->name = name;
    return address;
}

void thrum_address_free(thrum_address *address)
{
    thrum_context *context;

    if (address == NULL)
        return;
    context = address->context;
    thrum_context_release(context, address);
    thrum_context_unref(context);
}

const char *thrum_address_addr(const thrum_address *address)
{
    return address->addr;
}

const char *thrum_address_name(const thrum_address *address)
{
    return address->name;
}
