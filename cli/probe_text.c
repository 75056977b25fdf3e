/* SPDX-License-Identifier: MIT */
/*
 * What a probe found, for a person: one fact a line. Servers' words are shown
 * as cli_say_clean has them.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cli/probe.h"
#include "cli/say.h"

enum { TEXT_LINE = 2048, TEXT_LABEL = 15, TEXT_DAY = 10 };

static void text_line(FILE *out, const char *label, const char *format, ...)
    THRUM_PRINTF(3, 4);

static void text_line(FILE *out, const char *label, const char *format, ...)
{
    char raw[TEXT_LINE], clean[TEXT_LINE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    cli_say_clean(raw, strlen(raw), clean, sizeof clean);
    fprintf(out, "%-*s%s\n", TEXT_LABEL, label, clean);
}

/* Appends what fits. */
static void text_add(char *line, size_t room, const char *before,
                     const char *word)
{
    size_t size = strlen(line);

    if (size < room)
        snprintf(line + size, room - size, "%s%s", size > 0 ? before : "",
                 word);
}

static void text_offers(FILE *out, const char *label,
                        const thrum_smtp_offers *offers)
{
    char line[TEXT_LINE] = "", size[32] = "";

    if (!offers->hello) {
        text_line(out, label, "nothing: it knows HELO alone");
        return;
    }
    for (const probe_word *each = probe_extensions; each->bit != 0; each++)
        if ((offers->extensions & each->bit) != 0) {
            text_add(line, sizeof line, ", ", each->word);
            if (each->bit == THRUM_SMTP_SIZE && offers->size > 0) {
                snprintf(size, sizeof size, "%" PRIu64, offers->size);
                text_add(line, sizeof line, " ", size);
            }
        }
    for (const probe_word *each = probe_mechanisms; each->bit != 0; each++)
        if ((offers->mechanisms & each->bit) != 0)
            text_add(line, sizeof line, " ", each->word);
    text_line(out, label, "%s", line[0] != '\0' ? line : "nothing");
}

static void text_certificate(FILE *out, const thrum_tls_facts *tls)
{
    char from[PROBE_DATE], until[PROBE_DATE], digest[PROBE_DIGEST];

    probe_date(tls->not_before, from);
    probe_date(tls->not_after, until);
    probe_digest(tls->sha256, digest);
    text_line(out, "  subject", "%s", tls->peer);
    text_line(out, "  issuer", "%s", tls->issuer != NULL ? tls->issuer : "");
    text_line(out, "  valid", "%.*s to %.*s", TEXT_DAY, from, TEXT_DAY, until);
    text_line(out, "  sha256", "%s", digest);
}

static void text_tls(FILE *out, const thrum_tls_facts *tls)
{
    text_line(out, "TLS", tls->cipher != NULL ? "%s, %s" : "%s", tls->version,
              tls->cipher);
    if (tls->peer != NULL)
        text_certificate(out, tls);
    if (tls->verified)
        text_line(out, "  trusted", "yes");
    else
        text_line(out, "  trusted", "no: %s", tls->unverified);
}

static void text_verdict(FILE *out, const thrum_probe_facts *facts)
{
    char words[TEXT_LINE];

    if (facts->why != NULL) {
        cli_say_causes(facts->why, words, sizeof words);
        text_line(out, "mail", "would not be sent: %s", words);
    } else if (facts->mode == THRUM_SMTP_MODE_CHUNKED) {
        text_line(out, "mail", "would be sent: %s, %u messages in flight",
                  thrum_smtp_mode_name(facts->mode), facts->window);
    } else {
        text_line(out, "mail", "would be sent: %s",
                  thrum_smtp_mode_name(facts->mode));
    }
}

void probe_text(const thrum_probe_facts *facts, FILE *out)
{
    if (facts->peer[0] != '\0')
        text_line(out, "server", "%s", facts->peer);
    if (facts->greeting_code != 0)
        text_line(out, "greeting", "%d %s", facts->greeting_code,
                  facts->greeting);
    if (facts->asked)
        text_offers(out, "before TLS", &facts->plain);
    if (facts->tls != NULL)
        text_tls(out, facts->tls);
    if (facts->secured)
        text_offers(out, "within TLS", &facts->within);
    if (facts->mechanism != 0)
        text_line(
            out, "login", "%s: %s",
            thrum_smtp_mechanism_name((thrum_smtp_mechanism)facts->mechanism),
            facts->logged_in ? "accepted" : "not accepted");
    text_verdict(out, facts);
}
