/* SPDX-License-Identifier: MIT */
/*
 * A message is written straight into the buffer that is sent. When all of it
 * fits into what is asked for, which is the ordinary case, room is made once
 * and the segments follow each other without a further look; else it goes in
 * slices, and the cursor says where the next one begins.
 */
#include "mail/address.h"
#include "mail/header.h"
#include "mail/message_struct.h"
#include "mail/slots.h"
#include "mail/text.h"

/* Slices of a text are encoded into room of this size. */
enum { RENDER_ROOM = 16384 };

/* What values may write is not counted for the message's size when it is less
 * than this, and only at most of a text that is longer than that: it would hold
 * up the loop. */
enum { RENDER_LIGHT = 2048, RENDER_LONG = 262144 };

static inline char *render_copy(char *to, thrum_bytes bytes)
{
    return thrum__text_copy(to, bytes.data, bytes.size);
}

/* A header's value is made whole, and encoded then. */
__attribute__((noinline)) static char *
render_field_encoded(const thrum_message *message, const thrum__field *field,
                     char *to)
{
    const thrum__program *program = message->program;
    char whole[THRUM__HEADER_MOST];
    thrum__line line = {to, field->column};
    thrum_bytes text = {whole, 0}, addr;
    bool is_plain = true;
    thrum__addr read;

    text.size = thrum__slots_join(program, field->text, message->values, whole,
                                  &is_plain);
    if (!field->is_mailbox) {
        thrum__header_text(&line, text);
        return line.at;
    }
    addr.data = whole + text.size;
    addr.size = thrum__slots_join(program, field->addr, message->values,
                                  whole + text.size, &is_plain);
    if (!field->is_addr_ready && thrum__addr_read(addr, &read) == NULL)
        addr = read.text;
    thrum__header_mailbox(&line, text, addr);
    return line.at;
}

/* A value that is plain, short, and has no blank at its ends goes as it is, and
 * is put together where it belongs. Not inline, nor what is rare: registers
 * that it saves would be saved for every segment. */
__attribute__((noinline)) static char *
render_field(const thrum_message *message, const thrum__field *field, char *to)
{
    bool is_plain = true;
    size_t size;

    if (!field->is_simple)
        return render_field_encoded(message, field, to);
    size = thrum__slots_join(message->program, field->text, message->values, to,
                             &is_plain);
    if (!is_plain || field->column + size > THRUM__LINE || to[0] == ' ' ||
        to[size - 1] == ' ')
        return render_field_encoded(message, field, to);
    return to + size;
}

/* Bytes that stand in the program with dots that stuff their lines. */
__attribute__((noinline)) static char *
render_dotted(const thrum__program *program, thrum__message_form form,
              const thrum__segment *segment, char *to)
{
    thrum_bytes bytes = {program->bytes.data + segment->at, segment->size};
    thrum__place place = {0, 0};

    if (form == THRUM__MESSAGE_DOTTED)
        return render_copy(to, bytes);
    return to +
           thrum__dots_unstuff(bytes, &place, (thrum__room){to, bytes.size});
}

/* A segment that is written in one step; there is room for render_bound. */
static inline char *render_whole(const thrum_message *message,
                                 thrum__message_form form,
                                 const thrum__segment *segment, char *to)
{
    switch (segment->kind) {
    case THRUM__SEGMENT_DOTTED:
        return render_dotted(message->program, form, segment, to);
    case THRUM__SEGMENT_TO:
        return render_copy(to, message->to);
    case THRUM__SEGMENT_NUMBER:
        return render_copy(to, message->number);
    default:
        return render_field(message,
                            thrum__field_at(message->program, segment->at), to);
    }
}

static size_t render_bound(const thrum_message *message,
                           const thrum__segment *segment)
{
    const thrum__field *field;

    switch (segment->kind) {
    case THRUM__SEGMENT_TO:
        return message->to.size;
    case THRUM__SEGMENT_NUMBER:
        return message->number.size;
    default:
        field = thrum__field_at(message->program, segment->at);
        return thrum__header_bound(
            thrum__slots_size(message->program, field->text, message->values) +
            thrum__slots_size(message->program, field->addr, message->values));
    }
}

/* Encodes a value. After its end a line that is not finished is broken, so
 * that what follows begins one. */
static size_t render_value(const thrum_message *message,
                           thrum__message_form form,
                           const thrum__segment *segment, thrum__place *place,
                           thrum__room room)
{
    thrum_bytes text = message->values[segment->at].text;
    size_t size;

    if (segment->kind == THRUM__SEGMENT_PLAIN)
        return thrum__plain_encode(text, place, room,
                                   form == THRUM__MESSAGE_DOTTED);
    size = thrum__quoted_encode(text, place, room,
                                segment->kind == THRUM__SEGMENT_ESCAPED);
    if (place->offset == text.size && place->column > 0 &&
        room.size - size >= 3) {
        memcpy(room.at + size, "=\r\n", 3);
        place->column = 0;
        size += 3;
    }
    return size;
}

/* Whether a value is written to its end. */
static bool render_value_ended(const thrum_message *message,
                               const thrum__segment *segment,
                               const thrum__place *place)
{
    return place->offset == message->values[segment->at].text.size &&
           (place->column == 0 || segment->kind == THRUM__SEGMENT_PLAIN);
}

/* A value all at once. Most fit into a line as they are, between the soft
 * breaks that stand around them. */
static char *render_value_whole(const thrum_message *message,
                                thrum__message_form form,
                                const thrum__segment *segment, char *to,
                                const char *limit)
{
    const thrum__value *value = &message->values[segment->at];
    thrum__room room = {to, (size_t)(limit - to)};
    thrum__place place = {0, 0};

    if (segment->kind != THRUM__SEGMENT_QUOTED || !value->is_plain ||
        value->text.size >= THRUM__LINE || value->text.data[0] == '.')
        return to + render_value(message, form, segment, &place, room);
    to = render_copy(to, value->text);
    memcpy(to, "=\r\n", 3);
    return to + 3;
}

static char *render_all(const thrum_message *message, thrum__message_form form,
                        char *to, size_t room)
{
    const thrum__program *program = message->program;
    const thrum__segment *segment = thrum__segment_at(program, 0);
    const thrum__segment *end = segment + thrum__segments(program);
    const char *limit = to + room;

    for (; segment < end; segment++) {
        if (segment->kind == THRUM__SEGMENT_BYTES)
            to = thrum__text_copy(to, program->bytes.data + segment->at,
                                  segment->size);
        else if (segment->kind < THRUM__SEGMENT_PLAIN)
            to = render_whole(message, form, segment, to);
        else
            to = render_value_whole(message, form, segment, to, limit);
    }
    return to;
}

/* What may be added now: at least `least`, to get on at all. 0: nothing, since
 * the cap is too near. */
static size_t render_room(const thrum_buffer *out, size_t enough, size_t least)
{
    size_t wanted = enough - out->size, cap = out->cap - out->size;

    if (wanted < least)
        wanted = least;
    if (wanted > RENDER_ROOM)
        wanted = RENDER_ROOM;
    if (wanted > cap)
        wanted = cap;
    return wanted < least ? 0 : wanted;
}

/* What all slices of one call share. */
typedef struct render_slices_of {
    const thrum_message *message;
    thrum__message_form form;
    thrum_buffer *out;
    size_t enough;
} render_slices_of;

static int render_slice_bytes(const render_slices_of *of,
                              const thrum__segment *segment,
                              thrum__place *place)
{
    thrum_bytes bytes = {of->message->program->bytes.data + segment->at,
                         segment->size};
    thrum__room room = {NULL, render_room(of->out, of->enough, 1)};

    if (room.size == 0)
        return THRUM_E_FULL;
    if (room.size > bytes.size - place->offset)
        room.size = bytes.size - place->offset;
    room.at = thrum_buffer_reserve(of->out, room.size);
    if (room.at == NULL)
        return THRUM_E_NOMEM;
    if (segment->kind == THRUM__SEGMENT_DOTTED &&
        of->form == THRUM__MESSAGE_BINARY) {
        thrum_buffer_commit(of->out, thrum__dots_unstuff(bytes, place, room));
    } else {
        memcpy(room.at, bytes.data + place->offset, room.size);
        thrum_buffer_commit(of->out, room.size);
        place->offset += room.size;
    }
    return place->offset < bytes.size;
}

static int render_slice_whole(const render_slices_of *of,
                              const thrum__segment *segment)
{
    thrum_buffer *out = of->out;
    size_t size = render_bound(of->message, segment);
    char *to;

    if (size > out->cap - out->size)
        return THRUM_E_FULL;
    to = thrum_buffer_reserve(out, size);
    if (to == NULL)
        return THRUM_E_NOMEM;
    thrum_buffer_commit(
        out, (size_t)(render_whole(of->message, of->form, segment, to) - to));
    return 0;
}

static int render_slice_value(const render_slices_of *of,
                              const thrum__segment *segment,
                              thrum__place *place)
{
    thrum__room room = {NULL,
                        render_room(of->out, of->enough, THRUM__ENCODE_LEAST)};

    if (room.size == 0)
        return THRUM_E_FULL;
    room.at = thrum_buffer_reserve(of->out, room.size);
    if (room.at == NULL)
        return THRUM_E_NOMEM;
    thrum_buffer_commit(
        of->out, render_value(of->message, of->form, segment, place, room));
    return !render_value_ended(of->message, segment, place);
}

/* Writes a part of the segment at the cursor. Returns 1 when there is more of
 * it, 0 when there is not, or an error. */
static int render_slice(const render_slices_of *of,
                        thrum__message_cursor *cursor)
{
    const thrum__segment *segment =
        thrum__segment_at(of->message->program, cursor->segment);

    if (segment->kind <= THRUM__SEGMENT_DOTTED)
        return render_slice_bytes(of, segment, &cursor->place);
    if (segment->kind < THRUM__SEGMENT_PLAIN)
        return render_slice_whole(of, segment);
    return render_slice_value(of, segment, &cursor->place);
}

static int render_slices(const render_slices_of *of,
                         thrum__message_cursor *cursor)
{
    while (cursor->segment < thrum__segments(of->message->program)) {
        int more;

        if (of->out->size >= of->enough)
            return 1;
        more = render_slice(of, cursor);
        if (more < 0)
            return more;
        if (more == 0) {
            cursor->segment++;
            cursor->place = (thrum__place){0, 0};
        }
    }
    return 0;
}

/* No more than this many bytes are written, in whichever form. */
static size_t render_most(const thrum_message *message)
{
    return message->program->bound + message->weight + message->to.size +
           message->number.size;
}

int thrum__message_data(thrum_message *message, thrum__message_cursor *cursor,
                        thrum__message_form form, thrum_buffer *out,
                        size_t enough)
{
    const thrum_failure *why = thrum__message_ready(message);
    size_t bound;
    char *to;

    if (why != NULL)
        return thrum_failure_code(why);
    if (message->program->second != message->second)
        thrum__program_date(message->program, message->second);
    bound = render_most(message);
    if (cursor->segment > 0 || cursor->place.offset > 0 || enough < out->size ||
        enough - out->size < bound || bound > out->cap - out->size)
        return render_slices(&(render_slices_of){message, form, out, enough},
                             cursor);
    to = thrum_buffer_reserve(out, bound);
    if (to == NULL)
        return THRUM_E_NOMEM;
    thrum_buffer_commit(out,
                        (size_t)(render_all(message, form, to, bound) - to));
    cursor->segment = thrum__segments(message->program);
    return 0;
}

/* How many bytes a segment writes in BINARY, found by writing it; of a long
 * text at most, unless it is to be exact. */
static uint64_t render_count(const thrum_message *message,
                             const thrum__segment *segment, bool exact)
{
    char scratch[THRUM__MESSAGE_STEP];
    thrum__place place = {0, 0};
    uint64_t size = 0;

    if (segment->kind <= THRUM__SEGMENT_DOTTED)
        return 0; /* counted once for all */
    if (segment->kind == THRUM__SEGMENT_QUOTED && !exact &&
        message->values[segment->at].text.size > RENDER_LONG)
        return thrum__quoted_most(message->values[segment->at].text);
    if (segment->kind < THRUM__SEGMENT_PLAIN)
        return (size_t)(render_whole(message, THRUM__MESSAGE_BINARY, segment,
                                     scratch) -
                        scratch);
    do
        size += render_value(message, THRUM__MESSAGE_BINARY, segment, &place,
                             (thrum__room){scratch, sizeof scratch});
    while (!render_value_ended(message, segment, &place));
    return size;
}

static uint64_t render_sum(const thrum_message *message, bool exact)
{
    const thrum__program *program = message->program;
    uint64_t size = program->bytes.size - program->dots;

    for (size_t i = 0; i < thrum__segments(program); i++)
        size += render_count(message, thrum__segment_at(program, i), exact);
    return size;
}

uint64_t thrum__message_size(thrum_message *message, uint64_t limit)
{
    const thrum__program *program;

    if (thrum__message_ready(message) != NULL)
        return 0;
    program = message->program;
    if (message->size > 0 && message->size <= limit)
        return message->size;
    if (message->letter != NULL && message->weight <= RENDER_LIGHT &&
        render_most(message) - program->dots <= limit)
        return render_most(message) - program->dots;
    message->size = render_sum(message, false);
    if (message->size > limit)
        message->size = render_sum(message, true);
    return message->size;
}
