/* SPDX-License-Identifier: MIT */
/*
 * A long line between a client and a server of this machine: what comes from
 * either is passed on so much later, and the round trips are counted. Bare
 * sockets, so that what is measured is not measured by itself.
 *
 *     delay PORT MICROSECONDS
 *
 * prints the port at 127.0.0.1 where it listens, and connects each client to
 * PORT; MICROSECONDS is one way. On SIGTERM it prints one line of JSON: the
 * connections, the round trips of all together and of the longest, and how late
 * things were passed on beyond the delay (mean and most, in us).
 *
 * A round trip is what had to be waited for: what a client sends belongs to the
 * round after the newest one whose answer it was given, and an answer belongs
 * to the newest round that its server was given. As long as the delay is much
 * more than what the ends take for a round, this does not depend on time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LINES_MOST = 256,
    READ_SIZE = 65536,
    HELD_MOST = 4 * 1024 * 1024 /* bytes a way that wait; no more is read */
};

#define SECOND 1000000000

/* What was read at once; of size 0: the end. */
typedef struct parcel {
    struct parcel *next;
    int64_t due;
    uint64_t round;
    size_t size, sent;
    char data[];
} parcel;

typedef struct way {
    int from, to;
    bool asks;  /* from a client to its server */
    bool ended; /* nothing more comes */
    bool full;  /* the receiver takes no more now */
    size_t held;
    parcel *first, **last;
} way;

typedef struct line {
    way there, back;
    uint64_t given;    /* the newest round that the server was given */
    uint64_t answered; /* that whose answer the client was given */
} line;

static struct {
    int64_t delay;
    struct sockaddr_in server;
    int listener;
    size_t count;
    line *lines[LINES_MOST];
    uint64_t connections, rounds, longest;
    uint64_t parcels;
    int64_t late, latest;
} run;

static volatile sig_atomic_t over;

static void on_signal(int number)
{
    (void)number;
    over = 1;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

/* ---- Lines ---- */

static void way_open(way *self, int from, int to, bool asks)
{
    *self = (way){.from = from, .to = to, .asks = asks};
    self->last = &self->first;
}

static void line_open(void)
{
    int client = accept(run.listener, NULL, NULL);
    int server = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    line *self = calloc(1, sizeof *self);

    if (client < 0 || server < 0 || self == NULL || run.count == LINES_MOST ||
        connect(server, (struct sockaddr *)&run.server, sizeof run.server) != 0)
        die("delay: a connection");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    way_open(&self->there, client, server, true);
    way_open(&self->back, server, client, false);
    run.lines[run.count++] = self;
    run.connections++;
}

static void way_free(way *self)
{
    parcel *next;

    for (parcel *it = self->first; it != NULL; it = next) {
        next = it->next;
        free(it);
    }
}

static void line_close(line *self)
{
    run.rounds += self->given;
    if (run.longest < self->given)
        run.longest = self->given;
    close(self->there.from);
    close(self->there.to);
    way_free(&self->there);
    way_free(&self->back);
    free(self);
}

static bool way_is_over(const way *self)
{
    return self->ended && self->first == NULL;
}

static void lines_sweep(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < run.count; i++)
        if (way_is_over(&run.lines[i]->there) &&
            way_is_over(&run.lines[i]->back))
            line_close(run.lines[i]);
        else
            run.lines[kept++] = run.lines[i];
    run.count = kept;
}

/* ---- Parcels ---- */

/* An end that is reset has ended. */
static void way_read(line *on, way *self)
{
    static char data[READ_SIZE];
    ssize_t size = recv(self->from, data, sizeof data, MSG_DONTWAIT);
    parcel *it;

    if (size < 0 && errno == EAGAIN)
        return;
    self->ended = size <= 0;
    it = malloc(sizeof *it + (self->ended ? 0 : (size_t)size));
    if (it == NULL)
        die("delay");
    *it = (parcel){.due = now() + run.delay,
                   .round = self->asks ? on->answered + 1 : on->given};
    if (!self->ended)
        memcpy(it->data, data, it->size = (size_t)size);
    self->held += it->size;
    *self->last = it;
    self->last = &it->next;
}

static void count_late(int64_t late)
{
    run.parcels++;
    run.late += late;
    if (run.latest < late)
        run.latest = late;
}

static void way_drop(line *on, way *self)
{
    parcel *it = self->first;
    uint64_t *newest = self->asks ? &on->given : &on->answered;

    if (it->size > 0 && *newest < it->round)
        *newest = it->round;
    self->held -= it->size;
    self->first = it->next;
    if (self->first == NULL)
        self->last = &self->first;
    free(it);
}

/* One that is gone takes everything. */
static void way_pass(line *on, way *self, int64_t time)
{
    parcel *it;

    while ((it = self->first) != NULL && it->due <= time) {
        ssize_t sent = 0;

        if (it->sent == 0)
            count_late(now() - it->due);
        if (it->size == 0)
            shutdown(self->to, SHUT_WR);
        else
            sent = send(self->to, it->data + it->sent, it->size - it->sent,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
        self->full = sent < 0 && errno == EAGAIN;
        if (self->full)
            return;
        it->sent = sent < 0 ? it->size : it->sent + (size_t)sent;
        if (it->sent == it->size)
            way_drop(on, self);
    }
}

/* ---- The loop ---- */

static short wanted(const way *in, const way *out)
{
    bool more = !in->ended && in->held < HELD_MOST;

    return (short)((more ? POLLIN : 0) | (out->full ? POLLOUT : 0));
}

static int64_t first_due(int64_t due, const way *self)
{
    if (self->first == NULL || self->full || self->first->due > due)
        return due;
    return self->first->due;
}

/* Both ends of each line, the listener before them. A descriptor of which
 * nothing is wanted is left out, or its end would be told without end. */
static size_t watch(struct pollfd *polled)
{
    size_t count = 0;

    polled[count++] = (struct pollfd){.fd = run.listener, .events = POLLIN};
    for (size_t i = 0; i < run.count; i++) {
        way *there = &run.lines[i]->there, *back = &run.lines[i]->back;
        short client = wanted(there, back), server = wanted(back, there);

        polled[count++] = (struct pollfd){.fd = client != 0 ? there->from : -1,
                                          .events = client};
        polled[count++] = (struct pollfd){.fd = server != 0 ? back->from : -1,
                                          .events = server};
    }
    return count;
}

static void rest(struct pollfd *polled, size_t count, const sigset_t *signals)
{
    int64_t due = INT64_MAX, left;
    struct timespec time;

    for (size_t i = 0; i < run.count; i++)
        due = first_due(first_due(due, &run.lines[i]->there),
                        &run.lines[i]->back);
    left = due == INT64_MAX ? SECOND : due - now();
    if (left < 0)
        left = 0;
    time = (struct timespec){left / SECOND, left % SECOND};
    if (ppoll(polled, count, &time, signals) < 0 && errno != EINTR)
        die("delay: poll");
}

static void loop(const sigset_t *signals)
{
    static struct pollfd polled[2 * LINES_MOST + 1];

    while (!over) {
        size_t lines = run.count;

        rest(polled, watch(polled), signals);
        for (size_t i = 0; i < lines; i++) {
            line *on = run.lines[i];

            if (polled[2 * i + 1].revents & ~POLLOUT)
                way_read(on, &on->there);
            if (polled[2 * i + 2].revents & ~POLLOUT)
                way_read(on, &on->back);
            way_pass(on, &on->there, now());
            way_pass(on, &on->back, now());
        }
        if (polled[0].revents & POLLIN)
            line_open();
        lines_sweep();
    }
}

/* ---- The program ---- */

static void listen_here(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    socklen_t size = sizeof here;

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    run.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (run.listener < 0 ||
        bind(run.listener, (struct sockaddr *)&here, sizeof here) != 0 ||
        listen(run.listener, LINES_MOST) != 0 ||
        getsockname(run.listener, (struct sockaddr *)&here, &size) != 0)
        die("delay: listen");
    printf("%u\n", (unsigned)ntohs(here.sin_port));
    fflush(stdout);
}

/* It is told to end while it waits, and never between. */
static void mind_signals(sigset_t *waiting)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, waiting);
    sigaction(SIGTERM, &action, NULL);
}

static void print(void)
{
    double parcels = run.parcels > 0 ? (double)run.parcels : 1;

    while (run.count > 0)
        line_close(run.lines[--run.count]);
    printf("{\"connections\":%" PRIu64 ",\"rounds\":%" PRIu64
           ",\"longest\":%" PRIu64 ",\"parcels\":%" PRIu64
           ",\"late_us\":%.1f,\"late_most_us\":%.1f}\n",
           run.connections, run.rounds, run.longest, run.parcels,
           (double)run.late / parcels / 1e3, (double)run.latest / 1e3);
}

int main(int argc, char **argv)
{
    sigset_t signals;

    if (argc != 3) {
        fprintf(stderr, "delay PORT MICROSECONDS\n");
        return 64;
    }
    run.server.sin_family = AF_INET;
    run.server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    run.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    run.delay = (int64_t)strtoul(argv[2], NULL, 10) * 1000;
    /* The kernel may otherwise let it sleep 50 us longer. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    mind_signals(&signals);
    listen_here();
    loop(&signals);
    print();
    return 0;
}
