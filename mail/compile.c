/* SPDX-License-Identifier: MIT */
/*
 * Bytes for the wire are collected at the end of the program's bytes; whenever
 * a segment of another kind follows, what was collected since the last one
 * becomes a segment too. The first failure is kept, and what comes after it is
 * done in vain, so that only the end has to look.
 *
 * The order of the headers is that in which a reader expects them.
 */
#include "mail/compile.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "mail/slots.h"
#include "mail/text.h"

void thrum__compile_fail(thrum__compiler *self, thrum_failure *why)
{
    if (self->why == NULL)
        self->why = why;
    else
        thrum_failure_unref(why);
}

void thrum__compile_wrong(thrum__compiler *self, int code, const char *part,
                          const char *wrong)
{
    thrum__compile_fail(self,
                        thrum_failure_new(self->context, &thrum_domain_mail,
                                          code, "%s: %s", part, wrong));
}

void thrum__compile_add(thrum__compiler *self, thrum_buffer *buffer,
                        const void *data, size_t size)
{
    if (self->why == NULL && thrum_buffer_append(buffer, data, size) != 0)
        thrum__compile_fail(self, thrum_failure_no_memory());
}

void thrum__compile_bytes(thrum__compiler *self, const char *string)
{
    thrum__compile_add(self, &self->program->bytes, string, strlen(string));
}

void thrum__compile_flush(thrum__compiler *self, thrum__segment_kind kind)
{
    thrum__program *program = self->program;
    thrum__segment bytes = {kind, self->flushed,
                            program->bytes.size - self->flushed};

    if (bytes.size > 0)
        thrum__compile_add(self, &program->segments, &bytes, sizeof bytes);
    self->flushed = program->bytes.size;
}

void thrum__compile_segment(thrum__compiler *self, thrum__segment_kind kind,
                            size_t at, size_t bound)
{
    thrum__segment segment = {kind, at, 0};

    thrum__compile_flush(self, THRUM__SEGMENT_BYTES);
    thrum__compile_add(self, &self->program->segments, &segment,
                       sizeof segment);
    self->program->bound += bound;
}

bool thrum__compile_has_slots(const thrum__compiler *self, thrum_bytes text)
{
    return self->source->columns != NULL && thrum__text_has_slot(text);
}

/* Reads a text with slots to the program's own pieces. */
thrum__pieces thrum__compile_pieces(thrum__compiler *self, const char *part,
                                    thrum_bytes text, size_t column)
{
    thrum__program *program = self->program;
    thrum__slots slots = {.program = program,
                          .source = self->source,
                          .part = part,
                          .is_line = true,
                          .weight = THRUM__COMPILE_FIELD,
                          .column = column,
                          .literals = &program->literals,
                          .pieces = &program->pieces};
    thrum__pieces pieces = {thrum__piece_count(&program->pieces), 0};
    thrum_failure *why =
        self->why == NULL ? thrum__slots_read(&slots, text) : NULL;

    if (why != NULL)
        thrum__compile_fail(self, why);
    pieces.count = thrum__piece_count(&program->pieces) - pieces.first;
    return pieces;
}

thrum__pieces thrum__compile_literal(thrum__compiler *self, thrum_bytes text)
{
    thrum__program *program = self->program;
    thrum__piece piece = {false, program->literals.size, text.size};
    thrum__pieces pieces = {thrum__piece_count(&program->pieces), 0};

    thrum__compile_add(self, &program->literals, text.data, text.size);
    thrum__compile_add(self, &program->literals, "", 1);
    thrum__compile_add(self, &program->pieces, &piece, sizeof piece);
    pieces.count = thrum__piece_count(&program->pieces) - pieces.first;
    return pieces;
}

static void compile_sender(thrum__compiler *self)
{
    static const char part[] = "envelope from";
    const thrum__draft *draft = self->source->draft;
    thrum_bytes sender = draft->envelope_from != NULL
                             ? thrum__text_of(draft->envelope_from)
                             : thrum__draft_from(draft);
    thrum__addr addr;
    const char *wrong;

    if (sender.size == 0)
        return;
    if (thrum__compile_has_slots(self, sender)) {
        self->program->sender = thrum__compile_pieces(self, part, sender, 0);
        return;
    }
    wrong = thrum__addr_read(sender, &addr);
    if (wrong != NULL)
        thrum__compile_fail(self,
                            thrum__address_wrong(self->context, part, wrong));
    if (addr.is_utf8)
        self->program->needs |= THRUM__NEEDS_SMTPUTF8;
}

static void compile_envid(thrum__compiler *self)
{
    thrum_bytes id = thrum__text_of(self->source->draft->envelope_id);
    const char *wrong;

    if (id.size == 0)
        return;
    if (thrum__compile_has_slots(self, id)) {
        self->program->envid =
            thrum__compile_pieces(self, "envelope id", id, 0);
        return;
    }
    wrong = thrum__dsn_check_id(id);
    if (wrong != NULL)
        thrum__compile_wrong(self, THRUM_MAIL_E_HEADER, "envelope id", wrong);
}

static thrum__program *compile_program(thrum_context *context)
{
    thrum__program *program = thrum_context_allocate(context, sizeof *program);

    if (program == NULL)
        return NULL;
    memset(program, 0, sizeof *program);
    program->context = context;
    program->second = INT64_MIN;
    thrum_buffer_init(&program->bytes, context, SIZE_MAX);
    thrum_buffer_init(&program->literals, context, SIZE_MAX);
    thrum_buffer_init(&program->segments, context, SIZE_MAX);
    thrum_buffer_init(&program->pieces, context, SIZE_MAX);
    thrum_buffer_init(&program->fields, context, SIZE_MAX);
    thrum_buffer_init(&program->used, context, SIZE_MAX);
    return program;
}

thrum__program *thrum__program_new(thrum_context *context,
                                   const thrum__source *source,
                                   thrum_failure **why)
{
    thrum__compiler self = {.context = context, .source = source};

    self.program = compile_program(context);
    if (self.program == NULL) {
        *why = thrum_failure_no_memory();
        return NULL;
    }
    thrum_buffer_init(&self.literals, context, SIZE_MAX);
    thrum_buffer_init(&self.pieces, context, SIZE_MAX);
    thrum__compile_add(&self, &self.program->literals, "", 1);
    compile_sender(&self);
    compile_envid(&self);
    thrum__compile_headers(&self);
    thrum__compile_body(&self);
    thrum__compile_flush(&self, THRUM__SEGMENT_BYTES);
    self.program->bound += self.program->bytes.size;
    thrum_buffer_fini(&self.literals);
    thrum_buffer_fini(&self.pieces);
    if (self.why == NULL)
        return self.program;
    *why = self.why;
    thrum__program_free(self.program);
    return NULL;
}

void thrum__program_date(thrum__program *program, int64_t second)
{
    thrum__stamp_date(program->bytes.data + program->date, second);
    program->second = second;
}

void thrum__program_free(thrum__program *program)
{
    if (program == NULL)
        return;
    thrum_buffer_fini(&program->bytes);
    thrum_buffer_fini(&program->literals);
    thrum_buffer_fini(&program->segments);
    thrum_buffer_fini(&program->pieces);
    thrum_buffer_fini(&program->fields);
    thrum_buffer_fini(&program->used);
    thrum_context_release(program->context, program);
}
