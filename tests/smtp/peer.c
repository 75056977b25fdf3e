/* SPDX-License-Identifier: MIT */
#include "tests/smtp/peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One connection. Its memory is malloc's: what is tested is not the peer. */
typedef struct peer_link {
    peer *peer;
    thrum_stream *stream;
    char *bytes; /* that came and were not used */
    size_t size;
    size_t body;  /* bytes so far of the message that comes */
    int number;   /* of the message: what its RCPT says */
    int accepted; /* messages on this connection */
    bool refused; /* its RCPT was */
    bool in_body;
    bool gone;
} peer_link;

static void link_say(peer_link *link, const char *line)
{
    if (!link->gone &&
        (thrum_stream_write(link->stream, line, strlen(line)) != 0 ||
         thrum_stream_write(link->stream, "\r\n", 2) != 0)) {
        link->gone = true;
        thrum_stream_abort(link->stream);
    }
}

static void link_drop(peer_link *link)
{
    link->gone = true;
    thrum_stream_lose(link->stream);
}

static bool is_nth(int number, int every)
{
    return every > 0 && number % every == 0;
}

static void link_mail(peer_link *link)
{
    const peer_config *config = &link->peer->config;

    if (config->leave_after > 0 && link->accepted >= config->leave_after) {
        link_say(link, "421 4.7.0 enough for one connection");
        link_drop(link);
    } else if (config->drop_at_mail)
        link_drop(link);
    else if (config->garble_mail)
        link_say(link, "well, well");
    else
        link_say(link, "250 2.1.0 sender ok");
}

/* "RCPT TO:<r12@x>" */
static void link_rcpt(peer_link *link, const char *line)
{
    link->number = (int)strtol(line + strlen("RCPT TO:<r"), NULL, 10);
    ck_assert_int_gt(link->number, 0);
    ck_assert_int_lt(link->number, PEER_MESSAGES);
    link->refused = is_nth(link->number, link->peer->config.refuse_rcpt);
    link_say(link, link->refused ? "550 5.1.1 no such user"
                                 : "250 2.1.5 recipient ok");
}

static void link_data(peer_link *link)
{
    if (link->refused) {
        link_say(link, "554 5.5.1 no valid recipients");
        return;
    }
    link->in_body = true;
    link->body = 0;
    link_say(link, "354 go on");
}

static void link_ehlo(peer_link *link, const char *name)
{
    snprintf(link->peer->ehlo, sizeof link->peer->ehlo, "%s", name);
    if (link->peer->on_ehlo != NULL) {
        link->peer->on_ehlo(link->peer->ctx);
        return;
    }
    if (!link->peer->config.lockstep)
        link_say(link, "250-peer");
    link_say(link, link->peer->config.lockstep ? "250 peer" : "250 PIPELINING");
}

static void link_quit(peer_link *link)
{
    link->peer->quits++;
    link_say(link, "221 2.0.0 bye");
    link_drop(link);
}

static void link_command(peer_link *link, const char *line)
{
    if (link->peer->config.mute)
        return;
    if (strncmp(line, "EHLO ", 5) == 0)
        link_ehlo(link, line + 5);
    else if (strncmp(line, "MAIL ", 5) == 0)
        link_mail(link);
    else if (strncmp(line, "RCPT ", 5) == 0)
        link_rcpt(link, line);
    else if (strcmp(line, "DATA") == 0)
        link_data(link);
    else if (strcmp(line, "RSET") == 0)
        link_say(link, "250 2.0.0 reset");
    else if (strcmp(line, "QUIT") == 0)
        link_quit(link);
    else
        ck_abort_msg("the client said \"%s\"", line);
}

static void link_dot(peer_link *link)
{
    const peer_config *config = &link->peer->config;
    char line[64];

    link->in_body = false;
    if (link->body > link->peer->largest)
        link->peer->largest = link->body;
    if (link->number == config->drop_at_dot) {
        link_drop(link);
    } else if (is_nth(link->number, config->refuse_dot)) {
        link_say(link, "554 5.6.0 not this one");
    } else {
        link->peer->taken[link->number]++;
        snprintf(line, sizeof line, "250 2.0.0 queued as %d", link->number);
        link_say(link, line);
        if (++link->accepted == config->drop_after)
            link_drop(link);
    }
}

/* One line, without its CRLF; `behind`: bytes that follow it. */
static void link_line(peer_link *link, char *line, size_t size, size_t behind)
{
    bool data;

    line[size] = '\0';
    if (!link->in_body) {
        data = strcmp(line, "DATA") == 0;
        if (link->peer->config.lockstep || data)
            link->peer->early += behind;
        link_command(link, line);
    } else if (strcmp(line, ".") == 0) {
        if (link->peer->config.lockstep)
            link->peer->early += behind;
        link_dot(link);
    } else {
        link->body += size + 2;
    }
}

static void link_received(thrum_stream *stream, const char *data, size_t size,
                          void *ctx)
{
    peer_link *link = ctx;
    char *at, *end;

    (void)stream;
    link->bytes = realloc(link->bytes, link->size + size + 1);
    memcpy(link->bytes + link->size, data, size);
    link->size += size;
    at = link->bytes;
    while (!link->gone && (end = memchr(at, '\n', link->size)) != NULL) {
        size_t line = (size_t)(end - at);

        ck_assert(line > 0 && end[-1] == '\r');
        link->size -= line + 1;
        link_line(link, at, line - 1, link->size);
        at = end + 1;
    }
    memmove(link->bytes, at, link->size);
}

static void link_closed(thrum_stream *stream, const thrum_failure *why,
                        void *ctx)
{
    peer_link *link = ctx;

    (void)why;
    link->peer->open--;
    thrum_stream_unref(stream);
    free(link->bytes);
    free(link);
}

static const thrum_stream_handler link_handler = {.received = link_received,
                                                  .closed = link_closed};

static void peer_accept(thrum_listener *listener, thrum_stream *stream,
                        void *ctx)
{
    peer *self = ctx;
    const peer_config *config = &self->config;
    peer_link *link = calloc(1, sizeof *link);

    (void)listener;
    link->peer = self;
    link->stream = stream;
    self->served++;
    self->open++;
    if (self->open > self->most)
        self->most = self->open;
    thrum_stream_set_handler(stream, &link_handler, link, NULL);
    if (config->mute)
        return;
    if (config->connections > 0 && self->open > config->connections) {
        link_say(link, "421 4.3.2 too many connections");
        link_drop(link);
        return;
    }
    link_say(link, config->greeting != NULL ? config->greeting : "220 peer");
}

bool peer_start(peer *self, thrum_reactor *reactor, const peer_config *config)
{
    memset(self, 0, sizeof *self);
    self->config = *config;
    self->reactor = reactor;
    self->listener = thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(self->listener, peer_accept, self, NULL);
    if (self->listener == NULL)
        return false;
    snprintf(self->url, sizeof self->url, "smtp://%s",
             thrum_listener_name(self->listener));
    return true;
}

void peer_stop(peer *self)
{
    thrum_listener_free(self->listener);
    self->listener = NULL;
}

int peer_taken(const peer *self)
{
    int taken = 0;

    for (int i = 0; i < PEER_MESSAGES; i++)
        taken += self->taken[i];
    return taken;
}
