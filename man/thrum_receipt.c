/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/mail.h>

static thrum_outcome accepted(void *receipt, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < thrum_receipt_recipients(receipt); i++) {
        const thrum_failure *why =
            thrum_receipt_refusal(receipt, i);
        printf("recipient %zu: %s\n", i,
               why == NULL ? "accepted" : thrum_failure_text(why));
    }
    return thrum_done();
}

static thrum_outcome failed(const thrum_failure *why, void *ctx)
{
    const thrum_smtp_detail *said = thrum_failure_smtp(why);

    (void)ctx;
    printf("%s\n", thrum_failure_text(why));
    if (said != NULL && said->code != 0)
        printf("%s said %d %s to %s: %s\n", said->peer, said->code,
               said->text, thrum_smtp_stage_name(said->stage),
               thrum_smtp_verdict_name(said->verdict));
    return thrum_done();
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_deferred *sent = thrum_deferred_failed(
        context, thrum_failure_new(context, &thrum_domain_smtp,
                                   THRUM_SMTP_E_REFUSED, NULL));

    thrum_deferred_add(sent, accepted, failed, NULL, NULL);
    thrum_deferred_finish(sent);
    thrum_context_unref(context);
    return 0;
}
