/* SPDX-License-Identifier: MIT */
/*
 * `thrum probe`: what `thrum bulk` would meet at a server, asked with the same
 * options and by the same code, without sending anything.
 */
#include <stdlib.h>
#include <time.h>

#include <thrum/mail.h>

#include "cli/commands.h"
#include "cli/exit.h"
#include "cli/probe.h"
#include "cli/say.h"

#define AT(member) offsetof(probe_options, member)

typedef struct probe {
    probe_options options;
    thrum_reactor *reactor;
    cli_via via;
    int status;
} probe;

/* ---- The command line ---- */

static const cli_option probe_table[] = {
    {"json", NULL, NULL, "print what was found as JSON", CLI_FLAG, AT(json), 0,
     0},
};

static const cli_option probe_url = {.argument = "URL",
                                     .variable = "THRUM_VIA",
                                     .offset = AT(url),
                                     .kind = CLI_TEXT};

const cli_command probe_command = {
    .name = "probe",
    .about = "Shows what a server offers, and whether mail would be sent to "
             "it.",
    .usage = "URL [OPTION]...",
    .options = probe_table,
    .count = sizeof probe_table / sizeof *probe_table,
    .shared = cli_via_table,
    .shared_count = CLI_VIA_OPTIONS,
    .shared_at = AT(how),
    .operand = &probe_url,
};

int probe_options_read(probe_options *options, int argc, char **argv)
{
    const char *wrong;
    int status;

    *options = (probe_options){.how = {.tls = -1}};
    status = cli_options_read(&probe_command, argc, argv, options);
    if (status != CLI_GO_ON)
        return status;
    wrong = options->url == NULL
                ? "the URL is missing (and THRUM_VIA is not set)"
                : cli_via_options_wrong(&options->how);
    if (wrong == NULL)
        return CLI_GO_ON;
    cli_say("thrum probe: %s", wrong);
    cli_say("Try 'thrum probe --help'.");
    return CLI_EXIT_USAGE;
}

/* ---- Words ---- */

const probe_word probe_extensions[] = {
    {THRUM_SMTP_PIPELINING, "PIPELINING"},
    {THRUM_SMTP_CHUNKING, "CHUNKING"},
    {THRUM_SMTP_SIZE, "SIZE"},
    {THRUM_SMTP_8BITMIME, "8BITMIME"},
    {THRUM_SMTP_SMTPUTF8, "SMTPUTF8"},
    {THRUM_SMTP_DSN, "DSN"},
    {THRUM_SMTP_ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES"},
    {THRUM_SMTP_STARTTLS, "STARTTLS"},
    {THRUM_SMTP_AUTH, "AUTH"},
    {0, NULL},
};

const probe_word probe_mechanisms[] = {
    {THRUM_SMTP_SCRAM_SHA_256, "SCRAM-SHA-256"},
    {THRUM_SMTP_SCRAM_SHA_1, "SCRAM-SHA-1"},
    {THRUM_SMTP_PLAIN, "PLAIN"},
    {THRUM_SMTP_LOGIN, "LOGIN"},
    {THRUM_SMTP_CRAM_MD5, "CRAM-MD5"},
    {THRUM_SMTP_OAUTHBEARER, "OAUTHBEARER"},
    {THRUM_SMTP_XOAUTH2, "XOAUTH2"},
    {0, NULL},
};

void probe_date(thrum_ns wall, char out[PROBE_DATE])
{
    time_t seconds = (time_t)(wall / THRUM_S);
    struct tm date;

    out[0] = '\0';
    if (gmtime_r(&seconds, &date) != NULL)
        strftime(out, PROBE_DATE, "%Y-%m-%dT%H:%M:%SZ", &date);
}

void probe_digest(const uint8_t sha256[32], char out[PROBE_DIGEST])
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = hex[sha256[i] >> 4];
        out[2 * i + 1] = hex[sha256[i] & 15];
    }
    out[64] = '\0';
}

/* ---- The probe ---- */

static thrum_outcome probe_found(void *found, void *ctx)
{
    probe *self = ctx;
    const thrum_probe_facts *facts = thrum_probe_get_facts(found);

    if (!self->options.json)
        probe_text(facts, stdout);
    else if (probe_json(facts, stdout) != 0)
        self->status = CLI_EXIT_IO;
    if (self->status == CLI_EXIT_OK && facts->why != NULL)
        self->status = CLI_EXIT_UNAVAILABLE;
    return thrum_done();
}

/* What no server has to be asked for: a mailer judges that. */
static thrum_outcome probe_read(void *value, void *ctx)
{
    probe *self = ctx;
    thrum_mailer *mailer;
    thrum_deferred *found;

    (void)value;
    if (self->via.status == CLI_EXIT_OK) {
        self->via.status =
            cli_via_open(&self->via, self->reactor, "the URL", &mailer);
        thrum_mailer_free(mailer);
    }
    self->status = self->via.status;
    if (self->status != CLI_EXIT_OK)
        return thrum_done();
    found = thrum_probe_start(self->reactor, &self->via.config);
    thrum_deferred_add(found, probe_found, NULL, self, NULL);
    return thrum_wait(found);
}

static thrum_outcome probe_broke(const thrum_failure *why, void *ctx)
{
    probe *self = ctx;

    cli_say("thrum probe: %s", thrum_failure_text(why));
    self->status = CLI_EXIT_SOFTWARE;
    return thrum_done();
}

static void probe_close(void *ctx)
{
    cli_via_fini(&((probe *)ctx)->via);
}

static thrum_deferred *probe_run(thrum_reactor *reactor, void *ctx)
{
    probe *self = ctx;
    thrum_deferred *parts;

    self->reactor = reactor;
    self->via.command = "probe";
    parts = cli_via_read(&self->via, reactor, self->options.url,
                         &self->options.how);
    thrum_deferred_add(parts, probe_read, NULL, self, NULL);
    thrum_deferred_add(parts, NULL, probe_broke, self, probe_close);
    return parts;
}

int cli_probe(int argc, char **argv)
{
    probe self = {.status = CLI_EXIT_OK};
    int status = probe_options_read(&self.options, argc, argv);

    if (status != CLI_GO_ON)
        return status;
    if (thrum_react(probe_run, &self) != 0 && self.status == CLI_EXIT_OK)
        self.status = CLI_EXIT_SOFTWARE;
    return self.status;
}
