/* SPDX-License-Identifier: MIT */
/*
 * thrum sink: an SMTP server that takes everything, counts it, and keeps it
 * only when it is asked to.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit.h"
#include "cli/say.h"
#include "cli/sink_options.h"
#include "cli/sink_server.h"

static void sink_log(thrum_log_level level, const char *line, void *ctx)
{
    (void)ctx;
    if (level >= THRUM_LOG_WARNING)
        cli_say("thrum sink: %s", line);
}

static thrum_reactor *sink_reactor(thrum_context *context)
{
    thrum_reactor_config config = {.context = context};

    return context != NULL ? thrum_reactor_new(&config) : NULL;
}

static void sink_report(const sink_totals *totals, int json)
{
    if (json)
        printf("{\"connections\":%" PRIu64 ",\"messages\":%" PRIu64
               ",\"recipients\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"commands\":%" PRIu64 "}\n",
               totals->connections, totals->messages, totals->recipients,
               totals->bytes, totals->commands);
    else
        cli_say("%" PRIu64 " connections, %" PRIu64 " messages, %" PRIu64
                " recipients, %" PRIu64 " bytes, %" PRIu64 " commands",
                totals->connections, totals->messages, totals->recipients,
                totals->bytes, totals->commands);
}

/* The cause tells an address that is in use from one that is not there. */
static void sink_say_why(const thrum_failure *why)
{
    const thrum_failure *cause = thrum_failure_cause(why);

    if (cause != NULL)
        cli_say("thrum sink: %s: %s", thrum_failure_text(why),
                thrum_failure_text(cause));
    else
        cli_say("thrum sink: %s", thrum_failure_text(why));
}

/* Runs the server to its end. Answers the exit status. */
static int sink_serve(sink_server *server, const sink_options *options)
{
    thrum_failure *why = NULL;
    int status = CLI_EXIT_OK;

    if (sink_server_start(server, options->host, options->port, &why) != 0) {
        sink_say_why(why);
        thrum_failure_unref(why);
        status = CLI_EXIT_UNAVAILABLE;
    } else {
        cli_say("listening on %s", thrum_listener_name(server->listener));
        thrum_reactor_run(server->reactor);
        sink_report(&server->totals, options->json);
    }
    sink_server_fini(server);
    return status;
}

/* Runs it on a reactor. */
static int sink_run_server(sink_server *server, thrum_context *context,
                           const sink_options *options)
{
    int status;

    server->reactor = sink_reactor(context);
    if (server->reactor == NULL) {
        cli_say("thrum sink: out of memory or descriptors");
        return CLI_EXIT_SOFTWARE;
    }
    status = sink_serve(server, options);
    thrum_reactor_free(server->reactor);
    return status;
}

/* Reads the certificate, if there is one. Answers CLI_GO_ON or a status. */
static int sink_read_tls(sink_server *server, thrum_context *context,
                         const sink_options *options)
{
    thrum_tls_config config = {
        .certificate_file = options->tls_cert,
        .key_file = options->tls_key,
    };
    thrum_failure *why = NULL;

    if (options->tls_cert == NULL)
        return CLI_GO_ON;
    server->tls = thrum_tls_new(context, &config, &why);
    if (server->tls != NULL)
        return CLI_GO_ON;
    sink_say_why(why);
    thrum_failure_unref(why);
    return CLI_EXIT_NOINPUT;
}

/* Reads the account, if there is one. Answers CLI_GO_ON or a status. */
static int sink_read_account(sink_account *account, const sink_options *options)
{
    thrum_bytes user = {options->user, strlen(options->user)};

    if (options->auth == NULL)
        return CLI_GO_ON;
    switch (sink_account_read(account, user, options->file)) {
    case SINK_ACCOUNT_GOOD:
        return CLI_GO_ON;
    case SINK_ACCOUNT_MISSING:
        cli_say("thrum sink: %s: %s", options->file, strerror(errno));
        return CLI_EXIT_NOINPUT;
    case SINK_ACCOUNT_OPEN:
        cli_say("thrum sink: %s: others may read or write it, or own it; "
                "chmod 600 it",
                options->file);
        return CLI_EXIT_NOPERM;
    default:
        cli_say("thrum sink: %s: a password is one line of at most %d bytes",
                options->file, SINK_SECRET_MAX - 2);
        return CLI_EXIT_DATA;
    }
}

/* The dump outlives the reactor, whose last connections may write to it. */
static int sink_run(thrum_context *context, sink_options *options,
                    sink_dump *dump)
{
    sink_server server = {
        .dump = dump,
        .count = options->count,
        .implicit = options->implicit_tls,
        .rate = options->rate,
        .session = {.pipelining = !options->no_pipelining,
                    .chunking = options->chunking,
                    .size = options->size},
    };
    sink_account account = {0};
    int status = sink_read_account(&account, options);

    if (options->auth != NULL)
        server.session.account = &account;
    if (options->faults.count > 0)
        server.session.faults = &options->faults;
    if (status == CLI_GO_ON)
        status = sink_read_tls(&server, context, options);
    if (status == CLI_GO_ON)
        status = sink_run_server(&server, context, options);
    thrum_tls_unref(server.tls);
    sink_account_fini(&account);
    return status;
}

static int sink_run_with_dump(thrum_context *context, sink_options *options)
{
    sink_dump dump;
    int error = sink_dump_open(&dump, context, options->dump);
    int status;

    if (error != 0) {
        cli_say("thrum sink: %s: %s", options->dump, strerror(error));
        return CLI_EXIT_CANTCREAT;
    }
    status = sink_run(context, options, &dump);
    error = sink_dump_close(&dump);
    if (error == 0)
        return status;
    cli_say("thrum sink: %s: %s; the last messages are not in it",
            options->dump, strerror(error));
    return CLI_EXIT_IO;
}

int cli_sink(int argc, char **argv)
{
    thrum_context_config config = {.log = sink_log};
    thrum_context *context;
    sink_options options;
    int status = sink_options_read(&options, argc, argv);

    if (status != CLI_GO_ON)
        return status;
    context = thrum_context_new(&config);
    if (context == NULL)
        status = CLI_EXIT_SOFTWARE;
    else if (options.dump != NULL)
        status = sink_run_with_dump(context, &options);
    else
        status = sink_run(context, &options, NULL);
    thrum_context_unref(context);
    return status;
}
