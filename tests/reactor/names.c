/* SPDX-License-Identifier: MIT */
#include "tests/reactor/names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/support.h"

enum { HEADER = 12, MESSAGE = 512, A = 1, AAAA = 28 };
enum { NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3 };

typedef struct name_entry {
    const char *name;
    const char *v4[2];
    const char *v6;
    int code; /* -1: no answer */
} name_entry;

static const name_entry table[] = {
    {.name = "one.test", .v4 = {"127.0.0.1"}},
    {.name = "two.test", .v4 = {"127.0.0.2", "127.0.0.1"}},
    {.name = "six.test", .v6 = "::1"},
    {.name = "empty.test"},
    {.name = "broken.test", .code = SERVFAIL},
    {.name = "silent.test", .code = -1},
};
static const name_entry unknown = {.code = NXDOMAIN};

/* The question's name, with dots; returns where its type stands. */
static size_t read_name(const unsigned char *message, size_t size, char *name)
{
    size_t at = HEADER;

    while (at < size && message[at] != 0) {
        unsigned length = message[at++];

        ck_assert_uint_le(at + length, size);
        memcpy(name, message + at, length);
        name[length] = '.';
        name += length + 1;
        at += length;
    }
    name[at > HEADER ? -1 : 0] = '\0';
    return at + 1;
}

static const name_entry *look_up(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return &unknown;
}

static size_t add_record(unsigned char *message, size_t at, int type,
                         const char *text)
{
    static const unsigned char head[] = {0xc0, HEADER, 0, 0, 0, 1,
                                         0,    0,      0, 0, 0};
    size_t size = type == A ? 4 : 16;

    if (text == NULL)
        return at;
    memcpy(message + at, head, sizeof head);
    message[at + 3] = (unsigned char)type;
    message[at + sizeof head] = (unsigned char)size;
    at += sizeof head + 1;
    inet_pton(type == A ? AF_INET : AF_INET6, text, message + at);
    message[7]++; /* answers */
    return at + size;
}

static void on_question(struct ev_loop *loop, ev_io *io, int events)
{
    names *self = io->data;
    unsigned char message[MESSAGE];
    char name[MESSAGE];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t got = recvfrom(self->fd, message, sizeof message, 0,
                           (struct sockaddr *)&from, &from_size);
    const name_entry *entry;
    size_t end;

    (void)loop;
    (void)events;
    ck_assert_int_gt(got, HEADER);
    self->asked++;
    end = read_name(message, (size_t)got, name) + 4;
    entry = look_up(name);
    if (self->on_asked != NULL)
        self->on_asked(self->ctx);
    if (entry->code < 0)
        return;
    message[2] |= 0x80; /* an answer */
    message[3] = (unsigned char)(0x80 | entry->code);
    message[7] = message[9] = message[11] = 0;
    if (message[end - 3] == A)
        for (int i = 0; i < 2; i++)
            end = add_record(message, end, A, entry->v4[i]);
    else
        end = add_record(message, end, AAAA, entry->v6);
    sendto(self->fd, message, end, 0, (struct sockaddr *)&from, from_size);
}

void names_start(names *self, struct ev_loop *loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    memset(self, 0, sizeof *self);
    self->loop = loop;
    self->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(self->fd, (struct sockaddr *)&address, size), 0);
    getsockname(self->fd, (struct sockaddr *)&address, &size);
    snprintf(self->address, sizeof self->address, "127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
    ev_io_init(&self->io, on_question, self->fd, EV_READ);
    self->io.data = self;
    ev_io_start(loop, &self->io);
    ev_unref(loop);
}

void names_stop(names *self)
{
    ev_ref(self->loop);
    ev_io_stop(self->loop, &self->io);
    close(self->fd);
}
