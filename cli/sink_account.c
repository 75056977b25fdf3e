/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sink_account.h"

static thrum_bytes account_bytes(const void *data, size_t size)
{
    return (thrum_bytes){data, size};
}

/* RFC 5802 section 3: StoredKey and ServerKey. */
static void account_make_keys(const sink_account *account, sink_hash hash,
                              sink_keys *keys)
{
    size_t size = sink_digest_size(hash);
    unsigned char salted[SINK_DIGEST_MAX], client[SINK_DIGEST_MAX];

    sink_hi(hash, account->password,
            account_bytes(account->salt, account->salt_size), SINK_ITERATIONS,
            salted);
    sink_hmac(hash, account_bytes(salted, size),
              account_bytes("Client Key", 10), client);
    sink_digest(hash, account_bytes(client, size), keys->stored);
    sink_hmac(hash, account_bytes(salted, size),
              account_bytes("Server Key", 10), keys->server);
    explicit_bzero(salted, sizeof salted);
    explicit_bzero(client, sizeof client);
}

void sink_account_set(sink_account *account, thrum_bytes user,
                      thrum_bytes password, thrum_bytes salt)
{
    account->user = user;
    memmove(account->secret, password.data, password.size);
    account->password = account_bytes(account->secret, password.size);
    memcpy(account->salt, salt.data, salt.size);
    account->salt_size = salt.size;
    account_make_keys(account, SINK_SHA1, &account->sha1);
    account_make_keys(account, SINK_SHA256, &account->sha256);
}

/* Up to `room` bytes of a file; -1: errno says why. */
static ssize_t account_read_all(int fd, char *data, size_t room)
{
    size_t size = 0;
    ssize_t count = 1;

    while (size < room && count != 0) {
        count = read(fd, data + size, room - size);
        if (count < 0 && errno != EINTR)
            return -1;
        if (count > 0)
            size += (size_t)count;
    }
    return (ssize_t)size;
}

/* The file is judged by what was opened, not by its name. */
static sink_account_error account_open(const char *path, int *fd)
{
    struct stat status;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd == -1 || fstat(*fd, &status) != 0)
        return SINK_ACCOUNT_MISSING;
    if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return SINK_ACCOUNT_MISSING;
    }
    if ((status.st_mode & 077) != 0 ||
        (status.st_uid != geteuid() && status.st_uid != 0))
        return SINK_ACCOUNT_OPEN;
    return SINK_ACCOUNT_GOOD;
}

static size_t account_without_line_end(const char *data, size_t size)
{
    if (size > 0 && data[size - 1] == '\n')
        size--;
    if (size > 0 && data[size - 1] == '\r')
        size--;
    return size;
}

static bool account_is_one_line(const char *data, size_t size)
{
    return size > 0 && memchr(data, '\n', size) == NULL &&
           memchr(data, '\r', size) == NULL && memchr(data, '\0', size) == NULL;
}

sink_account_error sink_account_read(sink_account *account, thrum_bytes user,
                                     const char *path)
{
    char salt[16];
    ssize_t count = -1;
    size_t size;
    int fd;
    sink_account_error error = account_open(path, &fd);

    if (error == SINK_ACCOUNT_GOOD)
        count = account_read_all(fd, account->secret, sizeof account->secret);
    if (fd != -1)
        close(fd);
    if (error != SINK_ACCOUNT_GOOD)
        return error;
    if (count < 0)
        return SINK_ACCOUNT_MISSING;
    size = account_without_line_end(account->secret, (size_t)count);
    if ((size_t)count == sizeof account->secret ||
        !account_is_one_line(account->secret, size))
        return SINK_ACCOUNT_BAD;
    sink_random(salt, sizeof salt);
    sink_account_set(account, user, account_bytes(account->secret, size),
                     account_bytes(salt, sizeof salt));
    return SINK_ACCOUNT_GOOD;
}

void sink_account_fini(sink_account *account)
{
    explicit_bzero(account, sizeof *account);
}
