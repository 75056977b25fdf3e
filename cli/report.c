/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include <thrum/receipt.h>

#include "cli/report.h"
#include "cli/say.h"

enum { REPORT_SHOWN = 10 /* kinds of failures, to a person */ };

uint64_t cli_report_waiting(const cli_report *report)
{
    return report->total - report->accepted - report->failed - report->invalid -
           report->suppressed - report->in_doubt;
}

double cli_report_rate(const cli_report *report)
{
    double seconds = (double)report->sending / (double)THRUM_S;

    return seconds > 0 ? (double)report->accepted / seconds : 0;
}

/* What kind of failure it is; the server's words, if it said any. */
static void report_kind(const thrum_failure *why, cli_report_kind *kind)
{
    const thrum_smtp_detail *detail = thrum_failure_smtp(why);

    memset(kind, 0, sizeof *kind);
    if (detail == NULL || detail->code == 0) {
        cli_say_causes(why, kind->text, sizeof kind->text);
        return;
    }
    kind->code = detail->code;
    kind->means = thrum_smtp_verdict_name(detail->verdict);
    snprintf(kind->enhanced, sizeof kind->enhanced, "%s", detail->enhanced);
    cli_say_clean(detail->text, strlen(detail->text), kind->text,
                  sizeof kind->text);
}

void cli_report_failed(cli_report *report, const thrum_failure *why,
                       uint64_t count)
{
    cli_report_kind kind;

    report->failed += count;
    report_kind(why, &kind);
    for (size_t i = 0; i < report->kinds_count; i++) {
        cli_report_kind *known = &report->kinds[i];

        if (known->code == kind.code && strcmp(known->text, kind.text) == 0 &&
            strcmp(known->enhanced, kind.enhanced) == 0) {
            known->count += count;
            return;
        }
    }
    if (report->kinds_count == CLI_REPORT_KINDS) {
        report->other += count;
        return;
    }
    kind.count = count;
    report->kinds[report->kinds_count++] = kind;
}

/* Appends a word, and a blank before it unless it is the first. */
static void report_word(char *line, size_t room, const char *word)
{
    size_t size = strlen(line);

    if (word[0] != '\0')
        snprintf(line + size, room - size, "%s%s", size > 0 ? " " : "", word);
}

static void report_say_kind(const cli_report_kind *kind)
{
    char line[CLI_REPORT_TEXT + 64] = "", code[12] = "", means[32] = "";

    if (kind->code != 0)
        snprintf(code, sizeof code, "%d", kind->code);
    if (kind->means != NULL)
        snprintf(means, sizeof means, "(%s)", kind->means);
    report_word(line, sizeof line, code);
    report_word(line, sizeof line, kind->enhanced);
    report_word(line, sizeof line, kind->text);
    report_word(line, sizeof line, means);
    cli_say("  %llu failed: %s", (unsigned long long)kind->count, line);
}

static void report_say_kinds(const cli_report *report)
{
    size_t shown = 0;
    uint64_t rest = report->other;

    for (size_t i = 0; i < report->kinds_count; i++) {
        if (shown < REPORT_SHOWN) {
            report_say_kind(&report->kinds[i]);
            shown++;
        } else {
            rest += report->kinds[i].count;
        }
    }
    if (rest > 0)
        cli_say("  %llu failed otherwise", (unsigned long long)rest);
}

void cli_report_say(const cli_report *report)
{
    cli_say(
        "%llu recipients: %llu accepted, %llu failed, %llu invalid, "
        "%llu waiting, %llu in doubt",
        (unsigned long long)report->total, (unsigned long long)report->accepted,
        (unsigned long long)report->failed, (unsigned long long)report->invalid,
        (unsigned long long)cli_report_waiting(report),
        (unsigned long long)report->in_doubt);
    report_say_kinds(report);
    if (report->sending > 0)
        cli_say("%.1f s of sending, %.0f/s; memory %.1f MiB",
                (double)report->sending / (double)THRUM_S,
                cli_report_rate(report),
                (double)report->rss_anon_max_kib / 1024);
}

static json_t *report_json_kind(int code, const char *enhanced,
                                const char *text, uint64_t count)
{
    return json_pack("{s:i,s:s,s:s,s:I}", "code", code, "enhanced", enhanced,
                     "text", text, "count", (json_int_t)count);
}

static json_t *report_json_kinds(const cli_report *report)
{
    json_t *kinds = json_array();

    for (size_t i = 0; i < report->kinds_count; i++) {
        const cli_report_kind *kind = &report->kinds[i];

        json_array_append_new(kinds,
                              report_json_kind(kind->code, kind->enhanced,
                                               kind->text, kind->count));
    }
    if (report->other > 0)
        json_array_append_new(kinds,
                              report_json_kind(0, "", "other", report->other));
    return kinds;
}

/* Three digits behind the point are as many as mean something. */
static double report_round(double number)
{
    return (double)(uint64_t)(number * 1000 + 0.5) / 1000;
}

int cli_report_json(const cli_report *report, FILE *out)
{
    json_t *json = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:I,s:f,s:I,s:o}", "total",
        (json_int_t)report->total, "accepted", (json_int_t)report->accepted,
        "failed", (json_int_t)report->failed, "invalid",
        (json_int_t)report->invalid, "suppressed",
        (json_int_t)report->suppressed, "waiting",
        (json_int_t)cli_report_waiting(report), "in_doubt",
        (json_int_t)report->in_doubt, "seconds",
        report_round((double)report->sending / (double)THRUM_S), "rate",
        report_round(cli_report_rate(report)), "rss_anon_max_kib",
        (json_int_t)report->rss_anon_max_kib, "lag_p999_ms",
        report_round(report->lag_p999_ms), "turn_max_steps",
        (json_int_t)report->turn_max_steps, "failures",
        report_json_kinds(report));
    int error;

    if (json == NULL)
        return -1;
    error = json_dumpf(json, out,
                       JSON_COMPACT | JSON_PRESERVE_ORDER |
                           JSON_REAL_PRECISION(15));
    json_decref(json);
    return error != 0 || fputc('\n', out) == EOF ? -1 : 0;
}
