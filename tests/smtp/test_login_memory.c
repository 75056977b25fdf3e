/* SPDX-License-Identifier: MIT */
/*
 * After a login nothing of the password is left in the memory of the process,
 * but in the pages of whoever holds it still: neither the bytes nor the base64
 * of what was said. All that can be written is looked through. What is looked
 * for is kept in another form, so that it is not what is found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <thrum/smtp_session.h>

#include "mail/smtp/base64.h"
#include "mail/smtp/scram_key.h"
#include "tests/support/support.h"

enum { MASK = 0x55, SIZE = 24, PIECE = 1 << 16, LARGEST = 1 << 28 };

/* The password, and the base64 that stands for it where LOGIN and PLAIN say
 * it, masked. */
static char needles[2][SIZE * 4 / 3];
static size_t sizes[2];

static void mask(int n, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        needles[n][i] = (char)(bytes[i] ^ MASK);
    sizes[n] = size;
}

static bool is_needle(int n, const char *at)
{
    for (size_t i = 0; i < sizes[n]; i++)
        if ((at[i] ^ MASK) != needles[n][i])
            return false;
    return true;
}

/* In how many places the memory from `from` to `to` has a needle. */
static unsigned found_between(uintptr_t from, uintptr_t to)
{
    static char masked[PIECE + sizeof needles[0]];
    unsigned found = 0;

    for (; from < to; from += PIECE) {
        size_t size = to - from < sizeof masked ? to - from : sizeof masked;
        struct iovec here = {masked, size}, there = {(void *)from, size};
        ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);

        for (ssize_t at = 0; at < got && at < PIECE; at++)
            for (int n = 0; n < 2; n++)
                found +=
                    at + (ssize_t)sizes[n] <= got && is_needle(n, masked + at);
        explicit_bzero(masked, sizeof masked);
    }
    return found;
}

/* In how many places of this process. What is larger than any of ours (a
 * sanitizer's) is left out. */
static unsigned found(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uintptr_t from, to;
    char line[512], can[8];
    unsigned count = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%zx-%zx %7s", &from, &to, can) == 3 &&
            strncmp(can, "rw", 2) == 0 && to - from <= LARGEST)
            count += found_between(from, to);
    fclose(maps);
    return count;
}

/* A password that no text of this program has. */
static thrum_secret *make_secret(thrum_context *context)
{
    char password[SIZE + 1], base64[SIZE / 3 * 4];
    thrum_secret *secret;

    for (int i = 0; i < SIZE; i++)
        password[i] = (char)('a' + (i * 7 + 3) % 26);
    password[SIZE] = '\0';
    mask(0, password, SIZE);
    thrum__base64_encode(base64, (thrum_bytes){password, SIZE});
    mask(1, base64, sizeof base64);
    secret = thrum_secret_new(context, password, SIZE, NULL);
    explicit_bzero(password, sizeof password);
    explicit_bzero(base64, sizeof base64);
    return secret;
}

static void hear(thrum_smtp_session *session, thrum_buffer *out,
                 const char *line)
{
    thrum_smtp_session_receive(session, line, strlen(line), 0);
    thrum_buffer_clear(out);
    thrum_smtp_session_produce(session, out, SIZE_MAX, 0);
}

/* What a connection does with what it has sent of a login. */
static void sent(thrum_buffer *out)
{
    explicit_bzero(out->data, out->size);
    thrum_buffer_clear(out);
}

static void log_in(thrum_smtp_session *session, thrum_buffer *out,
                   unsigned mechanism)
{
    hear(session, out, "220 mx\r\n");
    hear(session, out, "250-mx\r\n250 AUTH PLAIN LOGIN\r\n");
    if (mechanism == THRUM_SMTP_LOGIN) {
        hear(session, out, "334 VXNl\r\n");
        hear(session, out, "334 VXNl\r\n");
    }
    ck_assert_uint_gt(found(), 1); /* so it would be found */
    sent(out);
    hear(session, out, "235 ok\r\n");
    ck_assert_int_eq(thrum_smtp_session_get_state(session),
                     THRUM_SMTP_SESSION_READY);
}

/* PLAIN says NUL, "anna", NUL before the password: six bytes, so that its
 * base64 is the same there as in LOGIN. */
START_TEST(of_a_login_nothing_is_left)
{
    unsigned mechanism = _i == 0 ? THRUM_SMTP_LOGIN : THRUM_SMTP_PLAIN;
    thrum_context *context = support_context();
    thrum_secret *secret = make_secret(context);
    thrum_smtp_account *account =
        thrum_smtp_account_new(context, "anna", secret, mechanism, NULL);
    thrum_smtp_session_config config = {.tls = THRUM_SMTP_TLS_IMPLICIT,
                                        .account = account};
    thrum_smtp_session *session = thrum_smtp_session_new(context, &config, 0);
    thrum_buffer out;

    thrum_buffer_init(&out, context, PIECE);
    log_in(session, &out, mechanism);
    ck_assert_uint_eq(found(), 1); /* the secret's own pages */
    thrum_smtp_session_free(session);
    thrum_smtp_account_unref(account);
    ck_assert_uint_eq(found(), 1);
    thrum_secret_unref(secret);
    ck_assert_uint_eq(found(), 0);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

START_TEST(of_a_key_nothing_is_left)
{
    thrum_context *context = support_context();
    thrum_secret *secret = make_secret(context);
    thrum__scram_salting salting = {.mechanism = THRUM_SMTP_SCRAM_SHA_256,
                                    .iterations = THRUM__SCRAM_LEAST,
                                    .salt_size = 16};
    thrum__scram_key *key = thrum__scram_key_new(context, secret, &salting);

    while (thrum__scram_key_work(key) == 0)
        ck_assert_uint_eq(found(), 1);
    ck_assert_int_eq(thrum__scram_key_work(key), 1);
    thrum_secret_unref(secret);
    thrum__scram_key_unref(key);
    ck_assert_uint_eq(found(), 0);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("login_memory");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, of_a_login_nothing_is_left, 0, 2);
    tcase_add_test(all, of_a_key_nothing_is_left);
    return support_main("login_memory", &all, 1);
}
