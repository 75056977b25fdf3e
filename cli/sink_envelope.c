/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <thrum/failure.h>

#include "cli/sink_envelope.h"
#include "cli/sink_path.h"

enum { RECIPIENT_MAX = SINK_PATH_MAX + SINK_NOTIFY_MAX + SINK_ORCPT_MAX + 3 };

void sink_envelope_init(sink_envelope *envelope, thrum_context *context)
{
    memset(envelope, 0, sizeof *envelope);
    thrum_buffer_init(&envelope->sender, context, SINK_PATH_MAX);
    thrum_buffer_init(&envelope->recipients, context,
                      SINK_RECIPIENTS_MAX * (size_t)RECIPIENT_MAX);
    thrum_buffer_init(&envelope->id, context, SINK_ENVID_MAX);
}

void sink_envelope_fini(sink_envelope *envelope)
{
    thrum_buffer_fini(&envelope->sender);
    thrum_buffer_fini(&envelope->recipients);
    thrum_buffer_fini(&envelope->id);
}

void sink_envelope_clear(sink_envelope *envelope)
{
    thrum_buffer_clear(&envelope->sender);
    thrum_buffer_clear(&envelope->recipients);
    thrum_buffer_clear(&envelope->id);
    envelope->count = 0;
    envelope->size = 0;
    envelope->returns = NULL;
    envelope->sized = envelope->eight_bit = false;
    envelope->utf8 = envelope->chunked = false;
}

static int envelope_set_id(sink_envelope *envelope, thrum_bytes id)
{
    char *room;

    if (id.size == 0)
        return 0;
    room = thrum_buffer_reserve(&envelope->id, id.size);
    if (room == NULL)
        return THRUM_E_NOMEM;
    thrum_buffer_commit(&envelope->id, sink_xtext_decode(id, room));
    return 0;
}

int sink_envelope_begin(sink_envelope *envelope, thrum_bytes sender,
                        const sink_mail_wishes *wishes)
{
    int error =
        thrum_buffer_append(&envelope->sender, sender.data, sender.size);

    if (error == 0)
        error = envelope_set_id(envelope, wishes->id);
    if (error != 0)
        return error;
    envelope->size = wishes->size;
    envelope->sized = wishes->sized;
    envelope->returns = wishes->returns;
    envelope->eight_bit = wishes->eight_bit;
    envelope->utf8 = wishes->utf8;
    return 0;
}

static char *envelope_put(char *to, thrum_bytes from)
{
    if (from.size > 0)
        memcpy(to, from.data, from.size);
    to[from.size] = '\0';
    return to + from.size + 1;
}

int sink_envelope_add(sink_envelope *envelope, thrum_bytes address,
                      const sink_rcpt_wishes *wishes)
{
    thrum_buffer *all = &envelope->recipients;
    size_t most = address.size + wishes->notify.size + wishes->type.size +
                  wishes->origin.size + 4;
    char *room = thrum_buffer_reserve(all, most), *to;

    if (room == NULL)
        return THRUM_E_NOMEM;
    to = envelope_put(room, address);
    to = envelope_put(to, wishes->notify);
    if (wishes->type.size > 0) {
        to = envelope_put(to, wishes->type);
        to[-1] = ';';
        to += sink_xtext_decode(wishes->origin, to);
    }
    *to++ = '\0';
    thrum_buffer_commit(all, (size_t)(to - room));
    envelope->count++;
    return 0;
}

static thrum_bytes envelope_take(const char **at)
{
    thrum_bytes word = {*at, strlen(*at)};

    *at += word.size + 1;
    return word;
}

bool sink_envelope_next(const sink_envelope *envelope, size_t *at,
                        sink_recipient *recipient)
{
    const thrum_buffer *all = &envelope->recipients;
    const char *from = all->data + *at;

    if (*at >= all->size)
        return false;
    recipient->address = envelope_take(&from);
    recipient->notify = envelope_take(&from);
    recipient->origin = envelope_take(&from);
    *at = (size_t)(from - all->data);
    return true;
}
