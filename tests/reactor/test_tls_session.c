/* SPDX-License-Identifier: MIT */
/*
 * A TLS session between two buffers: whole, bytewise, cut at every offset, with
 * every byte changed; what is agreed upon, and how it ends.
 */
#include <string.h>

#include "tests/reactor/tls_pair.h"

static const char *const priorities[] = {NULL,
                                         "NORMAL:-VERS-TLS1.3:%PROFILE_MEDIUM"};

static thrum_context *pair_start(tls_pair *pair, const char *priority)
{
    thrum_tls_config config = {.priority = priority};
    thrum_context *context = support_context();

    *pair = (tls_pair){.trusting = tls_trusting(context, &config),
                       .shown = tls_showing(context, "good", &config)};
    return context;
}

static void pair_finish(tls_pair *pair, thrum_context *context)
{
    tls_pair_end(pair);
    support_context_end(context);
}

static void expect_text(const thrum_failure *why, const char *words)
{
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(thrum_failure_text(why), words) != NULL, "%s",
                  thrum_failure_text(why));
}

/* ---- Whole, and in pieces ---- */

START_TEST(a_conversation_is_the_same_in_pieces_of_any_size)
{
    static const size_t pieces[] = {0, 1, 2, 5, 7, 100, 1000};
    tls_pair pair;
    thrum_context *context = pair_start(&pair, priorities[_i]);

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        pair.piece = pieces[i];
        ck_assert(tls_pair_open(&pair, "mail.test"));
        ck_assert(tls_pair_shake(&pair));
        tls_pair_say(&pair, true, "EHLO mail.test\r\n");
        tls_pair_say(&pair, false, "250 mail.test\r\n");
        ck_assert_int_eq(pair.client->facts.verified, 1);
        ck_assert_str_eq(pair.client->facts.version,
                         _i == 0 ? "TLS1.3" : "TLS1.2");
        tls_pair_close(&pair);
    }
    pair_finish(&pair, context);
}
END_TEST

/* ---- Cut at every offset, every byte changed ---- */

/* All that the server says, up to its end; and where the parts of it begin. */
typedef struct recording {
    unsigned char bytes[8192];
    size_t size, data_at, end_at;
} recording;

typedef enum change { CUT, FLIP } change;

/* Passes what the server says on, with one change at `at`; SIZE_MAX: none. */
typedef struct tamper {
    change how;
    size_t at, passed;
} tamper;

static void tamper_move(tamper *self, thrum__tls_session *from,
                        thrum__tls_session *to, recording *note)
{
    size_t size = from->out.size;

    for (size_t i = 0; i < size; i++, self->passed++) {
        char byte = from->out.data[i];

        if (self->passed == self->at && self->how == FLIP)
            byte = (char)(byte ^ 0x21);
        if (self->passed >= self->at && self->how == CUT)
            to->in_over = true;
        else
            thrum_buffer_append(&to->in, &byte, 1);
        if (note != NULL && note->size < sizeof note->bytes)
            note->bytes[note->size++] = (unsigned char)byte;
    }
    thrum_buffer_consume(&from->out, size);
}

/* What the client came to. */
typedef struct outcome {
    bool open;
    char got[64];
    size_t size;
    ssize_t last;
} outcome;

static void tampered_shake(tls_pair *pair, tamper *self, recording *note)
{
    thrum__tls_session *client = pair->client, *server = pair->server;

    for (int i = 0; i < 6; i++) {
        thrum__tls_session_handshake(client);
        tls_move(client, server, 0);
        if (!server->open)
            thrum__tls_session_handshake(server);
        tamper_move(self, server, client, note);
        if (client->open && server->open)
            return;
    }
}

static outcome tampered_run(tls_pair *pair, tamper *self, recording *note)
{
    outcome came = {.open = false};
    thrum__tls_session *client, *server;

    thrum__tls_tickets_clear(pair->trusting); /* each is a whole one */
    ck_assert(tls_pair_open(pair, "mail.test"));
    client = pair->client;
    server = pair->server;
    tampered_shake(pair, self, note);
    if (note != NULL)
        note->data_at = note->size;
    if (server->open) {
        thrum__tls_session_send(server, "hello", 5);
        tamper_move(self, server, client, note);
        if (note != NULL)
            note->end_at = note->size;
        thrum__tls_session_end(server);
        tamper_move(self, server, client, note);
    }
    came.open = client->open;
    came.last = THRUM__TLS_AGAIN;
    while (came.open) {
        came.last = thrum__tls_session_receive(client, came.got + came.size,
                                               sizeof came.got - came.size);
        if (came.last <= 0)
            break;
        came.size += (size_t)came.last;
    }
    return came;
}

START_TEST(t14_a_connection_cut_at_any_byte_is_never_a_good_end)
{
    recording note = {.size = 0};
    tamper none = {CUT, SIZE_MAX, 0};
    tls_pair pair;
    thrum_context *context = pair_start(&pair, priorities[_i]);
    outcome came = tampered_run(&pair, &none, &note);

    ck_assert(came.open);
    ck_assert_int_eq(came.last, 0);
    ck_assert_uint_eq(came.size, 5);
    tls_pair_close(&pair);
    for (size_t at = 0; at < note.size; at++) {
        tamper cut = {CUT, at, 0};

        came = tampered_run(&pair, &cut, NULL);
        if (cut.passed <= at) { /* signatures are not all of one length */
            tls_pair_close(&pair);
            continue;
        }
        ck_assert_msg(came.open ? came.last == THRUM__TLS_FAILED
                                : pair.client->why != NULL,
                      "cut at %zu of %zu: %zd", at, note.size, came.last);
        ck_assert_msg(
            thrum_failure_code(pair.client->why) ==
                (came.open ? THRUM_REACTOR_E_TRUNCATED : THRUM_REACTOR_E_TLS),
            "cut at %zu: %s", at, thrum_failure_text(pair.client->why));
        ck_assert(came.size == 0 || memcmp(came.got, "hello", 5) == 0);
        tls_pair_close(&pair);
    }
    pair_finish(&pair, context);
}
END_TEST

/* A byte that TLS does not protect (a record's version) may change without
 * harm; what is told then is still what was sent. */
START_TEST(a_changed_byte_never_changes_what_is_told)
{
    recording note = {.size = 0};
    tamper none = {FLIP, SIZE_MAX, 0};
    size_t refused = 0;
    tls_pair pair;
    thrum_context *context = pair_start(&pair, priorities[_i]);

    tampered_run(&pair, &none, &note);
    tls_pair_close(&pair);
    for (size_t at = 0; at < note.size; at++) {
        tamper flip = {FLIP, at, 0};
        outcome came = tampered_run(&pair, &flip, NULL);

        refused += pair.client->why != NULL || !came.open;
        ck_assert(came.size == 0 ||
                  (came.size == 5 && memcmp(came.got, "hello", 5) == 0));
        tls_pair_close(&pair);
    }
    ck_assert_uint_gt(refused, note.size * 9 / 10);
    pair_finish(&pair, context);
}
END_TEST

/* ---- What is agreed upon ---- */

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct {
    const char *const *client, *const *server;
    const char *agreed; /* NULL: nothing; "": refused */
} alpns[] = {
    {NULL, NULL, NULL},
    {NAMES("smtp"), NAMES("smtp"), "smtp"},
    {NAMES("smtp", "http/1.1"), NAMES("http/1.1", "smtp"), "http/1.1"},
    {NAMES("smtp"), NULL, NULL},
    {NULL, NAMES("smtp"), NULL},
    {NAMES("smtp"), NAMES("http/1.1"), ""},
};

START_TEST(t13_a_protocol_is_agreed_upon_or_refused)
{
    thrum_context *context = support_context();
    thrum_tls_config client = {.alpn = alpns[_i].client};
    thrum_tls_config server = {.alpn = alpns[_i].server};
    const char *agreed = alpns[_i].agreed;
    tls_pair pair = {.trusting = tls_trusting(context, &client),
                     .shown = tls_showing(context, "good", &server)};

    ck_assert(tls_pair_open(&pair, "mail.test"));
    if (agreed != NULL && agreed[0] == '\0') {
        ck_assert(!tls_pair_shake(&pair));
        ck_assert_ptr_nonnull(pair.client->why);
        ck_assert_ptr_nonnull(pair.server->why);
    } else {
        ck_assert(tls_pair_shake(&pair));
        ck_assert_pstr_eq(pair.client->facts.alpn, agreed);
        ck_assert_pstr_eq(pair.server->facts.alpn, agreed);
    }
    tls_pair_end(&pair);
    support_context_end(context);
}
END_TEST

/* The server's name as it was announced; NULL: none was. */
static const char *announced(tls_pair *pair, const char *host, char name[64])
{
    size_t size = 64;
    unsigned type;

    ck_assert(tls_pair_open(pair, host));
    tls_pair_shake(pair);
    if (gnutls_server_name_get(pair->server->gnutls, name, &size, &type, 0) !=
        0)
        return NULL;
    return name;
}

START_TEST(t12_the_name_that_is_verified_is_announced_and_no_address_is)
{
    static const char *const hosts[][2] = {
        {"mail.test", "mail.test"},
        {"Mail.Test.", "mail.test"},
        {"b\xC3\xBC"
         "cher.test",
         "xn--bcher-kva.test"},
        {"127.0.0.1", NULL},
        {"[::1]", NULL},
    };
    char name[64];
    tls_pair pair;
    thrum_context *context = pair_start(&pair, NULL);

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        const char *got = announced(&pair, hosts[i][0], name);

        if (hosts[i][1] != NULL && i != 2) /* GnuTLS gives names in UTF-8 */
            ck_assert_pstr_eq(got, hosts[i][1]);
        else
            ck_assert((got != NULL) == (hosts[i][1] != NULL));
        tls_pair_close(&pair);
    }
    pair_finish(&pair, context);
}
END_TEST

static const char *const too_old[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.1",
                                      "NORMAL:-VERS-ALL:+VERS-TLS1.0",
                                      "NORMAL:-VERS-ALL:+VERS-SSL3.0",
                                      "NORMAL:+VERS-TLS1.0:-VERS-TLS1.2"
                                      ":-VERS-TLS1.3"};

/* What is left of such a string is no version at all. */
START_TEST(t17_nothing_before_tls_1_2_is_spoken_whatever_is_asked_for)
{
    char path[TLS_PATH];
    thrum_tls_config config = {.priority = too_old[_i],
                               .trust_file = tls_path("ca", path)};
    thrum_context *context = support_context();
    thrum_failure *why = NULL;
    thrum_tls *old = thrum_tls_new(context, &config, &why);

    if (old != NULL) {
        tls_pair pair = {.trusting = old,
                         .shown = tls_showing(context, "good", NULL)};

        pair.client =
            thrum__tls_session_new(old, false, "mail.test", "h:1", &why);
        if (pair.client != NULL) {
            thrum__tls_session_handshake(pair.client);
            ck_assert_ptr_nonnull(pair.client->why);
        }
        tls_pair_end(&pair);
    } else {
        ck_assert_ptr_nonnull(why);
    }
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

/* ---- While it is open ---- */

START_TEST(t16_keys_are_changed_while_bytes_go_both_ways)
{
    tls_pair pair;
    thrum_context *context = pair_start(&pair, NULL);

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    for (int i = 0; i < 4; i++) {
        pair.piece = (size_t)i;
        ck_assert_int_eq(
            gnutls_session_key_update(pair.server->gnutls, GNUTLS_KU_PEER), 0);
        tls_pair_say(&pair, false, "new keys");
        tls_pair_say(&pair, true, "and their answer");
        tls_pair_say(&pair, false, "go on");
    }
    pair_finish(&pair, context);
}
END_TEST

START_TEST(t16_another_handshake_is_refused_and_the_session_goes_on)
{
    tls_pair pair;
    char got[16];
    thrum_context *context = pair_start(&pair, priorities[1]);

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    ck_assert_int_eq(gnutls_rehandshake(pair.server->gnutls), 0);
    tls_move(pair.server, pair.client, 0);
    ck_assert_int_eq(thrum__tls_session_receive(pair.client, got, sizeof got),
                     THRUM__TLS_AGAIN);
    ck_assert_uint_gt(pair.client->out.size, 0); /* no_renegotiation */
    tls_move(pair.client, pair.server, 0);
    tls_pair_say(&pair, true, "as before");
    pair_finish(&pair, context);
}
END_TEST

START_TEST(t16_who_asks_for_it_without_end_is_left)
{
    tls_pair pair;
    char got[16];
    ssize_t came = THRUM__TLS_AGAIN;
    int times = 0;
    thrum_context *context = pair_start(&pair, priorities[1]);

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    for (; times < 100 && came == THRUM__TLS_AGAIN; times++) {
        gnutls_alert_send(pair.server->gnutls, GNUTLS_AL_WARNING,
                          GNUTLS_A_USER_CANCELED);
        tls_move(pair.server, pair.client, 0);
        came = thrum__tls_session_receive(pair.client, got, sizeof got);
    }
    ck_assert_int_eq(came, THRUM__TLS_FAILED);
    ck_assert_int_lt(times, 20);
    pair_finish(&pair, context);
}
END_TEST

START_TEST(a_reader_with_little_room_is_told_that_there_is_more)
{
    static char text[40000];
    size_t at = 0;
    tls_pair pair;
    thrum_context *context = pair_start(&pair, priorities[_i]);

    memset(text, 'x', sizeof text);
    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    ck_assert_int_eq(thrum__tls_session_send(pair.server, text, sizeof text),
                     0);
    tls_move(pair.server, pair.client, 0);
    do {
        char got[999];
        ssize_t part = thrum__tls_session_receive(pair.client, got, sizeof got);

        ck_assert(part > 0 || part == THRUM__TLS_AGAIN);
        at += part > 0 ? (size_t)part : 0;
    } while (pair.client->has_more);
    ck_assert_uint_eq(at, sizeof text);
    ck_assert_ptr_null(pair.client->in.block);
    pair_finish(&pair, context);
}
END_TEST

/* ---- The end ---- */

START_TEST(t14_a_word_of_the_end_is_told_as_one)
{
    char got[16];
    tls_pair pair;
    thrum_context *context = pair_start(&pair, priorities[_i]);

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    thrum__tls_session_end(pair.server);
    tls_move(pair.server, pair.client, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            thrum__tls_session_receive(pair.client, got, sizeof got), 0);
    tls_pair_say(&pair, true, "the other way is still open");
    thrum__tls_session_end(pair.client);
    tls_move(pair.client, pair.server, 0);
    ck_assert_int_eq(thrum__tls_session_receive(pair.server, got, sizeof got),
                     0);
    pair_finish(&pair, context);
}
END_TEST

START_TEST(t15_plain_bytes_behind_the_end_are_the_end_of_all)
{
    char got[16];
    tls_pair pair;
    thrum_context *context = pair_start(&pair, priorities[_i]);

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    thrum__tls_session_send(pair.server, "last", 4);
    thrum__tls_session_end(pair.server);
    tls_move(pair.server, pair.client, 0);
    thrum_buffer_append(&pair.client->in, "x", 1);
    ck_assert_int_eq(thrum__tls_session_receive(pair.client, got, sizeof got),
                     4);
    ck_assert(pair.client->has_more);
    ck_assert_int_eq(thrum__tls_session_receive(pair.client, got, sizeof got),
                     THRUM__TLS_FAILED);
    expect_text(pair.client->why,
                "TLS with mail.test: bytes came after its end");
    ck_assert_int_eq(thrum__tls_session_send(pair.client, "no", 2),
                     THRUM__TLS_FAILED);
    ck_assert_uint_eq(pair.client->out.size, 0);
    pair_finish(&pair, context);
}
END_TEST

START_TEST(t14_a_fatal_alert_is_a_failure_with_the_peers_word)
{
    char got[16];
    tls_pair pair;
    thrum_context *context = pair_start(&pair, priorities[_i]);

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    gnutls_alert_send(pair.server->gnutls, GNUTLS_AL_FATAL,
                      GNUTLS_A_INTERNAL_ERROR);
    tls_move(pair.server, pair.client, 0);
    ck_assert_int_eq(thrum__tls_session_receive(pair.client, got, sizeof got),
                     THRUM__TLS_FAILED);
    expect_text(pair.client->why, "127.0.0.1:25: TLS with mail.test: the peer "
                                  "says: Internal error");
    ck_assert(thrum_failure_is(pair.client->why, &thrum_domain_reactor,
                               THRUM_REACTOR_E_TLS));
    pair_finish(&pair, context);
}
END_TEST

/* ---- Blocks ---- */

START_TEST(an_idle_session_leaves_its_block_to_the_next_that_needs_one)
{
    tls_pair pair;
    thrum_context *context = pair_start(&pair, NULL);
    thrum_buffer *in, *out, *spare = &pair.trusting->spare;

    ck_assert(tls_pair_open(&pair, "mail.test"));
    ck_assert(tls_pair_shake(&pair));
    tls_pair_say(&pair, false, "250 mail.test\r\n");
    in = &pair.client->in;
    out = &pair.client->out;
    thrum__tls_session_rest(pair.client, out);
    ck_assert_ptr_null(in->block);
    ck_assert_ptr_null(out->block);
    ck_assert_ptr_nonnull(spare->block);
    support_fail_at(1);
    ck_assert_ptr_nonnull(thrum__tls_session_room(pair.client, in, 1));
    ck_assert(!support_failed());
    support_fail_at(0);
    ck_assert_ptr_null(spare->block);
    thrum__tls_session_rest(pair.client, in);
    ck_assert_ptr_nonnull(spare->block);
    ck_assert_ptr_nonnull(
        thrum__tls_session_room(pair.client, out, 200 * 1024));
    ck_assert_ptr_null(thrum__tls_session_room(pair.client, out, 300 * 1024));
    thrum__tls_session_rest(pair.client, out); /* too large to be kept */
    ck_assert_ptr_null(out->block);
    ck_assert_ptr_null(spare->block);
    pair_finish(&pair, context);
}
END_TEST

/* ---- No memory ---- */

static void scenario(void)
{
    thrum_context *context = support_context();
    tls_pair pair = {.trusting = NULL};
    char got[64];

    if (context != NULL) {
        pair.trusting = tls_trusting(context, NULL);
        pair.shown = tls_showing(context, "good", NULL);
        if (tls_pair_open(&pair, "mail.test") && tls_pair_shake(&pair) &&
            thrum__tls_session_send(pair.server, "hello", 5) == 0) {
            tls_move(pair.server, pair.client, 0);
            if (thrum__tls_session_receive(pair.client, got, sizeof got) > 0)
                ck_assert_mem_eq(got, "hello", 5);
        }
        tls_pair_end(&pair);
    }
    support_context_end(context);
}

START_TEST(every_allocation_of_ours_may_fail)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *pieces = tcase_create("pieces");
    TCase *agreed = tcase_create("agreed upon");
    TCase *open = tcase_create("open");
    TCase *ends = tcase_create("ends");
    TCase *const cases[] = {pieces, agreed, open, ends};

    loop_watchdog();
    tls_need_certificates();
    tcase_add_loop_test(pieces,
                        a_conversation_is_the_same_in_pieces_of_any_size, 0, 2);
    tcase_add_loop_test(
        pieces, t14_a_connection_cut_at_any_byte_is_never_a_good_end, 0, 2);
    tcase_add_loop_test(pieces, a_changed_byte_never_changes_what_is_told, 0,
                        2);
    tcase_add_test(pieces,
                   an_idle_session_leaves_its_block_to_the_next_that_needs_one);
    tcase_add_test(pieces, every_allocation_of_ours_may_fail);
    tcase_add_loop_test(agreed, t13_a_protocol_is_agreed_upon_or_refused, 0,
                        sizeof alpns / sizeof alpns[0]);
    tcase_add_test(
        agreed, t12_the_name_that_is_verified_is_announced_and_no_address_is);
    tcase_add_loop_test(
        agreed, t17_nothing_before_tls_1_2_is_spoken_whatever_is_asked_for, 0,
        sizeof too_old / sizeof too_old[0]);
    tcase_add_test(open, t16_keys_are_changed_while_bytes_go_both_ways);
    tcase_add_test(open,
                   t16_another_handshake_is_refused_and_the_session_goes_on);
    tcase_add_test(open, t16_who_asks_for_it_without_end_is_left);
    tcase_add_loop_test(
        open, a_reader_with_little_room_is_told_that_there_is_more, 0, 2);
    tcase_add_loop_test(ends, t14_a_word_of_the_end_is_told_as_one, 0, 2);
    tcase_add_loop_test(ends, t15_plain_bytes_behind_the_end_are_the_end_of_all,
                        0, 2);
    tcase_add_loop_test(
        ends, t14_a_fatal_alert_is_a_failure_with_the_peers_word, 0, 2);
    return support_main("TLS sessions", cases, sizeof cases / sizeof *cases);
}
