/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/deferred.h>

#include "cli/exit.h"
#include "cli/say.h"
#include "cli/via.h"

#define AT(member) offsetof(cli_via_options, member)
#define VIA_VARIABLE "THRUM_SMTP_PASSWORD"
/* A person may have to type what unlocks a store of passwords. */
#define VIA_COMMAND_WITHIN (300 * THRUM_S)

enum { VIA_WORDS = 1000 };

const cli_option cli_via_table[CLI_VIA_OPTIONS] = {
    {"no-pipelining", NULL, NULL, "wait for each reply", CLI_FLAG,
     AT(no_pipelining), 0, 0},
    {"window", "N", NULL, "messages in flight with CHUNKING (4); 1: no window",
     CLI_NUMBER, AT(window), 1, 1024},
    {"tls", "none|opportunistic|required", NULL,
     "of smtp: (required with a user, or opportunistic)", CLI_CHOICE, AT(tls),
     0, 0},
    {"ca-file", "FILE", NULL, "whom to trust (the system's); TLS is required",
     CLI_TEXT, AT(ca_file), 0, 0},
    {"password-file", "FILE", NULL, "the user's password (" VIA_VARIABLE ")",
     CLI_TEXT, AT(password_file), 0, 0},
    {"password-command", "COMMAND", NULL, "what prints the user's password",
     CLI_TEXT, AT(password_command), 0, 0},
};

const char *cli_via_options_wrong(const cli_via_options *options)
{
    if (options->password_file != NULL && options->password_command != NULL)
        return "--password-file and --password-command: give one or the other";
    if (options->no_pipelining && options->window > 1)
        return "--no-pipelining leaves no window: give one or the other";
    if (options->ca_file != NULL && options->tls != -1 &&
        options->tls + 1 != THRUM_SMTP_TLS_REQUIRED)
        return "--ca-file needs --tls required";
    return NULL;
}

/* ---- What is wrong ---- */

static void via_wrong(cli_via *self, int status, const char *words)
{
    cli_say("thrum %s: %s", self->command, words);
    self->status = status;
}

/* A file that was asked for by `option`. EPERM is the mode of one that others
 * may read. */
static void via_file_wrong(cli_via *self, const char *option,
                           const thrum_failure *why)
{
    const thrum_failure *cause = thrum_failure_cause(why);
    char words[VIA_WORDS];
    int status = CLI_EXIT_CONFIG;

    if (thrum_failure_is(cause, &thrum_domain_system, EPERM))
        status = CLI_EXIT_NOPERM;
    else if (cause != NULL &&
             thrum_failure_domain(cause) == &thrum_domain_system)
        status = CLI_EXIT_NOINPUT;
    cli_say_causes(why, words, sizeof words);
    cli_say("thrum %s: %s: %s", self->command, option, words);
    self->status = status;
}

/* ---- The password ---- */

/* A user, and no password behind it: that is the mailer's to refuse. */
static int via_names_user(const char *url)
{
    const char *name = strstr(url, "://");
    size_t size;

    if (name == NULL)
        return 0;
    name += 3;
    size = strcspn(name, "@/");
    return name[size] == '@' && memchr(name, ':', size) == NULL;
}

/* The secret leaves the environment, where a child would inherit it, and the
 * memory that shows as /proc/PID/environ. */
static void via_take_variable(cli_via *self, thrum_context *context, int wanted)
{
    char *value = getenv(VIA_VARIABLE);
    thrum_failure *why = NULL;

    if (value == NULL)
        return;
    if (wanted && value[0] != '\0') {
        self->config.secret =
            thrum_secret_from_variable(context, VIA_VARIABLE, &why);
        if (self->config.secret == NULL)
            via_wrong(self, CLI_EXIT_CONFIG, thrum_failure_text(why));
        thrum_failure_unref(why);
    }
    explicit_bzero(value, strlen(value));
    unsetenv(VIA_VARIABLE);
}

static void via_take_file(cli_via *self, thrum_context *context)
{
    thrum_failure *why = NULL;

    self->config.secret =
        thrum_secret_from_file(context, self->options->password_file, &why);
    if (self->config.secret == NULL)
        via_file_wrong(self, "--password-file", why);
    thrum_failure_unref(why);
}

static thrum_outcome via_command_printed(void *secret, void *ctx)
{
    cli_via *self = ctx;

    self->config.secret = thrum_secret_ref(secret);
    return thrum_done();
}

static thrum_outcome via_command_failed(const thrum_failure *why, void *ctx)
{
    char words[VIA_WORDS];
    cli_via *self = ctx;

    cli_say_causes(why, words, sizeof words);
    cli_say("thrum %s: --password-command: %s", self->command, words);
    self->status = CLI_EXIT_CONFIG;
    return thrum_done();
}

/* What is asked for, without the command, which takes its time. */
static void via_take_secret(cli_via *self, thrum_context *context)
{
    const cli_via_options *options = self->options;
    int user = via_names_user(self->config.via);
    int given =
        options->password_file != NULL || options->password_command != NULL;

    via_take_variable(self, context, user && !given);
    if (self->status != CLI_EXIT_OK)
        return;
    if (given && !user)
        via_wrong(self, CLI_EXIT_CONFIG,
                  "there is a password, but the URL names no user: "
                  "smtp://USER@HOST");
    else if (options->password_file != NULL)
        via_take_file(self, context);
    else if (user && !given && self->config.secret == NULL)
        via_wrong(self, CLI_EXIT_CONFIG,
                  "the user needs a password: " VIA_VARIABLE
                  " is not set, and neither --password-file nor "
                  "--password-command is given");
}

/* ---- All of it ---- */

static void via_take_trust(cli_via *self, thrum_context *context)
{
    thrum_tls_config config = {.trust_file = self->options->ca_file};
    thrum_failure *why = NULL;

    self->config.trust = thrum_tls_new(context, &config, &why);
    if (self->config.trust == NULL)
        via_file_wrong(self, "--ca-file", why);
    else if (self->config.tls == THRUM_SMTP_TLS_DEFAULT)
        self->config.tls = THRUM_SMTP_TLS_REQUIRED;
    thrum_failure_unref(why);
}

static thrum_smtp_mode via_mode(const cli_via_options *options)
{
    if (options->no_pipelining)
        return THRUM_SMTP_MODE_LOCKSTEP;
    return options->window == 1 ? THRUM_SMTP_MODE_ACROSS : THRUM_SMTP_MODE_BEST;
}

thrum_deferred *cli_via_read(cli_via *via, thrum_reactor *reactor,
                             const char *url, const cli_via_options *options)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_deferred *read;

    via->options = options;
    via->config.via = url;
    via->config.mode = via_mode(options);
    via->config.window = (unsigned)options->window;
    via->config.tls = (thrum_smtp_tls)(options->tls + 1);
    via_take_secret(via, context);
    if (via->status == CLI_EXIT_OK && options->ca_file != NULL)
        via_take_trust(via, context);
    if (via->status != CLI_EXIT_OK || options->password_command == NULL) {
        read = thrum_deferred_new(context, "via");
        thrum_deferred_fire(read, NULL, NULL);
        return read;
    }
    read = thrum_secret_from_command(reactor, options->password_command,
                                     VIA_COMMAND_WITHIN);
    thrum_deferred_add(read, via_command_printed, via_command_failed, via,
                       NULL);
    return read;
}

int cli_via_open(const cli_via *via, thrum_reactor *reactor, const char *url,
                 thrum_mailer **mailer)
{
    const thrum_failure *why;
    char words[VIA_WORDS];

    *mailer = thrum_mailer_new(reactor, &via->config);
    if (*mailer == NULL) {
        cli_say("thrum %s: out of memory", via->command);
        return CLI_EXIT_SOFTWARE;
    }
    why = thrum_mailer_failure(*mailer);
    if (why == NULL)
        return CLI_EXIT_OK;
    cli_say_causes(why, words, sizeof words);
    cli_say("thrum %s: %s: %s", via->command, url, words);
    return CLI_EXIT_CONFIG;
}

void cli_via_fini(cli_via *via)
{
    thrum_secret_unref(via->config.secret);
    thrum_tls_unref(via->config.trust);
    via->config.secret = NULL;
    via->config.trust = NULL;
}
