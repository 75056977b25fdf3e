/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/deferred/chain.h"

enum { WAITERS = 10 };

/* One task. Its words say what each step does: k there is more, v a value, w
 * wait for a new Deferred, n for one that could not be made, ! for one that has
 * failed already, + for one that is fired already, d the end, f fail, m fail
 * for want of memory, P pause yourself, R pause and resume, S stop and say
 * there is more, W stop and wait, F stop and fail, X free the cooperator, Z let
 * go of the handle. */
typedef struct script {
    struct world world;
    thrum_task *task;
    thrum_deferred *waits_for;
    thrum_deferred *waiters[WAITERS];
    int asked;
    const char *words;
} script;

static void script_note(const char *word, int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {0, "ok"},
        {THRUM_E_NOMEM, "nomem"},
        {THRUM_DEFERRED_E_TASK_DONE, "done"},
        {THRUM_DEFERRED_E_TASK_FAILED, "failed"},
        {THRUM_DEFERRED_E_TASK_STOPPED, "stopped"},
        {THRUM_DEFERRED_E_STOPPED, "closed"},
        {THRUM_DEFERRED_E_NOT_PAUSED, "unpaused"},
    };

    trace_note(word);
    trace_note(":");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            trace_note(names[i].name);
    trace_note(" ");
}

static thrum_deferred *script_open(script *self)
{
    self->waits_for = thrum_deferred_new(self->world.context, "waited for");
    thrum_deferred_add(self->waits_for, trace_value, NULL, "w", NULL);
    return self->waits_for;
}

static void script_close(script *self)
{
    thrum_cooperator_free(self->world.cooperator);
    self->world.cooperator = NULL;
}

static thrum_outcome script_wait(script *self, char word)
{
    thrum_deferred *on;

    if (word == 'n')
        return thrum_wait(NULL);
    on = script_open(self);
    if (word == '+')
        thrum_deferred_fire(on, NULL, NULL);
    if (word == '!')
        thrum_deferred_fail(on, chain_failure(self->world.context, "why"));
    return thrum_wait(on);
}

/* What a step does to its own task. */
static thrum_outcome script_meddle(script *self, char word)
{
    switch (word) {
    case 'P':
    case 'R':
        script_note("pause", thrum_task_pause(self->task));
        if (word == 'R')
            script_note("resume", thrum_task_resume(self->task));
        return thrum_keep();
    case 'X':
        script_close(self);
        return thrum_keep();
    case 'Z':
        thrum_task_free(self->task);
        self->task = NULL;
        return thrum_keep();
    default:
        script_note("stop", thrum_task_stop(self->task));
        if (word == 'W')
            return thrum_wait(script_open(self));
        if (word == 'F')
            return thrum_fail(chain_failure(self->world.context, "why"));
        return thrum_keep();
    }
}

static thrum_outcome script_step(void *it)
{
    script *self = it;
    char word = *self->words != '\0' ? *self->words++ : 'd';

    trace_note("s ");
    switch (word) {
    case 'k':
        return thrum_keep();
    case 'v':
        return thrum_value("v", trace_release);
    case 'd':
        return thrum_done();
    case 'f':
        return thrum_fail(chain_failure(self->world.context, "why"));
    case 'm':
        return thrum_fail(NULL);
    case 'w':
    case 'n':
    case '!':
    case '+':
        return script_wait(self, word);
    default:
        return script_meddle(self, word);
    }
}

static void script_release(void *it)
{
    (void)it;
    trace_note("~it ");
}

static void script_ask(script *self)
{
    static char names[WAITERS][3];
    char *name = names[self->asked];
    thrum_deferred *done = thrum_task_when_done(self->task);

    name[0] = 'a';
    name[1] = (char)('0' + self->asked);
    self->waiters[self->asked++] = done;
    thrum_deferred_add(done, trace_value, trace_failure, name, NULL);
}

/* What is done from outside, with a run of ticks after each word but those that
 * end in a dot: p pause, r resume, s stop, z let go, ? wait for the end, 0 to 9
 * cancel that waiting, = fire what it waits for, ! fail it, ~ abandon it (late)
 * X free the cooperator. */
static void script_do(script *self, char word)
{
    if (word == 'p')
        script_note("pause", thrum_task_pause(self->task));
    else if (word == 'r')
        script_note("resume", thrum_task_resume(self->task));
    else if (word == 's')
        script_note("stop", thrum_task_stop(self->task));
    else if (word == '?')
        script_ask(self);
    else if (word == '=')
        thrum_deferred_fire(self->waits_for, NULL, NULL);
    else if (word == '!')
        thrum_deferred_fail(self->waits_for,
                            chain_failure(self->world.context, "why"));
    else if (word == '~')
        thrum_deferred_abandon(self->waits_for);
    else if (word == 'X')
        script_close(self);
    else if (word == 'z') {
        thrum_task_free(self->task);
        self->task = NULL;
    } else
        thrum_deferred_cancel(self->waiters[word - '0']);
}

typedef struct task_case {
    const char *name;
    const char *steps, *words, *trace;
    unsigned unhandled;
} task_case;

static void script_run(script *self, const task_case *it)
{
    memset(self, 0, sizeof *self);
    world_start(&self->world, 0);
    self->words = it->steps;
    self->task = thrum_cooperate(self->world.cooperator, script_step, self,
                                 script_release);
    for (const char *word = it->words; *word != '\0'; word++) {
        if (*word != ' ') {
            script_do(self, *word);
            continue;
        }
        while (self->world.cooperator != NULL &&
               thrum_cooperator_tick(self->world.cooperator))
            ;
    }
    for (int i = 0; i < self->asked; i++)
        thrum_deferred_finish(self->waiters[i]);
    trace_note("| ");
    thrum_task_free(self->task);
}

/* In the words a blank is a run of ticks. */
static const task_case cases[] = {
    {"who waits is told of the end in the order of asking", "kv", "??? ",
     "s s ~v s a0=none a1=none a2=none | ~it ", 0},
    {"who asks after the end is told at once", "", "? ??",
     "s a0=none a1=none a2=none | ~it ", 0},
    {"nobody asks, and it ends well", "k", " ", "s s | ~it ", 0},
    {"let go, it goes on", "kk", "?z ", "s s s a0=none ~it | ", 0},
    {"let go before its last step, nobody asks", "kk", "z ", "s s s ~it | ", 0},
    {"let go in its own step", "kZk", "? ", "s s s s a0=none ~it | ", 0},
    {"a step fails", "kf", "?? ", "s s a0!why a1!why | ~it ", 0},
    {"a step fails for want of memory", "m", "? ", "s a0!out of memory | ~it ",
     0},
    {"a step fails, and who asks comes late", "f", " ?", "s a0!why | ~it ", 0},
    {"a step fails, and nobody asks", "f", " ", "s | ~it ", 1},
    {"a step fails, and it was let go", "f", "z ", "s ~it | ", 1},
    {"a step fails, and who asked has gone", "f", "?0 ",
     "a0!cancelled s | ~it ", 1},
    {"it rests while it waits", "wk", "? = ", "s w=none s s a0=none | ~it ", 0},
    {"what it waits for is fired already", "+k", "? ",
     "s w=none s s a0=none | ~it ", 0},
    {"what it waits for fails", "w", "? ! ", "s a0!why | ~it ", 0},
    {"what it waits for fails, and nobody asks", "w", " ! ", "s | ~it ", 1},
    {"what it waits for has failed already", "!", "? ", "s a0!why | ~it ", 0},
    {"what it waits for could not be made", "n", "? ",
     "s a0!out of memory | ~it ", 0},
    {"who asks between the failure and the telling", "w", " !? ",
     "s a0!why | ~it ", 0},
    {"cancelling the waiting does not end the task", "w",
     "?? 0 = ", "s a0!cancelled w=none s a1=none | ~it ", 0},
    {"all may cancel their waiting", "kk", "???102 ",
     "a1!cancelled a0!cancelled a2!cancelled s s s | ~it ", 0},
    {"paused before its first step", "k", "p r ",
     "pause:ok resume:ok s s | ~it ", 0},
    {"pauses are counted", "k", "pp r r ",
     "pause:ok pause:ok resume:ok resume:ok s s | ~it ", 0},
    {"resumed without a pause", "k", "r ", "resume:unpaused s s | ~it ", 0},
    {"resumed once too often", "k", "prr ",
     "pause:ok resume:ok resume:unpaused s s | ~it ", 0},
    {"resumed while it waits: it waits on", "w",
     " r pr = ", "s resume:unpaused pause:ok resume:ok w=none s | ~it ", 0},
    {"paused while it waits", "w", " p = r ",
     "s pause:ok w=none resume:ok s | ~it ", 0},
    {"paused while it waits, and that fails", "w", "? p ! ",
     "s pause:ok a0!why | ~it ", 0},
    {"pauses itself", "Pk", " r ", "s pause:ok resume:ok s s | ~it ", 0},
    {"pauses itself and resumes", "Rk", " ", "s pause:ok resume:ok s s | ~it ",
     0},
    {"pausing after the failure came is too late", "w", " !prs ",
     "s pause:failed resume:failed stop:failed | ~it ", 1},
    {"stopped before its first step", "k", "?s ",
     "a0!the task was stopped stop:ok | ~it ", 0},
    {"stopped between two steps, nobody asks", "P", " s ",
     "s pause:ok stop:ok | ~it ", 0},
    {"who asks after the stop", "k", "s?",
     "stop:ok a0!the task was stopped | ~it ", 0},
    {"stopped while it waits", "w", "? s ~ ",
     "s a0!the task was stopped stop:ok | ~it ", 0},
    {"stopped while paused", "k", "?ps r ",
     "pause:ok a0!the task was stopped stop:ok resume:stopped | ~it ", 0},
    {"stops itself", "kS", "? ", "s s a0!the task was stopped stop:ok | ~it ",
     0},
    {"stops itself and waits", "W", "? ~ ",
     "s a0!the task was stopped stop:ok | ~it ", 0},
    {"stops itself and fails", "F", "? ",
     "s a0!the task was stopped stop:ok | ~it ", 0},
    {"the end is final: done", "", " prs",
     "s pause:done resume:done stop:done | ~it ", 0},
    {"the end is final: failed", "f", "? prs",
     "s a0!why pause:failed resume:failed stop:failed | ~it ", 0},
    {"the end is final: stopped", "", "sprs",
     "stop:ok pause:stopped resume:stopped stop:stopped | ~it ", 0},
    {"the end is final: the cooperator's", "", "?Xprs",
     "a0!the cooperator was stopped pause:closed resume:closed stop:closed "
     "| ~it ",
     0},
    {"the cooperator ends, and nobody asks", "k", "X", "| ~it ", 1},
    {"the cooperator ends while it waits", "w", "? X~",
     "s a0!the cooperator was stopped | ~it ", 0},
    {"the cooperator ends while it is paused", "k", "?pX",
     "pause:ok a0!the cooperator was stopped | ~it ", 0},
    {"the cooperator ends after the failure came", "w", "? !X",
     "s a0!why | ~it ", 0},
    {"the cooperator ends in its own step", "kX", "? ",
     "s s a0!the cooperator was stopped | ~it ", 0},
};

START_TEST(tasks_case_by_case)
{
    const task_case *it = &cases[_i];
    script self;
    const char *trace;
    unsigned unhandled;

    script_run(&self, it);
    trace = trace_take();
    unhandled = support_unhandled();
    ck_assert_msg(strcmp(trace, it->trace) == 0, "%s: \"%s\", not \"%s\"",
                  it->name, trace, it->trace);
    ck_assert_msg(unhandled == it->unhandled, "%s: %u unhandled", it->name,
                  unhandled);
    world_end(&self.world);
}
END_TEST

START_TEST(none_at_all_is_one_that_could_not_be_made)
{
    ck_assert_int_eq(thrum_task_pause(NULL), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_task_resume(NULL), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_task_stop(NULL), THRUM_E_NOMEM);
    ck_assert_ptr_null(thrum_task_when_done(NULL));
    thrum_task_free(NULL);
}
END_TEST

START_TEST(an_unheard_failure_names_the_task)
{
    script self;
    static const task_case it = {"", "f", " ", "", 1};

    script_run(&self, &it);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_operation(), "task");
    ck_assert_str_eq(support_unhandled_text(), "why");
    world_end(&self.world);
}
END_TEST

/* ---- Who is told meddles ---- */

typedef struct meddler {
    script *script;
    char what;
} meddler;

static thrum_outcome meddle(const thrum_failure *why, void *ctx)
{
    meddler *self = ctx;

    (void)why;
    script_do(self->script, self->what);
    return thrum_done();
}

START_TEST(who_is_told_may_do_anything_to_the_task)
{
    static const struct {
        char what;
        const char *trace;
    } meddlers[] = {
        {'z', "a1!the task was stopped ~it "},
        {'s', "stop:stopped a1!the task was stopped | ~it "},
        {'?', "a2!the task was stopped a1!the task was stopped | ~it "},
        {'1', "a1!the task was stopped | ~it "}, /* it has its result */
        {'X', "a1!the task was stopped | ~it "},
    };
    script self;

    memset(&self, 0, sizeof self);
    world_start(&self.world, 0);
    self.words = "";
    self.task = thrum_cooperate(self.world.cooperator, script_step, &self,
                                script_release);
    self.waiters[self.asked++] = thrum_task_when_done(self.task);
    meddler it = {&self, meddlers[_i].what};
    thrum_deferred_add(self.waiters[0], NULL, meddle, &it, NULL);
    script_ask(&self);
    thrum_task_stop(self.task);
    if (self.task != NULL)
        trace_note("| ");
    thrum_task_free(self.task);
    for (int i = 0; i < self.asked; i++)
        thrum_deferred_finish(self.waiters[i]);
    ck_assert_str_eq(trace_take(), meddlers[_i].trace);
    world_end(&self.world);
}
END_TEST

/* ---- Many ---- */

enum { MANY = 1000 };

typedef struct crowd crowd;

typedef struct member {
    crowd *owner;
    thrum_task *task;
    unsigned steps;
    bool paused;
} member;

struct crowd {
    struct world world;
    member members[MANY];
    unsigned steps, until; /* the tick is over */
    uint64_t seed;
};

static unsigned crowd_random(crowd *self, unsigned below)
{
    self->seed = self->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(self->seed >> 33) % below;
}

static int crowd_over(void *ctx)
{
    crowd *self = ctx;

    return self->steps >= self->until;
}

static thrum_outcome member_step(void *it)
{
    member *self = it;

    ck_assert(!self->paused);
    self->steps++;
    self->owner->steps++;
    return thrum_keep();
}

static crowd *crowd_new(void)
{
    crowd *self = calloc(1, sizeof *self);
    thrum_cooperator_config config = {.over = crowd_over, .ctx = self};

    world_start(&self->world, 0);
    thrum_cooperator_free(self->world.cooperator);
    self->world.cooperator = thrum_cooperator_new(self->world.context, &config);
    self->seed = 1;
    for (int i = 0; i < MANY; i++) {
        self->members[i].owner = self;
        self->members[i].task = thrum_cooperate(
            self->world.cooperator, member_step, &self->members[i], NULL);
    }
    return self;
}

static void crowd_tick(crowd *self, unsigned steps)
{
    self->until = self->steps + steps;
    ck_assert_int_eq(thrum_cooperator_tick(self->world.cooperator), 1);
    ck_assert_uint_eq(self->steps, self->until);
}

static void crowd_free(crowd *self)
{
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(thrum_task_stop(self->members[i].task), 0);
        thrum_task_free(self->members[i].task);
    }
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&self->world);
    free(self);
}

/* Some pause and some resume; the others take exactly as many steps each, or,
 * where the round was not whole, one more. */
START_TEST(turns_are_fair_while_others_pause_and_resume)
{
    crowd *self = crowd_new();
    unsigned before[MANY];
    bool changed[MANY];

    for (int round = 0; round < 100; round++) {
        unsigned least = (unsigned)-1, most = 0;

        memset(changed, 0, sizeof changed);
        for (int i = 0; i < MANY; i++)
            before[i] = self->members[i].steps;
        for (int change = 0; change < 50; change++) {
            unsigned index = crowd_random(self, MANY - 1);
            member *it = &self->members[index];

            changed[index] = true;
            it->paused = !it->paused;
            ck_assert_int_eq(it->paused ? thrum_task_pause(it->task)
                                        : thrum_task_resume(it->task),
                             0);
            crowd_tick(self, crowd_random(self, 100) + 1);
        }
        for (int i = 0; i < MANY; i++) {
            unsigned steps = self->members[i].steps - before[i];

            if (changed[i] || self->members[i].paused)
                continue;
            least = steps < least ? steps : least;
            most = steps > most ? steps : most;
        }
        ck_assert_uint_le(most - least, 1);
    }
    crowd_free(self);
}
END_TEST

START_TEST(whoever_resumes_steps_behind_all_others)
{
    crowd *self = crowd_new();

    thrum_task_pause(self->members[5].task);
    crowd_tick(self, 10); /* 0 to 10, but 5 */
    thrum_task_resume(self->members[5].task);
    crowd_tick(self, MANY - 11); /* 11 to the end */
    crowd_tick(self, 10);        /* 0 to 10 */
    ck_assert_uint_eq(self->members[5].steps, 0);
    ck_assert_uint_eq(self->members[10].steps, 2);
    crowd_tick(self, 1);
    ck_assert_uint_eq(self->members[5].steps, 1);
    ck_assert_uint_eq(self->members[11].steps, 1);
    crowd_free(self);
}
END_TEST

int main(void)
{
    TCase *tasks = tcase_create("task");

    tcase_add_checked_fixture(tasks, trace_setup, NULL);
    tcase_add_loop_test(tasks, tasks_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(tasks, none_at_all_is_one_that_could_not_be_made);
    tcase_add_test(tasks, an_unheard_failure_names_the_task);
    tcase_add_loop_test(tasks, who_is_told_may_do_anything_to_the_task, 0, 5);
    tcase_add_test(tasks, turns_are_fair_while_others_pause_and_resume);
    tcase_add_test(tasks, whoever_resumes_steps_behind_all_others);
    return support_main("task", &tasks, 1);
}
