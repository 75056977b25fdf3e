/* SPDX-License-Identifier: MIT */
/*
 * Socket addresses and their text, "127.0.0.1:25" or "[::1]:25".
 */
#ifndef THRUM_REACTOR_ADDRESS_H
#define THRUM_REACTOR_ADDRESS_H

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* "[", an address, "%", a scope, "]:", a port, and the NUL. */
enum { THRUM__ADDRESS_TEXT = INET6_ADDRSTRLEN + IF_NAMESIZE + 9 };

typedef union thrum__address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} thrum__address;

/* Reads an address in figures; IPv6 may name its scope, "fe80::1%eth0".
 * Returns 0, or THRUM_E_INVALID when it is none. */
int thrum__address_read(thrum__address *address, const char *host,
                        uint16_t port);

/* Writes the text of the address; "unknown" when it is of another family. */
void thrum__address_write(const thrum__address *address,
                          char text[THRUM__ADDRESS_TEXT]);

/* The size that the system wants to hear. */
socklen_t thrum__address_size(const thrum__address *address);

/* The port. */
uint16_t thrum__address_port(const thrum__address *address);

#endif
