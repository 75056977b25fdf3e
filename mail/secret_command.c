/* SPDX-License-Identifier: MIT */
/*
 * A secret that a command prints. A thread starts the command and reads what it
 * prints, without a clock of its own: the end of the time is the Deferred's,
 * and comes to the thread through a descriptor, as does being cancelled. What
 * the thread writes to was made before it began.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thrum/address.h>
#include <thrum/deferred.h>
#include <thrum/thread.h>

#include "mail/secret_internal.h"

/* Held by the thread's work, by the Deferred's callbacks and by the trigger,
 * all of which let go in the loop's thread. */
typedef struct secret_command {
    thrum_context *context;
    unsigned holders;
    thrum_secret *secret;   /* to be filled; NULL: handed on */
    int stop;               /* readable: the command is to be ended */
    thrum_trigger *trigger; /* of the reactor's stop; NULL: called, or over */
    char *command;
    char **environment;
} secret_command;

static const char secret_output[] =
    "what the command for the secret has printed";

/* ---- In the thread ---- */

/* A command that runs. */
typedef struct secret_child {
    pid_t process;
    int ended;  /* its pidfd */
    int output; /* what it prints; -1: at its end */
    size_t size;
} secret_child;

static thrum_failure *secret_failed(thrum_context *context, const char *what,
                                    int error)
{
    thrum_failure *failure =
        thrum__secret_failure(context, "the command for the secret", what);

    return thrum_failure_because(
        failure, thrum_failure_new(context, &thrum_domain_system, error, NULL));
}

/* The command has its own process group, so that all that it starts can be
 * ended, all signals as a program expects them, and no standard input: the
 * terminal is the program's. */
static int secret_spawn(secret_command *self, int output, pid_t *process)
{
    char shell[] = "/bin/sh", flag[] = "-c";
    char *arguments[] = {shell, flag, self->command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int error;

    sigemptyset(&none);
    sigfillset(&all);
    error = posix_spawn_file_actions_init(&files);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&files);
        return error;
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                              POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    error = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO,
                                                 "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn(process, shell, &files, &attributes, arguments,
                            self->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static void secret_kill(const secret_child *child)
{
    kill(-child->process, SIGKILL);
}

/* Starts the command; returns an errno. */
static int secret_start(secret_command *self, secret_child *child)
{
    int pipes[2], error;

    if (pipe2(pipes, O_CLOEXEC) != 0)
        return errno;
    error = secret_spawn(self, pipes[1], &child->process);
    close(pipes[1]);
    if (error != 0) {
        close(pipes[0]);
        return error;
    }
    child->output = pipes[0];
    child->size = 0;
    fcntl(child->output, F_SETFL, O_NONBLOCK);
    child->ended = pidfd_open(child->process, 0);
    if (child->ended >= 0)
        return 0;
    error = errno;
    secret_kill(child);
    while (waitpid(child->process, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(child->output);
    return error;
}

/* Reads what there is. One that prints more than a secret can be is ended: it
 * might go on for ever. */
static void secret_take(secret_command *self, secret_child *child)
{
    char *bytes = thrum__secret_fill(self->secret);
    ssize_t got = 1;

    while (child->output >= 0 && got > 0 && child->size < THRUM__SECRET_READ) {
        got = read(child->output, bytes + child->size,
                   THRUM__SECRET_READ - child->size);
        if (got > 0) {
            child->size += (size_t)got;
        } else if (got == 0) {
            close(child->output);
            child->output = -1;
        }
    }
    if (child->size == THRUM__SECRET_READ)
        secret_kill(child);
}

/* Goes on until the shell has ended, also when something that it left behind
 * keeps the pipe open. Returns whether it was told to stop. */
static bool secret_follow(secret_command *self, secret_child *child)
{
    bool stopped = false, over = false;

    while (!over) {
        bool full = child->size == THRUM__SECRET_READ;
        struct pollfd watched[] = {
            {.fd = full ? -1 : child->output, .events = POLLIN},
            {.fd = stopped ? -1 : self->stop, .events = POLLIN},
            {.fd = child->ended, .events = POLLIN}};

        if (poll(watched, 3, -1) < 0)
            continue; /* EINTR: there is no other reason */
        if (watched[1].revents != 0) {
            stopped = true;
            secret_kill(child);
        }
        over = watched[2].revents != 0;
        secret_take(self, child);
    }
    return stopped;
}

/* How the shell ended; NULL: well. */
static thrum_failure *secret_ended(secret_command *self, pid_t process)
{
    char how[64];
    int status, got;

    do
        got = waitpid(process, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return secret_failed(self->context, "ended, nobody knows how", errno);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    if (WIFEXITED(status))
        snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
    else
        snprintf(how, sizeof how, "was ended by signal %d", WTERMSIG(status));
    return thrum__secret_failure(self->context, "the command for the secret",
                                 how);
}

static thrum_outcome secret_run(void *ctx)
{
    secret_command *self = ctx;
    thrum_secret *secret = self->secret;
    secret_child child;
    thrum_failure *why;
    const char *wrong;
    bool stopped, full;
    int error = secret_start(self, &child);

    if (error != 0)
        return thrum_fail(
            secret_failed(self->context, "could not be started", error));
    stopped = secret_follow(self, &child);
    full = child.size == THRUM__SECRET_READ;
    if (child.output >= 0)
        close(child.output);
    close(child.ended);
    why = secret_ended(self, child.process);
    if (stopped) {
        thrum_failure_unref(why);
        why = thrum__secret_failure(self->context, "the command for the secret",
                                    "was given up");
    }
    if (why != NULL && !full)
        return thrum_fail(why);
    thrum_failure_unref(why);
    wrong = thrum__secret_settle(secret, child.size);
    if (wrong != NULL)
        return thrum_fail(
            thrum__secret_failure(self->context, secret_output, wrong));
    self->secret = NULL;
    return thrum_value(secret, thrum_secret_unref);
}

/* ---- In the loop ---- */

static void secret_release(void *ctx)
{
    secret_command *self = ctx;
    thrum_context *context = self->context;

    if (--self->holders > 0)
        return;
    thrum_secret_unref(self->secret);
    if (self->stop >= 0)
        close(self->stop);
    thrum_context_release(context, self->environment);
    thrum_context_release(context, self->command);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

/* The command's environment: the program's, less what might be secrets of
 * thrum's own. One block, since threads may not read `environ` while the
 * program changes it. */
static char **secret_environment(thrum_context *context)
{
    size_t count = 1, size = 0;
    char **copy, *text;

    for (char **at = environ; at != NULL && *at != NULL; at++) {
        count++;
        size += strlen(*at) + 1;
    }
    copy = thrum_context_allocate(context, count * sizeof *copy + size);
    if (copy == NULL)
        return NULL;
    text = (char *)(copy + count);
    count = 0;
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, "THRUM_", 6) == 0)
            continue;
        size = strlen(*at) + 1;
        copy[count++] = memcpy(text, *at, size);
        text += size;
    }
    copy[count] = NULL;
    return copy;
}

/* Ownership: new, one holder. Errors: NULL, no memory; without a descriptor
 * `stop` is negative. */
static secret_command *secret_command_new(thrum_context *context,
                                          const char *command)
{
    secret_command *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (secret_command){
        .context = thrum_context_ref(context),
        .holders = 1,
        .secret = thrum__secret_room(context, THRUM__SECRET_READ),
        .stop = eventfd(0, EFD_CLOEXEC),
        .command = thrum_context_copy(context, command, strlen(command)),
        .environment = secret_environment(context)};
    if (self->secret != NULL && self->command != NULL &&
        self->environment != NULL)
        return self;
    secret_release(self);
    return NULL;
}

/* The command is told that nobody waits for it any more. (Of work that has not
 * begun there is nobody to be told.) */
static void secret_stop(secret_command *self)
{
    (void)eventfd_write(self->stop, 1);
}

/* A reactor that stops waits for its threads, so for the command. */
static thrum_outcome secret_reactor_stops(void *ctx)
{
    secret_command *self = ctx;

    self->trigger = NULL;
    secret_stop(self);
    return thrum_done();
}

static void secret_is_over(secret_command *self)
{
    thrum_trigger *trigger = self->trigger;

    self->trigger = NULL;
    thrum_trigger_free(trigger);
}

static thrum_outcome secret_came(void *secret, void *ctx)
{
    (void)secret;
    secret_is_over(ctx);
    return thrum_keep();
}

/* It was cancelled, here or by the end of the time; or it failed. That there
 * was no thread for it is one way in which it could not be started. */
static thrum_outcome secret_did_not_come(const thrum_failure *why, void *ctx)
{
    secret_command *self = ctx;

    secret_is_over(self);
    if (thrum_failure_is(why, &thrum_domain_deferred,
                         THRUM_DEFERRED_E_CANCELLED))
        secret_stop(self);
    else if (thrum_failure_domain(why) == &thrum_domain_reactor)
        return thrum_fail(thrum_failure_because(
            thrum__secret_failure(self->context, "the command for the secret",
                                  "could not be started"),
            thrum_failure_ref(why)));
    return thrum_keep();
}

static thrum_outcome secret_was_late(const thrum_failure *why, void *context)
{
    (void)why;
    return thrum_fail(thrum__secret_failure(
        context, "the command for the secret", "took too long"));
}

thrum_deferred *thrum_secret_from_command(thrum_reactor *reactor,
                                          const char *command, thrum_ns within)
{
    thrum_context *context = thrum_reactor_context(reactor);
    secret_command *self = secret_command_new(context, command);
    thrum_deferred *work;
    int error;

    if (self == NULL)
        return NULL;
    if (self->stop < 0) {
        secret_release(self);
        return thrum_deferred_failed(
            context, secret_failed(context, "could not be started", EMFILE));
    }
    self->holders += 3; /* the work, the callbacks, the trigger, and this one */
    self->trigger =
        thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN,
                          secret_reactor_stops, self, secret_release);
    work = thrum_defer_to_thread(reactor, secret_run, self, secret_release);
    error = thrum_deferred_add(work, secret_came, secret_did_not_come, self,
                               secret_release);
    if (error == 0)
        error =
            thrum_deferred_timeout_as(work, thrum_reactor_clock(reactor),
                                      within, secret_was_late, context, NULL);
    if (error != 0 || self->trigger == NULL)
        secret_stop(self);
    secret_release(self);
    return work;
}
