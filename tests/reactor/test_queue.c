/* SPDX-License-Identifier: MIT */
/*
 * The queue alone: whatever is added, in whatever way, comes out in order and
 * in pieces of any size, and each owner is told once.
 */
#include <stdlib.h>
#include <string.h>

#include "reactor/queue.h"
#include "tests/support/support.h"

enum { MOST = 64 * 1024 };

typedef struct world {
    thrum_context *context;
    thrum__queue queue;
    char *model; /* what must come out */
    size_t size;
    unsigned owned, released;
    uint32_t dice;
} world;

static world *here;

static unsigned roll(unsigned sides)
{
    here->dice = here->dice * 1664525 + 1013904223;
    return (here->dice >> 8) % sides;
}

static void world_start(world *self, uint32_t seed)
{
    *self = (world){.context = support_context(), .dice = seed};
    self->model = malloc(MOST);
    thrum__queue_init(&self->queue, self->context);
    here = self;
}

static void world_end(world *self)
{
    thrum__queue_fini(&self->queue);
    ck_assert_uint_eq(self->released, self->owned);
    support_context_end(self->context);
    free(self->model);
}

static void release(void *owner)
{
    free(owner);
    here->released++;
}

static void expect(const char *bytes, size_t size)
{
    memcpy(here->model + here->size, bytes, size);
    here->size += size;
    ck_assert_uint_eq(here->queue.size, here->size);
}

static void some(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)roll(256);
}

static void add_copy(size_t size)
{
    char bytes[9000];

    some(bytes, size);
    ck_assert_int_eq(thrum__queue_append(&here->queue, bytes, size), 0);
    expect(bytes, size);
}

static void add_owned(size_t size)
{
    char *bytes = malloc(size);

    some(bytes, size);
    here->owned++;
    ck_assert_int_eq(
        thrum__queue_own(&here->queue, bytes, size, bytes, release), 0);
    expect(bytes, size);
}

static void add_buffer(size_t size, thrum_context *context)
{
    char bytes[9000];
    thrum_buffer buffer;

    some(bytes, size);
    thrum_buffer_init(&buffer, context, 9000);
    thrum_buffer_append(&buffer, bytes, size);
    ck_assert_int_eq(thrum__queue_take(&here->queue, &buffer), 0);
    ck_assert_uint_eq(buffer.size, 0);
    ck_assert_uint_eq(buffer.cap, 9000);
    thrum_buffer_fini(&buffer);
    expect(bytes, size);
}

/* Takes out what `most` parts of `limit` bytes give, and of that `share`. */
static void send_some(int most, size_t limit, size_t share)
{
    struct iovec parts[8];
    int count = thrum__queue_parts(&here->queue, parts, most, limit);
    size_t at = 0, sent;

    ck_assert_int_le(count, most);
    for (int i = 0; i < count; i++) {
        ck_assert_uint_gt(parts[i].iov_len, 0);
        ck_assert_mem_eq(parts[i].iov_base, here->model + at, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    ck_assert_uint_le(at, limit);
    ck_assert(at > 0 || here->size == 0);
    sent = share < at ? share : at;
    thrum__queue_consume(&here->queue, sent);
    here->size -= sent;
    memmove(here->model, here->model + sent, here->size);
    ck_assert_uint_eq(here->queue.size, here->size);
    thrum__queue_release(&here->queue);
}

START_TEST(whatever_is_added_comes_out_in_order)
{
    thrum_context *other = support_context();
    world self;

    world_start(&self, (uint32_t)_i + 1);
    for (int i = 0; i < 3000; i++) {
        size_t size = roll(6) == 0 ? 1 + roll(9000 - 1) : 1 + roll(30);
        unsigned move = roll(8);

        if (move < 4 || self.size + size > MOST)
            send_some(1 + (int)roll(8), 1 + roll(5000), 1 + roll(5000));
        else if (move == 4)
            add_copy(size);
        else if (move == 5)
            add_owned(size);
        else if (move == 6)
            add_buffer(size, self.context);
        else
            add_buffer(size, other);
    }
    while (self.size > 0)
        send_some(8, 5000, 5000);
    ck_assert_uint_eq(self.released, self.owned);
    ck_assert_uint_gt(self.owned, 100);
    world_end(&self);
    support_context_end(other);
}
END_TEST

/* Each split of a copy, an owned piece, a buffer and a copy again. */
START_TEST(parts_may_be_cut_at_every_offset)
{
    for (size_t cut = 1; cut <= 40; cut++) {
        world self;

        world_start(&self, 7);
        add_copy(10);
        add_owned(10);
        add_buffer(10, self.context);
        add_copy(10);
        send_some(8, 40, cut);
        while (self.size > 0)
            send_some(8, cut, cut);
        world_end(&self);
    }
}
END_TEST

START_TEST(a_large_buffer_is_taken_without_a_copy_behind_others)
{
    thrum_buffer buffer;
    struct iovec parts[3];
    const char *bytes;
    world self;

    world_start(&self, 1);
    add_copy(10);
    thrum_buffer_init(&buffer, self.context, SIZE_MAX);
    bytes = thrum_buffer_reserve(&buffer, 5000);
    memset(buffer.data, 'x', 5000);
    thrum_buffer_commit(&buffer, 5000);
    ck_assert_int_eq(thrum__queue_take(&self.queue, &buffer), 0);
    ck_assert_int_eq(thrum__queue_parts(&self.queue, parts, 3, SIZE_MAX), 2);
    ck_assert_uint_eq(parts[0].iov_len, 10);
    ck_assert_ptr_eq(parts[1].iov_base, bytes);
    ck_assert_uint_eq(parts[1].iov_len, 5000);
    thrum_buffer_fini(&buffer);
    world_end(&self);
}
END_TEST

START_TEST(small_writes_make_one_part)
{
    struct iovec parts[3];
    world self;

    world_start(&self, 1);
    for (int i = 0; i < 100; i++)
        add_copy(7);
    add_buffer(100, self.context);
    ck_assert_int_eq(thrum__queue_parts(&self.queue, parts, 3, SIZE_MAX), 1);
    ck_assert_uint_eq(parts[0].iov_len, 800);
    world_end(&self);
}
END_TEST

START_TEST(an_empty_queue_gives_its_memory_back)
{
    size_t blocks;
    world self;

    world_start(&self, 1);
    blocks = thrum_context_blocks(self.context);
    for (int i = 0; i < 7; i++)
        add_copy(9000);
    send_some(8, MOST, MOST);
    ck_assert_uint_eq(thrum_context_blocks(self.context), blocks);
    world_end(&self);
}
END_TEST

START_TEST(what_is_cleared_is_released)
{
    world self;

    world_start(&self, 1);
    for (int i = 0; i < 9; i++) {
        add_copy(10);
        add_owned(20);
    }
    thrum__queue_clear(&self.queue);
    ck_assert_uint_eq(self.queue.size, 0);
    ck_assert_uint_eq(self.released, 0);
    thrum__queue_release(&self.queue);
    ck_assert_uint_eq(self.released, 9);
    world_end(&self);
}
END_TEST

/* ---- Owners that write again ---- */

static void add_more(void *left)
{
    here->released++;
    if (--*(int *)left <= 0)
        return;
    here->owned++;
    ck_assert_int_eq(thrum__queue_own(&here->queue, "x", 1, left, add_more), 0);
    expect("x", 1);
}

START_TEST(an_owner_may_add_more_when_it_is_released)
{
    int left = 5;
    world self;

    world_start(&self, 1);
    self.owned++;
    ck_assert_int_eq(thrum__queue_own(&self.queue, "x", 1, &left, add_more), 0);
    expect("x", 1);
    while (self.size > 0)
        send_some(8, 8, 8);
    ck_assert_int_eq(left, 0);
    world_end(&self);
}
END_TEST

/* ---- No memory ---- */

static void scenario_counts(void *released)
{
    ++*(int *)released;
}

/* What is refused changes nothing, and stays the caller's. */
static void scenario(void)
{
    thrum_context *context = support_context();
    int released = 0, expected = 0;
    size_t size = 0;
    thrum__queue queue;
    thrum_buffer buffer;

    if (context == NULL)
        return;
    thrum__queue_init(&queue, context);
    thrum_buffer_init(&buffer, context, 9000);
    for (int i = 0; i < 3; i++) {
        if (thrum__queue_append(&queue, "abc", 3) == 0)
            size += 3;
        if (thrum__queue_own(&queue, "defg", 4, &released, scenario_counts) ==
            0) {
            size += 4;
            expected++;
        }
        if (thrum_buffer_reserve(&buffer, 5000) != NULL)
            thrum_buffer_commit(&buffer, 5000 - buffer.size);
        if (buffer.size > 0 && thrum__queue_take(&queue, &buffer) == 0)
            size += 5000;
        ck_assert_uint_eq(queue.size, size);
    }
    thrum_buffer_fini(&buffer);
    thrum__queue_fini(&queue);
    ck_assert_int_eq(released, expected);
    support_context_end(context);
}

START_TEST(every_allocation_may_fail)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *queue = tcase_create("queue");
    TCase *const cases[] = {queue};

    tcase_add_loop_test(queue, whatever_is_added_comes_out_in_order, 0, 10);
    tcase_add_test(queue, parts_may_be_cut_at_every_offset);
    tcase_add_test(queue, a_large_buffer_is_taken_without_a_copy_behind_others);
    tcase_add_test(queue, small_writes_make_one_part);
    tcase_add_test(queue, an_empty_queue_gives_its_memory_back);
    tcase_add_test(queue, what_is_cleared_is_released);
    tcase_add_test(queue, an_owner_may_add_more_when_it_is_released);
    tcase_add_test(queue, every_allocation_may_fail);
    return support_main("queue", cases, 1);
}
