/* SPDX-License-Identifier: MIT */
/*
 * The mailer's connections, and how it ends: as test_mailer.c, against a peer
 * in the same loop.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/smtp/post.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

static post box;

static const peer_config kind;
static const thrum_mailer_config four = {.connections = 4};

/* Every letter that was accepted, and no other, was taken: and once. */
static void expect_taken(void)
{
    for (int number = 1; number <= box.sent; number++)
        ck_assert_int_eq(box.peer.taken[number], box.fates[number - 1] == 'A');
    ck_assert_uint_eq(box.peer.early, 0);
}

/* ---- Connections ---- */

START_TEST(connections_are_opened_as_load_demands_two_at_first)
{
    static const struct {
        int letters;
        size_t connections;
    } loads[] = {{1, 1}, {2, 1}, {3, 2}, {5, 2}, {100, 4}};

    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        ck_assert(post_open(&box, &kind, &four));
        post_send(&box, loads[i].letters);
        post_run(&box);
        ck_assert_uint_eq(box.peer.served, loads[i].connections);
        post_expect(&box, post_all('A', loads[i].letters));
    }
}
END_TEST

static void send_next(post *self, int number)
{
    if (number < 20)
        post_send(self, 1);
}

START_TEST(a_connection_is_kept_and_used_again)
{
    ck_assert(post_open(&box, &kind, &four));
    box.on_end = send_next;
    post_send(&box, 1);
    post_run(&box);
    expect_taken();
    ck_assert_uint_eq(box.peer.served, 1);
    post_expect(&box, post_all('A', 20));
}
END_TEST

static void text_of_lines(thrum_message *letter, size_t lines)
{
    size_t size = lines * 60;
    char *text = malloc(size);

    memset(text, 'x', size);
    for (size_t i = 59; i < size; i += 60)
        text[i] = '\n';
    thrum_message_set_text(letter, text, size);
    free(text);
}

START_TEST(a_letter_larger_than_what_a_stream_takes_at_once_arrives_whole)
{
    ck_assert(post_open(&box, &kind, &four));
    box.expected = 3;
    for (int i = 1; i <= 3; i++) {
        thrum_message *letter = script_letter(box.context, i, 1);

        text_of_lines(letter, 200000);
        post_send_letter(&box, letter);
    }
    post_run(&box);
    expect_taken();
    ck_assert_uint_ge(box.peer.largest, 200000 * 61);
    ck_assert_uint_ge(thrum_mailer_get_stats(box.mailer).bytes,
                      3 * 200000 * 61);
    post_expect(&box, "AAA");
}
END_TEST

enum { LONG_LINES = 400000, OTHERS = 100 };

static uint64_t sent_meanwhile;

/* One more stands behind the long one. */
static void resume_at_last_other(post *self, int number)
{
    (void)number;
    if (self->ended != OTHERS - 1 || self->peer.paused == NULL)
        return;
    sent_meanwhile = thrum_mailer_get_stats(self->mailer).bytes;
    ck_assert_int_eq(self->fates[0], '.');
    thrum_stream_resume(self->peer.paused);
}

/* "P7": and no more of its letter is taken than the kernel holds. */
START_TEST(P7_a_peer_that_does_not_read_holds_up_its_own_connection_alone)
{
    thrum_message *letter;

    sent_meanwhile = 0;
    ck_assert(post_open(&box, &(peer_config){.pauses = true},
                        &(thrum_mailer_config){.connections = 2}));
    box.on_end = resume_at_last_other;
    box.expected = 1;
    letter = script_letter(box.context, 1, 1);
    text_of_lines(letter, LONG_LINES);
    post_send_letter(&box, letter);
    post_send(&box, OTHERS);
    post_run(&box);
    expect_taken();
    ck_assert_uint_gt(sent_meanwhile, 0);
    ck_assert_uint_lt(sent_meanwhile, LONG_LINES * 61 / 2);
    ck_assert_uint_ge(box.peer.largest, LONG_LINES * 61);
    post_expect(&box, post_all('A', 1 + OTHERS));
}
END_TEST

/* As Dovecot's submission does, which delivers the message first. */
static const struct {
    bool chunking;
    int doubtful;
} brittle[] = {{false, 1}, {true, 4}};

START_TEST(a_server_that_dies_of_what_is_behind_a_message_does_so_once)
{
    int doubtful = 0;

    ck_assert(post_open(
        &box, &(peer_config){.brittle = true, .chunking = brittle[_i].chunking},
        &(thrum_mailer_config){.connections = 8}));
    post_send(&box, 200);
    post_run(&box);
    for (int i = 0; i < 200; i++) {
        doubtful += box.fates[i] == 'D';
        ck_assert(box.fates[i] == 'A' || box.fates[i] == 'D');
        ck_assert_int_le(box.peer.taken[i + 1], 1);
        if (box.fates[i] == 'A')
            ck_assert_int_eq(box.peer.taken[i + 1], 1);
    }
    ck_assert_int_ge(doubtful, 1);
    ck_assert_int_le(doubtful, brittle[_i].doubtful);
    post_free(&box);
}
END_TEST

/* As Exim leaves: RSET ends what was refused as a whole. */
static const struct {
    bool chunking;
    int refuse; /* every nth */
    thrum_mailer_config mailer;
} fed_up[] = {
    {false, 1, {.connections = 1, .mode = THRUM_SMTP_MODE_LOCKSTEP}},
    {false, 1, {.connections = 1, .mode = THRUM_SMTP_MODE_PIPELINED}},
    {false, 1, {.connections = 1}},
    {true, 1, {.connections = 1}},
    {true, 2, {.connections = 1}},
    {true, 3, {.connections = 2}},
    {true, 2, {.connections = 1, .window = 2}},
    {true, 3, {.connections = 1, .window = 8}},
    {true, 5, {.connections = 1, .window = 16}},
};

START_TEST(P8_a_connection_is_left_before_the_server_leaves_it_for_its_RSETs)
{
    const peer_config config = {.resets = 10,
                                .chunking = fed_up[_i].chunking,
                                .refuse_rcpt = fed_up[_i].refuse};
    char fates[PEER_MESSAGES] = {0};

    for (int i = 0; i < 120; i++)
        fates[i] = (i + 1) % fed_up[_i].refuse == 0 ? 'R' : 'A';
    ck_assert(post_open(&box, &config, &fed_up[_i].mailer));
    post_send(&box, 120);
    post_run(&box);
    expect_taken();
    ck_assert_uint_eq(box.peer.fed_up, 0);
    ck_assert_uint_gt(box.peer.served, 1);
    ck_assert_uint_eq(box.peer.quits, box.peer.served);
    post_expect(&box, fates);
}
END_TEST

START_TEST(a_mailer_counts_what_it_did)
{
    thrum_mailer_stats stats;

    ck_assert(post_open(&box, &(peer_config){.refuse_dot = 2}, &four));
    post_send(&box, 11);
    post_run(&box);
    stats = thrum_mailer_get_stats(box.mailer);
    ck_assert_uint_eq(stats.accepted, 6);
    ck_assert_uint_eq(stats.failed, 5);
    ck_assert_uint_eq(stats.connections, box.peer.served);
    ck_assert_uint_eq(stats.secured, 0);
    ck_assert_uint_gt(stats.bytes, 11 * 100);
    /* A greeting, EHLO and QUIT for each connection, and four for a letter. */
    ck_assert_uint_eq(stats.replies, 3 * box.peer.served + 4 * 11);
    ck_assert_uint_ge(stats.writes, 11);
    ck_assert_uint_le(stats.writes, 2 * box.peer.served + 2 * 11);
    post_free(&box);
}
END_TEST

/* ---- Cancelling ---- */

START_TEST(cancelling_takes_back_what_has_not_begun)
{
    ck_assert(post_open(&box, &kind, &four));
    post_send(&box, 4);
    thrum_deferred_cancel(box.deferred[2]);
    thrum_deferred_cancel(box.deferred[4]);
    ck_assert_str_eq(box.fates, ".X.X");
    post_run(&box);
    expect_taken();
    post_expect(&box, "AXAX");
}
END_TEST

static void cancel_second(post *self, int number)
{
    if (number == 1)
        thrum_deferred_cancel(self->deferred[2]);
}

START_TEST(one_that_the_server_waits_for_is_not_sent_and_the_others_are)
{
    ck_assert(post_open(&box, &kind, &(thrum_mailer_config){.connections = 1}));
    box.on_end = cancel_second;
    post_send(&box, 3);
    post_run(&box);
    expect_taken();
    ck_assert_uint_eq(thrum_mailer_get_stats(box.mailer).accepted, 2);
    ck_assert_uint_eq(thrum_mailer_get_stats(box.mailer).failed, 1);
    post_expect(&box, "AXA");
}
END_TEST

/* ---- Closing and freeing ---- */

static thrum_outcome note(void *nothing, void *noted)
{
    (void)nothing;
    *(bool *)noted = true;
    return thrum_done();
}

START_TEST(closing_a_mailer_that_did_nothing_is_answered_in_the_next_turn)
{
    thrum_deferred *closed;
    bool noted = false;

    ck_assert(post_open(&box, &kind, &four));
    post_stop_peer(&box);
    closed = thrum_mailer_close(box.mailer);
    thrum_deferred_add(closed, note, NULL, &noted, NULL);
    thrum_deferred_finish(closed);
    ck_assert(!noted);
    post_run(&box);
    ck_assert(noted);
    post_free(&box);
}
END_TEST

static void close_at_first(post *self, int number)
{
    thrum_deferred *again;

    if (number != 1)
        return;
    again = thrum_mailer_close(self->mailer);
    thrum_deferred_finish(again);
    post_send(self, 1); /* too late */
}

START_TEST(closing_sends_what_waits_and_takes_no_more)
{
    char fates[32];

    ck_assert(post_open(&box, &kind, &(thrum_mailer_config){.connections = 1}));
    box.on_end = close_at_first;
    post_send(&box, 20);
    post_run(&box);
    ck_assert_int_eq(peer_taken(&box.peer), 20);
    ck_assert_int_eq(box.closed, 1);
    snprintf(fates, sizeof fates, "%sC", post_all('A', 20));
    post_expect(&box, fates);
}
END_TEST

static void cancel_and_close(void *ctx)
{
    post *self = ctx;

    thrum_deferred_cancel(self->deferred[1]);
}

START_TEST(a_connection_that_is_not_ready_yet_is_closed_at_once)
{
    ck_assert(post_open(&box, &kind, &four));
    box.peer.on_ehlo = cancel_and_close;
    box.peer.ctx = &box;
    post_send(&box, 1);
    post_run(&box);
    ck_assert_int_eq(box.closed, 1);
    ck_assert_uint_eq(box.peer.quits, 0);
    post_expect(&box, "X");
}
END_TEST

/* The call that would tell of the letters is dropped with the reactor's clock:
 * they end there and then. */
START_TEST(letters_that_end_with_the_reactor_may_give_each_other_up)
{
    ck_assert(post_open(&box, &kind, &four));
    box.on_end = cancel_second;
    post_send(&box, 3);
    box.expected = -1;
    post_free(&box);
    ck_assert_str_eq(box.fates, "CCC");
}
END_TEST

static void free_at_second(post *self, int number)
{
    if (number != 2)
        return;
    thrum_mailer_free(self->mailer);
    self->mailer = NULL;
    self->expected = -1;
    post_stop_peer(self);
}

START_TEST(a_mailer_may_be_freed_from_where_a_letter_ended)
{
    int counts[128] = {0};

    ck_assert(post_open(&box, &kind, &(thrum_mailer_config){.connections = 2}));
    box.on_end = free_at_second;
    post_send(&box, 50);
    post_run(&box);
    ck_assert_int_eq(box.ended, 50);
    for (int i = 0; i < 50; i++)
        counts[(int)box.fates[i]]++;
    ck_assert_int_ge(counts['A'], 2);
    ck_assert_int_le(counts['A'], 4);
    ck_assert_int_le(counts['D'], 2);
    ck_assert_int_eq(counts['A'] + counts['D'] + counts['C'], 50);
    post_free(&box);
}
END_TEST

static void free_now(post *self, int number)
{
    (void)number;
    thrum_mailer_free(self->mailer);
    self->mailer = NULL;
    self->expected = -1;
    post_stop_peer(self);
}

START_TEST(a_connection_with_nothing_under_way_says_QUIT_when_it_is_freed)
{
    ck_assert(post_open(&box, &kind, &four));
    box.on_end = free_now;
    post_send(&box, 1);
    post_run(&box);
    ck_assert_uint_eq(box.peer.quits, 1);
    post_expect(&box, "A");
}
END_TEST

START_TEST(what_waits_when_a_mailer_is_freed_fails_in_the_next_turn)
{
    ck_assert(post_open(&box, &kind, &four));
    post_send(&box, 3);
    box.expected = -1;
    thrum_mailer_free(box.mailer);
    box.mailer = NULL;
    ck_assert_str_eq(box.fates, "...");
    post_stop_peer(&box);
    post_run(&box);
    ck_assert_uint_eq(box.peer.served, 0);
    post_expect(&box, "CCC");
}
END_TEST

START_TEST(who_waits_for_the_close_of_a_mailer_that_is_freed_is_answered)
{
    thrum_deferred *closed;
    bool noted = false;

    ck_assert(post_open(&box, &kind, &four));
    post_send(&box, 3);
    box.expected = -1;
    closed = thrum_mailer_close(box.mailer);
    thrum_deferred_add(closed, note, NULL, &noted, NULL);
    thrum_deferred_finish(closed);
    thrum_mailer_free(box.mailer);
    box.mailer = NULL;
    ck_assert(!noted);
    post_stop_peer(&box);
    post_run(&box);
    ck_assert(noted);
    post_expect(&box, "CCC");
}
END_TEST

START_TEST(a_reactor_that_ends_leaves_no_letter_without_its_end)
{
    ck_assert(post_open(&box, &(peer_config){.mute = true}, &four));
    post_send(&box, 5);
    box.expected = -1;
    thrum_mailer_free(box.mailer);
    box.mailer = NULL;
    post_free(&box);
    ck_assert_str_eq(box.fates, "CCCCC");
}
END_TEST

/* ---- Memory ---- */

static void scenario_post(void)
{
    if (post_open(&box, &(peer_config){.refuse_rcpt = 3},
                  &(thrum_mailer_config){.connections = 2})) {
        post_send(&box, 4);
        if (box.ended >= box.expected)
            post_stop_peer(&box);
        post_run(&box);
    }
    for (int i = 0; i < box.sent; i++) {
        ck_assert_int_ne(box.fates[i], '.');
        if (box.fates[i] == 'A')
            ck_assert_int_eq(box.peer.taken[i + 1], 1);
    }
    post_free(&box);
    support_unhandled();
}

START_TEST(a_mailer_survives_every_failing_allocation)
{
    alarm(60);
    support_every_allocation(scenario_post);
    alarm(0);
}
END_TEST

static TCase *case_of_connections(void)
{
    TCase *all = tcase_create("connections");

    tcase_set_timeout(all, 60); /* long letters, within sanitizers */

    tcase_add_test(all, connections_are_opened_as_load_demands_two_at_first);
    tcase_add_test(all, a_connection_is_kept_and_used_again);
    tcase_add_test(
        all, a_letter_larger_than_what_a_stream_takes_at_once_arrives_whole);
    tcase_add_test(
        all, P7_a_peer_that_does_not_read_holds_up_its_own_connection_alone);
    tcase_add_loop_test(
        all, a_server_that_dies_of_what_is_behind_a_message_does_so_once, 0, 2);
    tcase_add_loop_test(
        all, P8_a_connection_is_left_before_the_server_leaves_it_for_its_RSETs,
        0, (int)(sizeof fed_up / sizeof fed_up[0]));
    tcase_add_test(all, a_mailer_counts_what_it_did);
    tcase_add_test(all, cancelling_takes_back_what_has_not_begun);
    tcase_add_test(
        all, one_that_the_server_waits_for_is_not_sent_and_the_others_are);
    return all;
}

static TCase *case_of_the_end(void)
{
    TCase *all = tcase_create("the end");

    tcase_add_test(
        all, closing_a_mailer_that_did_nothing_is_answered_in_the_next_turn);
    tcase_add_test(all, closing_sends_what_waits_and_takes_no_more);
    tcase_add_test(all, a_connection_that_is_not_ready_yet_is_closed_at_once);
    tcase_add_test(all,
                   letters_that_end_with_the_reactor_may_give_each_other_up);
    tcase_add_test(all, a_mailer_may_be_freed_from_where_a_letter_ended);
    tcase_add_test(
        all, a_connection_with_nothing_under_way_says_QUIT_when_it_is_freed);
    tcase_add_test(all,
                   what_waits_when_a_mailer_is_freed_fails_in_the_next_turn);
    tcase_add_test(all, a_reactor_that_ends_leaves_no_letter_without_its_end);
    tcase_add_test(all, a_mailer_survives_every_failing_allocation);
    tcase_add_test(
        all, who_waits_for_the_close_of_a_mailer_that_is_freed_is_answered);
    return all;
}

int main(void)
{
    TCase *cases[] = {case_of_connections(), case_of_the_end()};

    return support_main("mailer's end", cases, 2);
}
