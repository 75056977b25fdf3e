/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome print_all(void *value, void *ctx)
{
    thrum_results *results = value;

    (void)ctx;
    for (size_t i = 0; i < thrum_results_count(results); i++) {
        const char *got = thrum_results_value(results, i);
        if (got != NULL)
            printf("job %zu: %s\n", i, got);
        else
            printf("job %zu failed: %s\n", i,
                   thrum_failure_text(
                       thrum_results_failure(results, i)));
    }
    return thrum_done();
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_deferred *jobs[3];

    for (int i = 0; i < 3; i++)
        jobs[i] = thrum_deferred_new(context, "shop");
    thrum_deferred *all = thrum_all_settled(context, jobs, 3, NULL);
    thrum_deferred_add(all, print_all, NULL, NULL, NULL);
    thrum_deferred_finish(all);

    thrum_deferred_fire(jobs[2], "eggs", NULL);
    thrum_deferred_fire(jobs[0], "bread", NULL);
    thrum_deferred_fail(
        jobs[1], thrum_failure_new(context, &thrum_domain_base,
                                   THRUM_E_INVALID, "no milk"));
    thrum_context_unref(context);
    return 0;
}
