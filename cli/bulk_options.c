/* SPDX-License-Identifier: MIT */
#include "cli/bulk_options.h"
#include "cli/exit.h"
#include "cli/say.h"

#define AT(member) offsetof(bulk_options, member)

static const cli_option bulk_table[] = {
    {"from", "MAILBOX", "THRUM_FROM", "who it is from: 'Name <address>'",
     CLI_TEXT, AT(from), 0, 0},
    {"to", "FILE", NULL, "the list, a CSV file; - is standard input", CLI_TEXT,
     AT(to), 0, 0},
    {"subject", "TEXT", NULL, "the subject; {{column}} is a slot", CLI_TEXT,
     AT(subject), 0, 0},
    {"text", "FILE", NULL, "the letter as text", CLI_TEXT, AT(text), 0, 0},
    {"html", "FILE", NULL, "the letter in HTML", CLI_TEXT, AT(html), 0, 0},
    {"letter", "NAME", NULL, "both: NAME.txt and NAME.html", CLI_TEXT,
     AT(letter), 0, 0},
    {"header", "'NAME: VALUE'", NULL, "one more header; may be given again",
     CLI_TEXTS, AT(headers), 0, 0},
    {"reply-to", "MAILBOX", NULL, "where answers go", CLI_TEXT, AT(reply_to), 0,
     0},
    {"envelope-from", "ADDRESS", NULL, "where bounces go; may hold slots",
     CLI_TEXT, AT(envelope_from), 0, 0},
    {"strict", NULL, NULL, "an invalid row stops it before it starts", CLI_FLAG,
     AT(strict), 0, 0},
    {"max-recipients", "N", NULL, "refuse a longer list", CLI_NUMBER,
     AT(max_recipients), 1, UINT64_MAX},
    {"dry-run", NULL, NULL, "read and check only", CLI_FLAG, AT(dry_run), 0, 0},
    {"preview", "ROW", NULL, "print the message of that row, from 1, and end",
     CLI_NUMBER, AT(preview), 1, UINT64_MAX},
    {"test", "ADDRESS", NULL,
     "send one row's message there: row 1, or that of --preview", CLI_TEXT,
     AT(test), 0, 0},
    {"progress", "auto|always|never", NULL, "show how it goes (auto)",
     CLI_CHOICE, AT(progress), 0, 0},
    {"json", NULL, NULL, "print the totals as JSON", CLI_FLAG, AT(json), 0, 0},
    {"via", "URL", "THRUM_VIA",
     "the server: smtp://[user@]host[:port], or smtps:", CLI_TEXT, AT(via), 0,
     0},
    {"connections", "N", NULL, "at most so many at a time (10)", CLI_NUMBER,
     AT(connections), 1, 1000},
};

const cli_command bulk_command = {
    .name = "bulk",
    .about = "Sends a message to everybody in a list, one for each.",
    .usage = "--from MAILBOX --to FILE --subject TEXT --text FILE --via URL "
             "[OPTION]...",
    .options = bulk_table,
    .count = sizeof bulk_table / sizeof *bulk_table,
    .shared = cli_via_table,
    .shared_count = CLI_VIA_OPTIONS,
    .shared_at = AT(how),
};

static int bulk_options_usage(const char *what)
{
    cli_say("thrum bulk: %s", what);
    cli_say("Try 'thrum bulk --help'.");
    return CLI_EXIT_USAGE;
}

/* What is missing, or does not go together; NULL: nothing. */
static const char *bulk_options_wrong(const bulk_options *options)
{
    int sends =
        !options->dry_run && (options->preview == 0 || options->test != NULL);

    if (options->from == NULL)
        return "--from is missing (and THRUM_FROM is not set)";
    if (options->to == NULL)
        return "--to is missing";
    if (options->subject == NULL)
        return "--subject is missing";
    if (options->letter != NULL &&
        (options->text != NULL || options->html != NULL))
        return "--letter stands for --text and --html: give one or the other";
    if (options->letter == NULL && options->text == NULL &&
        options->html == NULL)
        return "a letter is missing: --text, --html or --letter";
    if (options->dry_run && options->test != NULL)
        return "--dry-run sends nothing, --test does: give one or the other";
    if (sends && options->via == NULL)
        return "--via is missing (and THRUM_VIA is not set)";
    return cli_via_options_wrong(&options->how);
}

int bulk_options_read(bulk_options *options, int argc, char **argv)
{
    const char *wrong;
    int status;

    *options = (bulk_options){.connections = 10, .how = {.tls = -1}};
    status = cli_options_read(&bulk_command, argc, argv, options);
    if (status != CLI_GO_ON)
        return status;
    wrong = bulk_options_wrong(options);
    return wrong == NULL ? CLI_GO_ON : bulk_options_usage(wrong);
}
