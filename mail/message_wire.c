/* SPDX-License-Identifier: MIT */
/*
 * A message as those see it who send it: who it is from and for, its
 * Message-ID, its bytes. It is compiled at its first use, and again when it was
 * changed after that; its Message-ID stays.
 */
#include "mail/id.h"
#include "mail/message_struct.h"
#include "mail/text.h"

/* What thrum_message_write asks for at a time. */
enum { WIRE_SLICE = 65536 };

const thrum_failure *thrum_message_failure(const thrum_message *message)
{
    return message != NULL ? message->failure : thrum_failure_no_memory();
}

/* An ordinary message becomes a program. */
static void wire_compile(thrum_message *message)
{
    thrum__draft *draft = message->draft;
    thrum__source source = {.draft = draft,
                            .id = thrum__message_id_bytes(message)};
    thrum__value *values = (thrum__value *)message->values;

    for (size_t i = 0; i < THRUM__DRAFT_TEXTS; i++)
        values[i].text = (thrum_bytes){draft->texts[i], draft->sizes[i]};
    if (source.id.size == 0) {
        message->unready = thrum_failure_no_memory();
        return;
    }
    message->program =
        thrum__program_new(message->context, &source, &message->unready);
}

/* Not inline: a message that is ready should not pay for its registers. */
static __attribute__((__noinline__)) const thrum_failure *
wire_make_ready(thrum_message *message)
{
    const char *lacks;

    if (message == NULL || message->failure != NULL)
        return thrum_message_failure(message);
    if (message->unready != NULL)
        return message->unready;
    lacks = thrum__draft_lacks(message->draft);
    if (lacks == NULL && thrum__to_count(message->draft) == 0)
        lacks = "the message has no recipient";
    if (lacks == NULL)
        wire_compile(message);
    else
        message->unready =
            thrum_failure_new(message->context, &thrum_domain_mail,
                              THRUM_MAIL_E_INCOMPLETE, "%s", lacks);
    return message->unready;
}

const thrum_failure *thrum__message_ready(thrum_message *message)
{
    if (message != NULL && message->failure == NULL && message->program != NULL)
        return NULL;
    return wire_make_ready(message);
}

thrum_bytes thrum__message_id_bytes(thrum_message *message)
{
    thrum_bytes sender;
    thrum__id id;
    char *room;

    if (message->id.size > 0)
        return message->id;
    sender = thrum__draft_from(message->draft);
    room = thrum_context_allocate(message->context, thrum__id_room(sender));
    if (room == NULL || thrum__id_make(&id, room, sender) != 0) {
        thrum_context_release(message->context, room);
        return message->id;
    }
    thrum__id_next(&id);
    message->id = (thrum_bytes){id.text, id.size};
    return message->id;
}

const char *thrum_message_id(thrum_message *message)
{
    if (message == NULL || thrum__message_id_bytes(message).size == 0)
        return "";
    return message->id.data;
}

size_t thrum_message_recipients(const thrum_message *message)
{
    if (message == NULL)
        return 0;
    return message->draft != NULL ? thrum__to_count(message->draft) : 1;
}

const char *thrum_message_recipient(const thrum_message *message, size_t index)
{
    if (index >= thrum_message_recipients(message))
        return NULL;
    return thrum__message_recipient_bytes(message, index).data;
}

thrum_bytes thrum__message_recipient_bytes(const thrum_message *message,
                                           size_t index)
{
    if (message->draft == NULL)
        return message->to;
    return thrum__text_of(
        thrum_address_addr(thrum__to_at(message->draft, index)));
}

thrum_bytes thrum__message_sender_bytes(thrum_message *message)
{
    return message->draft != NULL ? thrum__draft_sender(message->draft)
                                  : message->sender;
}

const char *thrum_message_sender(thrum_message *message)
{
    return message != NULL ? thrum__message_sender_bytes(message).data : "";
}

unsigned thrum__message_needs(thrum_message *message)
{
    if (thrum__message_ready(message) != NULL)
        return 0;
    return message->program->needs | message->needs;
}

const thrum__dsn *thrum__message_dsn(const thrum_message *message)
{
    return message->dsn;
}

int thrum_message_write(thrum_message *message, thrum_buffer *out)
{
    const thrum_failure *why = thrum__message_ready(message);
    thrum__message_cursor cursor = {0, {0, 0}};
    thrum_buffer whole;
    int more;

    if (why != NULL)
        return thrum_failure_code(why);
    thrum_buffer_init(&whole, message->context, SIZE_MAX);
    do
        more = thrum__message_data(message, &cursor, THRUM__MESSAGE_BINARY,
                                   &whole, whole.size + WIRE_SLICE);
    while (more == 1);
    if (more == 0)
        more = thrum_buffer_append(out, whole.data, whole.size);
    thrum_buffer_fini(&whole);
    return more;
}
