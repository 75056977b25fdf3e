/* SPDX-License-Identifier: MIT */
/*
 * A million of everything on a stack of 64 KiB. (Under AddressSanitizer, whose
 * frames are larger, sixteen times that: still nothing for a recursion.)
 */
#include <stdlib.h>

#include <thrum/deferred_list.h>
#include <thrum/semaphore.h>

#include "tests/deferred/chain.h"

enum { MILLION = 1000000, STACK = 65536 };

static thrum_context *context;

/* ---- Each waits for the next ---- */

enum order { HEAD_FIRST, TAIL_FIRST, EVEN_FIRST, EVEN_FIRST_BACK, SHUFFLED };
enum ending { FIRED, FAILED, CANCELLED, LET_GO };

static void link_up(thrum_deferred **d, enum order order)
{
    int last = MILLION - 2;

    for (int i = 0; order == HEAD_FIRST && i <= last; i++)
        thrum_deferred_fire(d[i], NULL, NULL);
    for (int i = last; order == TAIL_FIRST && i >= 0; i--)
        thrum_deferred_fire(d[i], NULL, NULL);
    for (int odd = 0; order == EVEN_FIRST && odd < 2; odd++)
        for (int i = odd; i <= last; i += 2)
            thrum_deferred_fire(d[i], NULL, NULL);
    /* Each of the second half is waited for, and waits for a long chain. */
    for (int odd = 0; order == EVEN_FIRST_BACK && odd < 2; odd++)
        for (int i = last - odd; i >= 0; i -= 2)
            thrum_deferred_fire(d[i], NULL, NULL);
    /* 7,919 is prime to a million: every link is met once. */
    for (int64_t i = 0; order == SHUFFLED && i < MILLION; i++)
        if (i * 7919 % MILLION <= last)
            thrum_deferred_fire(d[i * 7919 % MILLION], NULL, NULL);
}

static void end_with(thrum_deferred *head, thrum_deferred *tail,
                     enum ending ending)
{
    if (ending == FIRED)
        thrum_deferred_fire(tail, "x", NULL);
    else if (ending == FAILED)
        thrum_deferred_fail(tail, chain_failure(context, "x"));
    else if (ending == CANCELLED)
        thrum_deferred_cancel(head);
    if (ending == CANCELLED)
        thrum_deferred_fire(tail, NULL, NULL); /* late */
    if (ending == LET_GO)
        thrum_deferred_unref(tail);
    thrum_deferred_finish(head);
}

static void chain_of_a_million(enum order order, enum ending ending)
{
    thrum_deferred **d = calloc(MILLION, sizeof *d);

    for (int i = 0; i < MILLION; i++)
        d[i] = thrum_deferred_new(context, "link");
    for (int i = 0; i < MILLION - 1; i++)
        thrum_deferred_add(d[i], answer_wait, NULL, d[i + 1], NULL);
    thrum_deferred_add(d[0], trace_value, trace_failure, "end", NULL);
    link_up(d, order);
    ck_assert_str_eq(trace_take(), "");
    end_with(d[0], d[MILLION - 1], ending);
    free(d);
}

static void chains(void)
{
    static const char *const traces[] = {"end=x ", "end!x ", "end!cancelled ",
                                         "end!abandoned by its producer "};

    for (int order = HEAD_FIRST; order <= SHUFFLED; order++)
        for (int ending = FIRED; ending <= LET_GO; ending++) {
            chain_of_a_million(order, ending);
            ck_assert_str_eq(trace_take(), traces[ending]);
        }
}

START_TEST(a_million_wait_for_each_other)
{
    on_small_stack_with(&context, chains, STACK);
}
END_TEST

/* ---- Lists of lists ---- */

static void lists_in_lists(unsigned flags, enum ending ending, int depth,
                           bool callbacks)
{
    thrum_deferred *first = thrum_deferred_new(context, "member");
    thrum_deferred *d = first;

    for (int i = 0; i < depth; i++) {
        thrum_deferred *list, *member = d;

        list = thrum_deferred_list(context, &member, 1, flags);
        if (callbacks) /* behind that of the list, which leaves it a failure */
            thrum_deferred_add(member, NULL, NULL, NULL, NULL);
        d = list;
    }
    end_with(d, first, ending);
}

static void nested(void)
{
    for (int ending = FIRED; ending <= LET_GO; ending++) {
        lists_in_lists(0, ending, MILLION, false);
        lists_in_lists(THRUM_LIST_CONSUME_ERRORS |
                           THRUM_LIST_FIRE_ON_ONE_CALLBACK,
                       ending, MILLION, true);
    }
    /* A failure in a failure in a failure: the text of each is 1,000 bytes. */
    for (int ending = FAILED; ending <= CANCELLED; ending++)
        lists_in_lists(THRUM_LIST_FIRE_ON_ONE_ERRBACK, ending, MILLION / 20,
                       true);
}

START_TEST(a_million_lists_in_each_other)
{
    on_small_stack_with(&context, nested, STACK);
}
END_TEST

static void one_list(void)
{
    thrum_deferred **d = calloc(MILLION, sizeof *d), *list;

    for (int ending = FIRED; ending <= LET_GO; ending++) {
        for (int i = 0; i < MILLION; i++)
            d[i] = thrum_deferred_new(context, "member");
        list =
            thrum_deferred_list(context, d, MILLION, THRUM_LIST_CONSUME_ERRORS);
        if (ending == CANCELLED)
            thrum_deferred_cancel(list);
        for (int i = MILLION; i-- > 0;)
            if (ending == FIRED)
                thrum_deferred_fire(d[i], NULL, NULL);
            else
                thrum_deferred_abandon(d[i]);
        thrum_deferred_finish(list);
    }
    free(d);
}

START_TEST(a_million_members_of_one_list)
{
    on_small_stack_with(&context, one_list, STACK);
}
END_TEST

/* ---- One with a million callbacks; a million for one token ---- */

static int calls;

static thrum_outcome count_call(void *value, void *ctx)
{
    (void)value;
    if (ctx != NULL)
        thrum_semaphore_release(ctx);
    calls++;
    return thrum_keep();
}

static void callbacks(void)
{
    thrum_deferred *d = thrum_deferred_new(context, "d");

    calls = 0;
    for (int i = 0; i < MILLION; i++)
        thrum_deferred_add(d, count_call, NULL, NULL, NULL);
    thrum_deferred_fire(d, NULL, NULL);
    thrum_deferred_finish(d);
    ck_assert_int_eq(calls, MILLION);
}

static void tokens(void)
{
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);

    calls = 0;
    thrum_deferred_finish(thrum_semaphore_acquire(semaphore));
    for (int i = 0; i < MILLION; i++) {
        thrum_deferred *d = thrum_semaphore_acquire(semaphore);

        thrum_deferred_add(d, count_call, NULL, semaphore, NULL);
        thrum_deferred_finish(d);
    }
    thrum_semaphore_release(semaphore);
    ck_assert_int_eq(calls, MILLION);
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    thrum_semaphore_free(semaphore);
}

START_TEST(a_million_callbacks_and_a_million_for_one_token)
{
    on_small_stack_with(&context, callbacks, STACK);
    on_small_stack_with(&context, tokens, STACK);
}
END_TEST

int main(void)
{
    TCase *million = tcase_create("million");

    tcase_set_timeout(million, 240);
    tcase_add_checked_fixture(million, trace_setup, NULL);
    tcase_add_test(million, a_million_wait_for_each_other);
    tcase_add_test(million, a_million_lists_in_each_other);
    tcase_add_test(million, a_million_members_of_one_list);
    tcase_add_test(million, a_million_callbacks_and_a_million_for_one_token);
    return support_main("million", &million, 1);
}
