/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

int main(void)
{
    thrum_reactor *reactor = thrum_reactor_new(NULL);
    thrum_failure *why = NULL;
    thrum_free_fn *free_it;
    thrum_deferred *told;
    void *token;

    if (reactor == NULL)
        return 1;
    told = thrum_secret_from_command(reactor, "echo ya29.a0AfH",
                                     10 * THRUM_S);
    if (thrum_reactor_wait(reactor, told, &token, &free_it, &why) ==
            0 &&
        why == NULL) {
        printf("a token of %zu bytes\n",
               thrum_secret_bytes(token).size);
        free_it(token);
    }
    thrum_failure_unref(why);
    token = thrum_secret_from_variable(
        thrum_reactor_context(reactor), "OTHER_TOKEN", &why);
    if (token == NULL)
        printf("%s\n", thrum_failure_text(why));
    thrum_failure_unref(why);
    thrum_secret_unref(token);
    thrum_reactor_free(reactor);
    return 0;
}
