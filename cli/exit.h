/* SPDX-License-Identifier: MIT */
/*
 * What the command exits with; the numbers of sysexits.h where it has one.
 */
#ifndef THRUM_CLI_EXIT_H
#define THRUM_CLI_EXIT_H

enum cli_exit {
    CLI_EXIT_OK = 0,           /* done, all accepted */
    CLI_EXIT_SOME = 1,         /* done, some failed or invalid */
    CLI_EXIT_USAGE = 64,       /* the command line */
    CLI_EXIT_DATA = 65,        /* list, letter or header; nothing was sent */
    CLI_EXIT_NOINPUT = 66,     /* an input file is missing or unreadable */
    CLI_EXIT_UNAVAILABLE = 69, /* no server reached, or the account refused */
    CLI_EXIT_SOFTWARE = 70,    /* no memory, and what cannot happen */
    CLI_EXIT_CANTCREAT = 73,   /* an output file cannot be made */
    CLI_EXIT_IO = 74,          /* input or output error, disk full */
    CLI_EXIT_TEMPFAIL = 75,    /* stopped, can be gone on with */
    CLI_EXIT_NOPERM = 77,      /* the mode of a secret's file */
    CLI_EXIT_CONFIG = 78,      /* configuration, a malformed URL */
    CLI_EXIT_SIGINT = 130,
    CLI_EXIT_SIGTERM = 143
};

#endif
