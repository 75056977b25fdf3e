/* SPDX-License-Identifier: MIT */
/*
 * What must not happen within itself, or it would deepen the stack without
 * bound: what is asked for while one takes its turn waits until that is over.
 */
#ifndef THRUM_BASE_TURNS_H
#define THRUM_BASE_TURNS_H

#include <stdbool.h>
#include <stddef.h>

/* Stands within what it is a turn of; in use until `take` is called. */
typedef struct thrum__turn {
    struct thrum__turn *next;
    void (*take)(struct thrum__turn *turn);
} thrum__turn;

/* All zero: nobody waits. */
typedef struct thrum__turns {
    thrum__turn *first, *last;
    bool taking;
} thrum__turns;

/* Takes the turn, and those that are asked for meanwhile, in their order; or,
 * if that is being done further up, leaves it there. `turns` must live until
 * this returns. */
static inline void thrum__turns_take(thrum__turns *turns, thrum__turn *turn)
{
    turn->next = NULL;
    if (turns->first == NULL)
        turns->first = turn;
    else
        turns->last->next = turn;
    turns->last = turn;
    if (turns->taking)
        return;
    turns->taking = true;
    while ((turn = turns->first) != NULL) {
        turns->first = turn->next;
        turn->take(turn);
    }
    turns->taking = false;
}

#endif
