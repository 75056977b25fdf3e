/* SPDX-License-Identifier: MIT */
/*
 * The floor of tls.c: the same by GnuTLS alone, without a loop, with what a
 * careful program does besides: sockets that do not block, no delay, the peer's
 * certificate and address verified. Both ends take turns.
 *
 *     floor_tls bulk|full|resumed FOLDER COUNT      as tls
 *     floor_tls exchange FOLDER COUNT BYTES         a client's share, by GnuTLS
 *         alone, of a record of BYTES that it sends and of a short answer: no
 *         socket, what is sent lies in memory
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

enum {
    PIECE = 16 * 1024,
    MIB = 1024 * 1024,
    PATH = 4096,
    SPARE = 1000,
    ANSWER = 60 /* of a server to four commands */
};

typedef struct end {
    gnutls_session_t session;
    int fd;
} end;

typedef struct bench {
    gnutls_certificate_credentials_t trusting, shown;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key, ticket; /* of the client */
    int listening;
    struct sockaddr_in address;
    int tickets;
    unsigned long resumed;
} bench;

/* What cannot be is no measure. */
static void need(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "floor_tls: %s\n", what);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void end_open(const bench *self, end *one, int fd, unsigned flags)
{
    int yes = 1;

    need(fd >= 0, "no connection");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    flags |= GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    if (!self->tickets)
        flags |= GNUTLS_NO_TICKETS;
    one->fd = fd;
    need(gnutls_init(&one->session, flags) == 0, "gnutls_init");
    gnutls_transport_set_int(one->session, fd);
    gnutls_handshake_set_timeout(one->session, 0);
    gnutls_priority_set(one->session, self->priority);
}

static void end_close(end *one)
{
    gnutls_deinit(one->session);
    close(one->fd);
}

static void bench_connect(bench *self, end *client, end *server)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    need(connect(fd, (struct sockaddr *)&self->address, sizeof self->address) ==
             0,
         "connect");
    end_open(self, client, fd, GNUTLS_CLIENT);
    end_open(self, server, accept(self->listening, NULL, NULL), GNUTLS_SERVER);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE,
                           self->trusting);
    gnutls_credentials_set(server->session, GNUTLS_CRD_CERTIFICATE,
                           self->shown);
    gnutls_session_set_verify_cert(client->session, "127.0.0.1", 0);
    if (!self->tickets)
        return;
    gnutls_session_ticket_enable_server(server->session, &self->ticket_key);
    if (self->ticket.size > 0)
        gnutls_session_set_data(client->session, self->ticket.data,
                                self->ticket.size);
}

static void bench_shake(bench *self, end *client, end *server)
{
    int one = GNUTLS_E_AGAIN, other = GNUTLS_E_AGAIN;

    while (one != 0 || other != 0) {
        if (one != 0)
            one = gnutls_handshake(client->session);
        if (other != 0)
            other = gnutls_handshake(server->session);
        need(gnutls_error_is_fatal(one) == 0, "the client's handshake");
        need(gnutls_error_is_fatal(other) == 0, "the server's handshake");
    }
    self->resumed += gnutls_session_is_resumed(client->session) != 0;
}

/* Until the other side has ended it. */
static void end_drain(end *one)
{
    char byte;
    ssize_t got;

    do
        got = gnutls_record_recv(one->session, &byte, sizeof byte);
    while (got > 0 || got == GNUTLS_E_AGAIN);
    need(got == 0, "no end");
}

static void bench_many(bench *self, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        end client, server;

        bench_connect(self, &client, &server);
        bench_shake(self, &client, &server);
        need(gnutls_record_send(server.session, ".", 1) == 1, "the byte");
        gnutls_bye(server.session, GNUTLS_SHUT_WR);
        end_drain(&client);
        if (self->tickets) {
            gnutls_free(self->ticket.data);
            gnutls_session_get_data2(client.session, &self->ticket);
        }
        gnutls_bye(client.session, GNUTLS_SHUT_WR);
        end_drain(&server);
        end_close(&client);
        end_close(&server);
    }
}

static double bench_bulk(bench *self, unsigned long count)
{
    static char bytes[PIECE];
    size_t queued = count * MIB, heard = queued;
    end client, server;
    double began;
    ssize_t moved;

    bench_connect(self, &client, &server);
    bench_shake(self, &client, &server);
    began = now();
    while (heard > 0) {
        while (queued > 0 &&
               (moved = gnutls_record_send(client.session, bytes, PIECE)) > 0)
            queued -= (size_t)moved;
        while ((moved = gnutls_record_recv(server.session, bytes, PIECE)) > 0)
            heard -= (size_t)moved;
        need(moved == GNUTLS_E_AGAIN, "reading");
    }
    began = now() - began;
    end_close(&client);
    end_close(&server);
    return began;
}

/* ---- In memory ---- */

/* What one end has sent, and the other has not read. */
typedef struct pipe_line {
    char bytes[2 * PIECE];
    size_t size, read;
} pipe_line;

typedef struct pipe_end {
    pipe_line *in, *out;
} pipe_end;

static ssize_t pipe_push(gnutls_transport_ptr_t it, const void *data,
                         size_t size)
{
    pipe_line *out = ((pipe_end *)it)->out;

    if (out->read == out->size)
        out->read = out->size = 0;
    need(size <= sizeof out->bytes - out->size, "a pipe is full");
    memcpy(out->bytes + out->size, data, size);
    out->size += size;
    return (ssize_t)size;
}

static ssize_t pipe_pull(gnutls_transport_ptr_t it, void *data, size_t size)
{
    pipe_line *in = ((pipe_end *)it)->in;
    size_t left = in->size - in->read;

    if (left == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (size > left)
        size = left;
    memcpy(data, in->bytes + in->read, size);
    in->read += size;
    return (ssize_t)size;
}

static void pipe_put(const end *one, pipe_end *its)
{
    gnutls_transport_set_ptr(one->session, its);
    gnutls_transport_set_push_function(one->session, pipe_push);
    gnutls_transport_set_pull_function(one->session, pipe_pull);
}

static double cpu(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The client's calls alone are timed, those of the server lie between. What
 * else the machine did meanwhile is taken off: its share of the whole. */
static double bench_exchange(bench *self, unsigned long count, size_t size)
{
    static char bytes[PIECE];
    static pipe_line there, back;
    pipe_end ours = {&back, &there}, theirs = {&there, &back};
    double took = 0, began, whole, used;
    end client, server;

    need(size > 0 && size <= PIECE, "BYTES are those of a record");
    bench_connect(self, &client, &server);
    pipe_put(&client, &ours);
    pipe_put(&server, &theirs);
    bench_shake(self, &client, &server);
    whole = now();
    used = cpu();
    for (unsigned long i = 0; i < count; i++) {
        ssize_t sent, heard;

        began = now();
        sent = gnutls_record_send(client.session, bytes, size);
        took += now() - began;
        need(sent == (ssize_t)size, "sending");
        sent = gnutls_record_recv(server.session, bytes, PIECE);
        need(sent == (ssize_t)size, "reading");
        gnutls_record_send(server.session, bytes, ANSWER);
        began = now();
        heard = gnutls_record_recv(client.session, bytes, PIECE);
        took += now() - began;
        need(heard == ANSWER, "the answer");
    }
    took *= (cpu() - used) / (now() - whole);
    end_close(&client);
    end_close(&server);
    return took;
}

static void bench_prepare(bench *self, const char *folder)
{
    char ca[PATH], own[PATH];
    socklen_t size = sizeof self->address;

    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(own, sizeof own, "%s/ip.pem", folder);
    gnutls_certificate_allocate_credentials(&self->trusting);
    gnutls_certificate_allocate_credentials(&self->shown);
    need(gnutls_certificate_set_x509_trust_file(self->trusting, ca,
                                                GNUTLS_X509_FMT_PEM) > 0,
         ca);
    need(gnutls_certificate_set_x509_key_file(self->shown, own, own,
                                              GNUTLS_X509_FMT_PEM) >= 0,
         own);
    gnutls_priority_init(&self->priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3",
                         NULL);
    gnutls_session_ticket_key_generate(&self->ticket_key);
    self->address.sin_family = AF_INET;
    self->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    self->listening = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(self->listening, (struct sockaddr *)&self->address, size) == 0 &&
             listen(self->listening, SPARE) == 0 &&
             getsockname(self->listening, (struct sockaddr *)&self->address,
                         &size) == 0,
         "cannot listen");
}

static void bench_end(bench *self)
{
    close(self->listening);
    gnutls_free(self->ticket.data);
    gnutls_free(self->ticket_key.data);
    gnutls_priority_deinit(self->priority);
    gnutls_certificate_free_credentials(self->trusting);
    gnutls_certificate_free_credentials(self->shown);
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    bench self = {.tickets = 0};
    double took;

    need(count > 0, "usage: floor_tls bulk|full|resumed FOLDER COUNT");
    self.tickets = strcmp(argv[1], "resumed") == 0;
    bench_prepare(&self, argv[2]);
    took = now();
    if (strcmp(argv[1], "bulk") == 0) {
        took = bench_bulk(&self, count);
    } else if (strcmp(argv[1], "exchange") == 0) {
        took = bench_exchange(&self, count,
                              argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
    } else {
        bench_many(&self, count);
        took = now() - took;
    }
    printf("%.1f\n", took / (double)count);
    bench_end(&self);
    return self.resumed == (self.tickets ? count - 1 : 0) ? EXIT_SUCCESS
                                                          : EXIT_FAILURE;
}
