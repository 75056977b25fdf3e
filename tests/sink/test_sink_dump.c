/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sink_line.h"
#include "tests/support/support.h"

/* A file of its own for each test, and what it holds. */
typedef struct dumped {
    char path[64];
    char *text;
    size_t size;
    mode_t mode;
} dumped;

static void dumped_init(dumped *self)
{
    int fd;

    memset(self, 0, sizeof *self);
    memcpy(self->path, "/tmp/thrum-dump-XXXXXX", 23);
    fd = mkstemp(self->path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fchmod(fd, 0644), 0);
    close(fd);
}

static void dumped_read(dumped *self)
{
    FILE *file = fopen(self->path, "r");
    struct stat status;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    free(self->text);
    self->mode = status.st_mode & 07777;
    self->size = (size_t)status.st_size;
    self->text = calloc(1, self->size + 1);
    ck_assert_uint_eq(fread(self->text, 1, self->size, file), self->size);
    fclose(file);
}

static void dumped_fini(dumped *self)
{
    unlink(self->path);
    free(self->text);
}

static const sink_peer nobody = {0};

static thrum_bytes bytes(const char *text)
{
    return (thrum_bytes){text, strlen(text)};
}

/* From nobody to Bob. */
static int envelope_make(sink_envelope *envelope, thrum_context *context)
{
    sink_mail_wishes mail = {0};
    sink_rcpt_wishes rcpt = {0};
    int error;

    sink_envelope_init(envelope, context);
    error = sink_envelope_begin(envelope, bytes(""), &mail);
    return error != 0 ? error
                      : sink_envelope_add(envelope, bytes("bob@y"), &rcpt);
}

/* One message, its text in pieces of `piece` bytes. */
static int dump_message(sink_dump *dump, sink_line *line, const char *text,
                        size_t size, size_t piece)
{
    sink_envelope envelope;
    int error = envelope_make(&envelope, dump->pending.context);

    if (error == 0)
        error = sink_line_begin(line, &envelope);
    for (size_t at = 0; at < size && error == 0; at += piece)
        error = sink_line_add(line, text + at,
                              size - at < piece ? size - at : piece);
    if (error == 0)
        error = sink_line_end(line, &envelope, &nobody, dump);
    sink_envelope_fini(&envelope);
    return error;
}

/* ---- What is told of a message ---- */

typedef struct told {
    const char *from;
    const char *to[3]; /* ended by NULL */
    sink_mail_wishes mail;
    sink_rcpt_wishes rcpt[2];
    sink_peer peer;
    bool chunked;
    const char *line;
} told;

#define WORD(text)                                                             \
    {                                                                          \
        text, sizeof text - 1                                                  \
    }

static const told tellings[] = {
    {.from = "\"a b\"@x",
     .to = {"bob@y", "eve@z"},
     .line = "{\"from\":\"\\\"a b\\\"@x\",\"to\":[\"bob@y\",\"eve@z\"],"
             "\"body\":\"Hello\\r\\n\",\"tls\":null,\"auth\":null,"
             "\"chunked\":false,\"8bitmime\":false,\"smtputf8\":false,"
             "\"size\":null,\"dsn\":null}\n"},
    {.from = "",
     .to = {"\xc3\xa4@y"},
     .mail = {.size = 18446744073709551615U,
              .sized = true,
              .eight_bit = true,
              .utf8 = true},
     .chunked = true,
     .peer = {"TLS1.3", "AES", "PLAIN", WORD("a\"b")},
     .line = "{\"from\":\"\",\"to\":[\"\\u00c3\\u00a4@y\"],"
             "\"body\":\"Hello\\r\\n\","
             "\"tls\":{\"version\":\"TLS1.3\",\"cipher\":\"AES\"},"
             "\"auth\":{\"mechanism\":\"PLAIN\",\"user\":\"a\\\"b\"},"
             "\"chunked\":true,\"8bitmime\":true,\"smtputf8\":true,"
             "\"size\":18446744073709551615,\"dsn\":null}\n"},
    {.from = "a@x",
     .to = {"b@y", "c@z"},
     .mail = {.id = WORD("a+2Bb"), .returns = "HDRS"},
     .rcpt = {{.notify = WORD("NEVER")},
              {.type = WORD("rfc822"), .origin = WORD("c+22@z")}},
     .line = "{\"from\":\"a@x\",\"to\":[\"b@y\",\"c@z\"],"
             "\"body\":\"Hello\\r\\n\",\"tls\":null,\"auth\":null,"
             "\"chunked\":false,\"8bitmime\":false,\"smtputf8\":false,"
             "\"size\":null,\"dsn\":{\"ret\":\"HDRS\",\"envid\":\"a+b\","
             "\"rcpt\":[{\"notify\":\"NEVER\",\"orcpt\":null},"
             "{\"notify\":null,\"orcpt\":\"rfc822;c\\\"@z\"}]}}\n"},
};

static void told_envelope(const told *one, sink_envelope *envelope,
                          thrum_context *context)
{
    sink_envelope_init(envelope, context);
    ck_assert_int_eq(
        sink_envelope_begin(envelope, bytes(one->from), &one->mail), 0);
    for (int i = 0; one->to[i] != NULL; i++)
        ck_assert_int_eq(
            sink_envelope_add(envelope, bytes(one->to[i]), &one->rcpt[i]), 0);
    envelope->chunked = one->chunked;
}

START_TEST(a_message_is_one_line_of_json)
{
    const told *one = &tellings[_i];
    thrum_context *context = support_context();
    sink_envelope envelope;
    sink_dump dump;
    sink_line line;
    dumped file;

    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    told_envelope(one, &envelope, context);
    ck_assert_int_eq(sink_line_begin(&line, &envelope), 0);
    ck_assert_int_eq(sink_line_add(&line, "Hello\r\n", 7), 0);
    ck_assert_int_eq(sink_line_end(&line, &envelope, &one->peer, &dump), 0);
    sink_envelope_fini(&envelope);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    ck_assert_str_eq(file.text, one->line);
    ck_assert_uint_eq(file.mode, 0600);
    dumped_fini(&file);
    support_context_end(context);
}
END_TEST

/* What stands between "body":" and its end, as bytes again. */
static size_t body_decode(const char *text, char *out)
{
    const char *at = strstr(text, "\"body\":\"") + 8;
    size_t size = 0;

    for (; *at != '"'; at++) {
        char code[5] = {0};

        if (*at != '\\') {
            out[size++] = *at;
        } else if (*++at == 'u') {
            memcpy(code, at + 1, 4);
            out[size++] = (char)strtoul(code, NULL, 16);
            at += 4;
        } else {
            out[size++] = *at == 'n'   ? '\n'
                          : *at == 'r' ? '\r'
                          : *at == 't' ? '\t'
                                       : *at;
        }
    }
    return size;
}

static void assert_ascii(const dumped *file)
{
    for (size_t i = 0; i + 1 < file->size; i++)
        ck_assert_int_ge(file->text[i], ' ');
    ck_assert_int_eq(file->text[file->size - 1], '\n');
}

START_TEST(every_byte_comes_back_from_the_escapes)
{
    thrum_context *context = support_context();
    char all[256], back[256];
    sink_dump dump;
    sink_line line;
    dumped file;

    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(dump_message(&dump, &line, all, 256, 7), 0);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    assert_ascii(&file);
    ck_assert_uint_eq(body_decode(file.text, back), 256);
    ck_assert_mem_eq(back, all, 256);
    dumped_fini(&file);
    support_context_end(context);
}
END_TEST

/* Lines of a long message: 3,000,000 bytes that are written as 12,000,000. */
static char *long_text(size_t size)
{
    char *text = malloc(size);

    for (size_t i = 0; i < size; i++)
        text[i] = (char)(i * 7 + i / 251);
    return text;
}

START_TEST(a_long_message_goes_through_a_file_and_comes_out_whole)
{
    size_t size = 3000000;
    char *text = long_text(size), *back = malloc(size);
    thrum_context *context = support_context();
    sink_dump dump;
    sink_line line;
    dumped file;

    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(dump_message(&dump, &line, "before", 6, 6), 0);
    ck_assert_int_eq(dump_message(&dump, &line, text, size, 65536), 0);
    ck_assert_uint_le(line.text.size + line.text.room, 512 * 1024);
    ck_assert_int_eq(dump_message(&dump, &line, "after", 5, 5), 0);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    ck_assert_uint_eq(body_decode(file.text, back), 6);
    ck_assert_mem_eq(back, "before", 6);
    ck_assert_uint_eq(body_decode(strchr(file.text, '\n'), back), size);
    ck_assert_mem_eq(back, text, size);
    ck_assert_ptr_nonnull(strstr(file.text, "\"body\":\"after\""));
    dumped_fini(&file);
    free(text);
    free(back);
    support_context_end(context);
}
END_TEST

START_TEST(lines_that_are_made_at_the_same_time_do_not_mix)
{
    thrum_context *context = support_context();
    sink_envelope envelope;
    sink_line one, two;
    sink_dump dump;
    char *first;
    dumped file;

    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&one, context);
    sink_line_init(&two, context);
    ck_assert_int_eq(envelope_make(&envelope, context), 0);
    ck_assert_int_eq(sink_line_begin(&one, &envelope), 0);
    ck_assert_int_eq(sink_line_begin(&two, &envelope), 0);
    ck_assert_int_eq(sink_line_add(&one, "on", 2), 0);
    ck_assert_int_eq(sink_line_add(&two, "two", 3), 0);
    ck_assert_int_eq(sink_line_add(&one, "e", 1), 0);
    ck_assert_int_eq(sink_line_end(&two, &envelope, &nobody, &dump), 0);
    ck_assert_int_eq(sink_line_end(&one, &envelope, &nobody, &dump), 0);
    sink_envelope_fini(&envelope);
    sink_line_fini(&one);
    sink_line_fini(&two);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    first = strstr(file.text, "\"body\":\"two\"");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first, "\"body\":\"one\""));
    dumped_fini(&file);
    support_context_end(context);
}
END_TEST

START_TEST(a_line_begun_anew_forgets_what_was_in_it)
{
    char *text = long_text(400000);
    thrum_context *context = support_context();
    sink_envelope envelope;
    sink_dump dump;
    sink_line line;
    dumped file;

    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(envelope_make(&envelope, context), 0);
    ck_assert_int_eq(sink_line_begin(&line, &envelope), 0);
    sink_envelope_fini(&envelope);
    ck_assert_int_eq(sink_line_add(&line, text, 400000), 0);
    ck_assert_int_eq(dump_message(&dump, &line, "x", 1, 1), 0);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    ck_assert_ptr_eq(strstr(file.text, "\"body\":\"x\","),
                     file.text + strlen("{\"from\":\"\",\"to\":[\"bob@y\"],"));
    ck_assert_ptr_eq(strchr(file.text, '\n') + 1, file.text + file.size);
    dumped_fini(&file);
    free(text);
    support_context_end(context);
}
END_TEST

START_TEST(a_dump_that_cannot_be_made_says_why)
{
    thrum_context *context = support_context();
    sink_dump dump;

    ck_assert_int_eq(sink_dump_open(&dump, context, "/nowhere/dump"), ENOENT);
    ck_assert_int_eq(sink_dump_open(&dump, context, "/tmp"), EISDIR);
    support_context_end(context);
}
END_TEST

/* A disk with room for `size` bytes more in one file. */
static void disk_limit(rlim_t size, struct rlimit *before)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, before), 0);
    limit = *before;
    limit.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_leaves_whole_lines_and_is_never_tried_again)
{
    thrum_context *context = support_context();
    char text[1000];
    struct rlimit before;
    sink_dump dump;
    sink_line line;
    dumped file;
    int error = 0, taken = 0;

    memset(text, 'x', sizeof text);
    signal(SIGXFSZ, SIG_IGN);
    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    disk_limit(100 * 1024, &before);
    for (; error == 0 && taken < 1000; taken++)
        error = dump_message(&dump, &line, text, sizeof text, sizeof text);
    ck_assert_int_eq(error, EFBIG);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(sink_dump_flush(&dump), EFBIG);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), EFBIG);
    dumped_read(&file);
    ck_assert_uint_gt(file.size, 90 * 1024);
    ck_assert_uint_le(file.size, 100 * 1024);
    ck_assert_int_eq(file.text[file.size - 1], '\n');
    dumped_fini(&file);
    support_context_end(context);
}
END_TEST

START_TEST(a_disk_that_fills_within_a_long_message_leaves_those_before_it)
{
    char *text = long_text(600000);
    thrum_context *context = support_context();
    struct rlimit before;
    sink_envelope envelope;
    sink_dump dump;
    sink_line line;
    dumped file;

    signal(SIGXFSZ, SIG_IGN);
    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(dump_message(&dump, &line, "x", 1, 1), 0);
    ck_assert_int_eq(envelope_make(&envelope, context), 0);
    ck_assert_int_eq(sink_line_begin(&line, &envelope), 0);
    ck_assert_int_eq(sink_line_add(&line, text, 600000), 0);
    disk_limit(300 * 1024, &before);
    ck_assert_int_eq(sink_line_end(&line, &envelope, &nobody, &dump), EFBIG);
    sink_envelope_fini(&envelope);
    setrlimit(RLIMIT_FSIZE, &before);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), EFBIG);
    dumped_read(&file);
    ck_assert_ptr_eq(strchr(file.text, '\n') + 1, file.text + file.size);
    dumped_fini(&file);
    free(text);
    support_context_end(context);
}
END_TEST

START_TEST(a_device_without_room_is_an_error_when_it_is_closed)
{
    thrum_context *context = support_context();
    sink_dump dump;
    sink_line line;

    ck_assert_int_eq(sink_dump_open(&dump, context, "/dev/full"), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(dump_message(&dump, &line, "x", 1, 1), 0);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), ENOSPC);
    support_context_end(context);
}
END_TEST

/* What was taken is in the file, whatever failed before or after it. */
static void scenario_dump(void)
{
    thrum_context *context = support_context();
    int taken = 0, lines = 0;
    sink_dump dump;
    sink_line line;
    dumped file;

    if (context == NULL)
        return;
    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    for (int i = 0; i < 3; i++)
        taken += dump_message(&dump, &line, "Hello\r\n", 7, 2) == 0;
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    for (const char *at = file.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_int_eq(lines, taken);
    dumped_fini(&file);
    support_context_end(context);
}

START_TEST(a_dump_bears_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_dump);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("dump");

    tcase_set_timeout(one, 0);
    tcase_add_loop_test(one, a_message_is_one_line_of_json, 0,
                        sizeof tellings / sizeof *tellings);
    tcase_add_test(one, every_byte_comes_back_from_the_escapes);
    tcase_add_test(one, a_long_message_goes_through_a_file_and_comes_out_whole);
    tcase_add_test(one, lines_that_are_made_at_the_same_time_do_not_mix);
    tcase_add_test(one, a_line_begun_anew_forgets_what_was_in_it);
    tcase_add_test(one, a_dump_that_cannot_be_made_says_why);
    tcase_add_test(one,
                   a_full_disk_leaves_whole_lines_and_is_never_tried_again);
    tcase_add_test(
        one, a_disk_that_fills_within_a_long_message_leaves_those_before_it);
    tcase_add_test(one, a_device_without_room_is_an_error_when_it_is_closed);
    tcase_add_test(one, a_dump_bears_the_failure_of_every_allocation);
    return support_main("sink dump", &one, 1);
}
