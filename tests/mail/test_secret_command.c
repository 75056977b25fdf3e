/* SPDX-License-Identifier: MIT */
/*
 * Secrets that a command prints. What is to be running when something happens
 * says so through a pipe, and what is to have ended closes one.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <thrum/address.h>
#include <thrum/deferred.h>
#include <thrum/secret.h>
#include <thrum/test_clock.h>

#include "tests/support/support.h"

#define CANARY "c4n4ry-in-a-cage"

static thrum_context *context;
static thrum_reactor *reactor;
static thrum_free_fn *release;

static void begin(void)
{
    context = support_context();
    reactor = thrum_reactor_new(&(thrum_reactor_config){.context = context});
    ck_assert_ptr_nonnull(reactor);
}

/* Waits for all threads, and so for all commands. */
static void finish(void)
{
    thrum_reactor_free(reactor);
    support_context_end(context);
}

static void expect_failure(thrum_failure *why, const char *text)
{
    ck_assert_int_eq(
        thrum_failure_is(why, &thrum_domain_mail, THRUM_MAIL_E_SECRET), 1);
    ck_assert_str_eq(thrum_failure_text(why), text);
    ck_assert_ptr_null(strstr(thrum_failure_text(why), CANARY));
    thrum_failure_unref(why);
}

static const struct {
    const char *command;
    const char *secret; /* NULL: a failure */
    const char *text;
} commands[] = {
    {"echo " CANARY, CANARY, NULL},
    {"printf " CANARY, CANARY, NULL},
    {"printf '" CANARY "\\r\\n'", CANARY, NULL},
    {"printf c4n4ry; printf -- -in-a; echo -cage", CANARY, NULL},
    {"cat; echo nothing to read", "nothing to read", NULL},
    {"echo ${THRUM_SMTP_PASSWORD-not told} $OTHER", "not told other", NULL},
    {"echo a | cat", "a", NULL},
    {"true", NULL, "what the command for the secret has printed is empty"},
    {"echo; echo a", NULL,
     "what the command for the secret has printed has a NUL or the end of a "
     "line within"},
    {"echo " CANARY "; exit 3", NULL,
     "the command for the secret ended with status 3"},
    {"exec /nowhere/" CANARY " 2> /dev/null", NULL,
     "the command for the secret ended with status 127"},
    {"kill -TERM $$; echo " CANARY, NULL,
     "the command for the secret was ended by signal 15"},
    {"while :; do echo " CANARY "; done", NULL,
     "what the command for the secret has printed is too long to be a secret"},
    {"head -c 16384 /dev/zero | tr '\\0' x | wc -c", "16384", NULL},
};

START_TEST(what_a_command_prints_is_the_secret)
{
    thrum_failure *why = NULL;
    void *secret = NULL;
    thrum_deferred *deferred;

    begin();
    setenv("THRUM_SMTP_PASSWORD", CANARY, 1);
    setenv("OTHER", "other", 1);
    deferred =
        thrum_secret_from_command(reactor, commands[_i].command, 600 * THRUM_S);
    ck_assert_int_eq(thrum_deferred_inspect(deferred).state,
                     THRUM_DEFERRED_PENDING);
    thrum_reactor_wait(reactor, deferred, &secret, &release, &why);
    if (commands[_i].secret != NULL) {
        ck_assert_msg(secret != NULL, "%s: %s", commands[_i].command,
                      why != NULL ? thrum_failure_text(why) : "no value");
        ck_assert_str_eq(thrum_secret_bytes(secret).data, commands[_i].secret);
        thrum_secret_unref(secret);
    } else {
        ck_assert_ptr_null(secret);
        expect_failure(why, commands[_i].text);
    }
    unsetenv("THRUM_SMTP_PASSWORD");
    unsetenv("OTHER");
    finish();
}
END_TEST

/* ---- Commands that would go on for ever ---- */

/* Two pipes that commands inherit: through `told` one says that it runs, and
 * nobody holds `told` when all of it has ended; from `never` nothing comes. */
static int told[2], never[2];
static char endless[200];

static void open_pipes(void)
{
    ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(never, O_CLOEXEC), 0);
    fcntl(told[1], F_SETFD, 0);
    fcntl(never[0], F_SETFD, 0);
    snprintf(endless, sizeof endless,
             "(read y </proc/self/fd/%d) & echo " CANARY
             "; echo >/proc/self/fd/%d; read x </proc/self/fd/%d",
             never[0], told[1], never[0]);
}

static void wait_until_it_runs(void)
{
    char byte;

    ck_assert_int_eq(read(told[0], &byte, 1), 1);
}

/* Returns when no process is left that could write there: else it hangs. */
static void expect_all_ended(void)
{
    char byte;

    close(told[1]);
    ck_assert_int_eq(read(told[0], &byte, 1), 0);
    close(told[0]);
    close(never[0]);
    close(never[1]);
}

START_TEST(cancelling_ends_all_that_the_command_has_started)
{
    thrum_failure *why = NULL;
    thrum_deferred *deferred;
    void *secret = NULL;

    begin();
    open_pipes();
    deferred = thrum_secret_from_command(reactor, endless, 600 * THRUM_S);
    wait_until_it_runs();
    thrum_deferred_cancel(deferred);
    thrum_reactor_wait(reactor, deferred, &secret, &release, &why);
    ck_assert_ptr_null(secret);
    ck_assert_int_eq(thrum_failure_code(why), THRUM_DEFERRED_E_CANCELLED);
    thrum_failure_unref(why);
    expect_all_ended();
    finish();
}
END_TEST

START_TEST(a_command_that_takes_too_long_is_ended)
{
    thrum_test_clock *clock;
    thrum_failure *why = NULL;
    thrum_deferred *deferred;
    void *secret = NULL;

    context = support_context();
    clock = thrum_test_clock_new(context);
    reactor = thrum_reactor_new(&(thrum_reactor_config){
        .context = context, .clock = thrum_test_clock_clock(clock)});
    open_pipes();
    deferred = thrum_secret_from_command(reactor, endless, 10 * THRUM_S);
    wait_until_it_runs();
    thrum_test_clock_advance(clock, 10 * THRUM_S - 1);
    ck_assert_int_eq(thrum_deferred_inspect(deferred).state,
                     THRUM_DEFERRED_PENDING);
    thrum_test_clock_advance(clock, 1);
    thrum_reactor_wait(reactor, deferred, &secret, &release, &why);
    expect_failure(why, "the command for the secret took too long");
    expect_all_ended();
    thrum_reactor_free(reactor);
    thrum_test_clock_free(clock);
    support_context_end(context);
}
END_TEST

START_TEST(one_that_has_not_begun_is_never_begun)
{
    thrum_failure *why = NULL;
    thrum_deferred *first, *second;
    void *secret = NULL;
    char command[64];

    context = support_context();
    reactor = thrum_reactor_new(
        &(thrum_reactor_config){.context = context, .threads = 1});
    open_pipes();
    first = thrum_secret_from_command(reactor, endless, 600 * THRUM_S);
    wait_until_it_runs();
    snprintf(command, sizeof command, "echo >/proc/self/fd/%d", told[1]);
    second = thrum_secret_from_command(reactor, command, 600 * THRUM_S);
    thrum_deferred_cancel(second);
    thrum_deferred_cancel(first);
    thrum_deferred_mark_handled(second);
    thrum_deferred_finish(second);
    thrum_reactor_wait(reactor, first, &secret, &release, &why);
    thrum_failure_unref(why);
    expect_all_ended();
    finish();
}
END_TEST

static char told_text[200];

static thrum_outcome note(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    snprintf(told_text, sizeof told_text, "%s", thrum_failure_text(why));
    return thrum_done();
}

static void stop(void *it)
{
    thrum_reactor_stop(it);
}

START_TEST(a_reactor_that_stops_does_not_wait_for_it)
{
    thrum_deferred *deferred;

    begin();
    open_pipes();
    deferred = thrum_secret_from_command(reactor, endless, 600 * THRUM_S);
    thrum_deferred_add(deferred, NULL, note, NULL, NULL);
    thrum_deferred_finish(deferred);
    wait_until_it_runs();
    thrum_reactor_call_from_thread(reactor, stop, reactor, NULL);
    thrum_reactor_run(reactor);
    finish();
    ck_assert_str_eq(told_text, "the command for the secret was given up");
    expect_all_ended();
}
END_TEST

/* What it leaves behind may hold the pipe: nobody waits for that. */
START_TEST(the_shells_end_is_the_commands_end)
{
    thrum_failure *why = NULL;
    void *secret = NULL;

    begin();
    open_pipes();
    snprintf(endless, sizeof endless,
             "(read y </proc/self/fd/%d) & echo " CANARY, never[0]);
    thrum_reactor_wait(
        reactor, thrum_secret_from_command(reactor, endless, 600 * THRUM_S),
        &secret, &release, &why);
    ck_assert_ptr_nonnull(secret);
    ck_assert_str_eq(thrum_secret_bytes(secret).data, CANARY);
    thrum_secret_unref(secret);
    close(never[1]); /* so it ends, too */
    never[1] = dup(told[0]);
    expect_all_ended();
    finish();
}
END_TEST

START_TEST(a_command_inherits_no_signal_that_is_ignored_or_blocked)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    thrum_failure *why = NULL;
    void *secret = NULL;

    begin();
    sigaction(SIGUSR1, &ignore, &before);
    thrum_reactor_wait(reactor,
                       thrum_secret_from_command(
                           reactor, "kill -USR1 $$; echo a", 600 * THRUM_S),
                       &secret, &release, &why);
    sigaction(SIGUSR1, &before, NULL);
    expect_failure(why, "the command for the secret was ended by signal 10");
    finish();
}
END_TEST

static void command_scenario(void)
{
    thrum_context *own = support_context();
    thrum_reactor_config config = {.context = own};
    thrum_reactor *loop = own != NULL ? thrum_reactor_new(&config) : NULL;
    thrum_failure *why = NULL;
    void *secret = NULL;

    if (loop != NULL) {
        thrum_deferred *deferred =
            thrum_secret_from_command(loop, "echo a", 600 * THRUM_S);

        thrum_reactor_wait(loop, deferred, &secret, &release, &why);
        thrum_secret_unref(secret);
        thrum_failure_unref(why);
        thrum_reactor_free(loop);
    }
    if (own != NULL)
        support_context_end(own);
}

START_TEST(without_memory_it_fails_and_nothing_is_left)
{
    support_every_allocation(command_scenario);
    support_unhandled();
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("secret_command");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, what_a_command_prints_is_the_secret, 0,
                        COUNT(commands));
    tcase_add_test(all, cancelling_ends_all_that_the_command_has_started);
    tcase_add_test(all, a_command_that_takes_too_long_is_ended);
    tcase_add_test(all, one_that_has_not_begun_is_never_begun);
    tcase_add_test(all, a_reactor_that_stops_does_not_wait_for_it);
    tcase_add_test(all, the_shells_end_is_the_commands_end);
    tcase_add_test(all,
                   a_command_inherits_no_signal_that_is_ignored_or_blocked);
    tcase_add_test(all, without_memory_it_fails_and_nothing_is_left);
    return support_main("secret_command", &all, 1);
}
