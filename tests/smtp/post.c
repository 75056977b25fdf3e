/* SPDX-License-Identifier: MIT */
#include "tests/smtp/post.h"

#include <stdio.h>
#include <string.h>

#include <thrum/address.h>

#include "tests/smtp/script.h"
#include "tests/support/support.h"

enum { POST_IDLE = 200 }; /* turns that find nothing to do */

typedef struct post_letter {
    post *post;
    int number;
} post_letter;

static post_letter letters[PEER_MESSAGES + 1];

static char fate_of(const thrum_failure *why)
{
    static const struct {
        const thrum_domain *domain;
        int code;
        char fate;
    } fates[] = {
        {&thrum_domain_smtp, THRUM_SMTP_E_REFUSED, 'R'},
        {&thrum_domain_smtp, THRUM_SMTP_E_LATER, 'L'},
        {&thrum_domain_smtp, THRUM_SMTP_E_PROTOCOL, 'P'},
        {&thrum_domain_smtp, THRUM_SMTP_E_UNSENT, 'U'},
        {&thrum_domain_smtp, THRUM_SMTP_E_DOUBT, 'D'},
        {&thrum_domain_smtp, THRUM_SMTP_E_UNREACHABLE, 'N'},
        {&thrum_domain_smtp, THRUM_SMTP_E_SERVICE, 'S'},
        {&thrum_domain_smtp, THRUM_SMTP_E_SECURITY, 'T'},
        {&thrum_domain_smtp, THRUM_SMTP_E_ACCOUNT, 'W'},
        {&thrum_domain_smtp, THRUM_SMTP_E_OURS, 'O'},
        {&thrum_domain_mail, THRUM_MAIL_E_CLOSED, 'C'},
        {&thrum_domain_deferred, THRUM_DEFERRED_E_CANCELLED, 'X'},
        {&thrum_domain_base, THRUM_E_NOMEM, 'M'},
    };

    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++)
        if (thrum_failure_is(why, fates[i].domain, fates[i].code))
            return fates[i].fate;
    return '?';
}

static thrum_outcome post_closed(void *nothing, void *ctx)
{
    post *self = ctx;

    (void)nothing;
    self->closed++;
    return thrum_done();
}

static thrum_outcome post_not_closed(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    return thrum_done();
}

static void post_close(post *self)
{
    thrum_deferred *closed = thrum_mailer_close(self->mailer);

    if (closed == NULL) { /* no memory */
        thrum_mailer_free(self->mailer);
        self->mailer = NULL;
    }
    thrum_deferred_add(closed, post_closed, post_not_closed, self, NULL);
    thrum_deferred_finish(closed);
    post_stop_peer(self);
}

static void post_ended(post_letter *letter, char fate)
{
    post *self = letter->post;
    int number = letter->number;

    ck_assert(!self->sending); /* never before send has returned */
    ck_assert_int_eq(self->fates[number - 1], '.');
    self->fates[number - 1] = fate;
    self->deferred[number] = NULL;
    self->ended++;
    if (self->on_end != NULL)
        self->on_end(self, number);
    if (self->ended == self->expected)
        post_close(self);
}

static thrum_outcome post_accepted(void *receipt, void *ctx)
{
    ck_assert_int_eq(thrum_receipt_code(receipt), 250);
    post_ended(ctx, 'A');
    return thrum_done();
}

static thrum_outcome post_failed(const thrum_failure *why, void *ctx)
{
    const thrum_failure *cause = thrum_failure_cause(why);
    post_letter *letter = ctx;
    post *self = letter->post;

    snprintf(self->text, sizeof self->text, "%s", thrum_failure_text(why));
    snprintf(self->cause, sizeof self->cause, "%s",
             cause != NULL ? thrum_failure_text(cause) : "");
    post_ended(letter, fate_of(why));
    return thrum_done();
}

/* What a mailer goes to. */
static bool post_open_peer(post *self, thrum_reactor_config on,
                           const peer_config *config)
{
    on.context = self->context;
    if (self->clock != NULL)
        on.clock = thrum_test_clock_clock(self->clock);
    self->reactor = thrum_reactor_new(&on);
    if (self->reactor == NULL ||
        !peer_start(&self->peer, self->reactor, config))
        return false;
    if (config->certificate != NULL)
        self->trust = peer_trust(self->context);
    return config->certificate == NULL || self->trust != NULL;
}

static bool post_open_mailer(post *self, const thrum_mailer_config *config)
{
    thrum_mailer_config own = *config;

    if (own.via == NULL)
        own.via = self->peer.url;
    if (own.trust == NULL)
        own.trust = self->trust;
    self->mailer = thrum_mailer_new(self->reactor, &own);
    return self->mailer != NULL;
}

bool post_open_among(post *self, const thrum_reactor_config *reactor,
                     const peer_config *config,
                     const thrum_mailer_config *mailer)
{
    memset(self, 0, sizeof *self);
    self->context = support_context();
    return self->context != NULL && post_open_peer(self, *reactor, config) &&
           post_open_mailer(self, mailer);
}

bool post_open(post *self, const peer_config *config,
               const thrum_mailer_config *mailer)
{
    thrum_reactor_config defaults = {.slice = 0};

    return post_open_among(self, &defaults, config, mailer);
}

bool post_open_still(post *self, const peer_config *config,
                     const thrum_mailer_config *mailer)
{
    thrum_reactor_config defaults = {.slice = 0};

    memset(self, 0, sizeof *self);
    self->context = support_context();
    if (self->context != NULL)
        self->clock = thrum_test_clock_new(self->context);
    return self->clock != NULL && post_open_peer(self, defaults, config) &&
           post_open_mailer(self, mailer);
}

/* A turn that finds nothing to do may be one before the kernel has carried to
 * the peer what the turn has sent. */
void post_settle(post *self)
{
    for (int idle = 0; idle < POST_IDLE; idle++) {
        thrum_test_clock_advance(self->clock, 0);
        if (thrum_reactor_turn(self->reactor) == 1)
            idle = 0;
    }
}

void post_pass(post *self, thrum_ns by)
{
    thrum_test_clock_advance(self->clock, by);
    post_settle(self);
}

void post_send_letter(post *self, thrum_message *letter)
{
    int number = ++self->sent;
    thrum_deferred *sent;

    ck_assert_int_le(number, PEER_MESSAGES);
    letters[number] = (post_letter){self, number};
    self->fates[number - 1] = '.';
    self->sending = true;
    sent = thrum_mailer_send(self->mailer, letter);
    self->sending = false;
    self->deferred[number] = sent;
    if (sent == NULL) {
        self->fates[number - 1] = 'M';
        self->ended++;
        return;
    }
    thrum_deferred_add(sent, post_accepted, post_failed, &letters[number],
                       NULL);
    thrum_deferred_finish(sent);
}

void post_send(post *self, int count)
{
    self->expected += count;
    for (int i = 0; i < count; i++)
        post_send_letter(self, script_letter(self->context, self->sent + 1, 1));
}

void post_stop_peer(post *self)
{
    peer_stop(&self->peer);
}

void post_run(post *self)
{
    ck_assert_int_eq(thrum_reactor_run(self->reactor), 0);
}

void post_free(post *self)
{
    if (self->reactor != NULL)
        peer_stop(&self->peer);
    thrum_mailer_free(self->mailer);
    thrum_tls_unref(self->trust);
    thrum_reactor_free(self->reactor);
    thrum_test_clock_free(self->clock);
    support_context_end(self->context);
}

void post_expect(post *self, const char *fates)
{
    ck_assert_str_eq(self->fates, fates);
    post_free(self);
}

const char *post_all(char fate, int count)
{
    static char fates[PEER_MESSAGES + 1];

    memset(fates, fate, (size_t)count);
    fates[count] = '\0';
    return fates;
}
