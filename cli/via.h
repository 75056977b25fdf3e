/* SPDX-License-Identifier: MIT */
/*
 * By way of which server, and as whom: the options that `bulk` and `probe` have
 * in common, and the mailer's configuration that is made of them. A password
 * comes from a file, a command, or THRUM_SMTP_PASSWORD, never from the command
 * line, which everybody may read.
 */
#ifndef THRUM_CLI_VIA_H
#define THRUM_CLI_VIA_H

#include <thrum/mailer.h>

#include "cli/options.h"

/* All that is 0 or NULL was not given; but `tls`, which is one less than a
 * thrum_smtp_tls: -1 was not given. */
typedef struct cli_via_options {
    int no_pipelining;
    uint64_t window;
    int tls;
    const char *ca_file;
    const char *password_file;
    const char *password_command;
} cli_via_options;

enum { CLI_VIA_OPTIONS = 6, CLI_VIA_WINDOW = 4 /* unless another is given */ };

/* The table behind them. */
extern const cli_option cli_via_table[CLI_VIA_OPTIONS];

/* What of them does not go together; NULL: nothing. */
const char *cli_via_options_wrong(const cli_via_options *options);

typedef struct cli_via {
    const char *command;        /* "bulk", in what is said */
    thrum_mailer_config config; /* what was made of it all */
    const cli_via_options *options;
    int status; /* CLI_EXIT_OK; or why `config` is not whole, which was said */
} cli_via;

/* Reads what the options name: password and certificates. THRUM_SMTP_PASSWORD
 * is taken out of the environment, whether it is used or not. Fires without a
 * value; `via->status` says whether `via->config` can be used.
 * Ownership: new; via, url and options are borrowed until it has fired; then
 * cli_via_fini. Calls back: may be fired already. Errors: NULL, no memory. */
thrum_deferred *cli_via_read(cli_via *via, thrum_reactor *reactor,
                             const char *url, const cli_via_options *options);

/* Makes a mailer, which needs no server yet. Answers the exit status, and says
 * what is wrong, `url` being how the URL was given: "--via".
 * Ownership: *mailer new, unless it is NULL; also on error. */
int cli_via_open(const cli_via *via, thrum_reactor *reactor, const char *url,
                 thrum_mailer **mailer);

/* Gives back what it holds; one that is all 0, too. */
void cli_via_fini(cli_via *via);

#endif
