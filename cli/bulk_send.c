/* SPDX-License-Identifier: MIT */
/*
 * The second pass: an iterator over the rows, a Deferred for each message, and
 * at most so many of them open that no connection ever waits for a row.
 *
 * Rows that the first pass found invalid are found so again, by the message
 * that cannot be filled: to remember them would take memory that grows with the
 * list.
 */
#include <stdlib.h>

#include "cli/bulk.h"
#include "cli/exit.h"
#include "cli/say.h"

enum {
    /* Messages in flight on a connection that has no window: one whose reply is
     * awaited, and one that is being sent. */
    SEND_FLIGHT = 2,
    SEND_SHOWN = 100
};

void bulk_accepted(bulk *self)
{
    self->report.accepted++;
}

static void send_in_doubt(bulk *self, uint64_t line, const thrum_failure *why)
{
    if (self->report.in_doubt++ < SEND_SHOWN)
        bulk_say_row(self, line, "in doubt", thrum_failure_text(why));
}

static int send_is(const thrum_failure *why, int code)
{
    return thrum_failure_is(why, &thrum_domain_smtp, code);
}

/* What was not begun when everything was cut is waiting, not failed: no server
 * has said a word about it. */
static int send_was_cut(const bulk *self, const thrum_failure *why)
{
    const thrum_smtp_detail *detail = thrum_failure_smtp(why);

    return self->cut && (detail == NULL || detail->code == 0);
}

/* Whether it was said, or happened, before any message was: while a connection
 * was opened. A message fails so only when none is up. */
static int send_is_opening(const thrum_smtp_detail *detail)
{
    switch (detail->stage) {
    case THRUM_SMTP_STAGE_CONNECT:
    case THRUM_SMTP_STAGE_GREETING:
    case THRUM_SMTP_STAGE_EHLO:
    case THRUM_SMTP_STAGE_HELO:
    case THRUM_SMTP_STAGE_STARTTLS:
    case THRUM_SMTP_STAGE_TLS:
    case THRUM_SMTP_STAGE_AUTH:
        return 1;
    default:
        return 0;
    }
}

/* Nobody else will fare better. */
static int send_no_more(const thrum_failure *why)
{
    const thrum_smtp_detail *detail = thrum_failure_smtp(why);

    return detail != NULL &&
           (send_is_opening(detail) || send_is(why, THRUM_SMTP_E_SERVICE) ||
            detail->verdict == THRUM_SMTP_VERDICT_ACCOUNT ||
            detail->verdict == THRUM_SMTP_VERDICT_OURS);
}

void bulk_refused(bulk *self, uint64_t line, const thrum_failure *why)
{
    if (send_is(why, THRUM_SMTP_E_DOUBT)) {
        send_in_doubt(self, line, why);
        return;
    }
    if (send_was_cut(self, why))
        return;
    cli_report_failed(&self->report, why, 1);
    if (self->unreachable == NULL && send_no_more(why)) {
        self->unreachable = thrum_failure_ref(why);
        self->was_unreachable = 1;
        self->stopped = 1;
    }
}

/* ---- One message ---- */

static void item_free(void *ctx)
{
    bulk_item *item = ctx;

    item->next = item->self->free;
    item->self->free = item;
}

static thrum_outcome item_accepted(void *receipt, void *ctx)
{
    bulk_item *item = ctx;

    (void)receipt;
    bulk_accepted(item->self);
    return thrum_done();
}

static thrum_outcome item_refused(const thrum_failure *why, void *ctx)
{
    bulk_item *item = ctx;

    bulk_refused(item->self, item->line, why);
    return thrum_done();
}

static thrum_outcome item_send(bulk *self, thrum_message *message,
                               uint64_t line)
{
    thrum_deferred *sent = thrum_mailer_send(self->mailer, message);
    bulk_item *item = self->free;

    self->free = item->next;
    item->line = line;
    thrum_deferred_add(sent, item_accepted, item_refused, item, item_free);
    return thrum_wait(sent);
}

/* ---- The iterator ---- */

/* The list was right when it was checked. */
static void send_list_wrong(bulk *self)
{
    cli_progress_clear(&self->progress);
    cli_say("%s", cli_list_wrong(self->list));
    self->status = self->report.accepted + self->report.failed > 0
                       ? CLI_EXIT_IO
                       : cli_list_status(self->list);
    self->stopped = 1;
}

static thrum_outcome send_next(void *it)
{
    bulk *self = it;
    thrum_message *message;
    cli_row row;
    int read;

    if (self->stopped)
        return thrum_done();
    read = cli_list_next(self->list, &row);
    if (read < 0)
        send_list_wrong(self);
    if (read <= 0)
        return thrum_done();
    message = thrum_template_fill(self->letter, row.to, row.values);
    if (message != NULL && thrum_message_failure(message) != NULL) {
        thrum_message_free(message);
        return thrum_keep();
    }
    return item_send(self, message, row.line);
}

static thrum_outcome send_ended(void *value, void *ctx)
{
    bulk *self = ctx;
    thrum_clock *clock = thrum_reactor_clock(self->reactor);
    uint64_t waiting = cli_report_waiting(&self->report);

    (void)value;
    self->report.sending = thrum_clock_read(clock) - self->began;
    if (self->unreachable != NULL && self->signal == 0 && waiting > 0)
        cli_report_failed(&self->report, self->unreachable, waiting);
    return thrum_done();
}

static void send_make_items(bulk *self, size_t open)
{
    self->items = calloc(open, sizeof *self->items);
    for (size_t i = 0; self->items != NULL && i < open; i++) {
        self->items[i].self = self;
        item_free(&self->items[i]);
    }
}

/* How many messages are open at a time: what the connections have in flight,
 * and as many again while that is renewed, so that none waits for a row. */
static size_t send_open(const bulk_options *options)
{
    size_t flight = options->how.window;

    if (flight == 0)
        flight = CLI_VIA_WINDOW;
    if (options->how.no_pipelining || flight < SEND_FLIGHT)
        flight = SEND_FLIGHT;
    return 2 * flight * options->connections;
}

thrum_deferred *bulk_send(bulk *self)
{
    size_t open = send_open(self->options);
    thrum_deferred *sent;

    send_make_items(self, open);
    if (self->items == NULL)
        return NULL;
    cli_list_rewind(self->list);
    self->sending = 1;
    self->began = thrum_clock_read(thrum_reactor_clock(self->reactor));
    sent = thrum_each(thrum_reactor_cooperator(self->reactor), send_next, self,
                      NULL, open);
    thrum_deferred_add(sent, send_ended, NULL, self, NULL);
    return sent;
}
