/* SPDX-License-Identifier: MIT */
/*
 * What the two sides of a connected socket are called.
 */
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "reactor/stream.h"

typedef union name_address {
    thrum__address ip;
    struct sockaddr_un path;
} name_address;

/* A path may fill all its room, without a NUL; an abstract name begins with
 * one, and may hold any bytes (unix(7)). Both are other people's: nothing that
 * would move a terminal's cursor. */
static void name_write_path(const struct sockaddr_un *path, socklen_t size,
                            char text[THRUM__NAME])
{
    size_t before = offsetof(struct sockaddr_un, sun_path);
    size_t left = size > before ? size - before : 0;
    size_t at = strlen("unix:");
    bool abstract = left > 1 && path->sun_path[0] == '\0';

    memcpy(text, "unix:", at);
    for (size_t i = 0; i < left; i++) {
        unsigned char byte = (unsigned char)path->sun_path[i];

        if (byte == '\0' && !abstract)
            break;
        if (byte == '\0')
            byte = '@';
        text[at++] = byte < ' ' || byte == 127 ? '?' : (char)byte;
    }
    text[at] = '\0';
}

static void name_write(const name_address *address, socklen_t size,
                       char text[THRUM__NAME])
{
    if (address->path.sun_family == AF_UNIX)
        name_write_path(&address->path, size, text);
    else
        thrum__address_write(&address->ip, text);
}

void thrum__stream_names(int fd, const thrum__address *peer,
                         char names[2][THRUM__NAME])
{
    name_address address;
    socklen_t size = sizeof address;

    address.path.sun_family = AF_UNSPEC;
    getsockname(fd, &address.ip.any, &size);
    name_write(&address, size, names[0]);
    if (peer != NULL) {
        thrum__address_write(peer, names[1]);
        return;
    }
    size = sizeof address;
    address.path.sun_family = AF_UNSPEC;
    getpeername(fd, &address.ip.any, &size);
    name_write(&address, size, names[1]);
}
