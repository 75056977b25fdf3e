/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mail/id.h"
#include "mail/stamp.h"

enum { ID_DIGITS = 20 };

/* From the "@" on. A sender is an address, or nothing yet. */
static thrum_bytes id_domain(thrum_bytes sender)
{
    static const char nowhere[] = "@localhost";
    const char *at = memrchr(sender.data, '@', sender.size);

    if (at == NULL)
        return (thrum_bytes){nowhere, sizeof nowhere - 1};
    return (thrum_bytes){at, (size_t)(sender.data + sender.size - at)};
}

size_t thrum__id_room(thrum_bytes sender)
{
    return sizeof "<.>" + THRUM__RANDOM_SIZE + ID_DIGITS +
           id_domain(sender).size;
}

int thrum__id_make(thrum__id *id, char *room, thrum_bytes sender)
{
    thrum_bytes domain = id_domain(sender);
    int error = thrum__stamp_random(room + 1);

    if (error != 0)
        return error;
    id->text = room;
    id->digit = THRUM__RANDOM_SIZE + 2;
    id->end = id->digit + 1;
    id->size = id->end + domain.size + 1;
    room[0] = '<';
    memcpy(room + id->digit - 1, ".0", 2);
    memcpy(room + id->end, domain.data, domain.size);
    memcpy(room + id->size - 1, ">", 2);
    return 0;
}

void thrum__id_next(thrum__id *id)
{
    size_t at = id->end;

    while (at > id->digit && id->text[at - 1] == '9')
        id->text[--at] = '0';
    if (at > id->digit) {
        id->text[at - 1]++;
        return;
    }
    memmove(id->text + id->digit + 1, id->text + id->digit,
            id->size + 1 - id->digit);
    id->text[id->digit] = '1';
    id->end++;
    id->size++;
}
