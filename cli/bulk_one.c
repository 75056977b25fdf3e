/* SPDX-License-Identifier: MIT */
/*
 * One row: its message is printed (--preview), or sent to an address that was
 * given (--test).
 */
#include <stdio.h>
#include <string.h>

#include "cli/bulk.h"
#include "cli/exit.h"
#include "cli/say.h"

/* A letter of 8 MiB, encoded, twice. */
enum { ONE_MOST = 64 * 1024 * 1024 };

static void one_print(bulk *self, thrum_message *message)
{
    thrum_buffer out;
    int error;

    thrum_buffer_init(&out, thrum_reactor_context(self->reactor), ONE_MOST);
    error = thrum_message_write(message, &out);
    if (error == 0) {
        fwrite(out.data, 1, out.size, stdout);
    } else {
        cli_say("thrum bulk: the message could not be written: %s",
                error == THRUM_E_NOMEM ? "out of memory" : "too long");
        self->status = CLI_EXIT_SOFTWARE;
    }
    thrum_buffer_fini(&out);
    thrum_message_free(message);
}

static thrum_outcome one_accepted(void *receipt, void *it)
{
    bulk *self = it;

    cli_say("accepted: %s", thrum_receipt_reply(receipt));
    bulk_accepted(self);
    return thrum_done();
}

static thrum_outcome one_refused(const thrum_failure *why, void *it)
{
    bulk *self = it;

    bulk_refused(self, self->line, why);
    return thrum_done();
}

static thrum_outcome one_send(bulk *self, thrum_message *message)
{
    thrum_deferred *sent = thrum_mailer_send(self->mailer, message);

    self->report.total = 1;
    thrum_deferred_add(sent, one_accepted, one_refused, self, NULL);
    return thrum_wait(sent);
}

static thrum_outcome one_found(bulk *self, const cli_row *row)
{
    const char *test = self->options->test;
    thrum_bytes to = row->to;
    thrum_failure *why;
    thrum_message *message;

    if (test != NULL)
        to = (thrum_bytes){test, strlen(test)};
    why = thrum_template_check(self->letter, to, row->values);
    if (why != NULL) {
        bulk_say_row(self, row->line, "invalid", thrum_failure_text(why));
        thrum_failure_unref(why);
        self->status = CLI_EXIT_DATA;
        return thrum_done();
    }
    message = thrum_template_fill(self->letter, to, row->values);
    if (test != NULL)
        return one_send(self, message);
    one_print(self, message);
    return thrum_done();
}

static void one_missing(bulk *self, uint64_t wanted, uint64_t rows)
{
    if (cli_list_wrong(self->list) != NULL) {
        cli_say("%s", cli_list_wrong(self->list));
        self->status = cli_list_status(self->list);
        return;
    }
    cli_say("thrum bulk: %s: there is no row %llu, the list has %llu",
            cli_list_name(self->list), (unsigned long long)wanted,
            (unsigned long long)rows);
    self->status = CLI_EXIT_DATA;
}

static thrum_outcome one_next(void *it)
{
    bulk *self = it;
    uint64_t wanted = self->options->preview > 0 ? self->options->preview : 1;
    cli_row row;

    /* The step is called once more when the message was sent. */
    if (self->stopped || self->report.total > 0)
        return thrum_done();
    if (cli_list_next(self->list, &row) <= 0) {
        one_missing(self, wanted, self->rows);
        return thrum_done();
    }
    self->rows = row.number;
    self->line = row.line;
    return row.number < wanted ? thrum_keep() : one_found(self, &row);
}

thrum_deferred *bulk_one(bulk *self)
{
    return thrum_coiterate(thrum_reactor_cooperator(self->reactor), one_next,
                           self, NULL);
}
