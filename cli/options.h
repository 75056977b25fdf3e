/* SPDX-License-Identifier: MIT */
/*
 * The options of a command, as one table: it is parsed by it, --help is written
 * from it, and a test compares the man page with it. Values go to the command's
 * settings, a struct of its own. --help and --version belong to every command.
 */
#ifndef THRUM_CLI_OPTIONS_H
#define THRUM_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What an option's value is, and so what stands at `offset`. */
typedef enum cli_kind {
    CLI_FLAG,   /* int: 1 when given */
    CLI_TEXT,   /* const char *: points into argv or the environment */
    CLI_TEXTS,  /* cli_texts: may be given again and again */
    CLI_NUMBER, /* uint64_t between least and most */
    CLI_CHOICE  /* int: which of the words in `argument`, from 0 */
} cli_kind;

/* More would be a mistake of whoever wrote the command line. */
enum { CLI_TEXTS_MOST = 64 };

typedef struct cli_texts {
    const char *text[CLI_TEXTS_MOST];
    size_t count;
} cli_texts;

typedef struct cli_option {
    const char *name;     /* without the dashes */
    const char *argument; /* as --help shows it; of a choice "a|b|c" */
    const char *variable; /* of the environment, read when not given; or NULL */
    const char *help;     /* what it does, in one line */
    cli_kind kind;
    size_t offset; /* in the settings */
    uint64_t least, most;
} cli_option;

/* A command has at most 60 options. */
typedef struct cli_command {
    const char *name;  /* "bulk" */
    const char *about; /* what it does, in one line */
    const char *usage; /* what follows its name: "--to FILE [OPTION]..." */
    const cli_option *options;
    size_t count;
    /* Those that it has in common with other commands; their settings are a
     * struct at `shared_at` in the command's. */
    const cli_option *shared;
    size_t shared_count, shared_at;
    const cli_option *operand; /* the one word without dashes; NULL: none */
} cli_command;

/* The option at a place of the command, its own before the shared ones; NULL
 * past the last. */
const cli_option *cli_command_option(const cli_command *command, size_t index);

/* The command is to be carried out; any other answer is the exit status. */
enum { CLI_GO_ON = -1 };

/* Reads the command line, argv[0] being the command's name, into `settings`,
 * which hold the defaults. Answers CLI_GO_ON; CLI_EXIT_OK when --help or
 * --version was answered; CLI_EXIT_USAGE after saying what is wrong. */
int cli_options_read(const cli_command *command, int argc, char **argv,
                     void *settings);

/* Writes what --help shows. */
void cli_options_help(const cli_command *command, FILE *out);

#endif
