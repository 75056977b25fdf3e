/* SPDX-License-Identifier: MIT */
/*
 * The peer with a script, where more is sent and expected than is kept or
 * queued, over TCP, UNIX sockets and memory.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/reactor/stage.h"

enum { MUCH = 700 * 1000 }; /* more than a peer keeps */

static char *pattern(size_t size)
{
    char *data = malloc(size);

    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 31 + i / 251);
    return data;
}

START_TEST(more_is_expected_than_a_peer_keeps)
{
    stage here;
    char *data = pattern(MUCH);

    stage_start(&here);
    thrum_test_peer_expect_bytes(here.peer, data, MUCH);
    stage_say_bytes(&here, data, MUCH);
    stage_expect_well(&here);
    free(data);
    stage_end(&here);
}
END_TEST

START_TEST(a_peer_that_nobody_plays_leaves_what_is_too_much_with_the_stream)
{
    stage here;
    char *data = pattern(MUCH);

    stage_start(&here);
    stage_say_bytes(&here, data, MUCH);
    stage_rest(&here);
    if (peer_over == PEER_MEMORY)
        ck_assert_uint_gt(thrum_stream_queued(here.stream), MUCH / 2);
    thrum_test_peer_expect_bytes(here.peer, data, MUCH);
    stage_expect_well(&here);
    free(data);
    stage_end(&here);
}
END_TEST

START_TEST(bytes_up_to_a_text_may_be_more_than_a_peer_keeps)
{
    stage here;
    char *data = malloc(MUCH);
    thrum_buffer got;

    memset(data, 'x', MUCH);
    memcpy(data + MUCH - 3, "end", 3);
    stage_start(&here);
    thrum_buffer_init(&got, here.context, SIZE_MAX);
    thrum_test_peer_expect_until(here.peer, "end", &got);
    stage_say_bytes(&here, data, MUCH);
    stage_expect_well(&here);
    ck_assert_uint_eq(got.size, MUCH);
    ck_assert_mem_eq(got.data, data, MUCH);
    thrum_buffer_fini(&got);
    free(data);
    stage_end(&here);
}
END_TEST

/* Whatever the queue allows: a reader that rests, a queue whose high mark is
 * its cap, pieces above the cap. */
static const struct {
    size_t low, high, cap, piece;
} queues[] = {{16 * 1024, 64 * 1024, 1024 * 1024, 0},
              {16 * 1024, 64 * 1024, 1024 * 1024, 50 * 1000},
              {0, 1000, 1000, 0},
              {999, 1000, 1000, 7000},
              {5, 10, 30 * 1000, 1000}};

START_TEST(more_is_sent_than_the_queue_takes_to_a_reader_that_rests)
{
    stage here;
    char *data = pattern(MUCH);

    stage_start(&here);
    stage_set_marks(&here, queues[_i].low, queues[_i].high, queues[_i].cap);
    thrum_test_peer_send_bytes(here.peer, data, MUCH, queues[_i].piece);
    thrum_stream_pause(here.stream);
    stage_play(&here);
    stage_rest(&here); /* it does not turn in vain */
    thrum_stream_resume(here.stream);
    STAGE_UNTIL(&here, here.data.size >= MUCH);
    ck_assert(here.over && here.well);
    ck_assert_uint_eq(here.data.size, MUCH);
    ck_assert_mem_eq(here.data.data, data, MUCH);
    free(data);
    stage_end(&here);
}
END_TEST

static void add_much(TCase *much)
{
    tcase_add_test(much, more_is_expected_than_a_peer_keeps);
    tcase_add_test(
        much, a_peer_that_nobody_plays_leaves_what_is_too_much_with_the_stream);
    tcase_add_test(much, bytes_up_to_a_text_may_be_more_than_a_peer_keeps);
    tcase_add_loop_test(
        much, more_is_sent_than_the_queue_takes_to_a_reader_that_rests, 0,
        sizeof queues / sizeof *queues);
}

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *much = tcase_create("much");
        TCase *const cases[] = {much};

        add_much(much);
        status |= support_main(peer_over_name("test_peer_much"), cases, 1);
    }
    return status;
}
