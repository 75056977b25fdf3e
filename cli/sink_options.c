/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "cli/exit.h"
#include "cli/say.h"
#include "cli/sink_options.h"

#define AT(member) offsetof(sink_options, member)

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

/* What is no account, or does not go together; NULL: nothing. */
static const char *sink_options_wrong(sink_options *options)
{
    if (options->tls_key != NULL && options->tls_cert == NULL)
        return "--tls-key without --tls-cert";
    if (options->implicit_tls && options->tls_cert == NULL)
        return "--implicit-tls without --tls-cert";
    if (options->auth != NULL && !sink_options_account(options))
        return "--auth takes USER:FILE";
    return NULL;
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
        return CLI_GO_ON;
    cli_say("thrum sink: --listen takes ADDRESS:PORT or [ADDRESS]:PORT, "
            "not '%s'",
            options->listen);
    return CLI_EXIT_USAGE;
}
