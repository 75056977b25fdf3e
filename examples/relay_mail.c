/* SPDX-License-Identifier: MIT */
/*
 * A registration: the answer goes out at once, the mail over a relay with TLS
 * and a login, and what became of it says what to do next.
 *
 *     THRUM_VIA=smtp://ann@relay.example THRUM_SMTP_PASSWORD=... \
 *         ./relay_mail eve@example.org carl@example.org
 *
 * THRUM_CA_FILE names whom to trust, unless that is whom the system trusts.
 */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/mail.h>

typedef struct registration {
    char **people; /* ended by NULL */
    thrum_mailer *mailer;
} registration;

static void advise(const char *person, const thrum_failure *why)
{
    const thrum_smtp_detail *said = thrum_failure_smtp(why);

    printf("%s: %s\n", person, thrum_failure_text(why));
    if (said == NULL)
        return;
    if (said->verdict == THRUM_SMTP_VERDICT_RECIPIENT)
        printf("  do not write to this address again\n");
    else if (said->verdict == THRUM_SMTP_VERDICT_DOUBT)
        printf("  it may have arrived: somebody has to decide\n");
    else
        printf("  so: %s\n", thrum_smtp_verdict_name(said->verdict));
}

static thrum_outcome sent(void *receipt, void *it)
{
    registration *self = it;

    for (size_t i = 0; i < thrum_receipt_recipients(receipt); i++) {
        const thrum_failure *why = thrum_receipt_refusal(receipt, i);

        if (why == NULL)
            printf("%s: %d %s\n", self->people[i], thrum_receipt_code(receipt),
                   thrum_receipt_reply(receipt));
        else
            advise(self->people[i], why);
    }
    return thrum_done();
}

static thrum_outcome not_sent(const thrum_failure *why, void *it)
{
    registration *self = it;

    for (size_t i = 0; self->people[i] != NULL; i++)
        advise(self->people[i], why);
    return thrum_done();
}

static thrum_outcome close_mailer(void *value, void *it)
{
    (void)value;
    return thrum_wait(thrum_mailer_close(((registration *)it)->mailer));
}

static void free_mailer(void *it)
{
    thrum_mailer_free(((registration *)it)->mailer);
}

static thrum_message *welcome(thrum_context *context, char **people)
{
    static const thrum_dsn failures = {.notify = THRUM_DSN_FAILURE,
                                       .what = THRUM_DSN_RETURN_HEADERS,
                                       .original = 1};
    thrum_message *letter = thrum_message_new(context);

    thrum_message_set_from(letter, "The club <club@example.org>");
    for (; *people != NULL; people++)
        thrum_message_add_to(letter, *people);
    thrum_message_set_subject(letter, "Welcome");
    thrum_message_set_text(letter, "You are registered.\n", 20);
    thrum_message_set_dsn(letter, &failures);
    return letter;
}

static thrum_deferred *run(thrum_reactor *reactor, void *people)
{
    static registration self;
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_tls_config trust = {.trust_file = getenv("THRUM_CA_FILE")};
    thrum_mailer_config config = {.via = getenv("THRUM_VIA")};
    thrum_deferred *mail;

    config.secret =
        thrum_secret_from_variable(context, "THRUM_SMTP_PASSWORD", NULL);
    config.trust = thrum_tls_new(context, &trust, NULL);
    self.people = people;
    self.mailer = thrum_mailer_new(reactor, &config);
    thrum_secret_unref(config.secret);
    thrum_tls_unref(config.trust);

    mail = thrum_mailer_send(self.mailer, welcome(context, people));
    printf("thank you: a mail is on its way\n");
    thrum_deferred_timeout(mail, thrum_reactor_clock(reactor), 60 * THRUM_S);
    thrum_deferred_add(mail, sent, not_sent, &self, NULL);
    thrum_deferred_add(mail, close_mailer, NULL, &self, free_mailer);
    return mail;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: relay_mail ADDRESS...\n");
        return 64;
    }
    return thrum_react(run, argv + 1);
}
