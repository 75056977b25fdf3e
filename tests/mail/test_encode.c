/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/encode.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A70 TEN("aaaaaaa")
#define A75 A70 "aaaaa"
#define A76 A75 "a"

typedef enum way { QUOTED, ESCAPED, PLAIN, BINARY } way;

/* Encodes in slices of `slice` bytes of room. */
static size_t encode(way how, thrum_bytes text, size_t slice, char *to,
                     thrum__place *place)
{
    size_t size = 0, written;

    *place = (thrum__place){0, 0};
    do {
        thrum__room room = {to + size, slice};

        written = how >= PLAIN
                      ? thrum__plain_encode(text, place, room, how == PLAIN)
                      : thrum__quoted_encode(text, place, room, how == ESCAPED);
        if (written > slice || (written == 0 && place->offset < text.size))
            ck_abort_msg("%zu bytes written to %zu", written, slice);
        size += written;
    } while (place->offset < text.size);
    return size;
}

/* Each with and without escaping; NULL: the same. */
static const struct {
    const char *text;
    const char *quoted;
    const char *escaped;
} quoted_cases[] = {
    {"", "", NULL},
    {"a", "a", NULL},
    {"Hello, world!", "Hello, world!", NULL},
    {"a=b", "a=3Db", NULL},
    {"a\nb", "a\r\nb", NULL},
    {"a\r\nb", "a\r\nb", NULL},
    {"a\rb", "a\r\nb", NULL},
    {"\n", "\r\n", NULL},
    {"\r", "\r\n", NULL},
    {"\r\n", "\r\n", NULL},
    {"\n\n", "\r\n\r\n", NULL},
    {"\r\r", "\r\n\r\n", NULL},
    {"\n\r", "\r\n\r\n", NULL},
    {"\r\r\n", "\r\n\r\n", NULL},
    {".", "=2E", NULL},
    {"..", "=2E.", NULL},
    {"a.", "a.", NULL},
    {"\n.", "\r\n=2E", NULL},
    {"\n.\n", "\r\n=2E\r\n", NULL},
    {"\r\n.\r\n", "\r\n=2E\r\n", NULL},
    {"\n.\r", "\r\n=2E\r\n", NULL},
    {"\r.\r", "\r\n=2E\r\n", NULL},
    {" ", " ", NULL},
    {"a ", "a ", NULL},
    {"a \n", "a=20\r\n", NULL},
    {"a \r", "a=20\r\n", NULL},
    {"a\t\n", "a=09\r\n", NULL},
    {"a  \n", "a =20\r\n", NULL},
    {"a \t\r\n", "a =09\r\n", NULL},
    {" \n", "=20\r\n", NULL},
    {" a", " a", NULL},
    {"a\tb", "a\tb", NULL},
    {"J\xc3\xbcrgen", "J=C3=BCrgen", NULL},
    {"\xf0\x9f\x98\x80", "=F0=9F=98=80", NULL},
    {"\x01\x1b\x7f", "=01=1B=7F", NULL},
    {"From here", "From here", NULL},
    {"{{name}}", "{{name}}", NULL},
    {"<b>", "<b>", "&lt;b&gt;"},
    {"\"a\" & 'b'", "\"a\" & 'b'", "&quot;a&quot; &amp; &#39;b&#39;"},
    {"<script>alert(1)</script>", "<script>alert(1)</script>",
     "&lt;script&gt;alert(1)&lt;/script&gt;"},
    {"&amp;", "&amp;", "&amp;amp;"},
    {A75, A75, NULL},
    {A76, A75 "=\r\na", NULL},
    {A75 "\n", A75 "\r\n", NULL},
    {A76 "\n", A75 "=\r\na\r\n", NULL},
    {A75 ".", A75 "=\r\n=2E", NULL},
    {A75 "..\n", A75 "=\r\n=2E.\r\n", NULL},
    {A75 " \n", A75 "=\r\n=20\r\n", NULL},
    {A70 "aaaa \n", A70 "aaaa=\r\n=20\r\n", NULL},
    {A70 "aa \n", A70 "aa=20\r\n", NULL},
    {A70 "aa=", A70 "aa=3D", NULL},
    {A70 "aaa=", A70 "aaa=\r\n=3D", NULL},
    {A70 "aaaaa=", A70 "aaaaa=\r\n=3D", NULL},
    {A70 "<", A70 "<", A70 "&lt;"},
    {A70 "a\"", A70 "a\"", A70 "a=\r\n&quot;"},
    {A75 A75 A75, A75 "=\r\n" A75 "=\r\n" A75, NULL},
};

START_TEST(quoted_printable_is_what_rfc_2045_says_in_slices_of_any_size)
{
    thrum_bytes text = {quoted_cases[_i].text, strlen(quoted_cases[_i].text)};
    char out[1024];

    for (way how = QUOTED; how <= ESCAPED; how++)
        for (size_t slice = THRUM__ENCODE_LEAST; slice < 300; slice++) {
            const char *expected = how == ESCAPED && quoted_cases[_i].escaped
                                       ? quoted_cases[_i].escaped
                                       : quoted_cases[_i].quoted;
            thrum__place place;
            size_t size = encode(how, text, slice, out, &place);

            wire_assert_same((thrum_bytes){out, size},
                             (thrum_bytes){expected, strlen(expected)},
                             "quoted");
            if (size > thrum__quoted_bound(text.size, how == ESCAPED))
                ck_abort_msg("%zu bytes", size);
            if (how == QUOTED && size + 3 > thrum__quoted_most(text))
                ck_abort_msg("%zu bytes of %zu", size,
                             thrum__quoted_most(text));
        }
}
END_TEST

static const struct {
    const char *text;
    const char *wire; /* NULL: it cannot go as it is */
} plain_cases[] = {
    {"", ""},
    {"Hello!\n", "Hello!\r\n"},
    {"a\r\nb\r\n", "a\r\nb\r\n"},
    {"a\rb\r", "a\r\nb\r\n"},
    {"\n\n", "\r\n\r\n"},
    {".\n", "..\r\n"},
    {"..\n", "...\r\n"},
    {"a.\n.b\n", "a.\r\n..b\r\n"},
    {"a\n.\nb\n", "a\r\n..\r\nb\r\n"},
    {"\n.\r\n", "\r\n..\r\n"},
    {"a=b\tc\n", "a=b\tc\r\n"},
    {"From here\n", "From here\r\n"},
    {A76 "\n", A76 "\r\n"},
    {A76 "\r", A76 "\r\n"},
    {A76 "a\n", NULL},
    {"a", NULL},
    {"a\nb", NULL},
    {"a \n", NULL},
    {"a\t\r", NULL},
    {" \n", NULL},
    {"\xc3\xbc\n", NULL},
    {"a\x7f\n", NULL},
    {"\x1b[1m\n", NULL},
    {"a\n\v\n", NULL},
};

/* The same text without its dots stuffed. */
static void assert_binary(thrum_bytes text, size_t slice, thrum_bytes dotted)
{
    wire_text expected = wire_receive(dotted);
    thrum__place place;
    char out[1024];
    size_t size = encode(BINARY, text, slice, out, &place);

    wire_assert_same((thrum_bytes){out, size},
                     (thrum_bytes){expected.data, expected.size}, "binary");
    free(expected.data);
}

START_TEST(a_plain_text_goes_as_it_is_with_its_dots_stuffed)
{
    thrum_bytes text = {plain_cases[_i].text, strlen(plain_cases[_i].text)};
    const char *wire = plain_cases[_i].wire;
    char out[1024];

    ck_assert_int_eq(thrum__plain_is(text), wire != NULL);
    for (size_t slice = THRUM__ENCODE_LEAST; wire != NULL && slice < 100;
         slice++) {
        thrum__place place;
        size_t size = encode(PLAIN, text, slice, out, &place);

        wire_assert_same((thrum_bytes){out, size},
                         (thrum_bytes){wire, strlen(wire)}, "plain");
        assert_binary(text, slice, (thrum_bytes){out, size});
    }
}
END_TEST

static const struct {
    const char *text;
    size_t dots;
} dots_cases[] = {
    {"", 0},
    {"a\n", 0},
    {".\n", 1},
    {"..\n", 1},
    {"a.\n", 0},
    {".\n.\r\n.\r.\n", 4},
    {"\r\n\r\n.a\r\n", 1},
};

START_TEST(the_lines_that_begin_with_a_dot_are_counted)
{
    thrum_bytes text = {dots_cases[_i].text, strlen(dots_cases[_i].text)};

    ck_assert_uint_eq(thrum__plain_dots(text), dots_cases[_i].dots);
}
END_TEST

static size_t unstuff(const char *dotted, size_t slice, char *to)
{
    thrum_bytes text = {dotted, strlen(dotted)};
    thrum__place place = {0, 0};
    size_t size = 0;

    while (place.offset < text.size) {
        size_t before = place.offset;
        size_t written =
            thrum__dots_unstuff(text, &place, (thrum__room){to + size, slice});

        if (written > slice || place.offset == before)
            ck_abort_msg("%zu bytes written to %zu", written, slice);
        size += written;
    }
    return size;
}

START_TEST(stuffed_dots_are_taken_out_and_no_others_in_slices_of_any_size)
{
    static const char dotted[] = "..a\r\n..b\r\n..\r\n...\r\nc..d\r\n\r\n..";
    static const char expected[] = ".a\r\n.b\r\n.\r\n..\r\nc..d\r\n\r\n.";
    char out[sizeof dotted];

    for (size_t slice = 1; slice <= sizeof dotted; slice++) {
        size_t size = unstuff(dotted, slice, out);

        wire_assert_same((thrum_bytes){out, size},
                         (thrum_bytes){expected, sizeof expected - 1},
                         "unstuffed");
    }
}
END_TEST

/* What a reader makes of it is the text, with the line ends of the wire; and
 * it is so for every place at which something happens to a line. */
static void assert_readable(way how, thrum_bytes text)
{
    char *out = malloc(thrum__quoted_bound(text.size, false) + 3);
    thrum__place place;
    size_t size =
        encode(how, text, thrum__quoted_bound(text.size, false), out, &place);
    wire_text expected = wire_normalise(text), plain, got;

    if (place.column > 0 && how == QUOTED) {
        memcpy(out + size, "=\r\n", 3);
        size += 3;
    }
    if (how == QUOTED && size > thrum__quoted_most(text))
        ck_abort_msg("%zu bytes of %zu", size, thrum__quoted_most(text));
    plain = wire_receive((thrum_bytes){out, size});
    got = plain;
    if (how == QUOTED) {
        got = wire_unquote((thrum_bytes){plain.data, plain.size});
        free(plain.data);
    }
    plain = wire_normalise((thrum_bytes){got.data, got.size});
    wire_assert_same((thrum_bytes){plain.data, plain.size},
                     (thrum_bytes){expected.data, expected.size}, "read");
    free(out);
    free(got.data);
    free(plain.data);
    free(expected.data);
}

START_TEST(what_a_reader_decodes_is_the_text_wherever_its_lines_break)
{
    static const char *const ends[] = {"",           "\n",
                                       " \n",        "\t\r\n",
                                       ".\n",        "=\n",
                                       " ",          ".",
                                       "\xc3\xbc\n", "\xf0\x9f\x98\x80",
                                       " . ",        "\r",
                                       "\r.\r",      "\n.\n",
                                       "\r\n.\r\n",  " \r ",
                                       "=20 ",       "\xe2\x82\xac \n"};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        for (size_t size = 0; size < 240; size++) {
            char text[300];

            memset(text, 'a', size);
            snprintf(text + size, sizeof text - size, "%s", ends[i]);
            assert_readable(QUOTED, (thrum_bytes){text, strlen(text)});
        }
}
END_TEST

/* As often as `cuts` has bits, from the lowest on, the room ends there. */
static void unstuff_in_cuts(thrum_bytes dotted, unsigned cuts,
                            thrum_bytes expected)
{
    thrum__place place = {0, 0};
    char out[16];
    size_t size = 0;

    while (place.offset < dotted.size) {
        size_t room = 1;

        while (size + room < sizeof out && (cuts >> (size + room) & 1) == 0)
            room++;
        size += thrum__dots_unstuff(dotted, &place,
                                    (thrum__room){out + size, room});
    }
    wire_assert_same((thrum_bytes){out, size}, expected, "unstuffed");
}

/* Every text of up to six of these: what ends or stuffs a line, and what does
 * not. */
START_TEST(every_short_text_of_dots_and_line_ends_comes_back)
{
    static const char symbols[] = {'.', '\r', '\n', 'a'};
    unsigned count = 0;

    for (size_t size = 0; size <= 6; size++)
        for (unsigned n = 0; n < 1u << 2 * size; n++, count++) {
            char text[6];

            for (size_t i = 0; i < size; i++)
                text[i] = symbols[n >> 2 * i & 3];
            assert_readable(QUOTED, (thrum_bytes){text, size});
            if (thrum__plain_is((thrum_bytes){text, size}))
                assert_readable(PLAIN, (thrum_bytes){text, size});
        }
    ck_assert_uint_eq(count, 5461);
}
END_TEST

/* The same ones that may go as they are, dotted, through every set of cuts. */
START_TEST(every_short_text_is_unstuffed_wherever_it_is_cut)
{
    static const char symbols[] = {'.', '\r', '\n', 'a'};
    unsigned count = 0;

    for (size_t size = 0; size <= 6; size++)
        for (unsigned n = 0; n < 1u << 2 * size; n++) {
            char text[6], dotted[128], binary[128];
            thrum__place place;
            size_t stuffed, plain;

            for (size_t i = 0; i < size; i++)
                text[i] = symbols[n >> 2 * i & 3];
            if (!thrum__plain_is((thrum_bytes){text, size}))
                continue;
            stuffed =
                encode(PLAIN, (thrum_bytes){text, size}, 64, dotted, &place);
            plain =
                encode(BINARY, (thrum_bytes){text, size}, 64, binary, &place);
            ck_assert_uint_le(plain, 12);
            for (unsigned cuts = 0; cuts < 1u << (plain > 0 ? plain - 1 : 0);
                 cuts++)
                unstuff_in_cuts((thrum_bytes){dotted, stuffed}, cuts << 1,
                                (thrum_bytes){binary, plain});
            count++;
        }
    ck_assert_uint_gt(count, 1000);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("quoted-printable"), tcase_create("plain")};

    tcase_add_loop_test(
        cases[0], quoted_printable_is_what_rfc_2045_says_in_slices_of_any_size,
        0, sizeof quoted_cases / sizeof quoted_cases[0]);
    tcase_add_test(cases[0],
                   what_a_reader_decodes_is_the_text_wherever_its_lines_break);
    tcase_add_test(cases[0], every_short_text_of_dots_and_line_ends_comes_back);
    tcase_add_loop_test(cases[1],
                        a_plain_text_goes_as_it_is_with_its_dots_stuffed, 0,
                        sizeof plain_cases / sizeof plain_cases[0]);
    tcase_add_loop_test(cases[1], the_lines_that_begin_with_a_dot_are_counted,
                        0, sizeof dots_cases / sizeof dots_cases[0]);
    tcase_add_test(
        cases[1],
        stuffed_dots_are_taken_out_and_no_others_in_slices_of_any_size);
    tcase_add_test(cases[1], every_short_text_is_unstuffed_wherever_it_is_cut);
    return support_main("encode", cases, 2);
}
