/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

static void show(thrum_context *context, const char *mailbox)
{
    thrum_failure *why = NULL;
    thrum_address *address =
        thrum_address_parse(context, mailbox, &why);

    if (address != NULL)
        printf("%s, at %s\n", thrum_address_name(address),
               thrum_address_addr(address));
    else
        printf("%s\n", thrum_failure_text(why));
    thrum_failure_unref(why);
    thrum_address_free(address);
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    const char *wrong = thrum_address_check("ann", 3);

    if (wrong != NULL)
        printf("ann: %s\n", wrong);
    show(context, "Ann Lee <ann@example.org>");
    show(context, "Jürgen <juergen@BÜCHER.example>");
    thrum_context_unref(context);
    return 0;
}
