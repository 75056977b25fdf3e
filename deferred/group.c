/* SPDX-License-Identifier: MIT */
/*
 * The four groups: they consume their members, and say CANCELLED when they are
 * cancelled; the rest is what settles each of them.
 */
#include "deferred/results.h"

enum { GROUP_FLAGS = THRUM_LIST_CONSUME_ERRORS | THRUM__RESULTS_SAY_CANCELLED };

static const thrum__results_kind group_all = {
    "all", GROUP_FLAGS | THRUM_LIST_FIRE_ON_ONE_ERRBACK};

static const thrum__results_kind group_all_settled = {"all settled",
                                                      GROUP_FLAGS};

static const thrum__results_kind group_any = {
    "any", GROUP_FLAGS | THRUM_LIST_FIRE_ON_ONE_CALLBACK |
               THRUM__RESULTS_NEED_A_VALUE};

static const thrum__results_kind group_race = {
    "race", GROUP_FLAGS | THRUM_LIST_FIRE_ON_ONE_CALLBACK |
                THRUM_LIST_FIRE_ON_ONE_ERRBACK | THRUM__RESULTS_NEED_A_VALUE};

thrum_deferred *thrum_all(thrum_context *context,
                          thrum_deferred *const *members, size_t count,
                          const thrum_group_config *config)
{
    return thrum__results_of(context, members, count, &group_all, config);
}

thrum_deferred *thrum_all_settled(thrum_context *context,
                                  thrum_deferred *const *members, size_t count,
                                  const thrum_group_config *config)
{
    return thrum__results_of(context, members, count, &group_all_settled,
                             config);
}

thrum_deferred *thrum_any(thrum_context *context,
                          thrum_deferred *const *members, size_t count,
                          const thrum_group_config *config)
{
    return thrum__results_of(context, members, count, &group_any, config);
}

thrum_deferred *thrum_race(thrum_context *context,
                           thrum_deferred *const *members, size_t count,
                           const thrum_group_config *config)
{
    return thrum__results_of(context, members, count, &group_race, config);
}
