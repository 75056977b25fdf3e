/* SPDX-License-Identifier: MIT */
/*
 * The mailer and a line that breaks: between it and its server stands somebody
 * who carries bytes, up to a certain one. Whatever breaks where, a letter is
 * never lost, never sent twice, and never accepted without the server's word.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/connect.h>

#include "tests/smtp/post.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

static post box;

/* Who stands between, and how far he carries what the server says. */
static struct {
    thrum_listener *listener;
    uint16_t port;      /* the server's */
    long cut;           /* bytes of the first connection; -1: all */
    const char *behind; /* in the clear, when the server has ended */
    int served;
    long carried; /* from the server, over the first connection */
} between;

typedef struct carrier {
    thrum_stream *client, *server;
    bool first;
} carrier;

static void carrier_free(carrier *self)
{
    if (self->client == NULL && self->server == NULL)
        free(self);
}

static void client_said(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    carrier *self = ctx;

    (void)stream;
    if (self->server != NULL)
        thrum_stream_write(self->server, data, size);
}

static void client_closed(thrum_stream *stream, const thrum_failure *why,
                          void *ctx)
{
    carrier *self = ctx;

    (void)why;
    self->client = NULL;
    if (self->server != NULL)
        thrum_stream_lose(self->server);
    thrum_stream_unref(stream);
    carrier_free(self);
}

static const thrum_stream_handler client_handler = {.received = client_said,
                                                    .closed = client_closed};

/* The end of the line comes as the peer's, without a word of TLS. */
static void server_said(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    carrier *self = ctx;
    long left = between.cut - between.carried;
    bool cut = self->first && between.cut >= 0 && left < (long)size;

    (void)stream;
    if (cut)
        size = (size_t)left;
    if (self->first)
        between.carried += (long)size;
    if (self->client == NULL)
        return;
    thrum_stream_write(self->client, data, size);
    if (cut) {
        thrum_stream_lose(self->client);
        thrum_stream_abort(self->server);
    }
}

static void server_ended(thrum_stream *stream, void *ctx)
{
    carrier *self = ctx;

    if (self->client != NULL && between.behind != NULL)
        thrum_stream_write(self->client, between.behind,
                           strlen(between.behind));
    thrum_stream_lose(stream);
}

static void server_closed(thrum_stream *stream, const thrum_failure *why,
                          void *ctx)
{
    carrier *self = ctx;

    (void)why;
    self->server = NULL;
    if (self->client != NULL)
        thrum_stream_lose(self->client);
    thrum_stream_unref(stream);
    carrier_free(self);
}

static const thrum_stream_handler server_handler = {
    .received = server_said, .ended = server_ended, .closed = server_closed};

static thrum_outcome server_there(void *stream, void *ctx)
{
    carrier *self = ctx;

    self->server = stream;
    thrum_stream_set_handler(stream, &server_handler, self, NULL);
    if (self->client != NULL)
        thrum_stream_resume(self->client);
    else
        thrum_stream_lose(stream);
    return thrum_taken();
}

static void between_accept(thrum_listener *listener, thrum_stream *stream,
                           void *ctx)
{
    carrier *self = calloc(1, sizeof *self);
    thrum_deferred *there;

    (void)listener;
    (void)ctx;
    self->client = stream;
    self->first = between.served++ == 0;
    thrum_stream_set_handler(stream, &client_handler, self, NULL);
    thrum_stream_pause(stream);
    there =
        thrum_connect_tcp(box.reactor, "127.0.0.1", between.port, 60 * THRUM_S);
    thrum_deferred_add(there, server_there, NULL, self, NULL);
    thrum_deferred_finish(there);
}

/* Stops listening with the last letter. */
static void stop_at_last(post *self, int number)
{
    (void)number;
    if (self->ended == self->expected) {
        thrum_listener_free(between.listener);
        between.listener = NULL;
    }
}

static void run_between(const peer_config *config, thrum_smtp_mode mode,
                        long cut, const char *behind)
{
    char via[PEER_URL];
    thrum_mailer_config mailer = {.connections = 1, .mode = mode};

    memset(&between, 0, sizeof between);
    between.cut = cut;
    between.behind = behind;
    ck_assert(post_open(&box, config, &mailer));
    between.port = (uint16_t)strtoul(strrchr(box.peer.url, ':') + 1, NULL, 10);
    between.listener =
        thrum_listen_tcp(box.reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(between.listener, between_accept, NULL, NULL);
    snprintf(via, sizeof via, "%s://%s", config->implicit ? "smtps" : "smtp",
             thrum_listener_name(between.listener));
    mailer.via = via;
    mailer.trust = box.trust;
    mailer.tls = config->certificate != NULL && !config->implicit
                     ? THRUM_SMTP_TLS_REQUIRED
                     : THRUM_SMTP_TLS_DEFAULT;
    thrum_mailer_free(box.mailer);
    box.mailer = thrum_mailer_new(box.reactor, &mailer);
    box.on_end = stop_at_last;
    post_send(&box, 4);
    post_run(&box);
}

static void expect_promises(void)
{
    ck_assert_int_eq(box.ended, 4);
    for (int number = 1; number <= 4; number++) {
        char fate = box.fates[number - 1];
        int taken = box.peer.taken[number];

        if (fate == 'A')
            ck_assert_int_eq(taken, 1);
        else if (fate == 'D')
            ck_assert_int_le(taken, 1);
        else
            ck_assert_msg(taken == 0 && strchr("ULNTS", fate) != NULL,
                          "%s after %ld, %d taken", box.fates, between.cut,
                          taken);
    }
}

static const struct {
    peer_config peer;
    thrum_smtp_mode mode;
    long step;
} lines[] = {
    {{.lockstep = false}, THRUM_SMTP_MODE_BEST, 1},
    {{.lockstep = false}, THRUM_SMTP_MODE_PIPELINED, 1},
    {{.lockstep = true}, THRUM_SMTP_MODE_BEST, 1},
    {{.chunking = true}, THRUM_SMTP_MODE_BEST, 1},
    {{.certificate = "ip"}, THRUM_SMTP_MODE_BEST, 17},
    {{.certificate = "ip", .implicit = true}, THRUM_SMTP_MODE_BEST, 17},
    {{.certificate = "ip", .chunking = true}, THRUM_SMTP_MODE_BEST, 17},
};

/* "R12", "T14": a close at any byte is no answer, and no end of TLS. */
START_TEST(R12_T14_a_line_may_break_behind_each_byte_of_the_server)
{
    long whole;

    run_between(&lines[_i].peer, lines[_i].mode, -1, NULL);
    whole = between.carried;
    ck_assert_int_gt(whole, 100);
    post_expect(&box, "AAAA");
    for (long cut = 0; cut < whole; cut += lines[_i].step) {
        run_between(&lines[_i].peer, lines[_i].mode, cut, NULL);
        expect_promises();
        post_free(&box);
    }
}
END_TEST

START_TEST(T14_what_was_cut_within_tls_says_so)
{
    static const peer_config config = {.certificate = "ip", .implicit = true};
    long whole;

    run_between(&config, THRUM_SMTP_MODE_BEST, -1, NULL);
    whole = between.carried;
    post_free(&box);
    for (long cut = whole - 1; cut > whole / 2; cut--) {
        bool doubt;

        run_between(&config, THRUM_SMTP_MODE_BEST, cut, NULL);
        expect_promises();
        doubt = strchr(box.fates, 'D') != NULL;
        if (doubt)
            ck_assert_msg(strstr(box.cause, "closed without ending it") != NULL,
                          "%s", box.cause);
        post_free(&box);
        if (doubt)
            return;
    }
    ck_abort_msg("nothing was ever in doubt");
}
END_TEST

/* After the end of TLS comes nothing: what somebody says in the clear then is
 * no answer of the server. */
START_TEST(T15_words_in_the_clear_behind_the_end_of_tls_are_none)
{
    peer_config config = {.certificate = "ip",
                          .implicit = _i == 1,
                          .chunking = _i == 2,
                          .drop_at_dot = 1};

    run_between(&config, THRUM_SMTP_MODE_BEST, -1,
                "250 2.0.0 queued\r\n250 2.0.0 queued\r\n");
    ck_assert_int_eq(box.fates[0], 'D');
    expect_promises();
    post_free(&box);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("cut");

    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all,
                        R12_T14_a_line_may_break_behind_each_byte_of_the_server,
                        0, COUNT(lines));
    tcase_add_test(all, T14_what_was_cut_within_tls_says_so);
    tcase_add_loop_test(
        all, T15_words_in_the_clear_behind_the_end_of_tls_are_none, 0, 3);
    peer_need_certificates();
    return support_main("mailer cut", &all, 1);
}
