/* SPDX-License-Identifier: MIT */
/*
 * Base64: what is written is read again, and nothing else is.
 */
#include <string.h>

#include "mail/smtp/base64.h"
#include "tests/support/support.h"

/* RFC 4648 section 10. */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static const char *const wrong[] = {
    "Z",       "Zg",     "Zg=",      "Zg==Zg==", "=",        "====",     "Z===",
    "Zg=a",    "Zh==",   "Zm9=",     "Zm8= ",    " Zm8",     "Zm8\n",    "Zm-_",
    "Z\x80==", "Zm9vZg", "Zm8=Zm9v", "*m9v",     "Zm9v====", "Zg==\r\n",
};

START_TEST(the_vectors_of_the_rfc)
{
    size_t size = strlen(vectors[_i].bytes), length = strlen(vectors[_i].text);
    char text[16], bytes[16];

    ck_assert_uint_eq(thrum__base64_size(size), length);
    thrum__base64_encode(text, (thrum_bytes){vectors[_i].bytes, size});
    ck_assert_mem_eq(text, vectors[_i].text, length);
    ck_assert(thrum__base64_decode(bytes, &size,
                                   (thrum_bytes){vectors[_i].text, length}));
    ck_assert_uint_eq(size, strlen(vectors[_i].bytes));
    ck_assert_mem_eq(bytes, vectors[_i].bytes, size);
}
END_TEST

START_TEST(A7_what_is_not_base64_is_not_read)
{
    char bytes[16];
    size_t size;

    ck_assert(!thrum__base64_decode(
        bytes, &size, (thrum_bytes){wrong[_i], strlen(wrong[_i])}));
}
END_TEST

/* Of all texts of four digits, those that are read are written the same way. */
START_TEST(each_text_has_one_form)
{
    static const char digits[] = "AQgw/+=*";
    char four[4], bytes[3], again[4];
    unsigned read = 0;
    size_t size;

    for (unsigned n = 0; n < 8 * 8 * 8 * 8; n++) {
        for (unsigned i = 0; i < 4; i++)
            four[i] = digits[n >> 3 * i & 7];
        if (!thrum__base64_decode(bytes, &size, (thrum_bytes){four, 4}))
            continue;
        thrum__base64_encode(again, (thrum_bytes){bytes, size});
        ck_assert_mem_eq(again, four, 4);
        read++;
    }
    ck_assert_uint_gt(read, 6 * 6 * 6 * 6);
}
END_TEST

START_TEST(every_byte_goes_through)
{
    char bytes[256], text[344], again[258];
    size_t size;

    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    thrum__base64_encode(text, (thrum_bytes){bytes, sizeof bytes});
    ck_assert(
        thrum__base64_decode(again, &size, (thrum_bytes){text, sizeof text}));
    ck_assert_uint_eq(size, sizeof bytes);
    ck_assert_mem_eq(again, bytes, sizeof bytes);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("base64");

    tcase_add_loop_test(all, the_vectors_of_the_rfc, 0, COUNT(vectors));
    tcase_add_loop_test(all, A7_what_is_not_base64_is_not_read, 0,
                        COUNT(wrong));
    tcase_add_test(all, each_text_has_one_form);
    tcase_add_test(all, every_byte_goes_through);
    return support_main("base64", &all, 1);
}
