/* SPDX-License-Identifier: MIT */
/*
 * The sink on a reactor, with a client in the same loop that says all it has to
 * say at once and then listens.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thrum/connect.h>

#include "cli/sink_server.h"
#include "tests/support/support.h"

#define LETTER "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nHello\r\n.\r\n"

typedef struct visit {
    sink_server server;
    thrum_stream *stream;
    const char *says;
    char heard[4096];
    size_t size;
    bool over; /* a sink that would go on is to stop */
} visit;

static void visit_received(thrum_stream *stream, const char *data, size_t size,
                           void *ctx)
{
    visit *self = ctx;

    (void)stream;
    ck_assert_uint_le(self->size + size, sizeof self->heard);
    memcpy(self->heard + self->size, data, size);
    self->size += size;
}

static void visit_end(visit *self)
{
    self->over = true;
    if (!self->server.closing)
        thrum_reactor_stop(self->server.reactor);
}

static void visit_closed(thrum_stream *stream, const thrum_failure *why,
                         void *ctx)
{
    visit *self = ctx;

    (void)stream;
    (void)why;
    visit_end(self);
}

static const thrum_stream_handler visit_handler = {
    .received = visit_received,
    .closed = visit_closed,
};

static thrum_outcome visit_begun(void *stream, void *ctx)
{
    visit *self = ctx;

    self->stream = stream;
    thrum_stream_set_handler(stream, &visit_handler, self, NULL);
    if (thrum_stream_write(stream, self->says, strlen(self->says)) != 0)
        thrum_stream_abort(stream);
    return thrum_taken();
}

static thrum_outcome visit_failed(const thrum_failure *why, void *ctx)
{
    visit *self = ctx;

    (void)why;
    visit_end(self);
    return thrum_done();
}

static int visit_connect(visit *self)
{
    thrum_deferred *made = thrum_connect_tcp(
        self->server.reactor, "127.0.0.1",
        thrum_listener_port(self->server.listener), 60 * THRUM_S);
    int error = thrum_deferred_add(made, visit_begun, visit_failed, self, NULL);

    if (error != 0)
        thrum_deferred_cancel(made);
    thrum_deferred_finish(made);
    return error;
}

/* Runs a sink that is visited once; `self` tells of both afterwards. */
static void visit_run(visit *self, thrum_context *context)
{
    thrum_reactor_config config = {.context = context};
    thrum_failure *why = NULL;

    self->server.reactor = thrum_reactor_new(&config);
    if (self->server.reactor == NULL)
        return;
    if (sink_server_start(&self->server, "127.0.0.1", 0, &why) != 0)
        thrum_failure_unref(why);
    else if (visit_connect(self) == 0 && !self->over)
        thrum_reactor_run(self->server.reactor);
    sink_server_fini(&self->server);
    thrum_reactor_free(self->server.reactor);
    thrum_stream_unref(self->stream);
}

static bool heard(const visit *self, const char *words)
{
    return memmem(self->heard, self->size, words, strlen(words)) != NULL;
}

START_TEST(a_visitor_is_served_and_counted)
{
    thrum_context *context = support_context();
    visit self = {.says = "HELO c\r\n" LETTER LETTER "QUIT\r\n"};

    visit_run(&self, context);
    ck_assert(heard(&self, "221 2.0.0 Bye\r\n"));
    ck_assert_uint_eq(self.server.totals.connections, 1);
    ck_assert_uint_eq(self.server.totals.messages, 2);
    ck_assert_uint_eq(self.server.totals.bytes, 14);
    support_context_end(context);
}
END_TEST

START_TEST(the_sink_ends_by_itself_after_its_count)
{
    thrum_context *context = support_context();
    visit self = {.says = "HELO c\r\n" LETTER "QUIT\r\n", .server.count = 1};

    visit_run(&self, context);
    ck_assert(heard(&self, "221 2.0.0 Bye\r\n"));
    ck_assert(self.server.closing);
    ck_assert(!self.server.ending);
    ck_assert_uint_eq(self.server.totals.messages, 1);
    support_context_end(context);
}
END_TEST

START_TEST(a_message_past_the_count_is_not_taken)
{
    thrum_context *context = support_context();
    visit self = {.says = "HELO c\r\n" LETTER LETTER, .server.count = 1};

    visit_run(&self, context);
    ck_assert(heard(&self, "421 4.3.2 The sink is closing\r\n"));
    ck_assert_uint_eq(self.server.totals.messages, 1);
    support_context_end(context);
}
END_TEST

/* More commands than the queue of replies may hold; none goes unanswered. */
START_TEST(a_visitor_with_much_to_say_gets_every_answer)
{
    enum { COMMANDS = 200 };
    thrum_context *context = support_context();
    char says[COMMANDS * 6 + 7] = "";
    visit self = {.says = says};
    size_t lines = 0;

    for (int i = 0; i < COMMANDS; i++)
        memcpy(says + i * 6, "NOOP\r\n", 6);
    memcpy(says + COMMANDS * 6, "QUIT\r\n", 6);
    visit_run(&self, context);
    for (size_t i = 0; i < self.size; i++)
        lines += self.heard[i] == '\n';
    ck_assert_uint_eq(lines, COMMANDS + 2);
    ck_assert_uint_eq(self.server.totals.commands, COMMANDS + 1);
    support_context_end(context);
}
END_TEST

START_TEST(an_address_that_is_not_here_is_a_failure)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context};
    sink_server server = {.reactor = thrum_reactor_new(&config)};
    thrum_failure *why = NULL;

    ck_assert_int_eq(sink_server_start(&server, "192.0.2.1", 0, &why), -1);
    ck_assert_int_eq(thrum_failure_code(why), THRUM_REACTOR_E_LISTEN);
    thrum_failure_unref(why);
    sink_server_fini(&server);
    thrum_reactor_free(server.reactor);
    support_context_end(context);
}
END_TEST

START_TEST(messages_get_into_the_dump_before_the_sink_ends)
{
    char path[] = "/tmp/thrum-sink-XXXXXX";
    thrum_context *context = support_context();
    visit self = {.says = "HELO c\r\n" LETTER "QUIT\r\n", .server.count = 1};
    struct stat status;
    sink_dump dump;

    close(mkstemp(path));
    ck_assert_int_eq(sink_dump_open(&dump, context, path), 0);
    self.server.dump = &dump;
    visit_run(&self, context);
    ck_assert_int_eq(sink_dump_close(&dump), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size,
                     strlen("{\"from\":\"a@x\",\"to\":[\"b@y\"],\"body\":"
                            "\"Hello\\r\\n\",\"tls\":null,\"auth\":null,"
                            "\"chunked\":false,\"8bitmime\":false,"
                            "\"smtputf8\":false,\"size\":null,"
                            "\"dsn\":null}\n"));
    unlink(path);
    support_context_end(context);
}
END_TEST

/* Whatever fails, the sink ends, and what was answered is what was counted. */
static void scenario_visit(void)
{
    thrum_context *context = support_context();
    visit self = {.says = "HELO c\r\n" LETTER "QUIT\r\n", .server.count = 1};

    if (context == NULL)
        return;
    visit_run(&self, context);
    ck_assert_uint_le(self.server.totals.messages, 1);
    if (heard(&self, "354 "))
        ck_assert_uint_eq(heard(&self, "250 2.0.0 Ok\r\n"),
                          self.server.totals.messages);
    support_context_end(context);
    support_unhandled();
}

START_TEST(a_visit_bears_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_visit);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("server");

    tcase_set_timeout(one, 0);
    tcase_add_test(one, a_visitor_is_served_and_counted);
    tcase_add_test(one, the_sink_ends_by_itself_after_its_count);
    tcase_add_test(one, a_message_past_the_count_is_not_taken);
    tcase_add_test(one, a_visitor_with_much_to_say_gets_every_answer);
    tcase_add_test(one, an_address_that_is_not_here_is_a_failure);
    tcase_add_test(one, messages_get_into_the_dump_before_the_sink_ends);
    tcase_add_test(one, a_visit_bears_the_failure_of_every_allocation);
    return support_main("sink server", &one, 1);
}
