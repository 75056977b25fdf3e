/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "cli/sink_path.h"
#include "cli/utf8.h"

static char path_upper(char byte)
{
    return byte >= 'a' && byte <= 'z' ? (char)(byte - ('a' - 'A')) : byte;
}

static bool path_starts(thrum_bytes text, const char *word, size_t size)
{
    if (text.size < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (path_upper(text.data[i]) != word[i])
            return false;
    return true;
}

bool sink_path_is_word(thrum_bytes text, const char *word, size_t size)
{
    return text.size == size && path_starts(text, word, size);
}

/* How many bytes stand for themselves: neither brackets, quotes nor blanks. */
static size_t path_plain(const char *data, size_t size)
{
    static const bool plain[256] = {
        ['!'] = true,         ['#' ... ';'] = true,   ['='] = true,
        ['?' ... '~'] = true, [0x80 ... 0xff] = true,
    };
    size_t i = 0;

    while (i < size && plain[(unsigned char)data[i]])
        i++;
    return i;
}

/* The offset behind the quote that closes `text`, which is within two; its size
 * when there is none. A backslash covers the byte that follows. */
static size_t path_quoted(thrum_bytes text, size_t from)
{
    for (size_t i = from; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte < ' ' || byte == 0x7f)
            return text.size;
        if (byte == '"')
            return i + 1;
        if (byte == '\\')
            i++;
    }
    return text.size;
}

/* The offset of the bracket that closes `text`, which is within one; its size
 * when there is none. Within quotes (RFC 5321, Quoted-string) brackets and
 * blanks are text. */
static size_t path_close(thrum_bytes text)
{
    size_t i = path_plain(text.data, text.size);

    while (i < text.size && text.data[i] == '"') {
        i = path_quoted(text, i + 1);
        i += path_plain(text.data + i, text.size - i);
    }
    return i < text.size && text.data[i] == '>' ? i : text.size;
}

bool sink_path_read(thrum_bytes argument, const char *keyword,
                    thrum_bytes *path, thrum_bytes *rest)
{
    size_t size = strlen(keyword), close;

    if (!path_starts(argument, keyword, size) || argument.size <= size ||
        argument.data[size] != '<')
        return false;
    path->data = argument.data + size + 1;
    path->size = argument.size - size - 1;
    close = path_close(*path);
    if (close == path->size || close + 2 > SINK_PATH_MAX)
        return false;
    rest->data = path->data + close + 1;
    rest->size = path->size - close - 1;
    path->size = close;
    if (rest->size == 0)
        return true;
    rest->data++;
    rest->size--;
    return rest->data[-1] == ' ' && rest->size > 0;
}

/* Something, an "@", and something; the last "@" parts them. */
static bool path_is_address(thrum_bytes path)
{
    const char *at = memrchr(path.data, '@', path.size);

    return at != NULL && at != path.data && at + 1 < path.data + path.size;
}

bool sink_path_is_sender(thrum_bytes path)
{
    return path.size == 0 || path_is_address(path);
}

bool sink_path_is_recipient(thrum_bytes path)
{
    return path_is_address(path) || sink_path_is_word(path, "POSTMASTER", 10);
}

/* Eight bytes at a time: most addresses are three or four such words. */
bool sink_path_is_ascii(thrum_bytes path)
{
    uint64_t word = 0, all = 0;
    size_t i = 0;

    for (; path.size - i >= sizeof word; i += sizeof word) {
        memcpy(&word, path.data + i, sizeof word);
        all |= word;
    }
    for (; i < path.size; i++)
        all |= (unsigned char)path.data[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

bool sink_path_is_utf8(thrum_bytes path)
{
    for (size_t i = 0; i < path.size;) {
        int size = cli_utf8_length(path.data + i, path.size - i);

        if (size < 1)
            return false;
        i += (size_t)size;
    }
    return true;
}
