/* SPDX-License-Identifier: MIT */
/*
 * A second opinion on an SMTP dialogue, from its bytes alone: which command got
 * which reply. It is as simple as it can be, and knows a session's sides no
 * better than a wire does.
 */
#ifndef THRUM_TESTS_FUZZ_DIALOGUE_H
#define THRUM_TESTS_FUZZ_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>

enum { DIALOGUE_COMMANDS = 4096, DIALOGUE_LINE = 1024 };

/* One command of the client: greeting and all. */
typedef struct dialogue_command {
    int letter; /* of the MAIL before it; -1: none */
    bool ends;  /* a message: the final dot, or BDAT with LAST */
    int code;   /* of the reply; 0: none yet */
} dialogue_command;

typedef struct dialogue {
    dialogue_command commands[DIALOGUE_COMMANDS];
    size_t sent;
    size_t answered;

    char line[DIALOGUE_LINE]; /* of the client, as far as it came */
    size_t size;
    size_t skip; /* octets of a chunk that are still to come */
    bool data;   /* the last command was DATA */
    bool body;   /* it was answered by 354 */
    int letter;  /* of the last MAIL */

    char reply[4]; /* the start of the server's line */
    size_t column;
} dialogue;

/* Begins it: the greeting is awaited. */
void dialogue_begin(dialogue *self);

/* The client says so many bytes; then the server. */
void dialogue_client(dialogue *self, const char *bytes, size_t size);
void dialogue_server(dialogue *self, const char *bytes, size_t size);

/* Whether the end of a letter, whose sender begins with "e" and its number, was
 * ever answered by 2yz. */
bool dialogue_accepted(const dialogue *self, int letter);

/* Whether the end of a letter was ever sent. */
bool dialogue_ended(const dialogue *self, int letter);

#endif
