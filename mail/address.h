/* SPDX-License-Identifier: MIT */
/*
 * Addresses as they go into an envelope; and mailboxes taken apart, before it
 * is known what stands in their slots.
 */
#ifndef THRUM_MAIL_ADDRESS_H
#define THRUM_MAIL_ADDRESS_H

#include <stdbool.h>

#include <thrum/address.h>

/* Room for an address, and a NUL. */
enum { THRUM__ADDRESS_ROOM = 256 };

/* An address as it goes into the envelope. */
typedef struct thrum__addr {
    thrum_bytes text; /* what was read, when it was so already; else `room`,
                         with a NUL */
    bool is_utf8;     /* its local part is (RFC 6531) */
    char room[THRUM__ADDRESS_ROOM];
} thrum__addr;

/* What thrum__addr_read answers when there is no memory for a domain. */
extern const char thrum__address_no_memory[];

/* Reads an address: what thrum_address_check judges. Its local part gets no
 * more quotes and backslashes than it needs, its domain becomes A-labels.
 * Returns NULL, or what is wrong with it, in words; borrowed, static. Then
 * addr->text is the text as it is. */
const char *thrum__addr_read(thrum_bytes text, thrum__addr *addr);

/* The failure of those words: THRUM_MAIL_E_ADDRESS after the part's name, or no
 * memory. Ownership: new. */
thrum_failure *thrum__address_wrong(thrum_context *context, const char *part,
                                    const char *wrong);

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

/* Takes it apart and reads all of it: what thrum_address_parse does, without
 * memory. */
const char *thrum__mailbox_read(thrum_bytes text, thrum__mailbox *parts,
                                thrum__addr *addr);

/* Writes the name without its backslashes to `to`, which has room for its size;
 * returns how many bytes that are. */
size_t thrum__mailbox_name(const thrum__mailbox *parts, char *to);

#endif
