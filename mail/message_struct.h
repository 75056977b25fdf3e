/* SPDX-License-Identifier: MIT */
/*
 * What a message is, for the files that make and write messages. An ordinary
 * one has a draft, and compiles it at its first use. One from a template has
 * the template's program from the start, and lies in one block with all it
 * needs.
 */
#ifndef THRUM_MAIL_MESSAGE_STRUCT_H
#define THRUM_MAIL_MESSAGE_STRUCT_H

#include <thrum/template.h>

#include "mail/message_internal.h"
#include "mail/program.h"

struct thrum_message {
    thrum_context *context;
    thrum_failure *failure;  /* what was wrong first */
    thrum_failure *unready;  /* why it cannot be compiled as it is now */
    thrum__draft *draft;     /* NULL: made from a template */
    thrum__program *program; /* NULL: not compiled */
    thrum_template *letter;  /* NULL: an ordinary message */
    const thrum__value *values;
    thrum_bytes sender; /* made from a template: with a NUL, as `to` */
    thrum_bytes to;
    thrum_bytes id;        /* empty: nobody asked for it yet */
    size_t weight;         /* bytes that the values may write at most */
    const thrum__dsn *dsn; /* NULL: none */
    uint64_t size;         /* of thrum__message_size; 0: nobody counted yet */
    unsigned needs;        /* besides the program's */
    int64_t second;        /* when it was made */
    thrum_bytes number;    /* in the id; made from a template */
};

/* Forgets what the message was compiled to. */
void thrum__message_forget(thrum_message *message);

#endif
