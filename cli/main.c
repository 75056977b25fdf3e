/* SPDX-License-Identifier: MIT */
/*
 * thrum COMMAND: finds the command and sets the process up for it, which the
 * libraries never do: no broken pipe kills it, what it writes is its owner's
 * alone, and descriptors 0 to 2 are never free for a socket to take. It leaves
 * no core with people's addresses and passwords in it (where cores go through a
 * pipe, the limit alone would not keep that), and nobody but root looks into
 * its memory or environment. No locale is set: numbers and letters are those of
 * C everywhere.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thrum/version.h>

#include "cli/commands.h"
#include "cli/exit.h"
#include "cli/say.h"

typedef struct main_command {
    const char *name;
    const char *about;
    int (*run)(int argc, char **argv);
} main_command;

static const main_command main_commands[] = {
    {"bulk", "sends a message to everybody in a list", cli_bulk},
    {"probe", "shows what a server offers", cli_probe},
    {"sink", "takes mail and counts it", cli_sink},
};

enum { MAIN_COMMANDS = sizeof main_commands / sizeof *main_commands };

/* A closed descriptor is opened the wrong way round: reading from what was
 * standard input and writing to what was standard output still fail. */
static void main_keep_descriptor(int fd, int flags)
{
    int made;

    if (fcntl(fd, F_GETFD) >= 0)
        return;
    made = open("/dev/null", flags);
    if (made >= 0 && made != fd) {
        dup2(made, fd);
        close(made);
    }
}

static void main_set_up(void)
{
    const struct rlimit none = {0, 0};

    main_keep_descriptor(0, O_WRONLY);
    main_keep_descriptor(1, O_RDONLY);
    main_keep_descriptor(2, O_WRONLY);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int main_help(FILE *out)
{
    fprintf(out, "Usage: thrum COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < MAIN_COMMANDS; i++)
        fprintf(out, "  %-10s%s\n", main_commands[i].name,
                main_commands[i].about);
    fprintf(out, "\n'thrum COMMAND --help' shows the options of a command.\n");
    return CLI_EXIT_OK;
}

static int main_run(int argc, char **argv)
{
    if (argc < 2) {
        main_help(stderr);
        return CLI_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0)
        return main_help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("thrum %s\n", thrum_version());
        return CLI_EXIT_OK;
    }
    for (size_t i = 0; i < MAIN_COMMANDS; i++)
        if (strcmp(argv[1], main_commands[i].name) == 0)
            return main_commands[i].run(argc - 1, argv + 1);
    cli_say("thrum: unknown command '%s'", argv[1]);
    cli_say("Try 'thrum --help'.");
    return CLI_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    int status, failed;

    main_set_up();
    status = main_run(argc, argv);
    failed = ferror(stdout);
    if (fclose(stdout) != 0 || failed) {
        cli_say("thrum: standard output could not be written");
        status = CLI_EXIT_IO;
    }
    return status;
}
