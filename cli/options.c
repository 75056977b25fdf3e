/* SPDX-License-Identifier: MIT */
/*
 * getopt_long does the reading: GNU's rules are its rules. It numbers our
 * options by their place in the table, from OPTIONS_FIRST on, so that none of
 * them reads as one of its own answers ('?' and ':').
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/version.h>

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/say.h"

enum {
    OPTIONS_MOST = 60,
    OPTIONS_FIRST = 256,
    OPTIONS_HELP = OPTIONS_FIRST + OPTIONS_MOST,
    OPTIONS_VERSION,
    OPTIONS_COLUMN = 30 /* where --help begins to explain */
};

typedef struct options_reader {
    const cli_command *command;
    char *settings;
    uint64_t given; /* a bit for each option */
} options_reader;

const cli_option *cli_command_option(const cli_command *command, size_t index)
{
    if (index < command->count)
        return &command->options[index];
    index -= command->count;
    return index < command->shared_count ? &command->shared[index] : NULL;
}

/* Where the value of the option at a place goes; past the last, that of the
 * operand. */
static void *options_at(const options_reader *self, size_t index)
{
    const cli_command *command = self->command;
    const cli_option *option = cli_command_option(command, index);

    if (option == NULL)
        return self->settings + command->operand->offset;
    return self->settings + option->offset +
           (index < command->count ? 0 : command->shared_at);
}

static void options_table(const cli_command *command, struct option *table)
{
    const cli_option *option;
    size_t i;

    for (i = 0; (option = cli_command_option(command, i)) != NULL; i++) {
        table[i].name = option->name;
        table[i].has_arg =
            option->kind == CLI_FLAG ? no_argument : required_argument;
        table[i].val = OPTIONS_FIRST + (int)i;
    }
    table[i].name = "help";
    table[i].val = OPTIONS_HELP;
    table[i + 1].name = "version";
    table[i + 1].val = OPTIONS_VERSION;
}

/* Digits only: strtoull alone would take blanks, a sign and an empty text. */
static int options_number(const cli_option *option, const char *text,
                          uint64_t *number)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    *number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return -1;
    return *number < option->least || *number > option->most ? -1 : 0;
}

/* Which of the words between the bars of `choices` the text is, or -1. */
static int options_choice(const char *choices, const char *text)
{
    size_t size = strlen(text);

    for (int i = 0;; i++) {
        size_t word = strcspn(choices, "|");

        if (word == size && memcmp(choices, text, size) == 0)
            return i;
        if (choices[word] == '\0')
            return -1;
        choices += word + 1;
    }
}

/* `from` is how the option was given, "--to" or "THRUM_FROM". */
static int options_complain(const options_reader *self, const char *from,
                            const cli_option *option, const char *text)
{
    const char *name = self->command->name;

    if (option->kind == CLI_NUMBER && option->most != UINT64_MAX)
        cli_say("thrum %s: %s takes a number from %llu to %llu, not '%s'", name,
                from, (unsigned long long)option->least,
                (unsigned long long)option->most, text);
    else if (option->kind == CLI_NUMBER)
        cli_say("thrum %s: %s takes a number from %llu on, not '%s'", name,
                from, (unsigned long long)option->least, text);
    else if (option->kind == CLI_CHOICE)
        cli_say("thrum %s: %s takes one of %s, not '%s'", name, from,
                option->argument, text);
    else
        cli_say("thrum %s: %s is given more than %d times", name, from,
                CLI_TEXTS_MOST);
    return CLI_EXIT_USAGE;
}

static int options_take(options_reader *self, const cli_option *option,
                        void *at, const char *from, const char *text)
{
    cli_texts *texts = at;
    int ok = 1;

    switch (option->kind) {
    case CLI_FLAG:
        *(int *)at = 1;
        break;
    case CLI_TEXT:
        *(const char **)at = text;
        break;
    case CLI_TEXTS:
        ok = texts->count < CLI_TEXTS_MOST;
        if (ok)
            texts->text[texts->count++] = text;
        break;
    case CLI_NUMBER:
        ok = options_number(option, text, at) == 0;
        break;
    case CLI_CHOICE:
        *(int *)at = options_choice(option->argument, text);
        ok = *(int *)at >= 0;
        break;
    }
    return ok ? CLI_GO_ON : options_complain(self, from, option, text);
}

static int options_given(options_reader *self, size_t index, const char *text)
{
    const cli_option *option = cli_command_option(self->command, index);
    uint64_t bit = (uint64_t)1 << index;
    char from[64];

    snprintf(from, sizeof from, "--%s", option->name);
    if ((self->given & bit) != 0 && option->kind != CLI_TEXTS &&
        option->kind != CLI_FLAG) {
        cli_say("thrum %s: %s is given twice", self->command->name, from);
        return CLI_EXIT_USAGE;
    }
    self->given |= bit;
    return options_take(self, option, options_at(self, index), from, text);
}

/* What the environment says of an option that was not given. */
static int options_environment(options_reader *self, const cli_option *option,
                               size_t index)
{
    const char *text = NULL;

    if (option->variable != NULL && (self->given & (uint64_t)1 << index) == 0)
        text = getenv(option->variable);
    if (text == NULL || text[0] == '\0')
        return CLI_GO_ON;
    return options_take(self, option, options_at(self, index), option->variable,
                        text);
}

/* What stands behind the options, and what was not given at all. */
static int options_rest(options_reader *self, char **words)
{
    const cli_option *operand = self->command->operand, *option;
    int status = CLI_GO_ON;
    size_t i;

    for (i = 0; (option = cli_command_option(self->command, i)) != NULL; i++) {
        status = options_environment(self, option, i);
        if (status != CLI_GO_ON)
            return status;
    }
    if (operand != NULL && *words == NULL)
        return options_environment(self, operand, i);
    if (operand != NULL)
        status = options_take(self, operand, options_at(self, i), "", *words++);
    if (*words == NULL)
        return status;
    cli_say(operand == NULL ? "thrum %s: '%s' is not an option"
                            : "thrum %s: '%s' is one word too many",
            self->command->name, *words);
    return CLI_EXIT_USAGE;
}

/* What getopt_long answered with ':' or '?'. The value of an option that there
 * is not may be a password: it is not shown. */
static int options_wrong(const options_reader *self, int answer, char **argv)
{
    const char *name = self->command->name, *word = argv[optind - 1];
    int size = (int)strcspn(word, "=");

    if (answer == ':')
        cli_say("thrum %s: %.*s needs a value", name, size, word);
    else if (optopt >= OPTIONS_FIRST)
        cli_say("thrum %s: %.*s takes no value", name, size, word);
    else
        cli_say("thrum %s: unknown option %.*s", name, size, word);
    cli_say("Try 'thrum %s --help'.", name);
    return CLI_EXIT_USAGE;
}

static int options_answer(const options_reader *self, int answer)
{
    if (answer == OPTIONS_HELP)
        cli_options_help(self->command, stdout);
    else
        printf("thrum %s\n", thrum_version());
    return CLI_EXIT_OK;
}

int cli_options_read(const cli_command *command, int argc, char **argv,
                     void *settings)
{
    struct option table[OPTIONS_MOST + 3] = {{0}};
    options_reader self = {.command = command, .settings = settings};
    /* An operand may stand before options. */
    const char *order = command->operand != NULL ? ":" : "+:";
    int answer, status = CLI_GO_ON;

    options_table(command, table);
    opterr = 0;
    optind = 0; /* glibc: start afresh, should this be the second time */
    while (status == CLI_GO_ON) {
        answer = getopt_long(argc, argv, order, table, NULL);
        if (answer == -1)
            break;
        if (answer == OPTIONS_HELP || answer == OPTIONS_VERSION)
            return options_answer(&self, answer);
        if (answer < OPTIONS_FIRST)
            return options_wrong(&self, answer, argv);
        status = options_given(&self, (size_t)(answer - OPTIONS_FIRST), optarg);
    }
    return status == CLI_GO_ON ? options_rest(&self, argv + optind) : status;
}

static void options_help_line(FILE *out, const cli_option *option)
{
    int width = fprintf(out, "  --%s", option->name);

    if (option->argument != NULL)
        width += fprintf(out, " %s", option->argument);
    if (width >= OPTIONS_COLUMN) {
        fputc('\n', out);
        width = 0;
    }
    fprintf(out, "%*s%s", OPTIONS_COLUMN - width, "", option->help);
    if (option->variable != NULL)
        fprintf(out, " (or %s)", option->variable);
    fputc('\n', out);
}

void cli_options_help(const cli_command *command, FILE *out)
{
    static const cli_option common[] = {
        {.name = "help", .help = "show this and end"},
        {.name = "version", .help = "show the version and end"},
    };
    const cli_option *option;

    fprintf(out, "Usage: thrum %s %s\n%s\n\n", command->name, command->usage,
            command->about);
    for (size_t i = 0; (option = cli_command_option(command, i)) != NULL; i++)
        options_help_line(out, option);
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        options_help_line(out, &common[i]);
}
