/* SPDX-License-Identifier: MIT */
/*
 * Sends one letter many times by a mailer, and tells what that took. What a
 * message costs besides is as little as it can be: the letter is compiled once
 * and has no slots, and each message that ends sends the next one, so that no
 * iterator is counted either.
 *
 *     smtp_send [-m MODE] [-w WINDOW] [-c CONNECTIONS] [-t TLS] [-f CA-FILE]
 *               [-k KEPT] [-l BYTES] [-n] URL MESSAGES
 *
 * MODE is best, lockstep, pipelined, across or chunked; TLS is default, none,
 * opportunistic, required or implicit; KEPT is how many messages go over one
 * connection at most; BYTES are those of the text; -n composes the messages and
 * sends none, to tell what that takes. Prints one line of JSON: rss_idle_kib is
 * the anonymous memory before the first message, rss_kib the most that was seen
 * while they were under way.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <thrum/mail.h>
#include <thrum/thrum.h>

enum { LINE = 72, TEXT_MOST = 1024 * 1024, LOOKS = 8 };

typedef struct sending {
    thrum_mailer_config config;
    const char *ca_file;
    size_t text_size;
    bool compose_only;
    uint64_t messages, begun, accepted, failed;
    thrum_deferred *all; /* of them have ended */
    thrum_mailer *mailer;
    thrum_template *letter;
    double start, cpu;
    long idle, most; /* KiB */
} sending;

static double now(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* KiB of anonymous memory that is resident; -1: not to be had. */
static long memory(void)
{
    char line[128];
    long size = -1;
    FILE *status = fopen("/proc/self/status", "re");

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "RssAnon: %ld", &size) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return size;
}

/* ---- One message ---- */

static void send_next(sending *self);

/* The next one, or the end of all. */
static thrum_outcome ended(sending *self)
{
    if (self->begun < self->messages)
        send_next(self);
    else if (self->accepted + self->failed == self->messages)
        thrum_deferred_fire(self->all, NULL, NULL);
    return thrum_done();
}

static thrum_outcome accepted(void *receipt, void *ctx)
{
    sending *self = ctx;

    (void)receipt;
    if (++self->accepted % (self->messages / LOOKS + 1) == 0) {
        long seen = memory();

        if (seen > self->most)
            self->most = seen;
    }
    return ended(self);
}

static thrum_outcome failed(const thrum_failure *why, void *ctx)
{
    sending *self = ctx;

    if (self->failed++ == 0)
        fprintf(stderr, "smtp_send: %s\n", thrum_failure_text(why));
    return ended(self);
}

static thrum_message *compose(const sending *self)
{
    static const thrum_bytes to = {"ann@example.org", 15};

    return thrum_template_fill(self->letter, to, NULL);
}

static void send_next(sending *self)
{
    thrum_deferred *sent = thrum_mailer_send(self->mailer, compose(self));

    self->begun++;
    if (thrum_deferred_add(sent, accepted, failed, self, NULL) != 0) {
        fprintf(stderr, "smtp_send: out of memory\n");
        exit(1);
    }
    thrum_deferred_finish(sent);
}

/* ---- All of them ---- */

static thrum_outcome all_sent(void *nothing, void *it)
{
    (void)nothing;
    return thrum_wait(thrum_mailer_close(((sending *)it)->mailer));
}

static thrum_outcome closed(void *nothing, void *it)
{
    sending *self = it;
    thrum_mailer_stats stats = thrum_mailer_get_stats(self->mailer);
    double seconds = now(CLOCK_MONOTONIC) - self->start;
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID) - self->cpu;

    (void)nothing;
    printf("{\"accepted\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"connections\":%" PRIu64 ",\"secured\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"writes\":%" PRIu64 ",\"replies\":%" PRIu64,
           self->accepted, self->failed, stats.connections, stats.secured,
           stats.bytes, stats.writes, stats.replies);
    printf(",\"seconds\":%.4f,\"rate\":%.0f,\"cpu_us\":%.3f"
           ",\"rss_idle_kib\":%ld,\"rss_kib\":%ld}\n",
           seconds, (double)self->accepted / seconds,
           cpu * 1e6 / (double)self->messages, self->idle, self->most);
    return self->failed == 0
               ? thrum_done()
               : thrum_fail(thrum_failure_new(
                     thrum_mailer_context(self->mailer), &thrum_domain_base,
                     THRUM_E_INVALID, "not all messages were accepted"));
}

static void sending_end(void *it)
{
    sending *self = it;

    thrum_mailer_free(self->mailer);
    thrum_template_unref(self->letter);
    thrum_tls_unref(self->config.trust);
}

static thrum_template *make_letter(thrum_context *context, size_t size,
                                   thrum_failure **why)
{
    thrum_message *letter = thrum_message_new(context);
    char *text = malloc(size);
    thrum_template *made;

    if (text != NULL)
        for (size_t i = 0; i < size; i++)
            text[i] = i % LINE == LINE - 1 ? '\n' : 'a';
    thrum_message_set_from(letter, "News <news@example.org>");
    thrum_message_set_subject(letter, "The loom");
    thrum_message_set_text(letter, text, size);
    made = thrum_template_new(context, letter, NULL, 0, why);
    thrum_message_free(letter);
    free(text);
    return made;
}

/* Messages that are open: those that the connections have in flight, and as
 * many that are ready to follow. */
static size_t open_most(const thrum_mailer_config *config)
{
    size_t flying = 2;

    if (config->mode == THRUM_SMTP_MODE_BEST ||
        config->mode == THRUM_SMTP_MODE_CHUNKED)
        flying = config->window > 2 ? config->window : 4;
    return 2 * flying * config->connections;
}

static thrum_deferred *run(thrum_reactor *reactor, void *it)
{
    sending *self = it;
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_tls_config trust = {.trust_file = self->ca_file};
    thrum_failure *why = NULL;

    if (self->ca_file != NULL)
        self->config.trust = thrum_tls_new(context, &trust, &why);
    if (why == NULL)
        self->letter = make_letter(context, self->text_size, &why);
    if (why != NULL)
        return thrum_deferred_failed(context, why);
    self->mailer = thrum_mailer_new(reactor, &self->config);
    self->idle = self->most = memory();
    self->start = now(CLOCK_MONOTONIC);
    self->cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    self->all = thrum_deferred_new(context, "smtp_send");
    thrum_deferred_add(self->all, all_sent, NULL, self, NULL);
    thrum_deferred_add(self->all, closed, NULL, self, sending_end);
    if (self->compose_only) {
        for (; self->begun < self->messages; self->begun++)
            thrum_message_free(compose(self));
        thrum_deferred_fire(self->all, NULL, NULL);
    }
    for (size_t i = open_most(&self->config); i > 0; i--)
        if (self->begun < self->messages)
            send_next(self);
    return self->all;
}

/* ---- The command line ---- */

static bool find(const char *const *names, const char *name, int *found)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0) {
            *found = i;
            return true;
        }
    return false;
}

static bool read_option(sending *self, int option, const char *value)
{
    static const char *const modes[] = {"best",   "lockstep", "pipelined",
                                        "across", "chunked",  NULL};
    static const char *const ways[] = {"default",  "none",     "opportunistic",
                                       "required", "implicit", NULL};
    unsigned long number = strtoul(value, NULL, 10);
    int found = 0;

    switch (option) {
    case 'm':
        if (!find(modes, value, &found))
            return false;
        self->config.mode = (thrum_smtp_mode)found;
        return true;
    case 't':
        if (!find(ways, value, &found))
            return false;
        self->config.tls = (thrum_smtp_tls)found;
        return true;
    case 'w':
        self->config.window = (unsigned)number;
        return number > 0;
    case 'c':
        self->config.connections = number;
        return number > 0;
    case 'n':
        self->compose_only = true;
        return true;
    case 'k':
        self->config.messages = number;
        return number > 0;
    case 'l':
        self->text_size = number;
        return number > 0 && number <= TEXT_MOST;
    case 'f':
        self->ca_file = value;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static sending self = {.config = {.connections = 10}, .text_size = 1200};
    bool right = true;
    int option;

    while (right && (option = getopt(argc, argv, "m:w:c:t:f:k:l:n")) != -1)
        right = read_option(&self, option, optarg != NULL ? optarg : "");
    if (!right || argc != optind + 2) {
        fprintf(stderr,
                "smtp_send [-m MODE] [-w WINDOW] [-c CONNECTIONS] [-t TLS] "
                "[-f CA-FILE] [-k KEPT] [-l BYTES] [-n] URL MESSAGES\n");
        return 64;
    }
    self.config.via = argv[optind];
    self.messages = strtoull(argv[optind + 1], NULL, 10);
    return thrum_react(run, &self);
}
