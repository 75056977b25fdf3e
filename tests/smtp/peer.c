/* SPDX-License-Identifier: MIT */
#include "tests/smtp/peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/smtp/base64.h"

enum { PEER_PATH = 512, PEER_LONG = 64 * 1024 };

/* One connection. Its memory is malloc's: what is tested is not the peer. */
typedef struct peer_link {
    peer *peer;
    thrum_stream *stream;
    char *bytes; /* that came and were not used */
    size_t size;
    size_t body;  /* bytes so far of the message that comes */
    size_t chunk; /* bytes of it that a BDAT has yet to bring */
    int number;   /* of the message: what its RCPT says */
    int accepted; /* messages on this connection */
    int resets;   /* RSETs that were not the first since a message */
    bool reset;   /* there was one since a message */
    size_t index; /* it is the nth */
    bool refused; /* its RCPT was */
    bool in_body;
    bool last; /* the chunk is */
    bool secured;
    bool challenged;
    bool shaking; /* it is left alone with its handshake */
    bool stalled;
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

/* Whether nothing is said from here on; `line` has come. */
static bool link_stalls(peer_link *link, const char *line)
{
    const char *at = link->peer->config.stalls_at;

    if (at != NULL && strncmp(line, at, strlen(at)) == 0)
        link->stalled = true;
    return link->stalled;
}

static void link_tell(peer_link *link, const char *line)
{
    if (link->peer->on_line != NULL)
        link->peer->on_line(line, link->peer->ctx);
}

static bool is_nth(int number, int every)
{
    return every > 0 && number % every == 0;
}

static void link_mail(peer_link *link)
{
    const peer_config *config = &link->peer->config;

    link->peer->exposed += !link->secured;
    if (config->leave_after > 0 && link->accepted >= config->leave_after) {
        link_say(link, "421 4.7.0 enough for one connection");
        link_drop(link);
    } else if (config->drop_at_mail)
        link_drop(link);
    else if (config->garble_mail)
        link_say(link, "well, well");
    else
        link_say(link, config->mail_answer != NULL ? config->mail_answer
                                                   : "250 2.1.0 sender ok");
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

/* The last line has no "-". */
static void link_offer(peer_link *link)
{
    const peer_config *config = &link->peer->config;
    bool starttls = config->certificate != NULL && !config->implicit &&
                    !config->hides_starttls && !link->secured;

    if (starttls)
        link_say(link, "250-STARTTLS");
    if (config->auth != NULL && link->secured) {
        char line[PEER_URL];

        snprintf(line, sizeof line, "250-%s", config->auth);
        link_say(link, line);
    }
    if (config->chunking)
        link_say(link, "250-CHUNKING");
    if (!config->lockstep)
        link_say(link, "250-PIPELINING");
    link_say(link, "250 HELP");
}

static void link_ehlo(peer_link *link, const char *name)
{
    snprintf(link->peer->ehlo, sizeof link->peer->ehlo, "%s", name);
    if (link->peer->on_ehlo != NULL) {
        link->peer->on_ehlo(link->peer->ctx);
        return;
    }
    if (link->peer->config.no_ehlo) {
        link_say(link, "502 5.5.1 what?");
        return;
    }
    link_say(link, "250-peer");
    link_offer(link);
}

/* ---- TLS and who logs in ---- */

static thrum_outcome link_secured(void *nothing, void *ctx)
{
    peer_link *link = ctx;

    (void)nothing;
    link->secured = true;
    link->peer->secured++;
    link->peer->resumed += thrum_stream_tls_facts(link->stream)->resumed != 0;
    return thrum_done();
}

/* The client went away, or did not like what it saw. */
static thrum_outcome link_not_secured(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    return thrum_done();
}

static void link_serve_tls(peer_link *link)
{
    thrum_deferred *secured;

    if (link_stalls(link, "(hello)")) {
        link->shaking = true;
        return;
    }
    if (link->peer->config.breaks_tls) {
        link_drop(link);
        return;
    }
    secured =
        thrum_stream_serve_tls(link->stream, link->peer->tls, 0, INT64_MAX / 2);
    if (thrum_deferred_add(secured, link_secured, link_not_secured, link,
                           NULL) != 0) {
        link->gone = true;
        thrum_stream_abort(link->stream);
    }
    thrum_deferred_finish(secured);
}

static void link_starttls(peer_link *link)
{
    const char *answer = link->peer->config.starttls;

    link_say(link, answer != NULL ? answer : "220 2.0.0 go ahead");
    if (answer == NULL || strncmp(answer, "220", 3) == 0)
        link_serve_tls(link);
}

static void link_judge(peer_link *link)
{
    const char *verdict = link->peer->config.verdict;

    link->challenged = false;
    link_say(link, verdict != NULL ? verdict : "235 2.7.0 welcome");
}

/* The client's nonce goes on with ours (RFC 5802 section 5.1); its proof is
 * judged without being looked at. */
static void link_challenge_scram(peer_link *link, const char *line)
{
    const char *first = strrchr(line, ' ') + 1, *nonce;
    char text[PEER_AUTH], server[PEER_AUTH], said[2 * PEER_AUTH] = "334 ";
    thrum_bytes bytes = {server, 0};
    size_t size = 0;

    ck_assert(
        thrum__base64_decode(text, &size, (thrum_bytes){first, strlen(first)}));
    text[size] = '\0';
    nonce = strstr(text, "r=");
    bytes.size = (size_t)snprintf(server, sizeof server,
                                  "%sours,s=c2FsdHNhbHQ=,i=100000", nonce);
    thrum__base64_encode(said + 4, bytes);
    link_say(link, said);
}

static void link_auth(peer_link *link, const char *line)
{
    peer *self = link->peer;

    self->logins++;
    self->exposed += !link->secured;
    snprintf(self->auth, sizeof self->auth, "%s", line);
    link->challenged = self->config.challenge != NULL || self->config.scram;
    if (self->config.scram)
        link_challenge_scram(link, line);
    else if (link->challenged)
        link_say(link, self->config.challenge);
    else
        link_judge(link);
}

/* As Exim does. */
static void link_reset(peer_link *link)
{
    peer *self = link->peer;

    link->resets += link->reset;
    link->reset = true;
    if (self->config.resets > 0 && link->resets > self->config.resets) {
        self->fed_up++;
        link_say(link, "554 Too many nonmail commands");
        link_drop(link);
    } else {
        link_say(link, "250 2.0.0 reset");
    }
}

static void link_quit(peer_link *link)
{
    link->peer->quits++;
    link_say(link, "221 2.0.0 bye");
    link_drop(link);
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
        link->reset = false;
        if (config->brittle && link->size > 0) {
            link_drop(link);
            return;
        }
        snprintf(line, sizeof line, "250 2.0.0 queued as %d", link->number);
        link_say(link, line);
        if (++link->accepted == config->drop_after)
            link_drop(link);
        if (link->accepted == config->confused_after && link->index == 1)
            link_say(link, "250 2.0.0 and another thing");
    }
}

/* What a BDAT has brought; its answer comes with its end. */
static void link_chunk(peer_link *link, size_t size)
{
    link->chunk -= size;
    link->body += size;
    if (link->chunk > 0)
        return;
    if (link->refused) {
        link_say(link, "554 5.5.1 no valid recipients");
    } else if (link->last) {
        link_tell(link, ".");
        if (!link_stalls(link, "."))
            link_dot(link);
        link->body = 0;
    } else {
        link_say(link, "250 2.0.0 go on");
    }
}

/* "BDAT 1234 LAST" */
static void link_bdat(peer_link *link, const char *line)
{
    link->chunk = strtoul(line + strlen("BDAT "), NULL, 10);
    link->last = strstr(line, " LAST") != NULL;
    if (link->chunk == 0)
        link_chunk(link, 0);
}

static void link_command(peer_link *link, const char *line)
{
    link_tell(link, line);
    if (link->peer->config.mute || link_stalls(link, line))
        return;
    if (link->challenged) {
        link->peer->thoughts++;
        link_judge(link);
    } else if (strncmp(line, "EHLO ", 5) == 0)
        link_ehlo(link, line + 5);
    else if (strncmp(line, "HELO ", 5) == 0)
        link_say(link, "250 peer");
    else if (strcmp(line, "STARTTLS") == 0)
        link_starttls(link);
    else if (strncmp(line, "AUTH ", 5) == 0)
        link_auth(link, line);
    else if (strncmp(line, "BDAT ", 5) == 0)
        link_bdat(link, line);
    else if (strncmp(line, "MAIL ", 5) == 0)
        link_mail(link);
    else if (strncmp(line, "RCPT ", 5) == 0)
        link_rcpt(link, line);
    else if (strcmp(line, "DATA") == 0)
        link_data(link);
    else if (strcmp(line, "RSET") == 0)
        link_reset(link);
    else if (strcmp(line, "QUIT") == 0)
        link_quit(link);
    else
        ck_abort_msg("the client said \"%s\"", line);
}

/* One line, without its CRLF; `behind`: bytes that follow it. */
static void link_line(peer_link *link, char *line, size_t size, size_t behind)
{
    bool data;

    line[size] = '\0';
    if (link->peer->config.confused_after > 0 && link->index > 1 &&
        !link->in_body)
        link->peer->early += behind;
    if (!link->in_body) {
        data = strcmp(line, "DATA") == 0 || strcmp(line, "STARTTLS") == 0;
        if (link->peer->config.lockstep || data)
            link->peer->early += behind;
        link_command(link, line);
    } else if (strcmp(line, ".") == 0) {
        if (link->peer->config.lockstep)
            link->peer->early += behind;
        link_tell(link, ".");
        if (!link_stalls(link, "."))
            link_dot(link);
    } else {
        if (link->body == 0)
            link_tell(link, "(body)");
        if (link->peer->config.pauses && link->body > PEER_LONG &&
            link->peer->paused == NULL) {
            link->peer->paused = link->stream;
            thrum_stream_pause(link->stream);
        }
        link->body += size + 2;
    }
}

/* A line, or a part of a chunk. Returns how many bytes that is; 0: there is no
 * whole line. */
static size_t link_take(peer_link *link, char *at)
{
    char *end;
    size_t size = link->chunk < link->size ? link->chunk : link->size;

    if (size > 0) {
        link->size -= size;
        link_chunk(link, size);
        return size;
    }
    end = memchr(at, '\n', link->size);
    if (end == NULL)
        return 0;
    size = (size_t)(end - at) + 1;
    ck_assert(size > 1 && end[-1] == '\r');
    link->size -= size;
    link_line(link, at, size - 2, link->size);
    return size;
}

static void link_received(thrum_stream *stream, const char *data, size_t size,
                          void *ctx)
{
    peer_link *link = ctx;
    char *at;

    (void)stream;
    if (link->shaking)
        link_tell(link, "(hello)");
    if (link->shaking || link->stalled)
        return;
    link->bytes = realloc(link->bytes, link->size + size + 1);
    memcpy(link->bytes + link->size, data, size);
    link->size += size;
    at = link->bytes;
    while (!link->gone && !link->stalled && link->size > 0) {
        size_t used = link_take(link, at);

        if (used == 0)
            break;
        at += used;
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
    link->index = self->served;
    if (self->open > self->most)
        self->most = self->open;
    thrum_stream_set_handler(stream, &link_handler, link, NULL);
    if (config->greets_in_the_clear)
        link_say(link, "220 peer");
    if (config->implicit && config->certificate != NULL)
        link_serve_tls(link);
    if (config->mute || link_stalls(link, "(greeting)") || link->shaking)
        return;
    if (config->connections > 0 && self->open > config->connections) {
        link_say(link, "421 4.3.2 too many connections");
        link_drop(link);
        return;
    }
    link_say(link, config->greeting != NULL ? config->greeting : "220 peer");
}

static void peer_path(char path[PEER_PATH], const char *name)
{
    const char *top = getenv("top_builddir");

    snprintf(path, PEER_PATH, "%s/tests/tls/made/%s.pem",
             top != NULL ? top : ".", name);
}

void peer_need_certificates(void)
{
    char path[PEER_PATH];

    peer_path(path, "ca");
    if (access(path, R_OK) == 0)
        return;
    printf("SKIP: certtool is not installed\n");
    exit(77);
}

thrum_tls *peer_trust(thrum_context *context)
{
    char path[PEER_PATH];
    thrum_tls_config config = {.trust_file = path};

    peer_path(path, "ca");
    return thrum_tls_new(context, &config, NULL);
}

static thrum_tls *peer_show(thrum_context *context, const peer_config *how)
{
    char path[PEER_PATH];
    thrum_tls_config config = {.certificate_file = path, .alpn = how->alpn};

    peer_path(path, how->certificate);
    return thrum_tls_new(context, &config, NULL);
}

bool peer_start(peer *self, thrum_reactor *reactor, const peer_config *config)
{
    memset(self, 0, sizeof *self);
    self->config = *config;
    self->reactor = reactor;
    if (config->certificate != NULL)
        self->tls = peer_show(thrum_reactor_context(reactor), config);
    if (config->certificate != NULL && self->tls == NULL)
        return false;
    self->listener = thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(self->listener, peer_accept, self, NULL);
    if (self->listener == NULL) {
        peer_stop(self);
        return false;
    }
    snprintf(self->url, sizeof self->url, "%s://%s",
             config->implicit ? "smtps" : "smtp",
             thrum_listener_name(self->listener));
    return true;
}

void peer_stop(peer *self)
{
    thrum_listener_free(self->listener);
    thrum_tls_unref(self->tls);
    self->listener = NULL;
    self->tls = NULL;
}

int peer_taken(const peer *self)
{
    int taken = 0;

    for (int i = 0; i < PEER_MESSAGES; i++)
        taken += self->taken[i];
    return taken;
}
