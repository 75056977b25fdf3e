/* SPDX-License-Identifier: MIT */
/*
 * What a probe found, for a program. jansson takes UTF-8 alone, and servers say
 * what they like: their words pass through cli_say_clean first.
 */
#include <jansson.h>
#include <string.h>

#include "cli/probe.h"
#include "cli/say.h"

enum { JSON_WORDS = 4096 };

static json_t *json_words(const char *text)
{
    char clean[JSON_WORDS];

    if (text == NULL)
        return json_null();
    cli_say_clean(text, strlen(text), clean, sizeof clean);
    return json_string(clean);
}

static json_t *json_list(const probe_word *words, unsigned bits)
{
    json_t *list = json_array();

    for (; words->bit != 0; words++)
        if ((bits & words->bit) != 0)
            json_array_append_new(list, json_string(words->word));
    return list;
}

static json_t *json_offers(const thrum_smtp_offers *offers)
{
    return json_pack(
        "{s:s,s:o,s:o?,s:o}", "hello", offers->hello ? "EHLO" : "HELO",
        "extensions", json_list(probe_extensions, offers->extensions), "size",
        offers->size > 0 ? json_integer((json_int_t)offers->size) : NULL,
        "mechanisms", json_list(probe_mechanisms, offers->mechanisms));
}

static json_t *json_certificate(const thrum_tls_facts *tls)
{
    char from[PROBE_DATE], until[PROBE_DATE], digest[PROBE_DIGEST];

    if (tls->peer == NULL)
        return NULL;
    probe_date(tls->not_before, from);
    probe_date(tls->not_after, until);
    probe_digest(tls->sha256, digest);
    return json_pack("{s:o,s:o,s:s,s:s,s:s}", "subject", json_words(tls->peer),
                     "issuer", json_words(tls->issuer), "not_before", from,
                     "not_after", until, "sha256", digest);
}

static json_t *json_tls(const thrum_tls_facts *tls)
{
    return json_pack("{s:s,s:s?,s:o?,s:b,s:o}", "version", tls->version,
                     "cipher", tls->cipher, "certificate",
                     json_certificate(tls), "trusted", tls->verified,
                     "untrusted", json_words(tls->unverified));
}

static json_t *json_login(const thrum_probe_facts *facts)
{
    return json_pack(
        "{s:s,s:b}", "mechanism",
        thrum_smtp_mechanism_name((thrum_smtp_mechanism)facts->mechanism),
        "accepted", facts->logged_in);
}

/* The server's words, where it has said any. */
static json_t *json_reply(const thrum_smtp_detail *said)
{
    if (said == NULL || said->code == 0)
        return NULL;
    return json_pack("{s:i,s:o,s:o}", "code", said->code, "enhanced",
                     json_words(said->enhanced), "text",
                     json_words(said->text));
}

static json_t *json_failure(const thrum_failure *why)
{
    const thrum_smtp_detail *said = thrum_failure_smtp(why);
    char words[JSON_WORDS];

    cli_say_causes(why, words, sizeof words);
    return json_pack(
        "{s:s,s:s?,s:s?,s:o?}", "text", words, "stage",
        said != NULL ? thrum_smtp_stage_name(said->stage) : NULL, "verdict",
        said != NULL ? thrum_smtp_verdict_name(said->verdict) : NULL, "reply",
        json_reply(said));
}

static json_t *json_facts(const thrum_probe_facts *facts)
{
    int sends = facts->why == NULL;
    json_t *greeting = NULL;

    if (facts->greeting_code != 0)
        greeting = json_pack("{s:i,s:o}", "code", facts->greeting_code, "text",
                             json_words(facts->greeting));
    return json_pack(
        "{s:b,s:o,s:o?,s:o?,s:o?,s:o?,s:o?,s:s?,s:o?,s:o?}", "sends", sends,
        "server", json_words(facts->peer[0] != '\0' ? facts->peer : NULL),
        "greeting", greeting, "before_tls",
        facts->asked ? json_offers(&facts->plain) : NULL, "tls",
        facts->tls != NULL ? json_tls(facts->tls) : NULL, "within_tls",
        facts->secured ? json_offers(&facts->within) : NULL, "login",
        facts->mechanism != 0 ? json_login(facts) : NULL, "mode",
        sends ? thrum_smtp_mode_name(facts->mode) : NULL, "window",
        sends && facts->mode == THRUM_SMTP_MODE_CHUNKED
            ? json_integer(facts->window)
            : NULL,
        "failure", sends ? NULL : json_failure(facts->why));
}

int probe_json(const thrum_probe_facts *facts, FILE *out)
{
    json_t *json = json_facts(facts);
    int error;

    if (json == NULL)
        return -1;
    error = json_dumpf(json, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
    return error != 0 || fputc('\n', out) == EOF ? -1 : 0;
}
