/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include <thrum/thrum.h>

static const char *describe(int code)
{
    return code == -1 ? "the list cannot be read" : NULL;
}

static const thrum_domain domain = {"my program", describe};

static void print(const thrum_failure *why)
{
    for (; why != NULL; why = thrum_failure_cause(why))
        printf("%s%s", thrum_failure_text(why),
               thrum_failure_cause(why) == NULL ? "\n" : ": ");
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_failure *cause = thrum_failure_new(
        context, &thrum_domain_system, ENOENT, NULL);
    thrum_failure *why = thrum_failure_because(
        thrum_failure_new(context, &domain, -1, NULL), cause);

    if (thrum_failure_is(why, &domain, -1))
        print(why);
    thrum_failure_unref(why);
    thrum_context_unref(context);
    return 0;
}
