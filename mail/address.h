/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes taken apart, before it is known what stands in their slots.
 */
#ifndef THRUM_MAIL_ADDRESS_H
#define THRUM_MAIL_ADDRESS_H

#include <thrum/address.h>

/* The parts of "Name <address>", as they stand in the text. */
typedef struct thrum__mailbox {
    thrum_bytes name; /* between the quotes, when it is quoted */
    thrum_bytes addr;
    int quoted; /* a backslash in the name makes the next byte plain */
} thrum__mailbox;

/* Takes a mailbox apart. What it is made of is not looked at, except for
 * characters that an unquoted name may not have.
 * Returns NULL, or what is wrong with it, in words; borrowed, static. */
const char *thrum__mailbox_split(thrum_bytes text, thrum__mailbox *parts);

/* Takes it apart and looks at all of it: what thrum_address_parse does, without
 * memory. */
const char *thrum__mailbox_check(thrum_bytes text, thrum__mailbox *parts);

/* Writes the name without its backslashes to `to`, which has room for its size;
 * returns how many bytes that are. */
size_t thrum__mailbox_name(const thrum__mailbox *parts, char *to);

#endif
