/* SPDX-License-Identifier: MIT */
/*
 * The model of a Deferred: as simple as it can be, recursive and without
 * references.
 */
#include <string.h>

#include "tests/deferred/random_play.h"

static void model_run(play *self, int who);

static void model_set(struct model *m, enum state state, int result)
{
    m->state = state;
    m->result = result;
}

static void model_push(struct model *m, struct entry entry)
{
    m->queue[m->count++] = entry;
}

static void model_push_first(struct model *m, struct entry entry)
{
    memmove(&m->queue[m->first + 1], &m->queue[m->first],
            (size_t)(m->count - m->first) * sizeof entry);
    m->queue[m->first] = entry;
    m->count++;
}

static bool model_rests(const struct model *m)
{
    return m->fired && m->state != WAITING && !m->running && m->pauses == 0;
}

/* Whether the result of `whom` is, in the end, to come from `who`. */
static bool model_depends(const play *self, int whom, int who)
{
    while (whom != who && whom >= 0)
        whom = self->models[whom].state == WAITING ? self->models[whom].result
                                                   : self->models[whom].source;
    return whom == who;
}

static void model_wait(play *self, int who, int whom)
{
    struct model *m = &self->models[who], *on = &self->models[whom];

    if (model_depends(self, whom, who)) {
        model_set(m, HAS_FAILURE, THRUM_DEFERRED_E_WAITS_FOR_ITSELF);
    } else if (model_rests(on)) {
        model_set(m, on->state, on->result);
        model_set(on, HAS_VALUE, NONE);
    } else {
        model_push(on, (struct entry){A_WAITER, who});
        model_set(m, WAITING, whom);
    }
}

static void model_call(play *self, int who, int number)
{
    struct model *m = &self->models[who];
    bool well = m->state == HAS_VALUE;
    int whom;

    if (play_draw(self, number, well ? 4 : 5, 4) == 0)
        return;
    play_note(self, (well ? 1000 : 2000) + number);
    play_note(self, m->result);
    switch (play_answer(self, number, &whom)) {
    case DONE:
        model_set(m, HAS_VALUE, NONE);
        break;
    case VALUE:
        model_set(m, HAS_VALUE, number + 1);
        break;
    case FAILURE:
        model_set(m, HAS_FAILURE, number + 1);
        break;
    case WAIT:
        model_wait(self, who, whom);
        break;
    default:
        break;
    }
}

static void model_end_timeout(play *self, int who,
                              struct model_timeout *timeout)
{
    struct model *m = &self->models[who];

    timeout->waiting = false;
    if (timeout->over && m->state == HAS_FAILURE &&
        m->result == THRUM_DEFERRED_E_CANCELLED)
        m->result = THRUM_DEFERRED_E_TIMEOUT;
}

/* The result goes over to `heir`, who runs; `who` is open to others then if it
 * has nothing more to run. */
static void model_hand_over(play *self, int who, int heir)
{
    struct model *m = &self->models[who];

    model_set(&self->models[heir], m->state, m->result);
    model_set(m, HAS_VALUE, NONE);
    m->running = m->first < m->count;
    model_run(self, heir);
    m->running = true;
}

static void model_pass(play *self, int who, int to)
{
    struct model *heir = &self->models[to];

    heir->source = -1;
    if (heir->fired) {
        heir->swallow = false;
        model_set(&self->models[who], HAS_VALUE, NONE);
        return;
    }
    heir->fired = true;
    model_hand_over(self, who, to);
}

static void model_run(play *self, int who)
{
    struct model *m = &self->models[who];

    if (m->running)
        return;
    m->running = true;
    while (m->first < m->count && m->state != WAITING && m->pauses == 0) {
        struct entry entry = m->queue[m->first++];

        if (entry.kind == A_PAIR)
            model_call(self, who, entry.what);
        else if (entry.kind == A_TIMEOUT)
            model_end_timeout(self, who, &self->timeouts[entry.what]);
        else if (entry.kind == A_WAITER)
            model_hand_over(self, who, entry.what);
        else
            model_pass(self, who, entry.what);
    }
    m->running = false;
}

/* Something was added, or a pause has ended. */
static int model_go_on(play *self, int who)
{
    if (model_rests(&self->models[who]))
        model_run(self, who);
    return 0;
}

static int model_settle(play *self, int who, enum state state, int result)
{
    struct model *m = &self->models[who];

    if (m->fired) {
        bool swallow = m->swallow;

        m->swallow = false;
        return swallow ? 0 : THRUM_DEFERRED_E_FIRED;
    }
    m->fired = true;
    m->source = -1;
    model_set(m, state, result);
    model_run(self, who);
    return 0;
}

static void model_cancel(play *self, int who)
{
    struct model *m;
    enum canceller canceller;

    while (self->models[who].state == WAITING)
        who = self->models[who].result;
    m = &self->models[who];
    canceller = self->cancellers[who];
    if (m->fired || m->cancelling)
        return;
    if (canceller != ABSENT)
        play_note(self, 3000 + who);
    m->cancelling = true;
    if (m->source >= 0)
        model_cancel(self, m->source);
    if (canceller == FIRES)
        model_settle(self, who, HAS_VALUE, OF_CANCEL);
    if (canceller == FAILS)
        model_settle(self, who, HAS_FAILURE, OF_CANCEL);
    m->cancelling = false;
    if (m->fired)
        return;
    m->swallow = canceller == LATE || canceller == ABSENT;
    model_settle(self, who, HAS_FAILURE, THRUM_DEFERRED_E_CANCELLED);
}

static int model_chain(play *self, int from, int to)
{
    struct model *heir = &self->models[to];

    if (heir->fired && !heir->swallow)
        return THRUM_DEFERRED_E_FIRED;
    self->chained[to] = true;
    if (model_depends(self, from, to)) {
        model_settle(self, to, HAS_FAILURE, THRUM_DEFERRED_E_WAITS_FOR_ITSELF);
        return THRUM_DEFERRED_E_WAITS_FOR_ITSELF;
    }
    if (!heir->fired && !heir->cancelling) {
        self->cancellers[to] = ABSENT;
        heir->source = from;
    }
    model_push(&self->models[from], (struct entry){A_CHAIN, to});
    return model_go_on(self, from);
}

static int model_take(play *self, int who)
{
    struct model *m = &self->models[who];

    if (!model_rests(m))
        return THRUM_DEFERRED_E_NO_RESULT;
    play_note(self, m->result);
    model_set(m, HAS_VALUE, NONE);
    return 0;
}

static int model_limit(play *self, int who, int number)
{
    int after = 1 + (int)play_draw(self, number, 6, SPAN);

    self->timeouts[self->timed] =
        (struct model_timeout){who, self->now + after, true, false};
    model_push(&self->models[who], (struct entry){A_TIMEOUT, self->timed++});
    return model_go_on(self, who);
}

/* The call that is due first, or NULL. */
static struct model_timeout *model_due(play *self, long until)
{
    struct model_timeout *first = NULL;

    for (int i = 0; i < self->timed; i++) {
        struct model_timeout *timeout = &self->timeouts[i];

        if (timeout->waiting && timeout->due <= until &&
            (first == NULL || timeout->due < first->due))
            first = timeout;
    }
    return first;
}

static int model_advance(play *self, long until)
{
    struct model_timeout *timeout;

    while ((timeout = model_due(self, until)) != NULL) {
        self->now = timeout->due;
        timeout->waiting = false;
        timeout->over = true;
        model_cancel(self, timeout->who);
    }
    self->now = until;
    return 0;
}

int model_verb(play *self, enum verb verb, int who, int added, int number)
{
    struct model *m = &self->models[who];

    switch (verb) {
    case ADD:
        model_push(m, (struct entry){A_PAIR, added});
        return model_go_on(self, who);
    case ADD_FIRST:
        model_push_first(m, (struct entry){A_PAIR, added});
        return model_go_on(self, who);
    case FIRE:
        return model_settle(self, who, HAS_VALUE, number);
    case FAIL:
        return model_settle(self, who, HAS_FAILURE, number);
    case CANCEL:
        model_cancel(self, who);
        return 0;
    case ABANDON:
        model_settle(self, who, HAS_FAILURE, THRUM_DEFERRED_E_ABANDONED);
        return 0;
    case PAUSE:
        m->pauses++;
        return 0;
    case RESUME:
        m->pauses--;
        return model_go_on(self, who);
    case CHAIN:
        return model_chain(self, who, number % PLAYERS);
    case TAKE:
        return model_take(self, who);
    case TIMEOUT:
        return model_limit(self, who, added);
    case ADVANCE:
        return model_advance(self, self->now + number % SPAN);
    default:
        return 0;
    }
}
