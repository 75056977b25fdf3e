/* SPDX-License-Identifier: MIT */
/*
 * What connections cost that do nothing: memory of the program, besides the
 * kernel's. The other ends are in a child, which costs the program nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/reactor/peer.h"

enum { MOST = 10000, SPARE = 64, BOUND = 4096 };

static struct {
    thrum_reactor *reactor;
    thrum_stream *streams[MOST];
    unsigned count, wanted, heard;
} idle;

/* The resident memory that is nobody else's, in bytes. */
static long resident(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[128];
    long size = -1;

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "RssAnon: %ld", &size) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return size * 1024;
}

/* As many as there may be descriptors. */
static unsigned allowed(void)
{
    struct rlimit limit;
    rlim_t most;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    most = limit.rlim_max > SPARE ? limit.rlim_max - SPARE : 0;
    return most < MOST ? (unsigned)most : MOST;
}

/* Connects, says a word on each, and stays until its input ends. */
static void call(uint16_t port, int input)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port)};
    char byte;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (unsigned i = 0; i < idle.wanted; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
            send(fd, "hello", 5, MSG_NOSIGNAL) != 5)
            _exit(1);
    }
    _exit(read(input, &byte, 1) == 0 ? 0 : 1);
}

static void on_received(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    (void)ctx;
    ck_assert_int_eq(thrum_stream_write(stream, data, size), 0);
    if (++idle.heard == idle.wanted)
        thrum_reactor_stop(idle.reactor);
}

static void on_accept(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    static const thrum_stream_handler handler = {.received = on_received};

    (void)ctx;
    thrum_stream_set_handler(stream, &handler, NULL, NULL);
    idle.streams[idle.count++] = stream;
    if (idle.count == idle.wanted)
        thrum_listener_free(listener);
}

/* Each connection has talked; then it rests. */
START_TEST(an_idle_connection_takes_at_most_4_kib)
{
    thrum_listener *listener;
    long before, each;
    int pipes[2], status = -1;
    pid_t child;

    idle.wanted = allowed();
    ck_assert_uint_ge(idle.wanted, 500);
    memset(idle.streams, 1, sizeof idle.streams); /* its pages are there */
    idle.reactor = loop_start();
    listener = thrum_listen_tcp(idle.reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(listener, on_accept, NULL, NULL);
    ck_assert_int_eq(pipe(pipes), 0);
    child = fork();
    if (child == 0) {
        close(pipes[1]);
        call(thrum_listener_port(listener), pipes[0]);
    }
    close(pipes[0]);
    before = resident();
    RUN_UNTIL(idle.reactor, idle.heard == idle.wanted);
    thrum_reactor_turn(idle.reactor);
    each = (resident() - before) / (long)idle.wanted;
    printf("%ld bytes each of %u idle connections\n", each, idle.wanted);
#ifndef __SANITIZE_ADDRESS__
    ck_assert_int_le(each, BOUND);
#endif
    for (unsigned i = 0; i < idle.count; i++)
        thrum_stream_unref(idle.streams[i]);
    thrum_reactor_run(idle.reactor);
    close(pipes[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    loop_end(idle.reactor);
}
END_TEST

int main(void)
{
    TCase *many = tcase_create("many");
    TCase *const cases[] = {many};

    loop_watchdog();
    tcase_set_timeout(many, 100);
    tcase_add_test(many, an_idle_connection_takes_at_most_4_kib);
    return support_main("stream_idle", cases, 1);
}
