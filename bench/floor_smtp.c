/* SPDX-License-Identifier: MIT */
/*
 * The floor under every figure of this folder: what SMTP costs when nobody
 * composes, checks or reports anything. Bare sockets and epoll, no library. The
 * text of a message and the envelope of the next one go out in one write (RFC
 * 2920 section 3.1), so a message costs one write and one read.
 *
 *     floor_smtp PORT CONNECTIONS MESSAGES BYTES
 *
 * The server is at 127.0.0.1. Prints one line of JSON; cpu_us is the user and
 * system time of this process for each message.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ENVELOPE                                                               \
    "MAIL FROM:<news@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n"
#define END ".\r\n"

enum { CONNECTIONS_MOST = 1000, BYTES_MOST = 60000, READ_SIZE = 4096 };

typedef enum stage { GREETING, HELLO, FIRST, FLOWING, QUITTING } stage;

typedef struct connection {
    int fd;
    stage stage;
    int awaited; /* replies that are still to come */
    int column;  /* of the reply's line that is being read */
    char code, mark;
} connection;

static struct {
    size_t bytes;
    size_t to_begin; /* messages whose envelope was not sent yet */
    size_t taken;
    char text[BYTES_MOST];
    char group[BYTES_MOST + sizeof END ENVELOPE];
} run;

static void die(const char *what)
{
    fprintf(stderr, "floor_smtp: %s: %s\n", what,
            errno != 0 ? strerror(errno) : "unexpected");
    exit(1);
}

static double now(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Lines of 76 bytes, so that the receiver has line ends to look at. */
static void make_text(size_t bytes)
{
    static const char header[] = "Subject: floor\r\n\r\n";

    memset(run.text, 'x', bytes);
    memcpy(run.text, header, sizeof header - 1);
    for (size_t at = sizeof header + 76; at + 2 < bytes; at += 78)
        memcpy(run.text + at, "\r\n", 2);
    memcpy(run.text + bytes - 2, "\r\n", 2);
    run.bytes = bytes;
}

static void put(connection *one, const char *data, size_t size, int replies)
{
    errno = 0;
    if (send(one->fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("write");
    one->awaited += replies;
}

/* Text of the message that was begun, and the envelope of the next. */
static void put_group(connection *one)
{
    size_t size = run.bytes;

    memcpy(run.group, run.text, size);
    memcpy(run.group + size, END, sizeof END - 1);
    size += sizeof END - 1;
    if (run.to_begin == 0) {
        put(one, run.group, size, 1);
        one->stage = QUITTING;
        return;
    }
    run.to_begin--;
    memcpy(run.group + size, ENVELOPE, sizeof ENVELOPE - 1);
    put(one, run.group, size + sizeof ENVELOPE - 1, 4);
}

/* All replies of a group have come. Returns 0 when the connection is over. */
static int proceed(connection *one)
{
    switch (one->stage) {
    case GREETING:
        put(one, "EHLO floor\r\n", 12, 1);
        one->stage = HELLO;
        return 1;
    case HELLO:
        if (run.to_begin == 0)
            return 0;
        run.to_begin--;
        put(one, ENVELOPE, sizeof ENVELOPE - 1, 3);
        one->stage = FIRST;
        return 1;
    case FIRST:
        one->stage = FLOWING;
        put_group(one);
        return 1;
    case FLOWING:
        run.taken++;
        put_group(one);
        return 1;
    case QUITTING:
        run.taken++;
        break;
    }
    return 0;
}

/* A reply ends with a line whose fourth byte is a blank. */
static void read_replies(connection *one, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (one->column == 0)
            one->code = data[i];
        else if (one->column == 3)
            one->mark = data[i];
        one->column++;
        if (data[i] != '\n')
            continue;
        one->column = 0;
        errno = 0;
        if (one->code != '2' && one->code != '3')
            die("a reply");
        one->awaited -= one->mark == ' ';
    }
}

/* Returns 0 when the connection is over. */
static int handle(connection *one)
{
    char data[READ_SIZE];
    ssize_t size = recv(one->fd, data, sizeof data, 0);

    if (size <= 0)
        die("read");
    read_replies(one, data, (size_t)size);
    return one->awaited > 0 ? 1 : proceed(one);
}

static int open_connection(int epoll, connection *one, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
    int yes = 1;

    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    one->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    one->awaited = 1;
    if (one->fd < 0 || connect(one->fd, (struct sockaddr *)&to, sizeof to) != 0)
        return -1;
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return epoll_ctl(epoll, EPOLL_CTL_ADD, one->fd, &event);
}

static void loop(int epoll, size_t open)
{
    struct epoll_event events[64];

    while (open > 0) {
        int count = epoll_wait(epoll, events, 64, -1);

        if (count < 0 && errno != EINTR)
            die("epoll");
        for (int i = 0; i < count; i++) {
            connection *one = events[i].data.ptr;

            if (handle(one))
                continue;
            send(one->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
            close(one->fd);
            open--;
        }
    }
}

int main(int argc, char **argv)
{
    static connection connections[CONNECTIONS_MOST];
    size_t count = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    size_t bytes = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    double start, cpu;

    if (count == 0 || count > CONNECTIONS_MOST || bytes < 100 ||
        bytes > BYTES_MOST) {
        fprintf(stderr, "floor_smtp PORT CONNECTIONS MESSAGES BYTES\n");
        return 64;
    }
    make_text(bytes);
    run.to_begin = strtoul(argv[3], NULL, 10);
    start = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < count; i++)
        if (open_connection(epoll, &connections[i], argv[1]) != 0)
            die("connect");
    loop(epoll, count);
    start = now(CLOCK_MONOTONIC) - start;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf(
        "{\"messages\":%zu,\"seconds\":%.3f,\"rate\":%.0f,\"cpu_us\":%.2f}\n",
        run.taken, start, (double)run.taken / start,
        cpu * 1e6 / (double)run.taken);
    return 0;
}
