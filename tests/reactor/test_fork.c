/* SPDX-License-Identifier: MIT */
/*
 * A process forks while its reactor has streams, calls, tasks and threads at
 * work. The child frees all of it, the parent goes on, and its peers notice
 * nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thrum/deferred.h>
#include <thrum/stream.h>
#include <thrum/thread.h>

#include "tests/reactor/peer.h"

enum { ROUNDS = 300 };

/* Where work stays until the test lets it go on. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;
    unsigned inside;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};

static thrum_outcome pass_gate(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&gate.lock);
    gate.inside++;
    pthread_cond_broadcast(&gate.moved);
    while (!gate.open)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    return thrum_done();
}

static void gate_wait(void)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.inside == 0)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void gate_open(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static unsigned released, fired, failed, forked;

static void release(void *ctx)
{
    (void)ctx;
    released++;
}

static thrum_outcome on_value(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    fired++;
    return thrum_done();
}

static thrum_outcome on_failure(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    failed++;
    forked += thrum_failure_code(why) == THRUM_REACTOR_E_FORKED;
    return thrum_done();
}

static void hear(thrum_deferred *deferred)
{
    thrum_deferred_add(deferred, on_value, on_failure, NULL, NULL);
    thrum_deferred_finish(deferred);
}

static void never(void *ctx)
{
    (void)ctx;
    abort();
}

static thrum_outcome step(void *ctx)
{
    (void)ctx;
    return thrum_keep();
}

/* A reactor of one thread, with something of each kind under way. */
static thrum_reactor *busy(peer *self)
{
    thrum_reactor_config config = {.context = support_context(), .threads = 1};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    thrum_clock *clock = thrum_reactor_clock(reactor);

    released = fired = failed = forked = 0;
    gate.open = false;
    gate.inside = 0;
    peer_open_heard(self, reactor);
    hear(thrum_defer_to_thread(reactor, pass_gate, NULL, release));
    hear(thrum_defer_to_thread(reactor, pass_gate, NULL, release));
    gate_wait();
    thrum_clock_call_later(clock, 3600 * THRUM_S, never, NULL, release);
    hear(thrum_coiterate(thrum_reactor_cooperator(reactor), step, NULL,
                         release));
    hear(thrum_reactor_when_stopped(reactor));
    thrum_reactor_call_from_thread(reactor, (thrum_call_fn *)release, NULL,
                                   release);
    return reactor;
}

/* ---- The child ---- */

/* Which of its promises is broken; 0: none. (An assertion would go on with the
 * parent's tests.) */
static int child_check(peer *self, thrum_context *context, bool aborts)
{
    thrum_reactor *reactor = self->reactor;
    thrum_deferred *late = thrum_deferred_new(context, "late");
    thrum_failure *why;
    thrum_free_fn *free_value;
    void *value;

    if (thrum_reactor_run(reactor) != THRUM_REACTOR_E_FORKED)
        return 1;
    if (thrum_reactor_turn(reactor) != THRUM_REACTOR_E_FORKED)
        return 2;
    if (thrum_reactor_wait(reactor, late, &value, &free_value, &why) !=
        THRUM_REACTOR_E_FORKED)
        return 3;
    thrum_deferred_fire(late, NULL, NULL);
    if (aborts) /* is not heard of outside */
        thrum_stream_abort(self->stream);
    thrum_stream_unref(self->stream);
    thrum_reactor_free(reactor);
    if (self->closed != 0 || self->events != 0)
        return 4;
    /* work twice, a task, and who waits for a stop */
    if (fired != 0 || failed != 4 || forked != 2)
        return 5;
    /* all contexts but that of the work that had begun */
    if (released != 4 || self->released != 1)
        return 6;
    if (thrum_context_blocks(context) != 0)
        return 7;
    return 0;
}

static pid_t fork_child(peer *self, bool aborts)
{
    thrum_context *context =
        thrum_context_ref(thrum_reactor_context(self->reactor));
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(child_check(self, context, aborts));
    thrum_context_unref(context);
    return child;
}

static void expect_well(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

/* ---- The parent ---- */

static void expect_quiet(const peer *self)
{
    char byte;

    ck_assert_int_eq(recv(self->raw, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

static void round_trip(peer *self)
{
    unsigned before = self->events;

    peer_say(self, "ping");
    while (self->events == before)
        ck_assert_int_ge(thrum_reactor_turn(self->reactor), 0);
    thrum_stream_write(self->stream, "pong", 4);
    thrum_reactor_turn(self->reactor);
    peer_expect(self, "pong");
}

static void end_parent(peer *self, thrum_context *context)
{
    gate_open();
    thrum_stream_unref(self->stream);
    thrum_reactor_turn(self->reactor);
    peer_expect_end(self, 0); /* no reset: the child changed no option */
    peer_hang_up(self, false);
    thrum_reactor_free(self->reactor);
    ck_assert_uint_eq(forked, 0);
    ck_assert_uint_ge(fired, 1); /* the work that had begun */
    support_context_end(context);
    free(self->data);
}

START_TEST(a_child_frees_what_it_has_while_the_parent_goes_on)
{
    peer self;
    thrum_context *context = thrum_reactor_context(busy(&self));
    pid_t child = fork_child(&self, true);

    for (int i = 0; i < ROUNDS; i++)
        round_trip(&self);
    expect_well(child);
    for (int i = 0; i < ROUNDS; i++)
        round_trip(&self);
    ck_assert_uint_eq(self.closed, 0);
    end_parent(&self, context);
}
END_TEST

/* A thread that is not there may have the lock of the pool. */
START_TEST(work_that_a_child_cancels_is_released_with_its_reactor)
{
    peer self;
    thrum_context *context = thrum_reactor_context(busy(&self));
    thrum_deferred *waits =
        thrum_defer_to_thread(self.reactor, pass_gate, NULL, release);
    pid_t child;

    hear(thrum_deferred_ref(waits));
    child = fork();
    if (child == 0) {
        thrum_deferred_cancel(waits);
        thrum_deferred_unref(waits);
        if (failed != 1 || released != 0)
            _exit(1);
        thrum_stream_unref(self.stream);
        thrum_reactor_free(self.reactor);
        _exit(released == 5 ? 0 : 2);
    }
    expect_well(child);
    thrum_deferred_unref(waits);
    end_parent(&self, context);
}
END_TEST

START_TEST(what_waits_to_be_sent_is_sent_once_and_what_came_is_not_taken)
{
    peer self;
    thrum_context *context = thrum_reactor_context(busy(&self));

    peer_say(&self, "ping");
    thrum_stream_write(self.stream, "pong", 4);
    expect_well(fork_child(&self, false));
    expect_quiet(&self);
    while (self.events == 0)
        thrum_reactor_turn(self.reactor);
    ck_assert_str_eq(self.data, "ping");
    peer_expect(&self, "pong");
    thrum_reactor_turn(self.reactor);
    expect_quiet(&self);
    end_parent(&self, context);
}
END_TEST

static void on_guest(thrum_listener *listener, thrum_stream *stream, void *came)
{
    (void)listener;
    thrum_stream_unref(stream);
    *(bool *)came = true;
}

/* The child ends them in both ways: by hand, and with the reactor. */
START_TEST(a_unix_socket_stays_the_parents)
{
    struct sockaddr_un place[2] = {{.sun_family = AF_UNIX},
                                   {.sun_family = AF_UNIX}};
    thrum_reactor *reactor = loop_start();
    thrum_listener *listeners[2];
    bool came[2] = {false, false};
    pid_t child;

    for (int i = 0; i < 2; i++) {
        snprintf(place[i].sun_path, sizeof place[i].sun_path,
                 "/tmp/thrum-fork-%d-%d", (int)getpid(), i);
        listeners[i] =
            thrum_listen_unix(reactor, place[i].sun_path, NULL, NULL);
        thrum_listener_accept(listeners[i], on_guest, &came[i], NULL);
    }
    child = fork();
    if (child == 0) {
        thrum_listener_free(listeners[0]);
        thrum_reactor_free(reactor);
        thrum_listener_free(listeners[1]);
        _exit(0);
    }
    expect_well(child);
    for (int i = 0; i < 2; i++) {
        int guest = socket(AF_UNIX, SOCK_STREAM, 0);

        ck_assert_int_eq(
            connect(guest, (struct sockaddr *)&place[i], sizeof place[i]), 0);
        while (!came[i])
            thrum_reactor_turn(reactor);
        close(guest);
        thrum_listener_free(listeners[i]);
        ck_assert_int_ne(access(place[i].sun_path, F_OK), 0);
    }
    loop_end(reactor);
}
END_TEST

START_TEST(a_child_may_have_a_reactor_of_its_own)
{
    peer self;
    thrum_context *context = thrum_reactor_context(busy(&self));
    pid_t child = fork();

    if (child == 0) {
        thrum_reactor *own;
        int bad = 0;

        thrum_stream_unref(self.stream);
        thrum_reactor_free(self.reactor);
        own = thrum_reactor_new(NULL);
        bad = own == NULL || thrum_reactor_run(own) != 0;
        thrum_reactor_free(own);
        _exit(bad);
    }
    for (int i = 0; i < ROUNDS; i++)
        round_trip(&self);
    expect_well(child);
    end_parent(&self, context);
}
END_TEST

int main(void)
{
    TCase *child = tcase_create("fork");
    TCase *const cases[] = {child};

    loop_watchdog();
    tcase_add_test(child, a_child_frees_what_it_has_while_the_parent_goes_on);
    tcase_add_test(child,
                   work_that_a_child_cancels_is_released_with_its_reactor);
    tcase_add_test(
        child, what_waits_to_be_sent_is_sent_once_and_what_came_is_not_taken);
    tcase_add_test(child, a_unix_socket_stays_the_parents);
    tcase_add_test(child, a_child_may_have_a_reactor_of_its_own);
    return support_main("fork", cases, sizeof cases / sizeof *cases);
}
