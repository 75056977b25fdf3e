/* SPDX-License-Identifier: MIT */
#include "reactor/host.h"

#include <stdbool.h>
#include <string.h>

#include <gnutls/gnutls.h>

enum { HOST_LABEL = 63, HOST_LONGEST = 253, HOST_WRITTEN = 1023 };

static bool host_is_ascii(const char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name >= 0x80)
            return false;
    return true;
}

static char host_lower(char octet)
{
    return octet >= 'A' && octet <= 'Z' ? (char)(octet - 'A' + 'a') : octet;
}

static bool host_has(char octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') ||
           octet == '-' || octet == '_';
}

/* "192.0.2.300" is somebody's slip, not a name. */
static bool host_is_figures(const char *name)
{
    return strchr(name, '.') != NULL &&
           name[strspn(name, "0123456789.")] == '\0';
}

/* Returns NULL, or what is wrong. */
static const char *host_judge(const char *name)
{
    size_t label = 0, size = strlen(name);

    if (size > 0 && name[size - 1] == '.')
        size--;
    if (size == 0)
        return "a name has at least one label";
    if (size > HOST_LONGEST)
        return "the name is too long";
    if (host_is_figures(name))
        return "neither an address nor a name";
    for (size_t i = 0; i <= size; i++) {
        if (i < size && host_has(name[i])) {
            label++;
            continue;
        }
        if (i < size && name[i] != '.')
            return "no name has such characters";
        if (label == 0)
            return "a label is empty";
        if (label > HOST_LABEL)
            return "a label is too long";
        label = 0;
    }
    return NULL;
}

static int host_finish(char ascii[THRUM_HOST_ROOM], const char *name,
                       const char **wrong)
{
    size_t size = strlen(name);

    if (size >= THRUM_HOST_ROOM) {
        *wrong = "the name is too long";
        return THRUM_E_INVALID;
    }
    for (size_t i = 0; i <= size; i++)
        ascii[i] = host_lower(name[i]);
    *wrong = host_judge(ascii);
    return *wrong == NULL ? 0 : THRUM_E_INVALID;
}

/* One label, or what stands for it. Ownership: mapped new, gnutls_free. */
static int host_map_label(const char *label, size_t size,
                          gnutls_datum_t *mapped)
{
    int status =
        gnutls_idna_map(label, (unsigned)size, mapped, GNUTLS_IDNA_FORCE_2008);

    if (status == 0)
        return 0;
    return status == GNUTLS_E_MEMORY_ERROR ? THRUM_E_NOMEM : THRUM_E_INVALID;
}

/* How many octets the character at `text` has, at most `left`. */
static size_t host_character(const char *text, size_t left)
{
    size_t size = 1;

    while (size < left && ((unsigned char)text[size] & 0xc0) == 0x80)
        size++;
    return size;
}

/* The mapping passes over some characters that no name may have, such as a
 * blank of another width, or the "/" of a wide font. Who sees them in a name
 * would be led to another one. */
static int host_is_dropped(const char *character, size_t size)
{
    char alone[8] = "a";
    gnutls_datum_t mapped = {NULL, 0};
    bool dropped;

    if (size >= sizeof alone - 1)
        return THRUM_E_INVALID;
    memcpy(alone + 1, character, size);
    if (host_map_label(alone, size + 1, &mapped) != 0)
        return 0; /* alone it may not stand, in company it may */
    dropped = mapped.size == 1;
    gnutls_free(mapped.data);
    return dropped ? THRUM_E_INVALID : 0;
}

static int host_judge_label(const char *label, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t step = host_character(label + at, size - at);

        if ((unsigned char)label[at] < 0x80) {
            char octet = host_lower(label[at]);

            if (step > 1 || !host_has(octet) || octet == '_')
                return THRUM_E_INVALID;
        } else if (host_is_dropped(label + at, step) != 0) {
            return THRUM_E_INVALID;
        }
        at += step;
    }
    return 0;
}

/* Adds a label as it is in ASCII. Errors: as thrum_host_to_ascii. */
static int host_add_label(char *out, const char *label, size_t size)
{
    gnutls_datum_t mapped = {NULL, 0};
    size_t used = strlen(out);
    bool plain = true;
    int status;

    for (size_t i = 0; i < size; i++)
        plain = plain && (unsigned char)label[i] < 0x80;
    if (plain) {
        memcpy(out + used, label, size);
        out[used + size] = '\0';
        return 0;
    }
    status = host_judge_label(label, size);
    if (status == 0)
        status = host_map_label(label, size, &mapped);
    if (status == 0 && mapped.size <= 4 * HOST_LABEL)
        memcpy(out + used, mapped.data, mapped.size + 1);
    else if (status == 0)
        status = THRUM_E_INVALID;
    gnutls_free(mapped.data);
    return status;
}

/* Label by label, since the mapping knows no "_". What comes of it is judged
 * like any other name. */
static int host_map(char ascii[THRUM_HOST_ROOM], const char *name,
                    const char **wrong)
{
    char out[HOST_WRITTEN * 2] = "";
    size_t written = strlen(name);

    *wrong = "the name is too long";
    if (written > HOST_WRITTEN)
        return THRUM_E_INVALID;
    for (const char *end; *name != '\0'; name = end) {
        int status;

        end = name + strcspn(name, ".");
        *wrong = "no internationalized name (IDNA2008)";
        status = host_add_label(out, name, (size_t)(end - name));
        if (status != 0)
            return status;
        *wrong = "the name is too long";
        if (strlen(out) > HOST_LONGEST)
            return THRUM_E_INVALID;
        if (*end == '.') {
            memcpy(out + strlen(out), ".", 2);
            end++;
        }
    }
    return host_finish(ascii, out, wrong);
}

int thrum_host_to_ascii(char ascii[THRUM_HOST_ROOM], const char *name,
                        const char **wrong)
{
    *wrong = NULL;
    return host_is_ascii(name) ? host_finish(ascii, name, wrong)
                               : host_map(ascii, name, wrong);
}

const char *thrum__host_shown(const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return "(control characters)";
    return name;
}
