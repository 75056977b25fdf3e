/* SPDX-License-Identifier: MIT */
/*
 * A message as those see it who send it: who it is from and for, its
 * Message-ID, its bytes. It is compiled at its first use, and again when it was
 * changed after that; its Message-ID stays.
 */
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

const thrum_failure *thrum__message_ready(thrum_message *message)
{
    const char *lacks;

    if (message == NULL || message->failure != NULL)
        return thrum_message_failure(message);
    if (message->program != NULL || message->unready != NULL)
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

/* "<", random, ".", number, "@", domain, ">" (RFC 5322 section 3.6.4). What is
 * random is so for each ordinary message, and for each template. */
static void wire_make_id(thrum_message *message)
{
    thrum_bytes from = thrum__draft_from(message->draft);
    const char *at = memrchr(from.data, '@', from.size);
    thrum_bytes domain =
        at != NULL
            ? (thrum_bytes){at + 1, (size_t)(from.data + from.size - at - 1)}
            : (thrum_bytes){"localhost", 9};
    size_t size = THRUM__RANDOM_SIZE + domain.size + 5;
    char *id = thrum_context_allocate(message->context, size + 1), *to = id;

    if (id == NULL || thrum__stamp_random(to + 1) != 0) {
        thrum_context_release(message->context, id);
        return;
    }
    *to = '<';
    to += THRUM__RANDOM_SIZE + 1;
    memcpy(to, ".1@", 3);
    memcpy(to + 3, domain.data, domain.size);
    memcpy(to + 3 + domain.size, ">", 2);
    message->id = (thrum_bytes){id, size};
}

/* Put together in the room that the message has for it. */
static void wire_fill_id(thrum_message *message)
{
    const thrum__id_parts *parts = thrum__template_id(message->letter);
    thrum_bytes number = thrum__number_text(&message->number);
    char *id = (char *)message->id.data, *to = id;

    memcpy(to, parts->head.data, parts->head.size);
    to += parts->head.size;
    to = thrum__text_copy(to, number.data, number.size);
    memcpy(to, parts->tail.data, parts->tail.size);
    to += parts->tail.size;
    *to = '\0';
    message->id.size = (size_t)(to - id);
}

thrum_bytes thrum__message_id_bytes(thrum_message *message)
{
    if (message->id.size > 0)
        return message->id;
    if (message->letter != NULL)
        wire_fill_id(message);
    else
        wire_make_id(message);
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
        more = thrum__message_data(message, &cursor, &whole,
                                   whole.size + WIRE_SLICE);
    while (more == 1);
    if (more == 0)
        more = thrum_buffer_append(out, whole.data,
                                   thrum__dots_unstuff(whole.data, whole.size));
    thrum_buffer_fini(&whole);
    return more;
}
