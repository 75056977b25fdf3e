/* SPDX-License-Identifier: MIT */
/*
 * A server that is a table: what it says, step by step, and what the client
 * must have sent by then.
 */
#ifndef THRUM_TESTS_SMTP_SCRIPT_H
#define THRUM_TESTS_SMTP_SCRIPT_H

#include <stdbool.h>

#include <thrum/smtp_session.h>

enum { SCRIPT_STEPS = 16, SCRIPT_MESSAGES = 30 };

typedef struct script_step {
    int add;            /* so many messages are given to the session first */
    int cancel;         /* this one is given up before the server speaks */
    bool quit;          /* it is told to quit before the server speaks */
    bool secured;       /* the connection is within TLS from here on */
    const char *server; /* "|" stands for CRLF, "~" for NUL */
    /* Words, each for what it names: EHLO, MAIL1, RCPT1, RCPT1b (the second
     * recipient), DATA, BODY1, RSET, QUIT, STARTTLS, "." for the final dot,
     * BDAT1 (the message in one chunk), CHUNK1.0 (its first of several). */
    const char *client;
} script_step;

/* How the connection goes on after the last step. */
typedef enum script_end { SCRIPT_LOST, SCRIPT_EXPIRES } script_end;

typedef struct script {
    const char *name;
    thrum_smtp_mode mode;
    thrum_smtp_tls tls;
    unsigned window; /* as in the session's config */
    thrum_smtp_limits limits;
    int large;              /* this message has several chunks */
    const char *recipients; /* "12": one for message 1, two for message 2;
                               NULL: one each */
    script_step steps[SCRIPT_STEPS];
    script_end end;
    thrum_smtp_session_state state; /* after the last step; 0: not looked at */
    int failure;                    /* the session's code then; 0: none */
    const char *results;            /* see script_result */
} script;

/* A dialogue as it runs. */
typedef struct script_run {
    const script *script;
    thrum_context *context;
    thrum_smtp_session *session;
    thrum_message *letters[SCRIPT_MESSAGES + 1]; /* from 1; not owned */
    int given;                                   /* messages so far */
    int ended;                                   /* of them */
    thrum_ns now;
    size_t enough; /* for produce */
    thrum_buffer sent;
    char results[4096]; /* "1 accepted 250 ok; 2 REFUSED RCPT 550 5.1.1 no; " */
} script_run;

/* Begins the dialogue on a context of its own; false without memory. */
bool script_begin(script_run *run, const script *table);

/* Gives the session what `step` adds. */
void script_prepare(script_run *run, const script_step *step);

/* The server says `size` bytes, and the client answers. */
void script_say(script_run *run, const char *bytes, size_t size);

/* Asserts that the client has sent what `words` name, and forgets it. */
void script_expect(script_run *run, const char *words, const char *place);

/* What the server says in a step, as bytes. Ownership: borrowed until the next
 * call. */
const char *script_bytes(const char *server, size_t *size);

/* Ends the dialogue: the connection is lost, all is freed. */
void script_finish(script_run *run);

/* ---- Dialogues that are told step by step ---- */

/* A session that was given `messages` and told `server`. */
void script_open(script_run *run, const script *table, int messages,
                 const char *server);

/* The server says all this, line by line; what the client answers is gathered
 * in run->sent. */
void script_tell(script_run *run, const char *server);

/* The end, and what the messages must have come to. */
void script_close(script_run *run, const char *results);

/* ---- Dialogues that are all in their table ---- */

/* The whole dialogue, checked step by step: whole, one byte at a time, and
 * split at every offset. */
void script_run_every_way(const script *table);

/* A letter with `recipients` recipients: number 3 is from e3@x to r3@x and
 * r3b@x. NULL without memory. */
thrum_message *script_letter(thrum_context *context, int number,
                             int recipients);

#endif
