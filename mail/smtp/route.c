/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <thrum/address.h>

#include "mail/receipt_internal.h"
#include "mail/smtp/route.h"

enum { ROUTE_TEXT = THRUM__ROUTE_NAME + 32 };

#define ROUTE_CONNECT (30 * THRUM_S)
#define ROUTE_TLS (60 * THRUM_S)
#define ROUTE_QUIT (5 * THRUM_S)

static thrum_failure *route_wrong(const thrum__smtp_route *route,
                                  const char *what)
{
    return thrum_failure_new(route->context, &thrum_domain_mail,
                             THRUM_MAIL_E_URL, "%s", what);
}

/* A host that does not know a name for itself that may follow EHLO is
 * "localhost". */
static thrum_failure *route_read_helo(thrum__smtp_route *route,
                                      const char *helo)
{
    if (helo == NULL) {
        if (gethostname(route->helo, sizeof route->helo) != 0 ||
            memchr(route->helo, '\0', sizeof route->helo) == NULL ||
            !thrum__smtp_is_helo(route->helo))
            memcpy(route->helo, "localhost", sizeof "localhost");
        return NULL;
    }
    if (!thrum__smtp_is_helo(helo))
        return thrum_failure_new(route->context, &thrum_domain_base,
                                 THRUM_E_INVALID,
                                 "the name for EHLO is neither a host's name "
                                 "nor an address in brackets");
    memcpy(route->helo, helo, strlen(helo) + 1);
    return NULL;
}

/* What the URL says of TLS, and what the config says beside it. */
static thrum_failure *route_read_tls(thrum__smtp_route *route,
                                     thrum_smtp_tls asked)
{
    bool within =
        asked == THRUM_SMTP_TLS_REQUIRED || asked == THRUM_SMTP_TLS_IMPLICIT;

    if (route->url.tls) {
        route->tls = THRUM_SMTP_TLS_IMPLICIT;
        return asked == THRUM_SMTP_TLS_DEFAULT || within
                   ? NULL
                   : route_wrong(route, "smtps: is TLS from the first byte on, "
                                        "which is not to be less than that");
    }
    if (asked == THRUM_SMTP_TLS_IMPLICIT)
        return route_wrong(route, "TLS from the first byte on is asked for by "
                                  "smtps: in the URL");
    if (asked == THRUM_SMTP_TLS_DEFAULT)
        asked = route->url.user[0] != '\0' ? THRUM_SMTP_TLS_REQUIRED
                                           : THRUM_SMTP_TLS_OPPORTUNISTIC;
    route->tls = asked;
    return NULL;
}

static thrum_failure *route_read_account(thrum__smtp_route *route,
                                         thrum_secret *secret)
{
    const thrum__smtp_url *url = &route->url;
    thrum_failure *why = NULL;

    if (url->user[0] == '\0')
        return secret == NULL
                   ? NULL
                   : route_wrong(route, "there is a password, and no user in "
                                        "the URL (smtp://user@host)");
    if (secret == NULL)
        return route_wrong(route, "the URL names a user, and there is no "
                                  "password for it");
    if (route->tls != THRUM_SMTP_TLS_REQUIRED &&
        route->tls != THRUM_SMTP_TLS_IMPLICIT)
        return route_wrong(route, "a password is only sent within TLS that is "
                                  "required");
    route->account = thrum_smtp_account_new(route->context, url->user, secret,
                                            url->mechanism, &why);
    return why;
}

static void route_read_rest(thrum__smtp_route *route,
                            const thrum_mailer_config *config)
{
    route->mode = config->mode;
    route->window = config->window;
    route->limits = config->limits;
    if (route->limits.connect == 0)
        route->limits.connect = ROUTE_CONNECT;
    if (route->limits.tls == 0)
        route->limits.tls = ROUTE_TLS;
    if (route->limits.quit == 0)
        route->limits.quit = ROUTE_QUIT;
    if (config->trust != NULL && route->tls >= THRUM_SMTP_TLS_REQUIRED)
        route->trust = thrum_tls_ref(config->trust);
}

thrum_failure *thrum__smtp_route_read(thrum__smtp_route *route,
                                      thrum_context *context,
                                      const thrum_mailer_config *config)
{
    thrum_failure *why;

    memset(route, 0, sizeof *route);
    route->context = context;
    why = thrum__smtp_url_read(context, config->via, &route->url);
    if (why == NULL)
        why = route_read_helo(route, config->helo);
    if (why == NULL)
        why = route_read_tls(route, config->tls);
    if (why == NULL)
        why = route_read_account(route, config->secret);
    route_read_rest(route, config);
    return why;
}

void thrum__smtp_route_end(thrum__smtp_route *route)
{
    thrum_tls_unref(route->trust);
    thrum_smtp_account_unref(route->account);
}

thrum_failure *thrum__smtp_route_trust(thrum__smtp_route *route,
                                       thrum_tls **tls)
{
    thrum_tls_config anyone = {.trust_anyone = 1};
    thrum_failure *why = NULL;

    if (route->trust == NULL && route->tls == THRUM_SMTP_TLS_OPPORTUNISTIC)
        route->trust = thrum_tls_new(route->context, &anyone, &why);
    *tls = route->trust;
    return why;
}

void thrum__smtp_route_name(const thrum__smtp_route *route,
                            char name[THRUM__ROUTE_NAME])
{
    const thrum__smtp_url *url = &route->url;
    bool figures = strchr(url->host, ':') != NULL;

    snprintf(name, THRUM__ROUTE_NAME, figures ? "[%s]:%u" : "%s:%u", url->host,
             (unsigned)url->port);
}

/* A server that was reached, and refuses its service, the account or TLS, says
 * so itself. */
static bool route_has_words(const thrum_failure *why)
{
    const thrum_smtp_detail *said = thrum_failure_smtp(why);

    if (said == NULL)
        return false;
    switch (thrum_failure_code(why)) {
    case THRUM_SMTP_E_SERVICE:
    case THRUM_SMTP_E_ACCOUNT:
    case THRUM_SMTP_E_SECURITY:
        return true;
    default:
        return said->stage == THRUM_SMTP_STAGE_AUTH && said->code != 0;
    }
}

thrum_failure *thrum__smtp_route_unreachable(const thrum__smtp_route *route,
                                             const thrum_failure *why)
{
    thrum_smtp_detail detail = {
        .stage = THRUM_SMTP_STAGE_CONNECT, .enhanced = "", .text = ""};
    char peer[THRUM__ROUTE_NAME], text[ROUTE_TEXT];
    thrum_failure *failure;

    if (why != NULL && route_has_words(why))
        return thrum_failure_ref(why);
    thrum__smtp_route_name(route, peer);
    snprintf(text, sizeof text, "%s was not reached", peer);
    detail.peer = peer;
    failure = thrum__smtp_failure(route->context, THRUM_SMTP_E_UNREACHABLE,
                                  &detail, text);
    if (why != NULL)
        thrum_failure_because(failure, thrum_failure_ref(why));
    return failure;
}
