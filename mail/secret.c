/* SPDX-License-Identifier: MIT */
/*
 * A secret has pages of its own, behind the context's allocator, so that what
 * is said of them to the system concerns nothing else: they are locked where
 * the limit allows it (a secret that may be swapped out is better than none),
 * left out of core dumps, and wiped before they go back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thrum/address.h>

#include "mail/secret_internal.h"

struct thrum_secret {
    thrum_context *context;
    size_t holders;
    size_t size;
    size_t mapped;
    char *bytes;
};

/* ---- Memory ---- */

static char *secret_map(size_t size)
{
    char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (bytes == MAP_FAILED)
        return NULL;
    (void)madvise(bytes, size, MADV_DONTDUMP);
    (void)mlock(bytes, size);
    return bytes;
}

thrum_secret *thrum__secret_room(thrum_context *context, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    thrum_secret *secret = thrum_context_allocate(context, sizeof *secret);

    if (secret == NULL)
        return NULL;
    secret->holders = 1;
    secret->size = size;
    secret->mapped = (size + 1 + page - 1) / page * page;
    secret->bytes = secret_map(secret->mapped);
    if (secret->bytes == NULL) {
        thrum_context_release(context, secret);
        return NULL;
    }
    secret->context = thrum_context_ref(context);
    return secret;
}

char *thrum__secret_fill(thrum_secret *secret)
{
    return secret->bytes;
}

thrum_secret *thrum_secret_ref(thrum_secret *secret)
{
    secret->holders++;
    return secret;
}

void thrum_secret_unref(void *secret)
{
    thrum_secret *self = secret;
    thrum_context *context;

    if (self == NULL || --self->holders > 0)
        return;
    explicit_bzero(self->bytes, self->mapped);
    munmap(self->bytes, self->mapped);
    context = self->context;
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

thrum_bytes thrum_secret_bytes(const thrum_secret *secret)
{
    return (thrum_bytes){secret->bytes, secret->size};
}

/* ---- What may be a secret ---- */

static const char *secret_check(const char *bytes, size_t size)
{
    if (size == 0)
        return "is empty";
    if (size > THRUM_SECRET_MAX)
        return "is too long to be a secret";
    for (size_t i = 0; i < size; i++)
        if (bytes[i] == '\0' || bytes[i] == '\r' || bytes[i] == '\n')
            return "has a NUL or the end of a line within";
    return NULL;
}

const char *thrum__secret_settle(thrum_secret *secret, size_t size)
{
    const char *bytes = secret->bytes;

    if (size > 0 && bytes[size - 1] == '\n') {
        size--;
        if (size > 0 && bytes[size - 1] == '\r')
            size--;
    }
    explicit_bzero(secret->bytes + size, secret->mapped - size);
    secret->size = size;
    return secret_check(bytes, size);
}

thrum_failure *thrum__secret_failure(thrum_context *context, const char *name,
                                     const char *wrong)
{
    return thrum_failure_new(context, &thrum_domain_mail, THRUM_MAIL_E_SECRET,
                             "%s %s", name, wrong);
}

static void secret_say(thrum_failure **why, thrum_failure *failure)
{
    if (why != NULL)
        *why = failure;
    else
        thrum_failure_unref(failure);
}

/* ---- Where it comes from ---- */

static thrum_secret *secret_copy(thrum_context *context, const char *name,
                                 thrum_bytes from, thrum_failure **why)
{
    const char *wrong = secret_check(from.data, from.size);
    thrum_secret *secret;

    if (wrong != NULL) {
        secret_say(why, thrum__secret_failure(context, name, wrong));
        return NULL;
    }
    secret = thrum__secret_room(context, from.size);
    if (secret == NULL)
        secret_say(why, thrum_failure_no_memory());
    else
        memcpy(secret->bytes, from.data, from.size);
    return secret;
}

thrum_secret *thrum_secret_new(thrum_context *context, const char *bytes,
                               size_t size, thrum_failure **why)
{
    return secret_copy(context, "the secret", (thrum_bytes){bytes, size}, why);
}

thrum_secret *thrum_secret_from_variable(thrum_context *context,
                                         const char *name, thrum_failure **why)
{
    const char *value = getenv(name);

    if (value == NULL) {
        secret_say(why, thrum__secret_failure(context, name, "is not set"));
        return NULL;
    }
    return secret_copy(context, name, (thrum_bytes){value, strlen(value)}, why);
}

/* A failure of a file: `error` is what lies beneath it; 0: nothing. */
static thrum_failure *secret_of_file(thrum_context *context, const char *path,
                                     const char *wrong, int error)
{
    thrum_failure *failure = thrum__secret_failure(context, path, wrong);

    if (error != 0)
        thrum_failure_because(
            failure,
            thrum_failure_new(context, &thrum_domain_system, error, NULL));
    return failure;
}

/* Whether the file is one that only its owner can have written and read: asked
 * of what was opened, so nobody can change it in between. */
static thrum_failure *secret_judge(thrum_context *context, const char *path,
                                   int file)
{
    struct stat facts;

    if (fstat(file, &facts) != 0)
        return secret_of_file(context, path, "cannot be read", errno);
    if (!S_ISREG(facts.st_mode))
        return secret_of_file(context, path, "is no plain file", 0);
    if (facts.st_uid != geteuid() && facts.st_uid != 0)
        return secret_of_file(context, path, "is somebody else's file", EPERM);
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return secret_of_file(context, path,
                              "may be used by others than its owner "
                              "(its mode should be 0600)",
                              EPERM);
    return NULL;
}

static thrum_failure *secret_read(thrum_secret *secret, const char *path,
                                  int file)
{
    thrum_context *context = secret->context;
    size_t size = 0;
    const char *wrong;
    ssize_t got = 1;

    while (got > 0 && size < THRUM__SECRET_READ) {
        got = read(file, secret->bytes + size, THRUM__SECRET_READ - size);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            return secret_of_file(context, path, "cannot be read", errno);
        else
            size += (size_t)got;
    }
    wrong = thrum__secret_settle(secret, size);
    return wrong != NULL ? thrum__secret_failure(context, path, wrong) : NULL;
}

/* Links are followed: the secrets that an orchestrator mounts are links, and
 * what they lead to is judged. A FIFO is opened without waiting for its
 * writer. */
thrum_secret *thrum_secret_from_file(thrum_context *context, const char *path,
                                     thrum_failure **why)
{
    thrum_secret *secret = thrum__secret_room(context, THRUM__SECRET_READ);
    thrum_failure *failure;
    int file;

    if (secret == NULL) {
        secret_say(why, thrum_failure_no_memory());
        return NULL;
    }
    file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) {
        failure = secret_of_file(context, path, "cannot be read", errno);
    } else {
        failure = secret_judge(context, path, file);
        if (failure == NULL)
            failure = secret_read(secret, path, file);
        close(file);
    }
    if (failure == NULL)
        return secret;
    thrum_secret_unref(secret);
    secret_say(why, failure);
    return NULL;
}
