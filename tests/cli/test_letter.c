/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/letter.h"
#include "tests/support/support.h"

/* A file in memory, and a path by which it can be opened. */
typedef struct paper {
    int fd;
    char path[64];
} paper;

static paper paper_with(const char *text, size_t size)
{
    paper self = {.fd = memfd_create("letter", MFD_CLOEXEC)};

    ck_assert_int_eq(write(self.fd, text, size), (ssize_t)size);
    snprintf(self.path, sizeof self.path, "/proc/self/fd/%d", self.fd);
    return self;
}

/* What is said goes to a file, and is kept here. */
static char said[4096];

static int read_quietly(const bulk_options *options, thrum_context *context,
                        thrum_message **letter)
{
    FILE *file = tmpfile();
    int kept = dup(2), status;
    size_t size;

    fflush(stderr);
    dup2(fileno(file), 2);
    status = cli_letter_read(options, context, letter);
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
    rewind(file);
    size = fread(said, 1, sizeof said - 1, file);
    said[size] = '\0';
    fclose(file);
    return status;
}

/* Reads a letter that is wrong: with which status, and beginning how. */
static void is_wrong(const bulk_options *options, int status, const char *words)
{
    thrum_context *context = support_context();
    thrum_message *letter = NULL;

    ck_assert_int_eq(read_quietly(options, context, &letter), status);
    ck_assert_ptr_null(letter);
    ck_assert_msg(strstr(said, words) != NULL, "%s: %s", words, said);
    support_context_end(context);
}

/* The message of a letter for one recipient, as it would be read from a file;
 * the caller frees it. */
static char *written(const bulk_options *options, const char *name)
{
    static const char *const columns[] = {"email", "name"};
    thrum_bytes values[] = {{"a@x.org", 7}, {name, strlen(name)}};
    thrum_context *context = support_context();
    thrum_message *letter = NULL, *message;
    thrum_template *compiled = NULL;
    thrum_buffer out;
    char *text;

    ck_assert_int_eq(read_quietly(options, context, &letter), CLI_EXIT_OK);
    ck_assert_str_eq(said, "");
    ck_assert_int_eq(cli_letter_compile(context, letter, columns, 2, &compiled),
                     CLI_EXIT_OK);
    message = thrum_template_fill(compiled, values[0], values);
    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    text = strndup(out.data, out.size);
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(compiled);
    thrum_message_free(letter);
    support_context_end(context);
    return text;
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no %s in %s", part, text);
}

START_TEST(options_and_files_make_a_message)
{
    paper text = paper_with("\xef\xbb\xbf"
                            "Dear {{name}},\nhello\n",
                            24);
    paper html = paper_with("<p>{{name}}</p>\n", 16);
    bulk_options options = {
        .from = "News <news@x.org>",
        .subject = "For {{name}}",
        .reply_to = "r@x.org",
        .text = text.path,
        .html = html.path,
        .headers = {{"X-One: 1", "X-Two:\t {{name}}"}, 2},
    };
    char *message = written(&options, "Ann");

    has(message, "From: News <news@x.org>\r\n");
    has(message, "To: a@x.org\r\n");
    has(message, "Subject: For Ann\r\n");
    has(message, "Reply-To: r@x.org\r\n");
    has(message, "X-One: 1\r\n");
    has(message, "X-Two: Ann\r\n");
    has(message, "\r\n\r\nDear =\r\nAnn");
    has(message, "multipart/alternative");
    ck_assert_ptr_null(strstr(message, "\xef\xbb\xbf"));
    free(message);
    close(text.fd);
    close(html.fd);
}
END_TEST

START_TEST(a_header_that_is_none_is_named)
{
    static const struct {
        const char *header, *words;
    } cases[] = {
        {"no colon", "--header 'no colon': not of the form 'Name: value'"},
        {": nothing before it", "not of the form"},
        {"", "not of the form"},
        {"X A: blank", "--header 'X A': "},
        {"X-A: b\nBcc: c@x.org", "--header 'X-A': "},
        {"X\x1b[2J: b", "--header 'X\\x1b[2J': "},
        {"From: me@x.org", "--header 'From': "},
        {"content-type: text/html", "--header 'content-type': "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bulk_options options = {.from = "a@x.org",
                                .subject = "s",
                                .headers = {{cases[i].header}, 1}};

        is_wrong(&options, CLI_EXIT_DATA, cases[i].words);
    }
}
END_TEST

START_TEST(an_address_that_is_none_is_named_by_its_option)
{
    bulk_options from = {.from = "nobody", .subject = "s"};
    bulk_options bounces = {
        .from = "a@x.org", .subject = "s", .envelope_from = "b c@x.org"};
    bulk_options answers = {
        .from = "a@x.org", .subject = "s", .reply_to = "r@x.org\r\nBcc: b@x"};
    bulk_options subject = {.from = "a@x.org", .subject = "s\r\nBcc: b@x"};

    is_wrong(&from, CLI_EXIT_DATA, "thrum bulk: --from: ");
    is_wrong(&bounces, CLI_EXIT_DATA, "thrum bulk: --envelope-from: ");
    is_wrong(&answers, CLI_EXIT_DATA, "thrum bulk: --reply-to: ");
    is_wrong(&subject, CLI_EXIT_DATA, "thrum bulk: --subject: ");
}
END_TEST

START_TEST(a_file_that_is_no_text_is_named)
{
    static const struct {
        const char *text;
        size_t size;
        const char *words;
    } cases[] = {
        {"\xff\xfeH\0i\0", 6, ": it is UTF-16: save it as UTF-8"},
        {"\xfe\xff\0H\0i", 6, ": it is UTF-16: save it as UTF-8"},
        {"J\xf6rg", 4, ": "},
        {"a\0b", 3, ": "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        paper file = paper_with(cases[i].text, cases[i].size);
        bulk_options options = {
            .from = "a@x.org", .subject = "s", .html = file.path};

        is_wrong(&options, CLI_EXIT_DATA, file.path);
        is_wrong(&options, CLI_EXIT_DATA, cases[i].words);
        close(file.fd);
    }
}
END_TEST

START_TEST(a_letter_has_a_cap)
{
    char *text = calloc(1, CLI_LETTER_MOST + 1);
    paper file;
    bulk_options options = {.from = "a@x.org", .subject = "s"};

    memset(text, 'x', CLI_LETTER_MOST + 1);
    file = paper_with(text, CLI_LETTER_MOST + 1);
    options.text = file.path;
    is_wrong(&options, CLI_EXIT_DATA, "longer than 8 MiB");
    close(file.fd);
    free(text);
}
END_TEST

START_TEST(a_file_that_is_missing_is_named)
{
    bulk_options text = {.from = "a@x.org", .subject = "s", .text = "/no/t"};
    bulk_options both = {.from = "a@x.org", .subject = "s", .letter = "/no/l"};

    is_wrong(&text, CLI_EXIT_NOINPUT, "/no/t: No such file or directory");
    is_wrong(&both, CLI_EXIT_NOINPUT, "/no/l.txt: No such file or directory");
}
END_TEST

/* A folder with the files of a letter; `name` gets the letter's name. */
static void letter_files(char *name, size_t room, const char *text,
                         const char *html)
{
    char folder[] = "/tmp/thrum-letter-XXXXXX", path[128];
    const char *const parts[] = {text, html}, *const ends[] = {"txt", "html"};

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(name, room, "%s/l", folder);
    for (int i = 0; i < 2; i++) {
        FILE *file;

        if (parts[i] == NULL)
            continue;
        snprintf(path, sizeof path, "%s.%s", name, ends[i]);
        file = fopen(path, "w");
        fputs(parts[i], file);
        fclose(file);
    }
}

static void letter_files_end(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s.txt", name);
    unlink(path);
    snprintf(path, sizeof path, "%s.html", name);
    unlink(path);
    snprintf(path, sizeof path, "%.*s", (int)strlen(name) - 2, name);
    ck_assert_int_eq(rmdir(path), 0);
}

START_TEST(a_letter_by_name_has_the_parts_that_are_there)
{
    static const struct {
        const char *text, *html, *part;
    } cases[] = {
        {"t\n", NULL, "text/plain"},
        {NULL, "<p>h</p>\n", "text/html"},
        {"t\n", "<p>h</p>\n", "multipart/alternative"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64], *message;
        bulk_options options = {
            .from = "a@x.org", .subject = "s", .letter = name};

        letter_files(name, sizeof name, cases[i].text, cases[i].html);
        message = written(&options, "Ann");
        has(message, cases[i].part);
        free(message);
        letter_files_end(name);
    }
}
END_TEST

int main(void)
{
    TCase *letter = tcase_create("letter");

    tcase_add_test(letter, options_and_files_make_a_message);
    tcase_add_test(letter, a_header_that_is_none_is_named);
    tcase_add_test(letter, an_address_that_is_none_is_named_by_its_option);
    tcase_add_test(letter, a_file_that_is_no_text_is_named);
    tcase_add_test(letter, a_letter_has_a_cap);
    tcase_add_test(letter, a_file_that_is_missing_is_named);
    tcase_add_test(letter, a_letter_by_name_has_the_parts_that_are_there);
    return support_main("letter", &letter, 1);
}
