/* SPDX-License-Identifier: MIT */
/*
 * A transport that stacks on any other, as TLS does: it hides each byte, cuts
 * what goes through it as it is told, and notes what is done with it.
 */
#ifndef THRUM_TESTS_REACTOR_CHOP_H
#define THRUM_TESTS_REACTOR_CHOP_H

#include "reactor/transport.h"

enum { CHOP_KEY = 0x55, CHOP_END = '$' };

/* What is done, and what was. */
typedef struct chop {
    size_t piece;  /* bytes at most in one receive or send; 0: any number */
    size_t cut;    /* the first send and receive stop here; 0: nowhere */
    unsigned late; /* calls of shutdown that answer AGAIN before one does */
    bool says_end; /* by CHOP_END */
    char key;      /* XORed with each byte */
    thrum__transport *transport;
    unsigned stacked, closed, reset;
    int code; /* of why it was closed; 0: well */
} chop;

/* Makes it; `plan` is read and written until it is closed. */
thrum__transport *chop_new(thrum_reactor *reactor, chop *plan);

/* It fails from here on with a code of the reactor's, and says so. */
void chop_break(chop *plan, int code);

#endif
