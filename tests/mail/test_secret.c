/* SPDX-License-Identifier: MIT */
/*
 * Secrets: what may be one, where it comes from, and where it is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thrum/address.h>
#include <thrum/secret.h>

#include "tests/support/support.h"

#define CANARY "c4n4ry-in-a-cage"

static thrum_context *context;
static char folder[] = "/tmp/thrum-secret-XXXXXX";
static char path[64];

static void begin(void)
{
    context = support_context();
    ck_assert_ptr_nonnull(context);
}

static void finish(void)
{
    support_context_end(context);
}

/* The file that is read: `size` bytes, with this mode. */
static void write_file(const char *bytes, size_t size, mode_t mode)
{
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void expect(thrum_secret *secret, const char *bytes, size_t size)
{
    thrum_bytes got;

    ck_assert_ptr_nonnull(secret);
    got = thrum_secret_bytes(secret);
    ck_assert_uint_eq(got.size, size);
    ck_assert_mem_eq(got.data, bytes, size);
    ck_assert_int_eq(got.data[size], '\0');
    thrum_secret_unref(secret);
}

static void expect_failure(thrum_secret *secret, thrum_failure *why,
                           int beneath, const char *text)
{
    const thrum_failure *cause;

    ck_assert_ptr_null(secret);
    ck_assert_int_eq(
        thrum_failure_is(why, &thrum_domain_mail, THRUM_MAIL_E_SECRET), 1);
    ck_assert_str_eq(thrum_failure_text(why), text);
    cause = thrum_failure_cause(why);
    ck_assert_int_eq(cause != NULL ? thrum_failure_code(cause) : 0, beneath);
    thrum_failure_unref(why);
}

/* ---- What may be a secret ---- */

static const struct {
    const char *bytes;
    size_t size;
    const char *wrong; /* NULL: it is one */
} secrets[] = {
    {"a", 1, NULL},
    {"p\xc3\xa4ss word\t!", 12, NULL},
    {"\xff\xfe", 2, NULL},
    {"", 0, "the secret is empty"},
    {"a\0b", 3, "the secret has a NUL or the end of a line within"},
    {"a\n", 2, "the secret has a NUL or the end of a line within"},
    {"\ra", 2, "the secret has a NUL or the end of a line within"},
};

START_TEST(bytes_are_a_secret_or_it_is_said_why_not)
{
    thrum_failure *why = NULL;
    thrum_secret *secret;

    begin();
    secret =
        thrum_secret_new(context, secrets[_i].bytes, secrets[_i].size, &why);
    if (secrets[_i].wrong == NULL)
        expect(secret, secrets[_i].bytes, secrets[_i].size);
    else
        expect_failure(secret, why, 0, secrets[_i].wrong);
    ck_assert_int_eq(thrum_secret_new(context, "", 0, NULL) == NULL, 1);
    finish();
}
END_TEST

START_TEST(the_longest_secret_is_one_and_one_byte_more_is_none)
{
    static char bytes[THRUM_SECRET_MAX + 1];
    thrum_failure *why = NULL;
    thrum_secret *secret;

    begin();
    memset(bytes, 'x', sizeof bytes);
    expect(thrum_secret_new(context, bytes, THRUM_SECRET_MAX, NULL), bytes,
           THRUM_SECRET_MAX);
    secret = thrum_secret_new(context, bytes, THRUM_SECRET_MAX + 1, &why);
    expect_failure(secret, why, 0, "the secret is too long to be a secret");
    finish();
}
END_TEST

START_TEST(a_variable_is_read)
{
    thrum_failure *why = NULL;
    thrum_secret *secret;

    begin();
    setenv("THRUM_TEST_SECRET", CANARY, 1);
    secret = thrum_secret_from_variable(context, "THRUM_TEST_SECRET", &why);
    expect(secret, CANARY, strlen(CANARY));
    setenv("THRUM_TEST_SECRET", "", 1);
    secret = thrum_secret_from_variable(context, "THRUM_TEST_SECRET", &why);
    expect_failure(secret, why, 0, "THRUM_TEST_SECRET is empty");
    setenv("THRUM_TEST_SECRET", CANARY "\n", 1);
    secret = thrum_secret_from_variable(context, "THRUM_TEST_SECRET", &why);
    expect_failure(secret, why, 0,
                   "THRUM_TEST_SECRET has a NUL or the end of a line within");
    unsetenv("THRUM_TEST_SECRET");
    secret = thrum_secret_from_variable(context, "THRUM_TEST_SECRET", &why);
    expect_failure(secret, why, 0, "THRUM_TEST_SECRET is not set");
    finish();
}
END_TEST

/* ---- Files ---- */

#define CASE(bytes) bytes, sizeof(bytes) - 1

static const struct {
    const char *bytes;
    size_t size;
    mode_t mode;
    const char *wrong; /* behind the file's name; NULL: it is CANARY */
    int beneath;
} files[] = {
    {CASE(CANARY), 0600, NULL, 0},
    {CASE(CANARY), 0400, NULL, 0},
    {CASE(CANARY "\n"), 0600, NULL, 0},
    {CASE(CANARY "\r\n"), 0600, NULL, 0},
    {CASE(CANARY "\n\n"), 0600, "has a NUL or the end of a line within", 0},
    {CASE(CANARY "\r"), 0600, "has a NUL or the end of a line within", 0},
    {CASE("a\0b"), 0600, "has a NUL or the end of a line within", 0},
    {CASE(""), 0600, "is empty", 0},
    {CASE("\n"), 0600, "is empty", 0},
    {CASE("\r\n"), 0600, "is empty", 0},
    {CASE(CANARY), 0640,
     "may be used by others than its owner (its mode should be 0600)", EPERM},
    {CASE(CANARY), 0604,
     "may be used by others than its owner (its mode should be 0600)", EPERM},
    {CASE(CANARY), 0620,
     "may be used by others than its owner (its mode should be 0600)", EPERM},
    {CASE(CANARY), 0666,
     "may be used by others than its owner (its mode should be 0600)", EPERM},
};

START_TEST(a_file_is_read_when_nobody_else_may)
{
    thrum_failure *why = NULL;
    thrum_secret *secret;
    char text[200];

    begin();
    write_file(files[_i].bytes, files[_i].size, files[_i].mode);
    secret = thrum_secret_from_file(context, path, &why);
    if (files[_i].wrong == NULL) {
        expect(secret, CANARY, strlen(CANARY));
    } else {
        snprintf(text, sizeof text, "%s %s", path, files[_i].wrong);
        expect_failure(secret, why, files[_i].beneath, text);
    }
    unlink(path);
    finish();
}
END_TEST

START_TEST(a_file_has_the_longest_secret_and_its_line_end)
{
    static char bytes[THRUM_SECRET_MAX + 2];
    thrum_failure *why = NULL;
    thrum_secret *secret;
    char text[200];

    begin();
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + THRUM_SECRET_MAX, "\r\n", 2);
    write_file(bytes, sizeof bytes, 0600);
    expect(thrum_secret_from_file(context, path, NULL), bytes,
           THRUM_SECRET_MAX);
    bytes[THRUM_SECRET_MAX] = 'x';
    write_file(bytes, sizeof bytes, 0600);
    secret = thrum_secret_from_file(context, path, &why);
    snprintf(text, sizeof text, "%s is too long to be a secret", path);
    expect_failure(secret, why, 0, text);
    unlink(path);
    finish();
}
END_TEST

START_TEST(a_link_is_followed_and_judged_by_where_it_leads)
{
    char link_path[80];
    thrum_failure *why = NULL;
    thrum_secret *secret;
    char text[200];

    begin();
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    write_file(CANARY, strlen(CANARY), 0600);
    ck_assert_int_eq(symlink(path, link_path), 0);
    expect(thrum_secret_from_file(context, link_path, NULL), CANARY,
           strlen(CANARY));
    ck_assert_int_eq(chmod(path, 0644), 0);
    secret = thrum_secret_from_file(context, link_path, &why);
    snprintf(text, sizeof text,
             "%s may be used by others than its owner (its mode should be "
             "0600)",
             link_path);
    expect_failure(secret, why, EPERM, text);
    unlink(link_path);
    unlink(path);
    finish();
}
END_TEST

START_TEST(what_is_no_plain_file_is_not_read)
{
    thrum_failure *why = NULL;
    thrum_secret *secret;
    char text[200];

    begin();
    unlink(path);
    secret = thrum_secret_from_file(context, path, &why);
    snprintf(text, sizeof text, "%s cannot be read", path);
    expect_failure(secret, why, ENOENT, text);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* nobody writes: no waiting */
    snprintf(text, sizeof text, "%s is no plain file", path);
    secret = thrum_secret_from_file(context, path, &why);
    expect_failure(secret, why, 0, text);
    unlink(path);
    snprintf(text, sizeof text, "%s is no plain file", folder);
    secret = thrum_secret_from_file(context, folder, &why);
    expect_failure(secret, why, 0, text);
    finish();
}
END_TEST

START_TEST(a_file_of_somebody_else_is_not_read)
{
    thrum_failure *why = NULL;
    thrum_secret *secret;
    char text[200];

    begin();
    write_file(CANARY, strlen(CANARY), 0600);
    if (chown(path, 12345, (gid_t)-1) != 0) {
        printf("SKIP: only root can make a file of somebody else\n");
    } else {
        secret = thrum_secret_from_file(context, path, &why);
        snprintf(text, sizeof text, "%s is somebody else's file", path);
        expect_failure(secret, why, EPERM, text);
    }
    unlink(path);
    finish();
}
END_TEST

/* ---- Where it is kept ---- */

/* The flags of the mapping that `at` lies in; "" when it lies in none. */
static void mapping_flags(const char *at, char flags[256])
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    uintptr_t from, to;
    bool inside = false;
    char line[512];

    flags[0] = '\0';
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%zx-%zx", &from, &to) == 2)
            inside = from <= (uintptr_t)at && (uintptr_t)at < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, 256, "%.255s", line + 8);
    }
    fclose(maps);
}

static bool is_locked(const char *at)
{
    char flags[256];

    mapping_flags(at, flags);
    return strstr(flags, " lo") != NULL;
}

/* Whether pages can be locked at all: there are limits, and sanitizers that
 * make nothing of the call. */
static bool can_lock(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool locked = mlock(page, 4096) == 0 && is_locked(page);

    munmap(page, 4096);
    return locked;
}

START_TEST(its_pages_are_locked_and_in_no_core_dump)
{
    thrum_secret *secret;
    const char *at;
    char flags[256];

    begin();
    secret = thrum_secret_new(context, CANARY, strlen(CANARY), NULL);
    ck_assert_ptr_nonnull(secret);
    at = thrum_secret_bytes(secret).data;
    mapping_flags(at, flags);
    ck_assert_ptr_nonnull(strstr(flags, " dd"));
    ck_assert(is_locked(at) == can_lock());
    thrum_secret_unref(secret);
    finish();
}
END_TEST

START_TEST(the_last_holder_ends_it)
{
    thrum_secret *secret;
    const char *at;
    char flags[256];

    begin();
    secret = thrum_secret_new(context, CANARY, strlen(CANARY), NULL);
    at = thrum_secret_bytes(secret).data;
    ck_assert_ptr_eq(thrum_secret_ref(secret), secret);
    thrum_secret_unref(secret);
    ck_assert_mem_eq(at, CANARY, strlen(CANARY));
    thrum_secret_unref(secret);
    mapping_flags(at, flags);
    ck_assert_ptr_null(strstr(flags, " dd"));
    thrum_secret_unref(NULL);
    finish();
}
END_TEST

static void secret_scenario(void)
{
    thrum_context *own = support_context();
    thrum_failure *why = NULL;
    thrum_secret *secret;

    if (own == NULL)
        return;
    secret = thrum_secret_new(own, CANARY, strlen(CANARY), &why);
    ck_assert_int_eq((secret == NULL) == (why != NULL), 1);
    thrum_secret_unref(secret);
    thrum_failure_unref(why);
    why = NULL;
    secret = thrum_secret_from_file(own, path, &why);
    ck_assert_int_eq((secret == NULL) == (why != NULL), 1);
    thrum_secret_unref(secret);
    thrum_failure_unref(why);
    thrum_secret_unref(thrum_secret_from_file(own, folder, NULL));
    support_context_end(own);
}

START_TEST(without_memory_there_is_no_secret)
{
    write_file(CANARY, strlen(CANARY), 0600);
    support_every_allocation(secret_scenario);
    unlink(path);
}
END_TEST

/* A sanitizer needs address space of its own. */
#ifndef __SANITIZE_ADDRESS__
START_TEST(without_pages_there_is_none_either)
{
    thrum_failure *why = NULL;
    struct rlimit limit, none;
    thrum_secret *secret;

    begin();
    getrlimit(RLIMIT_AS, &limit);
    none = limit;
    none.rlim_cur = 4096;
    setrlimit(RLIMIT_AS, &none);
    secret = thrum_secret_new(context, CANARY, strlen(CANARY), &why);
    setrlimit(RLIMIT_AS, &limit);
    ck_assert_ptr_null(secret);
    ck_assert_int_eq(thrum_failure_code(why), THRUM_E_NOMEM);
    thrum_failure_unref(why);
    finish();
}
END_TEST
#endif

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("secret");
    int status;

    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/password", folder);
    tcase_add_loop_test(all, bytes_are_a_secret_or_it_is_said_why_not, 0,
                        COUNT(secrets));
    tcase_add_test(all, the_longest_secret_is_one_and_one_byte_more_is_none);
    tcase_add_test(all, a_variable_is_read);
    tcase_add_loop_test(all, a_file_is_read_when_nobody_else_may, 0,
                        COUNT(files));
    tcase_add_test(all, a_file_has_the_longest_secret_and_its_line_end);
    tcase_add_test(all, a_link_is_followed_and_judged_by_where_it_leads);
    tcase_add_test(all, what_is_no_plain_file_is_not_read);
    tcase_add_test(all, a_file_of_somebody_else_is_not_read);
    tcase_add_test(all, its_pages_are_locked_and_in_no_core_dump);
    tcase_add_test(all, the_last_holder_ends_it);
    tcase_add_test(all, without_memory_there_is_no_secret);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(all, without_pages_there_is_none_either);
#endif
    status = support_main("secret", &all, 1);
    rmdir(folder);
    return status;
}
