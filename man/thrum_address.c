/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    const char *wrong = thrum_address_check("ann", 3);

    if (wrong != NULL)
        printf("ann: %s\n", wrong);

    thrum_failure *why = NULL;
    thrum_address *ann = thrum_address_parse(
        context, "Ann Lee <ann@example.org>", &why);
    if (ann != NULL)
        printf("%s, at %s\n", thrum_address_name(ann),
               thrum_address_addr(ann));
    else
        printf("%s\n", thrum_failure_text(why));
    thrum_failure_unref(why);
    thrum_address_free(ann);
    thrum_context_unref(context);
    return 0;
}
