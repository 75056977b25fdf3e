/* SPDX-License-Identifier: MIT */
/*
 * The order of the headers is that in which a reader expects them. A header
 * without slots is encoded here; one with slots becomes a field, which is made
 * whole for each recipient and encoded then.
 */
#include "mail/address.h"
#include "mail/compile.h"
#include "mail/header.h"
#include "mail/message_internal.h"
#include "mail/slots.h"
#include "mail/text.h"

/* Ends the line that a header was written to. */
static void compile_commit(thrum__compiler *self, const thrum__line *line)
{
    thrum_buffer *bytes = &self->program->bytes;

    thrum_buffer_commit(bytes,
                        (size_t)(line->at - (bytes->data + bytes->size)));
    thrum__compile_bytes(self, "\r\n");
}

/* Room for a header's value of so many bytes, after its name. */
static bool compile_line(thrum__compiler *self, const char *name, size_t size,
                         thrum__line *line)
{
    thrum__compile_bytes(self, name);
    thrum__compile_bytes(self, ": ");
    line->column = strlen(name) + 2;
    line->at =
        thrum_buffer_reserve(&self->program->bytes, thrum__header_bound(size));
    if (line->at == NULL)
        thrum__compile_fail(self, thrum_failure_no_memory());
    return self->why == NULL;
}

static bool compile_has_values(const thrum__compiler *self,
                               thrum__pieces pieces)
{
    for (size_t i = 0; i < pieces.count; i++)
        if (thrum__piece_at(&self->program->pieces, pieces.first + i)->is_value)
            return true;
    return false;
}

/* All pieces of a text without values: there is at most one. */
static thrum_bytes compile_literal(const thrum__compiler *self,
                                   thrum__pieces pieces)
{
    const thrum__program *program = self->program;
    const thrum__piece *piece =
        pieces.count > 0 ? thrum__piece_at(&program->pieces, pieces.first)
                         : NULL;

    return piece != NULL
               ? (thrum_bytes){program->literals.data + piece->at, piece->size}
               : (thrum_bytes){"", 0};
}

/* Whether what the pieces make needs no second look in a header, if only its
 * values are plain: nothing that is or may become the beginning of an encoded
 * word. */
static bool compile_is_simple(const thrum__compiler *self, thrum__pieces pieces)
{
    for (size_t i = 0; i < pieces.count; i++) {
        thrum__pieces one = {pieces.first + i, 1};
        thrum_bytes text = compile_literal(self, one);

        if (thrum__piece_at(&self->program->pieces, one.first)->is_value)
            continue;
        if ((thrum__text_scan(text) & THRUM__TEXT_HIGH) != 0 ||
            text.data[text.size - 1] == '=' ||
            memmem(text.data, text.size, "=?", 2) != NULL)
            return false;
    }
    return true;
}

/* An address in a header may be UTF-8 (RFC 6532 section 3.2). */
static void compile_needs(thrum__compiler *self, bool is_utf8)
{
    if (is_utf8)
        self->program->needs |= THRUM__NEEDS_SMTPUTF8 | THRUM__NEEDS_8BIT;
}

static bool compile_is_utf8(const char *addr)
{
    return (thrum__text_scan(thrum__text_of(addr)) & THRUM__TEXT_HIGH) != 0;
}

/* A header whose value is made for each recipient. */
static void compile_field(thrum__compiler *self, const char *name,
                          const thrum__field *field)
{
    size_t size = thrum__slots_literals(self->program, field->text) +
                  thrum__slots_literals(self->program, field->addr);

    thrum__compile_bytes(self, name);
    thrum__compile_bytes(self, ": ");
    thrum__compile_add(self, &self->program->fields, field, sizeof *field);
    if (self->why == NULL)
        thrum__compile_segment(self, THRUM__SEGMENT_FIELD,
                               thrum__fields(self->program) - 1,
                               thrum__header_bound(size));
    thrum__compile_bytes(self, "\r\n");
}

/* A header of free text. `part` names it in failures. */
static void compile_header(thrum__compiler *self, const char *name,
                           const char *part, const char *value)
{
    thrum_bytes text = thrum__text_of(value);
    thrum__field field = {.column = strlen(name) + 2};
    thrum__line line;

    if (thrum__compile_has_slots(self, text)) {
        field.part = self->program->literals.size;
        thrum__compile_add(self, &self->program->literals, part,
                           strlen(part) + 1);
        field.text = thrum__compile_pieces(self, part, text, 0);
        if (self->why != NULL)
            return;
        if (compile_has_values(self, field.text)) {
            field.is_simple = compile_is_simple(self, field.text);
            compile_field(self, name, &field);
            return;
        }
        text = compile_literal(self, field.text);
    }
    if (!compile_line(self, name, text.size, &line))
        return;
    thrum__header_text(&line, text);
    compile_commit(self, &line);
}

/* The address of such a mailbox. */
static void compile_addr(thrum__compiler *self, thrum__field *field,
                         const char *part, thrum_bytes text, size_t column)
{
    thrum__addr addr;
    const char *wrong;

    if (thrum__compile_has_slots(self, text)) {
        field->addr = thrum__compile_pieces(self, part, text, column);
        return;
    }
    wrong = thrum__addr_read(text, &addr);
    if (wrong != NULL)
        thrum__compile_fail(self,
                            thrum__address_wrong(self->context, part, wrong));
    field->addr = thrum__compile_literal(self, addr.text);
    field->is_addr_ready = true;
    compile_needs(self, addr.is_utf8);
}

/* A mailbox whose slots may be in its name and in its address. */
static void compile_mailbox_field(thrum__compiler *self, const char *name,
                                  const char *part, const thrum__mailbox *box,
                                  const char *value)
{
    thrum__field field = {.column = strlen(name) + 2, .is_mailbox = true};
    char *unquoted = thrum_context_allocate(self->context, box->name.size + 1);

    if (unquoted == NULL) {
        thrum__compile_fail(self, thrum_failure_no_memory());
        return;
    }
    field.part = self->program->literals.size;
    thrum__compile_add(self, &self->program->literals, part, strlen(part) + 1);
    field.text = thrum__compile_pieces(
        self, part, (thrum_bytes){unquoted, thrum__mailbox_name(box, unquoted)},
        box->name.size > 0 ? (size_t)(box->name.data - value) : 0);
    thrum_context_release(self->context, unquoted);
    compile_addr(self, &field, part, box->addr,
                 (size_t)(box->addr.data - value));
    compile_field(self, name, &field);
}

/* From and Reply-To. */
static void compile_mailbox(thrum__compiler *self, const char *name,
                            const char *part, const char *value)
{
    thrum_bytes text = thrum__text_of(value);
    bool has_slots = thrum__compile_has_slots(self, text);
    thrum_address *address;
    thrum__mailbox box;
    thrum__addr addr;
    const char *wrong;
    thrum__line line;

    wrong = has_slots ? thrum__mailbox_split(text, &box)
                      : thrum__mailbox_read(text, &box, &addr);
    if (wrong != NULL) {
        thrum__compile_fail(self,
                            thrum__address_wrong(self->context, part, wrong));
        return;
    }
    if (has_slots) {
        compile_mailbox_field(self, name, part, &box, value);
        return;
    }
    address = thrum_address_parse(self->context, value, NULL);
    if (address == NULL)
        thrum__compile_fail(self, thrum_failure_no_memory());
    else if (compile_line(self, name, text.size + addr.text.size, &line)) {
        thrum__header_mailbox(
            &line, thrum__text_of(thrum_address_name(address)), addr.text);
        compile_commit(self, &line);
        compile_needs(self, addr.is_utf8);
    }
    thrum_address_free(address);
}

/* The recipients of an ordinary message, a line for each. */
static void compile_to(thrum__compiler *self)
{
    const thrum__draft *draft = self->source->draft;

    for (size_t i = 0; i < thrum__to_count(draft); i++) {
        const thrum_address *to = thrum__to_at(draft, i);
        thrum_bytes name = thrum__text_of(thrum_address_name(to));
        thrum_bytes addr = thrum__text_of(thrum_address_addr(to));
        thrum_buffer *bytes = &self->program->bytes;
        thrum__line line = {NULL, 4};

        thrum__compile_bytes(self, i == 0 ? "To: " : ",\r\n ");
        line.at = thrum_buffer_reserve(
            bytes, thrum__header_bound(name.size + addr.size));
        if (line.at == NULL)
            thrum__compile_fail(self, thrum_failure_no_memory());
        if (self->why != NULL)
            return;
        thrum__header_mailbox(&line, name, addr);
        compile_needs(self, compile_is_utf8(addr.data));
        thrum_buffer_commit(bytes,
                            (size_t)(line.at - (bytes->data + bytes->size)));
    }
    thrum__compile_bytes(self, "\r\n");
}

/* Of the date only the room is compiled. */
static void compile_stamps(thrum__compiler *self)
{
    static const char date[THRUM__DATE_SIZE];
    const thrum__source *source = self->source;
    thrum_buffer *bytes = &self->program->bytes;

    thrum__compile_bytes(self, "Date: ");
    self->program->date = bytes->size;
    thrum__compile_add(self, bytes, date, sizeof date);
    thrum__compile_bytes(self, "\r\nMessage-ID: ");
    thrum__compile_add(self, bytes, source->id.data, source->id.size);
    if (source->columns != NULL)
        thrum__compile_segment(self, THRUM__SEGMENT_NUMBER, 0, 0);
    thrum__compile_add(self, bytes, source->id_tail.data, source->id_tail.size);
    thrum__compile_bytes(self, "\r\n");
}

void thrum__compile_headers(thrum__compiler *self)
{
    const thrum__draft *draft = self->source->draft;

    if (thrum__compile_has_slots(self, thrum__draft_from(draft)))
        thrum__compile_wrong(self, THRUM_MAIL_E_TEMPLATE, "from",
                             "its address cannot hold slots");
    compile_mailbox(self, "From", "from", draft->from);
    if (self->source->columns != NULL) {
        thrum__compile_bytes(self, "To: ");
        thrum__compile_segment(self, THRUM__SEGMENT_TO, 0, 0);
        thrum__compile_bytes(self, "\r\n");
    } else {
        compile_to(self);
    }
    if (draft->reply_to != NULL)
        compile_mailbox(self, "Reply-To", "reply-to", draft->reply_to);
    if (draft->subject != NULL)
        compile_header(self, "Subject", "subject", draft->subject);
    compile_stamps(self);
    for (size_t i = 0; i < thrum__headers(draft); i++) {
        const thrum__header *header = thrum__header_at(draft, i);
        char part[THRUM__HEADER_NAME_MOST + sizeof "header "] = "header ";

        strncat(part, header->name, THRUM__HEADER_NAME_MOST);
        compile_header(self, header->name, part, header->value);
    }
    thrum__compile_bytes(self, "MIME-Version: 1.0\r\n");
}
