/* SPDX-License-Identifier: MIT */
/*
 * One side of a conversation with a peer that others wrote; each event is a
 * line of JSON on standard output: "listening", "open" with what the handshake
 * came to, "ended", "closed" and "failed" with every reason that lies beneath,
 * and what goes to the log.
 *
 *     tls_peer connect ENDPOINT [KEY=VALUE ...]
 *     tls_peer serve ENDPOINT [KEY=VALUE ...]
 *
 *     trust cert key priority   of its thrum_tls, which is there with tls=1
 *     alpn=a,b verify=1 anyone=1 tickets=0
 *     host       of TLS that begins on a connection over TCP
 *     within     seconds for a connection, or a handshake; 10
 *     times      connections: one after the other, or that end before it does
 *     input      a file to send; a server without one echoes
 *     echo       a client echoes as well
 *     output     where to put what came
 *     expect     bytes that must have come before the end
 *     end        what it does then: half lose abort wait
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/thrum.h>

enum { PIECE = 16 * 1024, HIGH = 64 * 1024, PROTOCOLS = 8 };

typedef struct peer {
    thrum_context *context;
    thrum_reactor *reactor;
    thrum_listener *listener;
    thrum_tls *tls;
    int serves;
    const char *endpoint;
    const char *trust, *cert, *key, *priority, *host, *input, *output, *end;
    char *alpn;
    const char *echo, *use_tls, *verify, *anyone, *tickets, *within, *times,
        *expect;
    unsigned long left;
} peer;

typedef struct talk {
    peer *peer;
    thrum_stream *stream;
    FILE *input, *output;
    unsigned long long sent, received;
    int over; /* nothing is left to send, and the end was begun */
} talk;

/* ---- Events ---- */

static void put_text(const char *name, const char *text)
{
    printf(", \"%s\": ", name);
    if (text == NULL) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ')
            printf("\\u%04x", (unsigned)*text);
        else if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else
            putchar(*text);
    putchar('"');
}

static void begin_event(const char *name)
{
    printf("{\"event\": \"%s\"", name);
}

static void end_event(void)
{
    puts("}");
    fflush(stdout);
}

static void put_why(const thrum_failure *why)
{
    fputs(", \"why\": [", stdout);
    for (; why != NULL; why = thrum_failure_cause(why)) {
        printf("{\"code\": %d", thrum_failure_code(why));
        put_text("domain", thrum_failure_domain(why)->name);
        put_text("text", thrum_failure_text(why));
        fputs(thrum_failure_cause(why) == NULL ? "}" : "}, ", stdout);
    }
    putchar(']');
}

static void tell_failed(const thrum_failure *why)
{
    begin_event("failed");
    put_why(why);
    end_event();
}

static void tell_open(const thrum_stream *stream)
{
    const thrum_tls_facts *facts = thrum_stream_tls_facts(stream);

    begin_event("open");
    put_text("at", thrum_stream_peer(stream));
    if (facts != NULL) {
        put_text("version", facts->version);
        put_text("cipher", facts->cipher);
        put_text("alpn", facts->alpn);
        put_text("peer", facts->peer);
        put_text("issuer", facts->issuer);
        put_text("unverified", facts->unverified);
        printf(", \"resumed\": %d, \"verified\": %d", facts->resumed,
               facts->verified);
    }
    end_event();
}

static void tell_closed(const talk *self, const thrum_failure *why)
{
    begin_event("closed");
    printf(", \"sent\": %llu, \"received\": %llu", self->sent, self->received);
    put_why(why);
    end_event();
}

static void tell_log(thrum_log_level level, const char *line, void *ctx)
{
    (void)ctx;
    begin_event("log");
    printf(", \"level\": %d", (int)level);
    put_text("text", line);
    end_event();
}

/* ---- A conversation ---- */

static void peer_next(peer *self);

static void talk_free(void *it)
{
    talk *self = it;

    if (self->input != NULL)
        fclose(self->input);
    if (self->output != NULL)
        fclose(self->output);
    thrum_stream_unref(self->stream);
    free(self);
}

static void talk_end(talk *self)
{
    const char *end = self->peer->end;

    if (self->over || (self->input != NULL && !feof(self->input)) ||
        self->received < strtoull(self->peer->expect, NULL, 10))
        return;
    self->over = 1;
    if (strcmp(end, "lose") == 0)
        thrum_stream_lose(self->stream);
    else if (strcmp(end, "half") == 0)
        thrum_stream_lose_write(self->stream);
    else if (strcmp(end, "abort") == 0)
        thrum_stream_abort(self->stream);
}

static void talk_write(talk *self, const char *data, size_t size)
{
    if (thrum_stream_write(self->stream, data, size) != 0)
        thrum_stream_abort(self->stream);
    else
        self->sent += size;
}

/* More than HIGH is above the mark, so `drained` goes on with it. */
static void talk_send(talk *self)
{
    char data[PIECE];
    size_t got;

    while (self->input != NULL && thrum_stream_queued(self->stream) <= HIGH &&
           (got = fread(data, 1, sizeof data, self->input)) > 0)
        talk_write(self, data, got);
    talk_end(self);
}

static void talk_received(thrum_stream *stream, const char *data, size_t size,
                          void *it)
{
    talk *self = it;

    self->received += size;
    if (self->output != NULL)
        fwrite(data, 1, size, self->output);
    if (self->input == NULL && self->peer->echo != NULL) {
        talk_write(self, data, size);
        if (thrum_stream_queued(stream) > HIGH)
            thrum_stream_pause(stream);
    }
    talk_end(self);
}

static void talk_drained(thrum_stream *stream, void *it)
{
    thrum_stream_resume(stream);
    talk_send(it);
}

static void talk_ended(thrum_stream *stream, void *it)
{
    const talk *self = it;

    begin_event("ended");
    printf(", \"received\": %llu", self->received);
    end_event();
    if (self->input == NULL || feof(self->input))
        thrum_stream_lose(stream);
}

static void talk_closed(thrum_stream *stream, const thrum_failure *why,
                        void *it)
{
    talk *self = it;

    (void)stream;
    if (self->output != NULL)
        fflush(self->output);
    tell_closed(self, why);
    peer_next(self->peer);
}

static void talk_begin(peer *owner, thrum_stream *stream)
{
    static const thrum_stream_handler handler = {.received = talk_received,
                                                 .ended = talk_ended,
                                                 .drained = talk_drained,
                                                 .closed = talk_closed};
    talk *self = calloc(1, sizeof *self);

    if (self == NULL)
        abort();
    self->peer = owner;
    self->stream = stream;
    if (owner->input != NULL)
        self->input = fopen(owner->input, "rb");
    if (owner->output != NULL)
        self->output = fopen(owner->output, "wb");
    tell_open(stream);
    thrum_stream_set_handler(stream, &handler, self, talk_free);
    talk_send(self);
}

/* ---- The client ---- */

static thrum_outcome client_connected(void *stream, void *it)
{
    talk_begin(it, stream);
    return thrum_taken();
}

static thrum_outcome client_failed(const thrum_failure *why, void *it)
{
    tell_failed(why);
    peer_next(it);
    return thrum_done();
}

static thrum_outcome client_secured(void *nothing, void *stream)
{
    (void)nothing;
    return thrum_value(thrum_stream_ref(stream), thrum_stream_unref);
}

static thrum_outcome client_secure(void *stream, void *it)
{
    const peer *self = it;
    thrum_ns within = strtoll(self->within, NULL, 10) * THRUM_S;
    thrum_deferred *secured =
        thrum_stream_start_tls(stream, self->tls, self->host, 0, within);

    thrum_deferred_add(secured, client_secured, NULL, thrum_stream_ref(stream),
                       thrum_stream_unref);
    return thrum_wait(secured);
}

static void client_start(peer *self)
{
    thrum_deferred *connected =
        thrum_connect(self->reactor, self->endpoint, self->tls,
                      strtoll(self->within, NULL, 10) * THRUM_S);

    if (self->host != NULL)
        thrum_deferred_add(connected, client_secure, NULL, self, NULL);
    thrum_deferred_add(connected, client_connected, client_failed, self, NULL);
    thrum_deferred_finish(connected);
}

/* ---- The server ---- */

static void server_accept(thrum_listener *listener, thrum_stream *stream,
                          void *it)
{
    (void)listener;
    talk_begin(it, stream);
}

static thrum_outcome server_stop(void *it)
{
    thrum_listener_free(((peer *)it)->listener);
    return thrum_done();
}

static void server_start(peer *self)
{
    thrum_listener_config config = {
        .tls = self->tls, .within = strtoll(self->within, NULL, 10) * THRUM_S};
    thrum_failure *why = NULL;

    self->listener = thrum_listen(self->reactor, self->endpoint, &config, &why);
    if (self->listener == NULL) {
        tell_failed(why);
        thrum_failure_unref(why);
        return;
    }
    thrum_listener_accept(self->listener, server_accept, self, NULL);
    thrum_trigger_new(self->reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN, server_stop,
                      self, NULL);
    begin_event("listening");
    printf(", \"port\": %u", thrum_listener_port(self->listener));
    end_event();
}

/* ---- The whole ---- */

static void peer_next(peer *self)
{
    if (--self->left == 0)
        thrum_reactor_stop(self->reactor);
    else if (!self->serves)
        client_start(self);
}

static int peer_make_tls(peer *self)
{
    const char *alpn[PROTOCOLS + 1] = {NULL};
    thrum_tls_config config = {.trust_file = self->trust,
                               .certificate_file = self->cert,
                               .key_file = self->key,
                               .priority = self->priority,
                               .alpn = alpn,
                               .verify_clients = self->verify != NULL,
                               .trust_anyone = self->anyone != NULL,
                               .no_tickets = self->tickets != NULL};
    thrum_failure *why = NULL;
    char *rest = self->alpn;

    for (int i = 0; rest != NULL && i < PROTOCOLS; i++)
        alpn[i] = strsep(&rest, ",");
    self->tls = thrum_tls_new(self->context, &config, &why);
    if (self->tls == NULL)
        tell_failed(why);
    thrum_failure_unref(why);
    return self->tls == NULL ? -1 : 0;
}

static int peer_set(peer *self, char *word)
{
    const struct {
        const char *key;
        const char **value;
    } keys[] = {
        {"trust", &self->trust},     {"cert", &self->cert},
        {"key", &self->key},         {"priority", &self->priority},
        {"tls", &self->use_tls},     {"alpn", (const char **)&self->alpn},
        {"verify", &self->verify},   {"anyone", &self->anyone},
        {"tickets", &self->tickets}, {"host", &self->host},
        {"within", &self->within},   {"times", &self->times},
        {"input", &self->input},     {"output", &self->output},
        {"expect", &self->expect},   {"end", &self->end},
        {"echo", &self->echo}};
    char *value = strchr(word, '=');

    for (size_t i = 0; value != NULL && i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i].key) == (size_t)(value - word) &&
            strncmp(keys[i].key, word, (size_t)(value - word)) == 0) {
            *keys[i].value = value + 1;
            return 0;
        }
    fprintf(stderr, "tls_peer: what is %s?\n", word);
    return -1;
}

static void peer_run(peer *self)
{
    thrum_reactor_config config = {.context = self->context};

    self->reactor = thrum_reactor_new(&config);
    if (self->reactor == NULL)
        abort();
    thrum_reactor_stop_on_signals(self->reactor);
    if (self->serves)
        server_start(self);
    else
        client_start(self);
    thrum_reactor_run(self->reactor);
    thrum_reactor_free(self->reactor);
}

int main(int argc, char **argv)
{
    thrum_context_config config = {.log = tell_log};
    peer self = {.within = "10", .expect = "0", .end = "wait"};

    if (argc < 3)
        return 2;
    self.serves = strcmp(argv[1], "serve") == 0;
    self.echo = self.serves ? "1" : NULL;
    self.endpoint = argv[2];
    for (int i = 3; i < argc; i++)
        if (peer_set(&self, argv[i]) != 0)
            return 2;
    if (self.times != NULL)
        self.left = strtoul(self.times, NULL, 10);
    else
        self.left = self.serves ? 0 : 1; /* 0: for ever */
    self.context = thrum_context_new(&config);
    if (self.use_tls == NULL || peer_make_tls(&self) == 0)
        peer_run(&self);
    thrum_tls_unref(self.tls);
    thrum_context_unref(self.context);
    return 0;
}
