/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

int main(void)
{
    for (int mode = THRUM_SMTP_MODE_LOCKSTEP;
         mode <= THRUM_SMTP_MODE_CHUNKED; mode++)
        puts(thrum_smtp_mode_name((thrum_smtp_mode)mode));
    for (unsigned bit = THRUM_SMTP_PLAIN;
         bit <= THRUM_SMTP_OAUTHBEARER; bit <<= 1)
        printf("AUTH %s\n", thrum_smtp_mechanism_name(
                                (thrum_smtp_mechanism)bit));
    return 0;
}
