/* SPDX-License-Identifier: MIT */
/*
 * TLS begins on a live stream: what may stand before it, what it comes to, how
 * long it may take, and how it is given up.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <unistd.h>

#include <gnutls/x509.h>

#include "tests/reactor/tls_link.h"

/* ---- It begins ---- */

START_TEST(both_sides_are_secured_and_bytes_go_both_ways)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, _i));
    link_secure(&link);
    ck_assert_uint_eq(link.client.secured, 0);
    LINK_UNTIL(&link, link.client.secured == 1 && link.server.secured == 1);
    end_say(&link.client, "to the server");
    end_say(&link.server, "to the client");
    LINK_UNTIL(&link, link.client.size > 0 && link.server.size > 0);
    end_expect_heard(&link.server, "to the server");
    end_expect_heard(&link.client, "to the client");
    thrum_stream_lose(link.client.stream);
    LINK_UNTIL(&link, link.client.closed == 1 && link.server.ended == 1);
    thrum_stream_lose(link.server.stream);
    LINK_UNTIL(&link, link.server.closed == 1);
    ck_assert_int_eq(link.client.closed_code, 0);
    ck_assert_int_eq(link.server.closed_code, 0);
    link_end(&link);
}
END_TEST

START_TEST(what_is_queued_leaves_in_the_clear_and_what_follows_waits)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    end_say(&link.server, "220 go ahead\r\n");
    link_start_server(&link);
    end_say(&link.server, "secret of the server");
    LINK_UNTIL(&link, link.client.size > 0);
    end_expect_heard(&link.client, "220 go ahead\r\n");
    link.client.size = 0;
    link_start_client(&link, "mail.test");
    end_say(&link.client, "secret of the client");
    LINK_UNTIL(&link, link.client.size > 0 && link.server.size > 0);
    end_expect_heard(&link.client, "secret of the server");
    end_expect_heard(&link.server, "secret of the client");
    ck_assert_uint_eq(link.client.secured + link.server.secured, 2);
    link_end(&link);
}
END_TEST

/* A listener's peer says its first word before anybody listens to it. */
START_TEST(a_client_may_begin_before_its_server)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, _i));
    thrum_stream_pause(link.server.stream);
    link_start_client(&link, "mail.test");
    link_run(&link);
    link_start_server(&link);
    link_run(&link);
    ck_assert_uint_eq(link.client.secured + link.server.secured, 2);
    thrum_stream_resume(link.server.stream);
    end_say(&link.client, "early");
    link_run(&link);
    end_expect_heard(&link.server, "early");
    link_end(&link);
}
END_TEST

START_TEST(the_handshake_needs_neither_a_handler_nor_a_stream_that_reads)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    thrum_stream_pause(link.client.stream);
    thrum_stream_set_handler(link.server.stream, NULL, NULL, NULL);
    link_secure(&link);
    link_run(&link);
    ck_assert_uint_eq(link.client.secured + link.server.secured, 2);
    end_say(&link.server, "paused");
    link_run(&link);
    ck_assert_uint_eq(link.client.size, 0);
    thrum_stream_resume(link.client.stream);
    link_run(&link);
    end_expect_heard(&link.client, "paused");
    link_end(&link);
}
END_TEST

START_TEST(tls_may_be_begun_within_tls)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    link_secure(&link);
    link_run(&link);
    link_secure(&link);
    link_run(&link);
    ck_assert_uint_eq(link.client.secured + link.server.secured, 4);
    end_say(&link.client, "twice");
    link_run(&link);
    end_expect_heard(&link.server, "twice");
    link_end(&link);
}
END_TEST

/* ---- Facts ---- */

/* Of the first certificate of a file, as GnuTLS says by itself. */
static void digest_of(const char *name, uint8_t digest[32])
{
    char path[TLS_PATH];
    gnutls_datum_t text = {NULL, 0};
    gnutls_x509_crt_t leaf;
    size_t size = 32;

    ck_assert_int_eq(gnutls_load_file(tls_path(name, path), &text), 0);
    ck_assert_int_eq(gnutls_x509_crt_init(&leaf), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(leaf, &text, GNUTLS_X509_FMT_PEM),
                     0);
    ck_assert_int_eq(
        gnutls_x509_crt_get_fingerprint(leaf, GNUTLS_DIG_SHA256, digest, &size),
        0);
    gnutls_x509_crt_deinit(leaf);
    gnutls_free(text.data);
}

START_TEST(the_facts_tell_what_the_handshake_came_to)
{
    uint8_t digest[32];
    const thrum_tls_facts *facts;
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    ck_assert_ptr_null(thrum_stream_tls_facts(link.client.stream));
    link_secure(&link);
    ck_assert_ptr_null(thrum_stream_tls_facts(link.client.stream));
    link_run(&link);
    facts = thrum_stream_tls_facts(link.client.stream);
    ck_assert_str_eq(facts->version, "TLS1.3");
    ck_assert_ptr_nonnull(strstr(facts->cipher, "TLS_"));
    ck_assert_str_eq(facts->peer, "CN=thrum test good");
    ck_assert_str_eq(facts->issuer, "CN=thrum test ca");
    ck_assert_int_eq(facts->not_before, 1577836800 * THRUM_S); /* 2020-01-01 */
    ck_assert_int_eq(facts->not_after, 4733510400 * THRUM_S);  /* 2120-01-01 */
    digest_of("good", digest);
    ck_assert_mem_eq(facts->sha256, digest, sizeof digest);
    ck_assert_int_eq(facts->resumed, 0);
    ck_assert_int_eq(facts->verified, 1);
    ck_assert_ptr_null(facts->unverified);
    ck_assert_ptr_null(facts->alpn);
    facts = thrum_stream_tls_facts(link.server.stream);
    ck_assert_ptr_null(facts->peer);
    ck_assert_int_eq(facts->verified, 0);
    ck_assert_str_eq(facts->unverified, "nobody was asked for a certificate");
    thrum_stream_abort(link.client.stream);
    link_run(&link);
    ck_assert_ptr_null(thrum_stream_tls_facts(link.client.stream));
    link_end(&link);
}
END_TEST

/* ---- It is refused ---- */

START_TEST(t1_bytes_that_were_told_and_not_used_refuse_it)
{
    tls_link link;
    thrum_deferred *starting;
    thrum_failure *why;
    thrum_free_fn *free;
    void *value;
    int raw;

    ck_assert(link_start(&link));
    ck_assert(link_open_raw(&link, &link.client, &raw));
    starting = _i == 0
                   ? thrum_stream_start_tls(link.client.stream, link.trusting,
                                            "mail.test", 1, 10 * THRUM_S)
                   : thrum_stream_serve_tls(link.client.stream, link.shown, 1,
                                            10 * THRUM_S);
    ck_assert_int_eq(thrum_deferred_inspect(starting).state,
                     THRUM_DEFERRED_PENDING);
    link_run(&link);
    thrum_deferred_take(starting, &value, &free, &why);
    thrum_deferred_finish(starting);
    ck_assert(
        thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_TLS));
    ck_assert_ptr_nonnull(
        strstr(thrum_failure_text(why), "bytes came before it began"));
    thrum_failure_unref(why);
    ck_assert_uint_eq(link.client.closed, 1);
    close(raw);
    link_end(&link);
}
END_TEST

START_TEST(t1_bytes_that_the_kernel_holds_refuse_it)
{
    tls_link link;
    char byte;
    int raw;

    ck_assert(link_start(&link));
    ck_assert(
        link_open_raw(&link, _i == 0 ? &link.client : &link.server, &raw));
    if (_i == 1) {
        ck_assert_int_eq(send(raw, "STARTTLS\r\n", 10, 0), 10);
        LINK_UNTIL(&link, link.server.size == 10);
    }
    ck_assert_int_eq(send(raw, "250 injected\r\n", 14, 0), 14);
    if (_i == 0)
        link_start_client(&link, "mail.test");
    else
        link_start_server(&link);
    link_run(&link);
    end_expect_refused(_i == 0 ? &link.client : &link.server,
                       THRUM_REACTOR_E_TLS, "bytes came before it began");
    ck_assert_uint_eq(link.client.size, 0);
    ck_assert_uint_eq(link.server.size, _i == 1 ? 10 : 0);
    ck_assert_int_le(recv(raw, &byte, 1, 0), 0); /* not one byte of ours */
    close(raw);
    link_end(&link);
}
END_TEST

START_TEST(a_name_that_is_not_the_servers_refuses_it_and_the_server_hears_why)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    link_start_server(&link);
    link_start_client(&link, "other.test");
    link_run(&link);
    end_expect_refused(&link.client, THRUM_REACTOR_E_TLS,
                       "unix:: no TLS with other.test: its certificate is for "
                       "\"mail.test\"");
    end_expect_same(&link.client);
    ck_assert_str_ne(link.client.beneath, "");
    ck_assert_str_eq(link.client.shown,
                     "CN=thrum test good: its certificate is for "
                     "\"mail.test\"");
    ck_assert_ptr_null(thrum_stream_tls_facts(link.client.stream));
    ck_assert_uint_eq(link.server.closed, 1);
    ck_assert_ptr_nonnull(strstr(link.server.closed_text, "the peer says: "));
    link_end(&link);
}
END_TEST

START_TEST(a_peer_that_speaks_no_tls_refuses_it)
{
    tls_link link;
    int raw;

    ck_assert(link_start(&link));
    ck_assert(link_open_raw(&link, &link.client, &raw));
    link_start_client(&link, "mail.test");
    link_run(&link);
    ck_assert_int_eq(send(raw, "220 mail.test ESMTP\r\n", 21, 0), 21);
    LINK_UNTIL(&link, link.client.closed == 1);
    end_expect_refused(&link.client, THRUM_REACTOR_E_TLS,
                       ": no TLS with mail.test: ");
    end_expect_same(&link.client);
    close(raw);
    link_end(&link);
}
END_TEST

START_TEST(a_peer_that_hangs_up_in_the_handshake_refuses_it)
{
    struct linger at_once = {1, 0};
    tls_link link;
    int raw;

    ck_assert(link_start(&link));
    ck_assert(link_open_raw(&link, &link.client, &raw));
    link_start_client(&link, "mail.test");
    link_run(&link);
    if (_i == 1) /* by a reset */
        setsockopt(raw, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    else
        shutdown(raw, SHUT_WR);
    if (_i == 1)
        close(raw);
    LINK_UNTIL(&link, link.client.closed == 1);
    end_expect_refused(
        &link.client, THRUM_REACTOR_E_TLS,
        _i == 1 ? ": no TLS: the connection broke"
                : ": no TLS with mail.test: the peer closed the connection");
    if (_i == 1)
        ck_assert_str_eq(link.client.beneath, strerror(ECONNRESET));
    else
        close(raw);
    link_end(&link);
}
END_TEST

START_TEST(a_server_without_a_certificate_is_refused)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    thrum_tls_unref(link.shown);
    link.shown = thrum_tls_ref(link.trusting);
    link_start_server(&link);
    ck_assert_uint_eq(link.server.refused, 0);
    link_run(&link);
    end_expect_refused(&link.server, THRUM_REACTOR_E_TLS,
                       "no TLS: a server needs a certificate");
    end_expect_same(&link.server);
    link_end(&link);
}
END_TEST

START_TEST(a_stream_that_has_ended_or_begins_already_is_refused_at_once)
{
    tls_link link;
    int raw;

    ck_assert(link_start(&link));
    ck_assert(link_open_raw(&link, &link.client, &raw));
    if (_i == 0)
        thrum_stream_lose(link.client.stream);
    if (_i == 1)
        thrum_stream_abort(link.client.stream);
    if (_i == 2)
        link_run((thrum_stream_abort(link.client.stream), &link));
    if (_i == 3) {
        end_say(&link.client, "it begins when this has left");
        link_start_client(&link, "mail.test");
    }
    link_start_client(&link, "mail.test");
    ck_assert_uint_eq(link.client.refused, 1);
    ck_assert_ptr_nonnull(
        strstr(link.client.text, _i == 3 ? "no TLS: the stream begins it"
                                         : "no TLS: the stream has ended"));
    link_run(&link);
    ck_assert_uint_eq(link.client.refused, _i == 3 ? 2 : 1);
    ck_assert_uint_eq(link.client.closed, 1);
    close(raw);
    link_end(&link);
}
END_TEST

START_TEST(the_reactors_own_trusts_nobody_of_ours)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    thrum_tls_unref(link.trusting);
    link.trusting = NULL;
    link_secure(&link);
    link_run(&link);
    if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0)
        end_expect_refused(&link.client, THRUM_REACTOR_E_TLS,
                           ": no TLS with mail.test: nobody trusted issued its "
                           "certificate");
    else
        end_expect_refused(&link.client, THRUM_REACTOR_E_TLS,
                           "the system's certificates cannot be read");
    link_end(&link);
}
END_TEST

int main(void)
{
    TCase *begin = tcase_create("it begins");
    TCase *refused = tcase_create("it is refused");
    TCase *const cases[] = {begin, refused};

    loop_watchdog();
    tls_need_certificates();
    tcase_add_loop_test(begin, both_sides_are_secured_and_bytes_go_both_ways, 0,
                        TLS_KINDS);
    tcase_add_test(begin,
                   what_is_queued_leaves_in_the_clear_and_what_follows_waits);
    tcase_add_test(
        begin, the_handshake_needs_neither_a_handler_nor_a_stream_that_reads);
    tcase_add_loop_test(begin, a_client_may_begin_before_its_server, 0,
                        TLS_KINDS);
    tcase_add_test(begin, tls_may_be_begun_within_tls);
    tcase_add_test(begin, the_facts_tell_what_the_handshake_came_to);
    tcase_add_loop_test(refused, t1_bytes_that_were_told_and_not_used_refuse_it,
                        0, 2);
    tcase_add_loop_test(refused, t1_bytes_that_the_kernel_holds_refuse_it, 0,
                        2);
    tcase_add_test(
        refused,
        a_name_that_is_not_the_servers_refuses_it_and_the_server_hears_why);
    tcase_add_test(refused, a_peer_that_speaks_no_tls_refuses_it);
    tcase_add_loop_test(refused,
                        a_peer_that_hangs_up_in_the_handshake_refuses_it, 0, 2);
    tcase_add_test(refused, a_server_without_a_certificate_is_refused);
    tcase_add_loop_test(
        refused, a_stream_that_has_ended_or_begins_already_is_refused_at_once,
        0, 4);
    tcase_add_test(refused, the_reactors_own_trusts_nobody_of_ours);
    return support_main("TLS on a stream", cases, sizeof cases / sizeof *cases);
}
