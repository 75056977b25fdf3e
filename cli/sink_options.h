/* SPDX-License-Identifier: MIT */
/* The command line of `thrum sink`. */
#ifndef THRUM_CLI_SINK_OPTIONS_H
#define THRUM_CLI_SINK_OPTIONS_H

#include "cli/options.h"
#include "cli/sink_fault.h"

typedef struct sink_options {
    const char *listen;   /* as given */
    char host[64];        /* the address in it, */
    uint16_t port;        /* and the port */
    uint64_t count;       /* 0: no end */
    const char *dump;     /* NULL: none */
    const char *tls_cert; /* NULL: no TLS */
    const char *tls_key;
    uint64_t size;                    /* 0: any */
    const char *auth;                 /* as given; NULL: none */
    char user[256];                   /* the user in it, */
    const char *file;                 /* and the file */
    cli_texts replies, drops, delays; /* as given */
    sink_faults faults;               /* all of those */
    const char *read_rate;            /* as given */
    uint64_t rate;                    /* octets a second; 0: any */
    int no_pipelining;
    int chunking;
    int implicit_tls;
    int json;
} sink_options;

extern const cli_command sink_command;

/* Reads the command line. Answers CLI_GO_ON or an exit status. */
int sink_options_read(sink_options *options, int argc, char **argv);

#endif
