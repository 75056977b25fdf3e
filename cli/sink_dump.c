/* SPDX-License-Identifier: MIT */
/*
 * Lines are collected and written together. When the disk is full the dump is
 * cut back to its last whole line.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sink_dump.h"

enum {
    PENDING_KEPT = 64 * 1024,
    PENDING_MOST = 1024 * 1024 /* with one more line in memory */
};

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
    thrum_buffer_init(&dump->pending, context, PENDING_MOST);
    return 0;
}

int sink_write_all(int fd, const char *data, size_t size, size_t *written)
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
    dump->error = sink_write_all(dump->fd, data, size, &written);
    if (dump->error == 0)
        dump->whole += size;
    else
        dump_cut_back(dump, data, written);
    return dump->error;
}

int sink_dump_add(sink_dump *dump, thrum_bytes line)
{
    if (thrum_buffer_append(&dump->pending, line.data, line.size) != 0)
        return ENOMEM;
    return dump->pending.size < PENDING_KEPT ? dump->error
                                             : sink_dump_flush(dump);
}

/* Copies a file to the dump; its line is not whole yet then. */
static int dump_copy(sink_dump *dump, int from, uint64_t *copied)
{
    char piece[16 * 1024];
    size_t written;
    ssize_t count;
    int error = 0;

    while (error == 0) {
        count = pread(from, piece, sizeof piece, (off_t)*copied);
        if (count <= 0)
            return count < 0 ? errno : 0;
        error = sink_write_all(dump->fd, piece, (size_t)count, &written);
        *copied += (uint64_t)count;
    }
    return error;
}

int sink_dump_add_file(sink_dump *dump, int from, thrum_bytes rest)
{
    uint64_t copied = 0;
    size_t written;

    if (sink_dump_flush(dump) != 0)
        return dump->error;
    dump->error = dump_copy(dump, from, &copied);
    if (dump->error == 0)
        dump->error = sink_write_all(dump->fd, rest.data, rest.size, &written);
    if (dump->error == 0)
        dump->whole += copied + rest.size;
    else
        dump_cut_back(dump, NULL, 0);
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
