/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sink_account.h"
#include "tests/support/support.h"

static thrum_bytes bytes(const char *text)
{
    return (thrum_bytes){text, strlen(text)};
}

/* ---- Base64 ---- */

/* RFC 4648 section 10, and the digits that those have not. */
static const struct {
    const char *bytes;
    const char *text;
} base64[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xef\xbe\xff", "++++/w=="},
    {"\xff\xff\xff", "////"},
};

START_TEST(base64_there_and_back)
{
    thrum_context *context = support_context();
    thrum_buffer text;
    char back[16];
    long size;

    thrum_buffer_init(&text, context, 100);
    ck_assert_int_eq(sink_base64_add(&text, bytes(base64[_i].bytes)), 0);
    ck_assert_uint_eq(text.size, strlen(base64[_i].text));
    ck_assert_mem_eq(text.data, base64[_i].text, text.size);
    size = sink_base64_decode(bytes(base64[_i].text), back);
    ck_assert_int_eq(size, (long)strlen(base64[_i].bytes));
    ck_assert_mem_eq(back, base64[_i].bytes, (size_t)size);
    thrum_buffer_fini(&text);
    support_context_end(context);
}
END_TEST

START_TEST(what_is_no_base64_is_seen)
{
    static const char *const wrong[] = {
        "Z",    "Zg",    "Zg=",  "Zh==",     "Zm9=",
        "====", "Z===",  "=Zg=", "Zg==Zg==", "Zm9vYg=a",
        "Zm 9", "Zm9\r", "Zm9-", "Zm9_",     "\xc3\xa4==",
    };
    char out[16];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(sink_base64_decode(bytes(wrong[i]), out) == -1, "%s",
                      wrong[i]);
}
END_TEST

/* ---- Hashes ---- */

static void assert_hex(const unsigned char *got, size_t size, const char *hex)
{
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;

        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        ck_assert_uint_eq(got[i], byte);
    }
    ck_assert_uint_eq(strlen(hex), 2 * size);
}

START_TEST(digests_are_those_of_their_documents)
{
    unsigned char out[SINK_DIGEST_MAX];

    sink_digest(SINK_MD5, bytes("abc"), out); /* RFC 1321 */
    assert_hex(out, 16, "900150983cd24fb0d6963f7d28e17f72");
    sink_digest(SINK_SHA1, bytes("abc"), out); /* RFC 3174 */
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    sink_digest(SINK_SHA256, bytes("abc"), out); /* RFC 6234 */
    assert_hex(out, 32,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
               "ad");
    sink_hmac(SINK_MD5, bytes("Jefe"), bytes("what do ya want for nothing?"),
              out); /* RFC 2202 */
    assert_hex(out, 16, "750c783e6ab0b503eaa86e310a5db738");
    sink_hi(SINK_SHA1, bytes("password"), bytes("salt"), 4096,
            out); /* RFC 6070 */
    assert_hex(out, 20, "4b007901b765489abead49d926f721d065a429c1");
}
END_TEST

START_TEST(bytes_are_the_same_or_are_not)
{
    ck_assert(sink_is_same(bytes("ab"), bytes("ab")));
    ck_assert(!sink_is_same(bytes("ab"), bytes("ac")));
    ck_assert(!sink_is_same(bytes("ab"), bytes("abc")));
    ck_assert(sink_is_same(bytes(""), (thrum_bytes){NULL, 0}));
}
END_TEST

START_TEST(random_bytes_do_not_repeat)
{
    char one[16], other[16];

    sink_random(one, sizeof one);
    sink_random(other, sizeof other);
    ck_assert_mem_ne(one, other, sizeof one);
}
END_TEST

/* ---- The account ---- */

typedef struct secret_case {
    const char *text;
    size_t size;
    mode_t mode;
    sink_account_error error;
    const char *password;
} secret_case;

static const secret_case secrets[] = {
    {"pencil\n", 7, 0600, SINK_ACCOUNT_GOOD, "pencil"},
    {"pencil", 6, 0400, SINK_ACCOUNT_GOOD, "pencil"},
    {"pen cil\r\n", 9, 0600, SINK_ACCOUNT_GOOD, "pen cil"},
    {"pencil\n", 7, 0640, SINK_ACCOUNT_OPEN, NULL},
    {"pencil\n", 7, 0604, SINK_ACCOUNT_OPEN, NULL},
    {"pencil\n", 7, 0620, SINK_ACCOUNT_OPEN, NULL},
    {"", 0, 0600, SINK_ACCOUNT_BAD, NULL},
    {"\n", 1, 0600, SINK_ACCOUNT_BAD, NULL},
    {"pen\ncil\n", 8, 0600, SINK_ACCOUNT_BAD, NULL},
    {"pen\rcil", 7, 0600, SINK_ACCOUNT_BAD, NULL},
    {"pen\0cil", 7, 0600, SINK_ACCOUNT_BAD, NULL},
};

START_TEST(a_password_is_one_line_of_a_file_that_is_ones_own)
{
    const secret_case *one = &secrets[_i];
    char path[] = "/tmp/thrum-secret-XXXXXX";
    int fd = mkstemp(path);
    sink_account account;

    ck_assert_int_eq(write(fd, one->text, one->size), (ssize_t)one->size);
    ck_assert_int_eq(fchmod(fd, one->mode), 0);
    close(fd);
    ck_assert_int_eq(sink_account_read(&account, bytes("tim"), path),
                     one->error);
    unlink(path);
    if (one->error != SINK_ACCOUNT_GOOD)
        return;
    ck_assert(sink_is_same(account.password, bytes(one->password)));
    sink_account_fini(&account);
    ck_assert_int_eq(account.secret[0], '\0');
}
END_TEST

START_TEST(a_password_that_is_too_long_is_refused)
{
    char path[] = "/tmp/thrum-secret-XXXXXX";
    static char text[SINK_SECRET_MAX];
    int fd = mkstemp(path);
    sink_account account;

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    ck_assert_int_eq(sink_account_read(&account, bytes("tim"), path),
                     SINK_ACCOUNT_GOOD);
    ck_assert_uint_eq(account.password.size, sizeof text - 1);
    ck_assert_int_eq(write(fd, text, 1), 1);
    ck_assert_int_eq(sink_account_read(&account, bytes("tim"), path),
                     SINK_ACCOUNT_BAD);
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(what_is_no_plain_file_is_not_read)
{
    sink_account account;

    ck_assert_int_eq(sink_account_read(&account, bytes("a"), "/nowhere/x"),
                     SINK_ACCOUNT_MISSING);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(sink_account_read(&account, bytes("a"), "/dev/null"),
                     SINK_ACCOUNT_MISSING);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(sink_account_read(&account, bytes("a"), "/tmp"),
                     SINK_ACCOUNT_MISSING);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("crypto");

    tcase_add_loop_test(one, base64_there_and_back, 0,
                        sizeof base64 / sizeof *base64);
    tcase_add_test(one, what_is_no_base64_is_seen);
    tcase_add_test(one, digests_are_those_of_their_documents);
    tcase_add_test(one, bytes_are_the_same_or_are_not);
    tcase_add_test(one, random_bytes_do_not_repeat);
    tcase_add_loop_test(one, a_password_is_one_line_of_a_file_that_is_ones_own,
                        0, sizeof secrets / sizeof *secrets);
    tcase_add_test(one, a_password_that_is_too_long_is_refused);
    tcase_add_test(one, what_is_no_plain_file_is_not_read);
    return support_main("sink crypto", &one, 1);
}
