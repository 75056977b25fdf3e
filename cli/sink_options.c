/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "cli/exit.h"
#include "cli/say.h"
#include "cli/sink_options.h"

#define AT(member) offsetof(sink_options, member)

#define RATE_MOST UINT64_C(1000000000)

static const cli_option sink_table[] = {
    {"listen", "ADDRESS:PORT", NULL,
     "where to listen (127.0.0.1:2525); port 0 takes a free one", CLI_TEXT,
     AT(listen), 0, 0},
    {"count", "N", NULL, "end after N messages", CLI_NUMBER, AT(count), 1,
     UINT64_MAX},
    {"dump", "FILE", NULL, "write each message there, a line of JSON each",
     CLI_TEXT, AT(dump), 0, 0},
    {"no-pipelining", NULL, NULL, "do not offer PIPELINING", CLI_FLAG,
     AT(no_pipelining), 0, 0},
    {"chunking", NULL, NULL, "offer CHUNKING, and take BDAT", CLI_FLAG,
     AT(chunking), 0, 0},
    {"size", "N", NULL, "offer SIZE, and refuse messages of more than N octets",
     CLI_NUMBER, AT(size), 1, UINT64_MAX - 1},
    {"tls-cert", "FILE", NULL, "offer STARTTLS with this certificate (PEM)",
     CLI_TEXT, AT(tls_cert), 0, 0},
    {"tls-key", "FILE", NULL, "its key, if it is not in the same file",
     CLI_TEXT, AT(tls_key), 0, 0},
    {"implicit-tls", NULL, NULL, "begin with TLS, instead of STARTTLS",
     CLI_FLAG, AT(implicit_tls), 0, 0},
    {"auth", "USER:FILE", NULL,
     "take mail of USER only, whose password is in FILE", CLI_TEXT, AT(auth), 0,
     0},
    {"reply", "CMD:CODE[:1/N]", NULL,
     "answer CMD by CODE, each time or every Nth; may be given again",
     CLI_TEXTS, AT(replies), 0, 0},
    {"drop", "CMD[:1/N]", NULL,
     "close at CMD, without an answer; may be given again", CLI_TEXTS,
     AT(drops), 0, 0},
    {"delay", "CMD:MS", NULL,
     "answer CMD so many milliseconds later; may be given again", CLI_TEXTS,
     AT(delays), 0, 0},
    {"read-rate", "BYTES/s", NULL, "read so slowly, from each connection",
     CLI_TEXT, AT(read_rate), 0, 0},
    {"json", NULL, NULL, "print the totals as JSON", CLI_FLAG, AT(json), 0, 0},
};

const cli_command sink_command = {
    .name = "sink",
    .about =
        "Takes mail over SMTP, counts it, and keeps it only when asked to.",
    .usage = "[OPTION]...",
    .options = sink_table,
    .count = sizeof sink_table / sizeof *sink_table,
};

static bool sink_options_port(const char *text, uint16_t *port)
{
    unsigned number = 0;

    if (text[0] == '\0' || strlen(text) > 5)
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + (unsigned)(*text - '0');
    }
    *port = (uint16_t)number;
    return number <= UINT16_MAX;
}

/* "127.0.0.1:2525" or "[::1]:2525". */
static bool sink_options_address(sink_options *options)
{
    const char *host = options->listen, *colon = strrchr(host, ':');
    size_t size;

    if (colon == NULL || !sink_options_port(colon + 1, &options->port))
        return false;
    size = (size_t)(colon - host);
    if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    } else if (memchr(host, ':', size) != NULL) {
        return false;
    }
    if (size == 0 || size >= sizeof options->host)
        return false;
    memcpy(options->host, host, size);
    options->host[size] = '\0';
    return true;
}

/* The first colon parts them: a user has none, a file may. */
static bool sink_options_account(sink_options *options)
{
    const char *colon = strchr(options->auth, ':');
    size_t size = colon != NULL ? (size_t)(colon - options->auth) : 0;

    if (size == 0 || size >= sizeof options->user || colon[1] == '\0')
        return false;
    memcpy(options->user, options->auth, size);
    options->user[size] = '\0';
    options->file = colon + 1;
    return true;
}

/* "1024" or "1024/s". */
static bool sink_options_rate(sink_options *options)
{
    const char *at = options->read_rate;

    for (; *at >= '0' && *at <= '9' && options->rate < RATE_MOST; at++)
        options->rate = options->rate * 10 + (uint64_t)(*at - '0');
    return options->rate > 0 && options->rate <= RATE_MOST &&
           (*at == '\0' || strcmp(at, "/s") == 0);
}

/* What is no account, or does not go together; NULL: nothing. */
static const char *sink_options_wrong(sink_options *options)
{
    if (options->tls_key != NULL && options->tls_cert == NULL)
        return "--tls-key without --tls-cert";
    if (options->implicit_tls && options->tls_cert == NULL)
        return "--implicit-tls without --tls-cert";
    if (options->auth != NULL && !sink_options_account(options))
        return "--auth takes USER:FILE";
    if (options->read_rate != NULL && !sink_options_rate(options))
        return "--read-rate takes BYTES/s, from 1 to 1000000000";
    return NULL;
}

/* The texts of one option; NULL, or the first that is no rule. */
static const char *sink_options_rules(sink_options *options,
                                      sink_rule_kind kind,
                                      const cli_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        if (!sink_faults_add(&options->faults, kind, texts->text[i]))
            return texts->text[i];
    return NULL;
}

/* Answers CLI_GO_ON or an exit status. */
static int sink_options_faults(sink_options *options)
{
    static const char *const forms[] = {
        [SINK_RULE_REPLY] = "--reply takes CMD:CODE[:1/N], CODE from 400 to "
                            "599",
        [SINK_RULE_DROP] = "--drop takes CMD[:1/N]",
        [SINK_RULE_DELAY] = "--delay takes CMD:MS",
    };
    const cli_texts *texts[] = {&options->replies, &options->drops,
                                &options->delays};

    for (int kind = 0; kind <= SINK_RULE_DELAY; kind++) {
        const char *wrong =
            sink_options_rules(options, (sink_rule_kind)kind, texts[kind]);

        if (wrong == NULL)
            continue;
        cli_say("thrum sink: %s, not '%s'", forms[kind], wrong);
        return CLI_EXIT_USAGE;
    }
    return CLI_GO_ON;
}

int sink_options_read(sink_options *options, int argc, char **argv)
{
    const char *wrong;
    int status;

    *options = (sink_options){.listen = "127.0.0.1:2525"};
    status = cli_options_read(&sink_command, argc, argv, options);
    if (status != CLI_GO_ON)
        return status;
    wrong = sink_options_wrong(options);
    if (wrong != NULL) {
        cli_say("thrum sink: %s", wrong);
        return CLI_EXIT_USAGE;
    }
    if (sink_options_address(options))
        return sink_options_faults(options);
    cli_say("thrum sink: --listen takes ADDRESS:PORT or [ADDRESS]:PORT, "
            "not '%s'",
            options->listen);
    return CLI_EXIT_USAGE;
}
