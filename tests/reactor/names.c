/* SPDX-License-Identifier: MIT */
#include "tests/reactor/names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/support.h"

enum { HEADER = 12, MESSAGE = 8192, UDP = 512, NAME = 256 };
enum { NXDOMAIN = 3, TTL = 60, TRUNCATED = 2, MANY = 40, ALIASES = 4 };

/* An answer on its way. */
typedef struct reply {
    unsigned char bytes[MESSAGE];
    size_t size;
    size_t question; /* where it ends */
    char name[NAME];
    int type;
    const names_special *special;
} reply;

static void put(reply *self, unsigned long value, int octets)
{
    while (octets-- > 0)
        self->bytes[self->size++] = (unsigned char)(value >> 8 * octets);
}

/* A name, uncompressed; or strings that are parted by `mark`. */
static void put_parts(reply *self, const char *text, char mark)
{
    while (*text != '\0') {
        const char *end = strchrnul(text, mark);

        put(self, (unsigned long)(end - text), 1);
        memcpy(self->bytes + self->size, text, (size_t)(end - text));
        self->size += (size_t)(end - text);
        text = end + (*end != '\0');
    }
}

static void put_name(reply *self, const char *name)
{
    put_parts(self, name, '.');
    put(self, 0, 1);
}

static void put_data(reply *self, const names_record *record)
{
    if (record->type == NAMES_A || record->type == NAMES_AAAA) {
        inet_pton(record->type == NAMES_A ? AF_INET : AF_INET6, record->text,
                  self->bytes + self->size);
        self->size += record->type == NAMES_A ? 4 : 16;
    } else if (record->type == NAMES_TXT) {
        put_parts(self, record->text, '|');
        if (record->text[0] == '\0')
            put(self, 0, 1);
    } else {
        if (record->type != NAMES_CNAME)
            put(self, record->priority, 2);
        if (record->type == NAMES_SRV) {
            put(self, record->weight, 2);
            put(self, record->port, 2);
        }
        put_name(self, record->text);
    }
}

static void put_record(reply *self, const names_record *record)
{
    unsigned ttl = record->ttl == 0 ? TTL : record->ttl;
    int what = self->special != NULL ? self->special->what : 0;
    size_t start;

    if (strcmp(record->name, self->name) == 0)
        put(self, 0xc000 | HEADER, 2);
    else
        put_name(self, record->name);
    put(self, (unsigned)record->type, 2);
    put(self, 1, 2);
    put(self, ttl == NAMES_TTL_0 ? 0 : ttl, 4);
    put(self, 0, 2);
    start = self->size;
    put_data(self, record);
    if (what & NAMES_BROKEN_DATA)
        self->size--;
    self->bytes[start - 2] = (unsigned char)((self->size - start) >> 8);
    self->bytes[start - 1] = (unsigned char)(self->size - start);
    self->bytes[7]++;
    if (what & NAMES_CUT)
        self->size--;
}

/* The records of a type, and the aliases on the way there. Returns whether it
 * knows the name. */
static bool put_records(reply *self, const char *name, int aliases)
{
    bool known = false;

    for (const names_record *at = names_records; at->name != NULL; at++) {
        if (strcmp(at->name, name) != 0)
            continue;
        known = true;
        if (at->type == self->type)
            put_record(self, at);
        if (at->type != NAMES_CNAME || aliases == 0)
            continue;
        put_record(self, at);
        return put_records(self, at->text, aliases - 1);
    }
    return known;
}

static void put_many(reply *self)
{
    char host[NAME];

    for (unsigned i = 0; i < MANY; i++) {
        names_record record = {.name = self->name,
                               .type = NAMES_MX,
                               .text = host,
                               .priority = (i * 7) % MANY};

        snprintf(host, sizeof host, "mx%02u.many.test", record.priority);
        put_record(self, &record);
    }
}

/* The question's name, with dots. */
static void read_question(reply *self)
{
    size_t at = HEADER, used = 0;

    while (at < self->size && self->bytes[at] != 0) {
        unsigned length = self->bytes[at++];

        ck_assert_uint_le(at + length, self->size);
        ck_assert_uint_lt(used + length + 1, NAME);
        memcpy(self->name + used, self->bytes + at, length);
        used += length;
        self->name[used++] = '.';
        at += length;
    }
    self->name[used > 0 ? used - 1 : 0] = '\0';
    self->type = self->bytes[at + 2];
    self->question = at + 5;
}

static const names_special *find_special(const char *name)
{
    for (const names_special *at = names_specials; at->name != NULL; at++)
        if (strcmp(at->name, name) == 0)
            return at;
    return NULL;
}

/* Turns the question into its answer. Returns false: there is to be none. */
static bool answer(reply *self)
{
    const names_special *special;
    int code = 0, what;
    bool known;

    read_question(self);
    self->special = special = find_special(self->name);
    what = special != NULL ? special->what : 0;
    self->size = self->question;
    self->bytes[2] |= 0x80; /* an answer */
    self->bytes[7] = self->bytes[9] = self->bytes[11] = 0;
    if (what & NAMES_MANY && self->type == NAMES_MX)
        put_many(self);
    known = put_records(self, self->name, ALIASES);
    if (special != NULL)
        code = special->code;
    else if (!known)
        code = NXDOMAIN;
    self->bytes[3] = (unsigned char)(0x80 | code);
    return !(what & NAMES_SILENT) &&
           !(what & NAMES_SILENT_V4 && self->type == NAMES_A) &&
           !(what & NAMES_SILENT_V6 && self->type == NAMES_AAAA);
}

static void heard(names *self)
{
    self->asked++;
    if (self->on_asked != NULL)
        self->on_asked(self->ctx);
}

/* Another question's number, another question, and what is no answer. */
static void send_noise(const names *self, const reply *said,
                       const struct sockaddr_in *to)
{
    reply other = *said;

    other.bytes[0] ^= 1;
    sendto(self->fd, other.bytes, other.size, 0, (const struct sockaddr *)to,
           sizeof *to);
    other.bytes[0] ^= 1;
    other.bytes[HEADER + 1] ^= 1;
    sendto(self->fd, other.bytes, other.size, 0, (const struct sockaddr *)to,
           sizeof *to);
    for (size_t size = 0; size < HEADER; size++)
        sendto(self->fd, said->bytes, size, 0, (const struct sockaddr *)to,
               sizeof *to);
}

static void on_question(struct ev_loop *loop, ev_io *io, int events)
{
    names *self = io->data;
    reply said = {.size = 0};
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t got = recvfrom(self->fd, said.bytes, UDP, 0,
                           (struct sockaddr *)&from, &from_size);
    bool answers;
    int what;

    (void)loop;
    (void)events;
    ck_assert_int_gt(got, HEADER);
    said.size = (size_t)got;
    answers = answer(&said);
    what = said.special != NULL ? said.special->what : 0;
    heard(self);
    if (!answers)
        return;
    if (what & (NAMES_NOISE | NAMES_RUBBISH))
        send_noise(self, &said, &from);
    if (what & NAMES_RUBBISH)
        return;
    if (said.size > UDP) {
        said.bytes[2] |= TRUNCATED;
        said.size = said.question;
        said.bytes[7] = 0;
    }
    if (what & (said.type == NAMES_A ? NAMES_HELD_V4 : NAMES_HELD_V6)) {
        memcpy(self->held, said.bytes, said.size);
        self->held_size = said.size;
        self->held_for = from;
        return;
    }
    sendto(self->fd, said.bytes, said.size, 0, (struct sockaddr *)&from,
           from_size);
}

void names_release(names *self)
{
    ck_assert_uint_gt(self->held_size, 0);
    sendto(self->fd, self->held, self->held_size, 0,
           (struct sockaddr *)&self->held_for, sizeof self->held_for);
    self->held_size = 0;
}

/* One question a connection; it comes whole over loopback. */
static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
    names *self = io->data;
    int fd = accept(self->tcp, NULL, NULL);
    reply said = {.size = 0};
    unsigned char size[2];

    (void)loop;
    (void)events;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(recv(fd, size, 2, MSG_WAITALL), 2);
    said.size = (size_t)(size[0] << 8 | size[1]);
    ck_assert_int_eq(recv(fd, said.bytes, said.size, MSG_WAITALL),
                     (ssize_t)said.size);
    if (answer(&said)) {
        size[0] = (unsigned char)(said.size >> 8);
        size[1] = (unsigned char)said.size;
        send(fd, size, 2, MSG_MORE | MSG_NOSIGNAL);
        send(fd, said.bytes, said.size, MSG_NOSIGNAL);
    }
    close(fd);
    self->asked_tcp++;
    heard(self);
}

/* Both sockets at one port; whoever has one of them already makes it look for
 * another. */
static void open_sockets(names *self)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    for (;;) {
        address = (struct sockaddr_in){.sin_family = AF_INET};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        self->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        self->tcp = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(bind(self->fd, (struct sockaddr *)&address, size), 0);
        getsockname(self->fd, (struct sockaddr *)&address, &size);
        if (bind(self->tcp, (struct sockaddr *)&address, size) == 0)
            break;
        close(self->fd);
        close(self->tcp);
    }
    ck_assert_int_eq(listen(self->tcp, 16), 0);
    snprintf(self->address, sizeof self->address, "127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
}

void names_start(names *self, struct ev_loop *loop)
{
    memset(self, 0, sizeof *self);
    self->loop = loop;
    open_sockets(self);
    ev_io_init(&self->io, on_question, self->fd, EV_READ);
    ev_io_init(&self->tcp_io, on_connection, self->tcp, EV_READ);
    self->io.data = self->tcp_io.data = self;
    ev_io_start(loop, &self->io);
    ev_io_start(loop, &self->tcp_io);
    ev_unref(loop);
    ev_unref(loop);
}

void names_stop(names *self)
{
    ev_ref(self->loop);
    ev_ref(self->loop);
    ev_io_stop(self->loop, &self->io);
    ev_io_stop(self->loop, &self->tcp_io);
    close(self->fd);
    close(self->tcp);
}
