/* SPDX-License-Identifier: MIT */
/*
 * What belongs to one thread ends the program in another, in a build that
 * checks it (--enable-thread-checks, or sanitizers); failures may cross.
 *
 * Each case is a process of its own, made here and not by the test's runner,
 * since under sanitizers that makes none.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thrum/cooperator.h>
#include <thrum/queue.h>
#include <thrum/semaphore.h>
#include <thrum/share.h>
#include <thrum/test_clock.h>

#include "tests/support/support.h"

/* One of everything, made in the thread "owner". */
static thrum_context *context;
static thrum_deferred *d, *e;
static thrum_pause *paused;
static void *block;
static thrum_semaphore *semaphore;
static thrum_queue *queue;
static thrum_cooperator *cooperator;
static thrum_share *share;
static thrum_failure *why;

static void make_all(void)
{
    thrum_cooperator_config config = {
        .clock = thrum_test_clock_clock(
            thrum_test_clock_new(thrum_context_new(NULL)))};

    context = thrum_context_new(NULL);
    d = thrum_deferred_new(context, "d");
    e = thrum_deferred_new(context, "e");
    paused = thrum_deferred_pause(e);
    block = thrum_context_allocate(context, 1);
    semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred_finish(thrum_semaphore_acquire(semaphore));
    queue = thrum_queue_new(context, NULL);
    cooperator = thrum_cooperator_new(context, &config);
    share = thrum_share_new(thrum_deferred_succeed(context, NULL, NULL));
    why = thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, NULL);
}

/* ---- What is called in the other thread ---- */

#define CALL(name, statement)                                                  \
    static void call_##name(void)                                              \
    {                                                                          \
        statement;                                                             \
    }

CALL(context_ref, thrum_context_ref(context))
CALL(context_unref, thrum_context_unref(context))
CALL(context_allocate, thrum_context_allocate(context, 1))
CALL(context_resize, thrum_context_resize(context, block, 2))
CALL(context_release, thrum_context_release(context, block))
CALL(deferred_new_at, thrum_deferred_new(context, "x"))
CALL(deferred_fire, thrum_deferred_fire(d, NULL, NULL))
CALL(deferred_fail, thrum_deferred_fail(d, NULL))
CALL(deferred_abandon, thrum_deferred_abandon(d))
CALL(deferred_add_at, thrum_deferred_add(d, NULL, NULL, NULL, NULL))
CALL(deferred_add_first, thrum_deferred_add_first(d, NULL, NULL, NULL, NULL))
CALL(deferred_add_foreign, thrum_deferred_add_foreign(d, NULL, NULL, NULL))
CALL(deferred_take,
     thrum_deferred_take(d, &block, &(thrum_free_fn *){NULL}, &why))
CALL(deferred_finish_at, thrum_deferred_finish(d))
CALL(deferred_ref, thrum_deferred_ref(d))
CALL(deferred_unref, thrum_deferred_unref(d))
CALL(deferred_on_cancel, thrum_deferred_on_cancel(d, NULL, NULL, NULL))
CALL(deferred_cancel, thrum_deferred_cancel(d))
CALL(deferred_chain, thrum_deferred_chain(e, d))
CALL(deferred_pause, thrum_deferred_pause(d))
CALL(pause_end, thrum_pause_end(paused))
CALL(deferred_inspect, thrum_deferred_inspect(d))
CALL(deferred_mark_handled, thrum_deferred_mark_handled(d))
CALL(deferred_set_user, thrum_deferred_set_user(d, NULL, NULL))
CALL(deferred_user, thrum_deferred_user(d))
CALL(semaphore_release, thrum_semaphore_release(semaphore))
CALL(queue_put, thrum_queue_put(queue, NULL, NULL))
CALL(queue_close, thrum_queue_close(queue))
CALL(cooperator_tick, thrum_cooperator_tick(cooperator))
CALL(cooperator_free, thrum_cooperator_free(cooperator))
CALL(share_get, thrum_share_get(share))

/* These may be called in any thread. */
CALL(failure_ref, thrum_failure_unref(thrum_failure_ref(why)))
CALL(failure_unref, thrum_failure_unref(why))
CALL(failure_new,
     thrum_failure_unref(thrum_failure_because(
         thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, "%d", 1),
         thrum_failure_ref(why))))
CALL(failure_text, strlen(thrum_failure_text(why)))
CALL(a_context_of_its_own, thrum_context_unref(thrum_context_new(NULL)))

static const struct {
    const char *name;
    void (*call)(void);
    bool crosses;
} cases[] = {
    {"thrum_context_ref", call_context_ref, false},
    {"thrum_context_unref", call_context_unref, false},
    {"thrum_context_allocate", call_context_allocate, false},
    {"thrum_context_resize", call_context_resize, false},
    {"thrum_context_release", call_context_release, false},
    {"thrum_deferred_new_at", call_deferred_new_at, false},
    {"thrum_deferred_fire", call_deferred_fire, false},
    {"thrum_deferred_fail", call_deferred_fail, false},
    {"thrum_deferred_abandon", call_deferred_abandon, false},
    {"thrum_deferred_add_at", call_deferred_add_at, false},
    {"thrum_deferred_add_first", call_deferred_add_first, false},
    {"thrum_deferred_add_foreign", call_deferred_add_foreign, false},
    {"thrum_deferred_take", call_deferred_take, false},
    {"thrum_deferred_finish_at", call_deferred_finish_at, false},
    {"thrum_deferred_ref", call_deferred_ref, false},
    {"thrum_deferred_unref", call_deferred_unref, false},
    {"thrum_deferred_on_cancel", call_deferred_on_cancel, false},
    {"thrum_deferred_cancel", call_deferred_cancel, false},
    {"thrum_deferred_chain", call_deferred_chain, false},
    {"thrum_deferred_pause", call_deferred_pause, false},
    {"thrum_pause_end", call_pause_end, false},
    {"thrum_deferred_inspect", call_deferred_inspect, false},
    {"thrum_deferred_mark_handled", call_deferred_mark_handled, false},
    {"thrum_deferred_set_user", call_deferred_set_user, false},
    {"thrum_deferred_user", call_deferred_user, false},
    {"thrum_semaphore_release", call_semaphore_release, false},
    {"thrum_queue_put", call_queue_put, false},
    {"thrum_queue_close", call_queue_close, false},
    {"thrum_cooperator_tick", call_cooperator_tick, false},
    {"thrum_cooperator_free", call_cooperator_free, false},
    {"thrum_share_get", call_share_get, false},
    {"thrum_failure_ref", call_failure_ref, true},
    {"thrum_failure_unref", call_failure_unref, true},
    {"thrum_failure_new", call_failure_new, true},
    {"thrum_failure_text", call_failure_text, true},
    {"thrum_context_new", call_a_context_of_its_own, true},
};

enum { CASES = sizeof cases / sizeof *cases };

/* ---- A case ---- */

static void *guest(void *which)
{
    pthread_setname_np(pthread_self(), "guest");
    cases[*(int *)which].call();
    return NULL;
}

/* In a process of its own: ends it. */
static void play(int which, bool in_another, int out)
{
    struct rlimit none = {0, 0};
    pthread_t thread;

    setrlimit(RLIMIT_CORE, &none);
    dup2(out, STDERR_FILENO);
    pthread_setname_np(pthread_self(), "owner");
    make_all();
    if (in_another) {
        pthread_create(&thread, NULL, guest, &which);
        pthread_join(thread, NULL);
    } else {
        cases[which].call();
    }
    _exit(0);
}

/* Answers how the process ended; what it said goes to `text`. */
static int outcome(int which, bool in_another, char *text, size_t size)
{
    int ends[2], status;
    size_t filled = 0;
    ssize_t count;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        play(which, in_another, ends[1]);
    close(ends[1]);
    while ((count = read(ends[0], text + filled, size - 1 - filled)) > 0)
        filled += (size_t)count;
    text[filled] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(another_thread_ends_the_program_and_is_named)
{
    char text[4000], opening[100];
    int status = outcome(_i, true, text, sizeof text);

    if (cases[_i].crosses) {
        ck_assert_msg(status == 0, "%s: %s", cases[_i].name, text);
        return;
    }
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: %s",
                  cases[_i].name, text);
    snprintf(opening, sizeof opening, "thrum: %s was called in thread ",
             cases[_i].name);
    ck_assert_int_eq(strncmp(text, opening, strlen(opening)), 0);
    ck_assert_ptr_nonnull(strstr(text, " (guest), but "));
    ck_assert_ptr_nonnull(strstr(text, " belongs to thread "));
    ck_assert_ptr_nonnull(strstr(text, " (owner)\n"));
}
END_TEST

START_TEST(its_own_thread_may_call_all_of_it)
{
    char text[4000];

    ck_assert_msg(outcome(_i, false, text, sizeof text) == 0, "%s: %s",
                  cases[_i].name, text);
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
    TCase *threads = tcase_create("threads");

#ifdef THRUM__CHECK_THREADS
    tcase_add_loop_test(threads, another_thread_ends_the_program_and_is_named,
                        0, CASES);
#else
    (void)another_thread_ends_the_program_and_is_named;
    puts("SKIP: threads are checked with --enable-thread-checks or sanitizers");
#endif
    tcase_add_loop_test(threads, its_own_thread_may_call_all_of_it, 0, CASES);
    return support_main("thread", &threads, 1);
}
