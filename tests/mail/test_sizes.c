/* SPDX-License-Identifier: MIT */
/*
 * Messages from empty to 20 MiB, in both forms: what a reader decodes, line by
 * line and written from RFC 5321 and RFC 2045 alone, has the hash of what was
 * set, and the octets are as many as the message said.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/message_internal.h"
#include "mail/text.h"
#include "tests/mail/letter.h"
#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A99 TEN("aaaaaaaaa") "aaaaaaaaa"
#define A998 TEN(A99) "aaaaaaaa"

enum { LARGE = 20 << 20, LONG = 1 << 18, SLICE = 16384 };

/* FNV-1a. */
static uint64_t hash_add(uint64_t hash, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
    return hash;
}

static const uint64_t hash_none = UINT64_C(14695981039346656037);

/* A text's hash with LF for each end of a line. */
static uint64_t hash_text(thrum_bytes text)
{
    uint64_t hash = hash_none;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\r' && i + 1 < text.size &&
            text.data[i + 1] == '\n')
            continue;
        hash = hash_add(hash, text.data[i] == '\r' ? "\n" : text.data + i, 1);
    }
    return hash;
}

typedef struct reader {
    thrum__message_form form;
    bool in_body;
    bool is_quoted;
    char line[1000];
    size_t size;
    uint64_t octets; /* of BINARY */
    uint64_t hash;
} reader;

static int reader_hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit < 'A' || digit > 'F')
        ck_abort_msg("%c is no digit", digit);
    return digit - 'A' + 10;
}

/* A line of the body, without its CRLF. */
static void reader_body(reader *self, const char *line, size_t size)
{
    bool is_soft = self->is_quoted && size > 0 && line[size - 1] == '=';

    for (size_t i = 0; i < size - is_soft; i++) {
        char byte = line[i];

        if (self->is_quoted && byte == '=') {
            byte =
                (char)(reader_hex(line[i + 1]) * 16 + reader_hex(line[i + 2]));
            i += 2;
        }
        self->hash = hash_add(self->hash, &byte, 1);
    }
    if (!is_soft)
        self->hash = hash_add(self->hash, "\n", 1);
}

static void reader_line(reader *self)
{
    static const char quoted[] = "Content-Transfer-Encoding: quoted-printable";
    const char *line = self->line;
    size_t size = self->size;

    self->size = 0;
    if (self->form == THRUM__MESSAGE_DOTTED && size > 0 && line[0] == '.') {
        if (size == 1)
            ck_abort_msg("the message ends before its end");
        line++;
        size--;
    }
    self->octets += size + 2;
    if (self->in_body) {
        reader_body(self, line, size);
        return;
    }
    self->in_body = size == 0;
    self->is_quoted |=
        size == sizeof quoted - 1 && memcmp(line, quoted, size) == 0;
}

static void reader_take(reader *self, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool ends = data[i] == '\n';

        if (ends && (self->size == 0 || self->line[self->size - 1] != '\r'))
            ck_abort_msg("a bare LF");
        if (!ends && self->size > 0 && self->line[self->size - 1] == '\r')
            ck_abort_msg("a bare CR");
        if (self->size == sizeof self->line)
            ck_abort_msg("a line of more than 998 octets");
        if (ends) {
            self->size--;
            reader_line(self);
        } else {
            self->line[self->size++] = data[i];
        }
    }
}

/* Exact, but where a text is long and no limit is near. */
static void assert_size(thrum_message *message, uint64_t octets)
{
    uint64_t size = thrum__message_size(message, UINT64_MAX);

    if (octets < LONG) {
        ck_assert_uint_eq(size, octets);
    } else {
        ck_assert_uint_ge(size, octets);
        ck_assert_uint_le(size, octets + octets / 3);
    }
    ck_assert_uint_eq(thrum__message_size(message, octets), octets);
    ck_assert_uint_eq(thrum__message_size(message, octets - 1), octets);
    ck_assert_uint_eq(thrum__message_size(message, 0), octets);
}

/* Sends the message in one form to a reader. */
static void assert_read(thrum_message *message, thrum__message_form form,
                        thrum_bytes text, thrum_context *context)
{
    reader self = {.form = form, .hash = hash_none};
    thrum__message_cursor cursor = {0, {0, 0}};
    thrum_buffer out;
    int more;

    thrum_buffer_init(&out, context, SLICE + THRUM__MESSAGE_STEP);
    do {
        more = thrum__message_data(message, &cursor, form, &out, SLICE);
        reader_take(&self, out.data, out.size);
        thrum_buffer_clear(&out);
    } while (more == 1);
    ck_assert_int_eq(more, 0);
    ck_assert_uint_eq(self.size, 0);
    ck_assert(self.in_body);
    /* A last line without an end: a soft break ends it, or nothing at all. */
    ck_assert_uint_eq(self.hash, hash_text(text));
    assert_size(message, self.octets);
    thrum_buffer_fini(&out);
}

static void assert_comes_through(thrum_bytes text)
{
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);

    thrum_message_set_from(message, "e@example.org");
    thrum_message_add_to(message, "a@example.org");
    ck_assert_int_eq(thrum_message_set_text(message, text.data, text.size), 0);
    assert_read(message, THRUM__MESSAGE_DOTTED, text, context);
    assert_read(message, THRUM__MESSAGE_BINARY, text, context);
    thrum_message_free(message);
    support_context_end(context);
}

static const struct {
    const char *row;
    const char *text;
} small[] = {
    {"D4: an empty message", ""},
    {"D4: no end of the last line", "a"},
    {"D3: a lone dot", "."},
    {"D3: a lone dot in its line", ".\n"},
    {"D3: dots and nothing else", ".\n..\n...\n"},
    {"D6: a line of 998 octets", A998 "\n"},
    {"D6: lines of 998 octets and a dot first", "." A998 "\r\n." A998 "\r\n"},
    {"D6: a line of 9,980 octets", TEN(A998)},
    {"D7: 8 bits", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\n"},
    {"D7: 998 octets of 8 bits", TEN(TEN(TEN("\xc3\xbc"))) "\n"},
};

START_TEST(a_message_comes_through_whatever_its_size)
{
    assert_comes_through(thrum__text_of(small[_i].text));
}
END_TEST

/* Numbers that look like chance, the same every time. */
static uint32_t next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 33);
}

/* Lines of up to `line` symbols of those that are hard on somebody. */
static void fill(char *text, size_t size, uint32_t line, const char *symbols)
{
    size_t count = strlen(symbols), at = 0;
    uint64_t state = line;

    while (at + line + 2 < size) {
        uint32_t length = next_number(&state) % line;

        for (uint32_t i = 0; i < length; i++)
            text[at++] = symbols[next_number(&state) % count];
        text[at++] = '.';
        text[at++] = '\n';
    }
    while (at < size)
        text[at++] = '\n';
}

static const struct {
    const char *row;
    uint32_t line;
    const char *symbols;
} large[] = {
    {"D3: 20 MiB that go as they are, every other line with a dot", 74,
     "..ab \t"},
    {"D6: 20 MiB of long lines", 4000, ". ab=\t\x01"},
    {"D1: 20 MiB of CR, LF and dots", 20, ".\r\n a"},
};

START_TEST(so_do_20_mib)
{
    char *text = malloc(LARGE);

    ck_assert_ptr_nonnull(text);
    fill(text, LARGE, large[_i].line, large[_i].symbols);
    assert_comes_through((thrum_bytes){text, LARGE});
    free(text);
}
END_TEST

START_TEST(a_message_that_was_changed_is_counted_again)
{
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);
    uint64_t before;

    ck_assert_uint_eq(thrum__message_size(message, 0), 0); /* not ready */
    thrum_message_set_from(message, "e@example.org");
    thrum_message_add_to(message, "a@example.org");
    thrum_message_set_text(message, "one\n", 4);
    before = thrum__message_size(message, 0);
    thrum_message_set_text(message, "fifteen\n", 8);
    ck_assert_uint_eq(thrum__message_size(message, 0), before + 4);
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

/* How far the size of a filled message may be off, by the length of its value,
 * which may write seven octets for each of its own; without a limit, and with
 * one that it would pass. */
static const struct {
    const char *row;
    size_t value;
    uint64_t off;
} filled[] = {
    {"D9: a short value", 10, 400},
    {"D9: one of a line", 76, 1000},
    {"D9: the longest that is not counted", 292, 2500},
    {"D9: the shortest that is counted", 293, 0},
    {"D9: 1 MiB", 1 << 20, 0},
};

START_TEST(d9_a_size_is_never_below_and_exact_where_it_matters)
{
    thrum_context *context = support_context();
    letter_parts with = {.html = "<p>{{name}}</p>\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    char *value = malloc(filled[_i].value + 1);
    thrum_message *message, *same;
    thrum_buffer out;
    uint64_t size;

    memset(value, 'a', filled[_i].value);
    value[filled[_i].value] = '\0';
    message = letter_fill(letter, value, "x", "y");
    same = letter_fill(letter, value, "x", "y");
    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    size = thrum__message_size(message, UINT64_MAX);
    ck_assert_uint_ge(size, out.size);
    ck_assert_uint_le(size, out.size + filled[_i].off);
    ck_assert_uint_eq(thrum__message_size(message, out.size), out.size);
    ck_assert_uint_eq(thrum__message_size(same, out.size - 1), out.size);
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_message_free(same);
    thrum_template_unref(letter);
    free(value);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("small"), tcase_create("large")};

    tcase_set_timeout(cases[1], 120);
    tcase_add_loop_test(cases[0], a_message_comes_through_whatever_its_size, 0,
                        sizeof small / sizeof small[0]);
    tcase_add_test(cases[0], a_message_that_was_changed_is_counted_again);
    tcase_add_loop_test(cases[0],
                        d9_a_size_is_never_below_and_exact_where_it_matters, 0,
                        sizeof filled / sizeof filled[0]);
    tcase_add_loop_test(cases[1], so_do_20_mib, 0,
                        sizeof large / sizeof large[0]);
    return support_main("sizes", cases, 2);
}
