/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome print(void *value, void *who)
{
    printf("%s: %s\n", (const char *)who, (const char *)value);
    return thrum_done();
}

static void use(thrum_share *share, char *who)
{
    thrum_deferred *mine = thrum_share_get(share);

    thrum_deferred_add(mine, print, NULL, who, NULL);
    thrum_deferred_finish(mine);
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_deferred *lookup = thrum_deferred_new(context, "lookup");
    thrum_share *share = thrum_share_new(lookup);

    use(share, "first");
    use(share, "second");
    thrum_deferred_fire(lookup, "192.0.2.1", NULL);
    use(share, "third");
    thrum_share_free(share);
    thrum_context_unref(context);
    return 0;
}
