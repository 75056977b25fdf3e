/* SPDX-License-Identifier: MIT */
/*
 * Message-IDs (RFC 5322 section 3.6.4): "<", 128 random bits, ".", a number,
 * "@", the sender's domain, ">". Messages of a template share what is random
 * and count the number, in its digits: nothing is divided or formatted.
 */
#ifndef THRUM_MAIL_ID_H
#define THRUM_MAIL_ID_H

#include <thrum/api.h>

typedef struct thrum__id {
    char *text;   /* with a NUL after `size` */
    size_t size;  /* of all */
    size_t digit; /* where the number begins */
    size_t end;   /* and where it ends */
} thrum__id;

/* How much room the ID of a sender needs, whatever its number. */
size_t thrum__id_room(thrum_bytes sender);

/* Makes the ID of the number 0 in such room. Returns 0, or an errno. */
int thrum__id_make(thrum__id *id, char *room, thrum_bytes sender);

/* The ID of the next number. */
void thrum__id_next(thrum__id *id);

#endif
