/* SPDX-License-Identifier: MIT */
/*
 * Where listeners listen, and whom they let in: endpoints, UNIX sockets and
 * their files, limits, and what happens without descriptors. The clock is a
 * test's: nothing waits.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <thrum/listener.h>
#include <thrum/test_clock.h>

#include "tests/reactor/loop.h"

enum { GUESTS = 8 };

typedef struct house {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_reactor *reactor;
    thrum_stream *guests[GUESTS];
    int came;
    unsigned released;
    char folder[32];
    char path[64];
    char endpoint[80];
} house;

static void house_open(house *self)
{
    thrum_reactor_config config = {.context = support_context()};

    *self = (house){.context = config.context};
    self->clock = thrum_test_clock_new(self->context);
    config.clock = thrum_test_clock_clock(self->clock);
    self->reactor = thrum_reactor_new(&config);
    ck_assert_ptr_nonnull(self->reactor);
    snprintf(self->folder, sizeof self->folder, "/tmp/thrum-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(self->folder));
    snprintf(self->path, sizeof self->path, "%s/socket", self->folder);
    snprintf(self->endpoint, sizeof self->endpoint, "unix:%s", self->path);
}

static void house_close(house *self)
{
    for (int i = 0; i < GUESTS; i++)
        thrum_stream_unref(self->guests[i]);
    thrum_reactor_free(self->reactor);
    thrum_test_clock_free(self->clock);
    ck_assert_int_eq(rmdir(self->folder), 0);
    support_context_end(self->context);
}

static void settle(const house *self)
{
    int more;

    do
        ck_assert_int_ge(more = thrum_reactor_turn(self->reactor), 0);
    while (more == 1);
}

static void guest_came(thrum_listener *listener, thrum_stream *stream,
                       void *ctx)
{
    house *self = ctx;

    (void)listener;
    ck_assert_int_lt(self->came, GUESTS);
    self->guests[self->came++] = stream;
}

static void released(void *ctx)
{
    ((house *)ctx)->released++;
}

static void guest_leaves(house *self, int which)
{
    thrum_stream_unref(self->guests[which]);
    self->guests[which] = NULL;
    settle(self);
}

static thrum_listener *listen_at(house *self, const char *endpoint,
                                 const thrum_listener_config *config)
{
    thrum_failure *why = NULL;
    thrum_listener *listener =
        thrum_listen(self->reactor, endpoint, config, &why);

    ck_assert_msg(listener != NULL, "%s", thrum_failure_text(why));
    thrum_listener_accept(listener, guest_came, self, released);
    return listener;
}

/* A plain socket, connected to where the listener is. */
static int guest(const thrum_listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in v4;
    } to = {.any = {.sa_family = AF_UNSPEC}};
    const char *name = thrum_listener_name(listener);
    size_t length = strlen(name + 5);
    socklen_t size = sizeof to.v4;
    int fd;

    if (strncmp(name, "unix:", 5) == 0) {
        to.local.sun_family = AF_UNIX;
        memcpy(to.local.sun_path, name + 5, length);
        if (name[5] == '@')
            to.local.sun_path[0] = '\0';
        size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    } else {
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons(thrum_listener_port(listener));
        to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    fd = socket(to.any.sa_family, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, &to.any, size), 0);
    return fd;
}

/* ---- Endpoints ---- */

static const struct {
    const char *endpoint;
    const char *name; /* what it begins with */
} good[] = {
    {"tcp:127.0.0.1:0", "127.0.0.1:"},
    {"tcp:[::1]:0", "[::1]:"},
    {"tcp:0.0.0.0:0", "0.0.0.0:"},
    {"unix:@thrum-test-listen", "unix:@thrum-test-listen"},
};

START_TEST(a_listener_listens_where_its_endpoint_says)
{
    house self;
    thrum_listener *listener;

    house_open(&self);
    listener = listen_at(&self, good[_i].endpoint, NULL);
    ck_assert_int_eq(strncmp(thrum_listener_name(listener), good[_i].name,
                             strlen(good[_i].name)),
                     0);
    ck_assert_int_eq(thrum_listener_port(listener) != 0,
                     good[_i].endpoint[0] == 't');
    thrum_listener_free(listener);
    ck_assert_uint_eq(self.released, 1);
    house_close(&self);
}
END_TEST

static const struct {
    const char *endpoint;
    int code;
    const char *text;
} bad[] = {
    {"", THRUM_E_INVALID, ""},
    {"127.0.0.1:25", THRUM_E_INVALID, ""},
    {"tcp:127.0.0.1", THRUM_E_INVALID, ""},
    {"tls:127.0.0.1:0", THRUM_E_INVALID,
     "the endpoint tls:127.0.0.1:0, column 1: an endpoint tls: needs a "
     "certificate"},
    {"tcp:nowhere.test:0", THRUM_REACTOR_E_LISTEN,
     "nowhere.test: this is no address in figures"},
    {"unix:/nowhere/at/all", THRUM_REACTOR_E_LISTEN, "unix:/nowhere/at/all"},
    {"tcp:192.0.2.1:1", THRUM_REACTOR_E_LISTEN, "192.0.2.1, port 1"},
};

START_TEST(where_it_cannot_listen_is_said)
{
    thrum_failure *why = NULL;
    house self;

    house_open(&self);
    ck_assert_ptr_null(
        thrum_listen(self.reactor, bad[_i].endpoint, NULL, &why));
    ck_assert_int_eq(thrum_failure_code(why), bad[_i].code);
    ck_assert_ptr_nonnull(strstr(thrum_failure_text(why), bad[_i].text));
    thrum_failure_unref(why);
    ck_assert_ptr_null(
        thrum_listen(self.reactor, bad[_i].endpoint, NULL, NULL));
    thrum_listener_accept(NULL, guest_came, &self, released);
    ck_assert_uint_eq(self.released, 1);
    house_close(&self);
}
END_TEST

START_TEST(a_unix_path_that_is_too_long_is_refused)
{
    char path[200];
    thrum_failure *why = NULL;
    house self;

    house_open(&self);
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    ck_assert_ptr_null(thrum_listen_unix(self.reactor, path, NULL, &why));
    ck_assert_int_eq(thrum_failure_code(why), THRUM_REACTOR_E_LISTEN);
    thrum_failure_unref(why);
    house_close(&self);
}
END_TEST

START_TEST(processes_may_share_a_port_when_both_ask_for_it)
{
    thrum_listener_config config = {.reuse_port = 1};
    thrum_listener *one, *other;
    thrum_failure *why = NULL;
    uint16_t port;
    house self;

    house_open(&self);
    one = listen_at(&self, "tcp:127.0.0.1:0", &config);
    port = thrum_listener_port(one);
    other = thrum_listen_tcp(self.reactor, "127.0.0.1", port, &config, &why);
    ck_assert_ptr_nonnull(other);
    ck_assert_ptr_null(
        thrum_listen_tcp(self.reactor, "127.0.0.1", port, NULL, NULL));
    thrum_listener_free(one);
    thrum_listener_free(other);
    house_close(&self);
}
END_TEST

/* ---- Files ---- */

static mode_t mode_of(const char *path)
{
    struct stat file;

    ck_assert_int_eq(lstat(path, &file), 0);
    ck_assert(S_ISSOCK(file.st_mode));
    return file.st_mode & 07777;
}

static const struct {
    mode_t asked, umask, expected;
} modes[] = {
    {0, 022, 0600},  {0, 0, 0600},       {0666, 077, 0666},
    {0660, 0, 0660}, {0600, 0177, 0600}, {0770, 022, 0770},
};

START_TEST(the_file_has_the_mode_that_was_asked_for)
{
    thrum_listener_config config = {.mode = modes[_i].asked};
    mode_t before = umask(modes[_i].umask), now;
    thrum_listener *listener;
    house self;

    house_open(&self);
    chmod(self.folder, 0700);
    listener = listen_at(&self, self.endpoint, &config);
    now = umask(before);
    ck_assert_uint_eq(now, modes[_i].umask);
    ck_assert_uint_eq(mode_of(self.path), modes[_i].expected);
    thrum_listener_free(listener);
    ck_assert_int_eq(access(self.path, F_OK), -1);
    house_close(&self);
}
END_TEST

START_TEST(a_file_that_nobody_answers_at_is_replaced)
{
    struct sockaddr_un left = {.sun_family = AF_UNIX};
    thrum_listener *listener;
    house self;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    house_open(&self);
    snprintf(left.sun_path, sizeof left.sun_path, "%s", self.path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&left, sizeof left), 0);
    close(fd);
    listener = listen_at(&self, self.endpoint, NULL);
    fd = guest(listener);
    settle(&self);
    ck_assert_int_eq(self.came, 1);
    close(fd);
    thrum_listener_free(listener);
    house_close(&self);
}
END_TEST

START_TEST(a_file_that_somebody_answers_at_stays)
{
    thrum_listener *listener;
    thrum_failure *why = NULL;
    house self;
    int fd;

    house_open(&self);
    listener = listen_at(&self, self.endpoint, NULL);
    ck_assert_ptr_null(thrum_listen(self.reactor, self.endpoint, NULL, &why));
    ck_assert(thrum_failure_is(thrum_failure_cause(why), &thrum_domain_system,
                               EADDRINUSE));
    thrum_failure_unref(why);
    fd = guest(listener);
    close(fd);
    thrum_listener_free(listener);
    house_close(&self);
}
END_TEST

START_TEST(a_file_that_is_no_socket_stays)
{
    thrum_failure *why = NULL;
    house self;
    FILE *file;

    house_open(&self);
    file = fopen(self.path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_ptr_null(thrum_listen(self.reactor, self.endpoint, NULL, &why));
    ck_assert(thrum_failure_is(thrum_failure_cause(why), &thrum_domain_system,
                               EADDRINUSE));
    thrum_failure_unref(why);
    ck_assert_int_eq(unlink(self.path), 0);
    house_close(&self);
}
END_TEST

START_TEST(a_file_that_is_anothers_by_now_is_not_removed)
{
    thrum_listener *one, *other;
    house self;

    house_open(&self);
    one = listen_at(&self, self.endpoint, NULL);
    ck_assert_int_eq(unlink(self.path), 0);
    other = listen_at(&self, self.endpoint, NULL);
    thrum_listener_free(one);
    ck_assert_int_eq(access(self.path, F_OK), 0);
    thrum_listener_free(other);
    ck_assert_int_eq(access(self.path, F_OK), -1);
    house_close(&self);
}
END_TEST

/* ---- Who comes in ---- */

START_TEST(no_more_than_the_most_come_in_until_one_leaves)
{
    thrum_listener_config config = {.most = 2};
    thrum_listener *listener;
    int fds[5];
    house self;

    house_open(&self);
    listener =
        listen_at(&self, _i == 0 ? self.endpoint : "tcp:127.0.0.1:0", &config);
    for (int i = 0; i < 5; i++)
        fds[i] = guest(listener);
    settle(&self);
    ck_assert_int_eq(self.came, 2);
    guest_leaves(&self, 0);
    ck_assert_int_eq(self.came, 3);
    guest_leaves(&self, 1);
    guest_leaves(&self, 2);
    ck_assert_int_eq(self.came, 5);
    thrum_listener_free(listener);
    guest_leaves(&self, 3);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    house_close(&self);
}
END_TEST

START_TEST(peers_wait_until_somebody_takes_them)
{
    thrum_listener *listener;
    house self;
    int fd;

    house_open(&self);
    listener = thrum_listen(self.reactor, self.endpoint, NULL, NULL);
    fd = guest(listener);
    settle(&self);
    thrum_listener_accept(listener, guest_came, &self, released);
    ck_assert_int_eq(self.came, 0);
    settle(&self);
    ck_assert_int_eq(self.came, 1);
    thrum_listener_accept(listener, NULL, NULL, NULL);
    ck_assert_uint_eq(self.released, 1);
    close(guest(listener));
    settle(&self);
    ck_assert_int_eq(self.came, 1);
    close(fd);
    thrum_listener_free(listener);
    house_close(&self);
}
END_TEST

static void hands_on(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    house *self = ctx;

    thrum_listener_accept(listener, guest_came, self, released);
    ck_assert_uint_eq(self->released, 0); /* it is still ours */
    guest_came(listener, stream, ctx);
}

START_TEST(who_takes_them_may_change_in_a_call)
{
    thrum_listener *listener;
    house self;
    int fds[2];

    house_open(&self);
    listener = thrum_listen(self.reactor, self.endpoint, NULL, NULL);
    thrum_listener_accept(listener, hands_on, &self, released);
    for (int i = 0; i < 2; i++)
        fds[i] = guest(listener);
    settle(&self);
    ck_assert_int_eq(self.came, 2);
    ck_assert_uint_eq(self.released, 1);
    for (int i = 0; i < 2; i++)
        close(fds[i]);
    thrum_listener_free(listener);
    ck_assert_uint_eq(self.released, 2);
    house_close(&self);
}
END_TEST

/* ---- Without descriptors ---- */

/* No more than there are now. */
static struct rlimit take_descriptors_away(void)
{
    struct rlimit before, none;
    int next = dup(0);

    close(next);
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = (rlim_t)next;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

/* The end, or -1 when there is none yet. */
static ssize_t peek_end(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT);
}

START_TEST(a_short_want_of_descriptors_only_delays)
{
    thrum_listener *listener;
    struct rlimit before;
    house self;
    int fd;

    house_open(&self);
    listener = listen_at(&self, self.endpoint, NULL);
    fd = guest(listener);
    before = take_descriptors_away();
    settle(&self);
    ck_assert_int_eq(self.came, 0);
    setrlimit(RLIMIT_NOFILE, &before);
    settle(&self);
    ck_assert_int_eq(self.came, 0); /* it rests */
    thrum_test_clock_advance(self.clock, 100 * THRUM_MS);
    settle(&self);
    ck_assert_int_eq(self.came, 1);
    ck_assert_int_eq(peek_end(fd), -1);
    close(fd);
    thrum_listener_free(listener);
    house_close(&self);
}
END_TEST

START_TEST(in_a_long_want_of_descriptors_peers_are_told)
{
    thrum_listener *listener;
    struct rlimit before;
    house self;
    int fds[3], last;

    house_open(&self);
    listener = listen_at(&self, self.endpoint, NULL);
    for (int i = 0; i < 3; i++)
        fds[i] = guest(listener);
    before = take_descriptors_away();
    settle(&self);
    ck_assert_int_eq(peek_end(fds[0]), -1);
    thrum_test_clock_advance(self.clock, 100 * THRUM_MS);
    settle(&self);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(peek_end(fds[i]), 0);
    ck_assert_int_eq(self.came, 0);
    setrlimit(RLIMIT_NOFILE, &before);
    last = guest(listener);
    settle(&self);
    thrum_test_clock_advance(self.clock, 100 * THRUM_MS);
    settle(&self);
    ck_assert_int_eq(self.came, 1);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(last);
    thrum_listener_free(listener);
    house_close(&self);
}
END_TEST

START_TEST(a_listener_may_be_freed_while_it_rests)
{
    thrum_listener *listener;
    struct rlimit before;
    house self;
    int fd;

    house_open(&self);
    listener = listen_at(&self, self.endpoint, NULL);
    fd = guest(listener);
    before = take_descriptors_away();
    settle(&self);
    thrum_listener_free(listener);
    ck_assert_uint_eq(thrum_test_clock_pending(self.clock), 0);
    setrlimit(RLIMIT_NOFILE, &before);
    close(fd);
    house_close(&self);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("where"), tcase_create("files"),
                      tcase_create("who"), tcase_create("descriptors")};

    loop_watchdog();
    tcase_add_loop_test(cases[0], a_listener_listens_where_its_endpoint_says, 0,
                        (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(cases[0], where_it_cannot_listen_is_said, 0,
                        (int)(sizeof bad / sizeof *bad));
    tcase_add_test(cases[0], a_unix_path_that_is_too_long_is_refused);
    tcase_add_test(cases[0], processes_may_share_a_port_when_both_ask_for_it);
    tcase_add_loop_test(cases[1], the_file_has_the_mode_that_was_asked_for, 0,
                        (int)(sizeof modes / sizeof *modes));
    tcase_add_test(cases[1], a_file_that_nobody_answers_at_is_replaced);
    tcase_add_test(cases[1], a_file_that_somebody_answers_at_stays);
    tcase_add_test(cases[1], a_file_that_is_no_socket_stays);
    tcase_add_test(cases[1], a_file_that_is_anothers_by_now_is_not_removed);
    tcase_add_loop_test(cases[2],
                        no_more_than_the_most_come_in_until_one_leaves, 0, 2);
    tcase_add_test(cases[2], peers_wait_until_somebody_takes_them);
    tcase_add_test(cases[2], who_takes_them_may_change_in_a_call);
    tcase_add_test(cases[3], a_short_want_of_descriptors_only_delays);
    tcase_add_test(cases[3], in_a_long_want_of_descriptors_peers_are_told);
    tcase_add_test(cases[3], a_listener_may_be_freed_while_it_rests);
    return support_main("listen", cases, 4);
}
