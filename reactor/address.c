/* SPDX-License-Identifier: MIT */
#include "reactor/address.h"

#include <stdio.h>
#include <string.h>

#include <thrum/failure.h>

/* The scope is an interface's name; it matters for link-local addresses. */
static int address_read_v6(struct sockaddr_in6 *v6, const char *host)
{
    char alone[INET6_ADDRSTRLEN];
    size_t size = strcspn(host, "%");

    if (size >= sizeof alone)
        return THRUM_E_INVALID;
    memcpy(alone, host, size);
    alone[size] = '\0';
    if (inet_pton(AF_INET6, alone, &v6->sin6_addr) != 1)
        return THRUM_E_INVALID;
    if (host[size] == '%')
        v6->sin6_scope_id = if_nametoindex(host + size + 1);
    return host[size] == '%' && v6->sin6_scope_id == 0 ? THRUM_E_INVALID : 0;
}

int thrum__address_read(thrum__address *address, const char *host,
                        uint16_t port)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return 0;
    }
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(port);
    return address_read_v6(&address->v6, host);
}

static void address_write_v6(const struct sockaddr_in6 *v6, char *text)
{
    char figures[INET6_ADDRSTRLEN] = "";
    char scope[IF_NAMESIZE + 1] = "";

    inet_ntop(AF_INET6, &v6->sin6_addr, figures, sizeof figures);
    if (v6->sin6_scope_id != 0 &&
        if_indextoname(v6->sin6_scope_id, scope + 1) != NULL)
        scope[0] = '%';
    snprintf(text, THRUM__ADDRESS_TEXT, "[%s%s]:%u", figures, scope,
             (unsigned)ntohs(v6->sin6_port));
}

void thrum__address_write(const thrum__address *address,
                          char text[THRUM__ADDRESS_TEXT])
{
    char figures[INET_ADDRSTRLEN] = "";

    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, figures, sizeof figures);
        snprintf(text, THRUM__ADDRESS_TEXT, "%s:%u", figures,
                 (unsigned)ntohs(address->v4.sin_port));
    } else if (address->any.sa_family == AF_INET6) {
        address_write_v6(&address->v6, text);
    } else {
        snprintf(text, THRUM__ADDRESS_TEXT, "unknown");
    }
}

socklen_t thrum__address_size(const thrum__address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4
                                             : sizeof address->v6;
}

uint16_t thrum__address_port(const thrum__address *address)
{
    return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port
                                                   : address->v6.sin6_port);
}
