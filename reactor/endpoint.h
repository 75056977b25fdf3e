/* SPDX-License-Identifier: MIT */
/*
 * Endpoints as <thrum/connect.h> describes them, read without any I/O.
 */
#ifndef THRUM_REACTOR_ENDPOINT_H
#define THRUM_REACTOR_ENDPOINT_H

#include <sys/socket.h>
#include <sys/un.h>

#include <thrum/failure.h>

/* The longest name has 253 octets as A-labels; in UTF-8 it may have four times
 * as many. With the NUL. */
enum { THRUM__ENDPOINT_HOST = 1024 };

typedef enum thrum__endpoint_kind {
    THRUM__ENDPOINT_TCP,
    THRUM__ENDPOINT_TLS,
    THRUM__ENDPOINT_UNIX
} thrum__endpoint_kind;

typedef struct thrum__endpoint {
    thrum__endpoint_kind kind;
    uint16_t port;                   /* 0 is for listeners */
    size_t port_at;                  /* where it stands, from 0 */
    char host[THRUM__ENDPOINT_HOST]; /* without brackets; "": a UNIX socket */
    const char *path;                /* "/PATH" or "@NAME", within the text */
} thrum__endpoint;

/* Reads an endpoint. Returns NULL, or what is wrong with the octet at *at, in
 * static words. A host outside ASCII is not judged here. */
const char *thrum__endpoint_read(thrum__endpoint *endpoint, const char *text,
                                 size_t *at);

/* The failure THRUM_E_INVALID that says so, and where: columns count from 1.
 * The endpoint itself is told, unless it holds a control character, or an "@"
 * where a host stands: then there may be a password before it. */
thrum_failure *thrum__endpoint_failure(thrum_context *context, const char *text,
                                       size_t at, const char *wrong);

/* Both at once. Ownership: new. Returns NULL, or the failure. */
thrum_failure *thrum__endpoint_parse(thrum_context *context,
                                     thrum__endpoint *endpoint,
                                     const char *text);

/* The socket address of "/PATH" or "@NAME". Returns its size, for the system;
 * 0: it is neither, or too long. */
socklen_t thrum__endpoint_unix(struct sockaddr_un *address, const char *path);

#endif
