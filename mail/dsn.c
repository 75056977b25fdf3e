/* SPDX-License-Identifier: MIT */
#include "mail/dsn.h"

/* "ENVID" takes at most so many characters, as xtext (RFC 3461 section 4.4). */
enum { DSN_ID = 100 };

bool thrum__dsn_is_valid(const thrum_dsn *dsn)
{
    static const unsigned others =
        THRUM_DSN_SUCCESS | THRUM_DSN_FAILURE | THRUM_DSN_DELAY;

    return (dsn->notify == THRUM_DSN_NEVER || (dsn->notify & ~others) == 0) &&
           (dsn->what == THRUM_DSN_RETURN_DEFAULT ||
            dsn->what == THRUM_DSN_RETURN_FULL ||
            dsn->what == THRUM_DSN_RETURN_HEADERS);
}

const char *thrum__dsn_check_id(thrum_bytes id)
{
    size_t written = 0;

    if (id.size == 0)
        return "it is empty";
    for (size_t i = 0; i < id.size; i++) {
        char byte = id.data[i];

        if (byte < ' ' || byte > '~')
            return "it has a character that is not printable US-ASCII";
        written += byte == ' ' || byte == '+' || byte == '=' ? 3 : 1;
    }
    return written <= DSN_ID ? NULL : "it is longer than 100 octets as xtext";
}
