/* SPDX-License-Identifier: MIT */
/* What main() can be asked for. argv[0] is the command's name; each answers
 * the exit status. */
#ifndef THRUM_CLI_COMMANDS_H
#define THRUM_CLI_COMMANDS_H

/* thrum bulk: a message for everybody in a list. */
int cli_bulk(int argc, char **argv);

/* thrum probe: what a server offers. */
int cli_probe(int argc, char **argv);

/* thrum sink: an SMTP server that takes everything. */
int cli_sink(int argc, char **argv);

#endif
