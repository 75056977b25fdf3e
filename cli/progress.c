/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/progress.h"

/* A person follows five lines a second, a log one in five seconds. */
#define PROGRESS_REWRITE (200 * THRUM_MS)
#define PROGRESS_LINE (5 * THRUM_S)

enum { PROGRESS_WIDTH = 80, PROGRESS_TEXT = 160 };

void cli_progress_init(cli_progress *progress, FILE *out, size_t width,
                       thrum_ns now)
{
    memset(progress, 0, sizeof *progress);
    progress->out = out;
    progress->rewrites = width > 0;
    progress->width = width;
    progress->every = width > 0 ? PROGRESS_REWRITE : PROGRESS_LINE;
    progress->next = now + progress->every;
}

size_t cli_progress_terminal(int fd)
{
    const char *kind = getenv("TERM");
    struct winsize size = {0};

    if (!isatty(fd) || kind == NULL || strcmp(kind, "dumb") == 0)
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return PROGRESS_WIDTH;
    return size.ws_col;
}

/* Adds a sample and answers the rate over those that are kept, a second. */
static double progress_rate(cli_progress *self, thrum_ns now, uint64_t ended)
{
    size_t count = self->samples < CLI_PROGRESS_SAMPLES ? self->samples
                                                        : CLI_PROGRESS_SAMPLES;
    cli_progress_sample first =
        self->sample[count == CLI_PROGRESS_SAMPLES
                         ? self->samples % CLI_PROGRESS_SAMPLES
                         : 0];

    self->sample[self->samples++ % CLI_PROGRESS_SAMPLES] =
        (cli_progress_sample){now, ended};
    if (count == 0 || now <= first.at || ended < first.ended)
        return 0;
    return (double)(ended - first.ended) * (double)THRUM_S /
           (double)(now - first.at);
}

/* Writes a number with a blank every three digits, which reads the same in
 * every country. Returns its length. */
static size_t progress_number(uint64_t number, char *out)
{
    char digits[24];
    size_t count = 0, length = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        out[length++] = digits[--count];
        if (count > 0 && count % 3 == 0)
            out[length++] = ' ';
    }
    out[length] = '\0';
    return length;
}

static void progress_left(uint64_t left, double rate, char *out, size_t room)
{
    uint64_t seconds = (uint64_t)((double)left / rate) + 1;

    if (seconds >= 3600)
        snprintf(out, room, ", %llu h %02llu min left",
                 (unsigned long long)(seconds / 3600),
                 (unsigned long long)(seconds / 60 % 60));
    else if (seconds >= 60)
        snprintf(out, room, ", %llu min %02llu s left",
                 (unsigned long long)(seconds / 60),
                 (unsigned long long)(seconds % 60));
    else
        snprintf(out, room, ", %llu s left", (unsigned long long)seconds);
}

static void progress_text(const cli_progress_counts *counts, double rate,
                          char *out, size_t room)
{
    char ended[32], total[32], failed[32], second[32], left[48] = "";

    progress_number(counts->ended, ended);
    progress_number(counts->total, total);
    progress_number(counts->failed, failed);
    progress_number((uint64_t)(rate + 0.5), second);
    if (counts->total == 0) {
        snprintf(out, room, "checking: %s rows", ended);
        return;
    }
    if (rate > 0 && counts->total > counts->ended)
        progress_left(counts->total - counts->ended, rate, left, sizeof left);
    snprintf(out, room, "%s of %s sent, %s/s, %s failed%s", ended, total,
             second, failed, left);
}

/* The new line over the old one; blanks where that was longer. A line that
 * reached the last column would wrap, and could not be rewritten. */
static void progress_rewrite(cli_progress *self, const char *text)
{
    size_t size = strlen(text), pad;

    if (size >= self->width)
        size = self->width - 1;
    pad = self->shown > size ? self->shown - size : 0;
    fprintf(self->out, "\r%.*s%*s", (int)size, text, (int)pad, "");
    self->shown = size;
}

void cli_progress_show(cli_progress *progress, thrum_ns now,
                       const cli_progress_counts *counts)
{
    char text[PROGRESS_TEXT];
    double rate;

    if (progress->out == NULL || now < progress->next)
        return;
    progress->next = now + progress->every;
    rate = progress_rate(progress, now, counts->ended);
    progress_text(counts, rate, text, sizeof text);
    if (progress->rewrites)
        progress_rewrite(progress, text);
    else
        fprintf(progress->out, "%s\n", text);
    fflush(progress->out);
}

void cli_progress_clear(cli_progress *progress)
{
    if (progress->out == NULL || progress->shown == 0)
        return;
    fprintf(progress->out, "\r%*s\r", (int)progress->shown, "");
    fflush(progress->out);
    progress->shown = 0;
}
