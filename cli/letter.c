/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/letter.h"
#include "cli/say.h"

typedef int letter_set_fn(thrum_message *message, const char *text,
                          size_t size);

/* The setter of `where` answered `code`: says why. */
static int letter_wrong(const thrum_message *letter, int code,
                        const char *where)
{
    if (code == 0)
        return CLI_EXIT_OK;
    cli_say("thrum bulk: %s: %s", where,
            thrum_failure_text(thrum_message_failure(letter)));
    return code == THRUM_E_NOMEM ? CLI_EXIT_SOFTWARE : CLI_EXIT_DATA;
}

/* Reads at most `most` bytes and one; answers how many, or -1. */
static ssize_t letter_read_all(int fd, char *data, size_t most)
{
    size_t size = 0;

    while (size <= most) {
        ssize_t part = read(fd, data + size, most + 1 - size);

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -1;
        if (part == 0)
            break;
        size += (size_t)part;
    }
    return (ssize_t)size;
}

static int letter_take(thrum_message *letter, letter_set_fn *set,
                       const char *path, const char *data, size_t size)
{
    if (size > CLI_LETTER_MOST) {
        cli_say("thrum bulk: %s: longer than %d MiB", path,
                CLI_LETTER_MOST / 1024 / 1024);
        return CLI_EXIT_DATA;
    }
    if (size >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 ||
                      memcmp(data, "\xfe\xff", 2) == 0)) {
        cli_say("thrum bulk: %s: it is UTF-16: save it as UTF-8", path);
        return CLI_EXIT_DATA;
    }
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    return letter_wrong(letter, set(letter, data, size), path);
}

static int letter_no_file(const char *path, int error)
{
    cli_say("thrum bulk: %s: %s", path, strerror(error));
    return CLI_EXIT_NOINPUT;
}

static int letter_load(thrum_message *letter, letter_set_fn *set,
                       const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), status;
    char *data = NULL;
    ssize_t size;

    if (fd < 0)
        return letter_no_file(path, errno);
    data = malloc(CLI_LETTER_MOST + 1);
    size = data == NULL ? -1 : letter_read_all(fd, data, CLI_LETTER_MOST);
    status = size < 0 ? letter_no_file(path, errno)
                      : letter_take(letter, set, path, data, (size_t)size);
    free(data);
    close(fd);
    return status;
}

/* NAME.txt and NAME.html: one of them may be missing. */
static int letter_load_both(thrum_message *letter, const char *name)
{
    char text[4096], html[4096];
    int status = CLI_EXIT_OK, found;

    if ((size_t)snprintf(text, sizeof text, "%s.txt", name) >= sizeof text ||
        (size_t)snprintf(html, sizeof html, "%s.html", name) >= sizeof html)
        return letter_no_file(name, ENAMETOOLONG);
    found = access(html, F_OK) == 0;
    if (!found || access(text, F_OK) == 0)
        status = letter_load(letter, thrum_message_set_text, text);
    if (found && status == CLI_EXIT_OK)
        status = letter_load(letter, thrum_message_set_html, html);
    return status;
}

static int letter_load_parts(thrum_message *letter, const bulk_options *options)
{
    int status = CLI_EXIT_OK;

    if (options->letter != NULL)
        return letter_load_both(letter, options->letter);
    if (options->text != NULL)
        status = letter_load(letter, thrum_message_set_text, options->text);
    if (options->html != NULL && status == CLI_EXIT_OK)
        status = letter_load(letter, thrum_message_set_html, options->html);
    return status;
}

/* 'Name: value'. */
static int letter_add_header(thrum_message *letter, const char *header)
{
    const char *colon = strchr(header, ':');
    char name[1000], where[1100];
    size_t size = colon == NULL ? 0 : (size_t)(colon - header);

    if (size == 0 || size >= sizeof name) {
        cli_say("thrum bulk: --header '%s': not of the form 'Name: value'",
                header);
        return CLI_EXIT_DATA;
    }
    memcpy(name, header, size);
    name[size] = '\0';
    colon++;
    colon += strspn(colon, " \t");
    snprintf(where, sizeof where, "--header '%s'", name);
    return letter_wrong(letter, thrum_message_add_header(letter, name, colon),
                        where);
}

typedef int letter_text_fn(thrum_message *message, const char *text);

static int letter_set(thrum_message *letter, letter_text_fn *set,
                      const char *text, const char *where)
{
    return text == NULL ? CLI_EXIT_OK
                        : letter_wrong(letter, set(letter, text), where);
}

static int letter_fill(thrum_message *letter, const bulk_options *options)
{
    int status =
        letter_set(letter, thrum_message_set_from, options->from, "--from");

    if (status == CLI_EXIT_OK)
        status = letter_set(letter, thrum_message_set_envelope_from,
                            options->envelope_from, "--envelope-from");
    if (status == CLI_EXIT_OK)
        status = letter_set(letter, thrum_message_set_reply_to,
                            options->reply_to, "--reply-to");
    if (status == CLI_EXIT_OK)
        status = letter_set(letter, thrum_message_set_subject, options->subject,
                            "--subject");
    for (size_t i = 0; status == CLI_EXIT_OK && i < options->headers.count; i++)
        status = letter_add_header(letter, options->headers.text[i]);
    return status == CLI_EXIT_OK ? letter_load_parts(letter, options) : status;
}

int cli_letter_read(const bulk_options *options, thrum_context *context,
                    thrum_message **letter)
{
    thrum_message *made = thrum_message_new(context);
    int status = letter_fill(made, options);

    if (status == CLI_EXIT_OK)
        *letter = made;
    else
        thrum_message_free(made);
    return status;
}

int cli_letter_compile(thrum_context *context, const thrum_message *letter,
                       const char *const *columns, size_t count,
                       thrum_template **compiled)
{
    thrum_failure *why = NULL;

    *compiled = thrum_template_new(context, letter, columns, count, &why);
    if (*compiled != NULL)
        return CLI_EXIT_OK;
    cli_say("thrum bulk: %s", thrum_failure_text(why));
    thrum_failure_unref(why);
    return CLI_EXIT_DATA;
}
