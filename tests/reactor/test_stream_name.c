/* SPDX-License-Identifier: MIT */
/*
 * What both ends of a stream are called.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "reactor/stream.h"
#include "tests/reactor/peer.h"

typedef struct named {
    const char *path; /* sun_path of the listening side */
    size_t size;      /* of it */
    const char *text;
} named;

/* The longest path has no NUL; an abstract name may hold any byte. Paths are
 * those of the folder in which the test runs. */
#define P100                                                                   \
    "thrum-test-0123456789012345678901234567890123456789012345678"             \
    "9012345678901234567890123456789012345678"
static const named paths[] = {
    {"thrum-test-name", 16, "unix:thrum-test-name"},
    {"thrum-test-name", 15, "unix:thrum-test-name"},
    {P100 "01234567", 108, "unix:" P100 "01234567"},
    {"thrum-test-\033[2J", 15, "unix:thrum-test-?[2J"},
    {"\0thrum-test", 11, "unix:@thrum-test"},
    {"\0thrum\0test\n", 12, "unix:@thrum@test?"},
};

static int unix_listen(struct sockaddr_un *address, socklen_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (address->sun_path[0] != '\0')
        unlink(address->sun_path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, size), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

static thrum_stream *stream_on(thrum_reactor *reactor, int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return thrum__stream_new(reactor, fd, NULL);
}

START_TEST(a_unix_socket_is_called_by_its_path)
{
    const named *want = &paths[_i];
    struct {
        struct sockaddr_un address;
        char end; /* what the kernel adds behind a path of full length */
    } where = {.address = {.sun_family = AF_UNIX}};
    socklen_t size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + want->size);
    int client = socket(AF_UNIX, SOCK_STREAM, 0), listening;
    thrum_reactor *reactor = loop_start();
    thrum_stream *asks, *serves;

    memcpy(where.address.sun_path, want->path, want->size);
    listening = unix_listen(&where.address, size);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&where.address, size),
                     0);
    serves = stream_on(reactor, accept(listening, NULL, NULL));
    asks = stream_on(reactor, client);
    close(listening);
    if (want->path[0] != '\0')
        unlink(where.address.sun_path);
    ck_assert_str_eq(thrum_stream_peer(asks), want->text);
    ck_assert_str_eq(thrum_stream_name(asks), "unix:");
    ck_assert_str_eq(thrum_stream_name(serves), want->text);
    ck_assert_str_eq(thrum_stream_peer(serves), "unix:");
    thrum_stream_unref(asks);
    thrum_stream_unref(serves);
    thrum_reactor_run(reactor);
    loop_end(reactor);
}
END_TEST

START_TEST(a_pair_is_called_by_what_it_is)
{
    static const char *const names[] = {
        [PEER_UNIX] = "unix:", [PEER_MEMORY] = "memory"};
    thrum_reactor *reactor = loop_start();
    thrum_stream *streams[2];

    peer_over = (peer_kind)_i;
    peer_pair(reactor, streams);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(thrum_stream_name(streams[i]), names[_i]);
        ck_assert_str_eq(thrum_stream_peer(streams[i]), names[_i]);
        thrum_stream_unref(streams[i]);
    }
    thrum_reactor_run(reactor);
    loop_end(reactor);
}
END_TEST

START_TEST(a_stream_that_was_closed_keeps_its_names)
{
    thrum_reactor *reactor = loop_start();
    thrum_stream *streams[2];

    peer_over = PEER_TCP;
    peer_pair(reactor, streams);
    thrum_stream_lose(streams[0]);
    thrum_stream_lose(streams[1]);
    thrum_reactor_run(reactor);
    ck_assert_str_eq(thrum_stream_name(streams[0]),
                     thrum_stream_peer(streams[1]));
    ck_assert_str_eq(thrum_stream_peer(streams[0]),
                     thrum_stream_name(streams[1]));
    ck_assert_int_eq(strncmp(thrum_stream_name(streams[0]), "127.0.0.1:", 10),
                     0);
    thrum_stream_unref(streams[0]);
    thrum_stream_unref(streams[1]);
    loop_end(reactor);
}
END_TEST

int main(void)
{
    TCase *names = tcase_create("names");
    TCase *const cases[] = {names};

    loop_watchdog();
    tcase_add_loop_test(names, a_unix_socket_is_called_by_its_path, 0,
                        sizeof paths / sizeof *paths);
    tcase_add_loop_test(names, a_pair_is_called_by_what_it_is, PEER_UNIX,
                        PEER_KINDS);
    tcase_add_test(names, a_stream_that_was_closed_keeps_its_names);
    return support_main("stream_name", cases, 1);
}
