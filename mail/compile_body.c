/* SPDX-License-Identifier: MIT */
/*
 * A text of an ordinary message is encoded while it is written, in slices. A
 * template's is encoded here, once, around its slots.
 */
#include "mail/compile.h"
#include "mail/encode.h"
#include "mail/slots.h"
#include "mail/text.h"

/* What a slot may write for each byte of its value: thrum__quoted_bound. */
enum { COMPILE_QUOTED = 4, COMPILE_ESCAPED = 7 };

/* Encoded in pieces of this size. */
enum { COMPILE_ROOM = 16384 };

/* Encodes a text that is the same for all. */
static void compile_encode(thrum__compiler *self, thrum_bytes text,
                           bool is_plain)
{
    thrum_buffer *bytes = &self->program->bytes;
    size_t dots = is_plain ? thrum__plain_dots(text) : 0;
    thrum__place place = {0, 0};

    if (dots > 0)
        thrum__compile_flush(self, THRUM__SEGMENT_BYTES);
    while (place.offset < text.size && self->why == NULL) {
        size_t most = thrum__quoted_bound(text.size - place.offset, false);
        thrum__room room = {NULL, most < COMPILE_ROOM ? most : COMPILE_ROOM};

        room.at = thrum_buffer_reserve(bytes, room.size);
        if (room.at == NULL)
            thrum__compile_fail(self, thrum_failure_no_memory());
        else
            thrum_buffer_commit(
                bytes, is_plain
                           ? thrum__plain_encode(text, &place, room, true)
                           : thrum__quoted_encode(text, &place, room, false));
    }
    if (place.column > 0)
        thrum__compile_bytes(self, "=\r\n");
    if (dots > 0)
        thrum__compile_flush(self, THRUM__SEGMENT_DOTTED);
    self->program->dots += dots;
}

static void compile_type(thrum__compiler *self, const char *type, bool is_plain)
{
    thrum__compile_bytes(self, "Content-Type: text/");
    thrum__compile_bytes(self, type);
    thrum__compile_bytes(self,
                         "; charset=utf-8\r\nContent-Transfer-Encoding: ");
    thrum__compile_bytes(self, is_plain ? "7bit\r\n\r\n"
                                        : "quoted-printable\r\n\r\n");
}

/* A text of an ordinary message is encoded when it is written. */
static void compile_value(thrum__compiler *self, size_t which, const char *type)
{
    thrum_bytes text = {self->source->draft->texts[which],
                        self->source->draft->sizes[which]};
    bool is_plain = thrum__plain_is(text);

    compile_type(self, type, is_plain);
    thrum__compile_segment(
        self, is_plain ? THRUM__SEGMENT_PLAIN : THRUM__SEGMENT_QUOTED, which,
        thrum__quoted_bound(text.size, false));
}

/* What was read from a template's text: what stays is encoded here. Each slot
 * begins and ends a line of its own, so that neither has to know the other. */
static void compile_read(thrum__compiler *self, size_t which, const char *type)
{
    const thrum_buffer *pieces = &self->pieces;
    size_t count = thrum__piece_count(pieces);
    bool has_values =
        count > 1 || (count == 1 && thrum__piece_at(pieces, 0)->is_value);
    bool is_plain = !has_values;

    if (count == 1 && !has_values)
        is_plain = thrum__plain_is((thrum_bytes){
            self->literals.data, thrum__piece_at(pieces, 0)->size});
    compile_type(self, type, is_plain);
    for (size_t i = 0; i < count; i++) {
        const thrum__piece *piece = thrum__piece_at(pieces, i);

        if (piece->is_value)
            thrum__compile_segment(self,
                                   which == THRUM__DRAFT_HTML
                                       ? THRUM__SEGMENT_ESCAPED
                                       : THRUM__SEGMENT_QUOTED,
                                   piece->at, thrum__quoted_bound(0, false));
        else
            compile_encode(
                self,
                (thrum_bytes){self->literals.data + piece->at, piece->size},
                is_plain);
    }
}

static void compile_text(thrum__compiler *self, size_t which)
{
    static const char *const parts[] = {"text", "html"};
    static const char *const types[] = {"plain", "html"};
    thrum__slots slots = {.program = self->program,
                          .source = self->source,
                          .part = parts[which],
                          .weight = which == THRUM__DRAFT_HTML ? COMPILE_ESCAPED
                                                               : COMPILE_QUOTED,
                          .literals = &self->literals,
                          .pieces = &self->pieces};
    thrum_bytes text = {self->source->draft->texts[which],
                        self->source->draft->sizes[which]};

    if (self->why != NULL)
        return;
    if (self->source->columns == NULL) {
        compile_value(self, which, types[which]);
        return;
    }
    thrum_buffer_clear(&self->literals);
    thrum_buffer_clear(&self->pieces);
    self->why = thrum__slots_read(&slots, text);
    if (self->why == NULL)
        compile_read(self, which, types[which]);
}

/* The line between two parts, or after the last (RFC 2046 section 5.1.1). The
 * CRLF before it is its own. No text can have it in it: "=_" never stands in
 * quoted-printable, and nobody can guess the rest. */
static void compile_boundary(thrum__compiler *self, const char *before,
                             const char *after)
{
    thrum__compile_bytes(self, before);
    thrum__compile_bytes(self, "=_thrum_");
    thrum__compile_add(self, &self->program->bytes, self->boundary,
                       sizeof self->boundary);
    thrum__compile_bytes(self, after);
}

void thrum__compile_body(thrum__compiler *self)
{
    const thrum__draft *draft = self->source->draft;
    int error;

    if (draft->texts[0] == NULL || draft->texts[1] == NULL) {
        compile_text(self, draft->texts[0] != NULL ? 0 : 1);
        return;
    }
    error = thrum__stamp_random(self->boundary);
    if (error != 0)
        thrum__compile_fail(self, thrum_failure_new(self->context,
                                                    &thrum_domain_system, error,
                                                    NULL));
    compile_boundary(
        self, "Content-Type: multipart/alternative;\r\n boundary=\"", "\"\r\n");
    compile_boundary(self, "\r\n--", "\r\n");
    compile_text(self, THRUM__DRAFT_TEXT);
    compile_boundary(self, "\r\n--", "\r\n");
    compile_text(self, THRUM__DRAFT_HTML);
    compile_boundary(self, "\r\n--", "--\r\n");
}
