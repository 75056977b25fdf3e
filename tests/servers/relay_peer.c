/* SPDX-License-Identifier: MIT */
/*
 * Sends messages by a mailer, as a service would; how each ended is a line of
 * JSON on standard output, and so is what the mailer did in all.
 *
 *     relay_peer URL [KEY=VALUE ...]
 *
 *     ca          whom to trust: a file
 *     secret      the file of the user's password or token
 *     tls mode window connections    as in thrum_mailer_config, by number
 *     from        the header, and unless there is `sender` the envelope
 *     sender      of the envelope
 *     to=A,B      the recipients of each message
 *     text=A,B    files; each message has the next of them
 *     dsn         ENVID; asks for all that RFC 3461 has
 *     times       messages
 *     wire        a folder for what is to arrive: each message as a file
 *     cancel      when so many have ended the others are given up
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/mail.h>

enum { TEXTS = 64 };

typedef struct letter {
    struct sender *by;
    char *id;
    thrum_deferred *sending; /* held to the end, to be cancelled */
} letter;

typedef struct body {
    char *bytes;
    size_t size;
} body;

typedef struct sender {
    thrum_reactor *reactor;
    thrum_mailer *mailer;
    thrum_deferred *over; /* fires when all have ended */
    const char *via, *ca, *secret, *tls, *mode, *window, *connections;
    const char *from, *envelope, *to, *text, *dsn, *times, *wire, *cancel;
    body bodies[TEXTS];
    size_t texts, count, ended, cancel_at; /* 0: at once */
    letter *letters;
} sender;

/* ---- Events ---- */

static void put_text(const char *name, const char *text)
{
    printf(", \"%s\": \"", name);
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ')
            printf("\\u%04x", (unsigned)*text);
        else if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else
            putchar(*text);
    putchar('"');
}

static void put_failure(const thrum_failure *why)
{
    const thrum_smtp_detail *said = thrum_failure_smtp(why);

    printf("{\"error\": %d", thrum_failure_code(why));
    put_text("domain", thrum_failure_domain(why)->name);
    put_text("text", thrum_failure_text(why));
    if (said != NULL) {
        put_text("stage", thrum_smtp_stage_name(said->stage));
        put_text("verdict", thrum_smtp_verdict_name(said->verdict));
        put_text("enhanced", said->enhanced);
        printf(", \"code\": %d", said->code);
    }
    putchar('}');
}

static void begin_event(const char *id)
{
    printf("{\"event\": \"ended\"");
    put_text("id", id);
}

static void put_stats(const thrum_mailer *mailer)
{
    thrum_mailer_stats stats = thrum_mailer_get_stats(mailer);

    printf("{\"event\": \"stats\", \"accepted\": %llu, \"failed\": %llu, "
           "\"connections\": %llu, \"secured\": %llu}\n",
           (unsigned long long)stats.accepted, (unsigned long long)stats.failed,
           (unsigned long long)stats.connections,
           (unsigned long long)stats.secured);
}

/* ---- A message ---- */

static void sender_cancel(sender *self)
{
    for (size_t i = 0; i < self->count; i++)
        thrum_deferred_cancel(self->letters[i].sending);
}

static void letter_ended(letter *self)
{
    sender *by = self->by;

    puts("}");
    fflush(stdout);
    if (++by->ended == by->cancel_at)
        sender_cancel(by);
    if (by->ended == by->count && by->over != NULL) {
        thrum_deferred *over = by->over;

        by->over = NULL;
        thrum_deferred_fire(over, NULL, NULL);
    }
}

static thrum_outcome letter_sent(void *receipt, void *it)
{
    letter *self = it;

    begin_event(self->id);
    printf(", \"code\": %d", thrum_receipt_code(receipt));
    put_text("reply", thrum_receipt_reply(receipt));
    fputs(", \"refusals\": [", stdout);
    for (size_t i = 0; i < thrum_receipt_recipients(receipt); i++) {
        const thrum_failure *why = thrum_receipt_refusal(receipt, i);

        fputs(i == 0 ? "" : ", ", stdout);
        if (why == NULL)
            fputs("null", stdout);
        else
            put_failure(why);
    }
    putchar(']');
    letter_ended(self);
    return thrum_done();
}

static thrum_outcome letter_failed(const thrum_failure *why, void *it)
{
    letter *self = it;

    begin_event(self->id);
    fputs(", \"why\": ", stdout);
    put_failure(why);
    letter_ended(self);
    return thrum_done();
}

static void letter_write(const sender *by, size_t index, thrum_message *message)
{
    thrum_buffer bytes;
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%zu", by->wire, index);
    thrum_buffer_init(&bytes, thrum_reactor_context(by->reactor), SIZE_MAX);
    file = fopen(path, "wb");
    if (file == NULL || thrum_message_write(message, &bytes) != 0 ||
        fwrite(bytes.data, 1, bytes.size, file) != bytes.size)
        fprintf(stderr, "relay_peer: %s was not written\n", path);
    if (file != NULL)
        fclose(file);
    thrum_buffer_fini(&bytes);
}

static thrum_message *letter_new(const sender *by, const body *it)
{
    thrum_message *message =
        thrum_message_new(thrum_reactor_context(by->reactor));
    const thrum_dsn all = {.notify = THRUM_DSN_SUCCESS | THRUM_DSN_FAILURE |
                                     THRUM_DSN_DELAY,
                           .what = THRUM_DSN_RETURN_HEADERS,
                           .envelope_id = by->dsn,
                           .original = 1};
    char *list = strdup(by->to), *rest = list, *one;

    thrum_message_set_from(message, by->from);
    if (by->envelope != NULL)
        thrum_message_set_envelope_from(message, by->envelope);
    while ((one = strsep(&rest, ",")) != NULL)
        thrum_message_add_to(message, one);
    thrum_message_set_subject(message, "A letter");
    thrum_message_set_text(message, it->bytes, it->size);
    if (by->dsn != NULL)
        thrum_message_set_dsn(message, &all);
    free(list);
    return message;
}

static void letter_send(sender *by, size_t index)
{
    letter *self = &by->letters[index];
    thrum_message *message = letter_new(by, &by->bodies[index % by->texts]);

    self->by = by;
    self->id = strdup(thrum_message_id(message));
    if (by->wire != NULL)
        letter_write(by, index, message);
    self->sending = thrum_mailer_send(by->mailer, message);
    thrum_deferred_add(self->sending, letter_sent, letter_failed, self, NULL);
}

/* ---- The program ---- */

static thrum_outcome sender_close(void *value, void *it)
{
    (void)value;
    return thrum_wait(thrum_mailer_close(((sender *)it)->mailer));
}

static thrum_outcome sender_closed(void *value, void *it)
{
    (void)value;
    put_stats(((sender *)it)->mailer);
    return thrum_done();
}

static void sender_free(void *it)
{
    sender *self = it;

    thrum_mailer_free(self->mailer);
    for (size_t i = 0; i < self->count; i++) {
        thrum_deferred_finish(self->letters[i].sending);
        free(self->letters[i].id);
    }
    free(self->letters);
    for (size_t i = 0; i < self->texts; i++)
        free(self->bodies[i].bytes);
}

static long number(const char *text, long otherwise)
{
    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

static thrum_mailer *mailer_new(const sender *self)
{
    thrum_context *context = thrum_reactor_context(self->reactor);
    thrum_tls_config trust = {.trust_file = self->ca};
    thrum_mailer_config config = {
        .via = self->via,
        .tls = (thrum_smtp_tls)number(self->tls, 0),
        .mode = (thrum_smtp_mode)number(self->mode, 0),
        .window = (unsigned)number(self->window, 0),
        .connections = (size_t)number(self->connections, 0)};
    thrum_mailer *mailer;

    if (self->ca != NULL)
        config.trust = thrum_tls_new(context, &trust, NULL);
    if (self->secret != NULL)
        config.secret = thrum_secret_from_file(context, self->secret, NULL);
    mailer = thrum_mailer_new(self->reactor, &config);
    thrum_secret_unref(config.secret);
    thrum_tls_unref(config.trust);
    return mailer;
}

static body body_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t room = 1 << 16;
    body read = {malloc(room), 0};

    while (file != NULL && read.bytes != NULL && !feof(file) && !ferror(file)) {
        if (read.size == room)
            read.bytes = realloc(read.bytes, room *= 2);
        read.size += fread(read.bytes + read.size, 1, room - read.size, file);
    }
    if (file != NULL)
        fclose(file);
    return read;
}

static void sender_read(sender *self)
{
    char *list = strdup(self->text), *rest = list, *one;

    while (self->texts < TEXTS && (one = strsep(&rest, ",")) != NULL)
        self->bodies[self->texts++] = body_read(one);
    free(list);
}

static thrum_deferred *sender_run(thrum_reactor *reactor, void *it)
{
    sender *self = it;
    thrum_deferred *over =
        thrum_deferred_new(thrum_reactor_context(reactor), "relay_peer");

    self->reactor = reactor;
    self->over = over;
    self->mailer = mailer_new(self);
    sender_read(self);
    self->cancel_at = (size_t)number(self->cancel, -1);
    self->count = (size_t)number(self->times, 1);
    self->letters = calloc(self->count, sizeof *self->letters);
    for (size_t i = 0; i < self->count; i++)
        letter_send(self, i);
    thrum_deferred_add(over, sender_close, NULL, self, NULL);
    thrum_deferred_add(over, sender_closed, NULL, self, sender_free);
    if (self->cancel_at == 0)
        sender_cancel(self);
    return over;
}

static int sender_set(sender *self, const char *word)
{
    const struct {
        const char *key;
        const char **value;
    } keys[] = {
        {"ca=", &self->ca},         {"secret=", &self->secret},
        {"tls=", &self->tls},       {"mode=", &self->mode},
        {"window=", &self->window}, {"connections=", &self->connections},
        {"from=", &self->from},     {"sender=", &self->envelope},
        {"to=", &self->to},         {"text=", &self->text},
        {"dsn=", &self->dsn},       {"times=", &self->times},
        {"wire=", &self->wire},     {"cancel=", &self->cancel}};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(word, keys[i].key, strlen(keys[i].key)) == 0) {
            *keys[i].value = word + strlen(keys[i].key);
            return 1;
        }
    return 0;
}

int main(int count, char **words)
{
    sender self = {.from = "Club <club@example.org>",
                   .to = "ann@example.org",
                   .text = "/dev/null"};

    if (count < 2)
        return 64;
    self.via = words[1];
    for (int i = 2; i < count; i++)
        if (!sender_set(&self, words[i])) {
            fprintf(stderr, "relay_peer: %s?\n", words[i]);
            return 64;
        }
    return thrum_react(sender_run, &self);
}
