/* SPDX-License-Identifier: MIT */
/*
 * This runs before there is a loop, since nothing else can be done until the
 * list is there. The two signals are let through only while it waits for
 * input, so that none comes between a look at the flag and a read that blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/spool.h"

enum { SPOOL_BLOCK = 64 * 1024 };

typedef struct spool {
    int from, to;
    const char *folder;
    char *block;
    char *wrong;
    size_t room;
} spool;

/* The signal that came, else 0. */
static volatile sig_atomic_t spool_signal;

static void spool_note(int number)
{
    spool_signal = number;
}

static int spool_wrong(spool *self, int status, const char *what, int error)
{
    snprintf(self->wrong, self->room, "%s%s%s; nothing was sent", what,
             error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
    return -status;
}

static int spool_interrupted(spool *self)
{
    return spool_wrong(
        self, spool_signal == SIGINT ? CLI_EXIT_SIGINT : CLI_EXIT_SIGTERM,
        "interrupted while the list was being read", 0);
}

/* A file without a name; where the file system cannot make one, a file whose
 * name goes at once. */
static int spool_open(spool *self)
{
    char name[4096];
    int fd = open(self->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    if ((size_t)snprintf(name, sizeof name, "%s/thrum.XXXXXX", self->folder) >=
        sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static int spool_write(spool *self, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(self->to, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            char what[512];

            snprintf(what, sizeof what, "the list could not be kept in %s",
                     self->folder);
            return spool_wrong(self, CLI_EXIT_IO, what, errno);
        }
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

static int spool_copy(spool *self, const sigset_t *open_mask)
{
    struct pollfd input = {.fd = self->from, .events = POLLIN};

    for (;;) {
        ssize_t size = -1;
        int error;

        if (ppoll(&input, 1, NULL, open_mask) >= 0)
            size = read(self->from, self->block, SPOOL_BLOCK);
        if (spool_signal != 0)
            return spool_interrupted(self);
        if (size == 0)
            return 0;
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size < 0)
            return spool_wrong(self, CLI_EXIT_IO, "the list could not be read",
                               errno);
        error = spool_write(self, self->block, (size_t)size);
        if (error != 0)
            return error;
    }
}

/* Copies with the two signals noted instead of followed. */
static int spool_watched(spool *self)
{
    struct sigaction note = {.sa_handler = spool_note}, interrupt, terminate;
    sigset_t held, open_mask;
    int error;

    spool_signal = 0;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &open_mask);
    sigaction(SIGINT, &note, &interrupt);
    sigaction(SIGTERM, &note, &terminate);
    error = spool_copy(self, &open_mask);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &terminate, NULL);
    sigprocmask(SIG_SETMASK, &open_mask, NULL);
    return error;
}

int cli_spool(int from, char *wrong, size_t room)
{
    const char *folder = getenv("TMPDIR");
    spool self = {.from = from, .wrong = wrong, .room = room};
    int error;

    self.folder = folder != NULL && folder[0] != '\0' ? folder : "/var/tmp";
    self.to = spool_open(&self);
    if (self.to < 0) {
        char what[512];

        snprintf(what, sizeof what, "a file in %s could not be made",
                 self.folder);
        return spool_wrong(&self, CLI_EXIT_CANTCREAT, what, errno);
    }
    self.block = malloc(SPOOL_BLOCK);
    error = self.block == NULL
                ? spool_wrong(&self, CLI_EXIT_SOFTWARE, "out of memory", 0)
                : spool_watched(&self);
    free(self.block);
    if (error == 0)
        return self.to;
    close(self.to);
    return error;
}
