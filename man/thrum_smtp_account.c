/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

static const char *with(thrum_smtp_account *account,
                        unsigned offered)
{
    return thrum_smtp_mechanism_name(
        (thrum_smtp_mechanism)thrum_smtp_account_choose(account,
                                                        offered));
}

int main(void)
{
    unsigned all = THRUM_SMTP_PLAIN | THRUM_SMTP_SCRAM_SHA_256;
    thrum_context *context = thrum_context_new(NULL);
    thrum_secret *secret =
        thrum_secret_new(context, "pencil", 6, NULL);
    thrum_smtp_account *tim, *token;

    if (secret == NULL)
        return 1;
    tim = thrum_smtp_account_new(context, "tim", secret, 0, NULL);
    token = thrum_smtp_account_new(context, "tim", secret,
                                   THRUM_SMTP_XOAUTH2, NULL);
    thrum_secret_unref(secret);
    if (tim == NULL || token == NULL)
        return 1;
    printf("tim: %s, %s\n", with(tim, all),
           with(tim, THRUM_SMTP_PLAIN));
    if (thrum_smtp_account_choose(token, all) == 0)
        printf("a token: none\n");
    thrum_smtp_account_unref(token);
    thrum_smtp_account_unref(tim);
    thrum_context_unref(context);
    return 0;
}
