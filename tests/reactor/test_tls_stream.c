/* SPDX-License-Identifier: MIT */
/*
 * A stream once its TLS is open: large amounts, slow peers, every kind of end,
 * client certificates.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/reactor/tls_link.h"

static const char *const priorities[] = {NULL,
                                         "NORMAL:-VERS-TLS1.3:%PROFILE_MEDIUM"};

/* Both ends are secured; client and server are as `more` says (NULL: nothing).
 */
static void open_with(tls_link *link, tls_kind kind,
                      const thrum_tls_config *more)
{
    ck_assert(link_start(link));
    link->trusting = tls_trusting(link->context, more);
    link->shown = tls_showing(link->context, "good", more);
    ck_assert(link_open(link, kind));
    link_secure(link);
    LINK_UNTIL(link, link->client.secured == 1 && link->server.secured == 1);
}

static void open_over(tls_link *link, tls_kind kind)
{
    open_with(link, kind, NULL);
}

static void say(tls_end *self, const char *text)
{
    ck_assert_int_eq(thrum_stream_write(self->stream, text, strlen(text)), 0);
}

static int descriptor(const tls_end *self)
{
    const thrum__transport *transport = self->stream->transport;

    return transport->ops->descriptor(transport);
}

/* ---- Large, and slow ---- */

enum { LARGE = 3 * 1024 * 1024 };

static char *large_new(void)
{
    char *bytes = malloc(LARGE);

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 7 >> 3);
    return bytes;
}

START_TEST(megabytes_arrive_whole_both_ways_at_once)
{
    char *bytes = large_new();
    size_t to_client = 0, to_server = 0;
    tls_link link;

    open_over(&link, _i);
    thrum_stream_set_marks(link.client.stream, 1000, 5000, 100000);
    while (link.client.size < LARGE || link.server.size < LARGE) {
        size_t part = LARGE - to_server < 70000 ? LARGE - to_server : 70000;

        if (thrum_stream_write(link.client.stream, bytes + to_server, part) ==
            0)
            to_server += part;
        part = LARGE - to_client < 300000 ? LARGE - to_client : 300000;
        if (thrum_stream_write(link.server.stream, bytes + to_client, part) ==
            0)
            to_client += part;
        thrum_reactor_turn(link.reactor);
    }
    ck_assert_mem_eq(link.client.data, bytes, LARGE);
    ck_assert_mem_eq(link.server.data, bytes, LARGE);
    link_end(&link);
    free(bytes);
}
END_TEST

/* What is in the kernel's buffers and one batch of records is all that leaves
 * the queue while nobody reads. */
START_TEST(a_peer_that_does_not_read_is_noticed)
{
    char *bytes = large_new();
    tls_link link;
    size_t queued;

    open_over(&link, _i);
    thrum_stream_pause(link.server.stream);
    thrum_stream_set_marks(link.client.stream, 0, 1000, LARGE);
    ck_assert_int_eq(thrum_stream_write(link.client.stream, bytes, LARGE), 0);
    link_run(&link);
    queued = thrum_stream_queued(link.client.stream);
    ck_assert_uint_gt(queued, 0);
    link_run(&link);
    ck_assert_uint_eq(thrum_stream_queued(link.client.stream), queued);
    thrum_stream_lose(link.client.stream);
    link_run(&link);
    ck_assert_uint_eq(link.client.closed, 0);
    thrum_stream_resume(link.server.stream);
    LINK_UNTIL(&link, link.client.closed == 1 && link.server.ended == 1);
    ck_assert_int_eq(link.client.closed_code, 0);
    ck_assert_uint_eq(link.server.size, LARGE);
    ck_assert_mem_eq(link.server.data, bytes, LARGE);
    link_end(&link);
    free(bytes);
}
END_TEST

START_TEST(a_small_send_buffer_cuts_records_anywhere)
{
    char *bytes = large_new();
    int least = 1;
    tls_link link;

    open_over(&link, TLS_OVER_UNIX);
    setsockopt(descriptor(&link.client), SOL_SOCKET, SO_SNDBUF, &least,
               sizeof least);
    ck_assert_int_eq(thrum_stream_write(link.client.stream, bytes, 200000), 0);
    while (link.server.size < 200000) {
        size_t before = thrum_stream_queued(link.client.stream), step;

        thrum_reactor_turn(link.reactor);
        step = before - thrum_stream_queued(link.client.stream);
        ck_assert_uint_lt(step, 16384); /* part of a batch is seen to leave */
    }
    ck_assert_mem_eq(link.server.data, bytes, 200000);
    say(&link.client, "and again");
    LINK_UNTIL(&link, link.server.size == 200009);
    link_end(&link);
    free(bytes);
}
END_TEST

START_TEST(an_idle_stream_keeps_no_buffers)
{
    const thrum__tls_session *session;
    tls_link link;

    open_over(&link, TLS_OVER_UNIX);
    say(&link.client, "hello");
    link_run(&link);
    session = thrum__transport_tls_session(link.client.stream->transport);
    ck_assert_ptr_null(session->in.block);
    ck_assert_ptr_null(session->out.block);
    session = thrum__transport_tls_session(link.server.stream->transport);
    ck_assert_ptr_null(session->in.block);
    ck_assert_ptr_null(session->out.block);
    link_end(&link);
}
END_TEST

/* ---- Ends ---- */

START_TEST(half_of_it_may_end_and_the_other_half_goes_on)
{
    tls_link link;

    open_over(&link, _i);
    say(&link.client, "question");
    ck_assert_int_eq(thrum_stream_lose_write(link.client.stream), 0);
    LINK_UNTIL(&link, link.server.ended == 1);
    ck_assert_uint_eq(link.server.size, 8);
    say(&link.server, "answer");
    LINK_UNTIL(&link, link.client.size == 6);
    thrum_stream_lose(link.server.stream);
    LINK_UNTIL(&link, link.server.closed == 1 && link.client.ended == 1);
    thrum_stream_lose(link.client.stream);
    LINK_UNTIL(&link, link.client.closed == 1);
    ck_assert_int_eq(link.client.closed_code, 0);
    ck_assert_int_eq(link.server.closed_code, 0);
    link_end(&link);
}
END_TEST

START_TEST(t14_an_end_without_its_word_is_truncated)
{
    tls_link link;

    open_over(&link, TLS_OVER_TCP);
    say(&link.server, "221 by");
    LINK_UNTIL(&link, link.client.size == 6);
    shutdown(descriptor(&link.server), SHUT_WR);
    LINK_UNTIL(&link, link.client.closed == 1);
    ck_assert_uint_eq(link.client.ended, 0);
    ck_assert_int_eq(link.client.closed_code, THRUM_REACTOR_E_TRUNCATED);
    ck_assert_ptr_nonnull(
        strstr(link.client.closed_text,
               "TLS with mail.test: the peer closed without ending it"));
    link_end(&link);
}
END_TEST

START_TEST(an_abort_is_told_as_what_it_is)
{
    tls_link link;

    open_over(&link, TLS_OVER_TCP);
    thrum_stream_abort(link.server.stream);
    LINK_UNTIL(&link, link.client.closed == 1);
    ck_assert_int_eq(link.server.closed_code, THRUM_REACTOR_E_ABORTED);
    ck_assert_int_eq(link.client.closed_code, THRUM_REACTOR_E_READ);
    link_end(&link);
}
END_TEST

/* The word of the end goes out beneath the stream, which does not know. */
static void say_end_and_more(tls_end *self, const char *plain)
{
    thrum__tls_session *session =
        (thrum__tls_session *)thrum__transport_tls_session(
            self->stream->transport);
    int fd = descriptor(self);

    thrum__tls_session_end(session);
    ck_assert_int_eq(send(fd, session->out.data, session->out.size, 0),
                     (ssize_t)session->out.size);
    thrum_buffer_fini(&session->out);
    thrum_buffer_init(&session->out, session->context, 1 << 18);
    if (plain != NULL)
        ck_assert_int_eq(send(fd, plain, strlen(plain), 0),
                         (ssize_t)strlen(plain));
}

START_TEST(t15_plain_bytes_with_the_end_are_the_end_of_all)
{
    tls_link link;

    open_over(&link, TLS_OVER_TCP);
    say_end_and_more(&link.server, "x");
    LINK_UNTIL(&link, link.client.closed == 1);
    ck_assert_int_eq(link.client.closed_code, THRUM_REACTOR_E_TLS);
    ck_assert_ptr_nonnull(
        strstr(link.client.closed_text, "bytes came after its end"));
    ck_assert_uint_eq(link.client.size, 0);
    link_end(&link);
}
END_TEST

START_TEST(t15_plain_bytes_after_the_end_are_the_end_of_all)
{
    tls_link link;

    open_over(&link, TLS_OVER_TCP);
    say_end_and_more(&link.server, NULL);
    LINK_UNTIL(&link, link.client.ended == 1);
    say(&link.client, "BDAT 3 LAST\r\n");
    ck_assert_int_eq(send(descriptor(&link.server), "x", 1, 0), 1);
    LINK_UNTIL(&link, link.client.closed == 1);
    ck_assert_int_eq(link.client.closed_code, THRUM_REACTOR_E_TLS);
    ck_assert_uint_eq(link.client.size, 0);
    ck_assert_int_eq(thrum_stream_write(link.client.stream, "x", 1),
                     THRUM_E_CLOSED);
    link_end(&link);
}
END_TEST

START_TEST(a_record_that_is_not_the_peers_ends_it)
{
    tls_link link;

    open_over(&link, TLS_OVER_TCP);
    say(&link.server, "before it");
    link_run(&link);
    send(descriptor(&link.server), "\x17\x03\x03\x00\x03xyz", 8, 0);
    LINK_UNTIL(&link, link.client.closed == 1);
    ck_assert_int_eq(link.client.closed_code, THRUM_REACTOR_E_TLS);
    ck_assert_uint_eq(link.client.size, 9);
    link_end(&link);
}
END_TEST

/* ---- Client certificates ---- */

static const struct {
    const char *name;  /* NULL: shows none */
    const char *words; /* NULL: welcome */
} clients[] = {
    {"client", NULL},
    {NULL, "ertificate"},
    {"client-unknown", "ertificate"}, /* GnuTLS does not even show it */
    {"client-expired", "has expired"},
    {"good", "issued for another purpose"},
};

static void begin_for_client(tls_link *link, const char *name,
                             const char *priority)
{
    char ca[TLS_PATH], own[TLS_PATH];
    thrum_tls_config client = {.trust_file = tls_path("ca", ca),
                               .priority = priority};
    thrum_tls_config server = client;

    server.verify_clients = 1;
    if (name != NULL)
        client.certificate_file = tls_path(name, own);
    ck_assert(link_start(link));
    link->trusting = thrum_tls_new(link->context, &client, NULL);
    link->shown = tls_showing(link->context, "good", &server);
    ck_assert(link_open(link, TLS_OVER_UNIX));
    link_secure(link);
}

static void open_for_client(tls_link *link, const char *name,
                            const char *priority)
{
    begin_for_client(link, name, priority);
    link_run(link);
}

/* In TLS 1.3 it is done before the server has seen its certificate, and what it
 * writes then meets a connection that is closed. */
START_TEST(a_client_that_was_refused_and_wrote_is_told_why)
{
    tls_link link;

    begin_for_client(&link, NULL, NULL);
    thrum_stream_pause(link.client.stream);
    link_run(&link);
    ck_assert_uint_eq(link.client.secured, 1);
    ck_assert_uint_eq(link.server.closed, 1);
    ck_assert_uint_eq(link.client.closed, 0);
    ck_assert_int_eq(thrum_stream_write(link.client.stream, "hello", 5), 0);
    link_run(&link);
    thrum_stream_resume(link.client.stream);
    link_run(&link);
    ck_assert_uint_eq(link.client.closed, 1);
    ck_assert_int_eq(link.client.closed_code, THRUM_REACTOR_E_TLS);
    ck_assert_ptr_nonnull(strstr(link.client.closed_text, "the peer says: "));
    link_end(&link);
}
END_TEST

START_TEST(a_server_takes_no_client_but_a_trusted_one)
{
    const char *words = clients[_i / 2].words;
    const thrum_tls_facts *facts;
    tls_link link;

    open_for_client(&link, clients[_i / 2].name, priorities[_i % 2]);
    if (words == NULL) {
        ck_assert_uint_eq(link.server.secured, 1);
        facts = thrum_stream_tls_facts(link.server.stream);
        ck_assert_int_eq(facts->verified, 1);
        ck_assert_str_eq(facts->peer, "CN=a client");
    } else {
        ck_assert_uint_eq(link.server.refused, 1);
        ck_assert_int_eq(link.server.code, THRUM_REACTOR_E_TLS);
        ck_assert_msg(strstr(link.server.text, words) != NULL, "%s",
                      link.server.text);
        ck_assert_uint_eq(link.client.closed, 1);
    }
    link_end(&link);
}
END_TEST

int main(void)
{
    TCase *large = tcase_create("large and slow");
    TCase *ends = tcase_create("ends");
    TCase *certificates = tcase_create("client certificates");
    TCase *const cases[] = {large, ends, certificates};

    loop_watchdog();
    tls_need_certificates();
    tcase_add_loop_test(large, megabytes_arrive_whole_both_ways_at_once, 0,
                        TLS_KINDS);
    tcase_add_loop_test(large, a_peer_that_does_not_read_is_noticed, 0,
                        TLS_OVER_MEMORY);
    tcase_add_test(large, a_small_send_buffer_cuts_records_anywhere);
    tcase_add_test(large, an_idle_stream_keeps_no_buffers);
    tcase_add_loop_test(ends, half_of_it_may_end_and_the_other_half_goes_on, 0,
                        TLS_KINDS);
    tcase_add_test(ends, t14_an_end_without_its_word_is_truncated);
    tcase_add_test(ends, an_abort_is_told_as_what_it_is);
    tcase_add_test(ends, t15_plain_bytes_with_the_end_are_the_end_of_all);
    tcase_add_test(ends, t15_plain_bytes_after_the_end_are_the_end_of_all);
    tcase_add_test(ends, a_record_that_is_not_the_peers_ends_it);
    tcase_add_test(certificates,
                   a_client_that_was_refused_and_wrote_is_told_why);
    tcase_add_loop_test(certificates,
                        a_server_takes_no_client_but_a_trusted_one, 0,
                        2 * sizeof clients / sizeof clients[0]);
    return support_main("TLS streams", cases, sizeof cases / sizeof *cases);
}
