/* SPDX-License-Identifier: MIT */
/*
 * Giving a message up, wherever it is: what its sender is told, and that the
 * server does not get it, unless that cannot be known.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thrum/health.h>

#include "tests/smtp/post.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

static post box;

static const peer_config kind;
static const thrum_mailer_config one = {.connections = 1};

/* ---- At each stage of a dialogue ---- */

static struct {
    const char *at;
    bool done;
} cut;

static void cancel_at(const char *line, void *ctx)
{
    post *self = ctx;

    if (cut.done || strncmp(line, cut.at, strlen(cut.at)) != 0)
        return;
    cut.done = true;
    thrum_deferred_cancel(self->deferred[1]);
}

static const struct {
    const char *row;
    const char *at;
    peer_config peer;
    thrum_smtp_tls tls;
    thrum_smtp_mode mode;
    char fate;
} stages[] = {
    {"EHLO", "EHLO", {.lockstep = false}, 0, 0, 'X'},
    {"STARTTLS", "STARTTLS", {.certificate = "ip"}, 0, 0, 'X'},
    {"the handshake",
     "(hello)",
     {.certificate = "ip", .stalls_at = "(hello)"},
     THRUM_SMTP_TLS_REQUIRED,
     0,
     'X'},
    {"the handshake, at once",
     "(hello)",
     {.certificate = "ip", .implicit = true, .stalls_at = "(hello)"},
     0,
     0,
     'X'},
    {"MAIL", "MAIL", {.lockstep = false}, 0, 0, 'X'},
    {"MAIL, unanswered", "MAIL", {.stalls_at = "MAIL"}, 0, 0, 'X'},
    {"MAIL in lockstep", "MAIL", {.lockstep = true}, 0, 0, 'X'},
    {"RCPT", "RCPT", {.lockstep = false}, 0, 0, 'X'},
    {"RCPT in lockstep", "RCPT", {.lockstep = true}, 0, 0, 'X'},
    {"DATA", "DATA", {.lockstep = false}, 0, 0, 'X'},
    {"DATA in lockstep", "DATA", {.lockstep = true}, 0, 0, 'X'},
    {"the body", "(body)", {.lockstep = false}, 0, 0, 'X'},
    {"the dot", ".", {.stalls_at = "."}, 0, 0, 'D'},
    {"the dot of a chunk",
     ".",
     {.stalls_at = ".", .chunking = true},
     0,
     0,
     'D'},
    {"the dot within TLS",
     ".",
     {.stalls_at = ".", .certificate = "ip"},
     THRUM_SMTP_TLS_REQUIRED,
     0,
     'D'},
};

/* More than the kernel takes at once: so it is given up in its middle. */
static thrum_message *long_letter(int number)
{
    enum { SIZE = 24 * 1024 * 1024, LINE = 60 };
    thrum_message *letter = script_letter(box.context, number, 1);
    char *text = malloc(SIZE);

    memset(text, 'x', SIZE);
    for (size_t i = LINE - 1; i < SIZE; i += LINE)
        text[i] = '\n';
    thrum_message_set_text(letter, text, SIZE);
    free(text);
    return letter;
}

START_TEST(a_letter_given_up_ends_as_its_stage_has_it)
{
    thrum_mailer_config mailer = {
        .connections = 1, .tls = stages[_i].tls, .mode = stages[_i].mode};
    char fate[2] = {stages[_i].fate, '\0'};

    cut.at = stages[_i].at;
    cut.done = false;
    ck_assert(post_open_still(&box, &stages[_i].peer, &mailer));
    box.peer.on_line = cancel_at;
    box.peer.ctx = &box;
    box.expected = 1;
    post_send_letter(&box, strcmp(cut.at, "(body)") == 0
                               ? long_letter(1)
                               : script_letter(box.context, 1, 1));
    post_settle(&box);
    ck_assert(cut.done);
    ck_assert_str_eq(box.fates, fate);
    post_pass(&box, 5 * THRUM_S); /* a peer that is silent gets no more */
    ck_assert_int_eq(peer_taken(&box.peer), 0);
    ck_assert_uint_eq(thrum_mailer_get_stats(box.mailer).failed, 1);
    ck_assert_int_eq(box.closed, 1);
    if (stages[_i].fate == 'D')
        ck_assert_ptr_nonnull(strstr(box.text, "to its end and not answered"));
    post_expect(&box, fate);
}
END_TEST

/* The same among others, which must all arrive: each once. Of a letter so small
 * the end has left with the beginning. */
START_TEST(a_letter_given_up_among_others_takes_none_with_it)
{
    thrum_mailer_config mailer = {
        .connections = 1, .tls = stages[_i].tls, .mode = stages[_i].mode};

    bool small = strcmp(stages[_i].at, "(body)") == 0;

    if (stages[_i].peer.stalls_at != NULL)
        return;
    cut.at = stages[_i].at;
    cut.done = false;
    ck_assert(post_open(&box, &stages[_i].peer, &mailer));
    box.peer.on_line = cancel_at;
    box.peer.ctx = &box;
    post_send(&box, 6);
    post_run(&box);
    ck_assert(cut.done);
    ck_assert_int_eq(box.peer.taken[1], small);
    for (int number = 2; number <= 6; number++)
        ck_assert_int_eq(box.peer.taken[number], 1);
    post_expect(&box, small ? "DAAAAA" : "XAAAAA");
}
END_TEST

/* ---- Where one ends while others are told ---- */

static const struct {
    peer_config peer;
    thrum_smtp_mode mode;
} manners[] = {
    {{.lockstep = false}, THRUM_SMTP_MODE_BEST},
    {{.lockstep = false}, THRUM_SMTP_MODE_PIPELINED},
    {{.lockstep = true}, THRUM_SMTP_MODE_BEST},
    {{.chunking = true}, THRUM_SMTP_MODE_BEST},
};

static int other;

static void cancel_other(post *self, int number)
{
    if (number == 1)
        thrum_deferred_cancel(self->deferred[other]);
}

/* It was taken if and only if its sender is told so; or it is in doubt. */
START_TEST(a_letter_given_up_when_another_has_ended_is_not_sent)
{
    thrum_mailer_config mailer = {.connections = 1,
                                  .mode = manners[_i / 5].mode};

    other = 2 + _i % 5;
    ck_assert(post_open(&box, &manners[_i / 5].peer, &mailer));
    box.on_end = cancel_other;
    post_send(&box, 7);
    post_run(&box);
    for (int number = 1; number <= 7; number++) {
        char fate = box.fates[number - 1];

        ck_assert(number == other ? strchr("AXD", fate) != NULL : fate == 'A');
        if (fate != 'D')
            ck_assert_int_eq(box.peer.taken[number], fate == 'A');
        ck_assert_int_le(box.peer.taken[number], 1);
    }
    ck_assert(manners[_i / 5].peer.chunking || box.fates[other - 1] == 'X');
    post_free(&box);
}
END_TEST

/* ---- Before there is a connection ---- */

static size_t attempts(void)
{
    thrum_health health;

    thrum_reactor_get_health(box.reactor, &health);
    return health.connects;
}

static void some_turns(void)
{
    for (int i = 0; i < 5; i++)
        thrum_reactor_turn(box.reactor);
}

/* A socket of loopback that nobody reads from; its address in `name`. */
static int bind_socket(int type, struct sockaddr_in *address, char name[32])
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
    snprintf(name, 32, "127.0.0.1:%u", (unsigned)ntohs(address->sin_port));
    return fd;
}

START_TEST(an_attempt_that_nobody_needs_is_given_up)
{
    ck_assert(post_open(&box, &kind, &one));
    box.expected = 1; /* not to be closed */
    post_send(&box, 2);
    ck_assert_uint_eq(attempts(), 1);
    thrum_deferred_cancel(box.deferred[1]);
    ck_assert_uint_eq(attempts(), 1);
    thrum_deferred_cancel(box.deferred[2]);
    ck_assert_uint_eq(attempts(), 0);
    ck_assert_str_eq(box.fates, "XX");
    post_stop_peer(&box);
    post_run(&box);
    ck_assert_uint_eq(box.peer.served, 0);
    post_expect(&box, "XX");
}
END_TEST

/* A name server that never answers. */
START_TEST(a_letter_whose_server_is_looked_up_is_given_up_at_once)
{
    struct sockaddr_in address;
    char name[32];
    int fd = bind_socket(SOCK_DGRAM, &address, name);

    ck_assert(post_open_among(
        &box, &(thrum_reactor_config){.nameservers = name}, &kind,
        &(thrum_mailer_config){.via = "smtp://mail.test"}));
    post_send(&box, 1);
    some_turns();
    ck_assert_uint_ge(attempts(), 1);
    thrum_deferred_cancel(box.deferred[1]);
    ck_assert_uint_eq(attempts(), 0);
    post_run(&box);
    ck_assert_int_eq(box.closed, 1);
    post_expect(&box, "X");
    close(fd);
}
END_TEST

/* A listener whose queue is full: who connects then waits. */
START_TEST(a_letter_whose_server_does_not_take_the_connection_is_given_up)
{
    struct sockaddr_in address;
    char name[32], url[64];
    int fd = bind_socket(SOCK_STREAM, &address, name), callers[4];

    listen(fd, 0);
    for (int i = 0; i < 4; i++) {
        callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(callers[i], (struct sockaddr *)&address, sizeof address);
    }
    snprintf(url, sizeof url, "smtp://%s", name);
    ck_assert(post_open(&box, &kind, &(thrum_mailer_config){.via = url}));
    post_send(&box, 1);
    some_turns();
    ck_assert_uint_eq(attempts(), 1);
    thrum_deferred_cancel(box.deferred[1]);
    ck_assert_uint_eq(attempts(), 0);
    post_run(&box);
    post_expect(&box, "X");
    for (int i = 0; i < 4; i++)
        close(callers[i]);
    close(fd);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("given up");

    tcase_add_loop_test(all, a_letter_given_up_ends_as_its_stage_has_it, 0,
                        COUNT(stages));
    tcase_add_loop_test(all, a_letter_given_up_among_others_takes_none_with_it,
                        0, COUNT(stages));
    tcase_add_loop_test(all,
                        a_letter_given_up_when_another_has_ended_is_not_sent, 0,
                        5 * COUNT(manners));
    tcase_add_test(all, an_attempt_that_nobody_needs_is_given_up);
    tcase_add_test(all, a_letter_whose_server_is_looked_up_is_given_up_at_once);
    tcase_add_test(
        all, a_letter_whose_server_does_not_take_the_connection_is_given_up);
    peer_need_certificates();
    return support_main("giving up", &all, 1);
}
