/* SPDX-License-Identifier: MIT */
/*
 * The first pass. Nothing is sent before the last row was read: what makes the
 * list unreadable stops the campaign while that costs nothing. A row wrong only
 * in itself is counted and shown, and stops it only if that is asked for.
 */
#include "cli/bulk.h"
#include "cli/exit.h"
#include "cli/say.h"

enum {
    CHECK_SHOWN = 10,
    CHECK_ROWS = 16 /* in a step: together some microseconds */
};

void bulk_say_row(bulk *self, uint64_t line, const char *state, const char *why)
{
    cli_progress_clear(&self->progress);
    cli_say("%s:%llu: %s: %s", cli_list_name(self->list),
            (unsigned long long)line, state, why);
}

static void check_row(bulk *self, const cli_row *row)
{
    thrum_failure *why =
        thrum_template_check(self->letter, row->to, row->values);

    self->report.total++;
    if (why == NULL)
        return;
    if (self->report.invalid++ < CHECK_SHOWN)
        bulk_say_row(self, row->line, "invalid", thrum_failure_text(why));
    thrum_failure_unref(why);
}

static int check_too_many(bulk *self)
{
    uint64_t most = self->options->max_recipients;

    if (most == 0 || self->report.total <= most)
        return 0;
    cli_progress_clear(&self->progress);
    cli_say("thrum bulk: %s: more than %llu recipients (--max-recipients)",
            cli_list_name(self->list), (unsigned long long)most);
    self->status = CLI_EXIT_DATA;
    return 1;
}

static void check_list_wrong(bulk *self)
{
    cli_progress_clear(&self->progress);
    cli_say("%s", cli_list_wrong(self->list));
    self->status = cli_list_status(self->list);
}

static thrum_outcome check_next(void *it)
{
    bulk *self = it;
    cli_row row;

    if (self->stopped)
        return thrum_done();
    for (int rows = 0; rows < CHECK_ROWS; rows++) {
        int read = cli_list_next(self->list, &row);

        if (read < 0)
            check_list_wrong(self);
        if (read <= 0)
            return thrum_done();
        check_row(self, &row);
        if (check_too_many(self))
            return thrum_done();
    }
    return thrum_keep();
}

static thrum_outcome check_ended(void *value, void *ctx)
{
    bulk *self = ctx;
    uint64_t invalid = self->report.invalid;

    (void)value;
    cli_progress_clear(&self->progress);
    if (invalid > CHECK_SHOWN)
        cli_say("and %llu more", (unsigned long long)(invalid - CHECK_SHOWN));
    if (self->status == CLI_EXIT_OK && self->options->strict && invalid > 0) {
        cli_say("thrum bulk: --strict: nothing was sent");
        self->status = CLI_EXIT_DATA;
    }
    return thrum_done();
}

thrum_deferred *bulk_check(bulk *self)
{
    thrum_deferred *checked = thrum_coiterate(
        thrum_reactor_cooperator(self->reactor), check_next, self, NULL);

    thrum_deferred_add(checked, check_ended, NULL, self, NULL);
    return checked;
}
