/* SPDX-License-Identifier: MIT */
/*
 * What a program trusts and shows, read from files: each error names the file,
 * and no key is left in memory that was given back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/reactor/tls_pair.h"

static char folder[] = "/tmp/thrum-tls-XXXXXX";

/* A file of the test's own. */
static const char *own_file(const char *name, const char *text,
                            char path[TLS_PATH])
{
    FILE *file;

    snprintf(path, TLS_PATH, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
    return path;
}

static void own_file_remove(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

/* What thrum_tls_new says of it. */
static void expect_refused(const thrum_tls_config *config, const char *words,
                           const char *beneath)
{
    thrum_context *context = support_context();
    thrum_failure *why = NULL;

    ck_assert_ptr_null(thrum_tls_new(context, config, &why));
    ck_assert(
        thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_TLS));
    ck_assert_msg(strstr(thrum_failure_text(why), words) != NULL, "%s",
                  thrum_failure_text(why));
    if (beneath != NULL)
        ck_assert_str_eq(thrum_failure_text(thrum_failure_cause(why)), beneath);
    thrum_failure_unref(why);
    ck_assert_ptr_null(thrum_tls_new(context, config, NULL));
    support_context_end(context);
}

START_TEST(a_file_that_cannot_be_read_is_named_with_the_systems_words)
{
    thrum_tls_config config = {.trust_file = "/nowhere/ca.pem"};
    char path[TLS_PATH];

    expect_refused(&config, "cannot read /nowhere/ca.pem", strerror(ENOENT));
    config = (thrum_tls_config){.certificate_file = "/nowhere/own.pem"};
    expect_refused(&config, "cannot read /nowhere/own.pem", strerror(ENOENT));
    config.certificate_file = tls_path("good", path);
    config.key_file = "/";
    expect_refused(&config, "cannot read /", strerror(EISDIR));
}
END_TEST

START_TEST(a_file_with_something_else_in_it_is_named_with_gnutls_words)
{
    char path[TLS_PATH], other[TLS_PATH];
    thrum_tls_config config = {.trust_file = own_file("a", "not PEM\n", path)};
    const char *words =
        thrum_domain_tls.describe(GNUTLS_E_BASE64_DECODING_ERROR - 10000);

    expect_refused(&config, "/a: holds no certificate to trust", NULL);
    config = (thrum_tls_config){.certificate_file = path};
    expect_refused(&config, "/a: holds no certificate to show", NULL);
    config = (thrum_tls_config){.certificate_file = tls_path("ca", other)};
    expect_refused(&config, "ca.pem: holds no key that serves", NULL);
    config.key_file = path;
    expect_refused(&config, "/a: holds no key that serves", NULL);
    ck_assert_ptr_nonnull(words);
    own_file_remove(path);
}
END_TEST

START_TEST(a_key_of_another_certificate_is_refused)
{
    char good[TLS_PATH], rsa[TLS_PATH];
    thrum_tls_config config = {.certificate_file = tls_path("good", good),
                               .key_file = tls_path("rsa", rsa)};

    expect_refused(&config, "rsa.pem: is not the key of ", NULL);
}
END_TEST

START_TEST(certificate_and_key_may_stand_in_two_files)
{
    thrum_context *context = support_context();
    char good[TLS_PATH];
    thrum_tls_config config = {.certificate_file = tls_path("good", good),
                               .key_file = good};
    thrum_tls *tls = thrum_tls_new(context, &config, NULL);

    ck_assert_ptr_nonnull(tls);
    ck_assert_ptr_eq(thrum_tls_ref(tls), tls);
    thrum_tls_unref(tls);
    thrum_tls_unref(tls);
    thrum_tls_unref(NULL);
    support_context_end(context);
}
END_TEST

START_TEST(a_pipe_serves_as_a_file)
{
    thrum_context *context = support_context();
    char good[TLS_PATH], pem[16384], path[64];
    FILE *file = fopen(tls_path("good", good), "r");
    size_t size = fread(pem, 1, sizeof pem, file);
    thrum_tls_config config = {.certificate_file = path};
    thrum_tls *tls;
    int ends[2];

    fclose(file);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], pem, size), (ssize_t)size);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    config.key_file = good;
    tls = thrum_tls_new(context, &config, NULL);
    ck_assert_ptr_nonnull(tls);
    close(ends[0]);
    thrum_tls_unref(tls);
    support_context_end(context);
}
END_TEST

START_TEST(settings_that_make_no_sense_are_refused)
{
    char ca[TLS_PATH], big[4000];
    static const char *const empty[] = {"", NULL};
    const char *const longer[] = {big, NULL};
    thrum_tls_config config = {.trust_file = tls_path("ca", ca),
                               .priority = "NONSENSE"};

    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    expect_refused(&config, "the priority string \"NONSENSE\" is wrong", NULL);
    config.priority = big;
    expect_refused(&config, "the priority string is too long", NULL);
    config.priority = NULL;
    config.alpn = empty;
    expect_refused(&config, "an ALPN name has 1 to 255 bytes", NULL);
    config.alpn = longer;
    expect_refused(&config, "an ALPN name has 1 to 255 bytes", NULL);
}
END_TEST

START_TEST(gnutls_codes_have_a_domain_of_their_own)
{
    ck_assert_str_eq(thrum_domain_tls.name, "tls");
    ck_assert_str_eq(
        thrum_domain_tls.describe(GNUTLS_E_PREMATURE_TERMINATION - 10000),
        gnutls_strerror(GNUTLS_E_PREMATURE_TERMINATION));
    ck_assert_ptr_null(thrum_domain_tls.describe(THRUM_REACTOR_E_TLS));
    ck_assert_ptr_null(thrum_domain_tls.describe(-99999));
    ck_assert_ptr_null(thrum_domain_tls.describe(0));
}
END_TEST

/* ---- T19 ---- */

/* An allocator that looks into what is given back for the key's own text. */
static char secret[33];
static unsigned leaks, released;

typedef struct block {
    size_t size;
    char bytes[];
} block;

static void *watch_allocate(size_t size, void *state)
{
    block *made = malloc(sizeof *made + size);

    (void)state;
    made->size = size;
    return made->bytes;
}

static void watch_release(void *bytes, void *state)
{
    block *made = (block *)((char *)bytes - sizeof *made);

    (void)state;
    if (bytes == NULL)
        return;
    released++;
    if (memmem(made->bytes, made->size, secret, sizeof secret - 1) != NULL)
        leaks++;
    free(made);
}

static void *watch_resize(void *bytes, size_t size, void *state)
{
    void *moved = watch_allocate(size, state);

    if (bytes != NULL) {
        size_t before = ((block *)((char *)bytes - sizeof(block)))->size;

        memcpy(moved, bytes, before < size ? before : size);
    }
    watch_release(bytes, state);
    return moved;
}

static void learn_secret(const char *path)
{
    char pem[16384];
    FILE *file = fopen(path, "r");
    size_t size = fread(pem, 1, sizeof pem - 1, file);
    const char *key;

    fclose(file);
    pem[size] = '\0';
    key = strstr(pem, "PRIVATE KEY-----\n");
    ck_assert_ptr_nonnull(key);
    memcpy(secret, key + strlen("PRIVATE KEY-----\n"), sizeof secret - 1);
}

START_TEST(t19_a_key_is_wiped_before_its_memory_is_given_back)
{
    static const thrum_allocator allocator = {watch_allocate, watch_resize,
                                              watch_release, NULL};
    thrum_context_config settings = {.allocator = &allocator};
    thrum_context *context = thrum_context_new(&settings);
    char good[TLS_PATH], rsa[TLS_PATH];
    thrum_tls_config config = {.certificate_file = tls_path("good", good)};
    thrum_tls *tls;

    learn_secret(good);
    leaks = released = 0;
    tls = thrum_tls_new(context, &config, NULL);
    ck_assert_ptr_nonnull(tls);
    thrum_tls_unref(tls);
    config.certificate_file = tls_path("rsa", rsa);
    config.key_file = good; /* not its own: refused */
    ck_assert_ptr_null(thrum_tls_new(context, &config, NULL));
    ck_assert_uint_gt(released, 4);
    ck_assert_uint_eq(leaks, 0);
    thrum_context_unref(context);
}
END_TEST

/* ---- No memory ---- */

static void scenario(void)
{
    static const char *const alpn[] = {"smtp", NULL};
    char ca[TLS_PATH], good[TLS_PATH];
    thrum_tls_config config = {.trust_file = tls_path("ca", ca),
                               .certificate_file = tls_path("good", good),
                               .alpn = alpn};
    thrum_context *context = support_context();
    thrum_failure *why = NULL;
    thrum_tls *tls = NULL;

    if (context == NULL)
        return;
    tls = thrum_tls_new(context, &config, &why);
    ck_assert((tls == NULL) == support_failed());
    ck_assert(tls != NULL ||
              thrum_failure_is(why, &thrum_domain_base, THRUM_E_NOMEM));
    thrum_tls_unref(tls);
    thrum_failure_unref(why);
    support_context_end(context);
}

START_TEST(every_allocation_of_ours_may_fail)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *files = tcase_create("files");
    TCase *const cases[] = {files};
    int status;

    loop_watchdog();
    tls_need_certificates();
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    tcase_add_test(files,
                   a_file_that_cannot_be_read_is_named_with_the_systems_words);
    tcase_add_test(files,
                   a_file_with_something_else_in_it_is_named_with_gnutls_words);
    tcase_add_test(files, a_key_of_another_certificate_is_refused);
    tcase_add_test(files, certificate_and_key_may_stand_in_two_files);
    tcase_add_test(files, a_pipe_serves_as_a_file);
    tcase_add_test(files, settings_that_make_no_sense_are_refused);
    tcase_add_test(files, gnutls_codes_have_a_domain_of_their_own);
    tcase_add_test(files, t19_a_key_is_wiped_before_its_memory_is_given_back);
    tcase_add_test(files, every_allocation_of_ours_may_fail);
    status = support_main("TLS files", cases, sizeof cases / sizeof *cases);
    rmdir(folder);
    return status;
}
