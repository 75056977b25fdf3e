/* SPDX-License-Identifier: MIT */
/*
 * `thrum bulk`: a program like any other. It opens what it needs, and then its
 * parts are Deferreds in a row: check all rows, send, close the mailer, report.
 *
 * It stops early in one of four ways, and each of them only takes no more rows;
 * the rest follows from that: the list is wrong (`status`), no server can be
 * reached (`unreachable`), a signal came (`signal`), or a second one (`cut`).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/bulk.h"
#include "cli/commands.h"
#include "cli/exit.h"
#include "cli/letter.h"
#include "cli/say.h"

/* ---- What is seen while it runs ---- */

static void bulk_look(void *ctx)
{
    bulk *self = ctx;
    const cli_report *report = &self->report;
    cli_progress_counts counts = {.ended = report->total};

    if (self->sending) {
        counts.total = report->total - report->invalid;
        counts.ended = report->accepted + report->failed + report->in_doubt;
        counts.failed = report->failed;
    }
    cli_progress_show(&self->progress,
                      thrum_clock_now(thrum_reactor_clock(self->reactor)),
                      &counts);
}

/* Begins to show progress, if it is to be shown; once more for each pass, since
 * the rate of one says nothing of the other. */
static void bulk_show(bulk *self)
{
    size_t width = cli_progress_terminal(STDERR_FILENO);
    int wanted = self->options->progress;
    int shown = wanted == BULK_PROGRESS_ALWAYS ||
                (wanted == BULK_PROGRESS_AUTO && width > 0);

    cli_progress_clear(&self->progress);
    cli_progress_init(&self->progress, shown ? stderr : NULL, width,
                      thrum_clock_now(thrum_reactor_clock(self->reactor)));
}

/* ---- Signals ---- */

/* The first one lets what is under way come to its end; the next one does
 * not. */
static void bulk_signalled(bulk *self, int number)
{
    cli_progress_clear(&self->progress);
    self->stopped = 1;
    if (self->signal == 0) {
        self->signal = number;
        cli_say("interrupted: what is under way will be finished (once more: "
                "at once)");
        return;
    }
    self->cut = 1;
    thrum_mailer_free(self->mailer);
    self->mailer = NULL;
}

static void bulk_interrupt(void *self)
{
    bulk_signalled(self, SIGINT);
}

static void bulk_terminate(void *self)
{
    bulk_signalled(self, SIGTERM);
}

/* ---- What it needs ---- */

/* A dry run has what sending would need, and finds out what is wrong with it;
 * it connects to nothing. */
static int bulk_needs_server(const bulk *self)
{
    const bulk_options *options = self->options;

    return options->via != NULL &&
           (options->preview == 0 || options->test != NULL);
}

static int bulk_open_mailer(bulk *self)
{
    int status = self->via.status;

    if (status != CLI_EXIT_OK || !bulk_needs_server(self))
        return status;
    self->via.config.connections = self->options->connections;
    status = cli_via_open(&self->via, self->reactor, "--via", &self->mailer);
    cli_via_fini(&self->via);
    return status;
}

static int bulk_open_list(bulk *self)
{
    self->list = cli_list_open(self->options->to);
    if (self->list == NULL) {
        cli_say("thrum bulk: out of memory");
        return CLI_EXIT_SOFTWARE;
    }
    if (cli_list_wrong(self->list) != NULL)
        cli_say("%s", cli_list_wrong(self->list));
    return cli_list_status(self->list);
}

static int bulk_open_letter(bulk *self)
{
    size_t count;
    const char *const *columns = cli_list_columns(self->list, &count);

    return cli_letter_compile(thrum_reactor_context(self->reactor),
                              self->prototype, columns, count, &self->letter);
}

/* In this order: what is wrong with the command line is said before a list is
 * read, which may take long when it comes through a pipe. */
static int bulk_open(bulk *self)
{
    thrum_context *context = thrum_reactor_context(self->reactor);
    int status = bulk_open_mailer(self);

    if (status == CLI_EXIT_OK)
        status = cli_letter_read(self->options, context, &self->prototype);
    if (status == CLI_EXIT_OK)
        status = bulk_open_list(self);
    if (status == CLI_EXIT_OK)
        status = bulk_open_letter(self);
    return status;
}

static void bulk_close(void *ctx)
{
    bulk *self = ctx;

    cli_progress_clear(&self->progress);
    cli_watch_stop(&self->watch);
    thrum_signal_free(self->interrupt);
    thrum_signal_free(self->terminate);
    thrum_mailer_free(self->mailer);
    cli_via_fini(&self->via);
    thrum_template_unref(self->letter);
    thrum_message_free(self->prototype);
    cli_list_close(self->list);
    thrum_failure_unref(self->unreachable);
    free(self->items);
}

/* ---- The parts in a row ---- */

static thrum_outcome bulk_checked(void *value, void *ctx)
{
    bulk *self = ctx;

    (void)value;
    if (self->status != CLI_EXIT_OK || self->stopped || self->options->dry_run)
        return thrum_done();
    if (self->report.total == self->report.invalid)
        return thrum_done();
    bulk_show(self);
    return thrum_wait(bulk_send(self));
}

static thrum_outcome bulk_sent(void *value, void *ctx)
{
    bulk *self = ctx;

    (void)value;
    if (self->mailer == NULL)
        return thrum_done();
    return thrum_wait(thrum_mailer_close(self->mailer));
}

static thrum_outcome bulk_broke(const thrum_failure *why, void *ctx)
{
    bulk *self = ctx;

    cli_progress_clear(&self->progress);
    if (self->status == CLI_EXIT_OK && !self->cut) {
        cli_say("thrum bulk: %s", thrum_failure_text(why));
        self->status = CLI_EXIT_SOFTWARE;
    }
    return thrum_done();
}

/* Last of all: the numbers that only the loop knows. */
static thrum_outcome bulk_over(void *value, void *ctx)
{
    bulk *self = ctx;
    thrum_cooperator *cooperator = thrum_reactor_cooperator(self->reactor);

    (void)value;
    cli_watch_stop(&self->watch);
    self->report.rss_anon_max_kib = self->watch.rss_anon_max_kib;
    self->report.lag_p999_ms = cli_watch_lag_p999_ms(&self->watch);
    self->report.turn_max_steps =
        thrum_cooperator_get_stats(cooperator).tick_max_steps;
    return thrum_done();
}

static thrum_deferred *bulk_start(bulk *self)
{
    int one = self->options->preview > 0 || self->options->test != NULL;
    thrum_deferred *parts;

    self->started = 1;
    self->interrupt =
        thrum_signal_new(self->reactor, SIGINT, bulk_interrupt, self, NULL);
    self->terminate =
        thrum_signal_new(self->reactor, SIGTERM, bulk_terminate, self, NULL);
    cli_watch_start(&self->watch, thrum_reactor_clock(self->reactor), bulk_look,
                    self);
    bulk_show(self);
    parts = one ? bulk_one(self) : bulk_check(self);
    if (!one)
        thrum_deferred_add(parts, bulk_checked, NULL, self, NULL);
    thrum_deferred_add(parts, bulk_sent, NULL, self, NULL);
    thrum_deferred_add(parts, NULL, bulk_broke, self, NULL);
    thrum_deferred_add(parts, bulk_over, NULL, self, NULL);
    return parts;
}

static thrum_outcome bulk_read(void *value, void *ctx)
{
    bulk *self = ctx;

    (void)value;
    self->status = bulk_open(self);
    return self->status == CLI_EXIT_OK ? thrum_wait(bulk_start(self))
                                       : thrum_done();
}

static thrum_deferred *bulk_run(thrum_reactor *reactor, void *ctx)
{
    bulk *self = ctx;
    thrum_deferred *parts;

    self->reactor = reactor;
    self->via.command = "bulk";
    if (bulk_needs_server(self)) {
        parts = cli_via_read(&self->via, reactor, self->options->via,
                             &self->options->how);
    } else {
        parts = thrum_deferred_new(thrum_reactor_context(reactor), "bulk");
        thrum_deferred_fire(parts, NULL, NULL);
    }
    thrum_deferred_add(parts, bulk_read, NULL, self, NULL);
    thrum_deferred_add(parts, NULL, bulk_broke, self, bulk_close);
    return parts;
}

/* ---- The end ---- */

static int bulk_status(const bulk *self)
{
    const cli_report *report = &self->report;

    if (self->status != CLI_EXIT_OK)
        return self->status;
    if (self->signal != 0)
        return self->signal == SIGINT ? CLI_EXIT_SIGINT : CLI_EXIT_SIGTERM;
    if (self->was_unreachable && report->accepted == 0)
        return CLI_EXIT_UNAVAILABLE;
    if (report->failed + report->invalid + report->in_doubt > 0)
        return CLI_EXIT_SOME;
    return CLI_EXIT_OK;
}

/* The totals; not when there is nothing to count, as with --preview. */
static int bulk_report(const bulk *self)
{
    int status = bulk_status(self);

    if (!self->started ||
        (self->options->preview > 0 && self->options->test == NULL))
        return status;
    cli_report_say(&self->report);
    if (self->options->json && cli_report_json(&self->report, stdout) != 0) {
        cli_say("thrum bulk: the totals could not be written");
        return CLI_EXIT_IO;
    }
    return status;
}

int cli_bulk(int argc, char **argv)
{
    bulk_options options;
    bulk *self;
    int status = bulk_options_read(&options, argc, argv);

    if (status != CLI_GO_ON)
        return status;
    self = calloc(1, sizeof *self);
    if (self == NULL) {
        cli_say("thrum bulk: out of memory");
        return CLI_EXIT_SOFTWARE;
    }
    self->options = &options;
    if (thrum_react(bulk_run, self) != 0 && self->status == CLI_EXIT_OK)
        self->status = CLI_EXIT_SOFTWARE;
    status = bulk_report(self);
    free(self);
    return status;
}
