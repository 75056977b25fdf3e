/* SPDX-License-Identifier: MIT */
/*
 * What the sink does late, and how slowly it reads: on a clock that stands
 * until a test moves it. Two clients are in the same loop, so that what one
 * hears shows that the other had its turn.
 */
#include <string.h>

#include <thrum/connect.h>
#include <thrum/test_clock.h>

#include "cli/sink_server.h"
#include "tests/support/support.h"

#define OK "250 2.0.0 Ok\r\n"
#define LETTER "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nHello\r\n.\r\n"
#define GO "354 End with a dot alone on its line\r\n"

enum { TURNS_MOST = 1000000 }; /* then it will never come */

typedef struct client {
    thrum_stream *stream;
    char heard[4096]; /* and not yet asked for */
    size_t size;
    bool closed;
} client;

typedef struct stage {
    thrum_context *context;
    thrum_test_clock *clock;
    sink_server server;
    sink_faults faults;
    client one, other;
} stage;

static void client_received(thrum_stream *stream, const char *data, size_t size,
                            void *ctx)
{
    client *self = ctx;

    (void)stream;
    ck_assert_uint_lt(self->size + size, sizeof self->heard);
    memcpy(self->heard + self->size, data, size);
    self->size += size;
    self->heard[self->size] = '\0';
}

static void client_closed(thrum_stream *stream, const thrum_failure *why,
                          void *ctx)
{
    client *self = ctx;

    (void)stream;
    (void)why;
    self->closed = true;
}

static const thrum_stream_handler client_handler = {
    .received = client_received,
    .closed = client_closed,
};

static thrum_outcome client_connected(void *stream, void *ctx)
{
    client *self = ctx;

    self->stream = stream;
    thrum_stream_set_handler(stream, &client_handler, self, NULL);
    return thrum_taken();
}

static void stage_turn(stage *self, unsigned *turns)
{
    ck_assert_uint_lt((*turns)++, TURNS_MOST);
    thrum_reactor_turn(self->server.reactor);
}

static void stage_connect(stage *self, client *who)
{
    unsigned turns = 0;
    thrum_deferred *made = thrum_connect_tcp(
        self->server.reactor, "127.0.0.1",
        thrum_listener_port(self->server.listener), 60 * THRUM_S);

    thrum_deferred_add(made, client_connected, NULL, who, NULL);
    thrum_deferred_finish(made);
    while (who->stream == NULL)
        stage_turn(self, &turns);
}

static void stage_begin(stage *self)
{
    thrum_reactor_config config = {0};
    thrum_failure *why = NULL;

    self->context = support_context();
    self->clock = thrum_test_clock_new(self->context);
    config.context = self->context;
    config.clock = thrum_test_clock_clock(self->clock);
    self->server.reactor = thrum_reactor_new(&config);
    self->server.session.pipelining = true;
    if (self->faults.count > 0)
        self->server.session.faults = &self->faults;
    ck_assert_int_eq(sink_server_start(&self->server, "127.0.0.1", 0, &why), 0);
    stage_connect(self, &self->one);
    stage_connect(self, &self->other);
}

static void stage_end(stage *self)
{
    sink_server_fini(&self->server);
    thrum_reactor_free(self->server.reactor);
    thrum_stream_unref(self->one.stream);
    thrum_stream_unref(self->other.stream);
    thrum_test_clock_free(self->clock);
    support_context_end(self->context);
}

static void client_say(client *self, const char *words)
{
    ck_assert_int_eq(thrum_stream_write(self->stream, words, strlen(words)), 0);
}

/* Turns until a client has heard just that. */
static void stage_hear(stage *self, client *who, const char *words)
{
    unsigned turns = 0;

    while (who->size < strlen(words) && !who->closed)
        stage_turn(self, &turns);
    ck_assert_str_eq(who->heard, words);
    who->heard[0] = '\0';
    who->size = 0;
}

/* A round trip of the other one, after which this one has heard nothing. */
static void stage_hear_nothing(stage *self, const client *who)
{
    client_say(&self->other, "NOOP\r\n");
    stage_hear(self, &self->other, OK);
    ck_assert_str_eq(who->heard, "");
}

static void stage_wait_closed(stage *self, client *who)
{
    unsigned turns = 0;

    while (!who->closed)
        stage_turn(self, &turns);
    ck_assert_str_eq(who->heard, "");
}

static void stage_greet(stage *self)
{
    stage_hear(self, &self->one, "220 localhost ESMTP thrum sink\r\n");
    stage_hear(self, &self->other, "220 localhost ESMTP thrum sink\r\n");
    client_say(&self->one, "HELO c\r\n");
    stage_hear(self, &self->one, "250 localhost\r\n");
}

START_TEST(an_answer_comes_when_it_is_due_and_others_do_not_wait)
{
    stage self = {.context = NULL};

    ck_assert(sink_faults_add(&self.faults, SINK_RULE_DELAY, ".:20"));
    stage_begin(&self);
    stage_greet(&self);
    client_say(&self.one, LETTER "RSET\r\n");
    stage_hear(&self, &self.one, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" GO);
    stage_hear_nothing(&self, &self.one);
    thrum_test_clock_advance(self.clock, 20 * THRUM_MS - 1);
    stage_hear_nothing(&self, &self.one);
    thrum_test_clock_advance(self.clock, 1);
    stage_hear(&self, &self.one, OK OK);
    stage_end(&self);
}
END_TEST

START_TEST(answers_of_one_connection_are_late_one_after_the_other)
{
    stage self = {.context = NULL};

    ck_assert(sink_faults_add(&self.faults, SINK_RULE_DELAY, "RSET:20"));
    ck_assert(sink_faults_add(&self.faults, SINK_RULE_DELAY, "QUIT:5"));
    stage_begin(&self);
    stage_greet(&self);
    client_say(&self.one, "RSET\r\nRSET\r\nQUIT\r\n");
    for (int i = 0; i < 2; i++) {
        stage_hear_nothing(&self, &self.one);
        thrum_test_clock_advance(self.clock, 20 * THRUM_MS);
        stage_hear(&self, &self.one, OK);
    }
    stage_hear_nothing(&self, &self.one);
    ck_assert(!self.one.closed);
    thrum_test_clock_advance(self.clock, 5 * THRUM_MS);
    stage_hear(&self, &self.one, "221 2.0.0 Bye\r\n");
    stage_wait_closed(&self, &self.one);
    stage_end(&self);
}
END_TEST

START_TEST(a_late_drop_closes_when_it_is_due)
{
    stage self = {.context = NULL};

    ck_assert(sink_faults_add(&self.faults, SINK_RULE_DELAY, "MAIL:20"));
    ck_assert(sink_faults_add(&self.faults, SINK_RULE_DROP, "MAIL"));
    stage_begin(&self);
    stage_greet(&self);
    client_say(&self.one, "MAIL FROM:<a@x>\r\n");
    stage_hear_nothing(&self, &self.one);
    ck_assert(!self.one.closed);
    thrum_test_clock_advance(self.clock, 20 * THRUM_MS);
    stage_wait_closed(&self, &self.one);
    stage_end(&self);
}
END_TEST

START_TEST(who_has_said_all_hears_what_is_late)
{
    stage self = {.context = NULL};

    ck_assert(sink_faults_add(&self.faults, SINK_RULE_DELAY, "RSET:20"));
    stage_begin(&self);
    stage_greet(&self);
    client_say(&self.one, "RSET\r\n");
    thrum_stream_lose_write(self.one.stream);
    stage_hear_nothing(&self, &self.one);
    thrum_test_clock_advance(self.clock, 20 * THRUM_MS);
    stage_hear(&self, &self.one, OK);
    stage_wait_closed(&self, &self.one);
    stage_end(&self);
}
END_TEST

/* The grace after the last message is one second; its answer takes three. */
START_TEST(the_last_message_is_answered_however_late)
{
    stage self = {.server.count = 1};

    ck_assert(sink_faults_add(&self.faults, SINK_RULE_DELAY, ".:3000"));
    stage_begin(&self);
    stage_greet(&self);
    client_say(&self.one, LETTER);
    stage_hear(&self, &self.one, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" GO);
    stage_hear_nothing(&self, &self.one);
    for (int i = 0; i < 2; i++) {
        thrum_test_clock_advance(self.clock, THRUM_S);
        stage_hear_nothing(&self, &self.one);
    }
    thrum_test_clock_advance(self.clock, THRUM_S);
    stage_hear(&self, &self.one, OK);
    client_say(&self.one, "QUIT\r\n");
    stage_hear(&self, &self.one, "221 2.0.0 Bye\r\n");
    ck_assert_uint_eq(self.server.totals.messages, 1);
    stage_end(&self);
}
END_TEST

/* 40 octets a second are read three at a time: two and one more. */
START_TEST(a_slow_sink_reads_as_fast_as_it_is_told)
{
    stage self = {.server.rate = 40};

    stage_begin(&self);
    stage_hear(&self, &self.one, "220 localhost ESMTP thrum sink\r\n");
    stage_hear(&self, &self.other, "220 localhost ESMTP thrum sink\r\n");
    client_say(&self.one, "NOOP\r\nNOOP\r\n");
    client_say(&self.other, "NO");
    for (unsigned turns = 0; turns < 1000;)
        stage_turn(&self, &turns);
    ck_assert_str_eq(self.one.heard, "");
    thrum_test_clock_advance(self.clock, 75 * THRUM_MS);
    stage_hear(&self, &self.one, OK);
    thrum_test_clock_advance(self.clock, 149 * THRUM_MS);
    for (unsigned turns = 0; turns < 1000;)
        stage_turn(&self, &turns);
    ck_assert_str_eq(self.one.heard, "");
    thrum_test_clock_advance(self.clock, THRUM_MS);
    stage_hear(&self, &self.one, OK);
    stage_end(&self);
}
END_TEST

/* A client in memory says all it has to say; time goes on with each turn. */
static void late_run(sink_server *server, thrum_test_clock *clock)
{
    client self = {.closed = false};
    thrum_stream *one, *other;

    if (thrum_stream_pair(server->reactor, &one, &other) != 0)
        return;
    thrum_stream_set_handler(other, &client_handler, &self, NULL);
    if (thrum_stream_write(other, "NOOP\r\nQUIT\r\n", 12) != 0)
        thrum_stream_abort(other);
    sink_connection_open(server, one);
    for (int i = 0; i < 100 && !self.closed; i++) {
        thrum_reactor_turn(server->reactor);
        thrum_test_clock_advance(clock, THRUM_S);
    }
    ck_assert(self.closed || support_failed());
    thrum_stream_abort(other);
    thrum_stream_unref(other);
    thrum_reactor_free(server->reactor);
    server->reactor = NULL;
}

/* Whatever fails, nothing stays behind. */
static void scenario_late(void)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock =
        context != NULL ? thrum_test_clock_new(context) : NULL;
    thrum_reactor_config config = {.context = context};
    sink_server server = {.rate = 1000000};
    sink_faults faults = {.count = 0};

    sink_faults_add(&faults, SINK_RULE_DELAY, "NOOP:1");
    server.session.totals = &server.totals;
    server.session.faults = &faults;
    if (clock != NULL) {
        config.clock = thrum_test_clock_clock(clock);
        server.reactor = thrum_reactor_new(&config);
    }
    if (server.reactor != NULL)
        late_run(&server, clock);
    thrum_reactor_free(server.reactor);
    thrum_test_clock_free(clock);
    if (context != NULL)
        support_context_end(context);
}

START_TEST(a_slow_and_late_sink_bears_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_late);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("time");

    tcase_set_timeout(one, 0);
    tcase_add_test(one, an_answer_comes_when_it_is_due_and_others_do_not_wait);
    tcase_add_test(one, answers_of_one_connection_are_late_one_after_the_other);
    tcase_add_test(one, a_late_drop_closes_when_it_is_due);
    tcase_add_test(one, who_has_said_all_hears_what_is_late);
    tcase_add_test(one, the_last_message_is_answered_however_late);
    tcase_add_test(one, a_slow_sink_reads_as_fast_as_it_is_told);
    tcase_add_test(one,
                   a_slow_and_late_sink_bears_the_failure_of_every_allocation);
    return support_main("sink time", &one, 1);
}
