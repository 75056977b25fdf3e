/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bulk_options.h"
#include "cli/exit.h"
#include "cli/say.h"
#include "tests/support/support.h"

/* What the command said on standard error while `fd` was caught. */
typedef struct catch
{
    FILE *file;
    int kept;
    char text[4096];
}
catch;

static void catch_begin(catch *self)
{
    fflush(stderr);
    self->file = tmpfile();
    self->kept = dup(2);
    dup2(fileno(self->file), 2);
}

static const char *catch_end(catch *self)
{
    size_t size;

    fflush(stderr);
    dup2(self->kept, 2);
    close(self->kept);
    rewind(self->file);
    size = fread(self->text, 1, sizeof self->text - 1, self->file);
    self->text[size] = '\0';
    fclose(self->file);
    return self->text;
}

enum { MOST = 24 };

/* Reads a command line; what was said goes to `said`. */
static int read_line(bulk_options *options, const char *const *words,
                     catch *said)
{
    char name[] = "bulk", *argv[MOST + 2] = {name};
    int argc = 1, status;

    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)words[argc - 1];
    catch_begin(said);
    status = bulk_options_read(options, argc, argv);
    catch_end(said);
    return status;
}

#define LEAST "--from", "a@x.org", "--to", "x.csv", "--subject", "s"
#define WHOLE LEAST, "--text", "t.txt", "--via", "smtp://h"

START_TEST(options_go_to_their_settings)
{
    static const char *const words[] = {
        WHOLE,      "--header",      "A: 1",        "--header=B: 2",
        "--strict", "--connections", "25",          "--progress",
        "always",   "--json",        "--preview=7", NULL};
    bulk_options options;
    catch said;

    ck_assert_int_eq(read_line(&options, words, &said), CLI_GO_ON);
    ck_assert_str_eq(options.from, "a@x.org");
    ck_assert_str_eq(options.via, "smtp://h");
    ck_assert_uint_eq(options.headers.count, 2);
    ck_assert_str_eq(options.headers.text[1], "B: 2");
    ck_assert_uint_eq(options.connections, 25);
    ck_assert_uint_eq(options.how.window, 0);
    ck_assert_int_eq(options.how.tls, -1);
    ck_assert_uint_eq(options.preview, 7);
    ck_assert_int_eq(options.progress, BULK_PROGRESS_ALWAYS);
    ck_assert_int_eq(options.strict, 1);
    ck_assert_int_eq(options.json, 1);
    ck_assert_int_eq(options.dry_run, 0);
    ck_assert_str_eq(said.text, "");
}
END_TEST

START_TEST(what_belongs_to_the_connection_stands_together)
{
    static const char *const words[] = {WHOLE,    "--window", "8",
                                        "--tls",  "required", "--ca-file",
                                        "ca.pem", "--json",   "--password-file",
                                        "secret", NULL};
    bulk_options options;
    catch said;

    ck_assert_int_eq(read_line(&options, words, &said), CLI_GO_ON);
    ck_assert_uint_eq(options.how.window, 8);
    ck_assert_int_eq(options.how.tls + 1, THRUM_SMTP_TLS_REQUIRED);
    ck_assert_str_eq(options.how.ca_file, "ca.pem");
    ck_assert_str_eq(options.how.password_file, "secret");
    ck_assert_ptr_null(options.how.password_command);
    ck_assert_int_eq(options.how.no_pipelining, 0);
}
END_TEST

START_TEST(the_environment_stands_in_for_what_is_not_given)
{
    static const char *const words[] = {"--to",   "x", "--subject", "s",
                                        "--text", "t", NULL};
    static const char *const given[] = {WHOLE, NULL};
    bulk_options options;
    catch said;

    setenv("THRUM_FROM", "env@x.org", 1);
    setenv("THRUM_VIA", "smtp://env", 1);
    ck_assert_int_eq(read_line(&options, words, &said), CLI_GO_ON);
    ck_assert_str_eq(options.from, "env@x.org");
    ck_assert_str_eq(options.via, "smtp://env");
    ck_assert_int_eq(read_line(&options, given, &said), CLI_GO_ON);
    ck_assert_str_eq(options.from, "a@x.org");
    setenv("THRUM_FROM", "", 1);
    ck_assert_int_eq(read_line(&options, words, &said), CLI_EXIT_USAGE);
    unsetenv("THRUM_FROM");
    unsetenv("THRUM_VIA");
}
END_TEST

typedef struct wrong_case {
    const char *said; /* how what is said begins */
    const char *words[MOST];
} wrong_case;

START_TEST(a_wrong_command_line_is_said_to_be_wrong)
{
    static const wrong_case cases[] = {
        {"thrum bulk: --from is missing", {"--json", NULL}},
        {"thrum bulk: --to is missing", {"--from", "a@x.org", NULL}},
        {"thrum bulk: --subject is missing",
         {"--from", "a@x.org", "--to", "x", NULL}},
        {"thrum bulk: a letter is missing", {LEAST, NULL}},
        {"thrum bulk: --via is missing", {LEAST, "--text", "t", NULL}},
        {"thrum bulk: --letter stands for", {WHOLE, "--letter", "l", NULL}},
        {"thrum bulk: --dry-run sends nothing",
         {WHOLE, "--dry-run", "--test", "a@x.org", NULL}},
        {"thrum bulk: --password-file and --password-command: give one",
         {WHOLE, "--password-file", "f", "--password-command", "c", NULL}},
        {"thrum bulk: --no-pipelining leaves no window: give one",
         {WHOLE, "--no-pipelining", "--window", "2", NULL}},
        {"thrum bulk: --ca-file needs --tls required",
         {WHOLE, "--ca-file", "f", "--tls", "opportunistic", NULL}},
        {"thrum bulk: --window takes a number from 1 to 1024, not '1025'",
         {"--window", "1025", NULL}},
        {"thrum bulk: --tls takes one of none|opportunistic|required, not ''",
         {"--tls", "", NULL}},
        {"thrum bulk: unknown option --rate\n", {WHOLE, "--rate=5", NULL}},
        {"thrum bulk: unknown option --secret\n", {"--secret=5", NULL}},
        {"thrum bulk: unknown option -x", {"-x", NULL}},
        {"thrum bulk: --to needs a value", {"--to", NULL}},
        {"thrum bulk: --json takes no value", {"--json=1", NULL}},
        {"thrum bulk: 'more' is not an option", {WHOLE, "more", NULL}},
        {"thrum bulk: '--json' is not an option",
         {WHOLE, "--", "--json", NULL}},
        {"thrum bulk: --to is given twice", {WHOLE, "--to", "y", NULL}},
        {"thrum bulk: --connections takes a number from 1 to 1000, not '0'",
         {"--connections", "0", NULL}},
        {"thrum bulk: --connections takes a number from 1 to 1000, not ' 1'",
         {"--connections", " 1", NULL}},
        {"thrum bulk: --connections takes a number from 1 to 1000, not '1x'",
         {"--connections", "1x", NULL}},
        {"thrum bulk: --max-recipients takes a number from 1 on, not '-1'",
         {"--max-recipients", "-1", NULL}},
        {"thrum bulk: --max-recipients takes a number from 1 on, not "
         "'18446744073709551616'",
         {"--max-recipients", "18446744073709551616", NULL}},
        {"thrum bulk: --progress takes one of auto|always|never, not 'alway'",
         {"--progress", "alway", NULL}},
        {"thrum bulk: unknown option --a\\x1b[31m", {"--a\x1b[31m", NULL}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bulk_options options;
        catch said;

        ck_assert_int_eq(read_line(&options, cases[i].words, &said),
                         CLI_EXIT_USAGE);
        said.text[strlen(cases[i].said)] = '\0';
        ck_assert_str_eq(said.text, cases[i].said);
    }
}
END_TEST

START_TEST(what_needs_no_server_asks_for_none)
{
    static const char *const dry[] = {LEAST, "--text", "t", "--dry-run", NULL};
    static const char *const shown[] = {LEAST,       "--html", "t",
                                        "--preview", "3",      NULL};
    bulk_options options;
    catch said;

    ck_assert_int_eq(read_line(&options, dry, &said), CLI_GO_ON);
    ck_assert_int_eq(read_line(&options, shown, &said), CLI_GO_ON);
}
END_TEST

/* A command with an option of its own, one that it shares, and an operand. */
typedef struct trial {
    int loud;
    struct {
        uint64_t count;
        const char *word;
    } shared;
    const char *place;
} trial;

static const cli_option trial_own[] = {
    {"loud", NULL, NULL, "be loud", CLI_FLAG, offsetof(trial, loud), 0, 0},
};

static const cli_option trial_shared[] = {
    {"count", "N", NULL, "so many", CLI_NUMBER, 0, 1, 9},
    {"word", "TEXT", "THRUM_TRIAL_WORD", "a word", CLI_TEXT, 8, 0, 0},
};

static const cli_option trial_place = {.argument = "PLACE",
                                       .variable = "THRUM_TRIAL_PLACE",
                                       .kind = CLI_TEXT,
                                       .offset = offsetof(trial, place)};

static const cli_command trial_command = {
    .name = "trial",
    .about = "Tries.",
    .usage = "PLACE [OPTION]...",
    .options = trial_own,
    .count = 1,
    .shared = trial_shared,
    .shared_count = 2,
    .shared_at = offsetof(trial, shared),
    .operand = &trial_place,
};

static int trial_read(trial *settings, const char *const *words, catch *said)
{
    char name[] = "trial", *argv[MOST + 2] = {name};
    int argc = 1, status;

    *settings = (trial){.loud = 0};
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)words[argc - 1];
    catch_begin(said);
    status = cli_options_read(&trial_command, argc, argv, settings);
    catch_end(said);
    return status;
}

START_TEST(options_that_commands_share_have_their_own_place)
{
    static const char *const words[] = {"there",  "--count", "7", "--loud",
                                        "--word", "w",       NULL};
    static const char *const wrong[] = {"--count", "10", "there", NULL};
    static const char *const twice[] = {"--word", "a", "--word", "b", NULL};
    trial settings;
    catch said;

    ck_assert_int_eq(trial_read(&settings, words, &said), CLI_GO_ON);
    ck_assert_int_eq(settings.loud, 1);
    ck_assert_uint_eq(settings.shared.count, 7);
    ck_assert_str_eq(settings.shared.word, "w");
    ck_assert_str_eq(settings.place, "there");
    ck_assert_int_eq(trial_read(&settings, wrong, &said), CLI_EXIT_USAGE);
    ck_assert_str_eq(
        said.text,
        "thrum trial: --count takes a number from 1 to 9, not '10'\n");
    ck_assert_int_eq(trial_read(&settings, twice, &said), CLI_EXIT_USAGE);
    ck_assert_str_eq(said.text, "thrum trial: --word is given twice\n");
    ck_assert_ptr_null(cli_command_option(&trial_command, 3));
}
END_TEST

START_TEST(an_operand_may_stand_anywhere_and_once)
{
    static const char *const last[] = {"--loud", "there", NULL};
    static const char *const behind[] = {"--", "--loud", NULL};
    static const char *const two[] = {"here", "--loud", "there", NULL};
    static const char *const none[] = {"--loud", NULL};
    trial settings;
    catch said;

    ck_assert_int_eq(trial_read(&settings, last, &said), CLI_GO_ON);
    ck_assert_str_eq(settings.place, "there");
    ck_assert_int_eq(trial_read(&settings, behind, &said), CLI_GO_ON);
    ck_assert_str_eq(settings.place, "--loud");
    ck_assert_int_eq(settings.loud, 0);
    ck_assert_int_eq(trial_read(&settings, two, &said), CLI_EXIT_USAGE);
    ck_assert_str_eq(said.text, "thrum trial: 'there' is one word too many\n");
    ck_assert_int_eq(trial_read(&settings, none, &said), CLI_GO_ON);
    ck_assert_ptr_null(settings.place);
}
END_TEST

START_TEST(the_environment_stands_in_for_an_operand_and_what_is_shared)
{
    static const char *const none[] = {NULL};
    static const char *const given[] = {"here", "--word", "own", NULL};
    trial settings;
    catch said;

    setenv("THRUM_TRIAL_PLACE", "elsewhere", 1);
    setenv("THRUM_TRIAL_WORD", "env", 1);
    ck_assert_int_eq(trial_read(&settings, none, &said), CLI_GO_ON);
    ck_assert_str_eq(settings.place, "elsewhere");
    ck_assert_str_eq(settings.shared.word, "env");
    ck_assert_int_eq(trial_read(&settings, given, &said), CLI_GO_ON);
    ck_assert_str_eq(settings.place, "here");
    ck_assert_str_eq(settings.shared.word, "own");
    unsetenv("THRUM_TRIAL_PLACE");
    unsetenv("THRUM_TRIAL_WORD");
}
END_TEST

START_TEST(a_repeatable_option_has_a_cap)
{
    char name[] = "bulk", option[] = "--header=A: b";
    char *argv[CLI_TEXTS_MOST + 3] = {name};
    int argc = 1, status;
    bulk_options options;
    catch said;

    for (int i = 0; i <= CLI_TEXTS_MOST; i++)
        argv[argc++] = option;
    catch_begin(&said);
    status = bulk_options_read(&options, argc, argv);
    ck_assert_str_eq(catch_end(&said),
                     "thrum bulk: --header is given more than 64 times\n");
    ck_assert_int_eq(status, CLI_EXIT_USAGE);
}
END_TEST

START_TEST(help_shows_every_option_once)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    cli_options_help(&bulk_command, out);
    fclose(out);
    for (size_t i = 0; cli_command_option(&bulk_command, i) != NULL; i++) {
        char line[64];
        const char *at;

        snprintf(line, sizeof line, "\n  --%s%s",
                 cli_command_option(&bulk_command, i)->name, " ");
        at = strstr(text, line);
        ck_assert_msg(at != NULL, "%s", line);
        ck_assert_ptr_null(strstr(at + 1, line));
    }
    ck_assert_ptr_nonnull(strstr(text, "(or THRUM_VIA)\n"));
    free(text);
}
END_TEST

START_TEST(nothing_reaches_the_terminal_raw)
{
    static const struct {
        const char *raw, *clean;
    } cases[] = {
        {"plain Jürgen €", "plain Jürgen €"},
        {"\x1b[2J", "\\x1b[2J"},
        {"a\nb\r\tc", "a\\x0ab\\x0d\\x09c"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"},
        {"\xff\xc3", "\\xff\\xc3"},
    };
    char clean[64];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_say_clean(cases[i].raw, strlen(cases[i].raw), clean, sizeof clean);
        ck_assert_str_eq(clean, cases[i].clean);
    }
    ck_assert_uint_eq(cli_say_clean("€€", 6, clean, 6), 3);
    ck_assert_str_eq(clean, "€");
    ck_assert_uint_eq(cli_say_clean("a\nb", 3, clean, 5), 1);
}
END_TEST

int main(void)
{
    TCase *options = tcase_create("options");

    tcase_add_test(options, options_go_to_their_settings);
    tcase_add_test(options, what_belongs_to_the_connection_stands_together);
    tcase_add_test(options, the_environment_stands_in_for_what_is_not_given);
    tcase_add_test(options, a_wrong_command_line_is_said_to_be_wrong);
    tcase_add_test(options, what_needs_no_server_asks_for_none);
    tcase_add_test(options, options_that_commands_share_have_their_own_place);
    tcase_add_test(options, an_operand_may_stand_anywhere_and_once);
    tcase_add_test(options,
                   the_environment_stands_in_for_an_operand_and_what_is_shared);
    tcase_add_test(options, a_repeatable_option_has_a_cap);
    tcase_add_test(options, help_shows_every_option_once);
    tcase_add_test(options, nothing_reaches_the_terminal_raw);
    return support_main("options", &options, 1);
}
