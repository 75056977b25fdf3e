/* SPDX-License-Identifier: MIT */
/*
 * What an idle connection takes, and what the loop's turns are like while some
 * of them talk. The server is measured; the clients are a process of their own.
 *
 *     idle COUNT TALKERS SECONDS [CERTIFICATE]
 *
 * prints: bytes of RssAnon a connection, turns, and the lag of 50, 99 and
 * 99.9 % of them and the longest, in nanoseconds. A ticker of 1 ms runs
 * besides, so that a server without connections (COUNT 0) has turns as well. A
 * talker sends 64 bytes every 100 ms, when it has them back. With a certificate
 * it is over TLS.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thrum/thrum.h>

enum { WORDS = 64, OPENING = 100, SPARE = 64 };
#define REST (500 * THRUM_MS)
#define PAUSE (100 * THRUM_MS)
#define PATIENCE (300 * THRUM_S)

static const char words[WORDS];

/* ---- The clients ---- */

typedef struct clients {
    thrum_reactor *reactor;
    thrum_tls *tls;
    char endpoint[64];
    int go; /* a pipe: there they hear that they may talk */
    size_t opened, count, talkers;
    struct talker *all;
} clients;

typedef struct talker {
    clients *home;
    thrum_stream *stream;
    size_t heard;
} talker;

static void talk(void *ctx)
{
    talker *self = ctx;

    self->heard = 0;
    thrum_stream_write(self->stream, words, WORDS);
}

static void talker_received(thrum_stream *stream, const char *data, size_t size,
                            void *ctx)
{
    talker *self = ctx;

    (void)stream;
    (void)data;
    self->heard += size;
    if (self->heard == WORDS)
        thrum_clock_call_later(thrum_reactor_clock(self->home->reactor), PAUSE,
                               talk, self, NULL);
}

static const thrum_stream_handler talker_handler = {.received =
                                                        talker_received};

static thrum_outcome connected(void *stream, void *ctx)
{
    talker *self = ctx;

    self->stream = thrum_stream_ref(stream);
    thrum_stream_set_handler(stream, &talker_handler, self, NULL);
    return thrum_done();
}

static thrum_outcome open_next(void *ctx)
{
    clients *self = ctx;
    talker *next = &self->all[self->opened];
    thrum_deferred *call;

    if (self->opened++ == self->count)
        return thrum_done();
    next->home = self;
    call = thrum_connect(self->reactor, self->endpoint, self->tls, PATIENCE);
    thrum_deferred_add(call, connected, NULL, next, NULL);
    return thrum_wait(call);
}

/* Blocks, in a thread. The pipe ends with the server. */
static thrum_outcome hear(void *ctx)
{
    clients *self = ctx;
    char byte;

    if (read(self->go, &byte, 1) != 1)
        _exit(EXIT_SUCCESS);
    return thrum_done();
}

static thrum_outcome wait_for_go(void *nothing, void *ctx)
{
    clients *self = ctx;

    (void)nothing;
    return thrum_wait(thrum_defer_to_thread(self->reactor, hear, self, NULL));
}

/* They begin one after the other. */
static thrum_outcome talk_on(void *nothing, void *ctx)
{
    clients *self = ctx;
    thrum_clock *clock = thrum_reactor_clock(self->reactor);

    (void)nothing;
    for (size_t i = 0; i < self->talkers; i++)
        thrum_clock_call_later(clock,
                               PAUSE * (thrum_ns)i / (thrum_ns)self->talkers,
                               talk, &self->all[i], NULL);
    return thrum_wait(thrum_defer_to_thread(self->reactor, hear, self, NULL));
}

static thrum_deferred *clients_run(thrum_reactor *reactor, void *arg)
{
    static const thrum_tls_config anyone = {.trust_anyone = 1};
    clients *self = arg;
    thrum_deferred *all;

    self->reactor = reactor;
    if (strncmp(self->endpoint, "tls:", 4) == 0)
        self->tls =
            thrum_tls_new(thrum_reactor_context(reactor), &anyone, NULL);
    all = thrum_each(thrum_reactor_cooperator(reactor), open_next, self, NULL,
                     OPENING);
    thrum_deferred_add(all, wait_for_go, NULL, self, NULL);
    thrum_deferred_add(all, talk_on, NULL, self, NULL);
    return all;
}

/* ---- The server ---- */

typedef struct server {
    thrum_reactor *reactor;
    thrum_deferred *over;
    thrum_tls *tls;
    const char *certificate;
    size_t came, count, talkers;
    thrum_ns span;
    long before, after; /* KiB */
    int go;
    pid_t child;
    thrum_health health;
} server;

/* KiB of anonymous memory that is resident; -1: not to be had. */
static long memory(void)
{
    char line[128];
    long size = -1;
    FILE *status = fopen("/proc/self/status", "re");

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "RssAnon: %ld", &size) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return size;
}

static void tick(void *ctx)
{
    server *self = ctx;

    thrum_clock_call_later(thrum_reactor_clock(self->reactor), THRUM_MS, tick,
                           self, NULL);
}

static void server_end(void *ctx)
{
    server *self = ctx;

    thrum_reactor_get_health(self->reactor, &self->health);
    thrum_deferred_fire(self->over, NULL, NULL);
}

/* All have come, and what was theirs alone for a moment is given back. */
static void server_rested(void *ctx)
{
    server *self = ctx;

    self->after = memory();
    if (write(self->go, "g", 1) != 1)
        perror("idle");
    thrum_reactor_reset_health(self->reactor);
    thrum_clock_call_later(thrum_reactor_clock(self->reactor), self->span,
                           server_end, self, NULL);
}

static void echo(thrum_stream *stream, const char *data, size_t size, void *ctx)
{
    (void)ctx;
    thrum_stream_write(stream, data, size);
}

static void gone(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    thrum_stream_unref(stream);
}

static const thrum_stream_handler echoing = {.received = echo, .closed = gone};

static void rest(server *self)
{
    thrum_clock_call_later(thrum_reactor_clock(self->reactor), REST,
                           server_rested, self, NULL);
}

static void came(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    server *self = ctx;

    (void)listener;
    thrum_stream_set_handler(stream, &echoing, NULL, NULL);
    if (++self->came == self->count)
        rest(self);
}

static void server_start_clients(server *self, uint16_t port)
{
    clients them = {.count = self->count, .talkers = self->talkers};
    int go[2];

    if (pipe(go) != 0 || (self->child = fork()) < 0) {
        perror("idle");
        exit(EXIT_FAILURE);
    }
    if (self->child > 0) {
        close(go[0]);
        self->go = go[1];
        return;
    }
    close(go[1]);
    them.go = go[0];
    them.all = calloc(them.count + 1, sizeof *them.all);
    snprintf(them.endpoint, sizeof them.endpoint, "%s:127.0.0.1:%u",
             self->certificate != NULL ? "tls" : "tcp", (unsigned)port);
    _exit(thrum_react(clients_run, &them));
}

static thrum_deferred *server_run(thrum_reactor *reactor, void *arg)
{
    server *self = arg;
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_tls_config shown = {.certificate_file = self->certificate};
    thrum_listener_config how = {.within = PATIENCE};
    thrum_failure *why = NULL;
    thrum_listener *listener;

    self->reactor = reactor;
    self->over = thrum_deferred_new(context, "idle");
    if (self->certificate != NULL)
        how.tls = self->tls = thrum_tls_new(context, &shown, &why);
    if (why != NULL)
        return thrum_deferred_failed(context, why);
    listener = thrum_listen(
        reactor, self->tls != NULL ? "tls:127.0.0.1:0" : "tcp:127.0.0.1:0",
        &how, &why);
    if (listener == NULL)
        return thrum_deferred_failed(context, why);
    thrum_listener_accept(listener, came, self, NULL);
    server_start_clients(self, thrum_listener_port(listener));
    self->before = memory();
    tick(self);
    if (self->count == 0)
        rest(self);
    return self->over;
}

static void server_print(const server *self)
{
    static const uint32_t parts[] = {500000, 990000, 999000, 1000000};
    double grown = (double)(self->after - self->before) * 1024;

    printf("%.0f %" PRIu64, self->count > 0 ? grown / (double)self->count : 0.,
           self->health.turns);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        printf(" %" PRId64, thrum_health_lag(&self->health, parts[i]));
    printf("\n");
}

/* Whether so many descriptors may be open. */
static bool raise_limit(rlim_t wanted)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return true;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int main(int argc, char **argv)
{
    server self = {.child = 0};
    int status;

    if (argc < 4) {
        fputs("idle COUNT TALKERS SECONDS [CERTIFICATE]\n", stderr);
        return EXIT_FAILURE;
    }
    self.count = strtoul(argv[1], NULL, 10);
    self.talkers = strtoul(argv[2], NULL, 10);
    self.span = strtol(argv[3], NULL, 10) * THRUM_S;
    self.certificate = argc > 4 ? argv[4] : NULL;
    if (!raise_limit(self.count + SPARE)) {
        fprintf(stderr, "idle: cannot have %zu descriptors open (ulimit -n)\n",
                self.count + SPARE);
        return EXIT_FAILURE;
    }
    status = thrum_react(server_run, &self);
    close(self.go);
    if (self.child > 0)
        waitpid(self.child, NULL, 0);
    if (status == 0)
        server_print(&self);
    return status;
}
