/* SPDX-License-Identifier: MIT */
/*
 * Checking a recipient and making the message look at the same things in the
 * same way, so a row that was found good makes a message that is good. Nothing
 * is written before the message is sent: a message is its values, and where
 * they go is known to the program.
 */
#include "mail/address.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "mail/id.h"
#include "mail/message_struct.h"
#include "mail/slots.h"
#include "mail/text.h"

struct thrum_template {
    thrum_context *context;
    thrum__program *program;
    size_t refs;
    thrum__id id;          /* of the last message */
    thrum_bytes sender;    /* the envelope's, without slots; with a NUL */
    size_t slack;          /* values of this weight make no header too long */
    const thrum__dsn *dsn; /* `asked`; NULL: none */
    thrum__dsn asked;      /* its envelope_id as it is, also with slots */
    size_t dsn_room;       /* in each message, when that has slots */
    bool has_checked;     /* slots in what is checked whole: addresses, ENVID */
    thrum__addr to;       /* of the recipient looked at */
    thrum__addr filled;   /* the envelope's sender, when it has slots */
    unsigned needs;       /* what this message needs besides the program */
    size_t size;          /* of its values */
    size_t weight;        /* what they may write */
    thrum__value *values; /* themselves, borrowed */
    char joined[THRUM__HEADER_MOST]; /* what was put together last */
    char *own;                       /* what id, sender and dsn point to */
};

static thrum_failure *template_wrong(thrum_template *letter, int code,
                                     const char *part, const char *wrong)
{
    return thrum_failure_new(letter->context, &thrum_domain_mail, code,
                             "%s: %s", part, wrong);
}

static const char *template_string(const thrum_template *letter, size_t at)
{
    return letter->program->literals.data + at;
}

/* A second look at a value that is not plain, or empty. */
__attribute__((noinline)) static thrum_failure *
template_look_closely(thrum_template *letter, const thrum__used *used,
                      thrum_bytes value)
{
    bool is_line = used->part != 0;
    const char *column = template_string(letter, used->name);
    const char *wrong;

    if (value.size == 0)
        return thrum_failure_new(letter->context, &thrum_domain_mail,
                                 THRUM_MAIL_E_EMPTY,
                                 "column \"%.60s\" is empty", column);
    wrong = is_line ? thrum__text_line(value) : thrum__text_lines(value);
    if (wrong == NULL)
        return NULL;
    if (!is_line)
        return thrum_failure_new(letter->context, &thrum_domain_mail,
                                 THRUM_MAIL_E_TEXT, "column \"%.60s\" has %s",
                                 column, wrong);
    return thrum_failure_new(letter->context, &thrum_domain_mail,
                             THRUM_MAIL_E_HEADER, "%s: column \"%.60s\" has %s",
                             template_string(letter, used->part), column,
                             wrong);
}

/* Sums are kept here until the end, since what a loop stores to it has to load
 * again. */
static thrum_failure *template_look_values(thrum_template *letter,
                                           const thrum_bytes *values)
{
    const thrum__program *program = letter->program;
    size_t count = thrum__used_count(program), size = 0, weight = 0;
    thrum__value *into = letter->values;

    for (size_t i = 0; i < count; i++) {
        const thrum__used *used = thrum__used_at(program, i);
        thrum_bytes text = values[used->column];
        bool is_plain = thrum__text_is_plain(text);

        into[i].text = text;
        into[i].is_plain = is_plain;
        size += text.size;
        weight += text.size * used->weight;
        if (!is_plain || text.size == 0) {
            thrum_failure *why = template_look_closely(letter, used, text);

            if (why != NULL)
                return why;
        }
    }
    letter->size = size;
    letter->weight = weight;
    return NULL;
}

/* Puts pieces together in letter->joined. */
static thrum_failure *template_join(thrum_template *letter,
                                    thrum__pieces pieces, const char *part,
                                    thrum_bytes *whole)
{
    bool is_plain = true;
    size_t size = thrum__slots_size(letter->program, pieces, letter->values);

    if (size > sizeof letter->joined)
        return template_wrong(letter, THRUM_MAIL_E_TOO_LONG, part,
                              "it has more than 8192 octets");
    thrum__slots_join(letter->program, pieces, letter->values, letter->joined,
                      &is_plain);
    *whole = (thrum_bytes){letter->joined, size};
    return NULL;
}

static thrum_failure *template_look_addr(thrum_template *letter,
                                         thrum__pieces pieces, const char *part,
                                         thrum__addr *addr)
{
    thrum_bytes whole;
    thrum_failure *why = template_join(letter, pieces, part, &whole);
    const char *wrong = NULL;

    if (why == NULL)
        wrong = thrum__addr_read(whole, addr);
    return wrong != NULL ? thrum__address_wrong(letter->context, part, wrong)
                         : why;
}

static thrum_failure *template_look_sender(thrum_template *letter)
{
    thrum_failure *why = template_look_addr(letter, letter->program->sender,
                                            "envelope from", &letter->filled);

    if (why == NULL && letter->filled.is_utf8)
        letter->needs |= THRUM__NEEDS_SMTPUTF8;
    return why;
}

static thrum_failure *template_look_envid(thrum_template *letter)
{
    static const char part[] = "envelope id";
    thrum_bytes whole;
    thrum_failure *why =
        template_join(letter, letter->program->envid, part, &whole);
    const char *wrong = why == NULL ? thrum__dsn_check_id(whole) : NULL;

    return wrong != NULL
               ? template_wrong(letter, THRUM_MAIL_E_HEADER, part, wrong)
               : why;
}

static thrum_failure *template_look_field(thrum_template *letter,
                                          const thrum__field *field)
{
    const char *part = template_string(letter, field->part);
    thrum_failure *why;
    thrum__addr addr;

    if (thrum__slots_size(letter->program, field->text, letter->values) +
            thrum__slots_size(letter->program, field->addr, letter->values) >
        THRUM__HEADER_MOST)
        return template_wrong(letter, THRUM_MAIL_E_TOO_LONG, part,
                              "it has more than 8192 octets");
    if (!field->is_mailbox || field->is_addr_ready)
        return NULL;
    why = template_look_addr(letter, field->addr, part, &addr);
    if (why == NULL && addr.is_utf8)
        letter->needs |= THRUM__NEEDS_SMTPUTF8 | THRUM__NEEDS_8BIT;
    return why;
}

/* What the values make when they are put together. The sender comes last, since
 * it stays where it was joined until it is in the message. */
static thrum_failure *template_look_pieces(thrum_template *letter)
{
    const thrum__program *program = letter->program;
    thrum_failure *why = NULL;

    for (size_t i = 0; i < thrum__fields(program) && why == NULL; i++)
        why = template_look_field(letter, thrum__field_at(program, i));
    if (why == NULL && program->envid.count > 0)
        why = template_look_envid(letter);
    if (why == NULL && program->sender.count > 0)
        why = template_look_sender(letter);
    return why;
}

/* Looks at all that differs for this recipient, and keeps the values that are
 * used in the template. */
static thrum_failure *template_look(thrum_template *letter, thrum_bytes to,
                                    const thrum_bytes *values)
{
    const char *wrong = thrum__addr_read(to, &letter->to);
    thrum_failure *why;

    if (wrong != NULL)
        return thrum__address_wrong(letter->context, "not a mail address",
                                    wrong);
    letter->needs =
        letter->to.is_utf8 ? THRUM__NEEDS_SMTPUTF8 | THRUM__NEEDS_8BIT : 0;
    why = template_look_values(letter, values);
    if (why != NULL ||
        (letter->weight <= letter->slack && !letter->has_checked))
        return why;
    return template_look_pieces(letter);
}

thrum_failure *thrum_template_check(thrum_template *letter, thrum_bytes to,
                                    const thrum_bytes *values)
{
    if (letter == NULL)
        return thrum_failure_no_memory();
    return template_look(letter, to, values);
}

/* A string in the message's own block, with a NUL. */
static char *template_put(thrum_bytes *string, char *to, thrum_bytes text)
{
    *string = (thrum_bytes){to, text.size};
    to = thrum__text_copy(to, text.data, text.size);
    *to = '\0';
    return to + 1;
}

/* The message's values, and what is made of them at once. */
static void template_put_values(thrum_template *letter, thrum_message *message,
                                thrum__dsn *dsn, char *to)
{
    thrum__value *values = (thrum__value *)message->values;
    const thrum__program *program = letter->program;
    bool is_plain = true;

    for (size_t i = 0; i < thrum__used_count(program); i++) {
        thrum_bytes text = letter->values[i].text;

        values[i] = (thrum__value){{to, text.size}, letter->values[i].is_plain};
        to = thrum__text_copy(to, text.data, text.size);
    }
    if (program->sender.count > 0)
        to = template_put(&message->sender, to, letter->filled.text);
    if (program->envid.count > 0) {
        *dsn = letter->asked;
        dsn->envelope_id =
            (thrum_bytes){to, thrum__slots_join(program, program->envid, values,
                                                to, &is_plain)};
        to[dsn->envelope_id.size] = '\0';
        message->dsn = dsn;
    }
}

/* Room for the values, and for what is made of them at once. */
static size_t template_room(const thrum_template *letter)
{
    const thrum__program *program = letter->program;
    size_t room = letter->size;

    if (program->sender.count > 0)
        room += letter->filled.text.size + 1;
    if (program->envid.count > 0)
        room += thrum__slots_size(program, program->envid, letter->values) + 1;
    return room;
}

static char *template_put_id(const thrum__id *id, thrum_message *message,
                             char *to)
{
    char *end =
        template_put(&message->id, to, (thrum_bytes){id->text, id->size});

    message->number = (thrum_bytes){to + id->digit, id->end - id->digit};
    return end;
}

thrum_message *thrum_template_fill(thrum_template *letter, thrum_bytes to,
                                   const thrum_bytes *values)
{
    thrum_failure *why = thrum_template_check(letter, to, values);
    size_t count, room;
    thrum_message *message;
    thrum__value *own;
    char *at;

    if (letter == NULL)
        return NULL;
    thrum__id_next(&letter->id);
    count = why == NULL ? thrum__used_count(letter->program) : 0;
    room = letter->dsn_room + letter->to.text.size + letter->id.size + 2 +
           (why == NULL ? template_room(letter) : 0);
    message = thrum_context_allocate(
        letter->context, sizeof *message + count * sizeof *own + room);
    if (message == NULL) {
        thrum_failure_unref(why);
        return NULL;
    }
    own = (thrum__value *)(void *)(message + 1);
    /* All members have their line, so that it is not cleared before. */
    *message = (thrum_message){.context = letter->context,
                               .failure = why,
                               .unready = NULL,
                               .draft = NULL,
                               .program = letter->program,
                               .letter = thrum_template_ref(letter),
                               .values = own,
                               .sender = letter->sender,
                               .to = {NULL, 0},
                               .id = {NULL, 0},
                               .weight = letter->weight,
                               .dsn = letter->dsn,
                               .size = 0,
                               .needs = letter->needs,
                               .second = thrum__stamp_now(),
                               .number = {NULL, 0}};
    at = template_put(&message->to, (char *)(own + count) + letter->dsn_room,
                      letter->to.text);
    at = template_put_id(&letter->id, message, at);
    if (why == NULL)
        template_put_values(letter, message,
                            (thrum__dsn *)(void *)(own + count), at);
    return message;
}

/* Why the prototype cannot be one, new, or NULL. */
static thrum_failure *template_refuse(thrum_context *context,
                                      const thrum_message *prototype)
{
    const thrum_failure *why = thrum_message_failure(prototype);
    const char *lacks;

    if (why != NULL)
        return thrum_failure_ref(why);
    if (prototype->draft == NULL)
        return thrum_failure_new(context, &thrum_domain_mail,
                                 THRUM_MAIL_E_TEMPLATE,
                                 "a message made from a template makes none");
    if (thrum__to_count(prototype->draft) > 0)
        return thrum_failure_new(context, &thrum_domain_mail,
                                 THRUM_MAIL_E_TEMPLATE,
                                 "a template's message has recipients already");
    lacks = thrum__draft_lacks(prototype->draft);
    if (lacks == NULL)
        return NULL;
    return thrum_failure_new(context, &thrum_domain_mail,
                             THRUM_MAIL_E_INCOMPLETE, "%s", lacks);
}

/* Its Message-IDs, and of the envelope what is the same for all. */
static thrum_failure *template_stamp(thrum_template *letter,
                                     const thrum_message *prototype)
{
    thrum_bytes from = thrum__draft_from(prototype->draft);
    thrum_bytes sender = thrum__draft_sender(prototype->draft);
    size_t room = thrum__id_room(from);
    char *end;
    int error;

    if (prototype->dsn != NULL) {
        letter->asked = *prototype->dsn;
        letter->dsn = &letter->asked;
    }
    letter->own = thrum_context_allocate(
        letter->context,
        room + sender.size + letter->asked.envelope_id.size + 2);
    if (letter->own == NULL)
        return thrum_failure_no_memory();
    end = template_put(&letter->sender, letter->own + room, sender);
    template_put(&letter->asked.envelope_id, end, letter->asked.envelope_id);
    error = thrum__id_make(&letter->id, letter->own, from);
    return error == 0 ? NULL
                      : thrum_failure_new(letter->context, &thrum_domain_system,
                                          error, NULL);
}

/* Which looks at a recipient's values can be spared. */
static void template_measure(thrum_template *letter)
{
    const thrum__program *program = letter->program;

    letter->slack = THRUM__HEADER_MOST;
    letter->has_checked = program->sender.count > 0 || program->envid.count > 0;
    for (size_t i = 0; i < thrum__fields(program); i++) {
        const thrum__field *field = thrum__field_at(program, i);
        size_t literals = thrum__slots_literals(program, field->text) +
                          thrum__slots_literals(program, field->addr);

        letter->has_checked |= field->is_mailbox && !field->is_addr_ready;
        if (letter->slack > THRUM__HEADER_MOST - literals)
            letter->slack = THRUM__HEADER_MOST - literals;
    }
    if (program->envid.count > 0)
        letter->dsn_room = sizeof letter->asked;
    if (program->sender.count > 0)
        letter->sender = thrum__text_of("");
}

static thrum_failure *template_compile(thrum_template *letter,
                                       const thrum__draft *draft,
                                       const char *const *columns, size_t count)
{
    const thrum__id *id = &letter->id;
    thrum__source source = {draft,
                            columns,
                            count,
                            {id->text, id->digit},
                            {id->text + id->end, id->size - id->end}};
    thrum_failure *why = NULL;

    letter->program = thrum__program_new(letter->context, &source, &why);
    return why;
}

static thrum_failure *template_make(thrum_template *letter,
                                    const thrum_message *prototype,
                                    const char *const *columns, size_t count)
{
    thrum_failure *why = template_stamp(letter, prototype);
    size_t used;

    if (why == NULL)
        why = template_compile(letter, prototype->draft, columns, count);
    if (why != NULL)
        return why;
    used = thrum__used_count(letter->program);
    letter->values =
        thrum_context_allocate(letter->context, used * sizeof *letter->values);
    if (letter->values == NULL)
        return thrum_failure_no_memory();
    template_measure(letter);
    return NULL;
}

thrum_template *thrum_template_new(thrum_context *context,
                                   const thrum_message *prototype,
                                   const char *const *columns, size_t count,
                                   thrum_failure **why)
{
    static const char *const none[] = {NULL};
    thrum_failure *wrong = template_refuse(context, prototype);
    thrum_template *letter = NULL;

    if (wrong == NULL) {
        letter = thrum_context_allocate(context, sizeof *letter);
        if (letter == NULL)
            wrong = thrum_failure_no_memory();
    }
    if (letter != NULL) {
        memset(letter, 0, sizeof *letter);
        letter->context = thrum_context_ref(context);
        letter->refs = 1;
        wrong = template_make(letter, prototype,
                              columns != NULL ? columns : none, count);
    }
    if (wrong == NULL)
        return letter;
    thrum_template_unref(letter);
    if (why != NULL)
        *why = wrong;
    else
        thrum_failure_unref(wrong);
    return NULL;
}

thrum_template *thrum_template_ref(thrum_template *letter)
{
    letter->refs++;
    return letter;
}

void thrum_template_unref(thrum_template *letter)
{
    thrum_context *context;

    if (letter == NULL || --letter->refs > 0)
        return;
    context = letter->context;
    thrum__program_free(letter->program);
    thrum_context_release(context, letter->values);
    thrum_context_release(context, letter->own);
    thrum_context_release(context, letter);
    thrum_context_unref(context);
}
