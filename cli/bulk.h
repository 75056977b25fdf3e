/* SPDX-License-Identifier: MIT */
/* What the files of `thrum bulk` share. */
#ifndef THRUM_CLI_BULK_H
#define THRUM_CLI_BULK_H

#include <thrum/mail.h>

#include "cli/bulk_options.h"
#include "cli/list.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/watch.h"

typedef struct bulk bulk;

/* A message under way. There are as many as may be open; the free ones are
 * chained. */
typedef struct bulk_item {
    bulk *self;
    uint64_t line; /* of the list */
    struct bulk_item *next;
} bulk_item;

struct bulk {
    const bulk_options *options;
    thrum_reactor *reactor;
    cli_list *list;
    thrum_message *prototype;
    thrum_template *letter;
    cli_via via;
    thrum_mailer *mailer;
    thrum_signal *interrupt, *terminate;

    int status;  /* what it stopped with; CLI_EXIT_OK: nothing did */
    int signal;  /* the first that came, or 0 */
    int stopped; /* no more rows are taken */
    int cut;     /* what was under way was ended too */
    int was_unreachable;
    thrum_failure *unreachable; /* why no more can be sent, or NULL */
    bulk_item *items, *free;
    thrum_ns began;
    uint64_t rows; /* that were passed over, to find the one */
    uint64_t line; /* where that one begins */

    cli_report report;
    int started; /* all that it needs is there */
    int sending; /* the second pass has begun */
    cli_watch watch;
    cli_progress progress;
};

/* The first pass: every row is read and checked (bulk_check.c). Ends without a
 * value; what is wrong is in `status`. Ownership: new. */
thrum_deferred *bulk_check(bulk *self);

/* Says that a row is wrong in itself. */
void bulk_say_row(bulk *self, uint64_t line, const char *state,
                  const char *why);

/* The second pass: a message for every row that is not invalid (bulk_send.c).
 * Ends without a value when the last is closed. Ownership: new. */
thrum_deferred *bulk_send(bulk *self);

/* The message of one row, to be printed or sent elsewhere (bulk_one.c). Ends
 * without a value. Ownership: new. */
thrum_deferred *bulk_one(bulk *self);

/* What became of one message. */
void bulk_accepted(bulk *self);
void bulk_refused(bulk *self, uint64_t line, const thrum_failure *why);

#endif
