/* SPDX-License-Identifier: MIT */
/*
 * A line is kept in memory until it is LINE_KEPT long; what is longer goes to a
 * temporary file of its own, and from there to the dump when the message is
 * whole: nobody who stalls in the middle of a long message holds up the others.
 * When the disk is full the dump is cut back to its last whole line.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sink_dump.h"

enum {
    LINE_KEPT = 256 * 1024, /* in memory, for each connection */
    PENDING_KEPT = 64 * 1024,
    ESCAPE_SIZE = 6, /* \u00ff */
    ESCAPE_AT_A_TIME = 8192
};

/* ---- The file ---- */

int sink_dump_open(sink_dump *dump, thrum_context *context, const char *path)
{
    struct stat status;

    memset(dump, 0, sizeof *dump);
    dump->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (dump->fd == -1)
        return errno;
    /* One that was there may have been open to all: it holds mail now. */
    if (fstat(dump->fd, &status) == 0 && S_ISREG(status.st_mode) &&
        fchmod(dump->fd, 0600) != 0) {
        int error = errno;

        close(dump->fd);
        return error;
    }
    thrum_buffer_init(&dump->pending, context, PENDING_KEPT + LINE_KEPT * 2);
    return 0;
}

/* Writes all of it. `*written` counts what the file got, also on error. */
static int dump_write_all(int fd, const char *data, size_t size,
                          size_t *written)
{
    *written = 0;
    while (*written < size) {
        ssize_t count = write(fd, data + *written, size - *written);

        if (count < 0 && errno != EINTR)
            return errno;
        if (count > 0)
            *written += (size_t)count;
    }
    return 0;
}

/* `data` got into the file up to `written`: cuts the file after the last whole
 * line. What cannot be cut (a pipe) stays as it is. */
static void dump_cut_back(sink_dump *dump, const char *data, size_t written)
{
    const char *last = written > 0 ? memrchr(data, '\n', written) : NULL;

    if (last != NULL)
        dump->whole += (uint64_t)(last - data) + 1;
    if (ftruncate(dump->fd, (off_t)dump->whole) != 0)
        return;
}

static int dump_write_lines(sink_dump *dump, const char *data, size_t size)
{
    size_t written;

    if (dump->error != 0)
        return dump->error;
    dump->error = dump_write_all(dump->fd, data, size, &written);
    if (dump->error == 0)
        dump->whole += size;
    else
        dump_cut_back(dump, data, written);
    return dump->error;
}

int sink_dump_flush(sink_dump *dump)
{
    int error = dump_write_lines(dump, dump->pending.data, dump->pending.size);

    thrum_buffer_clear(&dump->pending);
    return error;
}

int sink_dump_close(sink_dump *dump)
{
    int error = sink_dump_flush(dump);

    if (close(dump->fd) != 0 && error == 0)
        error = errno;
    dump->fd = -1;
    thrum_buffer_fini(&dump->pending);
    return error;
}

/* ---- A line ---- */

void sink_line_init(sink_line *line, thrum_context *context)
{
    thrum_buffer_init(&line->text, context, LINE_KEPT * 2);
    line->spilled = NULL;
}

void sink_line_fini(sink_line *line)
{
    thrum_buffer_fini(&line->text);
    if (line->spilled != NULL)
        fclose(line->spilled);
    line->spilled = NULL;
}

/* Moves what is in memory to the line's temporary file. */
static int line_spill(sink_line *line)
{
    size_t written;
    int error;

    if (line->spilled == NULL)
        line->spilled = tmpfile();
    if (line->spilled == NULL)
        return errno;
    error = dump_write_all(fileno(line->spilled), line->text.data,
                           line->text.size, &written);
    thrum_buffer_clear(&line->text);
    return error;
}

static int line_append(sink_line *line, const char *text, size_t size)
{
    return thrum_buffer_append(&line->text, text, size) == 0 ? 0 : ENOMEM;
}

/* One byte as the code point of the same number (latin-1), in JSON (RFC 8259
 * section 7). Returns the end of what was written. */
static char *line_escape(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *names = "\"\"\\\\\nn\rr\tt";

    *to++ = '\\';
    for (const char *name = names; *name != '\0'; name += 2)
        if ((unsigned char)name[0] == byte) {
            *to++ = name[1];
            return to;
        }
    memcpy(to, "u00", 3);
    to[3] = digits[byte >> 4];
    to[4] = digits[byte & 15];
    return to + 5;
}

/* How many of the bytes need no escape. */
static size_t line_plain(const char *data, size_t size)
{
    static const bool plain[256] = {
        [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};
    size_t i = 0;

    while (i < size && plain[(unsigned char)data[i]])
        i++;
    return i;
}

static int line_append_escaped(sink_line *line, const char *data, size_t size)
{
    char *room = thrum_buffer_reserve(&line->text, size * ESCAPE_SIZE);
    const char *end = data + size;
    char *to = room;

    if (room == NULL)
        return ENOMEM;
    while (data < end) {
        size_t plain = line_plain(data, (size_t)(end - data));

        memcpy(to, data, plain);
        to += plain;
        data += plain;
        if (data < end)
            to = line_escape(to, (unsigned char)*data++);
    }
    thrum_buffer_commit(&line->text, (size_t)(to - room));
    return 0;
}

int sink_line_add(sink_line *line, const char *data, size_t size)
{
    int error = 0;

    while (size > 0 && error == 0) {
        size_t now = size < ESCAPE_AT_A_TIME ? size : ESCAPE_AT_A_TIME;

        error = line_append_escaped(line, data, now);
        if (error == 0 && line->text.size >= LINE_KEPT)
            error = line_spill(line);
        data += now;
        size -= now;
    }
    return error;
}

static int line_append_recipients(sink_line *line, thrum_bytes recipients)
{
    const char *at = recipients.data, *end = at + recipients.size;
    int error = 0;

    for (; at < end && error == 0; at += strlen(at) + 1) {
        error = at == recipients.data ? line_append(line, "\"", 1)
                                      : line_append(line, ",\"", 2);
        if (error == 0)
            error = sink_line_add(line, at, strlen(at));
        if (error == 0)
            error = line_append(line, "\"", 1);
    }
    return error;
}

int sink_line_begin(sink_line *line, thrum_bytes sender, thrum_bytes recipients)
{
    int error;

    thrum_buffer_clear(&line->text);
    if (line->spilled != NULL)
        fclose(line->spilled);
    line->spilled = NULL;
    error = line_append(line, "{\"from\":\"", 9);
    if (error == 0)
        error = sink_line_add(line, sender.data, sender.size);
    if (error == 0)
        error = line_append(line, "\",\"to\":[", 8);
    if (error == 0)
        error = line_append_recipients(line, recipients);
    if (error == 0)
        error = line_append(line, "],\"body\":\"", 10);
    return error;
}

/* Copies the temporary file to the dump; its line is not whole yet then. */
static int line_copy_spilled(sink_line *line, sink_dump *dump, uint64_t *copied)
{
    char piece[16 * 1024];
    size_t written;
    ssize_t count;
    int error = 0;

    while (error == 0) {
        count =
            pread(fileno(line->spilled), piece, sizeof piece, (off_t)*copied);
        if (count <= 0)
            return count < 0 ? errno : 0;
        error = dump_write_all(dump->fd, piece, (size_t)count, &written);
        *copied += (uint64_t)count;
    }
    return error;
}

static int line_end_spilled(sink_line *line, sink_dump *dump)
{
    uint64_t copied = 0;
    size_t written;

    if (sink_dump_flush(dump) != 0)
        return dump->error;
    dump->error = line_copy_spilled(line, dump, &copied);
    if (dump->error == 0)
        dump->error = dump_write_all(dump->fd, line->text.data, line->text.size,
                                     &written);
    if (dump->error == 0)
        dump->whole += copied + line->text.size;
    else
        dump_cut_back(dump, NULL, 0);
    return dump->error;
}

int sink_line_end(sink_line *line, sink_dump *dump)
{
    static const char end[] = "\",\"tls\":null,\"auth\":null}\n";

    if (line_append(line, end, sizeof end - 1) != 0)
        return ENOMEM;
    if (line->spilled != NULL)
        return line_end_spilled(line, dump);
    if (thrum_buffer_append(&dump->pending, line->text.data, line->text.size) !=
        0)
        return ENOMEM;
    return dump->pending.size < PENDING_KEPT ? dump->error
                                             : sink_dump_flush(dump);
}
