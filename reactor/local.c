/* SPDX-License-Identifier: MIT */
/*
 * c-ares reads the files, afresh each time: a channel that looks nowhere else
 * answers before its call returns.
 */
#include "reactor/local.h"

#include <ares.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <thrum/failure.h>

static void local_add_address(thrum__local *self, const struct sockaddr *found)
{
    thrum__address *address = &self->addresses[self->found];

    if (self->found == THRUM__LOCAL_ADDRESSES)
        return;
    if (found->sa_family == AF_INET)
        address->v4 = *(const struct sockaddr_in *)(const void *)found;
    else if (found->sa_family == AF_INET6)
        address->v6 = *(const struct sockaddr_in6 *)(const void *)found;
    else
        return;
    self->found++;
}

static void local_answered(void *arg, int status, int timeouts,
                           struct ares_addrinfo *found)
{
    (void)status;
    (void)timeouts;
    if (found == NULL)
        return;
    for (struct ares_addrinfo_node *node = found->nodes; node != NULL;
         node = node->ai_next)
        local_add_address(arg, node->ai_addr);
    ares_freeaddrinfo(found);
}

/* "localhost", and what ends in ".localhost". */
static bool local_is_localhost(const char *name)
{
    static const char localhost[] = "localhost";
    size_t size = strlen(name), last = sizeof localhost - 1;

    return size >= last && strcmp(name + size - last, localhost) == 0 &&
           (size == last || name[size - last - 1] == '.');
}

static void local_add_loopback(thrum__local *self)
{
    thrum__address_read(&self->addresses[0], "::1", 0);
    thrum__address_read(&self->addresses[1], "127.0.0.1", 0);
    self->found = 2;
}

static void local_add_name(thrum__local *self, const char *name,
                           const char *domain)
{
    int size;

    if (self->count == THRUM__LOCAL_NAMES)
        return;
    size = snprintf(self->names[self->count], THRUM_HOST_ROOM, "%s%s%s", name,
                    domain[0] == '\0' ? "" : ".", domain);
    if (size > 0 && size < THRUM_HOST_ROOM)
        self->count++;
}

static size_t local_dots(const char *name)
{
    size_t dots = 0;

    for (; *name != '\0'; name++)
        dots += *name == '.';
    return dots;
}

/* A name with enough dots is asked for as it is first, another one last. */
static void local_add_names(thrum__local *self, const char *name,
                            const struct ares_options *options)
{
    const char *wrong;
    char domain[THRUM_HOST_ROOM];
    bool first = local_dots(name) >= (size_t)options->ndots;

    if (first)
        local_add_name(self, name, "");
    for (int i = 0;
         i < options->ndomains && self->count < THRUM__LOCAL_NAMES - 1; i++)
        if (thrum_host_to_ascii(domain, options->domains[i], &wrong) == 0)
            local_add_name(self, name, domain);
    if (!first)
        local_add_name(self, name, "");
}

static int local_ask(thrum__local *self, ares_channel channel, const char *name,
                     bool absolute)
{
    static const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT,
                                                     .ai_family = AF_UNSPEC,
                                                     .ai_socktype =
                                                         SOCK_STREAM};
    struct ares_options options = {0};
    int mask, status;

    ares_getaddrinfo(channel, name, NULL, &hints, local_answered, self);
    if (self->found == 0 && local_is_localhost(name))
        local_add_loopback(self);
    status = ares_save_options(channel, &options, &mask);
    if (status == ARES_SUCCESS && absolute)
        local_add_name(self, name, "");
    else if (status == ARES_SUCCESS)
        local_add_names(self, name, &options);
    ares_destroy_options(&options);
    return status == ARES_SUCCESS ? 0 : THRUM_E_NOMEM;
}

int thrum__local_find(thrum__local *local, const char *name)
{
    char lookups[] = "f";
    char alone[THRUM_HOST_ROOM];
    struct ares_options options = {.lookups = lookups};
    size_t size = strlen(name);
    bool absolute = size > 0 && name[size - 1] == '.';
    ares_channel channel;
    int status;

    local->found = local->count = 0;
    snprintf(alone, sizeof alone, "%.*s", (int)(size - absolute), name);
    if (ares_init_options(&channel, &options, ARES_OPT_LOOKUPS) != ARES_SUCCESS)
        return THRUM_E_NOMEM;
    status = local_ask(local, channel, alone, absolute);
    ares_destroy(channel);
    return status;
}
