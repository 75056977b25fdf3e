/* SPDX-License-Identifier: MIT */
/*
 * The chain, by cases. A case is a line of words; a word is a Deferred (a
 * digit, made when first met) and what is done to it:
 *
 *     0+Nxy  add the pair N; its callback answers x, its errback y:
 *            k keep  d done  v value "N"  f failure "N"  t taken
 *            m a failure NULL  n wait for NULL  1..9 wait for that Deferred
 *            a add the pair n (kd) to the same one, c cancel it, . finish it,
 *            then keep;  - no function
 *     0*x    a canceller that answers s stopped, l late, or w fires, e fails,
 *            b abandons it itself, c cancels it once more and is late
 *     0=v    fire with the value "v"   0!v  fail with "v"   0~  abandon
 *     0/     cancel   0.  finish   0^  one more reference   0_  one less
 *
 * In the trace, "N=v" and "N!v" are calls of the pair's functions, "~v" is the
 * release of a value, "C" a canceller, "U!v" a failure that reached the hook.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/deferred/chain.h"

typedef struct play {
    thrum_context *context;
    thrum_deferred *d[10];
    int pairs, released;
} play;

typedef struct play_pair {
    play *owner;
    int who;
    char name, answer[2];
    int runs;
} play_pair;

static void play_add(play *self, int who, char name, const char *answers);

static thrum_deferred *play_get(play *self, int who)
{
    if (self->d[who] == NULL)
        self->d[who] = thrum_deferred_new(self->context, "play");
    return self->d[who];
}

static void note_char(char c)
{
    char text[2] = {c, '\0'};

    trace_note(text);
}

/* Values are blocks with their text. */
static void *text_of(char c)
{
    char *text = malloc(2);

    text[0] = c;
    text[1] = '\0';
    return text;
}

static void text_release(void *text)
{
    trace_release(text);
    free(text);
}

static thrum_outcome pair_answer(play_pair *pair, char answer)
{
    play *self = pair->owner;
    char name[2] = {pair->name, '\0'};

    ck_assert_int_eq(++pair->runs, 1);
    switch (answer) {
    case 'd':
        return thrum_done();
    case 't':
        return thrum_taken();
    case 'v':
        return thrum_value(text_of(pair->name), text_release);
    case 'f':
        return thrum_fail(chain_failure(self->context, name));
    case 'm':
        return thrum_fail(NULL);
    case 'n':
        return thrum_wait(NULL);
    case 'a':
        play_add(self, pair->who, pair->name + 32, "kd");
        return thrum_keep();
    case 'c':
        thrum_deferred_cancel(self->d[pair->who]);
        return thrum_keep();
    case '.':
        thrum_deferred_finish(self->d[pair->who]);
        return thrum_keep();
    case 'k':
        return thrum_keep();
    default:
        return thrum_wait(play_get(self, answer - '0'));
    }
}

static thrum_outcome pair_value(void *value, void *ctx)
{
    play_pair *pair = ctx;

    note_char(pair->name);
    trace_note("=");
    trace_note(value != NULL ? value : "none");
    trace_note(" ");
    if (pair->answer[0] == 't')
        free(value);
    return pair_answer(pair, pair->answer[0]);
}

static thrum_outcome pair_failure(const thrum_failure *why, void *ctx)
{
    play_pair *pair = ctx;

    note_char(pair->name);
    trace_note("!");
    trace_note(thrum_failure_text(why));
    trace_note(" ");
    return pair_answer(pair, pair->answer[1]);
}

static void pair_release(void *ctx)
{
    play_pair *pair = ctx;

    pair->owner->released++;
    free(pair);
}

static void play_add(play *self, int who, char name, const char *answers)
{
    play_pair *pair = malloc(sizeof *pair);

    *pair = (play_pair){self, who, name, {answers[0], answers[1]}, 0};
    self->pairs++;
    thrum_deferred_add(self->d[who], answers[0] != '-' ? pair_value : NULL,
                       answers[1] != '-' ? pair_failure : NULL, pair,
                       pair_release);
}

static thrum_cancelled play_cancel(thrum_deferred *d, void *ctx)
{
    const char *answer = ctx;

    trace_note("C ");
    if (*answer == 'w')
        thrum_deferred_fire(d, text_of('w'), text_release);
    else if (*answer == 'e')
        thrum_deferred_fail(d, thrum_failure_no_memory());
    else if (*answer == 'b')
        thrum_deferred_abandon(d);
    else if (*answer == 'c')
        thrum_deferred_cancel(d);
    return *answer == 's' ? THRUM_CANCELLED_STOPPED : THRUM_CANCELLED_LATE;
}

static void play_word(play *self, const char *word)
{
    int who = word[0] - '0';
    thrum_deferred *d = play_get(self, who);
    char why[2] = {word[2], '\0'};

    switch (word[1]) {
    case '+':
        play_add(self, who, word[2], word + 3);
        break;
    case '*':
        ck_assert_int_eq(
            thrum_deferred_on_cancel(d, play_cancel, (void *)(word + 2), NULL),
            0);
        break;
    case '=':
        thrum_deferred_fire(d, text_of(word[2]), text_release);
        break;
    case '!':
        thrum_deferred_fail(d, chain_failure(self->context, why));
        break;
    case '~':
        thrum_deferred_abandon(d);
        break;
    case '/':
        thrum_deferred_cancel(d);
        break;
    case '.':
        thrum_deferred_finish(d);
        break;
    case '^':
        thrum_deferred_ref(d);
        break;
    default:
        thrum_deferred_unref(d);
    }
}

typedef struct chain_case {
    const char *name, *words, *trace;
} chain_case;

static const chain_case cases[] = {
    {"a value runs down the chain", "0+Akk 0+Bkk 0=x 0.", "A=x B=x ~x "},
    {"a failure runs down the chain", "0+Akk 0+Bkk 0!x 0.", "A!x B!x U!x "},
    {"one that is fired runs what is added at once", "0=x 0+Akk 0+Bkk 0.",
     "A=x B=x ~x "},
    {"each function gets what is its", "0+A-k 0+Bk- 0+C-d 0=x 0.", "B=x ~x "},
    {"a failure passes callbacks by", "0+Ak- 0+Bk- 0+C-d 0!x 0.", "C!x "},
    {"a callback's value replaces the value", "0+Avk 0+Bkk 0=x 0.",
     "A=x ~x B=A ~A "},
    {"a callback's failure goes to the next errback",
     "0+Afk 0+Bkd 0+Ckk 0=x 0.", "A=x ~x B!A C=none "},
    {"an errback's value goes to the next callback", "0+Akv 0+Bkk 0!x 0.",
     "A!x B=A ~A "},
    {"an errback does not see the failure of its own pair's callback",
     "0+Afd 0+Bkd 0=x 0.", "A=x ~x B!A "},
    {"an errback may fail anew", "0+Akf 0+Bkd 0!x 0.", "A!x B!A "},
    {"done is no value", "0+Adk 0+Bkk 0=x 0.", "A=x ~x B=none "},
    {"a value that was taken is not released", "0+Atk 0+Bkk 0=x 0.",
     "A=x B=none "},
    {"an errback that takes has handled it", "0+Akt 0+Bkk 0!x 0.",
     "A!x B=none "},
    {"a failure NULL reads as out of memory", "0+Amk 0+Bkd 0=x 0.",
     "A=x ~x B!out of memory "},
    {"waiting for NULL reads as out of memory", "0+Ank 0+Bkd 0=x 0.",
     "A=x ~x B!out of memory "},
    {"a pair added by a callback runs after those that stand",
     "0+Aak 0+Bkk 0=x 0.", "A=x B=x a=x ~x "},
    {"a pair added by a late callback runs after it", "0=x 0+Aak 0.",
     "A=x a=x ~x "},
    {"finish before the result lets the callbacks run", "0+Akk 0. 0=x",
     "A=x ~x "},
    {"finish within a callback lets the others run", "0+A.k 0+Bkk 0=x",
     "A=x B=x ~x "},
    {"the second result is refused and released", "0=x 0=y 0!z 0~ 0.",
     "~y ~x "},
    {"one that is abandoned has failed", "0+Akd 0~ 0.",
     "A!abandoned by its producer "},
    {"a producer that only lets go has abandoned it", "0+Akd 0_ 0.",
     "A!abandoned by its producer "},
    {"nobody's failure reaches the hook", "0!x 0.", "U!x "},
    {"with the consumer gone it reaches the hook at once", "0. 0!x", "U!x "},
    {"a failure is kept for as long as anybody holds it", "0^ 0!x 0. 0+Akd 0_",
     "A!x "},

    {"the chain waits, and goes on with the other's value",
     "0+A1k 0+Bkk 0=x 1=y 0.", "A=x ~x B=y ~y "},
    {"the chain waits, and goes on with the other's failure",
     "0+A1k 0+Bkd 0=x 1!y 0.", "A=x ~x B!y "},
    {"one that is fired is not waited for", "1=y 0+A1k 0+Bkk 0=x 0.",
     "A=x ~x B=y ~y "},
    {"an errback may wait as well", "0+Ak1 0+Bkk 0!x 1=y 0.", "A!x B=y ~y "},
    {"what is added while it waits comes later", "0+A1k 0=x 0+Bkk 1=y 0.",
     "A=x ~x B=y ~y "},
    {"the other's own callbacks come first", "1+Ovk 0+A1k 0+Bkk 0=x 1=y 0.",
     "A=x ~x O=y ~y B=O ~O "},
    {"what was added behind one who waits gets none",
     "1^ 0+A1k 0=x 1+Okk 0+Bkk 1=y 0. 1_", "A=x ~x B=y O=none ~y "},
    {"those who wait go first, then what stands behind them",
     "1^ 1^ 0+A1k 0=x 1+Okk 1^ 2+P1k 2=y 1+Qkk 0+Bkk 2+Rkk 1=z 0. 2. 1_ 1_",
     "A=x ~x P=y ~y B=z O=none R=none Q=none ~z "},
    {"three that wait in a row", "0+A1k 1+B2k 0=x 1=y 0+Ckk 2=z 0.",
     "A=x ~x B=y ~y C=z ~z "},
    {"three in a row, fired from the end", "0+A1k 1+B2k 0+Ckk 2=z 1=y 0=x 0.",
     "B=y ~y A=x ~x C=z ~z "},
    {"it waits for two, one after the other",
     "0+A1k 0+B2k 0+Ckk 0=x 1=y 2=z 0.", "A=x ~x B=y ~y C=z ~z "},
    {"a result that moved away is not reported", "1^ 0+A1d 0+Bkd 0=x 1!y 1_ 0.",
     "A=x ~x B!y "},
    {"one that waits for itself fails", "0+A0k 0+Bkd 0=x",
     "A=x ~x B!a Deferred would wait for itself "},
    {"a ring of two fails where it closes", "0+A1k 0+Bkd 1+C0k 0=x 1=y",
     "A=x ~x C=y ~y B!a Deferred would wait for itself "},
    {"a ring of three fails where it closes",
     "0+A1k 0+Bkd 1+C2k 2+D0k 2=z 0=x 1=y",
     "D=z ~z A=x ~x C=y ~y B!a Deferred would wait for itself "},

    {"without a canceller it fails at once, and one late value is swallowed",
     "0+Akd 0/ 0=x 0.", "A!cancelled ~x "},
    {"and one late failure", "0+Akd 0/ 0!x 0.", "A!cancelled "},
    {"and one late silence", "0+Akd 0/ 0~ 0.", "A!cancelled "},
    {"a second late value is one too many", "0^ 0/ 0+Akd 0=x 0=y 0. 0_",
     "A!cancelled ~x ~y "},
    {"a late value after the consumer's last word", "0/ 0. 0=x",
     "~x U!cancelled "},
    {"a canceller that stopped the operation", "0*s 0+Akd 0/ 0.",
     "C A!cancelled "},
    {"a canceller that was late", "0*l 0+Akd 0/ 0=x 0.", "C A!cancelled ~x "},
    {"a canceller that fires", "0*w 0+Akd 0/ 0.", "C A=w ~w "},
    {"a canceller that fails", "0*e 0+Akd 0/ 0.", "C A!out of memory "},
    {"a canceller that abandons", "0*b 0+Akd 0/ 0.",
     "C A!abandoned by its producer "},
    {"a canceller that cancels again", "0*c 0+Akd 0/ 0=x 0.",
     "C A!cancelled ~x "},
    {"the second cancel is nothing", "0*s 0+Akd 0/ 0/ 0.", "C A!cancelled "},
    {"with its result there is nothing to cancel", "0*s 0+Akd 0=x 0/ 0.",
     "A=x ~x "},
    {"cancel reaches the one waited for", "1*s 0+A1k 0+Bkd 0=x 0/ 0.",
     "A=x ~x C B!cancelled "},
    {"cancel reaches the end of the row", "2*w 0+A1k 1+B2k 0+Ckd 0=x 1=y 0/ 0.",
     "A=x ~x B=y ~y C C=w ~w "},
    {"cancel does not reach one that will be waited for",
     "1*s 0*s 0+A1- 0+Bkd 0/ 1=y 0. 1.", "C B!cancelled ~y "},
    {"one that waits after its cancel can be cancelled again",
     "0+Ak1 0+Bkd 1*s 0/ 0/ 0~ 0.", "A!cancelled C B!cancelled "},
    {"cancel within a callback is nothing", "0+Ack 0+Bkd 0=x 0.",
     "A=x B=x ~x "},
    {"the consumer goes in a callback of the cancel", "0*s 0+Ak. 0/",
     "C A!cancelled U!cancelled "},
};

static void report_unhandled(void)
{
    unsigned count = support_unhandled();

    ck_assert_uint_le(count, 1);
    if (count > 0) {
        trace_note("U!");
        trace_note(support_unhandled_text());
        trace_note(" ");
    }
}

START_TEST(twisted_s_meaning_case_by_case)
{
    const chain_case *it = &cases[_i];
    play self = {.context = support_context()};
    const char *trace;

    for (const char *word = it->words; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ';
        play_word(&self, word);
    }
    report_unhandled();
    trace = trace_take();
    ck_assert_msg(strcmp(trace, it->trace) == 0, "%s: \"%s\", not \"%s\"",
                  it->name, trace, it->trace);
    ck_assert_msg(self.released == self.pairs, "%s: released %d of %d",
                  it->name, self.released, self.pairs);
    support_context_end(self.context);
}
END_TEST

START_TEST(an_unhandled_failure_names_the_operation_and_the_last_place)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "operation");
    int line = __LINE__ + 1;
    thrum_deferred_add(d, trace_value, NULL, "a", NULL);
    thrum_deferred_fail(d, chain_failure(context, "no room"));
    thrum_deferred_unref(d); /* no last word */
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_operation(), "operation");
    ck_assert_str_eq(support_unhandled_text(), "no room");
    ck_assert_int_eq(support_unhandled_line(), line);

    d = thrum_deferred_new(context, "other");
    thrum_deferred_fail(d, NULL);
    line = __LINE__ + 1;
    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_operation(), "other");
    ck_assert_str_eq(support_unhandled_text(), "out of memory");
    ck_assert_int_eq(support_unhandled_line(), line);
    support_context_end(context);
}
END_TEST

START_TEST(an_unhandled_failure_is_told_of_by_the_one_it_moved_to)
{
    thrum_context *context = support_context();
    thrum_deferred *outer = thrum_deferred_new(context, "outer");
    thrum_deferred *inner = thrum_deferred_new(context, "inner");

    thrum_deferred_add(outer, answer_wait, NULL, inner, NULL);
    thrum_deferred_fire(outer, NULL, NULL);
    thrum_deferred_finish(outer);
    thrum_deferred_fail(inner, chain_failure(context, "x"));
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_operation(), "outer");
    support_context_end(context);
}
END_TEST

START_TEST(no_memory_for_a_deferred_is_a_failure_like_any_other)
{
    thrum_context *context = support_context();
    thrum_deferred *outer = thrum_deferred_new(context, "outer");

    ck_assert_int_eq(thrum_deferred_add(NULL, trace_value, trace_failure, "a",
                                        trace_release),
                     THRUM_E_NOMEM);
    ck_assert_int_eq(
        thrum_deferred_on_cancel(NULL, play_cancel, "b", trace_release),
        THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_deferred_fire(NULL, "c", trace_release),
                     THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_deferred_fail(NULL, chain_failure(context, "x")),
                     THRUM_E_NOMEM);
    thrum_deferred_abandon(NULL);
    thrum_deferred_cancel(NULL);
    thrum_deferred_finish(NULL);
    ck_assert_ptr_null(thrum_deferred_ref(NULL));
    thrum_deferred_unref(NULL);
    ck_assert_str_eq(trace_take(), "~a ~b ~c ");
    thrum_deferred_add(outer, answer_wait, NULL, NULL, NULL);
    thrum_deferred_add(outer, NULL, trace_failure, "d", NULL);
    thrum_deferred_fire(outer, NULL, NULL);
    thrum_deferred_finish(outer);
    ck_assert_str_eq(trace_take(), "d!out of memory ");
    support_context_end(context);
}
END_TEST

START_TEST(every_result_after_the_first_is_an_error)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "d");

    ck_assert_int_eq(thrum_deferred_fire(d, NULL, NULL), 0);
    ck_assert_int_eq(thrum_deferred_fire(d, "v", trace_release),
                     THRUM_DEFERRED_E_FIRED);
    ck_assert_int_eq(thrum_deferred_fail(d, NULL), THRUM_DEFERRED_E_FIRED);
    ck_assert_int_eq(
        thrum_deferred_on_cancel(d, play_cancel, "c", trace_release),
        THRUM_DEFERRED_E_FIRED);
    thrum_deferred_abandon(d);
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "~v ~c ");
    support_context_end(context);
}
END_TEST

START_TEST(a_canceller_is_given_once_and_released_once)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "d");

    ck_assert_int_eq(thrum_deferred_on_cancel(d, NULL, "a", trace_release),
                     THRUM_E_INVALID);
    ck_assert_int_eq(
        thrum_deferred_on_cancel(d, play_cancel, "s", trace_release), 0);
    ck_assert_int_eq(
        thrum_deferred_on_cancel(d, play_cancel, "c", trace_release),
        THRUM_E_INVALID);
    ck_assert_str_eq(trace_take(), "~a ~c ");
    thrum_deferred_add(d, trace_value, trace_failure, "e", trace_release);
    thrum_deferred_cancel(d);
    ck_assert_str_eq(trace_take(), "C ~s e!cancelled ~e ");
    thrum_deferred_finish(d);

    d = thrum_deferred_new(context, "d");
    thrum_deferred_on_cancel(d, play_cancel, "w", trace_release);
    thrum_deferred_add(d, trace_value, trace_failure, "e", NULL);
    thrum_deferred_cancel(d);
    ck_assert_str_eq(trace_take(), "C e=w ~w ");
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "~w ");
    support_context_end(context);
}
END_TEST

static void release_otherwise(void *value)
{
    trace_note("otherwise ");
    trace_release(value);
}

static thrum_outcome answer_the_same(void *value, void *ctx)
{
    (void)ctx;
    return thrum_value(value, release_otherwise);
}

START_TEST(a_callback_may_answer_the_value_it_was_given)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "d");

    thrum_deferred_add(d, answer_the_same, NULL, NULL, NULL);
    thrum_deferred_fire(d, "v", trace_release);
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "otherwise ~v ");
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *chain = tcase_create("chain");

    tcase_add_checked_fixture(chain, trace_setup, NULL);
    tcase_add_loop_test(chain, twisted_s_meaning_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(chain,
                   an_unhandled_failure_names_the_operation_and_the_last_place);
    tcase_add_test(chain,
                   an_unhandled_failure_is_told_of_by_the_one_it_moved_to);
    tcase_add_test(chain, no_memory_for_a_deferred_is_a_failure_like_any_other);
    tcase_add_test(chain, every_result_after_the_first_is_an_error);
    tcase_add_test(chain, a_canceller_is_given_once_and_released_once);
    tcase_add_test(chain, a_callback_may_answer_the_value_it_was_given);
    return support_main("deferred", &chain, 1);
}
