/* SPDX-License-Identifier: MIT */
/*
 * The floor of echo.c: the same round trips by libev alone, with what a careful
 * program does besides: sockets that do not block, no delay, write interest
 * when a send was short. One connection, nothing allocated.
 *
 *     floor_echo COUNT      prints nanoseconds a round trip
 */
#include <arpa/inet.h>
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

#include <ev.h>

enum { SIZE = 64, ROOM = 64 * 1024 };

typedef struct end {
    ev_io reader, writer;
    char queue[ROOM];
    size_t queued, heard;
} end;

static end server, client;
static unsigned long left;

static void end_close(struct ev_loop *loop, end *self)
{
    ev_io_stop(loop, &self->reader);
    ev_io_stop(loop, &self->writer);
    close(self->reader.fd);
}

static void end_flush(struct ev_loop *loop, end *self)
{
    ssize_t sent =
        send(self->reader.fd, self->queue, self->queued, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        end_close(loop, self);
        return;
    }
    if (sent > 0) {
        self->queued -= (size_t)sent;
        memmove(self->queue, self->queue + sent, self->queued);
    }
    if (self->queued > 0)
        ev_io_start(loop, &self->writer);
    else if (ev_is_active(&self->writer))
        ev_io_stop(loop, &self->writer);
}

static void end_write(struct ev_loop *loop, end *self, const char *data,
                      size_t size)
{
    if (size > ROOM - self->queued) {
        end_close(loop, self);
        return;
    }
    memcpy(self->queue + self->queued, data, size);
    self->queued += size;
    if (!ev_is_active(&self->writer))
        end_flush(loop, self);
}

static void on_writable(struct ev_loop *loop, ev_io *writer, int events)
{
    (void)events;
    end_flush(loop, writer->data);
}

static void client_heard(struct ev_loop *loop, size_t size)
{
    static const char bytes[SIZE];

    client.heard += size;
    if (client.heard < SIZE)
        return;
    client.heard = 0;
    if (--left > 0)
        end_write(loop, &client, bytes, SIZE);
    else
        end_close(loop, &client);
}

static void on_readable(struct ev_loop *loop, ev_io *reader, int events)
{
    static char scratch[ROOM];
    ssize_t got = recv(reader->fd, scratch, sizeof scratch, 0);

    (void)events;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        end_close(loop, reader->data);
    else if (reader->data == &server)
        end_write(loop, &server, scratch, (size_t)got);
    else
        client_heard(loop, (size_t)got);
}

static void end_open(struct ev_loop *loop, end *self, int fd)
{
    int yes = 1;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ev_io_init(&self->reader, on_readable, fd, EV_READ);
    ev_io_init(&self->writer, on_writable, fd, EV_WRITE);
    self->reader.data = self->writer.data = self;
    ev_io_start(loop, &self->reader);
}

/* Both ends of a connection to this machine. Returns 0, or -1. */
static int connect_both(struct ev_loop *loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int accepted;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listening, (struct sockaddr *)&address, size) != 0 ||
        listen(listening, 1) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &size) != 0 ||
        connect(fd, (struct sockaddr *)&address, size) != 0)
        return -1;
    accepted = accept(listening, NULL, NULL);
    if (accepted < 0)
        return -1;
    close(listening);
    end_open(loop, &server, accepted);
    end_open(loop, &client, fd);
    return 0;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    static const char bytes[SIZE];
    struct ev_loop *loop = ev_loop_new(EVFLAG_NOSIGMASK);
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    double began;

    left = count;
    if (count == 0 || connect_both(loop) != 0)
        return EXIT_FAILURE;
    began = now();
    end_write(loop, &client, bytes, SIZE);
    ev_run(loop, 0);
    printf("%.1f\n", (now() - began) / (double)count);
    ev_loop_destroy(loop);
    return left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
