/* SPDX-License-Identifier: MIT */
/*
 * A session that logs in as tim, and the bytes that it sends.
 */
#ifndef THRUM_TESTS_SMTP_TALK_H
#define THRUM_TESTS_SMTP_TALK_H

#include <stdbool.h>

#include <thrum/smtp_session.h>

typedef struct talk {
    thrum_context *context;
    thrum_smtp_account *account;
    thrum_smtp_session *session;
    thrum_buffer out;
    int thoughts; /* turns in which it only worked on a key */
} talk;

/* A session with mx.example:465, on a context of its own. False without
 * memory. */
bool talk_open(talk *self, const char *secret, unsigned mechanisms,
               thrum_smtp_tls tls);

void talk_close(talk *self);

/* The server says this, in pieces of `piece` bytes; "|" stands for CRLF. */
void talk_tell(talk *self, const char *server, size_t piece);

/* Asserts what was sent since the last time. */
void talk_expect(talk *self, const char *client, const char *name);

/* The client sends what it has to. */
void talk_answer(talk *self);

/* Greeting and EHLO, with AUTH and these mechanisms; NULL: no AUTH. */
void talk_greet(talk *self, const char *offers);

#endif
