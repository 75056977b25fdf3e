/* SPDX-License-Identifier: MIT */
/*
 * What waits for what, at random, beside a model that is a table of who waits
 * for whom: a circle is found where the table has one, and nowhere else.
 */
#include <string.h>

#include <thrum/share.h>

#include "tests/deferred/stand.h"

enum { NODES = 24, EPISODES = 20000 };

struct node {
    thrum_deferred *d;  /* a reference */
    bool plain;         /* fired by us */
    bool fired, free;   /* free: nobody consumes it yet */
    bool waits[NODES];  /* the model */
    thrum_deferred *on; /* what its callback waits for */
};

static struct {
    struct world world;
    struct node nodes[NODES];
    int count;
    uint32_t seed;
} random_play;

static unsigned draw(unsigned below)
{
    random_play.seed = random_play.seed * 1664525u + 1013904223u;
    return (random_play.seed >> 8) % below;
}

static bool reaches(int from, int to)
{
    if (from == to)
        return true;
    for (int i = 0; i < random_play.count; i++)
        if (random_play.nodes[from].waits[i] && reaches(i, to))
            return true;
    return false;
}

static struct node *node_add(thrum_deferred *d)
{
    struct node *node = &random_play.nodes[random_play.count++];

    memset(node, 0, sizeof *node);
    node->d = thrum_deferred_ref(d);
    node->free = true;
    return node;
}

static int draw_free(void)
{
    int at = (int)draw((unsigned)random_play.count);

    return random_play.nodes[at].free ? at : -1;
}

static void node_plain(void)
{
    struct node *node = &random_play.nodes[random_play.count];

    node_add(stand_member(&random_play.world, &node->on))->plain = true;
}

static void node_stand(void)
{
    enum stand kind = (enum stand)draw(STANDS);
    int of = draw_free(), other = draw_free();
    struct node *node;
    thrum_deferred *members[2];

    if (of < 0)
        return;
    random_play.nodes[of].free = false;
    members[0] = random_play.nodes[of].d;
    if (kind >= STAND_LIST && kind <= STAND_RACE && other >= 0 && other != of) {
        random_play.nodes[other].free = false;
        members[1] = random_play.nodes[other].d;
        node = node_add(stand_for_all(&random_play.world, kind, members, 2));
        node->waits[other] = true;
    } else {
        node = node_add(stand_for(&random_play.world, kind, members[0]));
    }
    node->waits[of] = true;
}

static void node_share(void)
{
    int of = draw_free();
    thrum_share *share;

    if (of < 0)
        return;
    random_play.nodes[of].free = false;
    share = thrum_share_new(random_play.nodes[of].d);
    for (int i = 0; i < 2; i++)
        node_add(thrum_share_get(share))->waits[of] = true;
    thrum_share_free(share);
}

/* Answers whether that closed a circle: it must do so where the model says. */
static bool node_fire(void)
{
    int at = (int)draw((unsigned)random_play.count), on = draw_free();
    struct node *node = &random_play.nodes[at];
    static const char itself[] = "m!" ITSELF;
    bool circle;

    if (!node->plain || node->fired || on < 0)
        return false;
    circle = reaches(on, at);
    node->fired = true;
    node->on = random_play.nodes[on].d;
    random_play.nodes[on].free = false;
    thrum_deferred_fire(node->d, NULL, NULL);
    ck_assert_int_eq(strncmp(trace_take(), itself, strlen(itself)) == 0,
                     circle);
    node->waits[on] = true;
    return circle;
}

static void episode_end(void)
{
    for (int i = 0; i < random_play.count; i++) {
        struct node *node = &random_play.nodes[i];

        if (node->plain && !node->fired)
            thrum_deferred_abandon(node->d);
    }
    for (int i = 0; i < random_play.count; i++) {
        struct node *node = &random_play.nodes[i];

        if (node->free)
            thrum_deferred_finish(node->d);
        thrum_deferred_unref(node->d);
    }
    stand_end(&random_play.world);
    trace_take();
}

/* Until a circle closes, nothing has a result; answers whether one did. */
static bool episode(void)
{
    bool circle = false;

    random_play.count = 0;
    world_start(&random_play.world, 0);
    node_plain();
    for (int i = 0; i < 60 && !circle && random_play.count < NODES - 2; i++)
        switch (draw(5)) {
        case 0:
            node_plain();
            break;
        case 1:
            node_share();
            break;
        case 2:
        case 3:
            node_stand();
            break;
        default:
            circle = node_fire();
        }
    episode_end();
    return circle;
}

START_TEST(circles_are_where_a_simple_model_has_them)
{
    int circles = 0;

    random_play.seed = 1;
    for (int i = 0; i < EPISODES; i++)
        circles += episode();
    ck_assert_int_gt(circles, EPISODES / 10);
    ck_assert_int_lt(circles, EPISODES);
}
END_TEST

int main(void)
{
    TCase *random = tcase_create("random");

    tcase_add_checked_fixture(random, trace_setup, NULL);
    tcase_add_test(random, circles_are_where_a_simple_model_has_them);
    return support_main("circles at random", &random, 1);
}
