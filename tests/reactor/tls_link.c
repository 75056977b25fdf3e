/* SPDX-License-Identifier: MIT */
#include "tests/reactor/tls_link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- What a stream tells ---- */

static void on_received(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    tls_end *self = ctx;

    (void)stream;
    self->data = realloc(self->data, self->size + size + 1);
    memcpy(self->data + self->size, data, size);
    self->size += size;
    self->data[self->size] = '\0';
}

static void on_ended(thrum_stream *stream, void *ctx)
{
    (void)stream;
    ((tls_end *)ctx)->ended++;
}

static void on_drained(thrum_stream *stream, void *ctx)
{
    (void)stream;
    ((tls_end *)ctx)->drained++;
}

static void on_closed(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    tls_end *self = ctx;

    (void)stream;
    self->closed++;
    if (why == NULL)
        return;
    self->closed_code = thrum_failure_code(why);
    snprintf(self->closed_text, sizeof self->closed_text, "%s",
             thrum_failure_text(why));
}

static const thrum_stream_handler handler = {on_received, on_ended, on_drained,
                                             on_closed};

/* ---- What becomes of TLS ---- */

static thrum_outcome end_secured(void *value, void *ctx)
{
    tls_end *self = ctx;

    ck_assert_ptr_null(value);
    self->secured++;
    self->starting = NULL;
    return thrum_done();
}

static thrum_outcome end_refused(const thrum_failure *why, void *ctx)
{
    tls_end *self = ctx;
    const thrum_failure *beneath = thrum_failure_cause(why);
    const thrum_tls_facts *facts =
        self->stream != NULL ? thrum_stream_tls_facts(self->stream) : NULL;

    self->refused++;
    if (facts != NULL && facts->unverified != NULL) {
        ck_assert_int_eq(facts->verified, 0);
        ck_assert_int_eq(strncmp(facts->version, "TLS1.", 5), 0);
        snprintf(self->shown, sizeof self->shown, "%s: %s",
                 facts->peer != NULL ? facts->peer : "nobody",
                 facts->unverified);
    }
    self->starting = NULL;
    self->code = thrum_failure_code(why);
    snprintf(self->text, sizeof self->text, "%s", thrum_failure_text(why));
    if (beneath != NULL)
        snprintf(self->beneath, sizeof self->beneath, "%s",
                 thrum_failure_text(beneath));
    return thrum_done();
}

static void end_begin(tls_end *self, thrum_deferred *starting)
{
    self->starting = starting;
    if (starting == NULL)
        return;
    thrum_deferred_add(starting, end_secured, end_refused, self, NULL);
    thrum_deferred_finish(starting);
}

void link_start_client(tls_link *link, const char *host)
{
    end_begin(&link->client,
              thrum_stream_start_tls(link->client.stream, link->trusting, host,
                                     0, 10 * THRUM_S));
}

void link_start_server(tls_link *link)
{
    end_begin(&link->server,
              thrum_stream_serve_tls(link->server.stream, link->shown, 0,
                                     10 * THRUM_S));
}

void link_secure(tls_link *link)
{
    link_start_server(link);
    link_start_client(link, "mail.test");
}

/* ---- Two ends ---- */

static void sockets_over_tcp(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&address, size), 0);
    fds[1] = accept(listener, NULL, NULL);
    close(listener);
}

static void sockets(tls_kind kind, int fds[2])
{
    if (kind == TLS_OVER_TCP)
        sockets_over_tcp(fds);
    else
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
}

static bool end_hear(tls_end *self)
{
    if (self->stream != NULL)
        thrum_stream_set_handler(self->stream, &handler, self, NULL);
    return self->stream != NULL;
}

static bool end_open(tls_link *link, tls_end *self, int fd)
{
    self->stream = thrum__stream_new(link->reactor, fd, NULL);
    return end_hear(self);
}

static bool link_open_memory(tls_link *link)
{
    return thrum_stream_pair(link->reactor, &link->client.stream,
                             &link->server.stream) == 0 &&
           end_hear(&link->client) && end_hear(&link->server);
}

static bool link_open_sockets(tls_link *link, tls_kind kind)
{
    int fds[2];
    bool client, server;

    sockets(kind, fds);
    client = end_open(link, &link->client, fds[0]);
    server = end_open(link, &link->server, fds[1]);
    return client && server;
}

bool link_start(tls_link *link)
{
    thrum_reactor_config config = {.slice = 0};

    memset(link, 0, sizeof *link);
    link->context = support_context();
    if (link->context == NULL)
        return false;
    link->clock = thrum_test_clock_new(link->context);
    if (link->clock == NULL)
        return false;
    config.context = link->context;
    config.clock = thrum_test_clock_clock(link->clock);
    link->reactor = thrum_reactor_new(&config);
    return link->reactor != NULL;
}

static bool link_have_tls(tls_link *link)
{
    if (link->trusting == NULL)
        link->trusting = tls_trusting(link->context, NULL);
    if (link->shown == NULL)
        link->shown = tls_showing(link->context, "good", NULL);
    return link->trusting != NULL && link->shown != NULL;
}

bool link_open(tls_link *link, tls_kind kind)
{
    return link_have_tls(link) &&
           (kind == TLS_OVER_MEMORY ? link_open_memory(link)
                                    : link_open_sockets(link, kind));
}

bool link_open_raw(tls_link *link, tls_end *end, int *raw)
{
    int fds[2];

    ck_assert(link_have_tls(link));
    sockets(TLS_OVER_TCP, fds);
    *raw = fds[1];
    return end_open(link, end, fds[0]);
}

void link_run(tls_link *link)
{
    while (thrum_reactor_turn(link->reactor) == 1)
        ;
}

static void end_drop(tls_end *self)
{
    thrum_stream_unref(self->stream);
    self->stream = NULL;
    free(self->data);
    self->data = NULL;
}

void link_drop(tls_link *link)
{
    end_drop(&link->client);
    end_drop(&link->server);
    link_run(link);
    memset(&link->client, 0, sizeof link->client);
    memset(&link->server, 0, sizeof link->server);
}

void link_end(tls_link *link)
{
    end_drop(&link->client);
    end_drop(&link->server);
    thrum_reactor_free(link->reactor);
    thrum_test_clock_free(link->clock);
    thrum_tls_unref(link->trusting);
    thrum_tls_unref(link->shown);
    support_context_end(link->context);
}

/* ---- What is expected ---- */

void end_say(tls_end *self, const char *text)
{
    ck_assert_int_eq(thrum_stream_write(self->stream, text, strlen(text)), 0);
}

void end_expect_heard(const tls_end *self, const char *text)
{
    ck_assert_uint_eq(self->size, strlen(text));
    ck_assert_mem_eq(self->data, text, self->size);
}

void end_expect_refused(const tls_end *self, int code, const char *words)
{
    ck_assert_uint_eq(self->secured, 0);
    ck_assert_uint_eq(self->refused, 1);
    ck_assert_int_eq(self->code, code);
    ck_assert_msg(strstr(self->text, words) != NULL, "%s", self->text);
    ck_assert_uint_eq(self->closed, 1);
}

/* The stream ends with what the Deferred failed with. */
void end_expect_same(const tls_end *self)
{
    ck_assert_int_eq(self->closed_code, self->code);
    ck_assert_str_eq(self->closed_text, self->text);
}
