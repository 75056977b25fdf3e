/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sink_dump.h"
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

static const thrum_bytes nobody = {"", 0};
static const thrum_bytes bob = {"bob@y", 6};

/* One message, its text in pieces of `piece` bytes. */
static int dump_message(sink_dump *dump, sink_line *line, const char *text,
                        size_t size, size_t piece)
{
    int error = sink_line_begin(line, nobody, bob);

    for (size_t at = 0; at < size && error == 0; at += piece)
        error = sink_line_add(line, text + at,
                              size - at < piece ? size - at : piece);
    return error != 0 ? error : sink_line_end(line, dump);
}

START_TEST(a_message_is_one_line_of_json)
{
    static const thrum_bytes ann = {"\"a b\"@x", 7};
    static const thrum_bytes two = {"bob@y\0eve@z", 12};
    static const char wanted[] =
        "{\"from\":\"\\\"a b\\\"@x\",\"to\":[\"bob@y\",\"eve@z\"],"
        "\"body\":\"Hello\\r\\n\",\"tls\":null,\"auth\":null}\n";
    thrum_context *context = support_context();
    sink_dump dump;
    sink_line line;
    dumped file;

    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(sink_line_begin(&line, ann, two), 0);
    ck_assert_int_eq(sink_line_add(&line, "Hello\r\n", 7), 0);
    ck_assert_int_eq(sink_line_end(&line, &dump), 0);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    ck_assert_str_eq(file.text, wanted);
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
    sink_line one, two;
    sink_dump dump;
    char *first;
    dumped file;

    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&one, context);
    sink_line_init(&two, context);
    ck_assert_int_eq(sink_line_begin(&one, nobody, bob), 0);
    ck_assert_int_eq(sink_line_begin(&two, nobody, bob), 0);
    ck_assert_int_eq(sink_line_add(&one, "on", 2), 0);
    ck_assert_int_eq(sink_line_add(&two, "two", 3), 0);
    ck_assert_int_eq(sink_line_add(&one, "e", 1), 0);
    ck_assert_int_eq(sink_line_end(&two, &dump), 0);
    ck_assert_int_eq(sink_line_end(&one, &dump), 0);
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
    sink_dump dump;
    sink_line line;
    dumped file;

    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(sink_line_begin(&line, nobody, bob), 0);
    ck_assert_int_eq(sink_line_add(&line, text, 400000), 0);
    ck_assert_int_eq(dump_message(&dump, &line, "x", 1, 1), 0);
    sink_line_fini(&line);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    dumped_read(&file);
    ck_assert_str_eq(file.text, "{\"from\":\"\",\"to\":[\"bob@y\"],"
                                "\"body\":\"x\",\"tls\":null,"
                                "\"auth\":null}\n");
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
    sink_dump dump;
    sink_line line;
    dumped file;

    signal(SIGXFSZ, SIG_IGN);
    dumped_init(&file);
    ck_assert_int_eq(sink_dump_open(&dump, context, file.path), 0);
    sink_line_init(&line, context);
    ck_assert_int_eq(dump_message(&dump, &line, "x", 1, 1), 0);
    ck_assert_int_eq(sink_line_begin(&line, nobody, bob), 0);
    ck_assert_int_eq(sink_line_add(&line, text, 600000), 0);
    disk_limit(300 * 1024, &before);
    ck_assert_int_eq(sink_line_end(&line, &dump), EFBIG);
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
    tcase_add_test(one, a_message_is_one_line_of_json);
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
