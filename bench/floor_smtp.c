/* SPDX-License-Identifier: MIT */
/*
 * The floor under every figure of this folder: what SMTP costs when nobody
 * composes, checks or reports anything. Bare sockets and epoll, no library.
 *
 *     floor_smtp PORT CONNECTIONS MESSAGES BYTES [MODE [WINDOW]]
 *
 * MODE is how far commands run ahead of replies:
 *     lockstep   four writes a message: each command waits for its reply
 *     pipelined  two: the envelope, and the text
 *     across     one: the text, and the envelope of the next message (RFC 2920,
 *                section 3.1); this one unless another is named
 *     chunked    whole messages, WINDOW (8) of them in flight (RFC 3030): one
 *                write for as many as were answered in one read
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

#define MAIL "MAIL FROM:<news@example.org>\r\n"
#define RCPT "RCPT TO:<ann@example.org>\r\n"
#define DATA "DATA\r\n"
#define ENVELOPE MAIL RCPT DATA
#define END ".\r\n"

enum {
    CONNECTIONS_MOST = 1000,
    BYTES_MOST = 60000,
    WINDOW_MOST = 256,
    READ_SIZE = 16384,
    CHUNK_REPLIES = 3 /* to MAIL, RCPT and BDAT */
};

typedef enum mode { LOCKSTEP, PIPELINED, ACROSS, CHUNKED, MODES } mode;

static const char *const mode_names[MODES] = {"lockstep", "pipelined", "across",
                                              "chunked"};

typedef enum stage { GREETING, HELLO, FLOWING } stage;

/* What is sent at once. */
typedef struct part {
    const char *data;
    size_t size;
    size_t replies; /* that it has */
    size_t ends;    /* messages that are taken when they are there */
} part;

typedef struct connection {
    int fd;
    stage stage;
    size_t awaited; /* replies that are still to come */
    size_t flying;  /* messages that were begun and are not taken */
    size_t ending;  /* of them, those that the awaited replies end */
    size_t step;    /* the part of a message that comes next */
    int column;     /* of the reply's line that is being read */
    char code, mark;
} connection;

static struct {
    mode mode;
    size_t window;
    size_t to_begin; /* messages of which nothing was sent yet */
    size_t taken;
    size_t writes, reads;
    size_t count; /* of the parts */
    part parts[4];
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

/* ---- What is sent ---- */

/* Lines of 76 bytes, so that the receiver has line ends to look at. */
static void make_text(char *text, size_t bytes)
{
    static const char header[] = "Subject: floor\r\n\r\n";

    memset(text, 'x', bytes);
    memcpy(text, header, sizeof header - 1);
    for (size_t at = sizeof header + 76; at + 2 < bytes; at += 78)
        memcpy(text + at, "\r\n", 2);
    memcpy(text + bytes - 2, "\r\n", 2);
}

static void add_part(const char *data, size_t size, size_t replies, size_t ends)
{
    run.parts[run.count++] = (part){data, size, replies, ends};
}

/* Of ACROSS the parts are what comes first, then for each message, and last. */
static void make_parts(size_t bytes)
{
    static char text[BYTES_MOST + sizeof END ENVELOPE];

    make_text(text, bytes);
    memcpy(text + bytes, END ENVELOPE, sizeof END ENVELOPE);
    if (run.mode == LOCKSTEP) {
        add_part(MAIL, sizeof MAIL - 1, 1, 0);
        add_part(RCPT, sizeof RCPT - 1, 1, 0);
        add_part(DATA, sizeof DATA - 1, 1, 0);
    } else {
        add_part(ENVELOPE, sizeof ENVELOPE - 1, 3, 0);
    }
    if (run.mode == ACROSS)
        add_part(text, bytes + sizeof END ENVELOPE - 1, 4, 1);
    add_part(text, bytes + sizeof END - 1, 1, 1);
}

/* A window of whole messages, of which as many leave as there is room for. */
static void make_chunks(size_t bytes)
{
    char head[128];
    int length =
        snprintf(head, sizeof head, MAIL RCPT "BDAT %zu LAST\r\n", bytes);
    size_t size = (size_t)length + bytes;
    char *window = malloc(run.window * size);

    if (window == NULL)
        die("memory");
    for (size_t i = 0; i < run.window; i++) {
        memcpy(window + i * size, head, (size_t)length);
        make_text(window + i * size + length, bytes);
    }
    add_part(window, size, CHUNK_REPLIES, 1);
}

static void put(connection *one, const part *what, size_t times)
{
    size_t size = what->size * times;

    errno = 0;
    if (send(one->fd, what->data, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("write");
    run.writes++;
    one->awaited += what->replies * times;
    one->ending += what->ends * times;
}

static void begin(connection *one, size_t messages)
{
    run.to_begin -= messages;
    one->flying += messages;
}

/* ---- What is sent when ---- */

/* Those below return 0 when the connection is over. */

static int proceed_chunked(connection *one)
{
    size_t room = run.window - one->flying;

    if (room > run.to_begin)
        room = run.to_begin;
    if (room > 0) {
        begin(one, room);
        put(one, &run.parts[0], room);
    }
    return one->flying > 0;
}

static int proceed_across(connection *one)
{
    size_t begun = one->flying;

    if (run.to_begin > 0)
        begin(one, 1);
    if (one->flying == 0)
        return 0;
    put(one, &run.parts[begun == 0 ? 0 : one->flying > begun ? 1 : 2], 1);
    return 1;
}

static int proceed_by_parts(connection *one)
{
    if (one->step == 0) {
        if (run.to_begin == 0)
            return 0;
        begin(one, 1);
    }
    put(one, &run.parts[one->step], 1);
    one->step = (one->step + 1) % run.count;
    return 1;
}

static int proceed(connection *one)
{
    static const part hello = {"EHLO floor\r\n", 12, 1, 0};

    if (one->stage == GREETING) {
        one->stage = HELLO;
        put(one, &hello, 1);
        return 1;
    }
    one->stage = FLOWING;
    if (run.mode == CHUNKED)
        return proceed_chunked(one);
    return run.mode == ACROSS ? proceed_across(one) : proceed_by_parts(one);
}

/* ---- What comes ---- */

/* A message of a window is taken with the last of its replies, any other with
 * the last of its part's. */
static void count_taken(connection *one)
{
    size_t open = one->awaited > 0 ? one->ending : 0, taken;

    if (run.mode == CHUNKED)
        open = (one->awaited + CHUNK_REPLIES - 1) / CHUNK_REPLIES;
    taken = one->stage == FLOWING ? one->ending - open : 0;
    one->ending -= taken;
    one->flying -= taken;
    run.taken += taken;
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
        if (one->mark != ' ')
            continue;
        if (one->awaited == 0)
            die("a reply to nothing");
        one->awaited--;
    }
}

/* Returns 0 when the connection is over. */
static int handle(connection *one)
{
    char data[READ_SIZE];
    ssize_t size = recv(one->fd, data, sizeof data, 0);

    if (size <= 0)
        die("read");
    run.reads++;
    read_replies(one, data, (size_t)size);
    count_taken(one);
    if (one->awaited > 0 && (run.mode != CHUNKED || one->stage != FLOWING))
        return 1;
    return proceed(one);
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

/* ---- The program ---- */

/* Returns the mode of a name, MODES when it is none. */
static mode find_mode(const char *name)
{
    mode found = LOCKSTEP;

    while (found < MODES && strcmp(name, mode_names[found]) != 0)
        found++;
    return found;
}

static void print(double seconds, double cpu)
{
    double taken = (double)run.taken;

    printf("{\"messages\":%zu,\"seconds\":%.3f,\"rate\":%.0f,\"cpu_us\":%.2f,"
           "\"writes\":%zu,\"reads\":%zu}\n",
           run.taken, seconds, taken / seconds, cpu * 1e6 / taken, run.writes,
           run.reads);
}

int main(int argc, char **argv)
{
    static connection connections[CONNECTIONS_MOST];
    size_t count = argc > 4 ? strtoul(argv[2], NULL, 10) : 0;
    size_t bytes = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    double start, cpu;

    run.mode = argc > 5 ? find_mode(argv[5]) : ACROSS;
    run.window = argc > 6 ? strtoul(argv[6], NULL, 10) : 8;
    if (count == 0 || count > CONNECTIONS_MOST || bytes < 100 ||
        bytes > BYTES_MOST || run.mode == MODES || run.window == 0 ||
        run.window > WINDOW_MOST) {
        fprintf(stderr, "floor_smtp PORT CONNECTIONS MESSAGES BYTES "
                        "[lockstep|pipelined|across|chunked [WINDOW]]\n");
        return 64;
    }
    if (run.mode == CHUNKED)
        make_chunks(bytes);
    else
        make_parts(bytes);
    run.to_begin = strtoul(argv[3], NULL, 10);
    start = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < count; i++)
        if (open_connection(epoll, &connections[i], argv[1]) != 0)
            die("connect");
    loop(epoll, count);
    print(now(CLOCK_MONOTONIC) - start, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return 0;
}
